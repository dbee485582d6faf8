"""Code objects, known by identity."""

from __future__ import annotations

from typing import Any

from framelift_guards import Is, Source

from ..evaluation import evaluate
from ..handler import Answer, Tracking
from ..variable import ConstantVariable, Variable
from .constant import ConstantHandler


class CodeHandler(ConstantHandler):
    """Code objects: constants, but compared by identity in guards."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ConstantVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, ConstantVariable) and name in {"co_name", "co_qualname", "co_argcount", "co_filename"}:
            return evaluate(domain, getattr, variable.value, name)
        return super().get_attribute(domain, variable, name)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return domain.unsupported(left, f"the comparison {op!r}")
