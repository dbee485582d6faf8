"""The private names of torch that make checks fast, each optional: ``None`` where this torch does not have it.

What they do was found by trial on torch 2.11 and 2.13; everything that uses them has a fallback that passes the same
tests. None of this imports ``torch._dynamo``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

import torch


class Check(Protocol):
    """A compiled check."""

    def check(self, *values: object) -> bool:
        """Tell whether it holds."""


class TensorGuardsType(Protocol):
    """``torch._C._dynamo.guards.TensorGuards``: metadata of many tensors, compared in one call.

    It holds no tensor. It compares exact type, dtype, device, ``requires_grad``, sizes and strides (``None`` fits
    any), and dispatch keys combined with the thread's own: it fails under a dispatch mode, or an inference mode, that
    was not active when it was made.
    """

    def __call__(
        self,
        *tensors: object,
        dynamic_dims_sizes: Sequence[Sequence[int | None]],
        dynamic_dims_strides: Sequence[Sequence[int | None]],
    ) -> Check:
        """Make a check from example tensors."""


class InBulk:
    """A predicate that torch's compiled check of tensors may stand for.

    That check compares dispatch keys, and so sees whether a dispatch mode, inference mode or a transform of
    ``torch.func`` has become active: where it runs, nobody else needs to ask.
    """

    @property
    def in_bulk(self) -> bool:
        """Whether the compiled check does this one."""
        raise NotImplementedError


def _find(path: str) -> object:
    found: object = torch
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


tensor_guards = cast(TensorGuardsType | None, _find("_C._dynamo.guards.TensorGuards"))
global_state_guard = cast(Callable[[], Check] | None, _find("_C._dynamo.guards.GlobalStateGuard"))
dispatch_keys = cast(Callable[[object], object] | None, _find("_C._dispatch_keys"))
no_dispatch_modes = cast(Callable[[], AbstractContextManager[object]], _find("_C._DisableTorchDispatch") or nullcontext)
