"""What a torch function may read of the process: the part of a key that stands for it, and the way back to it.

A setting that decides about results has its place in two of these: in what `global_state` returns, or in what
`attention_backends` and `contraction` do for the functions that ask; and in `_SETTINGS`, so that a call that is run
again finds it as it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
import torch._C
import torch.backends.opt_einsum
from torch.autograd import forward_ad
from torch.utils._device import DeviceContext

from framelift_fake_tensors.device import current_index

__all__ = ["Snapshot", "Uncacheable", "attention_backends", "contraction", "global_state"]


class Uncacheable(Exception):
    """A call holds something, or is in a state of the process, that no key can stand for."""


# Every call asks all of these: one search for a name each.
_top_saved_tensors_hooks = torch._C._autograd._top_saved_tensors_default_hooks
_function_modes = torch._C._len_torch_function_stack
_dispatch_modes = torch._C._len_torch_dispatch_stack
_functorch_interpreter = torch._C._functorch.peek_interpreter_stack
_is_grad_enabled = torch._C.is_grad_enabled
_is_inference_mode_enabled = torch._C.is_inference_mode_enabled
_is_any_autocast_enabled = torch._C._is_any_autocast_enabled
_default_dtype = torch._C.get_default_dtype
_is_deterministic = torch._C._get_deterministic_algorithms
_is_view_replay_enabled = torch._C._is_view_replay_enabled
_is_mkldnn_enabled = torch._C._get_mkldnn_enabled
_is_cudnn_enabled = torch._C._get_cudnn_enabled

# Every kind of device that autocast knows (torch/amp/autocast_mode.py); asked only where autocast is on for any.
_AUTOCAST = ("cpu", "cuda", "xpu", "mps", "hpu", "mtia", "maia", "ipu", "xla", "privateuseone")


def global_state(modes: int = 0) -> Any:
    """Return what a torch function may read of the process.

    Args:
        modes: how many dispatch modes are known to be active, and to do nothing of their own.

    Raises:
        Uncacheable: a mode is active that may do anything to a call.

    >>> with torch.no_grad():
    ...     inside = global_state()
    >>> inside == global_state()
    False
    """
    device = _default_device() if _function_modes() else None
    if _dispatch_modes() != modes or _functorch_interpreter() is not None:
        raise Uncacheable
    grad = _is_grad_enabled()
    if forward_ad._current_level >= 0 or (grad and _top_saved_tensors_hooks(True) is not None):
        raise Uncacheable  # a tangent may travel along; hooks are called with each tensor that autograd saves
    return (
        grad,
        _is_inference_mode_enabled(),
        _default_dtype(),
        device,
        _is_deterministic()
        and (
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch._C._get_deterministic_fill_uninitialized_memory(),
            bool(torch.compiler.is_compiling()),  # where a compiler may lower it, `interpolate` is another function
        ),
        _is_view_replay_enabled(),
        _is_mkldnn_enabled(),
        _is_cudnn_enabled(),
        _is_any_autocast_enabled() and _autocast(),
    )


def _autocast() -> tuple[tuple[bool, torch.dtype], ...]:
    return tuple([(torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in _AUTOCAST])


def _default_device() -> Any:
    """Return the device that factories use by default, where nothing else intercepts torch functions."""
    devices = []
    for position in range(torch._C._len_torch_function_stack()):
        mode = torch._C._get_function_stack_at(position)
        if type(mode) is not DeviceContext:
            raise Uncacheable
        devices.append((mode.device, current_index(mode.device.type)))
    return tuple(devices)


def attention_backends() -> tuple[Any, ...]:
    """Return which kernels for attention are allowed, and in which order torch tries them."""
    return (
        torch._C._get_flash_sdp_enabled(),
        torch._C._get_mem_efficient_sdp_enabled(),
        torch._C._get_math_sdp_enabled(),
        torch._C._get_cudnn_sdp_enabled(),
        torch._C._get_overrideable_sdp_enabled(),
        tuple(torch._C._get_sdp_priority_order()),
    )


def contraction() -> tuple[Any, ...]:
    """Return how `einsum` chooses the order of its products."""
    return torch.backends.opt_einsum.enabled, torch.backends.opt_einsum.strategy


def _set_attention_backends(backends: tuple[Any, ...]) -> None:
    flash, efficient, math, cudnn, overrideable, order = backends
    torch._C._set_sdp_use_flash(flash)
    torch._C._set_sdp_use_mem_efficient(efficient)
    torch._C._set_sdp_use_math(math)
    torch._C._set_sdp_use_cudnn(cudnn)
    torch._C._set_sdp_use_overrideable(overrideable)
    torch._C._set_sdp_priority_order(list(order))


def _set_contraction(chosen: tuple[Any, ...]) -> None:
    torch.backends.opt_einsum.enabled, torch.backends.opt_einsum.strategy = chosen


def _determinism() -> tuple[bool, bool, bool]:
    return (
        _is_deterministic(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch._C._get_deterministic_fill_uninitialized_memory(),
    )


def _set_determinism(chosen: tuple[bool, bool, bool]) -> None:
    torch._C._set_deterministic_algorithms(chosen[0], warn_only=chosen[1])
    torch._C._set_deterministic_fill_uninitialized_memory(chosen[2])


def _set_autocast(chosen: tuple[tuple[bool, torch.dtype], ...]) -> None:
    for kind, (enabled, lower) in zip(_AUTOCAST, chosen, strict=True):
        if torch.is_autocast_enabled(kind) != enabled:
            torch.set_autocast_enabled(kind, enabled)
        if torch.get_autocast_dtype(kind) != lower:
            torch.set_autocast_dtype(kind, lower)


_SETTINGS: Final[tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...]] = (
    (_default_dtype, torch.set_default_dtype),
    (_autocast, _set_autocast),
    (_determinism, _set_determinism),
    (_is_view_replay_enabled, torch._C._set_view_replay_enabled),
    (_is_mkldnn_enabled, torch._C._set_mkldnn_enabled),
    (_is_cudnn_enabled, torch._C._set_cudnn_enabled),
    (attention_backends, _set_attention_backends),
    (contraction, _set_contraction),
)


class Snapshot:
    """What the process had been set to when this was made; grad and inference mode are not of it.

    >>> snapshot = Snapshot()
    >>> torch.set_default_dtype(torch.float64)
    >>> with snapshot.restored():
    ...     torch.get_default_dtype()
    torch.float32
    >>> torch.set_default_dtype(torch.float32)
    """

    __slots__ = ("_device", "_values")

    def __init__(self) -> None:
        self._values = [get() for get, _ in _SETTINGS]
        modes = [torch._C._get_function_stack_at(place) for place in range(_function_modes())]
        devices = [mode.device for mode in modes if type(mode) is DeviceContext]
        self._device = devices[-1] if devices else torch.device("cpu")

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Have the process be set so in the block."""
        changed = [
            (put, value, now)
            for (get, put), value in zip(_SETTINGS, self._values, strict=True)
            if value != (now := get())
        ]
        with torch.device(self._device) if _function_modes() else contextlib.nullcontext():
            for put, value, _ in changed:
                put(value)
            try:
                yield
            finally:
                for put, _, before in changed:
                    put(before)
