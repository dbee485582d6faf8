"""What comptime functions may look at and must leave as it is: checked after each of them has run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import torch
import torch.fx

from framelift_graph_capture import Session

from .errors import ComptimeMutationError

__all__ = ["Watch", "Watcher"]


class Watch:
    """What comptime functions were given of one capture that can be changed: fake tensors, and the graph."""

    def __init__(self) -> None:
        self._lent: dict[int, tuple[torch.Tensor, tuple[Any, ...]]] = {}
        self._graph: torch.fx.Graph | None = None
        self.nodes: list[tuple[Any, ...]] = []

    def lend(self, fake: torch.Tensor) -> None:
        """Remember a fake tensor that a comptime function gets to see."""
        self._lent.setdefault(id(fake), (fake, _metadata(fake)))

    def lend_graph(self, graph: torch.fx.Graph) -> None:
        """Remember the nodes of the graph, which a comptime function gets to see."""
        if self._graph is None:
            self._graph = graph
            self.nodes = [_node(node) for node in graph.nodes]

    def look_again(self) -> None:
        """Take everything as it is now: the capture itself goes on between two comptime functions."""
        self._lent = {key: (fake, _metadata(fake)) for key, (fake, _) in self._lent.items()}
        if self._graph is not None:
            self.nodes = [_node(node) for node in self._graph.nodes]

    def changed(self) -> tuple[object, object] | None:
        """Return the metadata before and now of a fake that changed since, if one did."""
        for fake, before in self._lent.values():
            now = _metadata(fake)
            if repr(before) != repr(now):  # by text: comparing symbolic sizes would guard them
                return before, now
        return None

    @property
    def graph_is_lent(self) -> bool:
        """Whether a comptime function has seen the graph, now or earlier."""
        return self._graph is not None


def _metadata(fake: torch.Tensor) -> tuple[Any, ...]:
    plain = fake.layout is torch.strided
    strides = (tuple(fake.stride()), fake.storage_offset()) if plain else ()
    return tuple(fake.shape), strides, fake.dtype, fake.device, fake.requires_grad


def _node(node: torch.fx.Node) -> tuple[Any, ...]:
    return node, node.op, node.target, node.args, node.kwargs, node.name


_ADDED = ("call_function", "call_method")
"""What a comptime function may add to the graph; inputs and outputs are the capture's."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell that a comptime function closes over, made from a variable of the captured frame.

    Args:
        name: the variable.
        cell: what the function closes over.
        content: what was put into it.
    """

    name: str
    cell: Any
    content: object


class Watcher:
    """Looks at everything before a comptime function runs, and again after it.

    Args:
        session: the capture.
        name: the comptime function's name, for messages.
        cells: the cells that it closes over.
    """

    def __init__(self, session: Session, name: str, cells: Iterable[Cell]) -> None:
        self._session = session
        self._name = name
        self._cells = tuple(cells)
        self._watch = session.companion(Watch)
        # Predicates of the user's are not asked: they may be slow, and they are about calls, not about this moment.
        own = [guard for guard in session.value_guards() if not guard.predicate.runs_user_code]
        self._held = [guard for guard in own if guard.check(session.scope)]
        self._watch.look_again()

    def check(self) -> None:
        """Compare.

        Raises:
            ComptimeMutationError: something changed that must not.
        """
        if self._watch.graph_is_lent:
            self._check_graph()
        changed = self._watch.changed()
        if changed is not None:
            found = f"changed from {changed[0]} to {changed[1]}"
            raise self._error("change a fake tensor", found, "work on a copy of it")
        for cell in self._cells:
            content = cell.cell.cell_contents if _is_filled(cell.cell) else None
            if content is not cell.content:
                raise self._error(
                    f"assign the program's variable {cell.name!r}", "assigned",
                    f"return the value: {cell.name} = comptime({self._name})",
                )  # fmt: skip
        for guard in self._held:
            failure = guard.failure(self._session.scope)
            if failure is not None:
                raise self._error(
                    "change what the program has read", f"changed: {failure}",
                    "change the program's objects in the program",
                )  # fmt: skip

    def _check_graph(self) -> None:
        now = [_node(node) for node in self._session.recorder]
        known = {entry[0]: entry for entry in now}
        for before in self._watch.nodes:
            after = known.get(before[0])
            if after is None:
                raise self._graph_error(f"without its node {before[-1]}")
            if any(one is not other and one != other for one, other in zip(before, after, strict=True)):
                raise self._graph_error(f"with its node {before[-1]} changed")
        if len(now) == len(self._watch.nodes):
            return
        # Looking at a tensor of the program's makes it an input: those are the recorder's own.
        own = {entry[0] for entry in self._watch.nodes} | {entry.node for entry in self._session.recorder.inputs}
        for node, op, *_ in now:
            if node not in own and op not in _ADDED:
                raise self._graph_error(f"with a new {op} node {node.name}")
        try:
            self._session.recorder.graph.lint()
        except RuntimeError as error:
            raise self._graph_error(f"inconsistent: {error}") from error

    def _graph_error(self, found: str) -> ComptimeMutationError:
        return self._error("change the graph but for adding calls", f"left {found}", "add calls by ctx.emit(...)")

    def _error(self, rule: str, found: str, remedy: str) -> ComptimeMutationError:
        return ComptimeMutationError(
            f"the comptime function {self._name}", f"must not {rule}", found, remedy, self._session.where()
        )


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asks whether there is one
    except ValueError:
        return False
    return True
