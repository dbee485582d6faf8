"""Code objects, known by identity."""

from __future__ import annotations

import types
from typing import Any

from framelift_guards import Is, Source

from ..evaluation import evaluate
from ..handler import Answer, Tracking
from ..variable import ConstantVariable, Variable
from .constant import ConstantHandler

_ATTRIBUTES = frozenset({
    "co_argcount", "co_cellvars", "co_filename", "co_firstlineno", "co_flags", "co_freevars", "co_kwonlyargcount",
    "co_name", "co_names", "co_nlocals", "co_posonlyargcount", "co_qualname", "co_varnames",
})  # fmt: skip
"""What is a number, a text, or a tuple of texts."""


class CodeHandler(ConstantHandler):
    """Code objects: constants, but compared by identity in guards."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ConstantVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, ConstantVariable) and name in _ATTRIBUTES:
            return evaluate(domain, getattr, variable.value, name)
        return super().get_attribute(domain, variable, name)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return domain.unsupported(left, f"the comparison {op!r}")


HANDLERS = {types.CodeType: CodeHandler()}
