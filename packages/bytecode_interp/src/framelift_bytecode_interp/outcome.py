"""What operations of a domain and opcode handlers answer: outcomes are values, never host exceptions.

They are small slotted classes, never changed after they are made (frozen ones cost three times as much to make, and
one is made for each interpreted instruction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from .frame import Frame
from .instruction import Pending

V = TypeVar("V")


@dataclass(slots=True)
class Value(Generic[V]):
    """The operation's result."""

    value: V


@dataclass(slots=True)
class Raise(Generic[V]):
    """The operation raised `exception`.

    Args:
        exception: what it raised.
        again: it was re-raised, so no traceback entry is due.
        passing: it was raised elsewhere, in a frame that ended or in C code, so its `__context__` is what it was there.
    """

    exception: V
    again: bool = False
    passing: bool = False


@dataclass(slots=True)
class Break:
    """The domain can't do this: interpretation stops, with all frames exactly before their instructions."""

    reason: object


@dataclass(slots=True)
class Enter(Generic[V]):
    """Interpret `frame`; its result is handed to `completion`.

    Args:
        frame: the callee.
        completion: what the caller does with the result; domains leave it out, handlers fill it in.
        delivering: to resume a suspended generator's frame: what its `yield` gives or raises.
    """

    frame: Frame[V]
    completion: Pending | None = None
    delivering: Value[V] | Raise[V] | None = None


@dataclass(slots=True)
class Next:
    """Go on with the next instruction; there is one of it, `NEXT`."""


@dataclass(slots=True)
class Jump:
    """Go on with the instruction at `target`."""

    target: int


@dataclass(slots=True)
class Return(Generic[V]):
    """The frame returns `value` (a generator's frame: raises StopIteration with it)."""

    value: V


@dataclass(slots=True)
class Yield(Generic[V]):
    """The frame is suspended; whoever resumed it gets `value`."""

    value: V


NEXT: Final = Next()

RETURNED: Final = -1
"""What a block answers when the frame returns: the value is on top of its stack."""

REDO: Final = -2
"""What a block answers when the instruction at the frame's index is to be done by its handler."""

Result: TypeAlias = Value[V] | Raise[V] | Break | Enter[V]
"""What operations of a domain answer."""

Outcome: TypeAlias = Next | Jump | Return[V] | Raise[V] | Yield[V] | Break | Enter[V]
"""What opcode handlers answer."""

Finish: TypeAlias = Return[V] | Raise[V] | Break | Yield[V]
"""How `Interpreter.run` ends; `Yield` only for an outermost frame that is a generator's."""


class Unwind(BaseException):
    """The one private exception that a domain's operation may raise through C code that called back into it.

    A real container's method that calls `__hash__` of a value can't return an outcome. The step loop catches it, and
    nothing else does; it is no `Exception`, so that no code on the way takes it for an error.
    """

    def __init__(self, outcome: Raise[Any] | Break) -> None:
        super().__init__(outcome)
        self.outcome = outcome
