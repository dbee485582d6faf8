"""Which sizes, strides and numbers of a call become symbols: what was asked for, what is marked, what has varied.

A first capture of a function takes sizes and numbers as they are. One that differs in a later capture varies, and is a
symbol from then on. That memory is plain data by the names of sources: it keeps no tensor, model or function alive.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

import torch

from framelift_symbolic_shapes import Freedom

__all__ = ["Dynamism", "Seen", "SizeMarks", "TensorDynamism"]

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1  # what a graph, as torch's C++, takes for an int


@dataclasses.dataclass(slots=True)
class _Extents:
    """The sizes and strides of one tensor; None where captures differed."""

    sizes: list[int | None]
    strides: list[int | None]


class Seen:
    """What the captures of one entry point have seen, by the name of the source.

    >>> seen = Seen()
    >>> seen.number("L['n']", 3), seen.number("L['n']", 3), seen.number("L['n']", 4), seen.number("L['n']", 3)
    (False, False, True, True)
    """

    def __init__(self) -> None:
        self._tensors: dict[str, _Extents] = {}
        self._numbers: dict[str, float | None] = {}

    def tensor(self, name: str, sizes: Collection[int], strides: Collection[int]) -> tuple[list[bool], list[bool]]:
        """Note the extents of a tensor, and return for each dimension whether its size, and its stride, has varied.

        A tensor that has had another number of dimensions has varied in all of them.

        >>> seen = Seen()
        >>> seen.tensor("L['x']", (2, 3), (3, 1))
        ([False, False], [False, False])
        >>> seen.tensor("L['x']", (4, 3), (3, 1))
        ([True, False], [False, False])
        """
        known = self._tensors.get(name)
        if known is None:
            known = self._tensors[name] = _Extents(list(sizes), list(strides))
        elif len(known.sizes) != len(sizes):
            known = self._tensors[name] = _Extents([None] * len(sizes), list(strides))
        else:
            known.sizes = _merged(known.sizes, sizes)
            known.strides = _merged(known.strides, strides)
        return [size is None for size in known.sizes], [stride is None for stride in known.strides]

    def number(self, name: str, value: float) -> bool:
        """Note a number, and tell whether it has varied."""
        known = self._numbers.setdefault(name, value)
        if known is not None and (type(known) is not type(value) or known != value):
            self._numbers[name] = None
        return self._numbers[name] is None

    def clear(self) -> None:
        """Forget everything."""
        self._tensors.clear()
        self._numbers.clear()


def _merged(known: list[int | None], found: Collection[int]) -> list[int | None]:
    return [old if old == new else None for old, new in zip(known, found, strict=True)]


@dataclasses.dataclass(frozen=True, slots=True)
class SizeMarks:
    """What a program has said about the sizes of one tensor, by `framelift.mark_dynamic` and its kin or by torch's own.

    torch leaves its marks in attributes of the tensor; framelift leaves the same ones.

    Args:
        dynamic: the dimensions that must stay free, with the least and greatest size that was promised.
        maybe_dynamic: those that should.
        static: those that should not.
        unbacked: those that torch would treat as unknown; here they may vary, 0 and 1 apart.
    """

    dynamic: Mapping[int, tuple[int | None, int | None]]
    maybe_dynamic: frozenset[int]
    static: frozenset[int]
    unbacked: frozenset[int]

    @classmethod
    def of(cls, tensor: torch.Tensor) -> SizeMarks:
        """Return the marks of a tensor.

        >>> x = torch.ones(2, 3)
        >>> x._dynamo_static_indices = {1}
        >>> SizeMarks.of(x).static
        frozenset({1})
        """
        fields = object.__getattribute__(tensor, "__dict__")
        if not fields:
            return _UNMARKED
        count = tensor.dim()
        unbounded: tuple[int | None, int | None] = (None, None)
        dynamic = dict.fromkeys(_dims(fields.get("_dynamo_dynamic_indices"), count), unbounded)
        for promised in fields.get("_dynamo_dynamic_range", ()):
            if promised.dim % max(count, 1) in dynamic:
                dynamic[promised.dim % count] = (promised.min, promised.max)
        return cls(
            dynamic,
            # torch's compiler leaves the second on what it returns, for the graph after a break.
            _dims(fields.get("_dynamo_weak_dynamic_indices"), count)
            | _dims(fields.get("_dynamo_propagated_dynamic_indices"), count),
            _dims(fields.get("_dynamo_static_indices"), count),
            _dims(fields.get("_dynamo_unbacked_indices"), count)
            | _dims(fields.get("_dynamo_strict_unbacked_indices"), count),
        )


def _dims(marked: Any, count: int) -> frozenset[int]:
    """Return marked dimensions that the tensor has, counted from the front."""
    return frozenset([dim % count for dim in marked or () if -count <= dim < count])


_UNMARKED = SizeMarks({}, frozenset(), frozenset(), frozenset())


@dataclasses.dataclass(frozen=True, slots=True)
class TensorDynamism:
    """What of a tensor is symbolic.

    Args:
        sizes: the dimensions whose size is, with how free it is.
        strides: the dimensions whose stride is a symbol of its own.
    """

    sizes: Mapping[int, Freedom]
    strides: frozenset[int]


_STATIC = TensorDynamism({}, frozenset())


class Dynamism:
    """Decides what becomes a symbol in one capture.

    Args:
        requested: `True`: whatever can; `False`: only what is marked; `None`: what is marked, and what has varied.
        seen: what earlier captures of the entry point saw.

    >>> decides = Dynamism(None, Seen())
    >>> decides.tensor("L['x']", torch.ones(4, 3), held=False).sizes
    {}
    >>> decides.tensor("L['x']", torch.ones(5, 3), held=False).sizes
    {0: Freedom(minimum=None, maximum=None, strict=False, shared=False)}
    """

    def __init__(self, requested: bool | None, seen: Seen) -> None:
        self.requested = requested
        self._seen = seen

    def tensor(self, name: str, tensor: torch.Tensor, *, held: bool) -> TensorDynamism:
        """Return what of a tensor is symbolic.

        Args:
            name: its source's name.
            tensor: the tensor.
            held: whether a module holds it, whose tensors seldom change their sizes.
        """
        if isinstance(tensor, torch.nn.Parameter):
            return _STATIC
        marks = SizeMarks.of(tensor)
        sizes, strides = tuple(tensor.size()), tuple(tensor.stride())
        sizes_vary, strides_vary = [False] * len(sizes), [False] * len(sizes)
        if self.requested is not False:
            sizes_vary, strides_vary = self._seen.tensor(name, sizes, strides)
        free: dict[int, Freedom] = {}
        for dim, size in enumerate(sizes):
            wish = self._size(dim, marks, sizes_vary[dim], held)
            # Sizes 0 and 1 are specialised: broadcasting and emptiness make them different programs.
            if wish is not None and (size not in (0, 1) or wish.strict):
                free[dim] = wish
        own = () if _is_dense(sizes, strides) else [dim for dim, varies in enumerate(strides_vary) if varies]
        return TensorDynamism(free, frozenset(own)) if free or own else _STATIC

    def _size(self, dim: int, marks: SizeMarks, varies: bool, held: bool) -> Freedom | None:
        promised = marks.dynamic.get(dim)
        if promised is not None:
            return Freedom(*promised, strict=True)
        if dim in marks.maybe_dynamic or dim in marks.unbacked:
            return Freedom()
        if dim in marks.static:
            return None
        if varies:
            return Freedom()
        return Freedom(shared=True) if self.requested and not held else None

    def number(self, name: str, value: float, *, held: bool, local: bool) -> bool:
        """Return whether an int or a float is symbolic.

        Args:
            name: its source's name.
            value: the number.
            held: whether a module holds it: its ints are taken for configuration, which does not change.
            local: whether it is reached from an argument or a closure, and not from a global variable.
        """
        if self.requested is False or (held and type(value) is int):
            return False
        varies = self._seen.number(name, value)
        if type(value) is int and not _SMALLEST <= value <= _LARGEST:
            return False
        return math.isfinite(value) and (varies or (self.requested is True and local and not held))


def _is_dense(sizes: Collection[int], strides: Collection[int]) -> bool:
    expected = 1
    for stride, size in sorted(zip(strides, sizes, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True
