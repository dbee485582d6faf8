"""Symbolic numbers: sizes, and what is computed from them, by torch's own arithmetic on `SymInt` and its kin."""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from framelift_bytecode_interp import BINARY_OPERATORS, COMPARISONS, UNARY_OPERATORS, Break, Raise, Result, Value
from framelift_guards import Source
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    CallContext,
    ConstantVariable,
    Emitter,
    FloatHandler,
    FunctionRule,
    HashKey,
    IntegerHandler,
    Keywords,
    Registry,
    Tracking,
    TupleVariable,
    TypeHandler,
    Variable,
)

from ..arithmetic import COMPUTED, compute, specialise
from ..variables import SymbolicNumberVariable
from .tensor import session_of

__all__ = ["FloatThatMayVaryHandler", "IntegerThatMayVaryHandler", "SymbolicNumberHandler", "number_rules"]


class IntegerThatMayVaryHandler(IntegerHandler):
    """`int`: a constant, or a symbol where calls have had different ones."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        return session_of(domain).symbolic_number(value, source) or super().wrap(domain, value, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        return _constructed(domain, int, args, kwargs) or super().construct(domain, cls, args, kwargs)


class FloatThatMayVaryHandler(FloatHandler):
    """`float`: a constant, or a symbol where calls have had different ones."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        return session_of(domain).symbolic_number(value, source) or super().wrap(domain, value, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        return _constructed(domain, float, args, kwargs) or super().construct(domain, cls, args, kwargs)


