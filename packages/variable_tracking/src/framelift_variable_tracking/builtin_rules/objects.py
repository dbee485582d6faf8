"""Built-in functions about objects: their type, attributes, identity and text."""

from __future__ import annotations

import abc
import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from framelift_bytecode_interp import Break, Enter, Value
from framelift_guards import CallSource, ConstantSource, Equals
from framelift_guards.naming import Reader

from ..classes import mro_of, namespace_of
from ..evaluation import constant, is_plain, plain
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..handlers.address import address_of
from ..polyfills import objects as polyfills
from ..reasons import UnsupportedCall
from ..variable import NOT_CONSTANT, ConstantVariable, ReferenceVariable, Variable
from .arguments import breaking, evaluated, forwarded, name_of, raises, refuse


def on_type(cls: type, name: str) -> Any:
    """Return what the MRO of `cls` has under a name, without descriptors, or NOT_CONSTANT."""
    for base in mro_of(cls):
        namespace = namespace_of(base)
        if name in namespace:
            return namespace[name]
    return NOT_CONSTANT


def _type(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) == 1 and not kwargs:
        return Value(domain.reference(args[0].python_type()))
    if len(args) == 3:
        return Break(UnsupportedCall("type", "a class is made by running it"))
    return refuse(domain, type, args, kwargs)


def _callable(domain: Tracking, variable: Variable) -> Answer:
    return constant(domain.class_attribute(variable.python_type(), "__call__") is not None)


def _members(domain: Tracking, classes: Variable) -> list[Any] | None:
    """Return the classes of a second argument of isinstance, flat; None when one is unknown."""
    if isinstance(classes, ReferenceVariable):
        if isinstance(classes.value, types.UnionType):
            return list(classes.value.__args__)
        return [classes.value]
    if isinstance(classes, ConstantVariable):
        return [classes.value]
    if classes.cls is not tuple:
        return None
    items = domain.sequence(classes)
    found: list[Any] = []
    for item in items or ():
        inner = _members(domain, item)
        if inner is None:
            return None
        found += inner
    return None if items is None else found


_LIBRARY: Final = frozenset(("abc", "collections", "contextlib", "io", "numbers", "os", "typing"))


class IsSubclass(Reader):
    """`is_subclass(cls)`: an abstract class takes the class for one of its own."""

    def __init__(self, candidate: type) -> None:
        if type(candidate).__subclasscheck__ is not abc.ABCMeta.__subclasscheck__:
            raise TypeError(f"{candidate!r} is no abstract class, which alone may take others for its own")
        self.candidate = candidate

    def parts(self) -> tuple[object, ...]:
        return (self.candidate,)

    def __call__(self, cls: Any) -> bool:
        return issubclass(cls, self.candidate)


def _abstract(domain: Tracking, cls: type, candidate: type) -> Answer:
    """Ask an abstract class, which classes may register with at any time: so the answer is guarded."""
    if candidate in mro_of(cls):
        return constant(value=True)
    hook = on_type(candidate, "__subclasshook__")
    library = str(namespace_of(candidate).get("__module__")).partition(".")[0] in _LIBRARY
    if not library and hook is not object.__dict__["__subclasshook__"]:
        return Break(UnsupportedCall("isinstance", f"{candidate.__qualname__} has a __subclasshook__"))
    test = IsSubclass(candidate)
    answer = test(cls)
    source = ConstantSource(cls.__qualname__, cls, weak=True)
    domain.guard(CallSource(test, source, f" is a subclass of {candidate.__qualname__}"), Equals(answer))
    return constant(answer)


def _asks_for_the_class(domain: Tracking, cls: type) -> Break | None:
    """Rely on instances telling their class as it is, where isinstance asks for `__class__`; break where Python tells.

    CPython's `object_isinstance` and `ABCMeta.__instancecheck__` (`Objects/abstract.c`, `Modules/_abc.c`) do.
    """
    domain.class_attribute(cls, "__getattribute__")
    if isinstance(on_type(cls, "__getattribute__"), types.WrapperDescriptorType) and cls not in weakref.ProxyTypes:
        return None
    return Break(UnsupportedCall("isinstance", f"{name_of(cls)} has a __getattribute__ of its own"))


