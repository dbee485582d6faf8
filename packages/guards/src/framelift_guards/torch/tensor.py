"""The predicate on a tensor's metadata, and its compilation in bulk."""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch

from framelift_guards import accelerator
from framelift_guards.codegen import Builder
from framelift_guards.plain import show
from framelift_guards.predicates.base import (
    Discriminant,
    Member,
    Predicate,
    again,
    both,
    compare,
    is_exactly,
    kept,
)
from framelift_guards.predicates.identity import ONE_TYPE
from framelift_guards.reference import Reference
from framelift_guards.source import CallSource, ItemSource, Scope, Source

from . import native
from .images import body_layout, is_plain
from .state import State

# The descriptors of the base class: a subclass may shadow them by properties of its own.
_dtype = torch.Tensor.dtype.__get__  # type: ignore[attr-defined]
_device = torch.Tensor.device.__get__
_layout = torch.Tensor.layout.__get__  # type: ignore[attr-defined]
_requires_grad = torch.Tensor.requires_grad.__get__  # type: ignore[attr-defined]

Order = tuple[int, ...]


def size_source(tensor: Source, dim: int) -> ItemSource:
    """Return the source of a size of a tensor: ``L['x'].size()[0]``.

    >>> from framelift_guards import LocalSource
    >>> size_source(LocalSource("x"), 0).name
    "L['x'].size()[0]"
    """
    return ItemSource(CallSource(torch.Tensor.size, tensor, ".size()"), dim)


def stride_source(tensor: Source, dim: int) -> ItemSource:
    """Return the source of a stride of a tensor: ``L['x'].stride()[0]``."""
    return ItemSource(CallSource(torch.Tensor.stride, tensor, ".stride()"), dim)


def storage_offset_source(tensor: Source) -> CallSource:
    """Return the source of a tensor's storage offset: ``L['x'].storage_offset()``."""
    return CallSource(torch.Tensor.storage_offset, tensor, ".storage_offset()")


