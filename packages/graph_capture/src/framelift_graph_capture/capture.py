"""`capture`: interpret from an entry point, and return graph, guards, effects and outcome as one value."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch

from framelift_bytecode_interp import Break, Return, Unwind, Yield
from framelift_guards import GuardSet, Scope, Source, UserLine
from framelift_symbolic_shapes import ConstraintViolation
from framelift_variable_tracking import BreakReason, ReconstructionError, Registry, UnsupportedFeature

from .break_record import BreakRecord
from .devices import without_default_device
from .dynamism import Dynamism, Seen
from .entry_code import EntryCode, EntryFunction
from .entry_point import EntryPoint
from .reasons import UnsupportedTensor
from .session import Session
from .shapes import mark_error
from .start import Started, start
from .suspension import NotResumableError, suspend
from .torch_state import STATE_CHANGES, read_state, restored_state

__all__ = ["Capture", "capture"]


@dataclasses.dataclass
class Capture:
    """What one capture found.

    Args:
        entry_point: where it started.
        graph: the graph; None where there is nothing to compute.
        example_inputs: the graph's inputs in this call, until `forget` is called.
        guards: what was assumed.
        break_: where and why it stopped short of the end, if it did.
        stages: seconds by stage.
    """

    entry_point: EntryPoint
    graph: torch.fx.GraphModule | None
    example_inputs: tuple[Any, ...]
    guards: GuardSet
    break_: BreakRecord | None
    stages: dict[str, float]
    _code: EntryFunction | None = dataclasses.field(repr=False)
    _switches: torch.fx.GraphModule | None = dataclasses.field(default=None, repr=False)

    @property
    def graphs(self) -> tuple[torch.fx.GraphModule, ...]:
        """The graph, if there is one, as a tuple."""
        return () if self.graph is None else (self.graph,)

    @property
    def breaks(self) -> tuple[BreakRecord, ...]:
        """The break, if there is one, as a tuple."""
        return () if self.break_ is None else (self.break_,)

    @property
    def runs_eagerly(self) -> bool:
        """Whether calls with these guards run the user's code as it is: it raises, or cannot be resumed."""
        return self._code is None

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the entry code is given after the parameters: their values when the guards were checked."""
        return () if self._code is None else self._code.sources

    @property
    def together(self) -> tuple[Source, ...]:
        """What the entry code is given last, as one object, where there is much of it: see `Dispatcher.add`."""
        return () if self._code is None else self._code.together

    def forget(self) -> None:
        """Let go of the call that was captured: a capture that is kept must not keep its tensors alive."""
        self.example_inputs = ()

    def entry(
        self, graph: Callable[..., Any] | None, continue_at: Callable[[EntryPoint], Callable[..., object]]
    ) -> Callable[..., object]:
        """Return the entry code: a function of the entry point's parameters, then `sources`, then `together`.

        Args:
            graph: the compiled graph.
            continue_at: gives the function that runs a continuation.
        """
        if self._switches is not None:
            graph = self._switches.forward
        if self._code is None:
            names, run = self.entry_point.parameters, self.entry_point.run
            return lambda *values: run(dict(zip(names, values, strict=True)))
        return self._code.link(graph, continue_at)

    def source(self) -> str:
        """Return the Python of the entry code."""
        return "" if self._code is None else self._code.source()


def capture(
    entry_point: EntryPoint,
    values: dict[str, Any],
    *,
    registry: Registry,
    dynamic: bool | None,
    seen: Seen | None = None,
) -> Capture:
    """Interpret a call symbolically.

    Args:
        entry_point: where to start.
        values: the value of each of its parameters; they are examples, and stay untouched.
        registry: the handlers and rules.
        dynamic: `True`: sizes and numbers are symbolic; `False`: only marked sizes are; `None`: those and what varied.
        seen: what earlier captures of the entry point saw; this one is noted in it.

    Raises:
        MarkError: a size that was marked dynamic does not stay so.

    >>> from framelift_graph_capture import FunctionCall, default_registry
    >>> found = capture(
    ...     FunctionCall(lambda x: x.sin() + 1), {"x": torch.ones(2)}, registry=default_registry(), dynamic=None
    ... )
    >>> [node.name for node in found.graph.graph.nodes]
    ['l_x_', 'sin', 'add', 'output']
    """
    dynamism = Dynamism(dynamic, Seen() if seen is None else seen)
    refused: dict[Any, BreakReason] = {}
    began = time.perf_counter()
    try:
        while True:
            try:
                return _capture(entry_point, values, Session(registry, dynamism, refused), began)
            except _CutError as cut:
                refused[cut.function] = cut.reason
    except ConstraintViolation as violation:
        raise mark_error(violation) from None


class _CutError(Exception):
    """A break within what must be captured whole; not an error to anybody else."""

    def __init__(self, function: Any, reason: BreakReason) -> None:
        super().__init__(function, reason)
        self.function = function
        self.reason = reason


def _capture(entry_point: EntryPoint, values: dict[str, Any], session: Session, began: float) -> Capture:
    session.scope = scope = Scope(values)
    with contextlib.closing(session):
        with restored_state(), without_default_device():  # the caller's, whatever the capture does to it
            started = _start(entry_point, values, session)
            outcome = started if isinstance(started, Break) else session.interpreter.run(*started)
            left = read_state() if session.changes_state else None
        if isinstance(outcome, Break) and (cut := session.cut()) is not None:
            raise _CutError(cut, outcome.reason)  # type: ignore[arg-type]
        interpreted = time.perf_counter()
        code, broke = _emit(entry_point, session, outcome)
        if broke is not None:
            session.broke(broke)
        graph = switches = None
        if code is not None and session.recorder.operations:
            graph = session.recorder.finish(code.outputs)
            if not code.outputs and all(node.target in STATE_CHANGES for node in session.recorder.calls()):
                graph, switches = None, graph  # a break within `torch.no_grad()`: nothing that a backend could compile
            code.call_graph(
                [one.origin for one in session.recorder.inputs],
                states=None if left is None else (session.state_before, left),
                writes=session.recorder.writes_inputs(),
            )
        guards = session.all_guards()
        if session.shape_env.violations:  # raised where it happened, too, but perhaps in the midst of a torch function
            raise session.shape_env.violations[0]
    examples = (
        tuple([_example(one.origin, one.example, scope, session) for one in session.recorder.inputs]) if graph else ()
    )
    finished = time.perf_counter()
    stages = {"interpret": interpreted - began, "emit": finished - interpreted}
    entry = None if code is None else code.finish()
    return Capture(entry_point, graph, examples, guards, broke, stages, entry, switches)


def _start(entry_point: EntryPoint, values: dict[str, Any], session: Session) -> Started:
    if entry_point.where is not None:
        # What is guarded, or breaks, while no frame runs is put down to the definition of what was called.
        session.domain.entry_line = UserLine(*entry_point.where, entry_point.name)
    try:
        return start(entry_point, values, session)
    except Unwind as unwound:  # a handler gave up from within a container's method, before there is a step loop
        return unwound.outcome if isinstance(unwound.outcome, Break) else Break(UnsupportedTensor("an argument"))


def _emit(entry_point: EntryPoint, session: Session, outcome: Any) -> tuple[EntryCode | None, BreakRecord | None]:
    """Return the entry code (None: run eagerly), and the break if there was one."""
    code = EntryCode(entry_point, session.domain, session.to_python)
    if type(outcome) is Return:
        try:
            code.finish_returning(outcome.value)
            code.close(session.effects)
        except ReconstructionError as error:
            return None, session.break_record(error.reason, eager=True)
        except Unwind as unwound:  # a value that goes out cannot be read: hashing its items runs the user's code
            return None, session.break_record(_reason_of(unwound), eager=True)
        return code, None
    if type(outcome) is Yield:
        generator = UnsupportedFeature("the body of a generator", "it runs when somebody asks for its next value")
        return None, session.break_record(generator, eager=True)
    if type(outcome) is not Break:
        # Uncaught: the call raises whatever it does, and eager execution raises it with the user's own traceback.
        return None, None
    reason: BreakReason = outcome.reason  # type: ignore[assignment]
    if not session.frames or session.gave_up:
        return None, session.break_record(reason, eager=True)
    try:
        code.finish_breaking(suspend(session.frames, session.real_globals))
        code.close(session.effects)
    except ReconstructionError as error:
        return None, session.break_record(error.reason, eager=True)
    except Unwind as unwound:
        return None, session.break_record(_reason_of(unwound), eager=True)
    except NotResumableError:
        return None, session.break_record(reason, eager=True)
    return code, session.break_record(reason)


def _reason_of(unwound: Unwind) -> BreakReason:
    if isinstance(unwound.outcome, Break):
        return unwound.outcome.reason  # type: ignore[return-value]
    return UnsupportedFeature("a value that raises when it is read", "its items run the program's code")


def _example(origin: object, example: object, scope: Scope, session: Session) -> object:
    return origin.fetch(scope) if isinstance(origin, Source) else session.hint(example)
