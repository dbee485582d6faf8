"""Where a value of a capture came from, and what is guarded of it: values that print as a line of text."""

from __future__ import annotations

import dataclasses
import linecache

from framelift_graph_capture import Session, SymbolicNumberVariable, TensorVariable
from framelift_guards import FreeVariableSource, GlobalSource, Guard, LocalSource, Source, UserLine
from framelift_variable_tracking import ConstantVariable, Variable

from .printing import variable_text

__all__ = ["GuardNote", "Origin", "guards_of", "origin_of", "source_of"]


def _place(line: UserLine | None) -> str:
    if line is None:
        return ""
    return f" at {line}" + (f": {line.text}" if line.text else "")


@dataclasses.dataclass(frozen=True)
class GuardNote:
    """One guard on a value.

    Args:
        kind: its kind, such as `TENSOR_MATCH`.
        source: the name of what is guarded, such as `L['x']`.
        text: the rule.
        line: the user's line that made it necessary.

    >>> print(GuardNote("EQUALS_MATCH", "L['n']", "L['n'] == 3", UserLine("model.py", 7)))
    EQUALS_MATCH L['n'] == 3, relied on at model.py:7
    """

    kind: str
    source: str
    text: str
    line: UserLine | None

    @classmethod
    def of(cls, guard: Guard) -> GuardNote:
        """Return the note of a guard."""
        line = guard.user_line
        if line is not None and not line.text:
            text = linecache.getline(line.filename, line.line).strip()
            line = dataclasses.replace(line, text=text)
        return cls(guard.kind, guard.name, str(guard), line)

    def __str__(self) -> str:
        place = _place(self.line)
        return f"{self.kind} {self.text}" + (f", relied on{place}" if place else "")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a value came from.

    Args:
        kind: `"argument"`, `"global"`, `"free variable"` and `"part"` (of one of these) for what existed before the
            capture; `"operation"` for what the graph computes, `"constant"` and `"made"` for the rest.
        name: the source, or the graph node and what it calls; empty for what the program made.
        line: the user's line at which it was made, or first read.

    >>> print(Origin("argument", "L['x']", UserLine("model.py", 4, "f")))
    argument L['x'], first read at model.py:4
    """

    kind: str
    name: str
    line: UserLine | None

    def __str__(self) -> str:
        verb = {"operation": "computed", "made": "", "constant": "first seen"}.get(self.kind, "first read")
        what = f"{self.kind} {self.name}" if self.name else self.kind
        place = _place(self.line)
        return what + (("," if verb else "") + f" {verb}".rstrip() + place if place else "")


def source_of(session: Session, variable: Variable) -> Source | None:
    """Return how to fetch a value again at the time of a call; None for one that exists during the capture only."""
    if isinstance(variable, SymbolicNumberVariable):
        info = session.shape_env.symbols.get(variable.value.node.expr)
        if info is not None and info.origins and isinstance(info.origins[0], Source):
            return info.origins[0]
    return variable.source


def guards_of(session: Session, variable: Variable) -> tuple[GuardNote, ...]:
    """Return the guards that the capture has so far on a value and on its parts."""
    source = source_of(session, variable)
    if source is None:
        return ()

    def is_about(guard: Guard) -> bool:
        read = guard.predicate.sources if guard.source is None else (guard.source, *guard.predicate.sources)
        return any(step == source for one in read for step in one.ancestors())

    return tuple([GuardNote.of(guard) for guard in session.current_guards() if is_about(guard)])


_ROOTS: tuple[tuple[type[Source], str], ...] = (
    (LocalSource, "argument"),
    (FreeVariableSource, "free variable"),
    (GlobalSource, "global"),
)


def origin_of(session: Session, variable: Variable) -> Origin:
    """Return where a value came from."""
    line, source = session.place_of(variable), source_of(session, variable)
    if source is not None:
        kind = next((name for root, name in _ROOTS if isinstance(source, root)), "part")
        return Origin(kind, source.name, line)
    node = variable.node if isinstance(variable, (TensorVariable, SymbolicNumberVariable)) else None
    if node is not None:
        called = getattr(node.target, "__name__", node.target)
        return Origin("operation", f"{node.name} = {called}(...)", line)
    if isinstance(variable, SymbolicNumberVariable):
        return Origin("operation", str(variable.value), line)
    if isinstance(variable, ConstantVariable):
        return Origin("constant", variable_text(session, variable), line)
    return Origin("made", "", line)
