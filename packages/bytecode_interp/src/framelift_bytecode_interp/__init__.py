"""CPython bytecode as data, an interpreter generic in its value domain, and functions that resume in the middle."""

from __future__ import annotations

from .binding import bind_arguments
from .completion import Completion, Discard, Insert, Push, PushCallable, PushNext, PushSent, RaiseResult, Retry, deliver
from .concrete import ConcreteDomain, InterpretedFunction, interpret
from .decoding import decode
from .domain import Domain, missing_special_method
from .errors import (
    BytecodeError,
    DecodeError,
    NotInterpretableError,
    ResumeError,
    UnsupportedInstructionError,
    UnsupportedPythonError,
)
from .frame import NO_EXCEPTION, NULL, UNBOUND, Frame, LastInstruction, Marker
from .instruction import Code, HandlerEntry, Instruction, Positions
from .interpreter import InstructionLimit, Interpreter
from .outcome import (
    NEXT,
    Break,
    Enter,
    Finish,
    Jump,
    Next,
    Outcome,
    Raise,
    Result,
    Return,
    Unwind,
    Value,
    Yield,
)

__all__ = [
    "NEXT",
    "NO_EXCEPTION",
    "NULL",
    "UNBOUND",
    "Break",
    "BytecodeError",
    "Code",
    "Completion",
    "ConcreteDomain",
    "DecodeError",
    "Discard",
    "Domain",
    "Enter",
    "Finish",
    "Frame",
    "HandlerEntry",
    "Insert",
    "Instruction",
    "InstructionLimit",
    "InterpretedFunction",
    "Interpreter",
    "Jump",
    "LastInstruction",
    "Marker",
    "Next",
    "NotInterpretableError",
    "Outcome",
    "Positions",
    "Push",
    "PushCallable",
    "PushNext",
    "PushSent",
    "Raise",
    "RaiseResult",
    "Result",
    "ResumeError",
    "Retry",
    "Return",
    "UnsupportedInstructionError",
    "UnsupportedPythonError",
    "Unwind",
    "Value",
    "Yield",
    "bind_arguments",
    "decode",
    "deliver",
    "interpret",
    "missing_special_method",
]
