"""What the interpreter does around special methods written in Python (Objects/abstract.c, object.c, typeobject.c)."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

__framelift_hidden__ = True


def proceed(op: str, left: Any, right: Any, stage: int) -> Any:
    """Ask the next operand, `stage` questions having been answered by NotImplemented.

    The domain knows a rule for this function; its body runs where a break was in the answer to a question.
    """
    for operand, other, method in _questions(op, left, right)[stage:]:
        found = getattr(type(operand), method, None)
        result = NotImplemented if found is None else found(operand, other)
        if result is not NotImplemented:
            return result
    if op in {"==", "!="}:
        return (left is right) is (op == "==")
    names = f"{type(left).__name__!r} and {type(right).__name__!r}"
    if op in _COMPARISONS:
        raise TypeError(f"{op!r} not supported between instances of {names}")
    raise TypeError(f"unsupported operand type(s) for {'** or pow()' if op == '**' else op}: {names}")


_COMPARISONS = {
    "<": ("__lt__", "__gt__"), "<=": ("__le__", "__ge__"), "==": ("__eq__", "__eq__"), "!=": ("__ne__", "__ne__"),
    ">": ("__gt__", "__lt__"), ">=": ("__ge__", "__le__"),
}  # fmt: skip
_NAMES = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift",
}  # fmt: skip


def _questions(op: str, left: Any, right: Any) -> list[tuple[Any, Any, str]]:
    """Who is asked what, in order (Python's data model, 3.3.8)."""
    refined = type(left) is not type(right) and issubclass(type(right), type(left))
    if op in _COMPARISONS:
        first, second = (left, right, _COMPARISONS[op][0]), (right, left, _COMPARISONS[op][1])
        return [second, first] if refined else [first, second]
    name = _NAMES.get(op) or _NAMES[op[:-1]]
    questions = [] if op in _NAMES else [(left, right, f"__i{name}__")]
    first, second = (left, right, f"__{name}__"), (right, left, f"__r{name}__")
    if type(left) is type(right):
        return [*questions, first]
    mine, theirs = getattr(type(left), second[2], None), getattr(type(right), second[2], None)
    overridden = refined and theirs is not None and theirs is not mine
    return [*questions, second, first] if overridden else [*questions, first, second]


def attempt(method: Callable[..., Any], first: Any, second: Any, op: str, left: Any, right: Any, stage: int) -> Any:
    """Ask one operand, and the next one if it answers NotImplemented."""
    result = method(first, second)
    if result is NotImplemented:
        return proceed(op, left, right, stage)
    return result


def attempt_unequal(
    equal: Callable[..., Any], first: Any, second: Any, op: str, left: Any, right: Any, stage: int
) -> Any:
    """`object.__ne__`: the inverse of `__eq__`."""
    result = equal(first, second)
    if result is NotImplemented:
        return proceed(op, left, right, stage)
    return not result


def negation(value: Any) -> bool:
    """`not value`."""
    return False if value else True  # noqa: SIM211 - `not` is what this defines


def truth_by_bool(method: Callable[..., Any], value: Any) -> bool:
    """`bool(value)` by `__bool__`."""
    result = method(value)
    if result is True or result is False:
        return result
    raise TypeError(f"__bool__ should return bool, returned {type(result).__name__}")


def length_by(method: Callable[..., Any], value: Any) -> int:
    """`len(value)` by `__len__`."""
    result = method(value)
    if not isinstance(result, int):
        raise TypeError(f"'{type(result).__name__}' object cannot be interpreted as an integer")
    if result < 0:
        raise ValueError("__len__() should return >= 0")
    return result


def truth_by_length(method: Callable[..., Any], value: Any) -> bool:
    """`bool(value)` by `__len__`."""
    return length_by(method, value) != 0


def contains_by(method: Callable[..., Any], container: Any, item: Any) -> bool:
    """`item in container` by `__contains__`."""
    return True if method(container, item) else False  # noqa: SIM210 - `bool` is what this defines


def contains_by_iteration(container: Any, item: Any) -> bool:
    """`item in container` without `__contains__`."""
    for one in container:  # noqa: SIM110 - a generator expression would be one more frame
        if one is item or one == item:
            return True
    return False


def text_by(method: Callable[..., Any], value: Any, name: str) -> str:
    """`str(value)` or `repr(value)`."""
    result = method(value)
    if not isinstance(result, str):
        raise TypeError(f"{name} returned non-string (type {type(result).__name__})")
    return result


def escaped_text_by(method: Callable[..., Any], value: Any) -> str:
    """`ascii(value)`."""
    return ascii_of(text_by(method, value, "__repr__"))


def ascii_of(text: str) -> str:
    """Escape what is not ASCII in a representation."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def item_or_missing(payload: dict[Any, Any], key: Any, missing: Callable[..., Any], owner: Any) -> Any:
    """`owner[key]` for a dict subclass with `__missing__`."""
    if key in payload:
        return payload[key]
    return missing(owner, key)


def attribute_or_fallback(get: Callable[..., Any], fallback: Callable[..., Any], owner: Any, name: str) -> Any:
    """Attribute access where the class has `__getattr__`: asked when `get(owner, name)` raises AttributeError."""
    try:
        return get(owner, name)
    except AttributeError:
        pass
    return fallback(owner, name)


def property_or_fallback(get: Callable[..., Any], fallback: Callable[..., Any], owner: Any, name: str) -> Any:
    """A property where the class has `__getattr__`."""
    try:
        return get(owner)
    except AttributeError:
        pass
    return fallback(owner, name)


def descriptor_or_fallback(
    get: Callable[..., Any], descriptor: Any, owner: Any, cls: Any, fallback: Callable[..., Any], name: str
) -> Any:
    """A data descriptor where the class has `__getattr__`."""
    try:
        return get(descriptor, owner, cls)
    except AttributeError:
        pass
    return fallback(owner, name)


def attribute_or_default(get: Callable[..., Any], owner: Any, name: str, default: Any) -> Any:
    """`getattr(owner, name, default)`."""
    try:
        return get(owner, name)
    except AttributeError:
        return default


def initialised(instance: Any, initialise: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`type.__call__` once the instance exists."""
    result = initialise(instance, *args, **kwargs)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def make_and_initialise(
    cls: Any, make: Callable[..., Any], initialise: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`type.__call__` with a `__new__` written in Python."""
    instance = make(cls, *args, **kwargs)
    if isinstance(instance, cls):
        result = initialise(instance, *args, **kwargs)
        if result is not None:
            raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def iterate_by(method: Callable[..., Any], value: Any) -> Any:
    """`iter(value)` by `__iter__`."""
    return method(value)


def items_of(iterator: Any) -> tuple[Any, ...]:
    """All that an iterable gives, as a tuple."""
    found = []
    for item in iterator:
        found.append(item)  # noqa: PERF402 - a comprehension is another frame on some versions
    return tuple(found)


def unpacked(iterable: Any, count: int) -> tuple[Any, ...]:
    """The values of `a, b = iterable` (Python/ceval.c, unpack_iterable)."""
    iterator = iter(iterable)
    found: list[Any] = []
    while len(found) < count:
        try:
            found.append(next(iterator))
        except StopIteration:
            break
    if len(found) < count:
        raise ValueError(f"not enough values to unpack (expected {count}, got {len(found)})")
    for _ in iterator:
        raise ValueError(f"too many values to unpack (expected {count})")
    return tuple(found)


def call_with(callee: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """`callee(*args, **kwargs)` where what `args` gives is not known at once."""
    return callee(*items_of(args), **kwargs)


def call_with_mapping(callee: Callable[..., Any], args: Any, mapping: Any) -> Any:
    """`callee(*args, **mapping)` for a mapping that is asked for its keys and items."""
    return call_with(callee, args, merged({}, mapping, None))


def merged(target: dict[str, Any], mapping: Any, callee: str | None) -> dict[str, Any]:
    """The keywords of a call with those of a mapping that is asked (Objects/dictobject.c, dict_merge)."""
    for key in mapping.keys():  # noqa: SIM118 - it is asked for its keys
        if not isinstance(key, str):
            raise TypeError("keywords must be strings")
        if key in target:
            raise TypeError(f"{callee}() got multiple values for keyword argument {key!r}")
        target[key] = mapping[key]
    return target


def exception_made(cls: Callable[[], Any]) -> Any:
    """`raise cls`."""
    made = cls()
    if not isinstance(made, BaseException):
        raise TypeError(
            f"calling {cls} should have returned an instance of BaseException, not {type(made)}"  # the rule's own words
        )
    return made


def initialised_0(instance: Any, initialise: Callable[..., Any]) -> Any:
    """`type.__call__` once the instance exists, without arguments."""
    result = initialise(instance)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialised_1(instance: Any, initialise: Callable[..., Any], first: Any) -> Any:
    """As `initialised_0`, with one argument."""
    result = initialise(instance, first)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialised_2(instance: Any, initialise: Callable[..., Any], first: Any, second: Any) -> Any:
    """As `initialised_0`, with two arguments."""
    result = initialise(instance, first, second)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


INITIALISED = (initialised_0, initialised_1, initialised_2)
"""By number of arguments: packing them in a tuple would cost the interpreter four instructions."""


def adopt_payload(cls: Any, content: Any) -> Any:
    """Make an instance of `cls` around `content`; the domain knows a rule for this function."""
    base: Any = type(content)
    if base not in _FILLED:
        return base.__new__(cls, content)
    made = base.__new__(cls)
    refill_payload(made, content)
    return made


_FILLED = frozenset({list, dict, set, deque, OrderedDict, defaultdict})


def with_payload(cls: Any, base: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`cls(*args, **kwargs)` for a subclass of the built-in `base` whose content has to be computed."""
    return adopt_payload(cls, base(*args, **kwargs))


def refill_payload(instance: Any, content: Any) -> None:
    """Replace the content of an instance; the domain knows a rule for this function."""
    base = type(content)
    if base is deque:
        deque.__init__(instance, content, content.maxlen)
    elif base is defaultdict:
        defaultdict.__init__(instance, content.default_factory, content)
    elif base is OrderedDict:
        for key, value in content.items():
            OrderedDict.__setitem__(instance, key, value)
    else:
        base.__init__(instance, content)


def initialise_payload(instance: Any, base: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`base.__init__(instance, *args, **kwargs)` for a mutable built-in class."""
    refill_payload(instance, base(*args, **kwargs))


def raise_with_cause(cls: Callable[[], Any], cause: Any) -> Any:
    """`raise cls from cause`, where making either runs Python code."""
    made = exception_made(cls)
    if isinstance(cause, type):
        cause = exception_made(cause)
    made.__cause__ = cause
    return made
