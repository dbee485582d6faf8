"""Runs a function symbolically, and its captured form for real: the differential tests compare that to plain Python."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from framelift_bytecode_interp import Break, Interpreter, Raise, Return
from framelift_guards import GeneratedNamespace, GuardSet, LocalSource, Scope, compile_function
from framelift_variable_tracking.code_emitter import CodeEmitter
from framelift_variable_tracking.domain import SymbolicDomain
from framelift_variable_tracking.effects import EffectLog
from framelift_variable_tracking.handlers import default_registry
from framelift_variable_tracking.recorder import NullRecorder
from framelift_variable_tracking.variable import ExceptionVariable

REGISTRY = default_registry()


class Broke(Exception):
    """The capture broke."""


@dataclass
class Lifted:
    """A captured function.

    Args:
        guards: what the capture relies on.
        run: does what the function does.
    """

    guards: GuardSet
    run: Callable[..., Any]
    source: str


def lift(function: Callable[..., Any], *args: Any) -> Lifted:
    """Capture a call of a function; a raised exception is raised by `run` as well."""
    guards, log = GuardSet(), EffectLog()
    domain = SymbolicDomain(REGISTRY, guards, log, NullRecorder())
    domain.interpreter = Interpreter(domain)
    names = list(inspect.signature(function).parameters)[: len(args)]
    variables = tuple([domain.wrap(value, LocalSource(name)) for name, value in zip(names, args, strict=True)])
    entered = domain.new_frame_for(domain.reference(function), variables, {})
    finished = domain.interpreter.run([entered.frame])
    if isinstance(finished, Break):
        raise Broke(str(finished.reason))
    domain.seal()
    namespace = GeneratedNamespace(reserved=names)
    emitter = CodeEmitter(domain, namespace)
    if isinstance(finished, Raise):
        exception = finished.exception
        assert isinstance(exception, ExceptionVariable)
        arguments = ast.Tuple([emitter.value(arg) for arg in exception.args], ast.Load())
        result: ast.stmt = ast.Raise(
            ast.Call(emitter.constant(exception.cls), [ast.Starred(arguments, ast.Load())], [])
        )
    else:
        assert isinstance(finished, Return)
        result = ast.Return(emitter.value(finished.value))
    log.replay(emitter)
    parameters = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    definition = ast.FunctionDef("lifted", parameters, [*emitter.body(), result], [], None)
    run, text = _compiled(definition, namespace)
    assert guards.check(Scope(dict(zip(names, args, strict=True)))), guards.first_failure(
        Scope(dict(zip(names, args, strict=True)))
    )
    return Lifted(guards, run, text)


def _compiled(definition: ast.FunctionDef, namespace: GeneratedNamespace) -> tuple[Callable[..., Any], str]:
    made = compile_function(definition, namespace)
    return made, ast.unparse(definition)


def outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Return what a call gives or raises."""
    try:
        return "returned", function(*args)
    except Exception as error:
        return "raised", type(error), error.args


def agree(function: Callable[..., Any], *args: Any) -> Lifted:
    """Check that the captured form returns, raises and changes what the function does, on equal arguments."""
    native_args, lifted_args = copy.deepcopy((args, args))
    lifted = lift(function, *args)
    expected = outcome(function, native_args)
    found = outcome(lifted.run, lifted_args)
    assert repr(found) == repr(expected), f"{found!r} is not {expected!r}\n{lifted.source}"
    assert repr(lifted_args) == repr(native_args), f"left {lifted_args!r}, not {native_args!r}\n{lifted.source}"
    return lifted
