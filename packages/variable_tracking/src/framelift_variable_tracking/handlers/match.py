"""`re.Match`: what a regular expression found, immutable and evaluated on constants."""

from __future__ import annotations

import ast
import re
import types
from typing import Any, Final

from framelift_bytecode_interp import Value

from ..emitter import Emitter
from ..evaluation import evaluate, plain_all
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import BoundMethodVariable, ReferenceVariable, Variable
from .identity import IdentityHandler

_METHODS: Final = frozenset(("end", "expand", "group", "groupdict", "groups", "span", "start", "__getitem__"))
_ATTRIBUTES: Final = frozenset(("endpos", "lastgroup", "lastindex", "pos", "string"))


class MatchHandler(IdentityHandler):
    """`re.Match` objects that a capture makes; existing ones are opaque."""

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(ReferenceVariable(value, None))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, ReferenceVariable) and variable.source is None:
            if name in _ATTRIBUTES:
                return evaluate(domain, getattr, variable.value, name)
            if name == "re":
                return Value(domain.reference(variable.value.re))
            if name in _METHODS:
                method = domain.reference(getattr(re.Match, name))
                return Value(BoundMethodVariable(method, variable, types.BuiltinMethodType))
        return super().get_attribute(domain, variable, name)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        values, keywords = plain_all(domain, args), plain_all(domain, list(kwargs.values()))
        known = isinstance(variable, ReferenceVariable) and variable.source is None
        if not known or name not in _METHODS or values is None or keywords is None:
            return super().call_method(domain, variable, name, args, kwargs)
        assert isinstance(variable, ReferenceVariable)
        return evaluate(domain, getattr(variable.value, name), *values, **dict(zip(kwargs, keywords, strict=True)))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return self.call_method(domain, container, "__getitem__", (key,), {})

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ReferenceVariable)
        return emitter.constant(variable.value, "match")


HANDLERS = {re.Match: MatchHandler()}
