"""Devices: which are there, as a graph must be able to run; which functions steer one; and the default one.

The default device is a torch-function mode of torch's, which gives it to the functions that make tensors. A graph says
it itself: so it is the same wherever the graph runs, and whatever a backend makes of it.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils._device import DeviceContext, _device_constructors

from framelift_variable_tracking import Effect, Emitter

from .inner_names import dependence_of

__all__ = [
    "DefaultDevice",
    "device_of",
    "is_maker",
    "is_present",
    "may_make_tensors",
    "steers_device",
    "under_device",
    "without_default_device",
]

_INDEXED = re.compile(r"[a-z]+:\d+")


def device_of(argument: object) -> torch.device | None:
    """Return the device that an argument of a torch function is, or names with its index; `None` for anything else.

    >>> device_of("cuda:3"), device_of("bij,bjk->bik")
    (device(type='cuda', index=3), None)
    """
    if type(argument) is torch.device:
        return argument
    if type(argument) is not str or not _INDEXED.fullmatch(argument):
        return None
    try:
        return torch.device(argument)
    except RuntimeError:  # some other word with a number behind it
        return None


def is_present(device: torch.device) -> bool:
    """Tell whether tensors can be made on a device here; a kind that torch has no word about is taken to be.

    >>> is_present(torch.device("cpu")), is_present(torch.device("meta"))
    (True, True)
    >>> is_present(torch.device("cuda", 100))
    False
    """
    kind = device.type
    homes: list[Any] = [getattr(torch, kind, None), getattr(torch.backends, kind, None)]
    available = next((home.is_available for home in homes if hasattr(home, "is_available")), None)
    if available is None or kind in ("cpu", "meta"):
        return True
    if not available():
        return False
    index: int | None = device.index  # torch's own annotation leaves None out
    count = getattr(homes[0], "device_count", None)
    return index is None or count is None or 0 <= index < count()


_STEERING = re.compile(r"torch\.(cuda|xpu|mps|mtia|accelerator)(\.(?!amp\b).*)?")


def steers_device(function: object) -> bool:
    """Tell whether a function belongs to a device's own module: its streams, events, memory and random numbers.

    Such a function runs for real, as one operation of the program: it works on handles of the driver, and interpreting
    its inside would break at each of them.

    >>> steers_device(torch.cuda.synchronize), steers_device(torch.cuda.Stream.wait_stream)
    (True, True)
    >>> steers_device(torch.sin), steers_device(torch.autocast.__enter__), steers_device(torch.cuda)
    (False, False, False)
    """
    if type(function) is not types.FunctionType:
        return False
    module = function.__module__
    return type(module) is str and _STEERING.fullmatch(module) is not None


def is_maker(function: object) -> bool:
    """Tell whether a function makes tensors on the default device, unless it is told another.

    >>> is_maker(torch.ones), is_maker(torch.ones_like)
    (True, False)
    """
    return isinstance(function, types.BuiltinFunctionType) and function in _device_constructors()


def may_make_tensors(function: object) -> bool:
    """Tell whether a function of torch is Python that may call one that makes tensors.

    >>> may_make_tensors(torch.nn.functional.softmax), may_make_tensors(torch.block_diag), may_make_tensors(torch.ones)
    (False, False, False)
    """
    if not isinstance(function, types.FunctionType):
        return False
    return any(is_maker(binding.found) for binding in dependence_of(function).bindings)


@functools.lru_cache(maxsize=256)
def under_device(device: torch.device, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls a function with this default device; the same for the same.

    >>> made = under_device(torch.device("meta"), lambda: torch.ones(2))
    >>> made().device
    device(type='meta')
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        with device:
            return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = f"{getattr(function, '__name__', 'call')}_on_{device.type}"
    return call


@contextlib.contextmanager
def without_default_device() -> Iterator[None]:
    """Put the default device aside: what a capture or a backend makes inside is none of the program's tensors.

    >>> with torch.device("meta"), without_default_device():
    ...     torch.ones(2).device
    device(type='cpu')
    """
    modes = _popped()
    _push([mode for mode in modes if type(mode) is not DeviceContext])
    try:
        yield
    finally:
        _popped()
        _push(modes)


def _popped() -> list[Any]:
    """Take all torch-function modes off, and return them, innermost first."""
    return [torch._C._pop_torch_function_stack() for _ in range(torch._C._len_torch_function_stack())]


def _push(modes: Sequence[Any]) -> None:
    for mode in reversed(modes):
        torch._C._push_on_torch_function_stack(mode)


class DefaultDevice(Effect):
    """The regions of default devices that a captured program is in, where it ends or breaks.

    Args:
        target: the capture, which has one such effect.
        entered: the devices of regions that the program has entered and not left, outermost first.
    """

    __slots__ = ("entered",)

    def __init__(self, target: object, entered: Sequence[torch.device]) -> None:
        super().__init__(target, "default device")
        self.entered = tuple(entered)

    def is_pending(self) -> bool:
        return bool(self.entered)

    def replay(self, emitter: Emitter) -> None:
        for device in self.entered:
            emitter.effect(ast.Expr(emitter.call(_enter, emitter.constant(device, "device"))))


def _enter(device: torch.device) -> None:
    device.__enter__()
