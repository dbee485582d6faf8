"""Handlers of values that are known whole: what numbers, texts and singletons have in common, and the singletons."""

from __future__ import annotations

import ast
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import (
    BINARY_OPERATORS,
    COMPARISONS,
    INPLACE_OPERATORS,
    UNARY_OPERATORS,
    Break,
    Raise,
    Result,
    Value,
)
from framelift_guards import Equals, Is, IsNone, Source

from ..emitter import Emitter
from ..evaluation import SCALARS, constant, evaluate, native_error, plain, plain_all, too_special, wide
from ..handler import Answer, Arguments, Keywords, Tracking, TypeHandler
from ..scalar_operators import refused
from ..variable import NOT_CONSTANT, BoundMethodVariable, ConstantVariable, HashKey, ReferenceVariable, Variable

CONVERSIONS: Final[Mapping[str, Callable[[Any], str]]] = {"s": str, "r": repr, "a": ascii}

_METHOD_TYPES: Final = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)
_DATA_TYPES: Final = (types.GetSetDescriptorType, types.MemberDescriptorType)


def value_of(variable: Variable) -> Any:
    """Return the value of a constant variable."""
    assert isinstance(variable, ConstantVariable)
    return variable.value


class ConstantHandler(TypeHandler):
    """Immutable values that are known whole and hold no other objects; operations are evaluated by Python itself."""

    methods: ClassVar[frozenset[str]] = frozenset()
    """The pure methods, by name; their results depend on nothing but plain arguments."""

    class_methods: ClassVar[frozenset[str]] = frozenset()
    """The pure class and static methods, by name."""

    attributes: ClassVar[frozenset[str]] = frozenset()
    """The pure data attributes, by name."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Equals(value))
        return ConstantVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return constant(value)

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        return variable.value if isinstance(variable, ConstantVariable) else NOT_CONSTANT

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        if not isinstance(variable, ConstantVariable):
            return domain.unsupported(variable, "hashing")
        return HashKey(variable.value, variable)

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        if not isinstance(variable, ConstantVariable):
            return domain.unsupported(variable, "a truth test")
        return Value(bool(variable.value))

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not isinstance(left, ConstantVariable):
            return domain.unsupported(left, f"the comparison {op!r}")
        if not isinstance(right, ConstantVariable) or right.cls not in SCALARS:
            return None
        return evaluate(domain, COMPARISONS[op], left.value, right.value)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operate(domain, op, BINARY_OPERATORS[op], left, right)

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operate(domain, op, INPLACE_OPERATORS[op], left, right)

    def _operate(
        self, domain: Tracking, op: str, function: Callable[[Any, Any], Any], left: Variable, right: Variable
    ) -> Answer | None:
        """Evaluate an operator, reflected or not, on two constants; None when the other operand is none."""
        if not isinstance(left, ConstantVariable):
            return domain.unsupported(left, f"the operator {op!r}")
        if not isinstance(right, ConstantVariable) or right.cls not in SCALARS:
            return None
        return refused(op, left.value, right.value) or evaluate(domain, function, left.value, right.value)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return None

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        if not isinstance(variable, ConstantVariable):
            return super().convert(domain, variable, conversion)
        return evaluate(domain, CONVERSIONS[conversion], variable.value)

    def format(self, domain: Tracking, variable: Variable, spec: str) -> Answer:
        if not isinstance(variable, ConstantVariable) or wide(spec) or spec.endswith("n"):
            return domain.unsupported(variable, "format()")
        return evaluate(domain, format, variable.value, spec)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        cls = variable.cls
        if name == "__class__":
            return Value(domain.reference(cls))
        found = _type_attribute(cls, name)
        if found is NOT_CONSTANT:
            return domain.raise_error(AttributeError, f"{cls.__name__!r} object has no attribute {name!r}")
        if isinstance(found, _METHOD_TYPES):
            if isinstance(found, types.ClassMethodDescriptorType):
                return Value(domain.reference(getattr(cls, name)))
            made = (
                types.MethodWrapperType if isinstance(found, types.WrapperDescriptorType) else types.BuiltinMethodType
            )
            return Value(BoundMethodVariable(domain.reference(found), variable, made))
        if name in self.attributes and isinstance(variable, ConstantVariable):
            return evaluate(domain, getattr, variable.value, name)
        if isinstance(found, (staticmethod, types.BuiltinFunctionType, type)):
            return Value(domain.reference(getattr(cls, name)))
        if type(found) in SCALARS:
            return constant(found)
        return domain.unsupported(variable, f"reading the attribute {name!r}")

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        return self._refuse_change(domain, variable, name, setattr, None)

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        return self._refuse_change(domain, variable, name, delattr)

    def _refuse_change(
        self, domain: Tracking, variable: Variable, name: str, change: Callable[..., None], *values: None
    ) -> Answer:
        """Ask the immutable value itself for its exception; a change of `__class__` and the like breaks."""
        if not isinstance(variable, ConstantVariable) or name == "__class__":
            return domain.unsupported(variable, f"setting the attribute {name!r}")
        try:
            change(variable.value, name, *values)
        except (AttributeError, TypeError) as error:
            return native_error(domain, error)
        return domain.unsupported(variable, f"setting the attribute {name!r}")

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        return domain.raise_error(TypeError, f"{variable.cls.__name__!r} object is not callable")

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if isinstance(variable, ReferenceVariable) and name in self.class_methods:
            return self._call_class_method(domain, variable.value, name, args, kwargs)
        if not isinstance(variable, ConstantVariable):
            return domain.unsupported(variable, f"the method {name!r}")
        special = self._special(domain, variable, name, args) if not kwargs else None
        if special is not None:
            return special
        if name not in self.methods:
            return domain.unsupported(variable, f"the method {name!r}")
        values = plain_all(domain, args)
        keywords = {key: plain(domain, argument) for key, argument in kwargs.items()}
        if values is None or NOT_CONSTANT in map(_marker, keywords.values()):
            return too_special(variable.cls.__name__, f"the method {name!r}")
        refused_method = self.refuse(variable.value, name, [*values, *keywords.values()])
        return refused_method or evaluate(domain, getattr(variable.value, name), *values, **keywords)

    def _call_class_method(self, domain: Tracking, cls: type, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        values, keywords = plain_all(domain, args), plain_all(domain, list(kwargs.values()))
        if values is None or keywords is None:
            return too_special(cls.__name__, f"the method {name!r}")
        return evaluate(domain, getattr(cls, name), *values, **dict(zip(kwargs, keywords, strict=True)))

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        """Return a break for a method call whose result is too large or depends on more than its arguments."""
        return None

    def _special(self, domain: Tracking, variable: ConstantVariable, name: str, args: Arguments) -> Answer | None:
        """Answer a special method that is called by its name; None for other methods."""
        if name in _COMPARISON_METHODS and len(args) == 1:
            value = plain(domain, args[0])
            return (
                None if value is NOT_CONSTANT else evaluate(domain, getattr(variable.cls, name), variable.value, value)
            )
        if name in {"__hash__", "__bool__", "__len__", "__int__", "__float__", "__index__", "__complex__"} and not args:
            return evaluate(domain, getattr(variable.cls, name), variable.value)
        if name in _CONVERSION_METHODS and not args:
            return self.convert(domain, variable, _CONVERSION_METHODS[name])
        if name == "__format__" and len(args) == 1:
            spec = plain(domain, args[0])
            return self.format(domain, variable, spec) if type(spec) is str else None
        if name == "__len__" and not args:
            return self.length(domain, variable)
        if name == "__iter__" and not args:
            return self.get_iter(domain, variable)
        if name == "__getitem__" and len(args) == 1:
            return self.get_item(domain, variable, args[0])
        if name == "__contains__" and len(args) == 1:
            return self.contains(domain, variable, args[0])
        if name in _BINARY_METHODS and len(args) == 1 and isinstance(args[0], ConstantVariable):
            return self._operate(domain, _BINARY_METHODS[name], getattr(variable.cls, name), variable, args[0])
        if (
            name in {"__divmod__", "__rdivmod__"}
            and len(args) == 1
            and not issubclass(args[0].cls, (int, float, complex))
        ):
            return constant(NotImplemented)
        if name in _REFLECTED_METHODS and len(args) == 1 and isinstance(args[0], ConstantVariable):
            reflected = getattr(variable.cls, name)
            return self._operate(domain, _REFLECTED_METHODS[name], _swapped(reflected), args[0], variable)
        if (name in _BINARY_METHODS or name in _REFLECTED_METHODS) and len(args) == 1:
            # No operand of another class: a number can't be one of a subclass here, which is a constant itself.
            return None if issubclass(args[0].cls, (*_NUMBERS, str, bytes)) else constant(NotImplemented)
        if name in _UNARY_METHODS and not args:
            return self.unary(domain, _UNARY_METHODS[name], variable)
        return None

    # What the type does not have, Python itself refuses, in the words of its version.

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        return evaluate(domain, len, value_of(variable))

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        return evaluate(domain, UNARY_OPERATORS[op], value_of(operand))

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        return evaluate(domain, operator.contains, value_of(container), None)

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return evaluate(domain, operator.getitem, value_of(container), _stand_in(domain, key))

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        return evaluate(domain, operator.setitem, value_of(container), _stand_in(domain, key), None)

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return evaluate(domain, operator.delitem, value_of(container), _stand_in(domain, key))

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return evaluate(domain, iter, value_of(variable))

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        return evaluate(domain, next, value_of(variable))

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.constant(value_of(variable))


def _stand_in(domain: Tracking, variable: Variable) -> Any:
    """Return a key for an operation that is refused whatever the key's value is."""
    value = plain(domain, variable)
    return None if value is NOT_CONSTANT else value


