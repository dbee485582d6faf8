"""`explain`: capture and run one call, and return what became of it as a value."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

from framelift_graph_capture import Capture, EntryPoint, Seen
from framelift_guards import check_cost, check_costs
from framelift_guards.plain import show

from .config import Config
from .errors import CaptureError, ConfigurationError, text_of
from .everything import current_stance
from .evidence import CapturedGraph, ExplainedGuard, NotCaptured, Operations, Outcome
from .explanation import Explanation
from .lifting import lift, python_call, registry
from .module import is_lifted, plain_module
from .operations import OperationCounter, operations_of
from .specialiser import Lifted, Specialiser
from .view import View, view_of

__all__ = ["explain"]


def explain(fn: Callable[..., Any], *, backend: Any = None, dynamic: bool | None = None) -> Callable[..., Explanation]:
    """Return a function that calls `fn` once, captured, and explains what became of the call.

    Every call is explained as a first one: it starts without any captures, and leaves none behind. `fn` may be anything
    that can be called; where nothing of it can be captured, it is called as it is, and the explanation says why. What
    it raises is part of the explanation too. What runs outside of graphs is counted by a torch-function mode, so there
    torch takes the paths that it takes under one.

    Args:
        fn: a function, method, callable or module, lifted already or not.
        backend: as for `compile`; left out, that of a lifted `fn`, else `"eager"`.
        dynamic: as for `compile`; left out, that of a lifted `fn`.

    Returns:
        A function of the arguments of `fn` that returns an `Explanation`.

    Raises:
        ConfigurationError: `fn` cannot be called, or an argument cannot be used.
        UnknownBackendError: no backend has that name.

    >>> def f(x):
    ...     y = x.sin()
    ...     print("between")
    ...     return y + 1
    >>> explanation = explain(f)(torch.zeros(2))
    between
    >>> [broke.code for broke in explanation.breaks], [graph.operations for graph in explanation.graphs]
    (['FL202'], [1, 1])
    """
    if not callable(fn):
        raise ConfigurationError(
            f"explain({show(fn)})", "takes something that can be called", f"a {type(fn).__name__}",
            "pass the function, and its arguments to what is returned",
        )  # fmt: skip
    config = Config.checked(
        backend="eager" if backend is None else backend, dynamic=dynamic, fullgraph=False, mode=None, options=None,
        recompile_limit=8,
    )  # fmt: skip
    view = _view_of(fn)
    if view is not None:
        config = dataclasses.replace(
            view.config,
            fullgraph=False,
            backend=view.config.backend if backend is None else config.backend,
            dynamic=view.config.dynamic if dynamic is None else dynamic,
        )
    return lambda *args, **kwargs: _explained(fn, view, config, args, kwargs)


class _Explaining(Specialiser):
    """Captures as ever, and notes what it captured and what its guards cost: the arguments are at hand only then."""

    def __init__(self, config: Config, counter: OperationCounter) -> None:
        super().__init__(config, registry())
        self.counter = counter
        self.captures: list[Capture] = []
        self.guards: list[ExplainedGuard] = []
        self.guard_costs: list[float | None] = []

    def specialise(
        self, entry_point: EntryPoint, values: dict[str, object], seen: Seen
    ) -> tuple[Capture, Callable[..., object]]:
        with self.counter.paused():
            captured, entry = super().specialise(entry_point, values, seen)
            costs = check_costs(captured.guards, values)
            self.guard_costs.append(check_cost(captured.guards, values))
        self.captures.append(captured)
        for guard, cost in zip(captured.guards, costs, strict=True):
            self.guards.append(ExplainedGuard(guard, entry_point.name, cost))
        return captured, entry

    def _compile(self, captured: Capture, entry_point: EntryPoint) -> Callable[..., Any] | None:
        graph = captured.graph
        operations = 0 if graph is None else operations_of(graph)  # before the backend does with it what it likes
        compiled = super()._compile(captured, entry_point)
        return None if graph is None or compiled is None else self.counter.counted(graph, operations, compiled)


def _explained(
    fn: Any, view: View | None, config: Config, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Explanation:
    counter = OperationCounter()
    specialiser = _Explaining(config, counter)
    recompilations = (
        [] if view is None else [*view.recompilations, view.next_recompilation(*_receiver(fn), *args, **kwargs)]
    )
    not_captured = []
    called = lifted_fn = fn
    try:
        lifted_fn = lift(plain_module(fn) if isinstance(fn, torch.nn.Module) else fn, config, lambda _: specialiser)
        called = _captured_at_once(lifted_fn)
    except ConfigurationError as error:
        not_captured.append(NotCaptured(error.code, _name(fn), f"{error.rule}, but this is {error.value}"))
    if current_stance() != "default":
        not_captured.append(NotCaptured("FL312", _name(fn), f"set_stance({current_stance()!r}) is in force"))
    with counter:
        outcome = _outcome(called, args, kwargs)
    lifted = [] if called is fn else _lifted(lifted_fn)
    not_captured += [reason for one in lifted for reason in _reasons(one)]
    recompilations += [recompilation for one in lifted for recompilation in one.recompilations]
    return Explanation(
        name=_name(fn),
        where=_where(fn),
        graphs=tuple(
            [_graph(captured, counter) for captured in specialiser.captures if captured.graph in counter.runs]
        ),
        breaks=tuple([captured.break_ for captured in specialiser.captures if captured.break_ is not None]),
        guards=tuple(specialiser.guards),
        recompilations=tuple([one for one in recompilations if one is not None]),
        not_captured=tuple(not_captured),
        operations=Operations(counter.in_graphs, counter.outside),
        stages=_stages(specialiser.captures),
        guard_cost=_sum(specialiser.guard_costs),
        outcome=outcome,
    )


def _captured_at_once(lifted: Any) -> Any:
    """Return what captures when it is called: a lifted generator function does at the generator's first step."""
    if isinstance(lifted, types.MethodType):
        return types.MethodType(_captured_at_once(lifted.__func__), lifted.__self__)
    view = _view_of(lifted) if isinstance(lifted, types.FunctionType) else None
    return lifted if view is None else view.lifted[0].dispatcher.function


