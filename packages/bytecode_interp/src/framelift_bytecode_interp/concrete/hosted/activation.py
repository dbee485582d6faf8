"""One call of a hosted function: it interprets until something must be done in the hosting frame."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType, FunctionType, TracebackType
from typing import Any, Final, TypeAlias

from ...completion import Push
from ...errors import BytecodeError, UnsupportedInstructionError
from ...frame import UNBOUND, Frame
from ...handlers import HANDLERS, HandlerTable
from ...instruction import Code, Instruction
from ...interpreter import Interpreter
from ...outcome import NEXT, Break, Next, Outcome, Raise, Return, Value
from ..attempt import foreign_part, is_own, is_own_code, is_own_failure
from ..shortcuts import SUBSTITUTES
from .trampoline import kept_locals

Turns: TypeAlias = Mapping[tuple[str, int], tuple[bool, ...]]
Action: TypeAlias = tuple[Any, tuple[Any, ...]]

_PUSH: Final = Push(0)
HEADROOM: Final = 64
"""How many frames of this package the interpretation of an instruction takes at most, with room to spare."""


@dataclass(slots=True)
class NativeCall:
    """The reason of a break: this call is the instruction's operation, and is made in the hosting frame."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    shows: bool = False
    """Whether the hosting frame is given its local variables first, as what is called looks at frames."""


@dataclass(slots=True)
class Delegation:
    """The reason of a break: the hosting frame delegates to this iterator until it returns."""

    receiver: Any


class HostedFrame(Frame[Any]):
    """A frame that a real one hosts."""

    function = None

    def topmost_handled(self) -> Any:
        """The exception handled here, or in the real frames below."""
        return sys.exception() if self.handled is None else self.handled


def _started(frame: Frame[Any], _instruction: Instruction, _domain: Any) -> Next:
    """RETURN_GENERATOR: the hosting frame is the generator's."""
    frame.stack.append(None)
    return NEXT


def _handlers(*left_out: str) -> HandlerTable:
    shortcuts = {name: substitute.shortcut for name, substitute in SUBSTITUTES.items() if name not in left_out}
    return HandlerTable({**HANDLERS, "RETURN_GENERATOR": _started}, shortcuts)


HOSTED_HANDLERS: Final = _handlers("CALL")
"""The general handlers, and the shortcuts over exact builtin types; calls are the hosting frame's."""

FAITHFUL_HANDLERS: Final = _handlers("CALL", "LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR")
"""Those that look nothing up on a type: a key of its namespace may have a `__eq__` that counts."""


def hosting_frame() -> FrameType:
    """The nearest frame that isn't this package's: it hosts what is interpreted."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_own(frame):
        frame = frame.f_back
    assert frame is not None  # the loop of a hosting frame calls into this package
    return frame


def add_traceback(exception: BaseException, frame: Frame[Any], host: FrameType) -> None:
    """Add a traceback entry: the user's instruction, in the hosting frame."""
    instruction = frame.instruction
    entry = TracebackType(foreign_part(exception.__traceback__), host, instruction.offset, frame.line)
    BaseException.with_traceback(exception, entry)


def place_traceback(exception: BaseException, frame: Frame[Any], host: FrameType) -> None:
    """Replace the entry that the hosting frame's loop got by that of the user's instruction.

    There may be none: CPython adds none for a class that a C function raises, but can't be instantiated.
    """
    traceback = exception.__traceback__
    size = len(frame.code.raw.co_code)
    if traceback is not None and traceback.tb_frame is host and traceback.tb_lasti >= size:
        BaseException.with_traceback(exception, traceback.tb_next)
        if not is_own_code(frame.code.raw):
            add_traceback(exception, frame, host)


