"""How an explanation is laid out for people, with rich: in a terminal, as plain text, in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from framelift_graph_capture import BreakRecord
from framelift_guards import Guard

from .evidence import CapturedGraph, ExplainedGuard, NotCaptured, Operations, Outcome
from .recompilation import Recompilation

__all__ = ["count", "legible", "sections", "summary"]

LONGEST_RULE = 110
"""Characters of a guard's rule that are shown; `to_json` has all of it."""
MOST_GUARDS = 40
"""Guards that are shown; `to_json` has all of them."""


def legible(text: str) -> str:
    r"""Return a text that a terminal shows as it is: line breaks stay, other characters that are not shown are escaped.

    >>> print(legible("a\x1b[31m\ud800\nb"))
    a\x1b[31m\ud800
    b
    """
    return "".join([one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text])


def summary(
    name: str, where: tuple[str, int] | None, counts: Mapping[str, int], operations: Operations, outcome: Outcome
) -> RenderableType:
    """Return the first lines: what was called, how much was found, and how much of the work is in graphs."""
    place = _place(where)
    total = operations.in_graphs + operations.outside
    share = (
        "it ran no torch operation"
        if operations.share is None
        else f"{operations.in_graphs} of {count(total, 'torch operation')} in graphs ({_percent(operations.share)})"
    )
    error = outcome.error
    return Text.assemble(
        _text(name, "bold"),
        Text.assemble(" (", place, ")") if place.plain else "",
        f": {', '.join(count(number, noun) for noun, number in counts.items())}\n{share}",
        "" if error is None else _text(f"\nraised {type(error).__qualname__}", "red"),
    )


def sections(
    *,
    graphs: Sequence[CapturedGraph],
    breaks: Sequence[BreakRecord],
    not_captured: Sequence[NotCaptured],
    recompilations: Sequence[Recompilation],
    guards: Sequence[ExplainedGuard],
    guard_cost: float | None,
    stages: Sequence[tuple[str, float]],
) -> Iterator[RenderableType]:
    """Yield a titled table for each part that is not empty."""
    tables = {
        "graphs": _graphs(graphs),
        "graph breaks": _breaks(breaks),
        "not captured": _not_captured(not_captured),
        "recompilations": _recompilations(recompilations),
        "guards": _guards(guards, guard_cost),
        "capture time": _stages(stages),
    }
    for title, table in tables.items():
        if table.row_count:
            yield Text(f"\n{title}", style="bold")
            yield Padding(table, (0, 0, 0, 2))


def _text(text: str, style: str = "") -> Text:
    # `Text`, never a string: what is between brackets in a string is markup to rich.
    return Text(legible(text), style=style, overflow="fold")


def _place(where: tuple[str, int] | None) -> Text:
    return Text("") if where is None else _text(f"{PurePath(where[0]).name}:{where[1]}", "cyan")


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, show_header=bool(columns), header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _percent(share: float) -> str:
    # Rounded down: 999 of 1000 are not all.
    return f"{int(share * 100)} %"


def count(number: int, noun: str) -> str:
    """Return a number of things in words.

    >>> count(1, "graph"), count(2, "graph")
    ('1 graph', '2 graphs')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _graphs(graphs: Sequence[CapturedGraph]) -> Table:
    table = _table("", "captured from", "where", "operations", "runs", right=("", "operations", "runs"))
    for number, graph in enumerate(graphs):
        table.add_row(str(number), _text(graph.function), _place(graph.where), str(graph.operations), str(graph.runs))
    return table


def _breaks(breaks: Sequence[BreakRecord]) -> Table:
    table = _table("code", "where", "reason and remedy")
    for broke in breaks:
        reason = Text.assemble(_text(broke.explanation), "\n", _text(broke.hint, "dim"))
        table.add_row(Text(broke.code, style="yellow"), _place(broke.where), reason)
    return table


def _not_captured(not_captured: Sequence[NotCaptured]) -> Table:
    table = _table("code", "what", "reason")
    for one in not_captured:
        table.add_row(Text(one.code, style="yellow"), _text(one.function), _text(one.explanation))
    return table


def _recompilations(recompilations: Sequence[Recompilation]) -> Table:
    table = _table("of", "guards that failed")
    for one in recompilations:
        reasons = [_text(str(failure)) for failure in one.failures]
        table.add_row(_text(one.name), Text("\n").join(reasons))
    return table


def _guards(guards: Sequence[ExplainedGuard], together: float | None) -> Table:
    table = _table("ns", "kind", "rule", "needed by", right=("ns",))
    for one in _worth_showing(guards):
        line = one.guard.user_line
        table.add_row(
            _nanoseconds(one.cost),
            _text(one.guard.kind, "dim"),
            _text(_shortened(str(one.guard))),
            Text("") if line is None else _place((line.filename, line.line)),
        )
    if len(guards) > MOST_GUARDS:
        table.add_row("", "", Text(f"the {MOST_GUARDS} that cost most, of {len(guards)}", style="dim"))
    if guards and together is not None:
        table.add_row(_nanoseconds(together), "", Text("all of them together", style="dim"))
    return table


def _worth_showing(guards: Sequence[ExplainedGuard]) -> list[ExplainedGuard]:
    state: set[Guard] = set()
    shown = []
    for one in guards:
        if one.guard.source is None:  # torch's state is guarded in each capture, and in most it is the same
            if one.guard in state:
                continue
            state.add(one.guard)
        shown.append(one)
    if len(shown) > MOST_GUARDS:
        shown.sort(key=lambda one: -(one.cost or 0.0))
    return shown[:MOST_GUARDS]


def _shortened(rule: str) -> str:
    return rule if len(rule) <= LONGEST_RULE else f"{rule[:LONGEST_RULE]}…"


def _nanoseconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1e9:.0f}"


def _stages(stages: Sequence[tuple[str, float]]) -> Table:
    table = _table("ms", "stage", right=("ms",))
    for stage, seconds in stages:
        table.add_row(f"{seconds * 1e3:.2f}", Text(stage))
    return table
