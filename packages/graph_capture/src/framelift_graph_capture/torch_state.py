"""What of torch's state a program switches on its way: grad mode and autocast, read and restored as one value."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.fx
from torch.autograd.graph import saved_tensors_hooks as saved_tensors_context

from framelift_guards.torch import saved_tensors_hooks

__all__ = [
    "AUTOCAST_DEVICES",
    "STATE_CHANGES",
    "TorchState",
    "enter_autocast",
    "enter_inference_mode",
    "enters_inference_mode",
    "exit_autocast",
    "exit_inference_mode",
    "kept_state",
    "moved_state",
    "read_state",
    "restore_state",
    "restored_state",
]

AUTOCAST_DEVICES = ("cpu", "cuda")
"""The devices whose autocast is read and restored."""


class TorchState(NamedTuple):
    """Switches of the current thread.

    Args:
        grad_mode: whether gradients are recorded.
        autocast: whether it is on, and its dtype, by device.
        caches: whether autocast keeps the weights that it has cast.
        nesting: how many autocast regions are open.
        inference: how many regions of inference mode graphs have open.
    """

    grad_mode: bool
    autocast: tuple[tuple[str, bool, torch.dtype], ...]
    caches: bool
    nesting: int
    inference: int


_REGIONS = threading.local()


def _open_regions() -> list[Any]:
    """Return the regions of inference mode that are open in this thread, as far as they were entered here."""
    regions: list[Any] | None = getattr(_REGIONS, "regions", None)
    if regions is None:
        regions = _REGIONS.regions = []
    return regions


def enter_inference_mode(mode: bool) -> None:
    """Enter a region of inference mode, to be left by `exit_inference_mode`."""
    region = torch.inference_mode(mode)
    region.__enter__()
    _open_regions().append(region)


def exit_inference_mode() -> None:
    """Leave the region that was entered last."""
    _open_regions().pop().__exit__(None, None, None)


def read_state() -> TorchState:
    """Return the state now.

    >>> read_state() == read_state()
    True
    """
    nesting = torch.autocast_increment_nesting() - 1
    torch.autocast_decrement_nesting()
    devices = [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in AUTOCAST_DEVICES]
    return TorchState(
        torch.is_grad_enabled(), tuple(devices), torch.is_autocast_cache_enabled(), nesting, len(_open_regions())
    )


def restore_state(state: TorchState) -> None:
    """Make the state what it was.

    >>> before = read_state()
    >>> _ = torch._C._set_grad_enabled(False)
    >>> restore_state(before)
    >>> torch.is_grad_enabled()
    True
    """
    while len(_open_regions()) > state.inference:
        exit_inference_mode()
    if torch.is_grad_enabled() != state.grad_mode:  # a torch-function mode of the program's sees the call
        torch._C._set_grad_enabled(state.grad_mode)
    for kind, enabled, dtype in state.autocast:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)
    torch.set_autocast_cache_enabled(state.caches)
    now = read_state().nesting
    if now == state.nesting:
        return
    for _ in range(now - state.nesting):
        torch.autocast_decrement_nesting()
    for _ in range(state.nesting - now):
        torch.autocast_increment_nesting()
    torch.clear_autocast_cache()  # of what was cast in the regions that are left


def moved_state(now: TorchState, start: TorchState, end: TorchState) -> TorchState:
    """Return a state with the changes that lead from one to another.

    Args:
        now: the state that is changed.
        start: the state before the changes.
        end: the state after them.

    >>> state = read_state()
    >>> moved_state(state, state, state._replace(caches=not state.caches)).caches == state.caches
    False
    """
    autocast = [
        ours if before == after else after
        for ours, before, after in zip(now.autocast, start.autocast, end.autocast, strict=True)
    ]
    return TorchState(
        end.grad_mode,
        tuple(autocast),
        now.caches if start.caches == end.caches else end.caches,
        now.nesting + end.nesting - start.nesting,
        now.inference,
    )


@contextlib.contextmanager
def kept_state() -> Iterator[None]:
    """Restore the state at the end, whatever happens in between."""
    before = read_state()
    try:
        yield
    finally:
        restore_state(before)


@contextlib.contextmanager
def restored_state() -> Iterator[None]:
    """Do what `kept_state` does; hooks on saved tensors get nothing of what happens in between."""
    with kept_state(), _unseen_by_hooks():
        yield


def _unseen_by_hooks() -> contextlib.AbstractContextManager[object]:
    """Return a context in which no hook of the program's gets what autograd saves: what a capture saves is fake."""
    if not saved_tensors_hooks().entries:
        return contextlib.nullcontext()
    return saved_tensors_context(_as_it_is, _as_it_is)


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def enter_autocast(device: str, dtype: torch.dtype, enabled: bool, caches: bool) -> None:
    """Do what `torch.autocast.__enter__` does, but remember nothing."""
    torch.set_autocast_enabled(device, enabled)
    torch.set_autocast_dtype(device, dtype)
    torch.autocast_increment_nesting()
    torch.set_autocast_cache_enabled(caches)


def exit_autocast(device: str, dtype: torch.dtype, enabled: bool, caches: bool) -> None:
    """Do what `torch.autocast.__exit__` does, back to this state."""
    torch.autocast_decrement_nesting()
    torch.clear_autocast_cache()
    torch.set_autocast_enabled(device, enabled)
    torch.set_autocast_dtype(device, dtype)
    torch.set_autocast_cache_enabled(caches)


STATE_CHANGES = frozenset(
    {
        torch._C._set_grad_enabled,
        torch.amp.autocast_mode._enter_autocast,
        torch.amp.autocast_mode._exit_autocast,
        enter_inference_mode,
        exit_inference_mode,
    }
)
"""What nodes call that compute nothing, and change what others compute."""


def enters_inference_mode(node: torch.fx.Node) -> bool:
    """Tell whether a node enters or leaves a region of inference mode."""
    return node.target in (enter_inference_mode, exit_inference_mode)
