"""Captures one call of a Python function that uses PyTorch as a graph with guards, effects and an outcome."""

from __future__ import annotations

from framelift_variable_tracking import Registry

from .break_record import BreakRecord
from .capture import Capture, capture
from .devices import without_default_device
from .dynamism import Dynamism, Seen
from .entry_point import Continuation, EntryPoint, FunctionCall, ModuleCall
from .errors import BackendError, CaptureError, FrameliftError, GraphBreakError, MarkError, UserCodeError
from .graph_functions import changes_autograd
from .handlers.tensor import session_of
from .marks import Mark, mark, mark_of
from .original import ORIGINAL, original_of
from .reasons import RequestedBreak
from .recorder import FxRecorder
from .registry import default_registry
from .session import Session
from .torch_rules import break_on_call, constant_rule
from .torch_state import STATE_CHANGES, enters_inference_mode, kept_state
from .variables import SymbolicNumberVariable, TensorVariable

__all__ = [
    "ORIGINAL",
    "STATE_CHANGES",
    "BackendError",
    "BreakRecord",
    "Capture",
    "CaptureError",
    "Continuation",
    "Dynamism",
    "EntryPoint",
    "FrameliftError",
    "FunctionCall",
    "FxRecorder",
    "GraphBreakError",
    "Mark",
    "MarkError",
    "ModuleCall",
    "Registry",
    "RequestedBreak",
    "Seen",
    "Session",
    "SymbolicNumberVariable",
    "TensorVariable",
    "UserCodeError",
    "break_on_call",
    "capture",
    "changes_autograd",
    "constant_rule",
    "default_registry",
    "enters_inference_mode",
    "kept_state",
    "mark",
    "mark_of",
    "original_of",
    "session_of",
    "without_default_device",
]
