"""Nodes as what torch computes with."""

from __future__ import annotations

from typing import Any

import torch
import torch.fx.experimental.sym_node as torch_nodes

from framelift_symbolic_shapes.deferred import Deferred, functions
from framelift_symbolic_shapes.environment import ShapeEnv
from framelift_symbolic_shapes.errors import DataDependentCondition
from framelift_symbolic_shapes.expression import Expression
from framelift_symbolic_shapes.node import SymNode
from framelift_symbolic_shapes.range import Range

__all__ = ["TorchNode", "attach", "expression_of", "wrap"]

_functions: Any = Deferred("framelift_symbolic_shapes.torch.functions")
_errors: Any = Deferred("framelift_symbolic_shapes.torch.errors")
_TYPES: dict[type, Any] = {int: torch.SymInt, float: torch.SymFloat, bool: torch.SymBool}


class TorchNode(SymNode):
    """A node that torch's helpers take for one of their own: some ask with `isinstance` (`sym_ite`, `wrap_node`)."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return torch_nodes.SymNode


def wrap(node: SymNode) -> Any:
    """Return torch's type over a node.

    >>> env = attach(ShapeEnv())
    >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None, size=True)
    >>> n, type(n).__name__, 2 * n + 1
    (s77, 'SymInt', 2*s77 + 1)
    """
    return _TYPES[node.pytype](node)


def attach(env: ShapeEnv) -> ShapeEnv:
    """Make the symbols that `env` creates from now on torch's types; return `env`."""
    env.wrap = wrap
    env.node_type = TorchNode
    env.undecided = _undecided
    env.exchanged_range = _exchanged_range
    return env


def _exchanged_range(values: Range, kind: type) -> Any:
    return _functions.range_to_torch(values, kind)


def _undecided(env: ShapeEnv, expression: Expression) -> DataDependentCondition:
    error: DataDependentCondition = _errors.GuardOnDataDependentCondition(
        str(expression), env.user_line(), env.exchanged(expression)
    )
    return error


def expression_of(value: Any) -> Any:
    """Return the sympy expression of a symbolic or plain number.

    >>> expression_of(3)
    3
    """
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return value.node.expr
    return functions.literal(value)
