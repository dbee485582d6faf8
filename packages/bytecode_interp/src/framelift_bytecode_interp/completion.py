"""What is done with an instruction's result, as data: the same for an immediate result and for a callee's.

Operands stay on the frame's stack until the completion is applied, so a frame that breaks is exactly before its
instruction, and a frame that waits for a callee has its live entries in `stack[:len(stack) - completion.pops]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

from .domain import Domain
from .frame import NULL, Frame
from .instruction import Instruction, Pending
from .outcome import NEXT, Break, Enter, Jump, Outcome, Raise, Result, Value

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Completion:
    """How a frame goes on once its instruction has a result.

    Args:
        pops: how many entries the instruction's operands take on the stack.
    """

    kind: ClassVar[str] = "abstract"
    pops: int

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        """Go on with a value."""
        raise NotImplementedError(f"completion {self.kind!r} takes no value")

    def on_raise(self, frame: Frame[V], raised: Raise[V], domain: Domain[V]) -> Outcome[V]:
        """Go on with an exception: it is raised by the instruction, unless a completion knows better."""
        return raised


@dataclass(frozen=True, slots=True)
class Push(Completion):
    """Replace the operands by the result."""

    kind: ClassVar[str] = "push"

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        stack = frame.stack
        if self.pops:
            del stack[-self.pops :]
        stack.append(value)
        return NEXT


@dataclass(frozen=True, slots=True)
class Discard(Completion):
    """Drop the operands and the result."""

    kind: ClassVar[str] = "discard"

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        if self.pops:
            del frame.stack[-self.pops :]
        return NEXT


@dataclass(frozen=True, slots=True)
class PushCallable(Completion):
    """Replace the operands by the result and the NULL of an absent `self`, in the version's order."""

    kind: ClassVar[str] = "push callable"
    null_first: bool

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        frame.stack[-self.pops :] = (NULL, value) if self.null_first else (value, NULL)
        return NEXT


@dataclass(frozen=True, slots=True)
class Insert(Completion):
    """Put the result below the top `below` entries, which are operands, but stay."""

    kind: ClassVar[str] = "insert"
    below: int

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        stack = frame.stack
        stack.insert(len(stack) - self.below, value)
        return NEXT


@dataclass(frozen=True, slots=True)
class Retry(Completion):
    """Replace the operand by the result and execute the instruction again: a truth test, an unpacking.

    The result of `__bool__` is a bool, the result of iterating is a tuple, and what the instruction does to those is
    immediate. Rejected: applying the test here, since a break on the result would have to undo it.
    """

    kind: ClassVar[str] = "retry"

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        frame.stack[-self.pops :] = (value,)
        return Jump(frame.index)


@dataclass(frozen=True, slots=True)
class ShortCircuit(Completion):
    """Jump with the operand on the stack, or drop it, as its truth says: the result is that truth, not the operand.

    Args:
        target: where to jump to.
        jumps: the truth that jumps.
    """

    kind: ClassVar[str] = "short circuit"
    target: int
    jumps: bool

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        truth = domain.truth(value)
        if type(truth) is not Value:
            return deliver(frame, self, truth, domain)
        if truth.value is self.jumps:
            return Jump(self.target)
        frame.stack.pop()
        return NEXT


@dataclass(frozen=True, slots=True)
class PushNext(Completion):
    """Push the item above the iterator; StopIteration drops the iterator and jumps."""

    kind: ClassVar[str] = "next"
    target: int

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        frame.stack.append(value)
        return NEXT

    def on_raise(self, frame: Frame[V], raised: Raise[V], domain: Domain[V]) -> Outcome[V]:
        if not domain.is_stop_iteration(raised.exception):
            return raised
        frame.stack.pop()
        return Jump(self.target)


@dataclass(frozen=True, slots=True)
class PushSent(Completion):
    """Replace the sent value by what was yielded; StopIteration replaces it by the returned value and jumps.

    Args:
        keeps_receiver: whether the receiver stays below the returned value (it does since 3.12, for END_SEND).
    """

    kind: ClassVar[str] = "sent"
    target: int
    keeps_receiver: bool

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        frame.stack[-1] = value
        return NEXT

    def on_raise(self, frame: Frame[V], raised: Raise[V], domain: Domain[V]) -> Outcome[V]:
        if not domain.is_stop_iteration(raised.exception):
            return raised
        value = domain.stop_iteration_value(raised.exception)
        frame.stack[-1 if self.keeps_receiver else -2 :] = (value,)
        return Jump(self.target)


@dataclass(frozen=True, slots=True)
class RaiseResult(Completion):
    """Raise the result: an exception that Python code made."""

    kind: ClassVar[str] = "raise"

    def on_value(self, frame: Frame[V], value: Any, domain: Domain[V]) -> Outcome[V]:
        return Raise(value)


def deliver(frame: Frame[V], completion: Pending | None, result: Result[V], domain: Domain[V]) -> Outcome[V]:
    """Apply a completion to a result; `frame` must be at the instruction that has the completion."""
    waiting: Any = completion  # not `cast`, which costs a call for each instruction
    outcome: Outcome[V]
    if isinstance(result, Value):
        outcome = waiting.on_value(frame, result.value, domain)
    elif isinstance(result, Raise):
        outcome = waiting.on_raise(frame, result, domain)
    elif isinstance(result, Break):
        outcome = result
    else:
        outcome = Enter(result.frame, waiting, result.delivering)
    return outcome


def completion_of(instruction: Instruction) -> Completion:
    """What is done with the result of an instruction.

    Raises:
        ValueError: it has none: it only moves values or jumps.
    """
    completion = cast("Completion | None", instruction.completion)
    if completion is None:
        raise ValueError(f"instruction {instruction.index} ({instruction}) has no result, so no completion")
    return completion
