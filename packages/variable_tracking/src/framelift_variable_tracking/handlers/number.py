"""Handlers of int, bool, float and complex constants."""

from __future__ import annotations

from typing import Any, ClassVar

from framelift_bytecode_interp import UNARY_OPERATORS, Break, Value
from framelift_guards import BoolIs, Source

from ..evaluation import (
    LARGEST_RESULT,
    constant,
    enter_whole,
    evaluate,
    plain,
    plain_all,
    too_large,
)
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import numbers
from ..reasons import UnsupportedOperation
from ..variable import NOT_CONSTANT, ConstantVariable, Variable
from .constant import ConstantHandler, available, value_of


class NumberHandler(ConstantHandler):
    """Numbers, whose operators apply to each other."""

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        if name == "to_bytes" and args and isinstance(args[0], int) and args[0] > LARGEST_RESULT:
            return too_large(type(value).__name__, "to_bytes()")
        return None


class IntegerHandler(NumberHandler):
    """`int`."""

    methods: ClassVar[frozenset[str]] = available(
        int,
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "is_integer",
        "to_bytes",
        "__abs__",
        "__ceil__",
        "__divmod__",
        "__floor__",
        "__round__",
        "__trunc__",
    )
    class_methods: ClassVar[frozenset[str]] = frozenset(("from_bytes",))
    attributes: ClassVar[frozenset[str]] = frozenset(("real", "imag", "numerator", "denominator"))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        base = plain(domain, kwargs["base"]) if kwargs.keys() == {"base"} else None
        if values is not None and base is not NOT_CONSTANT and (not kwargs or base is not None):
            return evaluate(domain, int, *values, **({} if base is None else {"base": base}))
        if len(args) == 1 and not kwargs:
            # A symbolic number is an int already, and stays symbolic.
            if args[0].python_type() is int:
                return Value(args[0])
            return enter_whole(domain, int, numbers.int_of, args[0])
        return domain.unsupported(Variable(cls), "construction")


class BoolHandler(IntegerHandler):
    """`bool`, which is an int except for `&`, `|`, `^` and its text."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, BoolIs(value))
        return ConstantVariable(value, source)

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        if op == "~":
            detail = "it is deprecated, and the warning must come at every call"
            return Break(UnsupportedOperation("bool", "unary '~'", detail))
        return evaluate(domain, UNARY_OPERATORS[op], value_of(operand))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or len(args) > 1:
            values = plain_all(domain, args)
            if values is None or kwargs:
                return domain.unsupported(Variable(cls), "construction")
            return evaluate(domain, bool, *values)
        return domain.polyfill(numbers.bool_of, args[0]) if args else constant(value=False)


class FloatHandler(NumberHandler):
    """`float`."""

    class_methods: ClassVar[frozenset[str]] = frozenset(("fromhex",))
    methods: ClassVar[frozenset[str]] = available(
        float,
        "as_integer_ratio",
        "conjugate",
        "hex",
        "is_integer",
        "__abs__",
        "__ceil__",
        "__divmod__",
        "__floor__",
        "__round__",
        "__trunc__",
    )
    attributes: ClassVar[frozenset[str]] = frozenset(("real", "imag"))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        if values is not None and not kwargs:
            return evaluate(domain, float, *values)
        if len(args) == 1 and not kwargs:
            if args[0].python_type() is float:
                return Value(args[0])
            return enter_whole(domain, float, numbers.float_of, args[0])
        return domain.unsupported(Variable(cls), "construction")


class ComplexHandler(NumberHandler):
    """`complex`."""

    methods: ClassVar[frozenset[str]] = frozenset(("conjugate", "__abs__"))
    attributes: ClassVar[frozenset[str]] = frozenset(("real", "imag"))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        keywords = {name: plain(domain, value) for name, value in kwargs.items()}
        if values is None or any(value is NOT_CONSTANT for value in keywords.values()):
            return domain.unsupported(Variable(cls), "construction")
        return evaluate(domain, complex, *values, **keywords)


HANDLERS = {
    int: IntegerHandler(),
    bool: BoolHandler(),
    float: FloatHandler(),
    complex: ComplexHandler(),
}
