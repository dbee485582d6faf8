"""What stands in for the `ctx` of a `torch.autograd.Function` while its `forward` is interpreted."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True

__all__ = ["FunctionContext", "run_forward", "run_forward_and_setup"]


class FunctionContext:
    """Takes whatever `forward` stores; none of it is used, since the real `forward` runs in the graph."""

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """As torch's."""
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """As torch's."""

    def mark_dirty(self, *tensors: Any) -> None:
        """As torch's."""

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """As torch's."""

    def set_materialize_grads(self, value: bool) -> None:
        """As torch's."""


def run_forward(function: Any, context: FunctionContext, args: tuple[Any, ...]) -> Any:
    """Run a `forward` that takes the context."""
    return function.forward(context, *args)


def run_forward_and_setup(function: Any, context: FunctionContext, args: tuple[Any, ...]) -> Any:
    """Run a `forward` whose context is set up apart."""
    output = function.forward(*args)
    function.setup_context(context, args, output)
    return output
