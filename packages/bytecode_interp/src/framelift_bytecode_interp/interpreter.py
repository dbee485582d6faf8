"""The interpreter: a loop over instructions, a stack of frames of its own, and the unwinding of exceptions."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from operator import length_hint
from typing import Any, Generic, TypeVar, cast

from .completion import Push, deliver
from .domain import Domain
from .frame import Frame, LastInstruction
from .handlers import HANDLERS, Handler, HandlerTable
from .instruction import Pending
from .outcome import NEXT, REDO, Break, Enter, Finish, Jump, Outcome, Raise, Result, Return, Unwind, Value, Yield

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class InstructionLimit:
    """The reason of the break when as many instructions were interpreted as `Interpreter` was allowed."""

    limit: int


class InstructionCount:
    """Counts interpreted instructions, for one interpreter or for several that share it.

    The count is an iterator that ends at the limit: stepping it is the cheapest way to count that Python has.

    Args:
        limit: how many instructions may be interpreted.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = sys.maxsize if limit is None else limit
        self.remaining = repeat(None, self.limit)
        self.fused = 0  # instructions that were done in blocks; a count with a limit has none

    @property
    def executed(self) -> int:
        """How many instructions were interpreted so far."""
        return self.limit - length_hint(self.remaining) + self.fused


class Interpreter(Generic[V]):
    """Runs frames over a domain.

    Args:
        domain: answers for values.
        limit: how many instructions it may interpret before it breaks with `InstructionLimit`.
        depth_limit: how many frames may be active before a call raises RecursionError; by default, the host's limit.
        handlers: the opcode handlers.
        count: counts the instructions, instead of `limit`, where interpreters share a count.

    Attributes:
        frames: the active frames, outermost first.
        in_blocks: whether blocks of instructions are done at once.
    """

    in_blocks = False

    def __init__(
        self,
        domain: Domain[V],
        limit: int | None = None,
        *,
        depth_limit: int | None = None,
        handlers: Mapping[str, Handler] = HANDLERS,
        count: InstructionCount | None = None,
    ) -> None:
        self.domain = domain
        self.count = InstructionCount(limit) if count is None else count
        self.depth_limit = sys.getrecursionlimit() if depth_limit is None else depth_limit
        self.handlers = handlers if isinstance(handlers, HandlerTable) else HandlerTable(handlers)
        # Under a limit each instruction is done by itself, so that it stops exactly there.
        self.in_blocks = self.handlers.compiler is not None and self.count.limit == sys.maxsize
        self.frames: list[Frame[V]] = []

    @property
    def instructions_executed(self) -> int:
        """How many instructions were interpreted so far."""
        return self.count.executed

    @property
    def top(self) -> Frame[V]:
        """The innermost frame.

        Raises:
            IndexError: nothing runs.
        """
        return self.frames[-1]

    def run(self, frames: Sequence[Frame[V]], result: Value[V] | Raise[V] | None = None) -> Finish[V]:
        """Run frames to the end of the outermost one.

        Args:
            frames: outermost first; each but the innermost waits at the instruction that entered the next one.
            result: what the innermost frame's instruction (its `completion`, where it has one) gets; None to run that
                instruction.

        Returns:
            `Return` or `Raise` of the outermost frame; `Break`, with `self.frames` left exactly before the
            instructions that they are at; `Yield` if the outermost frame is a generator's.

        Raises:
            ValueError: there is no frame.
        """
        if not frames:
            raise ValueError("run needs at least one frame, outermost first")
        self.frames = list(frames)
        for outer, inner in pairwise(frames):
            inner.back = outer
            if outer.completion is None:
                outer.completion = outer.instruction.completion
        outcome: Outcome[V] | None = None if result is None else self._deliver(self.top, result)
        del result  # no local variable may keep a value alive: a dropped object is finalised at once
        return self._proceed(outcome)

    def resume(self, frame: Frame[V], result: Value[V] | Raise[V]) -> Finish[V]:
        """Run one suspended frame, as `run` does.

        Args:
            frame: a generator's.
            result: what its `yield` gives or raises.

        Returns:
            As `run`.
        """
        self.frames = [frame]
        completion: Any = frame.completion
        if type(completion) is not Push or completion.pops or type(result) is not Value:
            outcome: Outcome[V] = self._deliver(frame, result)
            del result  # as in `run`
            return self._proceed(outcome)
        frame.completion = None
        frame.stack.append(result.value)
        del result
        frame.index += 1
        return self._proceed(None)

    def _proceed(self, outcome: Outcome[V] | None) -> Finish[V]:
        """Go on with what the innermost frame's instruction did, or by running it."""
        while True:
            if outcome is None:
                outcome = self._stride() if self.in_blocks else self._step()
            frame = self.frames[-1]
            kind: Any = type(outcome)
            if outcome is NEXT:
                frame.index += 1
                outcome = None
            elif kind is Jump:
                frame.index = outcome.target  # type: ignore[union-attr]
                outcome = None
            elif kind is Enter:
                outcome = self._enter(frame, cast("Enter[V]", outcome))
            elif kind is Break:
                return cast("Break", outcome)
            elif kind is Raise and self._handle(frame, cast("Raise[V]", outcome)):
                outcome = None
            else:
                ended = self._leave(frame, cast("Return[V] | Raise[V] | Yield[V]", outcome))
                if not self.frames:
                    return ended
                outcome = self._return_to_caller(frame, ended)
                del ended

    def _step(self) -> Outcome[V]:  # noqa: PLR0915 - calling parts of it would cost more than they do
        """Interpret instructions until one does more than go on, jump, call or return from a call.

        This loop and that of `_stride` are where the time goes. Calls and returns are here as well as in `run`, which
        does all else.
        """
        frames, domain, count = self.frames, self.domain, self.count
        remaining = count.remaining
        bound, bind = self.handlers.bound, self.handlers.bind
        inner_limit = self.depth_limit
        proceed = NEXT
        frame = frames[-1]
        index = frame.index
        steps = bound.get(frame.code) or bind(frame.code)
        try:
            for _ in remaining:
                frame.index = index
                handler, instruction = steps[index]
                outcome = handler(frame, instruction, domain)
                if outcome is proceed:
                    index += 1
                    continue
                kind: Any = type(outcome)
                if kind is Jump:
                    index = outcome.target  # type: ignore[union-attr]
                    continue
                if kind is Frame:
                    if len(frames) >= inner_limit:
                        return _refused(frame, outcome)  # type: ignore[arg-type]
                    frame = outcome  # type: ignore[assignment]
                    frames.append(frame)
                    index = 0
                    steps = bound.get(frame.code) or bind(frame.code)
                    continue
                if kind is Enter:
                    if outcome.delivering is not None or len(frames) >= inner_limit:  # type: ignore[union-attr]
                        return outcome
                    frame.completion = outcome.completion  # type: ignore[union-attr]
                    entered: Frame[V] = outcome.frame  # type: ignore[union-attr]
                    entered.back = frame
                    frames.append(entered)
                    frame = entered
                    del entered, outcome  # no local variable may keep a frame alive
                    index = frame.index
                    steps = bound.get(frame.code) or bind(frame.code)
                    continue
                if kind is not Return or frame.generator is not None or len(frames) == 1:
                    return outcome
                frames.pop()
                frame.back = None
                frame = frames[-1]
                completion: Any = frame.completion
                frame.completion = None
                index = frame.index
                steps = bound.get(frame.code) or bind(frame.code)
                if type(completion) is Push:  # most are
                    if completion.pops:
                        del frame.stack[-completion.pops :]
                    frame.stack.append(outcome.value)  # type: ignore[union-attr]
                    index += 1
                    continue
                resumed: Outcome[V] = completion.on_value(frame, outcome.value, domain)  # type: ignore[union-attr]
                outcome = resumed
                if outcome is proceed:
                    index += 1
                elif type(outcome) is Jump:
                    index = outcome.target
                else:
                    return outcome
            frame.index = index
            return Break(InstructionLimit(self.count.limit))
        except Unwind as unwound:
            waiting = frame.instruction.completion
            return unwound.outcome if waiting is None else deliver(frame, waiting, unwound.outcome, domain)

    def _stride(self) -> Outcome[V]:  # noqa: PLR0915 - as in `_step`
        """Interpret blocks of instructions, as `_step` does single ones."""
        frames, domain, count = self.frames, self.domain, self.count
        table, inner_limit = self.handlers, self.depth_limit
        made, divide = table.blocks, table.divide
        frame = frames[-1]
        index = frame.index
        blocks = made.get(frame.code) or divide(frame.code)
        outcome: Any
        try:
            while True:
                frame.index = index
                outcome = blocks[index](frame, domain, count)
                if type(outcome) is int:
                    if outcome >= 0:
                        index = outcome
                        continue
                    if outcome == REDO:
                        steps = table.bound.get(frame.code) or table.bind(frame.code)
                        handler, instruction = steps[frame.index]
                        count.fused += 1
                        outcome = handler(frame, instruction, domain)
                if outcome is NEXT:
                    index = frame.index + 1
                    continue
                kind = type(outcome)
                if kind is Frame:
                    if len(frames) >= inner_limit:
                        return _refused(frame, outcome)
                    frame = outcome
                    frames.append(frame)
                    index = 0
                    blocks = made.get(frame.code) or divide(frame.code)
                    continue
                if kind is Jump:
                    index = outcome.target
                    continue
                if kind is Enter:
                    if outcome.delivering is not None or len(frames) >= inner_limit:
                        return outcome  # type: ignore[no-any-return]
                    frame.completion = outcome.completion
                    entered: Frame[V] = outcome.frame
                    entered.back = frame
                    frames.append(entered)
                    frame = entered
                    del entered, outcome  # no local variable may keep a frame alive
                    index = frame.index
                    blocks = made.get(frame.code) or divide(frame.code)
                    continue
                if kind is int:
                    value = frame.stack.pop()
                elif kind is Return:
                    value = outcome.value
                else:
                    return outcome  # type: ignore[no-any-return]
                if frame.generator is not None or len(frames) == 1:
                    return Return(value)
                frames.pop()
                frame.back = None
                frame = frames[-1]
                completion: Any = frame.completion
                frame.completion = None
                index = frame.index
                blocks = made.get(frame.code) or divide(frame.code)
                if type(completion) is Push:  # most are
                    if completion.pops:
                        del frame.stack[-completion.pops :]
                    frame.stack.append(value)
                    del value
                    index += 1
                    continue
                outcome = completion.on_value(frame, value, domain)
                del value
                if outcome is NEXT:
                    index += 1
                elif type(outcome) is Jump:
                    index = outcome.target
                else:
                    return outcome  # type: ignore[no-any-return]
        except Unwind as unwound:
            waiting = frame.instruction.completion
            return unwound.outcome if waiting is None else deliver(frame, waiting, unwound.outcome, domain)

    def _deliver(self, frame: Frame[V], result: Result[V]) -> Outcome[V]:
        """Hand a result to what the frame waits with."""
        completion: Pending | None = frame.completion or frame.instruction.completion
        frame.completion = None
        if completion is not None:
            return deliver(frame, completion, result, self.domain)
        if isinstance(result, Raise):
            return result
        raise ValueError(f"{frame!r} waits for no value: {frame.instruction.opname} has no result")

    def _enter(self, frame: Frame[V], entering: Enter[V]) -> Outcome[V] | None:
        """Push a frame; beyond the limit, the entering instruction raises RecursionError."""
        if len(self.frames) >= self.depth_limit:
            error = self.domain.new_exception(RecursionError, "maximum recursion depth exceeded")
            return deliver(frame, entering.completion, Raise(error), self.domain)
        frame.completion = entering.completion
        entered = entering.frame
        entered.back = frame
        self.frames.append(entered)
        return None if entering.delivering is None else self._deliver(entered, entering.delivering)

    def _handle(self, frame: Frame[V], raised: Raise[V]) -> bool:
        """Go on in the frame's own handler, if it has one for the instruction."""
        exception = raised.exception
        if not raised.again:
            handled = None if raised.passing else frame.topmost_handled()
            if handled is not None:
                self.domain.set_context(exception, handled)
            self.domain.note_traceback(exception, frame)
        entry = frame.code.handler_at(frame.index)
        if entry is None:
            return False
        stack = frame.stack
        position = frame.raising_index
        del stack[entry.depth :]
        if entry.lasti:
            stack.append(LastInstruction(position))
        stack.append(exception)
        frame.index = entry.target
        return True

    def _leave(self, frame: Frame[V], outcome: Return[V] | Raise[V] | Yield[V]) -> Return[V] | Raise[V] | Yield[V]:
        """Pop the innermost frame, which ends or is suspended."""
        self.frames.pop()
        frame.back = None
        if type(outcome) is Raise:
            exception = outcome.exception
            made = exception if frame.generator is None else self.domain.generator_raised(frame, exception)
            return Raise(made, passing=True)
        return outcome

    def _return_to_caller(self, frame: Frame[V], ended: Return[V] | Raise[V] | Yield[V]) -> Outcome[V]:
        """Hand what a frame ended with to its caller, which is innermost now."""
        if isinstance(ended, Raise):
            return self._deliver(self.frames[-1], ended)
        if frame.generator is not None and isinstance(ended, Return):
            return self._deliver(self.frames[-1], Raise(self.domain.new_stop_iteration(ended.value)))
        return self._deliver(self.frames[-1], Value(ended.value))


def _refused(caller: Frame[V], callee: Frame[V]) -> Enter[V]:
    """The entering of a frame that waited for it only, which is to be refused: there are too many frames."""
    completion, caller.completion = caller.completion, None
    return Enter(callee, completion)
