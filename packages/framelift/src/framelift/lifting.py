"""`compile`: one decorator for functions, methods, callables and modules."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import torch

import framelift_comptime
from framelift_graph_capture import ORIGINAL, FunctionCall, ModuleCall, Registry, default_registry
from framelift_guards import Dispatcher, Guard, GuardMode
from framelift_guards.lookup import class_attribute
from framelift_guards.plain import show

from .config import Config
from .delegation import calling
from .directives import DIRECTIVE_RULES
from .errors import ConfigurationError
from .everything import everything
from .module import call_lifted, is_lifted, lift_module, plain_module
from .sizes import SIZE_RULES
from .specialiser import Lifted, Specialiser
from .view import View, view_of

__all__ = ["compile", "lift", "python_call", "registry"]


_CALL_OF_MODULES: Any = torch.nn.Module.__call__
"""As torch wrote it: programs patch that, too."""


_HOLDERS = (staticmethod, classmethod, property, functools.cached_property)
"""What a class body holds that is not called itself, but has functions that are."""


@functools.cache
def registry() -> Registry:
    """Return the registry that `compile` works with: Python's, torch's, comptime's, and that of the directives."""
    torchs = default_registry()
    called = torchs.rule_for(_CALL_OF_MODULES)
    assert called is not None
    return (
        torchs.extend(functions={call_lifted: called})
        .extend(
            types=framelift_comptime.TYPES, functions=framelift_comptime.RULES, unguarded=framelift_comptime.UNGUARDED
        )
        .extend(functions={**DIRECTIVE_RULES, **SIZE_RULES})
    )


def compile(  # noqa: A001 - the name that users of torch.compile know
    fn: Any = None,
    *,
    backend: Any = "inductor",
    dynamic: bool | None = None,
    fullgraph: bool = False,
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
    recompile_limit: int = 8,
    verify: bool = False,
    guards: str | GuardMode = "checked",
    guard_filter: Callable[[Guard], bool] | None = None,
) -> Any:
    """Lift a function, method, callable or module: its calls run captured graphs.

    Args:
        fn: what to lift, or a property or the like that holds it; left out, `compile` is a decorator with arguments.
        backend: a name of `list_backends()`, or `(gm, example_inputs) -> callable`.
        dynamic: `True` makes sizes and numbers symbolic, `False` only marked sizes; `None` those, and what has varied
            between captures.
        fullgraph: raise at a graph break rather than continue after it.
        mode: passed to a backend known by name.
        options: passed to a backend known by name.
        disable: return `fn` as it is.
        recompile_limit: how many specialisations one entry point may have before its calls run eagerly.
        verify: run each call eagerly as well, on copies of what it uses, and raise `VerificationError` where it does
            something else than the captured one. Effects beyond the copies, such as printing, happen twice.
        guards: how often guards are checked. `"checked"`: all at each call. `"sampled"` and `Sampled(every=n)`: what a
            call brings at each call, the state that it finds at every n-th, and a `GuardViolationError` where that has
            changed. `"frozen"`: you promise that state stays as it is, and `Frozen(verify=True)` checks the promise.
        guard_filter: called with each guard (its `source`, `predicate`, `kind` and `user_line`) when it is made; a
            guard for which it returns False is dropped, and what it says is taken for granted.

    Returns:
        A function with the signature of `fn`; for a module, a module that shares everything with it.

    Raises:
        ConfigurationError: an argument cannot be used.
        UnknownBackendError: no backend has that name.

    >>> import torch
    >>> @compile(backend="eager")
    ... def f(x):
    ...     return x.sin() + 1
    >>> f(torch.zeros(2))
    tensor([1., 1.])
    """
    config = Config.checked(
        backend=backend, dynamic=dynamic, fullgraph=fullgraph, mode=mode, options=options,
        recompile_limit=recompile_limit, verify=verify, guards=guards, guard_filter=guard_filter,
    )  # fmt: skip
    if fn is None:
        return functools.partial(
            compile, backend=backend, dynamic=dynamic, fullgraph=fullgraph, mode=mode, options=options,
            disable=disable, recompile_limit=recompile_limit, verify=verify, guards=guards, guard_filter=guard_filter,
        )  # fmt: skip
    if not callable(fn) and not isinstance(fn, _HOLDERS):
        raise ConfigurationError(
            f"compile({show(fn)})", "takes a function, a method, a callable or an nn.Module",
            f"a {type(fn).__name__}", "pass what is to be called",
        )  # fmt: skip
    return fn if disable else lift(fn, config)


