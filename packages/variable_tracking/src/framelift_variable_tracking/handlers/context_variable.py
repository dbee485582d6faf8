"""`contextvars.ContextVar`: what one is set to where the program runs is read, and guarded; setting one breaks."""

from __future__ import annotations

import contextvars
import types
from typing import Any, Final

from framelift_bytecode_interp import Value
from framelift_guards import CallSource, Is, Source

from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import BoundMethodVariable, ConstantVariable, ReferenceVariable, Variable
from .identity import IdentityHandler


class Unset:
    """What a context variable is read as where it is not set; the class itself is the value."""


def setting_of(variable: contextvars.ContextVar[Any]) -> Any:
    """Return what a context variable is set to, past any default; `Unset` where it is not set.

    >>> setting_of(contextvars.ContextVar("depth", default=0)) is Unset
    True
    """
    return variable.get(Unset)


def default_of(variable: contextvars.ContextVar[Any]) -> Any:
    """Return the default of a context variable, which it has in a context without settings; `Unset` if it has none.

    >>> default_of(contextvars.ContextVar("depth", default=0))
    0
    """
    try:
        return contextvars.Context().run(variable.get)
    except LookupError:
        return Unset


_METHODS: Final = frozenset({"get", "set", "reset"})


class ContextVariableHandler(IdentityHandler):
    """`contextvars.ContextVar`, known by identity. Captured code sets none: each is as when the call began."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, ReferenceVariable):
            if name == "name":
                return Value(ConstantVariable(variable.value.name))
            if name in _METHODS:
                method = domain.reference(getattr(contextvars.ContextVar, name))
                return Value(BoundMethodVariable(method, variable, types.BuiltinMethodType))
        return super().get_attribute(domain, variable, name)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        source = variable.source
        if name != "get" or kwargs or len(args) > 1 or source is None or not isinstance(variable, ReferenceVariable):
            return super().call_method(domain, variable, name, args, kwargs)
        setting = setting_of(variable.value)
        if setting is not Unset:
            return Value(domain.wrap(setting, CallSource(setting_of, source, ".get()")))
        domain.guard(CallSource(setting_of, source, ".get()"), Is(Unset))
        if args:
            return Value(args[0])
        default = default_of(variable.value)
        if default is Unset:
            return domain.unsupported(variable, "get() where it is not set")
        return Value(domain.wrap(default, CallSource(default_of, source, "'s default")))


HANDLERS = {contextvars.ContextVar: ContextVariableHandler()}
