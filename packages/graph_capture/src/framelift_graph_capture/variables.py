"""The torch side's variables: tensors and symbolic numbers. Data only; what can be done with them is the handlers'."""

from __future__ import annotations

from typing import Any

import torch
import torch.fx

from framelift_guards import Source
from framelift_variable_tracking import Variable

__all__ = ["SymbolicNumberVariable", "TensorVariable"]


class TensorVariable(Variable):
    """A tensor.

    Args:
        cls: the Python type: `torch.Tensor` or `torch.nn.Parameter`.
        source: how to fetch it, for one that existed before the capture.
        value: the real tensor, for one that existed before.

    `fields` are the attributes that the program has set or deleted. `node` and `fake` are set when the tensor is first
    used: a tensor that is only passed around is neither a graph input nor guarded.
    """

    __slots__ = ("fake", "fields", "node", "value")

    def __init__(
        self,
        cls: type,
        *,
        source: Source | None = None,
        value: torch.Tensor | None = None,
        node: torch.fx.Node | None = None,
        fake: torch.Tensor | None = None,
    ) -> None:
        super().__init__(cls, source)
        self.value = value
        self.node = node
        self.fake = fake
        self.fields: dict[str, Any] = {}


class SymbolicNumberVariable(Variable):
    """An int, float or bool that depends on sizes.

    Args:
        value: the `torch.SymInt`, `SymFloat` or `SymBool`.

    Attributes:
        node: the graph node that computes it, once one is needed.
    """

    __slots__ = ("node", "value")

    def __init__(self, value: Any, source: Source | None = None) -> None:
        super().__init__(type(value), source)
        self.value: Any = value
        self.node: torch.fx.Node | None = None

    def python_type(self) -> type:
        """Return the plain type that a program sees."""
        return PYTHON_TYPE[self.cls]


PYTHON_TYPE: dict[type, type] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}
"""What a program sees of torch's symbolic numbers."""
