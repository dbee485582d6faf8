"""What the operations share: the registry, the variables of existing objects, guards, and how to break or raise."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from framelift_bytecode_interp import Break, Frame, Interpreter, Raise, Result, Value
from framelift_guards import (
    BuiltinSource,
    ConstantSource,
    Distinct,
    GlobalSource,
    Guard,
    LacksKey,
    Namespace,
    NamespaceSource,
    Predicate,
    SameObject,
    Source,
    UserLine,
)

from ..effects import EffectLog
from ..handler import Tracking, TypeHandler
from ..reasons import UnsupportedOperation
from ..recorder import Recorder
from ..registry import Registry
from ..variable import DELETED, HashKey, ConstantVariable, ExceptionVariable, ReferenceVariable, Variable

HIDDEN = "__framelift_hidden__"
"""A module that binds this name to true holds code of framelift's: its frames are not the user's."""


class GuardSink(Protocol):
    """Where guards go; `framelift_guards.GuardSet` is one."""

    def add(self, guard: Guard) -> object:
        """Add a guard."""
        ...


class Globals:
    """The global variables of one module: what was read is cached, what was stored shadows the real dictionary.

    Args:
        namespace: the real dictionary, as sources know it.
    """

    __slots__ = ("known", "namespace", "trusted", "variables")

    def __init__(self, namespace: Namespace, *, trusted: bool) -> None:
        self.namespace = namespace
        self.variables: dict[str, Any] = namespace.variables
        self.known: dict[str, Any] = {}
        self.trusted = trusted


class State:
    """The state of one capture.

    Args:
        registry: handlers and rules.
        guards: where guards go.
        effects: the log of mutations.
        recorder: who records operations in a graph.
    """

    def __init__(self, registry: Registry, guards: GuardSink, effects: EffectLog, recorder: Recorder) -> None:
        self.registry = registry
        self.guards = guards
        self.effects = effects
        self.recorder = recorder
        self.interpreter: Interpreter[Variable] | None = None
        self._handlers: dict[type, TypeHandler] = dict(registry.types)
        self._wrapped: dict[int, tuple[object, Variable]] = {}
        self._globals: dict[int, Globals] = {}
        self._user_lines: dict[tuple[str, int], UserLine] = {}

    # ---- handlers ---------------------------------------------------------------------------------------------------

    def handler_of(self, variable: Variable) -> TypeHandler:
        """Return the handler of a variable."""
        handler = self._handlers.get(variable.cls)
        return self.handler_for(variable.cls) if handler is None else handler

    def handler_for(self, cls: type) -> TypeHandler:
        """Return the handler of instances of `cls`."""
        handler = self._handlers.get(cls)
        if handler is None:
            handler = self._handlers[cls] = self.registry.handler_for(cls)
        return handler
