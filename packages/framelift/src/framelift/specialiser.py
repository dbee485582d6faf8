"""What happens when no specialisation fits: capture, compile, link; and the limit on how often.

One `Specialiser` stands behind one `framelift.compile`. It holds a lifted entry point for the function and one for each
continuation of a graph break, so a break that is reached again, or from another specialisation, is captured once.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from framelift_graph_capture import (
    Capture,
    Continuation,
    EntryPoint,
    FunctionCall,
    Registry,
    Seen,
    UserCodeError,
    capture,
    kept_state,
    without_default_device,
)
from framelift_guards import (
    Dispatcher,
    Failure,
    ForkSafeLock,
    Guard,
    GuardMode,
    GuardSet,
    Scope,
    Specialisation,
    UserLine,
    is_interruption,
)
from framelift_guards.plain import show

from .backends import call_beginning, compile_graph
from .call_beginning import announcing
from .compiled_graph import CompiledGraph
from .config import Config
from .errors import (
    BackendError,
    CaptureError,
    ConfigurationError,
    FrameliftError,
    GraphBreakError,
    GuardViolationError,
    RecompilationError,
    text_of,
)
from .everything import current_stance
from .recompilation import Recompilation, advised, trend
from .verification import verified

__all__ = ["Lifted", "Specialiser"]


class Lifted:
    """One entry point with its dispatcher and its captures.

    Args:
        entry_point: where capture starts.
        dispatcher: makes the dispatcher, given `miss` and `violated`.
        specialiser: compiles graphs and lifts continuations.
    """

    def __init__(
        self,
        entry_point: EntryPoint,
        dispatcher: Callable[..., Dispatcher],
        specialiser: Specialiser,
    ) -> None:
        self.entry_point = entry_point
        self.captures: dict[Specialisation, Capture] = {}
        self.capture_errors: list[BaseException] = []
        self.recompilations: list[Recompilation] = []
        self.limit_problem: CaptureError | None = None
        self.seen = Seen()
        self._specialiser = specialiser
        self._lock = ForkSafeLock()
        self._eager = False
        self.dispatcher = dispatcher(miss=self._miss, violated=self._violated)

    def clear(self) -> None:
        """Forget every specialisation; the next call captures again."""
        with self._lock.held():
            self.dispatcher.clear()
            self.captures.clear()
            self.recompilations.clear()
            self.seen.clear()
            self.limit_problem = None
            self._eager = False

    def _miss(self, values: dict[str, object]) -> object:
        failure: BaseException | None = None
        try:
            with self._lock.held():
                found = self._specialisation_for(values)
        except BaseException as error:
            if not isinstance(self.entry_point, Continuation):
                raise
            found, failure = None, error  # a backend's, a signal's: raised where frames of the user's wait
        if isinstance(self.entry_point, Continuation) and failure is not None:
            return self.entry_point.fail(values, failure)
        # Outside the lock: user code runs here, on any thread, for as long as it likes.
        return self.entry_point.run(values) if found is None else found.run(values)

    def _specialisation_for(self, values: dict[str, object]) -> Specialisation | None:
        """Return what runs these arguments, capturing it if need be; `None` means run them eagerly."""
        stance = current_stance()
        if self._eager or stance == "force_eager":
            return None
        scope = Scope(values)
        for known in self.dispatcher.specialisations:  # another thread may have captured it meanwhile
            if known.guards.check(scope):
                return known
        if stance != "default":
            self._refuse(stance, values)
            return None
        if len(self.dispatcher.specialisations) >= self._specialiser.config.recompile_limit:
            self._at_the_limit(values)
            return None
        missed = self._recompilation(tuple(self.dispatcher.failures(values)))
        try:
            captured, entry = self._specialiser.specialise(self.entry_point, values, self.seen)
        except FrameliftError:
            raise
        except UserCodeError as passing:
            raise passing.error from passing.error.__cause__
        except Exception as error:  # whatever is wrong inside capture, the user's call must still run
            if is_interruption(error):
                raise
            self._capture_failed(error)
            return None
        started = time.perf_counter()
        made = self.dispatcher.add(captured.guards, entry, captured.sources, captured.together)
        captured.stages["link"] = time.perf_counter() - started
        self.captures[made] = captured
        if missed.number:
            self.recompilations.append(missed)
        return made

    def _violated(self, name: str, mode: GuardMode, failure: Failure) -> Exception:
        return GuardViolationError(
            f"{self.entry_point.name} under guards={mode.name!r}", "must find what it relies on unchanged",
            f"called after a change: {failure}",
            "results since the last full check may be stale, and the next call is checked in full; for state that "
            "changes use guards='checked'", self.entry_point.where,
        )  # fmt: skip

    def _recompilation(self, failures: tuple[Failure, ...]) -> Recompilation:
        number = len(self.dispatcher.specialisations)
        advice = tuple([advised(failure, self._specialiser.config.dynamic) for failure in failures])
        return Recompilation(self.entry_point.name, self.entry_point.where, number, advice)

    def _refuse(self, stance: str, values: dict[str, object]) -> None:
        if stance == "fail_on_recompile":
            failures = list(self.dispatcher.failures(values))
            raise RecompilationError(
                self.entry_point.name, "must be captured already under set_stance('fail_on_recompile')",
                f"not: {failures[-1]}" if failures else "called for the first time",
                "call it before with such arguments, or make what varies dynamic", self.entry_point.where,
            )  # fmt: skip

    def _at_the_limit(self, values: dict[str, object]) -> None:
        if self.limit_problem is not None:
            return
        config = self._specialiser.config
        missed = self._recompilation(tuple(self.dispatcher.failures(values)))
        kept_failing = trend([*self.recompilations, missed])
        error = CaptureError(
            f"{self.entry_point.name}",
            f"may have {config.recompile_limit} specialisations",
            f"called with what none of them fits: {kept_failing}",
            f"{'' if kept_failing is None else kept_failing.remedy(dynamic=config.dynamic) + ', or '}"
            "raise recompile_limit; until then such calls run eagerly",
            self.entry_point.where,
        )
        if self._specialiser.config.fullgraph:
            raise error
        self.limit_problem = error
        if self._specialiser.is_first_at_the_limit():
            warnings.warn(f"[{error.code}] {error}", RuntimeWarning, stacklevel=2)

    def _capture_failed(self, error: Exception) -> None:
        self.capture_errors.append(error)
        problem = CaptureError(
            f"{self.entry_point.name}",
            "must be captured without an internal error",
            f"not: {text_of(error)}",
            "the call runs eagerly; please report this",
            self.entry_point.where,
        )
        problem.__cause__ = error
        if self._specialiser.config.fullgraph:
            raise problem
        self._eager = True
        warnings.warn(f"[{problem.code}] {problem}", RuntimeWarning, stacklevel=2)


class Specialiser:
    """Captures, compiles and links for one configuration.

    Args:
        config: what the user asked for.
        registry: the handlers and rules that capture works with.
    """

    def __init__(self, config: Config, registry: Registry) -> None:
        self.config = config
        self._registry = registry
        self._lock = ForkSafeLock()
        self._continuations: dict[EntryPoint, Lifted] = {}
        self._at_the_limit = False

    def is_first_at_the_limit(self) -> bool:
        """Tell, once, that no entry point of the function was at the limit before: there is one warning for all."""
        with self._lock.held():
            first, self._at_the_limit = not self._at_the_limit, True
        return first

    @property
    def continuations(self) -> tuple[Lifted, ...]:
        """The lifted continuations of graph breaks, in the order in which they were first linked."""
        return tuple(self._continuations.values())

    def clear(self) -> None:
        """Forget the continuations."""
        with self._lock.held():
            self._continuations.clear()
            self._at_the_limit = False

    def specialise(
        self, entry_point: EntryPoint, values: dict[str, object], seen: Seen
    ) -> tuple[Capture, Callable[..., object]]:
        """Capture from an entry point with these arguments, compile the graph, and return the entry code.

        Raises:
            GraphBreakError: there is a break, and `fullgraph=True`.
            BackendError: the backend raised, or returned something that cannot be called.
        """
        captured = capture(entry_point, values, registry=self._registry, dynamic=self.config.dynamic, seen=seen)
        if self.config.fullgraph and captured.break_ is not None:
            found = captured.break_
            raise GraphBreakError(
                f"{entry_point.name} under fullgraph=True",
                "must be one graph",
                f"broken: [{found.code}] {found.explanation}",
                found.hint or "remove what breaks, or drop fullgraph=True",
                found.where,
            )
        compiled = self._compile(captured, entry_point)
        captured.guards = located(captured.guards, entry_point)
        if self.config.guard_filter is not None:
            captured.guards = filtered(captured.guards, self.config.guard_filter, entry_point)
        captured.forget()
        entry = captured.entry(compiled, self._continue_at)
        # Asked only now: the backend would import its compiler for the answer.
        begins = None if isinstance(entry_point, Continuation) else call_beginning(self.config.backend)
        if begins is not None:
            entry = announcing(entry, begins)
        if self.config.verify and isinstance(entry_point, FunctionCall):  # with all continuations that it comes to
            entry = verified(entry, entry_point)
        return captured, entry

    def _compile(self, captured: Capture, entry_point: EntryPoint) -> Callable[..., Any] | None:
        if captured.graph is None:
            return None
        name = getattr(self.config.backend, "__name__", type(self.config.backend).__name__)
        started = time.perf_counter()
        try:
            with without_default_device(), kept_state():  # a compiler that fails may leave torch's state changed
                compiled = compile_graph(self.config.backend, captured.graph, captured.example_inputs)
        except Exception as error:
            if is_interruption(error):
                raise
            raise BackendError(
                f"backend {name}", "must compile the graph", f"raising {type(error).__name__}: {error}",
                "try backend='eager' to see whether the graph itself is sound", entry_point.where,
            ) from error  # fmt: skip
        captured.stages["backend"] = time.perf_counter() - started
        if not callable(compiled):
            raise BackendError(
                f"backend {name}", "must return a callable", f"returning {type(compiled).__name__}",
                "return a function of the graph's inputs, such as gm.forward", entry_point.where,
            )  # fmt: skip
        if not isinstance(compiled, CompiledGraph):
            return compiled
        captured.guards = GuardSet([*captured.guards, *compiled.guards])
        return compiled.run

    def _continue_at(self, entry_point: EntryPoint) -> Callable[..., object]:
        with self._lock.held():
            lifted = self._continuations.get(entry_point)
            if lifted is None:
                lifted = Lifted(
                    entry_point,
                    functools.partial(
                        Dispatcher.for_parameters,
                        entry_point.parameters,
                        name=entry_point.name,
                        mode=self.config.guards,
                    ),
                    self,
                )
                self._continuations[entry_point] = lifted
        return lifted.dispatcher.function


def located(guards: GuardSet, entry_point: EntryPoint) -> GuardSet:
    """Put guards that no line of the program caused, such as a backend's, down to the definition of what was called."""
    if entry_point.where is None:
        return guards
    line = UserLine(*entry_point.where, entry_point.name)
    return GuardSet([guard if guard.user_line else replace(guard, user_line=line) for guard in guards])


def filtered(guards: GuardSet, keep: Callable[[Guard], bool], entry_point: EntryPoint) -> GuardSet:
    """Return the guards that the user's filter keeps.

    Raises:
        ConfigurationError: it answers something else than True or False.
        UserCodeError: it raised.
    """
    kept = []
    for guard in guards:
        try:
            answer = keep(guard)
        except Exception as error:
            raise UserCodeError(error) from error
        if not isinstance(answer, bool):
            raise ConfigurationError(
                "guard_filter", "must answer True or False", f"answering {show(answer)} for {guard}",
                "return True for each guard to keep", entry_point.where,
            )  # fmt: skip
        if answer:
            kept.append(guard)
    return GuardSet(kept)
