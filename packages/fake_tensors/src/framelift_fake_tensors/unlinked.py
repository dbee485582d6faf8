"""Autograd state on devices that this torch was built without, or whose driver this machine lacks.

torch's autograd asks the device of each differentiable result for its stream (c10's `getDeviceGuardImpl`), and where
the device is not linked, or linked without a driver, that ends the process. So autograd is kept away from such devices:
the call runs without it, and runs again on stand-ins of the meta device, whose results tell which ones require grad.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import torch

from framelift_fake_tensors.tensor import FakeTensor, History, Memory, Mode, fakes_in, make_fake, nodes_of

__all__ = [
    "ASKS_BACKEND",
    "Unlinked",
    "asks_backend",
    "casts_not_kept",
    "is_linked",
    "needs_stand_ins",
    "run_relabelled",
    "run_with_stand_ins",
]

_META = torch.device("meta")
_CPU = torch.device("cpu")
_CAST = (torch.float16, torch.bfloat16)
_NONE: Mapping[int, FakeTensor] = {}

ASKS_BACKEND: frozenset[Any] = frozenset(
    [
        torch.Tensor.__getitem__,
        torch.Tensor.__setitem__,
        operator.getitem,
        operator.setitem,
        torch.Tensor.contiguous,
    ]
)
"""What asks the backend of its first argument for the current device, before any operator runs."""


class Unlinked(Exception):
    """An operator was about to give autograd a result on a device that it can't handle."""


@functools.cache
def is_linked(kind: str) -> bool:
    """Tell whether torch's autograd can handle the device type `kind` here.

    That a device type is compiled in is not enough: it must be available.

    >>> is_linked("cpu"), is_linked("meta")
    (True, True)
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return kind in ("cpu", "meta") or (accelerator is not None and accelerator.type == kind)


def needs_stand_ins(values: tuple[Any, ...]) -> bool:
    """Tell whether autograd must be kept away from a call with these arguments."""
    return torch.is_grad_enabled() and any(
        fake.requires_grad and not is_linked(fake.device.type) for fake in fakes_in(values)
    )


def run_with_stand_ins(
    mode: Mode,
    run: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    written: Collection[int],
) -> Any:
    """Return what `function` returns on fakes of unlinked devices, with the autograd state that it would have.

    Args:
        mode: the mode of the fakes.
        run: runs a function on fakes.
        function: the torch function.
        args: positional arguments.
        kwargs: keyword arguments.
        written: the memories, by id, that operators have written to; it grows as they do.
    """
    stand_ins = _StandIns(mode)
    nodes = nodes_of(fakes_in((args, kwargs)))
    shadow = run(function, stand_ins.of(args), stand_ins.of(kwargs))
    with torch.no_grad():
        result = run(function, args, kwargs)
    for fake, stand_in in zip(fakes_in((result, args, kwargs)), fakes_in((shadow, *stand_ins.arguments)), strict=True):
        if stand_in.requires_grad:
            is_new = not fake.requires_grad
            if is_new:
                fake.requires_grad_(True)
            if not stand_in.is_leaf and (is_new or id(fake.memory) in written):
                fake.history = History(nodes)
    return result


def run_relabelled(
    mode: Mode, run: Callable[..., Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return what a function returns on fakes of unlinked devices, by calling them fakes of the CPU.

    Args:
        mode: the mode of the fakes.
        run: runs a function on fakes.
        function: one that asks a backend for its current device; it changes no metadata in place.
        args: its arguments; results are on the device of the first fake among them.
        kwargs: the same, by name.
    """
    device = next(fake.device for fake in fakes_in((args, kwargs)) if not is_linked(fake.device.type))
    called, called_kwargs = _relabelled(mode, (args, kwargs), _CPU)
    with _autocast_as_on(device):
        result = run(function, called, called_kwargs)
    originals = {
        id(one): other for one, other in zip(fakes_in((called, called_kwargs)), fakes_in((args, kwargs)), strict=True)
    }
    return _relabelled(mode, result, device, originals)


def asks_backend(error: RuntimeError) -> bool:
    """Tell whether C++ asked a backend for its current device that is not linked, or has no driver.

    The texts are those of c10/core/impl/DeviceGuardImplInterface.h, and of the runtime of CUDA.
    """
    text = str(error)
    return "is not linked with support for" in text or "driver version is insufficient" in text


def _autocast_as_on(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Have the CPU autocast as a device does; the lists of functions that are cast differ a little."""
    if not torch._C._is_any_autocast_enabled() or not torch.is_autocast_enabled(device.type):
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.get_autocast_dtype(device.type), cache_enabled=False)


@contextlib.contextmanager
def casts_not_kept() -> Iterator[None]:
    """Have autocast keep no casts of parameters: it makes them with autograd on, which asks the backend.

    >>> with casts_not_kept():
    ...     torch.is_autocast_cache_enabled()
    False
    """
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)


def _relabelled(mode: Mode, value: Any, device: torch.device, known: Mapping[int, FakeTensor] = _NONE) -> Any:
    if isinstance(value, FakeTensor):
        if id(value) in known:
            return known[id(value)]
        same = value.is_inference() == torch.is_inference_mode_enabled()
        with contextlib.nullcontext() if same else torch.inference_mode(value.is_inference()):
            fake = make_fake(
                mode, value.memory, value.size(), value.stride(), value.storage_offset(), value.dtype, device
            )
        fake.meta_twin = value.meta_twin
        return fake
    if type(value) in (list, tuple):
        return type(value)([_relabelled(mode, item, device, known) for item in value])
    if type(value) is dict:
        return {name: _relabelled(mode, item, device, known) for name, item in value.items()}
    return value


class _StandIns:
    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._known: dict[int, FakeTensor] = {}
        self.arguments: list[Any] = []

    def of(self, values: Any) -> Any:
        made = self._make(values)
        self.arguments.append(made)
        return made

    def _make(self, value: Any) -> Any:
        if isinstance(value, FakeTensor):
            if id(value) not in self._known:
                self._known[id(value)] = self._stand_in(value)
            return self._known[id(value)]
        if isinstance(value, torch.device) and not is_linked(value.type):
            return _META
        if isinstance(value, str) and value.partition(":")[0] in ("cuda", "mps", "xpu", "hpu", "mtia", "npu"):
            return "meta"
        if isinstance(value, dict):
            return {name: self._make(item) for name, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)([self._make(item) for item in value])
        return value

    def _stand_in(self, fake: FakeTensor) -> FakeTensor:
        size, stride, offset = fake.size(), fake.stride(), fake.storage_offset()
        owed = fake.history is not None
        dtype = fake.dtype
        if dtype in _CAST and torch._C._is_any_autocast_enabled():
            dtype = torch.float32  # nothing casts on the meta device, and which results require grad is the same
        stand_in = make_fake(self._mode, Memory(), size, stride, offset, dtype, _META, fake.requires_grad)
        if owed and fake.requires_grad:
            stand_in.history = History()
            self._mode.settle(stand_in)
        return stand_in
