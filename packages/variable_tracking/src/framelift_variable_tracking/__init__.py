"""Symbolic values of the Python language: what they are, what was done to them, and how to make them again."""

from __future__ import annotations

from .code_emitter import CodeEmitter
from .domain import SymbolicDomain
from .effects import Content, DeleteAttribute, Effect, EffectLog, SetAttribute
from .emitter import Emitter
from .handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking, TypeHandler
from .handlers.deque import DequeVariable
from .handlers.dict_variable import DictVariable, DictViewVariable
from .handlers.function import FunctionHandler
from .handlers.instance import InstanceHandler
from .handlers.list import ListVariable
from .handlers.number import FloatHandler, IntegerHandler
from .handlers.partial import PartialVariable
from .handlers.range import RangeVariable
from .handlers.set import SetVariable
from .handlers.slice import SliceVariable
from .handlers.tuple import TupleHandler, TupleVariable
from .language import default_registry
from .reasons import (
    BreakReason,
    NotReconstructible,
    ReconstructionError,
    UnsupportedCall,
    UnsupportedFeature,
    UnsupportedOperation,
)
from .recorder import NullRecorder, Recorder
from .registry import Registry
from .variable import (
    ATOMS,
    DELETED,
    NEW,
    NOT_CONSTANT,
    BoundMethodVariable,
    BuiltinFunctionVariable,
    CellVariable,
    ConstantVariable,
    ExceptionVariable,
    FunctionVariable,
    GeneratorVariable,
    HashKey,
    ModuleVariable,
    ObjectVariable,
    OpaqueVariable,
    ReferenceVariable,
    Variable,
)

__all__ = [
    "ATOMS",
    "DELETED",
    "NEW",
    "NOT_CONSTANT",
    "Answer",
    "Arguments",
    "BoundMethodVariable",
    "BreakReason",
    "BuiltinFunctionVariable",
    "CallContext",
    "CellVariable",
    "CodeEmitter",
    "ConstantVariable",
    "Content",
    "DeleteAttribute",
    "DequeVariable",
    "DictVariable",
    "DictViewVariable",
    "Effect",
    "EffectLog",
    "Emitter",
    "ExceptionVariable",
    "FloatHandler",
    "FunctionHandler",
    "FunctionRule",
    "FunctionVariable",
    "GeneratorVariable",
    "HashKey",
    "InstanceHandler",
    "IntegerHandler",
    "Keywords",
    "ListVariable",
    "ModuleVariable",
    "NotReconstructible",
    "NullRecorder",
    "ObjectVariable",
    "OpaqueVariable",
    "PartialVariable",
    "RangeVariable",
    "ReconstructionError",
    "Recorder",
    "ReferenceVariable",
    "Registry",
    "SetAttribute",
    "SetVariable",
    "SliceVariable",
    "SymbolicDomain",
    "Tracking",
    "TupleHandler",
    "TupleVariable",
    "TypeHandler",
    "UnsupportedCall",
    "UnsupportedFeature",
    "UnsupportedOperation",
    "Variable",
    "default_registry",
]
