"""Symbolic sizes: symbols with hints and ranges, Python's arithmetic on them, and the conditions that are relied on."""

from framelift_symbolic_shapes.constraint import Constraint, Freedom
from framelift_symbolic_shapes.environment import ShapeEnv
from framelift_symbolic_shapes.errors import (
    ComplexResult,
    ConstraintViolation,
    DataDependentCondition,
    ForeignSymbol,
    InvalidSize,
    MalformedRecord,
    RuntimeAssertionFailed,
    ShapeError,
)
from framelift_symbolic_shapes.guard import ShapeGuard
from framelift_symbolic_shapes.node import SymNode
from framelift_symbolic_shapes.python_code import evaluate, to_python
from framelift_symbolic_shapes.range import Range
from framelift_symbolic_shapes.symbol import SymbolInfo, symbol_name

__all__ = [
    "ComplexResult",
    "Constraint",
    "ConstraintViolation",
    "DataDependentCondition",
    "ForeignSymbol",
    "Freedom",
    "InvalidSize",
    "MalformedRecord",
    "Range",
    "RuntimeAssertionFailed",
    "ShapeEnv",
    "ShapeError",
    "ShapeGuard",
    "SymNode",
    "SymbolInfo",
    "evaluate",
    "symbol_name",
    "to_python",
]