@dataclass(frozen=True, eq=False, repr=False)
class TensorMatch(Predicate, native.InBulk):
    """The value is a tensor of this exact type with this metadata.

    Args:
        type: exact type, held weakly unless importable.
        dtype: element type.
        device: device, with its index.
        requires_grad: as the attribute.
        layout: memory layout.
        shape: sizes; ``None`` for a size that may vary.
        stride: strides in elements, ``None`` for one that may vary, as those of dimensions of size 1 always may (guard
            ``stride_source`` where one is asked for); ``None`` for a layout without strides.
        dense: an order of the dimensions in which the tensor is contiguous, where strides that may vary follow from
            sizes that may vary.
        dispatch_keys: what ``torch._C._dispatch_keys`` prints: conjugate and negative views, inference tensors and
            wrapped tensors of ``torch.func`` differ in them.

    >>> match = TensorMatch.of(torch.zeros(2, 3), dynamic=[0])
    >>> match.check(torch.zeros(5, 3), Scope({})), match.check(torch.zeros(2, 4), Scope({}))
    (True, False)
    >>> match.explain("L['x']", torch.zeros(2, 4), Scope({}))
    "L['x'].size(1) was 3, is 4"
    """

    type: Reference
    dtype: torch.dtype
    device: torch.device
    requires_grad: bool
    layout: torch.layout
    shape: tuple[int | None, ...]
    stride: tuple[int | None, ...] | None
    dense: Order | None = None
    dispatch_keys: str | None = None
    kind = "TENSOR_MATCH"

    @classmethod
    def of(
        cls, tensor: torch.Tensor, dynamic: Collection[int] = (), dynamic_strides: Collection[int] = ()
    ) -> TensorMatch:
        """Return the predicate that a tensor fulfils now.

        Args:
            tensor: the example. Nothing keeps it alive.
            dynamic: the dimensions whose sizes may vary. Strides that follow from them may vary too where the tensor
                is dense; otherwise strides are kept.
            dynamic_strides: the dimensions whose strides may vary by themselves, in a tensor that is not dense.
        """
        with torch._C.DisableTorchFunction():
            sizes = tuple(torch.Tensor.size(tensor))
            strided = _layout(tensor) is torch.strided
            strides = tuple(torch.Tensor.stride(tensor)) if strided else None
            dense = _dense_order(sizes, strides) if dynamic and strides is not None else None
            kept: tuple[int | None, ...] | None = None
            if strides is not None:
                free = strides if dense is None else _free_strides(strides, dense, dynamic)
                # No element is reached by the stride of a dimension of size 1, and slicing leaves any number there.
                kept = tuple(
                    [
                        None if size == 1 or (dim in dynamic_strides and dense is None) else stride
                        for dim, (size, stride) in enumerate(zip(sizes, free, strict=True))
                    ]
                )
            return cls(
                Reference(type(tensor)),
                _dtype(tensor),
                _device(tensor),
                _requires_grad(tensor),
                _layout(tensor),
                tuple([None if dim in dynamic else size for dim, size in enumerate(sizes)]),
                kept,
                dense,
                _keys(tensor),
            )

    def ingredients(self) -> Sequence[object]:
        names = [str(self.dtype).removeprefix("torch."), str(self.device), self.requires_grad]
        layout = str(self.layout).removeprefix("torch.")
        return [self.type, *names, layout, self.shape, self.stride, self.dense, self.dispatch_keys]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        kind, dtype, device, requires_grad, layout, *rest = ingredients
        types = getattr(torch, dtype, None), getattr(torch, layout, None)
        if not (isinstance(kind, type) and isinstance(types[0], torch.dtype) and isinstance(types[1], torch.layout)):
            raise TypeError(f"this torch has no {dtype} or no {layout}")
        return cls(Reference(kind), types[0], torch.device(device), requires_grad, types[1], *rest)

    def _parts(self) -> tuple[Hashable, ...]:
        return (
            self.type,
            self.dtype,
            self.device,
            self.requires_grad,
            self.layout,
            self.shape,
            self.stride,
            self.dense,
            self.dispatch_keys,
        )

    @property
    def uses(self) -> int:  # type: ignore[override]
        """The value is mentioned again where density is checked apart."""
        return 1 if self.dense is None else 2

    @property
    def in_bulk(self) -> bool:
        """Whether torch's compiled check can do this one: it holds a bare pointer to the type, so not for any type."""
        return (
            native.tensor_guards is not None
            and self.layout is torch.strided
            and not self.type.weak
            and self.dispatch_keys is not None
            and (self.dense is None or self.type.get() in (torch.Tensor, torch.nn.Parameter))
        )

    def differences(self, value: object) -> Iterator[tuple[str, object, object]]:
        """Yield what differs from the expectation, as (attribute, expected, found), the cheapest to find first."""
        if not self.type.refers_to(type(value)):
            yield "type", _type_name(self.type), type(value).__qualname__
            return
        # No torch-function mode, and no override of a subclass, may run here.
        with torch._C.DisableTorchFunction():
            yield from self._metadata(value)  # type: ignore[arg-type]

    def _metadata(self, value: torch.Tensor) -> Iterator[tuple[str, object, object]]:
        for attribute, expected, found in (
            ("dtype", self.dtype, _dtype(value)),
            ("device", self.device, _device(value)),
            ("requires_grad", self.requires_grad, _requires_grad(value)),
            ("layout", self.layout, _layout(value)),
        ):
            if expected != found:
                yield attribute, expected, found
        shape = torch.Tensor.size(value)
        if len(shape) != len(self.shape):
            yield "dim()", len(self.shape), len(shape)
            return
        yield from _unequal("size", self.shape, shape)
        if self.stride is not None and _layout(value) is torch.strided:
            yield from _unequal("stride", self.stride, torch.Tensor.stride(value))
            if self.dense is not None and not is_dense(value, self.dense):
                yield f"permute{self.dense}.is_contiguous()", True, False
        if self.dispatch_keys is not None:
            keys = _keys(value)
            if keys != self.dispatch_keys:
                yield "dispatch keys", self.dispatch_keys, keys

    def matches(self, value: object) -> bool:
        """Tell whether ``value`` is such a tensor."""
        return next(self.differences(value), None) is None

    def check(self, value: object, scope: Scope) -> bool:
        return self.matches(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(self.matches, value)

    @property
    def discriminant(self) -> Discriminant | None:
        if self.type.weak or None in self.shape:
            return None
        return Discriminant(("shape", self.type), self.shape, self._ask)

    def _ask(self, value: ast.expr, builder: Builder) -> ast.expr:
        # The shape of another type's instance might be a property of its own.
        same = is_exactly(value, self.type.get(), builder)  # type: ignore[arg-type]
        return ast.IfExp(same, ast.Attribute(again(value), "shape", ast.Load()), ast.Constant(None))

    def describe(self, name: str) -> str:
        shape = ", ".join("*" if size is None else str(size) for size in self.shape)
        grad = ", requires_grad" if self.requires_grad else ""
        return f"{name} is a {_type_name(self.type)} of shape ({shape}), {self.dtype}, {self.device}{grad}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        difference = next(self.differences(value), None)
        if difference is None:
            return None
        attribute, expected, found = difference
        subject = f"type({name})" if attribute == "type" else f"{name}.{attribute}"
        return f"{subject} was {expected}, is {found}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        attribute, expected, found = next(self.differences(value), ("", None, None))
        if attribute.startswith("size("):
            return _remedy_for_size(f"mark_dynamic({name}, {attribute[5:-1]})", expected, found)
        if attribute in ("dtype", "device"):
            wanted = expected if attribute == "dtype" else repr(str(expected))
            return f"{name}.to({wanted}) before the call would avoid this"
        if attribute.startswith("stride(") and self.dense is None and self._is_contiguous():
            return f"{name}.contiguous() before the call would avoid this"
        if attribute == "type":
            return ONE_TYPE
        return kept(f"{name}.{attribute}") if attribute else None

    def _is_contiguous(self) -> bool:
        """Tell whether all that is known of the layout is that of a new tensor."""
        expected = 1
        for size, stride in reversed(list(zip(self.shape, self.stride or (), strict=True))):
            if size is None or (size != 1 and stride != expected):
                return False
            expected *= max(size, 1)
        return True


@dataclass(frozen=True, eq=False, repr=False)
class DeviceEquals(Predicate):
    """The value is a ``torch.device`` equal to this one.

    >>> DeviceEquals(torch.device("cpu")).check("cpu", Scope({}))
    False
    """

    expected: torch.device
    kind = "EQUALS_MATCH"
    uses = 2

    def ingredients(self) -> Sequence[object]:
        return [str(self.expected)]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        (device,) = ingredients
        return cls(torch.device(device))

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.expected,)

    def check(self, value: object, scope: Scope) -> bool:
        return type(value) is torch.device and value == self.expected

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        same = compare(again(value), ast.Eq(), builder.constant(self.expected, "device"))
        return both(is_exactly(value, torch.device, builder), same)

    def describe(self, name: str) -> str:
        return f"{name} == {self.expected!r}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        return f"{name} was {self.expected!r}, is {repr(value) if type(value) is torch.device else show(value)}"


