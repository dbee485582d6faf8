"""Going on natively from the middle of frames: resume functions, and chains of them.

A frame that broke is data: code, instruction, locals, stack, handled exception. What an instruction's completion does
with an outcome is done on that data, by the interpreter's own means; the rest of the frame then runs natively as a
*resume function*: the user's code behind a prologue that pushes the stack, stores the locals and jumps. Inside a
handler, the prologue pushes the handled exceptions with PUSH_EXC_INFO, so that `sys.exception()` and a bare `raise`
see them; an exception is raised at the original instruction, under its exception-table entry. The resume function of
a frame that waits for a callee calls the callee's resume function where the user's call is: the callee then sees the
user's frames below it, and what is handled there.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeAlias, cast

from ._cpython import VERSION
from .completion import Completion, Discard, Push, PushCallable, RaiseResult, Retry, deliver
from .concrete import ConcreteDomain
from .concrete.attempt import attempt
from .decoding import decode
from .errors import ResumeError
from .frame import NO_EXCEPTION, NULL, UNBOUND, Frame, LastInstruction
from .handlers import HANDLERS
from .instruction import Code, Pending
from .outcome import NEXT, Jump, Outcome, Raise, Return, Value
from .splice import Handler, Prologue
from .stack_shape import Handled, Shape, stack_shapes

Given: TypeAlias = Value[Any] | Raise[Any]

_FUNCTION: Final = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS
_SUSPENDS: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(slots=True)
class NativeFrame:
    """A stopped frame with real values.

    Args:
        code: the user's code object.
        globals: of the function.
        index: the canonical instruction that it is at.
        locals: a value, a cell or UNBOUND for each slot; the cells of free variables included.
        stack: the raw stack before the instruction: values, NULL, NO_EXCEPTION, LastInstruction.
        completion: what is done with the outcome; by default, what the instruction does.
        handled: the exception that the frame itself is handling.
    """

    code: CodeType
    globals: dict[str, Any]
    index: int
    locals: list[Any]
    stack: list[Any] = field(default_factory=list)
    completion: Pending | None = None
    handled: BaseException | None = None


class Action(Enum):
    """What a resume function does first."""

    RUN = "run"
    RAISE = "raise"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy, made on the way to POP_EXCEPT, of the entry that PUSH_EXC_INFO pushed, which is so far below it."""

    distance: int


@dataclass(frozen=True, slots=True)
class ResumeKey:
    """What a resume function depends on, besides its code; the values come in the state tuple.

    Args:
        index: the instruction that it goes on at.
        action: run that instruction, raise an exception at it, or call a function in its place.
        stack: for each entry `"value"`, `"null"`, `"handled"` (PUSH_EXC_INFO), the index of a LastInstruction, or a
            `Copied` one.
        unbound: the slots without a value.
        completion: of a call: what is done with its result.
    """

    index: int
    action: Action = Action.RUN
    stack: tuple[str | int | Copied, ...] = ()
    unbound: frozenset[int] = frozenset()
    completion: Completion | None = None


def resume_function(
    code: CodeType,
    namespace: dict[str, Any],
    closure: Sequence[CellType],
    key: ResumeKey,
    state: tuple[Any, ...],
) -> FunctionType:
    """The function, without arguments, that runs the rest of a frame.

    Args:
        code: the user's code object.
        namespace: the globals.
        closure: the cells of its free variables.
        key: where and how it goes on.
        state: from the bottom of the stack, the value of each `"value"` entry and the exception of each `"handled"`
            one; to raise, a function that raises its argument, and the exception; to call, the function, which takes
            no argument; then the bound slots, cells raw, without free variables.

    Raises:
        ResumeError: the frame can't go on natively there.
    """
    spliced = _spliced(decode(code), key)
    # The first argument exists for `super()`, which reads it; the prologue puts the frame's own value there.
    defaults = (None,) * spliced.co_argcount
    return FunctionType(spliced, namespace, code.co_name, defaults, (*closure, CellType(state)))


