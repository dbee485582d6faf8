"""The operations of `match`."""

from __future__ import annotations

from framelift_bytecode_interp import Result

from ..polyfills import patterns
from ..variable import ConstantVariable, Variable
from .exceptions import Exceptions

_SEQUENCE = 1 << 5
"""Py_TPFLAGS_SEQUENCE (Include/object.h)."""

_MAPPING = 1 << 6
"""Py_TPFLAGS_MAPPING."""


class Patterns(Exceptions):
    """The operations of `framelift_bytecode_interp.domain.Patterns`."""

    def match_mapping(self, subject: Variable) -> Result[Variable]:
        return self.boolean(subject.python_type().__flags__ & _MAPPING)

    def match_sequence(self, subject: Variable) -> Result[Variable]:
        return self.boolean(subject.python_type().__flags__ & _SEQUENCE)

    def match_keys(self, subject: Variable, keys: Variable) -> Result[Variable]:
        return self.polyfill(patterns.match_keys, subject, keys)

    def match_class(self, subject: Variable, cls: Variable, count: int, names: Variable) -> Result[Variable]:
        return self.polyfill(patterns.match_class, subject, cls, ConstantVariable(count), names)