def _specialiser(config: Config) -> Specialiser:
    return Specialiser(config, registry())


def lift(fn: Any, config: Config, specialiser: Callable[[Config], Specialiser] = _specialiser) -> Any:
    """Lift a function, method, callable or module; see `compile`.

    Args:
        fn: what to lift.
        config: how.
        specialiser: makes what captures and compiles.

    Raises:
        ConfigurationError: a call of `fn` is not Python code.
    """
    if isinstance(fn, torch.nn.Module):
        return _lift_module(fn, config, specialiser)
    if isinstance(fn, types.MethodType):
        return types.MethodType(lift(fn.__func__, config, specialiser), fn.__self__)
    if isinstance(fn, (staticmethod, classmethod)):
        return type(fn)(lift(fn.__func__, config, specialiser))
    if isinstance(fn, property):
        getter, setter, deleter = [
            None if one is None else lift(one, config, specialiser) for one in (fn.fget, fn.fset, fn.fdel)
        ]
        return type(fn)(getter, setter, deleter, fn.__doc__)
    if isinstance(fn, functools.cached_property):
        return type(fn)(lift(fn.func, config, specialiser))
    if isinstance(fn, types.FunctionType):
        return _lift_function(fn, config, specialiser)
    call = python_call(fn)
    if call is not None:
        return types.MethodType(lift(call, config, specialiser), fn)
    if isinstance(fn, type):
        raise ConfigurationError(
            f"compile({show(fn)})", "takes something whose call is Python code", "a class", "wrap it in a function",
        )  # fmt: skip
    return lift(calling(fn), config, specialiser)


def python_call(fn: Any) -> types.FunctionType | None:
    """Return the `__call__` of an object's class, if that is a Python function."""
    if isinstance(fn, type):
        return None
    try:
        call = class_attribute(type(fn), "__call__")
    except AttributeError:
        return None
    return call if isinstance(call, types.FunctionType) else None


def _lift_function(
    function: types.FunctionType, config: Config, specialiser: Callable[[Config], Specialiser]
) -> Callable[..., Any]:
    view = view_of(function)
    original = function if view is None else view.original
    made = specialiser(config)
    root = Lifted(FunctionCall(original), functools.partial(Dispatcher, original, mode=config.guards), made)
    made_view = View(original, root, made)
    everything.add(made_view)
    result: Any = made_view.function
    result.framelift = made_view
    result.__dict__[ORIGINAL] = original
    return result  # type: ignore[no-any-return]


def _lift_module(
    module: torch.nn.Module, config: Config, specialiser: Callable[[Config], Specialiser] = _specialiser
) -> torch.nn.Module:
    if is_lifted(module):
        module = plain_module(module)
    made = specialiser(config)
    forward = type(module).forward
    if not isinstance(forward, types.FunctionType):
        raise ConfigurationError(
            f"{type(module).__name__}.forward", "must be a Python function", f"a {type(forward).__name__}",
            "lift a function that calls the module instead",
        )  # fmt: skip
    called: Any = type(module).__call__
    entry_point: FunctionCall
    if called is _CALL_OF_MODULES:
        entered, entry_point = forward, ModuleCall(forward, called)
    else:  # a call of the class's own is Python like any other, and takes what it takes
        entered, entry_point = called, FunctionCall(called)
    root = Lifted(entry_point, functools.partial(Dispatcher, entered, mode=config.guards), made)
    view = View(entered, root, made)
    everything.add(view)
    return lift_module(module, root.dispatcher.function, functools.partial(_lift_module, config=config), view)