class Activation(Interpreter[Any]):
    """Interprets one activation of a hosted function.

    Args:
        frame: at its start.
        domain: answers for values; what needs the hosting frame, it breaks at.
        turns: how the hosting frame's loop is led to each action.
    """

    domain: Any

    def __init__(self, frame: Frame[Any], domain: Any, turns: Turns) -> None:
        self.domain = domain
        self.count = domain.count
        self.depth_limit = 0  # calls are the hosting frame's
        self.handlers = HOSTED_HANDLERS if domain.resolves else FAITHFUL_HANDLERS
        self.frames = [frame]
        self.frame = frame
        self.turns = turns
        self.called: Any = None
        self.delegating = False
        self.started = False
        self.pending: Action | None = None

    def advance(self, told: list[Any]) -> Action:
        """Go on until there is an action to do.

        Args:
            told: the outcome of the last action, and whether it was raised; it is emptied.
        """
        if self.pending is not None:  # the hosting frame has its local variables now
            pending, self.pending = self.pending, None
            return pending
        limit = self.domain.recursion_limit
        if limit is None:
            return self._interruptible(told)
        sys.setrecursionlimit(limit + HEADROOM)
        action = self._interruptible(told)
        while True:
            try:
                sys.setrecursionlimit(limit)  # it counts for what is done in the hosting frame
            except RecursionError:
                if type(self.called) is not FunctionType:
                    return action
            else:
                return action
            refused = RecursionError("maximum recursion depth exceeded")
            action = self._action(self._proceed(self._deliver(self.frame, Raise(refused))))

    def _interruptible(self, told: list[Any]) -> Action:
        """Go on, or have the instruction raise what interrupts it."""
        try:
            return self._action(self._proceed(self._outcome(told)))
        except BytecodeError:
            raise
        except BaseException as error:  # noqa: BLE001 - a signal's handler, or the end of the stack
            interruption = error
        if is_own_failure(interruption):
            raise UnsupportedInstructionError(
                f"{self.frame!r}: it can't be interpreted, the code may be corrupt: {interruption!r}"
            ) from interruption
        # Operands lie above what a handler keeps of the stack, so the frame can go on wherever this came from. The
        # room is for this package's frames only: what is to be done is done after it returned.
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + HEADROOM)
        try:
            self.frames = [self.frame]
            return self._action(self._proceed(self._deliver(self.frame, Raise(interruption))))
        finally:
            del interruption
            sys.setrecursionlimit(limit)

    def _outcome(self, told: list[Any]) -> Outcome[Any] | None:
        """What the interpreted frame's instruction did, by what the hosting frame tells."""
        frame = self.frame
        self.frames = [frame]
        value, raised = told
        told.clear()
        if not self.started and not raised:
            self.started = True
            return None
        if raised:
            if isinstance(value, BytecodeError):
                raise value  # this package's own, which is no exception of the program's
            self.delegating = False
            place_traceback(value, frame, sys._getframe(3))  # the frame whose loop asked `advance`
            return self._deliver(frame, Raise(value, again=True))
        if self.delegating:  # the iterator that was delegated to returned
            self.delegating = False
            return self._deliver(frame, Raise(self.domain.new_stop_iteration(value)))
        return self._deliver(frame, Value(value))

    def _action(self, finish: Any) -> Action:
        frame, turns = self.frame, self.turns
        kind = type(finish)
        self.called = None
        if kind is Break:
            reason = finish.reason
            if type(reason) is NativeCall:
                self.called = reason.function
                instruction = frame.instruction
                if instruction.opname in _CALLS:  # nothing may keep the arguments alive but the callee
                    del frame.stack[-instruction.completion.pops :]  # type: ignore[union-attr]
                    frame.completion = _PUSH
                payload: Any = (reason.kwargs, reason.args, reason.function)
                action = frame.handled, (*turns["call", frame.index], payload)
                if not reason.shows:
                    return action
                self.pending = action
                return None, (*turns["show", -1], tuple(_shown(frame)))
            if type(reason) is Delegation:
                self.delegating = True
                return frame.handled, (*turns["delegate", frame.index], reason.receiver)
            raise UnsupportedInstructionError(f"{frame!r}: {reason}")
        if kind is Return:
            return None, (*turns["return", -1], finish.value)
        if kind is Raise:
            payload = (*_shown(frame), finish.exception, frame.code.instructions[frame.raising_index].offset // 2)
            return None, (*turns["raise", -1], payload)
        return frame.handled, (*turns["yield", frame.index], finish.value)


def _shown(frame: Frame[Any]) -> Iterator[Any]:
    """For each slot, whether it has a value, and that."""
    for slot in kept_locals(frame.code):
        value = frame.locals[slot]
        yield value is not UNBOUND
        yield value


_CALLS: Final = frozenset({"CALL", "CALL_FUNCTION_EX"})


def new_frame(code: Code, slots: tuple[Any, ...], host: FrameType) -> HostedFrame:
    """The frame of a hosted function, from its arguments and the cells of its free variables."""
    raw = code.raw
    given = len(slots) - len(raw.co_freevars)
    frame: HostedFrame = HostedFrame.__new__(HostedFrame)  # without the cost of passing a dozen arguments
    frame.code = code
    frame.globals = host.f_globals
    frame.builtins = host.f_builtins
    frame.locals = [*slots[:given], *[UNBOUND] * (len(code.slot_names) - given)]
    for slot in code.cell_slots:
        if slot < given:  # the hosting frame made a cell of the argument; the interpreted one makes its own
            frame.locals[slot] = slots[slot].cell_contents
    frame.stack = []
    frame.index = 0
    frame.closure = slots[given:]
    frame.completion = frame.back = frame.generator = None
    frame.namespace = None if raw.co_flags & inspect.CO_OPTIMIZED else host.f_locals
    return frame
