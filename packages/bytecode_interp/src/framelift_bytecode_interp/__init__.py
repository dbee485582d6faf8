"""CPython bytecode as data, an interpreter generic in its value domain, and functions that resume in the middle."""

from __future__ import annotations

from .binding import bind_arguments
from .completion import (
    Completion,
    Discard,
    Insert,
    Push,
    PushCallable,
    PushNext,
    PushSent,
    RaiseResult,
    Retry,
    ShortCircuit,
    completion_of,
    deliver,
)
from .concrete import ConcreteDomain, HostedDomain, InterpretedFunction, interpret
from .concrete.tracebacks import add_traceback_entry
from .decoding import decode
from .domain import OPERATIONS, Domain, missing_special_method
from .dominance import Dominators, dominators
from .dot import dot
from .eager import EagerOperation, eager_operation
from .errors import (
    BytecodeError,
    DecodeError,
    NotInterpretableError,
    ResumeError,
    UnsupportedInstructionError,
    UnsupportedPythonError,
)
from .frame import NO_EXCEPTION, NULL, UNBOUND, Frame, LastInstruction, Marker
from .graph import BasicBlock, ControlFlowGraph, control_flow
from .handlers import HANDLERS, Handler, HandlerTable, handler_table
from .instruction import Code, HandlerEntry, Instruction, Positions
from .interpreter import InstructionCount, InstructionLimit, Interpreter
from .listing import listing
from .liveness import live_locals, liveness
from .opcodes import CANONICAL, OPCODES, Flow, Opcode
from .operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS, UNARY_OPERATORS
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
from .reaching import ENTRY, reaching_stores
from .resume import (
    Action,
    NativeFrame,
    ResumeKey,
    ResumePoint,
    continue_natively,
    native_generator,
    resume_function,
    resume_points,
    resumption,
)
from .stack_shape import stack_depths, stack_shapes

__all__ = [
    "BINARY_OPERATORS",
    "CANONICAL",
    "COMPARISONS",
    "ENTRY",
    "HANDLERS",
    "INPLACE_OPERATORS",
    "NEXT",
    "NO_EXCEPTION",
    "NULL",
    "OPCODES",
    "OPERATIONS",
    "UNARY_OPERATORS",
    "UNBOUND",
    "Action",
    "BasicBlock",
    "Break",
    "BytecodeError",
    "Code",
    "Completion",
    "ConcreteDomain",
    "ControlFlowGraph",
    "DecodeError",
    "Discard",
    "Domain",
    "Dominators",
    "EagerOperation",
    "Enter",
    "Finish",
    "Flow",
    "Frame",
    "Handler",
    "HandlerEntry",
    "HandlerTable",
    "HostedDomain",
    "Insert",
    "Instruction",
    "InstructionCount",
    "InstructionLimit",
    "InterpretedFunction",
    "Interpreter",
    "Jump",
    "LastInstruction",
    "Marker",
    "NativeFrame",
    "Next",
    "NotInterpretableError",
    "Opcode",
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
    "ResumeKey",
    "ResumePoint",
    "Retry",
    "Return",
    "ShortCircuit",
    "UnsupportedInstructionError",
    "UnsupportedPythonError",
    "Unwind",
    "Value",
    "Yield",
    "add_traceback_entry",
    "bind_arguments",
    "completion_of",
    "continue_natively",
    "control_flow",
    "decode",
    "deliver",
    "dominators",
    "dot",
    "eager_operation",
    "handler_table",
    "interpret",
    "listing",
    "live_locals",
    "liveness",
    "missing_special_method",
    "native_generator",
    "reaching_stores",
    "resume_function",
    "resume_points",
    "resumption",
    "stack_depths",
    "stack_shapes",
]
