"""A driver without torch: capture a function, generate entry code, and compare with CPython.

`lift(function)(*args)` captures a call of `function` with these arguments, emits entry code and runs it. A break, which
a real driver would continue after, is an error here: `Broke`.
"""

from __future__ import annotations

import ast
import inspect
import types
from typing import Any

from framelift_bytecode_interp import Break, Interpreter, Raise, Return
from framelift_guards import (
    Dispatcher,
    GeneratedNamespace,
    GuardSet,
    LocalSource,
    Scope,
    UserLine,
    compile_function,
)
from framelift_variable_tracking import CodeEmitter, EffectLog, NullRecorder, Registry, SymbolicDomain, default_registry

REGISTRY = default_registry()


class Broke(Exception):
    """The capture met an operation that it can't do."""

    def __init__(self, reason: object) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Captured:
    """What one capture found."""

    def __init__(self, domain: SymbolicDomain, guards: GuardSet, effects: EffectLog, outcome: Any) -> None:
        self.domain = domain
        self.guards = guards
        self.effects = effects
        self.outcome = outcome


def parameters(function: types.FunctionType) -> tuple[str, ...]:
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[:count]


def capture(
    function: types.FunctionType, values: dict[str, Any], *, registry: Registry = REGISTRY, limit: int | None = 200_000
) -> Captured:
    """Interpret one call of `function`, whose parameters have these values."""
    guards, effects = GuardSet(), EffectLog()
    domain = SymbolicDomain(registry, guards, effects, NullRecorder())
    interpreter = Interpreter(domain, limit)
    domain.interpreter = interpreter
    code = function.__code__
    domain.entry_line = UserLine(code.co_filename, code.co_firstlineno, code.co_name)
    domain.globals_of(function.__globals__, "G")
    variable = domain.reference(function)
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        domain.root_cell(name, cell)
    frame = domain.root_frame(variable, {name: domain.wrap(value, LocalSource(name)) for name, value in values.items()})
    outcome = interpreter.run([frame])
    if isinstance(outcome, Break):
        raise Broke(outcome.reason)
    domain.seal()
    return Captured(domain, guards, effects, outcome)


def entry_code(captured: Captured, names: tuple[str, ...]) -> types.FunctionType:
    """Generate the function that runs the captured call again."""
    namespace = GeneratedNamespace(reserved=names)
    emitter = CodeEmitter(captured.domain, namespace)
    outcome = captured.outcome
    result = emitter.value(outcome.exception if isinstance(outcome, Raise) else outcome.value)
    emitter.replay(captured.effects)
    last: ast.stmt = ast.Return(result) if isinstance(outcome, Return) else ast.Raise(result, None)
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    return compile_function(ast.FunctionDef("entry", arguments, [*emitter.body(), last], []), namespace)


class Lifted:
    """A function whose calls are captured, guarded and replayed."""

    def __init__(self, function: types.FunctionType, registry: Registry = REGISTRY) -> None:
        self.original = function
        self.registry = registry
        self.captures: list[Captured] = []
        self.dispatcher = Dispatcher(function, self._miss)
        self.__call__ = self.dispatcher.function

    def _miss(self, values: dict[str, Any]) -> Any:
        captured = capture(self.original, values, registry=self.registry)
        failure = captured.guards.first_failure(Scope(values))
        assert failure is None, f"a guard fails at once: {failure}"
        entry = entry_code(captured, parameters(self.original))
        self.captures.append(captured)
        self.dispatcher.add(captured.guards, entry)
        return entry(*[values[name] for name in parameters(self.original)])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.dispatcher.function(*args, **kwargs)

    @property
    def source(self) -> str:
        return ast.unparse(ast.parse(inspect.getsource(self.original)))


def lift(function: Any, registry: Registry = REGISTRY) -> Lifted:
    return Lifted(function, registry)


def outcome_of(function: Any, *args: Any, **kwargs: Any) -> tuple[str, Any]:
    """What a call does: returns a value, or raises."""
    try:
        return "returns", function(*args, **kwargs)
    except Broke:
        raise
    except BaseException as error:
        return "raises", (type(error), error.args)