def _constructed(domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer | None:
    if kwargs or len(args) != 1 or not isinstance(args[0], SymbolicNumberVariable):
        return None
    return _answer(domain, cls, args[0].value)


class SymbolicNumberHandler(TypeHandler):
    """Ints, floats and bools that depend on sizes and arguments; a decision about one becomes a guard."""

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        return _answer(domain, UNARY_OPERATORS[op], _value(operand))

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operate(domain, BINARY_OPERATORS[op], left, right, right)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return self._operate(domain, BINARY_OPERATORS[op], left, right, left)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operate(domain, COMPARISONS[op], left, right, right)

    def _operate(
        self, domain: Tracking, function: Any, left: Variable, right: Variable, other: Variable
    ) -> Answer | None:
        """Compute with two numbers; None where the other operand is none, and is to be asked."""
        if not isinstance(other, SymbolicNumberVariable):
            value = domain.as_constant(other) if isinstance(other, ConstantVariable) else NOT_CONSTANT
            if type(value) not in (int, float, bool):
                return self._with_constant(domain, function, left, right, other)
        return _answer(domain, function, *[_number(domain, one) for one in (left, right)])

    def _with_constant(
        self, domain: Tracking, function: Any, left: Variable, right: Variable, other: Variable
    ) -> Answer | None:
        if not isinstance(other, ConstantVariable) or function not in _SPECIALISING:
            return None
        # A text repeated, a sum with a complex number: of a plain number only.
        operands = [_plain(domain, one) for one in (left, right)]
        return domain.binary(_SPECIALISING[function], *operands)

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        value = _value(variable)
        return Value(bool(value if variable.python_type() is bool else compute(operator.ne, value, 0)))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return HashKey(specialise(_value(variable)), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        # The text of a number shows its value: the capture holds for that value only.
        return Value(domain.constant(repr(specialise(_value(variable)))))

    def format(self, domain: Tracking, variable: Variable, spec: str) -> Answer:
        return Value(domain.constant(format(specialise(_value(variable)), spec)))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if variable.python_type() is bool:  # whose parts are those of an integer
            return domain.get_attribute(_plain(domain, variable), name)
        if name == "real" or (name == "numerator" and variable.python_type() is int):
            return Value(variable)
        if name == "imag":
            return Value(domain.constant(variable.python_type()(0)))
        return domain.get_attribute(_plain(domain, variable), name)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        function = _METHODS.get(name)
        if function is not None and not args and not kwargs:
            return _answer(domain, function, _value(variable))
        plain = _plain(domain, variable)
        return domain.handler_of(plain).call_method(domain, plain, name, args, kwargs)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.symbolic(_value(variable))  # type: ignore[attr-defined, no-any-return]


_METHODS: Mapping[str, Callable[[Any], Any]] = {
    "__abs__": abs,
    "__ceil__": math.ceil,
    "__float__": float,
    "__floor__": math.floor,
    "__int__": int,
    "__round__": round,
    "__trunc__": math.trunc,
}
_SPECIALISING: Mapping[Any, str] = {function: op for op, function in BINARY_OPERATORS.items()}


def _value(variable: Variable) -> Any:
    assert isinstance(variable, SymbolicNumberVariable)
    return variable.value


def _number(domain: Tracking, variable: Variable) -> Any:
    return variable.value if isinstance(variable, SymbolicNumberVariable) else domain.as_constant(variable)


def _plain(domain: Tracking, variable: Variable) -> Variable:
    return domain.constant(specialise(variable.value)) if isinstance(variable, SymbolicNumberVariable) else variable


def _answer(domain: Tracking, function: Callable[..., Any], *numbers: Any) -> Answer:
    try:
        return Value(session_of(domain).number(compute(function, *numbers)))
    except (ArithmeticError, ValueError, TypeError) as error:
        return domain.raise_error(type(error), *error.args)


# ---- built-in functions ---------------------------------------------------------------------------------------------


def _is_number(domain: Tracking, variable: Variable) -> bool:
    return isinstance(variable, SymbolicNumberVariable) or (
        isinstance(variable, ConstantVariable) and variable.cls in (int, float, bool)
    )


def _computed(function: Callable[..., Any], otherwise: FunctionRule) -> FunctionRule:
    """Return the rule that computes a function of symbolic numbers, and asks `otherwise` where there is none."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if not any(isinstance(one, SymbolicNumberVariable) for one in (*args, *kwargs.values())):
            return otherwise(domain, context, args, kwargs)
        if function in COMPUTED and not kwargs and all(_is_number(domain, one) for one in args):
            return _answer(domain, function, *[_number(domain, one) for one in args])
        plain = {name: _plain(domain, one) for name, one in kwargs.items()}
        return otherwise(domain, context, tuple([_plain(domain, one) for one in args]), plain)

    return rule


def _extreme(function: Callable[..., Any], otherwise: FunctionRule) -> FunctionRule:
    """Return the rule of min or max of two numbers or more, of one type; others are compared one by one."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        symbolic = any(isinstance(one, SymbolicNumberVariable) for one in args)
        kinds = {one.python_type() for one in args}
        if kwargs or not symbolic or len(args) < 2 or kinds not in ({int}, {float}):
            return otherwise(domain, context, args, kwargs)
        return _folded(domain, function, *[_number(domain, one) for one in args])

    return rule


def _folded(domain: Tracking, function: Callable[..., Any], *numbers: Any) -> Answer:
    try:
        folded = functools.reduce(lambda left, right: compute(function, left, right), numbers)
    except (ArithmeticError, ValueError, TypeError) as error:
        return domain.raise_error(type(error), *error.args)
    return Value(session_of(domain).number(folded))


def _divmod(otherwise: FunctionRule) -> FunctionRule:
    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        symbolic = any(isinstance(one, SymbolicNumberVariable) for one in args)
        if kwargs or not symbolic or len(args) != 2 or not all(_is_number(domain, one) for one in args):
            return otherwise(domain, context, args, kwargs)
        quotient, rest = domain.binary("//", *args), domain.binary("%", *args)
        if not isinstance(quotient, Value) or not isinstance(rest, Value):
            return otherwise(domain, context, tuple([_plain(domain, one) for one in args]), kwargs)
        return Value(TupleVariable((quotient.value, rest.value)))

    return rule


def _product(otherwise: FunctionRule) -> FunctionRule:
    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        items = domain.sequence(args[0]) if len(args) == 1 and not kwargs else None
        if (
            items is None
            or not any(isinstance(one, SymbolicNumberVariable) for one in items)
            or not all(_is_number(domain, one) for one in items)
        ):
            return otherwise(domain, context, args, kwargs)
        return _folded(domain, operator.mul, 1, *[_number(domain, one) for one in items])

    return rule


def number_rules(registry: Registry) -> dict[Any, FunctionRule]:
    """Return rules for the built-in functions on numbers, over those of a registry, for symbolic arguments too."""

    def known(function: Callable[..., Any]) -> FunctionRule:
        rule = registry.rule_for(function)
        assert rule is not None, function
        return rule

    of_math = [function for name, function in vars(math).items() if not name.startswith("_") and callable(function)]
    evaluated = [*of_math, abs, round, pow, bin, hex, oct, chr]
    return {
        **{function: _computed(function, known(function)) for function in evaluated},
        min: _extreme(min, known(min)),
        max: _extreme(max, known(max)),
        divmod: _divmod(known(divmod)),
        math.prod: _product(known(math.prod)),
    }
