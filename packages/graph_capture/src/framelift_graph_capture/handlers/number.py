"""Symbolic numbers: sizes, and what is computed from them, by torch's own arithmetic on `SymInt` and its kin."""

from __future__ import annotations

import ast
from typing import Any

import torch

from framelift_bytecode_interp import BINARY_OPERATORS, COMPARISONS, UNARY_OPERATORS, Break, Raise, Result, Value
from framelift_guards import Source
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Emitter,
    FloatHandler,
    HashKey,
    IntegerHandler,
    Tracking,
    TypeHandler,
    Variable,
)

from ..variables import SymbolicNumberVariable
from .tensor import session_of

__all__ = ["FloatThatMayVaryHandler", "IntegerThatMayVaryHandler", "SymbolicNumberHandler"]


class IntegerThatMayVaryHandler(IntegerHandler):
    """`int`: a constant, or a symbol where calls have had different ones."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        return session_of(domain).symbolic_number(value, source) or super().wrap(domain, value, source)


class FloatThatMayVaryHandler(FloatHandler):
    """`float`: a constant, or a symbol where calls have had different ones."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        return session_of(domain).symbolic_number(value, source) or super().wrap(domain, value, source)


class SymbolicNumberHandler(TypeHandler):
    """Ints, floats and bools that depend on sizes; a decision about one becomes a guard."""

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        return self._compute(domain, UNARY_OPERATORS[op], operand)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._compute(domain, BINARY_OPERATORS[op], left, right)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return self._compute(domain, BINARY_OPERATORS[op], left, right)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._compute(domain, COMPARISONS[op], left, right)

    def _compute(self, domain: Tracking, function: Any, *operands: Variable) -> Answer:
        values = []
        for operand in operands:
            value = operand.value if isinstance(operand, SymbolicNumberVariable) else domain.as_constant(operand)
            if value is NOT_CONSTANT or not isinstance(
                value, (int, float, bool, torch.SymInt, torch.SymFloat, torch.SymBool)
            ):
                return domain.unsupported(operand, f"{function.__name__} with a symbolic number")
            values.append(value)
        try:
            return Value(session_of(domain).number(function(*values)))
        except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
            return domain.raise_error(type(error), *error.args)

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(bool(_value(variable)))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return HashKey(_specialised(variable), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        # The text of a number shows its value: the capture holds for that value only.
        return Value(domain.constant(repr(_specialised(variable))))

    def format(self, domain: Tracking, variable: Variable, spec: str) -> Answer:
        return Value(domain.constant(format(_specialised(variable), spec)))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        return domain.get_attribute(domain.constant(_specialised(variable)), name)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.symbolic(_value(variable))  # type: ignore[attr-defined, no-any-return]


def _value(variable: Variable) -> Any:
    assert isinstance(variable, SymbolicNumberVariable)
    return variable.value


def _specialised(variable: Variable) -> Any:
    value = _value(variable)
    if isinstance(value, torch.SymInt):
        return int(value)
    return bool(value) if isinstance(value, torch.SymBool) else float(value)
