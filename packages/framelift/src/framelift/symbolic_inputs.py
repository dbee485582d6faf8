"""Inputs with symbolic sizes, in torch's own terms: its fake tensors, its symbols, and what it came to rely on.

Sizes that the capture knows to be equal get one symbol, and sizes computed from others are computed again; so torch's
compilers see the graph as the capture did. What they rely on beyond that is an expression of torch's over all sizes,
strides and integers of the inputs, which says of other inputs whether the compiled graph is theirs as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._guards import Source as TorchSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

__all__ = ["InputSource", "SymbolicInputs"]


@dataclasses.dataclass(frozen=True)
class InputSource(TorchSource):
    """Where an input, or a number of it, comes from, in torch's terms: it has a name, and is equal to itself.

    >>> InputSource("l_x_").name
    'l_x_'
    """

    input_name: str

    @property
    def name(self) -> str:
        return _Name(self.input_name)


class _Name(str):
    """A name that may be called for itself: torch 2.11 calls a source's `name`, later ones read it."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class SymbolicInputs:
    """The inputs of one graph, as torch's fakes and symbols.

    Args:
        examples: the inputs with the sizes that the capture gave them.
        values: the inputs of a call.
        sources: where each comes from, in torch's terms.
    """

    def __init__(self, examples: Sequence[Any], values: Sequence[Any], sources: Sequence[InputSource]) -> None:
        self.shape_env = ShapeEnv()
        self.mode = FakeTensorMode(shape_env=self.shape_env, allow_non_fake_inputs=True)
        self._symbols: dict[Any, Any] = {}
        sizes = [
            (number, value.size(dim), source)
            for example, value, source in zip(examples, values, sources, strict=True)
            if isinstance(value, torch.Tensor)
            for dim, number in enumerate(example.size())
        ]
        integers = [
            (example, value, source)
            for example, value, source in zip(examples, values, sources, strict=True)
            if type(value) is int
        ]
        for number, value, source in sizes:
            self._symbol(number, value, source, self.shape_env.create_symbol)
        for number, value, source in integers:
            self._symbol(number, value, source, self.shape_env.create_unspecified_symbol)
        self.inputs = [
            self._tensor(example, value) if isinstance(value, torch.Tensor) else self._number(example)
            for example, value in zip(examples, values, strict=True)
        ]
        self._strides = [_strides_that_matter(one) for one in self.inputs]
        self._relied_on: list[str] = []

    def seal(self) -> None:
        """Note what was relied on, once the graph is compiled."""
        numbers = self._numbers(self.inputs)
        names = [
            InputSource(f"L['t{index}']") for index in range(len(numbers))
        ]  # as `evaluate_guards_expression` has it
        self._relied_on = self.shape_env.produce_guards(numbers, names, ignore_static=False)

    def hold_for(self, values: Sequence[Any]) -> bool:
        """Tell whether a graph that was compiled for these inputs is right for `values` too, of the same types."""
        numbers = self._numbers(values)
        # One by one: torch joins them with `and`, but does not put those that are an `or` in brackets.
        return all(self.shape_env.evaluate_guards_expression(one, numbers) for one in self._relied_on)

    def _numbers(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the numbers of inputs that compiled code may rely on."""
        numbers: list[Any] = []
        for one, strides in zip(inputs, self._strides, strict=True):
            if isinstance(one, torch.Tensor):
                numbers += [*one.size(), *[one.stride(dim) for dim in strides]]
            else:
                numbers.append(one)
        return numbers

    def _symbol(self, number: Any, value: int, source: InputSource, create: Callable[..., Any]) -> None:
        expression = _expression(number)
        if expression is None or not expression.is_Symbol or expression in self._symbols:
            return
        named = InputSource(f"{source.input_name}_{len(self._symbols)}")
        symbol = create(value, named, dynamic_dim=DimDynamic.DYNAMIC)
        self._symbols[expression] = self.shape_env.create_symintnode(symbol, hint=value, source=named)

    def _number(self, number: Any) -> Any:
        expression = _expression(number)
        return number if expression is None else _evaluated(expression, self._symbols)

    def _tensor(self, example: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        if not any(isinstance(number, torch.SymInt) for number in (*example.size(), *example.stride())):
            return self.mode.from_tensor(value, static_shapes=True)
        size = [self._number(number) for number in example.size()]
        stride = [self._number(number) for number in example.stride()]
        for dim in range(len(size)):
            if type(size[dim]) is int and size[dim] == 1:
                stride[dim] = _extent_below(dim, value, size, stride)
        with self.mode, torch.enable_grad():
            fake = torch.empty_strided(size, stride, dtype=value.dtype, device=value.device)
            fake.requires_grad_(value.requires_grad)
            return fake if value.is_leaf else fake.view_as(fake)


def _strides_that_matter(value: Any) -> list[int]:
    """Return the dimensions in which the stride of an input matters: not those of size 1."""
    if not isinstance(value, torch.Tensor):
        return []
    return [dim for dim, size in enumerate(value.size()) if not (type(size) is int and size == 1)]


def _extent_below(dim: int, value: torch.Tensor, size: Sequence[Any], stride: Sequence[Any]) -> Any:
    """Return the stride of a dimension of size 1, as the extent of the dimension that it is the extent of in `value`.

    It means nothing, but were it a number among symbols, a dense tensor would not look dense.
    """
    for other in range(len(size)):
        if other != dim and value.size(other) != 1 and value.size(other) * value.stride(other) == value.stride(dim):
            return size[other] * stride[other]
    return stride[dim]


def _expression(number: Any) -> Any:
    return number.node.expr if isinstance(number, torch.SymInt) else None


def _evaluated(expression: Any, symbols: dict[Any, Any]) -> Any:
    """Compute an expression of ours with torch's symbolic integers.

    Raises:
        KeyError: it has a symbol that no input has by itself.
    """
    if expression.is_Symbol:
        return symbols[expression]
    if expression.is_Integer:
        return int(expression)
    operands = [_evaluated(one, symbols) for one in expression.args]
    if expression.is_Add:
        return sum(operands[1:], operands[0])
    if expression.is_Mul:
        result = operands[0]
        for one in operands[1:]:
            result = result * one
        return result
    if expression.is_Pow:
        return operands[0] ** operands[1]
    return type(expression).operation.python(*operands)
