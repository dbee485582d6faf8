"""Questions about the layout of sizes and strides, as conditions on them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

__all__ = ["CHANNELS_LAST_2D", "CHANNELS_LAST_3D", "is_channels_last", "is_contiguous", "is_non_overlapping_and_dense"]

# The dimensions of NCHW and NCDHW from the innermost of the channels-last layout outwards (c10/core/MemoryFormat.h).
CHANNELS_LAST_2D = (1, 3, 2, 0)
CHANNELS_LAST_3D = (1, 4, 3, 2, 0)


class _Node(Protocol):
    """The part of `SymNode` that the conditions are built with."""

    @property
    def hint(self) -> Any: ...
    def eq(self, other: Any) -> Any: ...
    def ne(self, other: Any) -> Any: ...
    def le(self, other: Any) -> Any: ...
    def lt(self, other: Any) -> Any: ...
    def sym_max(self, other: Any) -> Any: ...
    def mul(self, other: Any) -> Any: ...
    def and_(self, other: Any) -> Any: ...
    def or_(self, other: Any) -> Any: ...
    def sym_not(self) -> Any: ...
    def wrap_int(self, num: int) -> Any: ...
    def wrap_bool(self, num: bool) -> Any: ...
    def guard_bool(self, file: str, line: int) -> bool: ...
    def statically_known_true(self, file: str, line: int) -> bool: ...


N = TypeVar("N", bound=_Node)


def _known(condition: _Node) -> bool | None:
    if condition.statically_known_true("", 0):
        return True
    return False if condition.sym_not().statically_known_true("", 0) else None


def is_contiguous(true: N, sizes: Sequence[N], strides: Sequence[N], order: Sequence[int]) -> N:
    """Return whether elements lie without gaps when dimensions are walked in `order`, innermost first.

    As c10's `_compute_contiguous`: a dimension of size 1 may have any stride, and a tensor without elements is
    contiguous.

    Args:
        true: the condition that always holds.
        sizes: one node a dimension.
        strides: one node a dimension.
        order: the dimensions, innermost first.
    """
    if len(order) != len(sizes):
        return true.wrap_bool(False)  # type: ignore[no-any-return]
    empty: Any = true.wrap_bool(False)
    for size in sizes:
        empty = empty.or_(size.eq(true.wrap_int(0)))
    if _known(empty) is True:
        return true
    dense, expected = true, true.wrap_int(1)
    for dimension in order:
        fits = sizes[dimension].eq(true.wrap_int(1)).or_(strides[dimension].eq(expected))
        known = _known(fits)
        if known is False:
            dense = true.wrap_bool(False)
            break
        if known is None:
            dense = dense.and_(fits)
        expected = expected.mul(sizes[dimension])
    return dense.or_(empty)  # type: ignore[no-any-return]


def is_channels_last(true: N, sizes: Sequence[N], strides: Sequence[N], order: Sequence[int]) -> N:
    """Return whether strides grow as in the channels-last layout, gaps allowed (c10's `is_channels_last_strides`)."""
    false: Any = true.wrap_bool(False)
    if len(order) != len(sizes):
        return false  # type: ignore[no-any-return]
    least: Any = true.wrap_int(0)
    # A tensor whose channels lie on top of each other is taken for the ordinary layout.
    result: Any = strides[1].ne(true.wrap_int(0))
    for dimension in order:
        size, stride = sizes[dimension], strides[dimension]
        result = result.and_(size.ne(true.wrap_int(0))).and_(least.le(stride))
        if dimension == 0:
            # N111 and NCHW with one channel are ambiguous; they are taken for the ordinary layout.
            result = result.and_(least.eq(strides[1]).sym_not())
        if _known(result) is False:
            return false  # type: ignore[no-any-return]
        # The stride of a dimension of size 1 means nothing, so it asks no more of the next one than it has.
        least = stride.mul(size.sym_max(true.wrap_int(1)))
    return result  # type: ignore[no-any-return]


def is_non_overlapping_and_dense(true: N, sizes: Sequence[N], strides: Sequence[N]) -> N:
    """Return whether some order of the dimensions is contiguous.

    The order is decided by the strides' hints, and guarded: it is the only candidate.
    """
    dimensions = range(len(sizes))
    ordinary = is_contiguous(true, sizes, strides, [*reversed(dimensions)])
    if _known(ordinary) is True:
        return true

    def compare(a: int, b: int) -> int:
        return _compare(sizes, strides, a, b)

    order = sorted(dimensions, key=functools.cmp_to_key(compare))
    return is_contiguous(true, sizes, strides, order)


def _compare(sizes: Sequence[_Node], strides: Sequence[_Node], a: int, b: int) -> int:
    one = sizes[a].wrap_int(1)
    # Dimensions of size 1 fit anywhere: they come last, where no other depends on them.
    single_a, single_b = sizes[a].eq(one).guard_bool("", 0), sizes[b].eq(one).guard_bool("", 0)
    if single_a or single_b:
        return int(single_a) - int(single_b)
    return -1 if strides[a].lt(strides[b]).guard_bool("", 0) else 1
