"""Compiled regular expressions, evaluated on constants."""

from __future__ import annotations

import re
import types
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source

from ..evaluation import evaluate, plain_all
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import BoundMethodVariable, ReferenceVariable, Variable
from .identity import IdentityHandler

_METHODS: Final = frozenset(("findall", "fullmatch", "match", "search", "split", "sub", "subn"))


class PatternHandler(IdentityHandler):
    """`re.Pattern`: immutable, known by identity. What is found in constants is a constant, too."""

    attributes: ClassVar[frozenset[str]] = frozenset(("flags", "groups", "pattern"))

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, ReferenceVariable):
            if name in self.attributes:
                return evaluate(domain, getattr, variable.value, name)
            if name in _METHODS:
                return Value(
                    BoundMethodVariable(domain.reference(getattr(re.Pattern, name)), variable, types.BuiltinMethodType)
                )
        return super().get_attribute(domain, variable, name)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        values, keywords = plain_all(domain, args), plain_all(domain, list(kwargs.values()))
        known = isinstance(variable, ReferenceVariable) and values is not None and keywords is not None
        if not known or name not in _METHODS:
            return super().call_method(domain, variable, name, args, kwargs)
        assert isinstance(variable, ReferenceVariable)
        method = getattr(variable.value, name)
        return evaluate(domain, method, *(values or ()), **dict(zip(kwargs, keywords or (), strict=True)))


HANDLERS = {re.Pattern: PatternHandler()}