@dataclass(frozen=True)
class TensorFamily:
    """Compiles any number of tensor predicates into one call of torch's own check, where that is possible."""

    def to_ast(self, members: Sequence[Member], builder: Builder) -> Sequence[ast.expr]:
        """Return the compiled check, and after it the check of what that one leaves out."""
        conditions: list[ast.expr] = []
        bulk: list[tuple[TensorMatch, ast.expr]] = []
        density: list[ast.expr] = []
        for member in members:
            predicate, value = member.predicate, member.value
            assert isinstance(predicate, TensorMatch)
            assert value is not None
            if not predicate.in_bulk:
                conditions.append(predicate.to_ast(value, builder))
                continue
            bulk.append((predicate, value))
            if predicate.dense is not None:
                density.append(_density(again(value), predicate.dense, builder))
        if bulk:
            check = BulkCheck([predicate for predicate, _ in bulk], builder)
            conditions.append(builder.many(ast.Call(check.callee, [value for _, value in bulk], [])))
        return [both(*conditions), *density]


_MANY = 4
"""So many tensors are compared by their memory; of fewer, torch's check is as quick."""

FAMILY = TensorFamily()
TensorMatch.family = FAMILY


class BulkCheck:
    """Replaces itself by torch's compiled check of the first tensors that fit.

    The compiled check is made from tensors. Those seen during capture may have been changed by it, and it compares
    dispatch keys with those of the thread: so it is made by the first call that passes, in the state that calls are
    made in, and costs capture nothing.

    Args:
        predicates: one for each tensor.
        builder: of the code that calls this, by `callee`.
    """

    def __init__(self, predicates: Sequence[TensorMatch], builder: Builder) -> None:
        self.predicates = predicates
        self.states = {other for path in builder.paths for other in path if isinstance(other, State)}
        self.callee, self._replace = builder.replaceable(self.first, "tensors_match")
        self.compiled: accelerator.Check = self.first

    def first(self, *values: object) -> bool:
        """Check the tensors in Python; when they fit, leave the next calls to the compiled check."""
        if not (all(map(TensorMatch.matches, self.predicates, values)) and all(map(State.holds, self.states))):
            return False
        self.compiled = self._compile(range(len(values)), values)
        if self.compiled(*values):
            self._replace(self._by_images() or self.compiled)
        return True

    def _compile(self, places: Sequence[int], values: Sequence[object]) -> accelerator.Check:
        assert native.tensor_guards is not None
        predicates = [self.predicates[place] for place in places]
        return native.tensor_guards(
            *[values[place] for place in places],
            dynamic_dims_sizes=[list(predicate.shape) for predicate in predicates],
            dynamic_dims_strides=[list(predicate.stride or ()) for predicate in predicates],
        ).check

    def _by_images(self) -> accelerator.Check | None:
        """Return a check that compares the memory of tensors that stay the same objects, if that is worthwhile."""
        plain = [is_plain(predicate.dispatch_keys) for predicate in self.predicates]
        layout = body_layout() if accelerator.make_images is not None and plain.count(True) >= _MANY else None
        if layout is None or accelerator.make_images is None:
            return None
        imaged = [
            each and len(predicate.shape) <= layout.dimensions
            for each, predicate in zip(plain, self.predicates, strict=True)
        ]
        return accelerator.make_images(
            tuple(imaged), self.compiled, self.divide, layout.pointer, layout.body, layout.link, layout.linked
        )

    def divide(
        self, left_out: tuple[bool, ...], values: tuple[object, ...]
    ) -> tuple[tuple[int, ...], accelerator.Check]:
        """Return which tensors torch's check still takes where images stand for the others, and that check.

        It takes the tensors that have no images, and one for each set of dispatch keys: it combines them with those of
        the thread, and so tells for all tensors whether a mode has become active.
        """
        everything = tuple(range(len(values)))
        if all(left_out):
            self._replace(self.compiled)
            return everything, self.compiled
        keys = {predicate.dispatch_keys: place for place, predicate in enumerate(self.predicates)}
        places = tuple([place for place in everything if left_out[place] or place in keys.values()])
        check = self._compile(places, values)
        return (places, check) if check(*[values[place] for place in places]) else (everything, self.compiled)