@lru_cache(maxsize=1024)
def _spliced(code: Code, key: ResumeKey) -> CodeType:
    instruction = code.instructions[key.index]
    _check_resumable(code, key)
    prologue = Prologue(code.raw)
    for entry in key.stack:
        if entry == "null":
            prologue.add("PUSH_NULL")
        elif entry == "handled":
            prologue.push_state()
            prologue.add("PUSH_EXC_INFO")
            prologue.add("POP_TOP")
        elif isinstance(entry, Copied):
            prologue.add("COPY", entry.distance)
        elif isinstance(entry, int):
            prologue.push_position(code.instructions[entry].offset)
        else:
            prologue.push_state()
    if key.action is not Action.RUN:
        if isinstance(key.completion, PushCallable) and key.completion.null_first:
            prologue.add("PUSH_NULL")
        if VERSION.null_first:
            prologue.add("PUSH_NULL")
        prologue.push_state()
        if not VERSION.null_first:
            prologue.add("PUSH_NULL")
        if key.action is Action.RAISE:
            prologue.push_state()
    for slot in range(code.first_free_slot):
        if slot not in key.unbound:
            prologue.push_state()
            prologue.add("STORE_FAST", slot)
    if 0 in key.unbound and code.raw.co_argcount:
        prologue.add("DELETE_FAST", 0)
    if key.action is Action.RUN:
        return prologue.finish_with_jump(instruction.start, instruction.positions)
    entry_at = code.handler_at(key.index)
    handler = None
    if entry_at is not None:
        handler = Handler(code.instructions[entry_at.target].start, entry_at.depth, entry_at.lasti)
    if key.action is Action.RAISE:
        return prologue.finish_with_raise(handler, instruction.positions)
    then, target = _after_call(code, key)
    offset = None if target is None else code.instructions[target].start
    return prologue.finish_with_call(then, offset, handler, instruction.positions)


def _after_call(code: Code, key: ResumeKey) -> tuple[Sequence[str], int | None]:
    """What follows a call natively to complete an instruction, and where that goes on; None where it raises."""
    match key.completion:
        case Push():
            return (), key.index + 1
        case Discard():
            return ("POP_TOP",), key.index + 1
        case PushCallable(null_first=null_first):
            return () if null_first else ("PUSH_NULL",), key.index + 1
        case Retry():
            return (), key.index
        case RaiseResult():
            return ("RAISE_VARARGS",), None
        case _:
            raise ResumeError(f"{code.raw.co_qualname}: {key.completion} can't be completed natively")


def _can_call(frame: NativeFrame) -> bool:
    """Whether the callee that a frame waits for can be called natively in its place."""
    code = decode(frame.code)
    completion = frame.completion or code.instructions[frame.index].completion
    if isinstance(completion, RaiseResult):
        return True
    if not isinstance(completion, Push | Discard | PushCallable | Retry):
        return False
    target = frame.index if isinstance(completion, Retry) else frame.index + 1
    return code.instructions[target].part == 0


