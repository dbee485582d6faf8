"""CPython bytecode as data, an interpreter generic in its value domain, and functions that resume in the middle."""

from __future__ import annotations

from .completion import Completion, Discard, Insert, Push, PushCallable, PushNext, PushSent, RaiseResult, Retry, deliver
from .domain import Domain
from .frame import NO_EXCEPTION, NULL, UNBOUND, Frame, LastInstruction, Marker
from .instruction import Code, HandlerEntry, Instruction, Positions
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
    "Code",
    "Completion",
    "Discard",
    "Domain",
    "Enter",
    "Finish",
    "Frame",
    "HandlerEntry",
    "Insert",
    "Instruction",
    "Jump",
    "LastInstruction",
    "Marker",
    "Next",
    "Outcome",
    "Positions",
    "Push",
    "PushCallable",
    "PushNext",
    "PushSent",
    "Raise",
    "RaiseResult",
    "Result",
    "Retry",
    "Return",
    "Unwind",
    "Value",
    "Yield",
    "deliver",
]