def _check(
    method: str, test: Callable[[type, type], bool]
) -> Callable[[Tracking, CallContext, Variable, type, Any], Answer]:
    """Return how one class of isinstance or issubclass is tested: `test` past metaclasses, else their `method`."""

    def check(domain: Tracking, context: CallContext, subject: Variable, cls: type, candidate: Any) -> Answer:
        if not isinstance(candidate, type):
            return Break(UnsupportedCall(method, "the class is no ordinary class"))
        if method == "__instancecheck__" and cls is candidate:
            return constant(value=True)
        hook = on_type(type(candidate), method)
        if hook is type.__dict__[method]:
            domain.guard_lineage(cls)
            passes = test(cls, candidate)
            asked = method == "__instancecheck__" and not passes
            return (_asks_for_the_class(domain, cls) if asked else None) or constant(passes)
        if isinstance(hook, types.FunctionType) and hook is abc.ABCMeta.__dict__.get(method):
            asked = method == "__instancecheck__"
            return (_asks_for_the_class(domain, cls) if asked else None) or _abstract(domain, cls, candidate)
        bound = domain.special_method(domain.reference(candidate), method)
        if not isinstance(bound, Value):
            return bound
        return domain.polyfill(polyfills.check_by, bound.value, subject)

    return check


def _subtype(cls: type, candidate: type) -> bool:
    return candidate in mro_of(cls)


_check_instance = _check("__instancecheck__", _subtype)
_check_subclass = _check("__subclasscheck__", _subtype)


def _any_of(
    domain: Tracking,
    candidates: list[Any],
    check: Callable[[Any], Answer],
    polyfill: Callable[..., Any],
    subject: Variable,
) -> Answer:
    """Ask `check` about one class after the other; `polyfill` goes on where one's metaclass is Python code."""
    answer: Answer = constant(value=False)
    for position, candidate in enumerate(candidates):
        answer = check(candidate)
        if isinstance(answer, Enter) and position < len(candidates) - 1:
            left = domain.build_tuple([domain.reference(other) for other in candidates[position:]])
            return domain.polyfill(polyfill, subject, left.value) if isinstance(left, Value) else left
        if not isinstance(answer, Value) or (isinstance(answer.value, ConstantVariable) and answer.value.value):
            return answer
    return answer