def _marker(value: object) -> object:
    """Return NOT_CONSTANT itself or a stand-in that compares to nothing of the user's."""
    return NOT_CONSTANT if value is NOT_CONSTANT else None


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the function with its arguments the other way round."""

    def swapped(left: Any, right: Any) -> Any:
        return function(right, left)

    return swapped


def available(cls: type, *names: str) -> frozenset[str]:
    """Return those of the names that this version's class has."""
    return frozenset(name for name in names if hasattr(cls, name))


def _type_attribute(cls: type, name: str) -> Any:
    """Return what the MRO of a built-in type has under a name, unbound, else NOT_CONSTANT."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return NOT_CONSTANT


_NUMBERS: Final = (int, float, complex)
_COMPARISON_METHODS: Final = frozenset(("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"))
_CONVERSION_METHODS: Final = {"__str__": "s", "__repr__": "r"}
_UNARY_METHODS: Final = {"__neg__": "-", "__pos__": "+", "__invert__": "~"}
_BINARY_METHODS: Final = {
    "__add__": "+",
    "__sub__": "-",
    "__mul__": "*",
    "__truediv__": "/",
    "__floordiv__": "//",
    "__mod__": "%",
    "__pow__": "**",
    "__and__": "&",
    "__or__": "|",
    "__xor__": "^",
    "__lshift__": "<<",
    "__rshift__": ">>",
}
_REFLECTED_METHODS: Final = {f"__r{name[2:]}": op for name, op in _BINARY_METHODS.items()}


class SingletonHandler(ConstantHandler):
    """None, `...` and NotImplemented."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, IsNone() if value is None else Is(value))
        return ConstantVariable(value, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if args or kwargs:
            return domain.raise_error(TypeError, f"{cls.__name__} takes no arguments")
        return constant(cls())

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        if variable.cls is types.NotImplementedType:
            return domain.unsupported(variable, "a truth test")  # it is deprecated: warns, then raises
        return super().truth(domain, variable)


HANDLERS = dict.fromkeys((type(None), types.EllipsisType, types.NotImplementedType), SingletonHandler())
