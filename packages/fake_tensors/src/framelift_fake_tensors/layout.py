"""Strides of tensors whose sizes are symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["settled", "symbolic_strides"]


def symbolic_strides(sizes: Sequence[int], strides: Sequence[int], symbols: Sequence[Any]) -> tuple[Any, ...]:
    """Return strides in terms of symbolic sizes.

    The strides of a tensor that is dense in some order of its dimensions follow from its sizes, in that order; others
    stay the numbers that they are. Whoever guards the tensor checks the same: density in that order, or the numbers.

    Args:
        sizes: the sizes of the real tensor.
        strides: its strides.
        symbols: its sizes, symbolic where they may vary.

    >>> symbolic_strides((2, 3), (3, 1), (2, "s"))
    ('s', 1)
    >>> symbolic_strides((2, 3), (6, 1), (2, "s"))
    (6, 1)
    """
    order = sorted(range(len(sizes)), key=lambda dim: (-strides[dim], dim))
    symbolic: list[Any] = list(strides)
    expected, product = 1, None
    for dim in reversed(order):
        if sizes[dim] == 1:
            continue
        if strides[dim] != expected:
            return tuple(strides)
        symbolic[dim] = 1 if product is None else product
        expected *= sizes[dim]
        product = symbols[dim] if product is None else symbols[dim] * product
    return tuple(symbolic)


def settled(extents: Sequence[Any]) -> tuple[Any, ...]:
    """Return sizes or strides with the symbolic ones that are known to be one number as that number.

    >>> settled((2, 3))
    (2, 3)
    """
    return tuple([_settled(extent) for extent in extents])


def _settled(extent: Any) -> Any:
    known = extent.node.maybe_as_int() if isinstance(extent, torch.SymInt) else None
    return extent if known is None else known