def _isinstance(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 2 or kwargs:
        return refuse(domain, isinstance, args, kwargs)
    subject, classes = args
    candidates = _members(domain, classes)
    if candidates is None:
        return Break(UnsupportedCall("isinstance", "its second argument is not known"))
    cls = subject.python_type()
    if any(not isinstance(candidate, type) for candidate in candidates):
        return _refuse_classes(domain, isinstance, classes)
    if on_type(cls, "__class__") is not object.__dict__["__class__"]:
        return Break(UnsupportedCall("isinstance", f"{cls.__qualname__} defines __class__"))
    return _any_of(
        domain,
        candidates,
        lambda candidate: _check_instance(domain, context, subject, cls, candidate),
        polyfills.instance_of_any,
        subject,
    )


def _refuse_classes(domain: Tracking, function: Callable[..., Any], classes: Variable) -> Answer:
    if is_plain(plain(domain, classes)):
        return refuse(domain, function, (classes, classes), {})
    return Break(UnsupportedCall(name_of(function), "its second argument is no class"))


def _issubclass(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 2 or kwargs:
        return refuse(domain, issubclass, args, kwargs)
    subject, classes = args
    candidates = _members(domain, classes)
    if candidates is None or not isinstance(subject, ReferenceVariable) or not isinstance(subject.value, type):
        return Break(UnsupportedCall("issubclass", "its arguments are not known classes"))
    cls = subject.value
    return _any_of(
        domain,
        candidates,
        lambda candidate: _check_subclass(domain, context, subject, cls, candidate),
        polyfills.subclass_of_any,
        subject,
    )


# ---- attributes -----------------------------------------------------------------------------------------------------


def _name(domain: Tracking, function: Callable[..., Any], variable: Variable) -> str | Answer:
    """Return the attribute name that is a constant str, or the answer for anything else."""
    name = plain(domain, variable)
    if type(name) is str:
        return name
    if name is NOT_CONSTANT:
        return Break(UnsupportedCall(name_of(function), "the name is not known"))
    try:
        function(None, name, *((None,) if function is setattr else ()))
    except TypeError as error:
        return domain.raise_error(TypeError, *error.args)
    return Break(UnsupportedCall(name_of(function), "the name is no string"))


def _getattr(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if not 2 <= len(args) <= 3 or kwargs:
        return refuse(domain, getattr, args, kwargs)
    name = _name(domain, getattr, args[1])
    if not isinstance(name, str):
        return name
    answer = domain.get_attribute(args[0], name)
    if len(args) == 2:
        return answer
    if isinstance(answer, Enter):
        return domain.polyfill(polyfills.getattr_default, *args)
    return Value(args[2]) if raises(answer, AttributeError) else answer


def _hasattr(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 2 or kwargs:
        return refuse(domain, hasattr, args, kwargs)
    name = _name(domain, hasattr, args[1])
    if not isinstance(name, str):
        return name
    answer = domain.get_attribute(args[0], name)
    if isinstance(answer, Enter):
        return domain.polyfill(polyfills.hasattr_, *args)
    if raises(answer, AttributeError):
        return constant(value=False)
    return constant(value=True) if isinstance(answer, Value) else answer


def _setattr(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 3 or kwargs:
        return refuse(domain, setattr, args, kwargs)
    name = _name(domain, setattr, args[1])
    if not isinstance(name, str):
        return name
    return _none(domain.set_attribute(args[0], name, args[2]), lambda: domain.polyfill(polyfills.setattr_, *args))


def _delattr(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 2 or kwargs:
        return refuse(domain, delattr, args, kwargs)
    name = _name(domain, delattr, args[1])
    if not isinstance(name, str):
        return name
    return _none(domain.delete_attribute(args[0], name), lambda: domain.polyfill(polyfills.delattr_, *args))


def _none(answer: Answer, again: Callable[[], Answer]) -> Answer:
    """Answer None for a statement that was done; where it enters a frame, whose result isn't the answer, do `again`."""
    if isinstance(answer, Value):
        return constant(None)
    return again() if isinstance(answer, Enter) else answer


def _vars(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return Break(UnsupportedCall("vars", "it makes a dictionary of the frame's variables"))
    answer = domain.get_attribute(args[0], "__dict__")
    if raises(answer, AttributeError):
        return domain.raise_error(TypeError, "vars() argument must have __dict__ attribute")
    return answer


def _hash(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return refuse(domain, hash, args, kwargs)
    method = on_type(args[0].python_type(), "__hash__")
    if method is None:
        return domain.raise_error(TypeError, f"unhashable type: {args[0].python_type().__name__!r}")
    if isinstance(method, types.FunctionType):
        return domain.polyfill(polyfills.hash_, args[0])
    return Break(UnsupportedCall("hash", "the hash of this object is known only when it runs"))


def _format(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if not 1 <= len(args) <= 2 or kwargs:
        return refuse(domain, format, args, kwargs)
    return domain.format_value(args[0], args[1] if len(args) == 2 else None)


def _convert(conversion: str) -> Callable[[Tracking, Variable], Answer]:
    def operation(domain: Tracking, variable: Variable) -> Answer:
        return domain.convert(variable, conversion)

    return operation


def _length(domain: Tracking, variable: Variable) -> Answer:
    return domain.length(variable)


_REAL: Final = "it must run for real, in the program's order"

RULES: Final[Mapping[Any, FunctionRule]] = {
    type: _type,
    callable: forwarded(callable, _callable, 1),
    isinstance: _isinstance,
    issubclass: _issubclass,
    getattr: _getattr,
    hasattr: _hasattr,
    setattr: _setattr,
    delattr: _delattr,
    vars: _vars,
    hash: evaluated(hash, _hash),
    len: forwarded(len, _length, 1),
    repr: forwarded(repr, _convert("r"), 1),
    ascii: forwarded(ascii, _convert("a"), 1),
    format: _format,
    id: forwarded(id, address_of, 1),
    print: breaking(print, _REAL),
    input: breaking(input, _REAL),
    open: breaking(open, _REAL),
    exec: breaking(exec, "it runs text"),
    eval: breaking(eval, "it runs text"),
    dir: breaking(dir, "it may run the object's __dir__"),
    globals: breaking(globals, "it hands out the real dictionary"),
    locals: breaking(locals, "it hands out the frame's variables"),
}
"""The rules, by function."""
