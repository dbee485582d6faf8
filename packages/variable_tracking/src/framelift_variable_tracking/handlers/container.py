"""What handlers of containers share: tables of methods, arity errors, unread items, equality that is known at once."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast

from framelift_bytecode_interp import Break, Enter, Raise, Result, Unwind, Value
from framelift_guards import Source

from ..classes import mro_of, name_of, namespace_of
from ..effects import Content
from ..handler import Answer, Arguments, CallContext, Keywords, Tracking, TypeHandler
from ..polyfills.sequence import matches
from ..reasons import UnsupportedOperation
from ..variable import (
    NOT_CONSTANT,
    BoundMethodVariable,
    CellVariable,
    ConstantVariable,
    DescriptorVariable,
    FunctionVariable,
    GeneratorVariable,
    HashKey,
    ObjectVariable,
    ReferenceVariable,
    SuperVariable,
    Variable,
)

NONE = ConstantVariable(None)
"""What methods that return nothing answer."""

Operation: TypeAlias = Callable[[Tracking, Any, Arguments, Keywords], Answer]
"""A method of a built-in type: gets the receiver, and arguments whose number is right."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a built-in type.

    Args:
        operation: what it does.
        least: the fewest positional arguments.
        most: the most positional arguments; None for any number.
        keywords: the names that it takes as keywords; None for any.
    """

    operation: Operation
    least: int = 0
    most: int | None = 0
    keywords: frozenset[str] | None = frozenset()

    def accepts(self, args: Arguments, kwargs: Keywords) -> bool:
        """Tell whether CPython accepts this many arguments and these names."""
        if len(args) < self.least or (self.most is not None and len(args) > self.most):
            return False
        return self.keywords is None or self.keywords.issuperset(kwargs)


def on_class(cls: type, name: str) -> object:
    """Return an attribute of a class without its metaclass or descriptors, or None."""
    for base in mro_of(cls):
        namespace = namespace_of(base)
        if name in namespace:
            return namespace[name]
    return None


def constant(value: object) -> Value[Variable]:
    """Answer a constant."""
    return Value(ConstantVariable(value))


def host_error(domain: Tracking, error: Exception) -> Raise[Variable]:
    """Raise what a host container raised, with the same arguments (they must be plain data)."""
    return domain.raise_error(type(error), *error.args)


class ContainerHandler(TypeHandler):
    """The base of the handlers here: a table of methods, each checked for its number of arguments."""

    methods: ClassVar[Mapping[str, Method]] = {}
    """The methods by name."""

    sample: ClassVar[Callable[[], object]] = object
    """Makes a real, empty object of the type; it words the TypeErrors of wrong calls."""

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        method = self.methods.get(name)
        if method is None:
            return super().call_method(domain, variable, name, args, kwargs)
        if method.accepts(args, kwargs):
            return method.operation(domain, variable, args, kwargs)
        return self.refuse(domain, variable, name, args, kwargs)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        """Bind a method, or say that there is no such attribute."""
        cls = variable.cls
        if name == "__class__":
            return Value(domain.reference(cls))
        found = on_class(cls, name)
        if found is None:
            return domain.raise_error(AttributeError, f"{name_of(cls)!r} object has no attribute {name!r}")
        if isinstance(found, types.MethodDescriptorType):
            return Value(BoundMethodVariable(domain.reference(found), variable, types.BuiltinMethodType))
        if isinstance(found, types.WrapperDescriptorType):
            return Value(BoundMethodVariable(domain.reference(found), variable, types.MethodWrapperType))
        if isinstance(found, types.ClassMethodDescriptorType):
            return Value(domain.reference(getattr(cls, name)))
        return super().get_attribute(domain, variable, name)

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        return self._refuse_change(domain, variable, name, lambda sample: setattr(sample, name, None))

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        return self._refuse_change(domain, variable, name, lambda sample: delattr(sample, name))

    def _refuse_change(
        self, domain: Tracking, variable: Variable, name: str, change: Callable[[object], None]
    ) -> Answer:
        try:
            change(type(self).sample())
        except (AttributeError, TypeError) as error:
            return host_error(domain, error)
        return super().set_attribute(domain, variable, name, variable)

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        return domain.raise_error(TypeError, f"{name_of(variable.python_type())!r} object is not callable")

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        return domain.raise_error(TypeError, f"bad operand type for unary {op}: {name_of(operand.cls)!r}")

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if (
            op == "*"
            and on_class(right.python_type(), "__rmul__") is not None
            and on_class(right.python_type(), "__len__") is not None
        ):
            # Which TypeError it is depends on whether the operator is augmented (PyNumber_InPlaceMultiply).
            return domain.unsupported(left, "multiplication by a sequence")
        return None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return None

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return None

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return self._refuse_item(domain, container, key, operator.getitem)

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        return self._refuse_item(domain, container, key, operator.setitem, None)

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return self._refuse_item(domain, container, key, operator.delitem)

    def _refuse_item(
        self, domain: Tracking, container: Variable, key: Variable, operation: Callable[..., object], *values: None
    ) -> Answer:
        """Raise the TypeError of a type without items; its words depend on whether the key is an integer."""
        sample = type(self).sample()
        if type(sample) is container.cls:
            try:
                operation(sample, None if on_class(key.python_type(), "__index__") is None else 0, *values)
            except TypeError as error:
                return host_error(domain, error)
        return domain.unsupported(container, "access to an item")

    def refuse(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        """Raise the TypeError of a call with the wrong arguments, in CPython's words."""
        try:
            getattr(type(self).sample(), name)(*[None for _ in args], **dict.fromkeys(kwargs))
        except TypeError as error:
            return host_error(domain, error)
        except (LookupError, ValueError):
            pass  # CPython takes these arguments: the table of methods is narrower, which is no error of the program
        return super().call_method(domain, variable, name, args, kwargs)


