"""Handlers for single instructions over real objects, which do at once what the general handlers ask the domain for.

Each stands in for named operations of `ConcreteDomain` and is used only where a subclass leaves these as they are.
It does what can be neither interpreted nor broken at: operations on exact builtin types, calls of plain functions.
All else it leaves, with the frame unchanged, to the general handler, which is also the oracle that it is tested against.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, Final

from ..domain import Domain
from ..frame import NULL, UNBOUND, Frame
from ..handlers import Handler, Shortcut
from ..instruction import Instruction
from ..outcome import NEXT, Enter, Jump, Outcome, Return
from .operators import BINARY, COMPARE, INPLACE, UNARY
