"""What `explain` returns: one frozen value that says what became of a call, for people and for programs."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from framelift_graph_capture import BreakRecord
from framelift_guards import Guard
from framelift_guards.plain import show

from .evidence import CapturedGraph, ExplainedGuard, NotCaptured, Operations, Outcome
from .recompilation import Recompilation
from .report import count, legible, sections, summary

__all__ = ["Explanation"]

SCHEMA = "framelift.explanation/1"
"""The name of what `Explanation.to_json` writes; the number grows when a field changes its meaning or goes."""

WIDTH = 110
"""Columns of the plain text and of the HTML."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What became of one call: an immutable value.

    `print` shows it as plain text, `rich.print` in colour, a notebook as HTML; `to_json` is for programs.

    Args:
        name: what was called.
        where: its file and line, where it has one.
        graphs: the graphs that the call made, in order.
        breaks: where capture stopped, and why.
        guards: what the graphs assume.
        recompilations: captures of what was captured before, each with the guards that failed. For a function that was
            lifted before, those that it had so far come first, and then the one that this call would cause there.
        not_captured: what ran as ordinary Python from its start, and why.
        operations: how much of the call's work ran in graphs.
        stages: seconds of capture by stage: `interpret` (the bytecode), `emit` (graph and entry code), `backend`,
            `link` (guards and dispatcher). All of it is spent once, not in later calls.
        guard_cost: seconds that checking the guards takes in a call, all together, measured; None if it could not be.
        outcome: what the call returned or raised.

    >>> import framelift, torch
    >>> explanation = framelift.explain(lambda x: x.sin() + 1)(torch.zeros(2))
    >>> len(explanation.graphs), explanation.breaks, explanation.operations.share, explanation.result()
    (1, (), 1.0, tensor([1., 1.]))
    """

    name: str
    where: tuple[str, int] | None
    graphs: tuple[CapturedGraph, ...]
    breaks: tuple[BreakRecord, ...]
    guards: tuple[ExplainedGuard, ...]
    recompilations: tuple[Recompilation, ...]
    not_captured: tuple[NotCaptured, ...]
    operations: Operations
    stages: tuple[tuple[str, float], ...]
    guard_cost: float | None
    outcome: Outcome = dataclasses.field(compare=False)

    def result(self) -> Any:
        """Return what the call returned.

        Raises:
            Exception: what the call raised.
        """
        if self.outcome.error is not None:
            raise self.outcome.error
        return self.outcome.value

    @property
    def graph_count(self) -> int:
        """How many graphs there are."""
        return len(self.graphs)

    @property
    def graph_break_count(self) -> int:
        """How many graph breaks there are."""
        return len(self.breaks)

    @property
    def op_count(self) -> int:
        """How many operations the graphs have, each graph counted once."""
        return sum(graph.operations for graph in self.graphs)

    @property
    def capture_time(self) -> float:
        """Seconds of all stages of capture."""
        return sum(seconds for _, seconds in self.stages)

    def to_json(self, *, indent: int | None = None) -> str:
        """Return it as JSON: texts, numbers and lists only, whatever objects the call had to do with.

        The field `schema` names the layout. Values that are no plain data are shown by their type; nothing of the
        user's is called.

        Args:
            indent: as for `json.dumps`.

        >>> import framelift, json, torch
        >>> explanation = framelift.explain(lambda x: x.sin() + 1)(torch.zeros(2))
        >>> data = json.loads(explanation.to_json())
        >>> data["schema"], data["operations"]
        ('framelift.explanation/1', {'in_graphs': 2, 'outside': 0, 'share': 1.0})
        """
        return json.dumps(_legible(self._data()), indent=indent, allow_nan=False)

    def _data(self) -> dict[str, Any]:
        error = self.outcome.error
        return {
            "schema": SCHEMA,
            "function": self.name,
            "where": _place(self.where),
            "returned": None if error is not None else show(self.outcome.value),
            "raised": None if error is None else _error(error),
            "operations": {
                "in_graphs": self.operations.in_graphs,
                "outside": self.operations.outside,
                "share": self.operations.share,
            },
            "capture_seconds": dict(self.stages),
            "guard_check_seconds": self.guard_cost,
            "graphs": [
                {
                    "function": graph.function,
                    "where": _place(graph.where),
                    "operations": graph.operations,
                    "runs": graph.runs,
                    "code": graph.code,
                }
                for graph in self.graphs
            ],
            "breaks": [
                {
                    "code": broke.code,
                    "explanation": broke.explanation,
                    "hint": broke.hint,
                    "where": _place(broke.where),
                    "stack": broke.stack,
                    "runs_eagerly": broke.eager,
                }
                for broke in self.breaks
            ],
            "guards": [{**_guard(one.guard), "function": one.function, "seconds": one.cost} for one in self.guards],
            "recompilations": [
                {
                    "function": one.name,
                    "where": _place(one.where),
                    "specialisations_before": one.number,
                    "failures": [
                        {"guard": _guard(failure.guard), "reason": failure.reason, "remedy": failure.remedy}
                        for failure in one.failures
                    ],
                }
                for one in self.recompilations
            ],
            "not_captured": [
                {
                    "code": one.code,
                    "function": one.function,
                    "explanation": one.explanation,
                    "where": _place(one.where),
                }
                for one in self.not_captured
            ],
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        counts = {
            "graph": len(self.graphs),
            "graph break": len(self.breaks),
            "guard": len(self.guards),
            "recompilation": len(self.recompilations),
        }
        yield summary(self.name, self.where, counts, self.operations, self.outcome)
        yield from sections(
            graphs=self.graphs,
            breaks=self.breaks,
            not_captured=self.not_captured,
            recompilations=self.recompilations,
            guards=self.guards,
            guard_cost=self.guard_cost,
            stages=self.stages,
        )

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None, legacy_windows=False)
        with console.capture() as captured:
            console.print(self)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    def __repr__(self) -> str:
        counts = f"{count(len(self.graphs), 'graph')}, {count(len(self.breaks), 'break')}"
        return f"<Explanation of {legible(self.name)}: {counts}>"

    def _repr_html_(self) -> str:
        """Return it as HTML for a notebook; every text of the program's is escaped."""
        console = Console(
            file=io.StringIO(), width=WIDTH, record=True, force_jupyter=False, color_system="truecolor",
            force_terminal=True, legacy_windows=False,
        )  # fmt: skip
        console.print(self)
        return console.export_html(inline_styles=True, code_format='<pre style="line-height:1.2">{code}</pre>')


def _guard(guard: Guard) -> dict[str, Any]:
    line = guard.user_line
    return {
        "kind": guard.kind,
        "source": guard.name,
        "predicate": str(guard),
        "where": None if line is None else {"file": line.filename, "line": line.line, "function": line.function},
    }


def _place(where: tuple[str, int] | None) -> dict[str, Any] | None:
    return None if where is None else {"file": where[0], "line": where[1]}


def _error(error: Exception) -> str:
    # Not `str(error)`, which runs the user's code.
    return f"{type(error).__qualname__}({', '.join(show(argument) for argument in error.args)})"


def _legible(data: Any) -> Any:
    """Return data for JSON in which every text is one that any reader of JSON can decode."""
    if isinstance(data, dict):
        return {key: _legible(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_legible(value) for value in data]
    return data.encode("utf-8", "backslashreplace").decode() if isinstance(data, str) else data
