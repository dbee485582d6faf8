"""Steps of calls that enter Python several times, as Python that the interpreter enters."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

Namespace: TypeAlias = Mapping[str, Any]


def run_class_body(function: types.FunctionType, namespace: Namespace) -> types.CellType | None:
    """Run a class body over a namespace. The interpreter knows this function by identity and enters the body."""
    raise NotImplementedError(f"{function.__qualname__} must be interpreted, over {type(namespace).__name__}")


def build_class(function: Any, name: str, /, *bases: Any, **keywords: Any) -> Any:
    """`__build_class__` (Python/bltinmodule.c), with the body interpreted."""
    resolved = types.resolve_bases(bases)
    metaclass, namespace, keywords = types.prepare_class(name, resolved, keywords)
    cell = run_class_body(function, namespace)
    if resolved is not bases:
        namespace["__orig_bases__"] = bases
    cls = metaclass(name, resolved, namespace, **keywords)
    if isinstance(cls, type) and isinstance(cell, types.CellType):
        try:
            content = cell.cell_contents
        except ValueError:
            raise RuntimeError(
                f"__class__ not set defining {name!r} as {cls!r}. Was __classcell__ propagated to type.__new__?"
            ) from None
        if content is not cls:
            raise TypeError(f"__class__ set to {content!r} defining {name!r} as {cls!r}")
    return cls


def construct(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`type.__call__` (Objects/typeobject.c)."""
    instance = cls.__new__(cls, *args, **kwargs)
    if type.__subclasscheck__(cls, type(instance)):  # by the real MRO, whatever a metaclass says
        result = type(instance).__init__(instance, *args, **kwargs)
        if result is not None:
            raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialise(instance: Any, initialiser: Any, /, *args: Any, **kwargs: Any) -> Any:
    """What is left of `construct` for an instance that `object.__new__` made."""
    result = initialiser(instance, *args, **kwargs)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialise_without(instance: Any, initialiser: Any, /) -> Any:
    """`initialise` without arguments."""
    result = initialiser(instance)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialise_with_one(instance: Any, initialiser: Any, first: Any, /) -> Any:
    """`initialise` with one argument; calls that unpack take four times as long."""
    result = initialiser(instance, first)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


def initialise_with_two(instance: Any, initialiser: Any, first: Any, second: Any, /) -> Any:
    """`initialise` with two arguments."""
    result = initialiser(instance, first, second)
    if result is not None:
        raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance


INITIALISE: Final = (initialise_without, initialise_with_one, initialise_with_two)
"""`initialise` by the number of arguments, where all are positional."""


def first_answer(attempts: tuple[tuple[Callable[[Any], Any], Any], ...], otherwise: Callable[[], Any]) -> Any:
    """Call methods until one doesn't answer NotImplemented (Objects/abstract.c, binary_op1)."""
    for method, operand in attempts:
        result = method(operand)
        if result is not NotImplemented:
            return result
    return otherwise()


def attribute_or_fallback(get: Callable[..., Any], args: tuple[Any, ...], fallback: Any, owner: Any, name: str) -> Any:
    """What `get` gives, or `__getattr__` if that raises AttributeError (Objects/typeobject.c, slot_tp_getattr_hook)."""
    try:
        return get(*args)
    except AttributeError:
        pass
    return fallback(owner, name)


def truth_by_bool(method: Callable[[], Any]) -> bool:
    """`bool(value)` by `__bool__` (Objects/typeobject.c, slot_nb_bool)."""
    result = method()
    if result is not True and result is not False:
        raise TypeError(f"__bool__ should return bool, returned {type(result).__name__}")
    return result


def truth_by_length(method: Callable[[], Any], check: Callable[[Any], int]) -> bool:
    """`bool(value)` by `__len__`."""
    return check(method()) != 0


def checked(method: Callable[..., Any], args: tuple[Any, ...], check: Callable[[Any], Any]) -> Any:
    """What a special method gives, once C code has checked it."""
    return check(method(*args))


def contains_by_method(method: Callable[[Any], Any], item: Any) -> bool:
    """`item in container` by `__contains__`."""
    return True if method(item) else False  # noqa: SIM210 - so that the truth is asked here, and interpreted


def contains_by_iteration(container: Any, item: Any) -> bool:
    """`item in container` by iterating it (Objects/abstract.c, _PySequence_IterSearch)."""
    for other in container:  # noqa: SIM110 - `any` would compare in C
        if other is item or other == item:
            return True
    return False


def collect(iterable: Any, most: int | None) -> tuple[Any, ...]:
    """The items of an iterable as a tuple, not many more than `most` of them."""
    items = []
    for item in iterable:
        items.append(item)
        if most is not None and len(items) > most:
            break
    return tuple(items)


def extend(target: Any, add: Callable[[Any], Any], items: Any) -> None:
    """Add the items of an iterable one by one."""
    for item in items:
        add(item)


def update_by_keys(target: Any, items: Any) -> None:
    """`{**target, **items}` for a mapping in Python (Objects/dictobject.c, dict_merge)."""
    for key in items.keys():  # noqa: SIM118 - a mapping is what has keys()
        target[key] = items[key]


def negation(value: Any) -> bool:
    """`not value`."""
    return False if value else True  # noqa: SIM211 - so that the truth is asked here


def by_index(container: Any) -> Iterator[Any]:
    """What iterates an object with `__getitem__` alone (Objects/iterobject.c)."""
    at = 0
    while True:
        try:
            item = container[at]
        except (IndexError, StopIteration):
            return
        yield item
        at += 1


def call_with(callee: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """`callee(*args, **kwargs)` with `args` iterated here."""
    items = []
    for item in args:
        items.append(item)  # noqa: PERF402 - `list` would iterate in C
    return callee(*items, **kwargs)


def next_or(iterator: Any, default: Any) -> Any:
    """`next(iterator, default)`."""
    try:
        return next(iterator)
    except StopIteration:
        pass
    return default
