"""Variables as arguments of graph nodes, and as arguments of propagation: one function for each kind of variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
import torch.fx

from framelift_variable_tracking import (
    NOT_CONSTANT,
    ConstantVariable,
    DictVariable,
    ListVariable,
    ObjectVariable,
    SliceVariable,
    SymbolicDomain,
    TupleVariable,
    Variable,
)

from .recorder import is_taken_back
from .variables import SymbolicNumberVariable, TensorVariable

__all__ = ["NotLoweredError", "Pair", "lower"]

Pair = tuple[Any, Any]
"""The same argument twice: with nodes for a graph, and with fakes for propagation."""


class NotLoweredError(Exception):
    """An argument that cannot be part of a graph.

    Args:
        type_name: its Python type.
    """

    def __init__(self, type_name: str) -> None:
        super().__init__(type_name)
        self.type_name = type_name


class Inputs(Protocol):
    """What lowering asks of a session."""

    @property
    def domain(self) -> SymbolicDomain: ...
    def realise(self, variable: TensorVariable) -> TensorVariable: ...
    def number_node(self, variable: SymbolicNumberVariable) -> torch.fx.Node: ...


def lower(inputs: Inputs, variable: Variable) -> Pair:
    """Return a variable as an argument.

    Args:
        inputs: makes tensors and numbers inputs of the graph.
        variable: the argument.

    Raises:
        NotLoweredError: it cannot be part of a graph.
    """
    return _TABLE.get(type(variable), _known)(inputs, variable)


def _tensor(inputs: Inputs, variable: Any) -> Pair:
    inputs.realise(variable)
    if is_taken_back(variable.node):
        raise NotLoweredError("tensor from the inside of a function that torch called")
    return variable.node, variable.fake


def _constant(inputs: Inputs, variable: Any) -> Pair:
    return variable.value, variable.value


def _number(inputs: Inputs, variable: Any) -> Pair:
    node = inputs.number_node(variable)
    if is_taken_back(node):
        raise NotLoweredError("number from the inside of a function that torch called")
    return node, variable.value


def _all(inputs: Inputs, items: Sequence[Variable] | None, kind: Callable[[list[Any]], Any]) -> Pair:
    if items is None:
        raise NotLoweredError("sequence that is not known")
    pairs = [lower(inputs, item) for item in items]
    return kind([node for node, _ in pairs]), kind([value for _, value in pairs])


def _list(inputs: Inputs, variable: Any) -> Pair:
    return _all(inputs, inputs.domain.sequence(variable), list)


def _tuple(inputs: Inputs, variable: Any) -> Pair:
    cls = variable.cls
    if cls is tuple or cls is torch.Size:
        return _all(inputs, inputs.domain.sequence(variable), tuple)
    if hasattr(cls, "_fields"):
        return _all(inputs, inputs.domain.sequence(variable), lambda items: cls(*items))
    raise NotLoweredError(cls.__name__)


def _object(inputs: Inputs, variable: Any) -> Pair:
    cls = variable.cls
    if isinstance(variable.payload, TupleVariable) and hasattr(cls, "_fields"):
        return _all(inputs, variable.payload.items, lambda items: cls(*items))
    raise NotLoweredError(cls.__name__)


def _slice(inputs: Inputs, variable: Any) -> Pair:
    return _all(inputs, (variable.start, variable.stop, variable.step), lambda parts: slice(*parts))


def _dict(inputs: Inputs, variable: Any) -> Pair:
    nodes, values = {}, {}
    for key, item in variable.items.items():
        name = inputs.domain.as_constant(key.variable)
        if name is NOT_CONSTANT:
            raise NotLoweredError("dict with keys that are not known")
        nodes[name], values[name] = lower(inputs, item)
    return nodes, values


def _known(inputs: Inputs, variable: Variable) -> Pair:
    value = inputs.domain.as_constant(variable)
    if value is NOT_CONSTANT:
        value = getattr(variable, "value", NOT_CONSTANT)
        value = _named(value) if isinstance(value, type) else None
        if value is None:  # a generator's state would be part of the graph's text, which cannot name classes either
            raise NotLoweredError(variable.python_type().__name__)
    return value, value


def _named(cls: type) -> object:
    """Return what says the same to torch as a class that a graph's text cannot name; None if nothing does."""
    if type(cls) is _TENSOR_TYPE:
        return f"{cls.__module__}.{cls.__name__}"
    return _DTYPES.get(cls)


_TENSOR_TYPE = type(torch.FloatTensor)
"""The type of `torch.FloatTensor` and its like, which `Tensor.type` takes as well as their names."""


_DTYPES: Mapping[type, torch.dtype] = {
    bool: torch.bool,
    int: torch.int64,
    float: torch.float64,
    complex: torch.complex128,
}
"""What torch takes Python's types for where it takes a dtype (torch/csrc/utils/python_arg_parser.h, toScalarType)."""


_TABLE: Mapping[type[Variable], Callable[[Inputs, Any], Pair]] = {
    TensorVariable: _tensor,
    ConstantVariable: _constant,
    SymbolicNumberVariable: _number,
    ListVariable: _list,
    TupleVariable: _tuple,
    ObjectVariable: _object,
    SliceVariable: _slice,
    DictVariable: _dict,
}
