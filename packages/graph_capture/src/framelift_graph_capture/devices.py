"""Which devices are there, as a graph must be able to run, and which functions steer one, as no graph does."""

from __future__ import annotations

import re
import types
from typing import Any

import torch

__all__ = ["device_of", "is_present", "steers_device"]

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
