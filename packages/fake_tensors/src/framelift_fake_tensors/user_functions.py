"""Users' functions of autograd (`torch.autograd.Function`) on fakes, while a mode is entered.

`Function.apply` asks no mode of torch: it hands its arguments to C++, which reads what made them, and asks the device
of each result for its stream. So it is another function in the threads that are in a mode: what came from the cache is
given its history first, and on devices that autograd can't handle here (see `unlinked`) the function is applied in
Python.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.autograd.function import FunctionCtx

from framelift_fake_tensors.process_state import Here, Installation, Switch
from framelift_fake_tensors.tensor import FakeTensor, History, fakes_in, nodes_of
from framelift_fake_tensors.unlinked import needs_stand_ins

__all__ = ["USER_FUNCTIONS", "Applied"]


def _applying(before: Any, here: Here) -> Any:
    apply: Callable[..., Any] = before.__func__

    @functools.wraps(apply)
    def applied(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        fakes = list(fakes_in(args)) if here.depth else []
        for fake in fakes:
            if fake.history is not None or fake.memory.views is not None:
                fake.fake_mode.settle(fake)
        if fakes and not kwargs and needs_stand_ins(args) and torch._C._functorch.peek_interpreter_stack() is None:
            return _apply_in_python(cls, args)
        return apply(cls, *args, **kwargs)

    return classmethod(applied)


USER_FUNCTIONS: Final = Switch([Installation("torch.autograd.function", "Function.apply", _applying)])
"""Has `Function.apply` know fakes."""


class _Context(FunctionCtx):
    """What `forward` and `backward` of a function are given to talk to each other.

    Args:
        needs_input_grad: which arguments require grad.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.to_save, self.dirty_tensors, self.non_differentiable = (), (), ()
        self.materialize_grads = True

    @property
    def saved_tensors(self) -> tuple[torch.Tensor | None, ...]:
        return tuple(self.to_save)


class Applied(History):
    """The history of what a user's function returned.

    Args:
        function: the function.
        context: what its `forward` left for its `backward`.
        args: its arguments.
        results: what it returned.
    """

    __slots__ = ("_context", "_function", "_results")

    def __init__(
        self, function: type[torch.autograd.Function], context: _Context, args: Sequence[Any], results: Sequence[Any]
    ) -> None:
        super().__init__(nodes_of([value for value in args if isinstance(value, FakeTensor)]))
        self._function = function
        self._context = context
        self._results = [
            (value.shape, value.dtype, value.device) if isinstance(value, FakeTensor) else None for value in results
        ]
        self.saves = bool(context.to_save)

    def gradients(self, new: Callable[..., torch.Tensor]) -> list[Any]:
        """Return what the function's `backward` gives for the arguments that require grad.

        Args:
            new: makes a gradient, of a shape, a dtype and a device.
        """
        with torch.no_grad():
            given = self._function.backward(
                self._context, *[None if one is None else new(*one) for one in self._results]
            )
        given = given if isinstance(given, tuple) else (given,)
        needed = [*self._context.needs_input_grad, *[False] * len(given)]
        return [gradient for gradient, needs in zip(given, needed, strict=False) if needs]


def _apply_in_python(cls: type[torch.autograd.Function], args: tuple[Any, ...]) -> Any:
    """Return what a function gives, with the autograd state that it would have."""
    context = _Context(tuple([isinstance(value, torch.Tensor) and value.requires_grad for value in args]))
    with torch.no_grad():
        if cls.setup_context is not torch.autograd.Function.setup_context:
            result = cls.forward(*args)
            cls.setup_context(context, args, result)
        else:
            result = cls.forward(context, *args)
    for tensor in context.dirty_tensors:
        if tensor.requires_grad and tensor.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        torch.autograd.graph.increment_version(tensor)
    results = result if isinstance(result, tuple) else (result,)
    dirty = {id(tensor) for tensor in context.dirty_tensors}
    given = {id(value) for value in args} - dirty
    plain = {id(tensor) for tensor in context.non_differentiable}
    # An argument that is returned, and was not written to, is another tensor after (torch's custom_function.cpp).
    made = [value.detach() if id(value) in given and isinstance(value, FakeTensor) else value for value in results]
    history = Applied(cls, context, args, made)
    for before, value in zip(results, made, strict=True):
        if not isinstance(value, FakeTensor) or id(before) in plain:
            continue
        if value.dtype.is_floating_point or value.dtype.is_complex:
            value.requires_grad_()
            value.history = history
    return tuple(made) if isinstance(result, tuple) else made[0]
