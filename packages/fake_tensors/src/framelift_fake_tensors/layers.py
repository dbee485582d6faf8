"""What the layers of a module cost: parameters, results and floating-point operations, from metadata alone."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils.flop_counter import flop_registry

from framelift_fake_tensors.mode import FakeMode
from framelift_fake_tensors.tensor import fakes_in

__all__ = ["Layer", "measure_layers"]


@dataclasses.dataclass(slots=True)
class Layer:
    """One module of a model, with all that is inside of it.

    Args:
        path: how it is reached from the model, such as `blocks.0.linear`; empty for the model.
        kind: the name of its class.
        parameter_bytes: of its parameters; those that are tied count once.
        shapes: of the tensors that it returned, at its last call.
        activation_bytes: of all that its operators made in memory of their own, over all calls; views and results in
            place are free. It is what autograd has to keep for a backward pass at most, parameters and inputs aside:
            some operators save their arguments in place of their results, or nothing.
        flops: floating-point operations, as `torch.utils.flop_counter` counts them: matrix products, convolutions and
            attention. Sizes that are symbols stay symbols in all of these.
        calls: how often it was called.
    """

    path: str
    kind: str
    parameter_bytes: Any
    shapes: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)
    activation_bytes: Any = 0
    flops: Any = 0
    calls: int = 0


def measure_layers(mode: FakeMode, module: torch.nn.Module, *args: Any, **kwargs: Any) -> list[Layer]:
    """Call a module without data, and return what each of its layers costs, the model itself first.

    Args:
        mode: the mode of the module's tensors.
        module: a module whose parameters and buffers are fakes of the mode.
        args: fakes of the mode and constants.
        kwargs: the same, by name.

    Raises:
        TypeError: there is no mode, or no module.

    >>> mode = FakeMode()
    >>> with mode:
    ...     model, x = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU()), torch.ones(8, 64)
    >>> for layer in measure_layers(mode, model, x):
    ...     print(layer.path or "model", layer.shapes, layer.parameter_bytes, layer.activation_bytes, layer.flops)
    model [(8, 32)] 8320 2048 32768
    0 [(8, 32)] 8320 1024 32768
    1 [(8, 32)] 0 1024 0
    """
    if not isinstance(mode, FakeMode):
        raise TypeError(f"measure_layers takes a FakeMode first, not a {type(mode).__name__}")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"measure_layers takes a module after the mode, not a {type(module).__name__}")
    layers = {name: _layer(name, part) for name, part in module.named_modules()}
    running: list[Layer] = []
    with contextlib.ExitStack() as stack:
        for name, part in module.named_modules():
            stack.callback(part.register_forward_pre_hook(functools.partial(_enter, running, layers[name])).remove)
            stack.callback(part.register_forward_hook(functools.partial(_leave, running), always_call=True).remove)
        stack.enter_context(_observed(mode, running))
        stack.enter_context(mode)
        # Without autograd: a device that is not here would be asked for its stream (see `unlinked`).
        stack.enter_context(torch.no_grad())
        module(*args, **kwargs)
    return list(layers.values())


def _layer(name: str, module: torch.nn.Module) -> Layer:
    return Layer(name, type(module).__name__, sum(_bytes(parameter) for parameter in module.parameters()))


def _bytes(tensor: torch.Tensor) -> Any:
    return tensor.numel() * tensor.element_size()


def _enter(running: list[Layer], layer: Layer, _module: torch.nn.Module, _args: Any) -> None:
    layer.calls += 1
    running.append(layer)


def _leave(running: list[Layer], _module: torch.nn.Module, _args: Any, result: Any) -> None:
    values = vars(result).values() if dataclasses.is_dataclass(result) else (result,)
    running.pop().shapes = [tuple(fake.shape) for fake in fakes_in(values)]


@contextlib.contextmanager
def _observed(mode: FakeMode, running: list[Layer]) -> Iterator[None]:
    def observe(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        count = flop_registry.get(operator.overloadpacket)
        flops = 0 if count is None else count(*args, **kwargs, out_val=result)
        given = {id(fake.memory) for fake in fakes_in((args, kwargs))}
        made = {id(fake.memory): fake for fake in fakes_in((result,))}
        activation_bytes = sum(_bytes(fake) for memory, fake in made.items() if memory not in given)
        for layer in running:
            layer.flops += flops
            layer.activation_bytes += activation_bytes

    before, mode.observer = mode.observer, observe
    try:
        yield
    finally:
        mode.observer = before