def _check_resumable(code: Code, key: ResumeKey) -> None:
    instruction = code.instructions[key.index]
    where = f"{code.filename}:{instruction.line}, {code.raw.co_qualname}, instruction {key.index} ({instruction})"
    if code.raw.co_flags & _FUNCTION != _FUNCTION:
        raise ResumeError(f"{where}: only frames of functions can be resumed, not those of modules and classes")
    if instruction.part and key.action is Action.RUN:
        raise ResumeError(
            f"{where}: it is part {instruction.part} of one instruction of CPython; resume at part 0, or interpret on"
        )
    shape = _shape_at(code, key.index)
    if key.action is Action.RUN and len(shape) != len(key.stack):
        raise ResumeError(f"{where}: the stack there has {len(shape)} entries, not {len(key.stack)}")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How a frame that stopped before an instruction can go on natively.

    Args:
        index: of the instruction.
        runs: whether it can go on by running the instruction: CPython does, or, of a part of one of its instructions,
            the interpreter does first.
        takes_outcome: whether it can go on with an outcome, a value or an exception, of the instruction.
        reason: why not, where it can't do either.
    """

    index: int
    runs: bool
    takes_outcome: bool
    reason: str | None = None


def resume_points(code: Code) -> tuple[ResumePoint, ...]:
    """Where a frame of a code object can be resumed, for each instruction (see `resumption`).

    An instruction that only moves values or jumps has no outcome. Frames of modules and of class bodies are never
    resumed: they have no function; neither are frames that CPython is still making. What `resume_points` can't see:
    the frame of an asynchronous generator can't be remade, for nothing can hand its object what it was awaiting.

    Args:
        code: a decoded code object.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def double(x):
        ...     return 2 * x
        >>> [point.takes_outcome for point in resume_points(decode(double.__code__))]
        [False, False, False, True, False]
    """
    shapes = stack_shapes(code)
    is_function = code.raw.co_flags & _FUNCTION == _FUNCTION
    points = []
    for instruction in code.instructions:
        reason: str | None = None
        if shapes[instruction.index] is None:
            reason = "control can't reach it"
        elif not is_function:
            reason = "only frames of functions can be resumed"
        elif instruction.opname in {"COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR"}:
            reason = "the frame is still being made"
        takes = reason is None and instruction.completion is not None
        points.append(ResumePoint(instruction.index, reason is None, takes, reason))
    return tuple(points)


def _shape_at(code: Code, index: int) -> Shape:
    shape = stack_shapes(code)[index]
    if shape is None:
        raise ResumeError(f"{code.filename}, {code.raw.co_qualname}: instruction {index} can't be reached")
    return shape


def _key_and_state(
    frame: NativeFrame, action: Action, operands: tuple[Any, ...], completion: Completion | None = None
) -> tuple[ResumeKey, tuple[Any, ...]]:
    """What a resume function for a frame depends on, and its state; `operands` are those of its first action."""
    code = decode(frame.code)
    stack = frame.stack
    shape = _shape_at(code, frame.index)
    if action is Action.RAISE:
        handler = code.handler_at(frame.index)
        stack = stack[: handler.depth] if handler is not None else []
    elif completion is not None:
        stack = stack[: len(stack) - completion.pops]
    kinds: list[str | int | Copied] = []
    state: list[Any] = []
    for place, entry in enumerate(stack):
        if entry is NULL:
            kinds.append("null")
        elif isinstance(entry, LastInstruction):
            kinds.append(entry.index)
        elif isinstance(shape[place], Handled) and shape[place] in shape[:place]:
            kinds.append(Copied(place - shape.index(shape[place])))
        elif isinstance(shape[place], Handled):
            kinds.append("handled")
            state.append(_handled_at(frame, code, shape, place))
        else:
            kinds.append("value")
            state.append(None if entry is NO_EXCEPTION else entry)
    state += operands
    unbound = set()
    for slot in range(code.first_free_slot):
        if frame.locals[slot] is UNBOUND:
            unbound.add(slot)
        else:
            state.append(frame.locals[slot])
    return ResumeKey(frame.index, action, tuple(kinds), frozenset(unbound), completion), tuple(state)


def _handled_at(frame: NativeFrame, code: Code, shape: Shape, place: int) -> BaseException:
    """The exception whose handling the PUSH_EXC_INFO entry at `place` of the stack began."""
    above = [
        other
        for other in range(place + 1, len(shape))
        if isinstance(shape[other], Handled) and shape[other] != shape[place]
    ]
    found = frame.stack[above[0]] if above else frame.handled
    if not isinstance(found, BaseException):
        instruction = code.instructions[frame.index]
        raise ResumeError(
            f"{code.filename}:{instruction.line}, {code.raw.co_qualname}: before {instruction}, an exception is being "
            f"handled, but the frame says that it is {found!r}; give NativeFrame its `handled`"
        )
    return found


def _builtins_of(namespace: dict[str, Any]) -> dict[str, Any]:
    # As a function gets them when it is made (Objects/funcobject.c): the module or its dictionary.
    found = namespace.get("__builtins__", builtins)
    return found.__dict__ if isinstance(found, ModuleType) else cast("dict[str, Any]", found)


def _finished() -> Generator[None, None, None]:
    yield from ()


def _make_raise() -> Callable[[BaseException], Any]:
    """A C function that raises its argument and leaves `__context__` alone, as `raise` does not.

    It is `throw` of a generator that has ended, which also adds no traceback entry (Objects/genobject.c).
    """
    generator = _finished()
    for _ in generator:
        pass
    return generator.throw


_raise: Final = _make_raise()


def _never(_function: FunctionType) -> bool:
    return False


_DOMAIN: Final = ConcreteDomain(enters=_never)


def _apply(frame: NativeFrame, outcome: Given | None) -> tuple[NativeFrame, Given | None]:
    """Apply a completion to an outcome, and go on to where CPython has an instruction.

    Returns:
        The frame there, and an exception to raise there or a value that it returns; None to run on.
    """
    code = decode(frame.code)
    work: Frame[Any] = Frame.at(
        code,
        frame.index,
        list(frame.locals),
        list(frame.stack),
        globals=frame.globals,
        builtins=_builtins_of(frame.globals),
        handled=frame.handled,
    )
    step: Outcome[Any] | None = None
    if isinstance(outcome, Raise) and work.instruction.completion is None:
        step = outcome
    elif outcome is not None:
        step = deliver(work, frame.completion or work.instruction.completion, outcome, _DOMAIN)
    given: Given | None = None
    while True:
        if step is None:
            if not work.instruction.part:
                break
            step = HANDLERS[work.instruction.opname](work, work.instruction, _DOMAIN)
        if step is NEXT:
            work.index += 1
        elif isinstance(step, Jump):
            work.index = step.target
        elif isinstance(step, Raise):
            given = step
            break
        elif isinstance(step, Return):
            given = Value(step.value)
            break
        else:
            raise ResumeError(f"{work!r}: it can't be finished outside of its frame ({step})")
        step = None
    if isinstance(given, Raise) and work.handled is not None and not given.again:
        _DOMAIN.set_context(given.exception, work.handled)
    settled = replace(frame, index=work.index, locals=work.locals, stack=work.stack, completion=None)
    settled.handled = work.handled
    return settled, given


def resumption(frame: NativeFrame, outcome: Given | None = None) -> Callable[[], Any]:
    """The function, without arguments, that runs the rest of a frame.

    Args:
        frame: where it stopped.
        outcome: of its instruction, which is not run then; None to run the instruction.

    Raises:
        ResumeError: the frame can't go on natively.
    """
    settled, given = _apply(frame, outcome)
    if isinstance(given, Value):
        result = given.value
        return lambda: result
    if given is None:
        return _resume(settled, Action.RUN, ())
    return _resume(settled, Action.RAISE, (_raise, given.exception))


def _resume(
    frame: NativeFrame, action: Action, operands: tuple[Any, ...], completion: Completion | None = None
) -> FunctionType:
    key, state = _key_and_state(frame, action, operands, completion)
    closure = frame.locals[decode(frame.code).first_free_slot :]
    return resume_function(frame.code, frame.globals, closure, key, state)


def _above(frame: NativeFrame, callee: Callable[[], Any]) -> Callable[[], Any]:
    """The function that runs the rest of a frame, which waits for what `callee` returns or raises."""
    if _can_call(frame):
        completion = frame.completion or decode(frame.code).instructions[frame.index].completion
        return _resume(frame, Action.CALL, (callee,), cast(Completion, completion))

    # An iterator's step and the like: completed on the frame's data, so its handlers are not around the callee.
    def complete() -> Any:
        rest = resumption(frame, attempt(callee))
        return rest()

    return complete


def continue_natively(frames: Sequence[NativeFrame], outcome: Given | None = None) -> Any:
    """Run a stack of stopped frames to its end.

    The innermost frame goes on with the outcome of its instruction; each other one, whose instruction called the next
    frame, with what that one returned or raised.

    Args:
        frames: outermost first.
        outcome: of the innermost frame's instruction, which was executed elsewhere; None to execute it natively.

    Returns:
        What the outermost frame returns; what it raises is raised.

    Raises:
        ResumeError: a frame can't go on natively.
        ValueError: there is no frame.

    Example:
        >>> from framelift_bytecode_interp import Value, decode
        >>> def shout(text):
        ...     return text.upper() + "!"
        >>> code = decode(shout.__code__)
        >>> at = next(i.index for i in code if i.opname == "CALL")
        >>> layout = code.instructions[at].arg
        >>> frame = NativeFrame(shout.__code__, globals(), at, ["hi"], [None] * layout.pops)
        >>> continue_natively([frame], Value("HO"))
        'HO!'
    """
    run: Callable[[], Any] | None = None
    if isinstance(outcome, Raise) and not outcome.again:
        handled = next((frame.handled for frame in reversed(frames) if frame.handled is not None), None)
        if handled is not None:  # the operation was executed where nothing of this was handled
            _DOMAIN.set_context(outcome.exception, handled)
    for frame in reversed(frames):
        if frame.code.co_flags & _SUSPENDS:
            raise ResumeError(
                f"{frame.code.co_filename}, {frame.code.co_qualname}: the frame of a generator or coroutine goes on "
                "through its object, not in a chain; make it with native_generator"
            )
        run = resumption(frame, outcome) if run is None else _above(frame, run)
    if run is None:
        raise ValueError("continue_natively needs at least one frame, outermost first")
    return run()


def native_generator(frame: NativeFrame, outcome: Given | None = None) -> Any:
    """The generator (or coroutine) of a frame, so that `send`, `throw` and `close` work on it as on the user's own.

    A suspended one is entered *at* its `yield` and primed once: entered after it, `throw` and `close` would not be
    seen by the handlers around the `yield`. One that broke in its middle starts there at the first `next`.

    Args:
        frame: at RETURN_GENERATOR (not started) or YIELD_VALUE (suspended, the yielded value popped), or anywhere
            else with the outcome of the instruction there.
        outcome: of its instruction, if it is not suspended.

    Raises:
        ResumeError: it is an asynchronous generator, or no generator.
    """
    code = decode(frame.code)
    flags = frame.code.co_flags
    if not flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE):
        raise ResumeError(
            f"{frame.code.co_filename}, {frame.code.co_qualname}: only generators and coroutines can be remade"
        )
    opname = code.instructions[frame.index].opname
    if opname == "RETURN_GENERATOR" and outcome is None:
        return resumption(replace(frame, index=frame.index + 2))()
    if opname != "YIELD_VALUE" or outcome is not None:
        return resumption(frame, outcome)()
    suspended = replace(frame, stack=[*frame.stack, None], completion=None)
    generator = resumption(suspended)()
    generator.send(None)
    return generator