def changed(domain: Tracking, variable: Variable) -> None:
    """Record that the content of `variable` changed, if its object existed before the capture."""
    if variable.source is not None:
        domain.effects.record(Content(variable))


class Unread:
    """The items of an existing sequence that were not asked for yet: no guard depends on them.

    Args:
        domain: wraps items.
        values: the real items.
        source: gives the source of the item at an index.
        via: the class whose `__len__` measures it, where its own class may override that.
    """

    __slots__ = ("domain", "source", "values", "via")

    def __init__(
        self,
        domain: Tracking,
        values: Sequence[object],
        source: Callable[[int], Source],
        via: type | None = None,
    ) -> None:
        self.domain = domain
        self.values = values
        self.source = source
        self.via = via

    def read(self, index: int) -> Variable:
        """Wrap one item."""
        return self.domain.wrap(self.values[index], self.source(index))


class HolderVariable(Variable):
    """A variable that holds others, and so may be part of a cycle."""

    __slots__ = ()


HOLDERS = (
    HolderVariable,
    ObjectVariable,
    FunctionVariable,
    CellVariable,
    BoundMethodVariable,
    GeneratorVariable,
    SuperVariable,
    DescriptorVariable,
)


def may_be_cyclic(items: Iterable[Variable]) -> bool:
    """Tell whether making one of these objects anew may lead back to their container."""
    return any(item.source is None and isinstance(item, HOLDERS) for item in items)


# ---- answers that stop a host container's method ------------------------------------------------------------------


def key_of(domain: Tracking, variable: Variable) -> HashKey:
    """Return the variable as a key.

    Raises:
        Unwind: it is unhashable, or its hash runs unknown code.
    """
    key = domain.hash_key(variable)
    if isinstance(key, HashKey):
        return key
    raise Unwind(key)


def keys_of(domain: Tracking, variables: Iterable[Variable]) -> list[HashKey] | None:
    """Return the variables as keys; None if one of them has no key, so that they have to be taken one by one."""
    keys = [domain.hash_key(variable) for variable in variables]
    return [key for key in keys if isinstance(key, HashKey)] if all(isinstance(k, HashKey) for k in keys) else None


def demand(answer: Result[Any]) -> Any:
    """Return the value of an answer that is immediate.

    Raises:
        Unwind: it raised or broke.
    """
    if isinstance(answer, Value):
        return answer.value
    if isinstance(answer, Enter):
        raise Unwind(
            Break(UnsupportedOperation("callback", "interpretation", "it happens inside of a built-in method"))
        )
    raise Unwind(answer)