def _lifted(called: Any) -> list[Lifted]:
    view = _view_of(called)
    return [] if view is None else view.lifted


def _reasons(lifted: Lifted) -> Iterator[NotCaptured]:
    """Yield why calls of an entry point run as ordinary Python, apart from breaks, which say so themselves."""
    name, where = lifted.entry_point.name, lifted.entry_point.where
    for problem in lifted.capture_errors:
        why = f"capture failed with {text_of(problem)}; please report this"
        yield NotCaptured(CaptureError.code, name, why, where)
    if lifted.limit_problem is not None:
        yield NotCaptured(lifted.limit_problem.code, name, text_of(lifted.limit_problem), where)
    for captured in lifted.captures.values():
        if captured.runs_eagerly and captured.break_ is None:
            yield NotCaptured("FL311", name, "the call raises, and so that it raises as ever it is not captured", where)


def _outcome(called: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
    try:
        return Outcome(called(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - a call that raises is explained as well; `result` raises it again
        return Outcome(None, error)


def _graph(captured: Capture, counter: OperationCounter) -> CapturedGraph:
    assert captured.graph is not None
    entry_point, graph = captured.entry_point, captured.graph
    return CapturedGraph(entry_point.name, entry_point.where, graph, counter.operations[graph], counter.runs[graph])


def _stages(captures: list[Capture]) -> tuple[tuple[str, float], ...]:
    stages: dict[str, float] = {}
    for captured in captures:
        for stage, seconds in captured.stages.items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    return tuple(stages.items())


def _sum(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _function_of(fn: Any) -> types.FunctionType | None:
    """Return the Python function that a call of `fn` runs, if it can be told."""
    if isinstance(fn, torch.nn.Module):
        fn = type(fn).forward
    while isinstance(fn, (types.MethodType, staticmethod)):
        fn = fn.__func__
    return fn if isinstance(fn, types.FunctionType) else python_call(fn)


def _receiver(fn: Any) -> tuple[Any, ...]:
    """Return what a call of `fn` puts before the arguments: the object of a method, or the module."""
    if isinstance(fn, types.MethodType):
        return (fn.__self__,)
    return () if isinstance(fn, (types.FunctionType, staticmethod)) else (fn,)


def _view_of(fn: Any) -> View | None:
    if isinstance(fn, torch.nn.Module):
        return fn.framelift if is_lifted(fn) else None  # type: ignore[return-value]
    function = _function_of(fn)
    return None if function is None else view_of(function)


def _where(fn: Any) -> tuple[str, int] | None:
    view = _view_of(fn)
    function = _function_of(fn) if view is None else view.original
    return None if function is None else (function.__code__.co_filename, function.__code__.co_firstlineno)


def _name(fn: Any) -> str:
    if isinstance(fn, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)):
        name = getattr(fn, "__qualname__", None)
        if isinstance(name, str):
            return name
    return type(fn).__name__
