"""What a break leaves behind: frames without values, the values they need, and the operation to perform."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import UNBOUND, EagerOperation, Frame, eager_operation, live_locals
from framelift_guards import Namespace
from framelift_variable_tracking import ConstantVariable, ReferenceVariable, Variable

from .entry_point import OUTCOME, Continuation, FrameTemplate, Parameter
from .trampoline import Position

__all__ = ["NotResumableError", "Suspension", "suspend"]


class NotResumableError(Exception):
    """The frames at a break cannot be left and entered again."""


@dataclasses.dataclass(frozen=True)
class Suspension:
    """A break, as data for entry code.

    Args:
        frames: the templates of the suspended frames, outermost first.
        values: the variable for each parameter of the templates, in order.
        operation: what the innermost frame's instruction does; None where it can only be done in its frame, which then
            runs natively to its end.
        operands: its operands: variables, and markers where the stack holds none.
        positions: where each frame stands, for tracebacks and `stacklevel`.
        handled: the exception that is being handled while the operation runs.
        namespace: the innermost frame's globals, which some operations need.
    """

    frames: tuple[FrameTemplate, ...]
    values: dict[str, Variable]
    operation: EagerOperation | None
    operands: tuple[Any, ...]
    positions: tuple[Position, ...]
    handled: Variable | None
    namespace: dict[str, object]

    def continuation(self, *, raised: bool | None) -> Continuation:
        """The continuation for one kind of outcome of the operation; `None` for an operation left to its frame."""
        return Continuation(self.frames, raised, tuple(self.values) if raised is None else (OUTCOME, *self.values))


class _Parameters:
    """Names the live values of the suspended frames; one variable has one name, so aliases stay aliases."""

    def __init__(self) -> None:
        self.values: dict[str, Variable] = {}
        self._names: dict[int, str] = {}

    def slot(self, entry: Any, hint: str) -> Any:
        """Return the template's entry for what a slot or the stack holds."""
        if not isinstance(entry, Variable):
            return entry
        # Equal constants are not one object: unifying them would make the template depend on their values.
        shared = not isinstance(entry, ConstantVariable)
        name = self._names.get(id(entry)) if shared else None
        if name is None:
            name, number = hint, 0
            while name in self.values or name == OUTCOME:
                number += 1
                name = f"{hint}_{number}"
            self.values[name] = entry
            if shared:
                self._names[id(entry)] = name
        return Parameter(name)


def _template(
    frame: Frame[Any], completion: Any, parameters: _Parameters, namespace: dict[str, object]
) -> FrameTemplate:
    live = live_locals(frame.code, frame.index)
    names = frame.local_names
    # Cells are kept even where this frame reads them no more: inner functions and the resumed prologue share them.
    slots = tuple(
        [
            parameters.slot(entry, names[slot]) if slot in live or slot in frame.code.cell_slots else UNBOUND
            for slot, entry in enumerate(frame.locals)
        ]
    )
    below = frame.stack[: len(frame.stack) - (0 if completion is None else completion.pops)]
    return FrameTemplate(
        code=frame.code.raw,
        namespace=Namespace(namespace),
        index=frame.index,
        completion=completion,
        locals=slots,
        stack=tuple([parameters.slot(entry, f"stack{depth}") for depth, entry in enumerate(below)]),
        handled=None if frame.handled is None else parameters.slot(frame.handled, "handled"),
    )


_FRAME_READERS: tuple[object, ...] = (super, locals, vars, dir, eval, exec)
"""Built-in functions that read the locals of the frame that calls them: a stand-in frame has other ones."""


def _outside_its_frame(frame: Frame[Any]) -> EagerOperation | None:
    """Return the operation of a frame's instruction, or None when it can be done in its frame only."""
    operation = eager_operation(frame.instruction)
    if operation is None:
        return None
    for operand in operation.operands(frame.stack):
        called = getattr(operand, "value", None) if isinstance(operand, ReferenceVariable) else None
        if any(called is reader for reader in _FRAME_READERS):
            return None
    return operation


_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _entered_once(frame: Frame[Any]) -> bool:
    """Tell whether a frame runs on behalf of an object: a generator, a coroutine, a class under construction."""
    return frame.namespace is not None or frame.extra is not None or bool(frame.code.raw.co_flags & _SUSPENDABLE)


def suspend(frames: Sequence[Frame[Any]], globals_of: Any) -> Suspension:
    """Describe frames at a break, the innermost before the instruction that broke.

    Args:
        frames: the interpreter's frames, outermost first.
        globals_of: gives the real globals of a frame.
    """
    if any(_entered_once(frame) for frame in frames):
        raise NotResumableError
    parameters = _Parameters()
    innermost = frames[-1]
    operation = _outside_its_frame(innermost)
    templates = [
        _template(
            frame,
            frame.completion if frame is not innermost else None if operation is None else frame.instruction.completion,
            parameters,
            globals_of(frame),
        )
        for frame in frames
    ]
    return Suspension(
        frames=tuple(templates),
        values=parameters.values,
        operation=operation,
        operands=() if operation is None else operation.operands(innermost.stack),
        positions=tuple(
            [Position(frame.filename, frame.function_name, frame.line, globals_of(frame)) for frame in frames]
        ),
        handled=innermost.topmost_handled(),
        namespace=globals_of(innermost),
    )
