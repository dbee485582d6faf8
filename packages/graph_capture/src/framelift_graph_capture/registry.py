"""The registry of a capture with torch: the handlers and rules of `variable_tracking`, and torch's."""

from __future__ import annotations

import types

import torch

from framelift_variable_tracking import Registry
from framelift_variable_tracking import default_registry as python_registry

from .custom_function import FUNCTION_RULES
from .handlers.constant import TORCH_CONSTANTS
from .handlers.function import LiftableFunctionHandler
from .handlers.module import MODULE_RULES, ModuleHandler
from .handlers.number import FloatThatMayVaryHandler, IntegerThatMayVaryHandler, SymbolicNumberHandler, number_rules
from .handlers.operator import OPERATORS
from .handlers.size import NAMED_RESULTS, SizeHandler
from .handlers.tensor import TensorHandler
from .higher_order import HIGHER_ORDER_RULES
from .optimizers import OPTIMIZER_RULES
from .torch_rules import TORCH_RULES

__all__ = ["default_registry"]


def default_registry() -> Registry:
    """Return the registry that `framelift.compile` works with, comptime aside.

    >>> isinstance(default_registry().handler_for(torch.nn.Parameter), TensorHandler)
    True
    """
    python = python_registry()
    return python.extend(
        types={
            types.FunctionType: LiftableFunctionHandler(),
            **TORCH_CONSTANTS,
            **NAMED_RESULTS,
            **OPERATORS,
            int: IntegerThatMayVaryHandler(),
            float: FloatThatMayVaryHandler(),
            torch.Size: SizeHandler(),
            torch.Tensor: TensorHandler(),
            torch.nn.Module: ModuleHandler(),
            torch.SymInt: SymbolicNumberHandler(),
            torch.SymFloat: SymbolicNumberHandler(),
            torch.SymBool: SymbolicNumberHandler(),
        },
        functions={
            **number_rules(python),
            **TORCH_RULES,
            **MODULE_RULES,
            **FUNCTION_RULES,
            **HIGHER_ORDER_RULES,
            **OPTIMIZER_RULES,
        },
        trusted_modules=("torch",),
    )