def natives(domain: Tracking, values: Sequence[object]) -> list[Variable]:
    """Return variables for objects that C code just made.

    Raises:
        Unwind: one of them is unknown.
    """
    return [cast("Variable", demand(domain.from_native(value))) for value in values]


# ---- equality -------------------------------------------------------------------------------------------------------


def compares_by_identity(domain: Tracking, variable: Variable) -> bool:
    """Tell whether `==` of the variable's class is `is`, guarding it for a class made in Python."""
    if isinstance(variable, ConstantVariable):
        return False
    if domain.handler_of(variable).overridable and domain.special(variable, "__eq__") is not None:
        return False
    return on_class(variable.python_type(), "__eq__") is object.__eq__


def same_object(left: Variable, right: Variable) -> bool:
    """Tell whether two variables are one object, for all that containers compare by identity before `==`."""
    if left is right:
        return True
    if isinstance(left, ConstantVariable | ReferenceVariable) and isinstance(
        right, ConstantVariable | ReferenceVariable
    ):
        return left.value is right.value
    return False


def distinct(domain: Tracking, left: Variable, right: Variable) -> bool:
    """Tell that two variables are different objects, guarding it where they existed before; they are never one.

    Raises:
        Unwind: it can't be told.
    """
    return not domain.as_constant(demand(domain.identical(left, right)))


class EqualityHandler(ContainerHandler):
    """A handler whose equality may be known at once."""

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        """Tell whether `left == right`, where that runs no code; else None."""
        return None


def known_equal(domain: Tracking, left: Variable, right: Variable) -> bool | None:
    """Tell whether `left is right or left == right`, where that runs no code; else None.

    None also says that they are two objects, which is guarded: `==` is what remains to be asked.
    """
    if same_object(left, right):
        return True
    plain_left, plain_right = isinstance(left, ConstantVariable), isinstance(right, ConstantVariable)
    if plain_left and plain_right:
        return bool(left.value == right.value)  # type: ignore[attr-defined]
    alone_left, alone_right = compares_by_identity(domain, left), compares_by_identity(domain, right)
    if (alone_left or plain_left) and (alone_right or plain_right):
        return False if plain_left or plain_right else not distinct(domain, left, right)
    equal = _known_by_handler(domain, left, right, alone_left or plain_left, alone_right or plain_right)
    if equal is None and left.source is not None and right.source is not None and left.cls is right.cls:
        domain.identical(left, right)
    return equal


def _known_by_handler(
    domain: Tracking, left: Variable, right: Variable, simple_left: bool, simple_right: bool
) -> bool | None:
    """Ask the handlers; an operand is simple if it has no equality that would take a container."""
    handler, other = domain.handler_of(left), domain.handler_of(right)
    if isinstance(handler, EqualityHandler):
        if simple_right:
            return False
        return handler.known_equal(domain, left, right) if isinstance(other, EqualityHandler) else None
    return False if isinstance(other, EqualityHandler) and simple_left else None


def all_equal(domain: Tracking, left: Sequence[Variable], right: Sequence[Variable]) -> bool | None:
    """Tell whether two sequences are equal, where that runs no code; else None."""
    if len(left) != len(right):
        return False
    for one, other in zip(left, right, strict=True):
        equal = known_equal(domain, one, other)
        if equal is not True:
            return equal
    return True


def find(domain: Tracking, items: Sequence[Variable], item: Variable, start: int = 0) -> int | None:
    """Return the index of the first item that is or equals `item`, or -1; None where that runs code."""
    for index in range(start, len(items)):
        equal = known_equal(domain, items[index], item)
        if equal is None:
            return None
        if equal:
            return index
    return -1


def _matches(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    one, other = args
    equal = known_equal(domain, one, other)
    return domain.compare("==", one, other) if equal is None else constant(equal)


RULES = {matches: _matches}


def text_inside(domain: Tracking, container: Variable, variable: Variable, conversion: str) -> str | None:
    """Return the repr of what a container holds, where that runs no code and doesn't meet the container again."""
    if container in domain.being_shown:
        return None
    domain.being_shown.append(container)
    try:
        answer = domain.convert(variable, "a" if conversion == "a" else "r")
    finally:
        domain.being_shown.pop()
    text = domain.as_constant(answer.value) if isinstance(answer, Value) else NOT_CONSTANT
    return text if isinstance(text, str) else None