def is_dense(tensor: torch.Tensor, order: Order) -> bool:
    """Tell whether a tensor is contiguous when its dimensions are taken in ``order``."""
    if _is_natural(order):
        return torch.Tensor.is_contiguous(tensor)
    expected = 1
    sizes, strides = torch.Tensor.size(tensor), torch.Tensor.stride(tensor)
    for dim in reversed(order):
        if sizes[dim] != 1 and strides[dim] != expected:
            return False
        expected *= max(sizes[dim], 1)
    return True


def _is_natural(order: Order) -> bool:
    return order == tuple(range(len(order)))


def _density(value: ast.expr, order: Order, builder: Builder) -> ast.expr:
    if _is_natural(order):
        return builder.call(torch.Tensor.is_contiguous, value)
    return builder.call(is_dense, value, builder.constant(order, "order"))


def _dense_order(sizes: Sequence[int], strides: Sequence[int]) -> Order | None:
    order = tuple(sorted(range(len(sizes)), key=lambda dim: (-strides[dim], dim)))
    expected = 1
    for dim in reversed(order):
        if strides[dim] != expected:
            return None
        expected *= max(sizes[dim], 1)
    return order


def _free_strides(strides: Sequence[int], order: Order, dynamic: Collection[int]) -> tuple[int | None, ...]:
    """Return the strides, ``None`` where a size that may vary is further inside."""
    free: list[int | None] = list(strides)
    varies = False
    for dim in reversed(order):
        if varies:
            free[dim] = None
        varies = varies or dim in dynamic
    return tuple(free)


def _unequal(what: str, expected: Sequence[int | None], found: Sequence[int]) -> Iterator[tuple[str, object, object]]:
    for dim, (wanted, actual) in enumerate(zip(expected, found, strict=True)):
        if wanted is not None and wanted != actual:
            yield f"{what}({dim})", wanted, actual


def _remedy_for_size(mark: str, expected: object, found: object) -> str:
    """Return the remedy for a size; those of 0 and 1 never vary: with them it is another program."""
    if expected in (0, 1):
        return f"{mark} and a larger size in the first call would avoid this: sizes 0 and 1 are specialised"
    if found in (0, 1):
        return "pass larger sizes: 0 and 1 are specialised"
    return f"{mark} would avoid this"


def _keys(tensor: torch.Tensor) -> str | None:
    return None if native.dispatch_keys is None else str(native.dispatch_keys(tensor))


def _type_name(kind: Reference) -> str:
    if not kind.alive:
        return "type that no longer exists"
    found: type = kind.get()  # type: ignore[assignment]
    return type.__getattribute__(found, "__qualname__")  # type: ignore[no-any-return]


__all__ = [
    "BulkCheck",
    "TensorFamily",
    "TensorMatch",
    "is_dense",
    "size_source",
    "storage_offset_source",
    "stride_source",
]
