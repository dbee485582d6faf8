"""The first frames of a capture: from an entry point and example values to frames over variables."""

from __future__ import annotations

import types
from collections.abc import Collection
from typing import Any

import torch

from framelift_bytecode_interp import UNBOUND, Break, Code, Enter, Frame, Raise, Value, decode, live_locals
from framelift_guards import LocalSource, Source
from framelift_variable_tracking import ATOMS, ConstantVariable, UnsupportedFeature, Variable

from .entry_point import OUTCOME, Continuation, EntryPoint, FunctionCall, ModuleCall, Parameter
from .handlers.module import call_module
from .marks import Mark, mark_of
from .reasons import RequestedBreak, UnsupportedTensor
from .session import Session

__all__ = ["Started", "start"]

Started = tuple[list[Frame[Variable]], Value[Variable] | Raise[Variable] | None] | Break
"""Frames and the outcome that the innermost waits for, or a break at once."""


def start(entry_point: EntryPoint, values: dict[str, Any], session: Session) -> Started:
    """Return the frames that the interpreter runs, and the outcome that the innermost waits for; or a break at once.

    Args:
        entry_point: where the capture starts.
        values: the example values by parameter.
        session: the capture.
    """
    if session.torch_function_modes:
        # A graph would run its operations under the mode, but what a backend makes of it would not.
        return Break(UnsupportedFeature("a torch-function mode that is active", "it says what torch functions do"))
    if torch._C._len_torch_dispatch_stack() > 0:
        # It would see the operations of fakes; and the graph, once compiled, would not show it what the program does.
        return Break(UnsupportedFeature("a dispatch mode that is active", "it says what operations do"))
    if isinstance(entry_point, Continuation):
        return _continue(entry_point, values, session)
    if isinstance(entry_point, ModuleCall):
        return _module_called(entry_point, values, session)
    if isinstance(entry_point, FunctionCall):
        if mark_of(entry_point.function) is Mark.DISABLED:
            return Break(RequestedBreak(f"disable({entry_point.name})"))
        return [_called(entry_point.function, values, session)], None
    raise TypeError(f"capture starts from a FunctionCall or a Continuation, not from a {type(entry_point).__name__}")


def _called(function: types.FunctionType, values: dict[str, Any], session: Session) -> Frame[Variable]:
    domain, code = session.domain, decode(function.__code__)
    read, places = _read_arguments(code), _first_reads(code)
    arguments = [
        _wrap(value, LocalSource(name), session, places.get(slot))
        if slot in read or type(value) not in ATOMS
        else ConstantVariable(value, LocalSource(name))
        for slot, (name, value) in enumerate(values.items())
    ]
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closure = tuple([domain.root_cell(name, cell) for name, cell in cells])
    # `domain.root_frame` was rejected: it takes the function for known, and a later look-up of it would go unguarded.
    return Frame(
        code,
        globals=domain.globals_of(function.__globals__, "G"),
        builtins=domain.builtins,
        locals=[*arguments, *[UNBOUND] * (len(code.slot_names) - len(arguments))],
        closure=closure,
    )


_LOOKS_AT_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe"})


def _read_arguments(code: Code) -> Collection[int]:
    """Return the slots that the code may read: what it never looks at needs no guard."""
    if not _LOOKS_AT_LOCALS.isdisjoint(code.raw.co_names):
        return range(len(code.slot_names))
    return {*live_locals(code, 0), *code.cell_slots}


def _module_called(entry_point: ModuleCall, values: dict[str, Any], session: Session) -> Started:
    domain = session.domain
    domain.globals_of(entry_point.function.__globals__, "G")
    places = _first_reads(decode(entry_point.function.__code__))
    wrapped = {
        name: _wrap(value, LocalSource(name), session, places.get(slot))
        for slot, (name, value) in enumerate(values.items())
    }
    positional, named, star, double_star = entry_point.arguments(wrapped)
    if star is not None:
        positional += session.items(star)
    if double_star is not None:
        named |= {domain.as_constant(key.variable): item for key, item in session.entries(double_star)}
    module, *args = positional
    # What is guarded on the way into `forward` (hooks, say) is put down to the line of its definition.
    session.interpreter.frames[:] = [_called(entry_point.function, values, session)]
    result = call_module(domain, module, tuple(args), named)
    session.interpreter.frames.clear()
    if isinstance(result, Enter):
        return [result.frame], None
    return result if isinstance(result, Break) else Break(UnsupportedTensor("the call of this module"))


Place = tuple[Code, int]
"""An instruction."""

_READS = frozenset({"LOAD_FAST", "LOAD_FAST_AND_CLEAR", "LOAD_CLOSURE", "LOAD_DEREF"})


def _first_reads(code: Code, index: int = 0) -> dict[int, Place]:
    """Return where each slot is read first from an instruction on, in the order of the text.

    What is guarded of an argument is put down to that line: it needs the argument.
    """
    places: dict[int, Place] = {}
    for instruction in (*code.instructions[index:], *code.instructions[:index]):
        if instruction.opname in _READS:
            places.setdefault(instruction.arg, (code, instruction.index))
    return places


def _wrap(value: Any, source: Source, session: Session, place: Place | None = None) -> Any:
    domain = session.domain
    before = domain.entry_line
    if place is not None:
        domain.entry_line = domain.line_at(*place)
    try:
        return domain.cell(value, source) if type(value) is types.CellType else domain.wrap(value, source)
    finally:
        domain.entry_line = before


def _places(continuation: Continuation) -> dict[str, Place]:
    """Return where the frames of a continuation first read its parameters."""
    places: dict[str, Place] = {}
    for template in reversed(continuation.frames):
        reads = _first_reads(decode(template.code), template.index)
        for slot, parameter in enumerate(template.locals):
            if isinstance(parameter, Parameter) and slot in reads:
                places.setdefault(parameter.name, reads[slot])
    return places


def _continue(continuation: Continuation, values: dict[str, Any], session: Session) -> Started:
    domain = session.domain
    places = _places(continuation)
    wrapped = {
        name: _wrap(value, LocalSource(name), session, places.get(name))
        for name, value in values.items()
        if name != OUTCOME
    }
    outer = continuation.frames[0].namespace.variables
    domain.globals_of(outer, "G")
    frames = [
        template.fill(
            lambda parameter: wrapped[parameter.name],
            lambda namespace: domain.globals_of(namespace.variables),
            domain.builtins,
        )
        for template in continuation.frames
    ]
    # The user line of guards on the outcome is that of the operation, whose frame is the innermost.
    session.interpreter.frames[:] = frames
    outcome = domain.wrap(values[OUTCOME], LocalSource(OUTCOME))
    session.interpreter.frames.clear()
    return frames, Raise(outcome, passing=True) if continuation.raised else Value(outcome)
