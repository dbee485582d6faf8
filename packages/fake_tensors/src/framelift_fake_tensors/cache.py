"""The cache of propagations: which calls have the same result, by metadata.

A key holds all that a torch function can see of its arguments and of the process: the function, the metadata and
autograd state of each fake and which of them share memory, every other argument with its type (`True`, `1` and `1.0`
differ), and the global modes and defaults. A call that holds anything else, that gives nothing back, or that makes a
symbol, is not cached.
"""

from __future__ import annotations

import functools
import math
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch._C
import torch._ops

from framelift_fake_tensors.device import current_index
from framelift_fake_tensors.global_state import Uncacheable, attention_backends, contraction, global_state
from framelift_fake_tensors.recipe import Recipe
from framelift_fake_tensors.tensor import FakeTensor, fakes_in, raw_is_leaf

__all__ = ["Call", "PropagationCache", "Signature", "is_stateless", "metadata_of"]


class PropagationCache:
    """Recipes by key; where there are too many, the first to go is the oldest that was not used lately.

    A hit only marks its recipe (the clock algorithm): to keep recipes in the order of use would cost every hit two
    more searches for its key.

    Args:
        maxsize: how many recipes are kept.

    Raises:
        ValueError: `maxsize` is no such number.

    >>> cache = PropagationCache(maxsize=2)
    >>> cache.hits, cache.misses, len(cache)
    (0, 0, 0)
    """

    def __init__(self, maxsize: int = 8192) -> None:
        if type(maxsize) is not int or maxsize < 0:
            raise ValueError(f"maxsize of a PropagationCache is an int, 0 or more, not {maxsize!r}")
        self.maxsize = maxsize
        self.hits = 0
        self.misses = 0
        self._lock = threading.Lock()
        self._recipes: dict[Any, _Kept] = {}
        self._signatures: dict[Any, Signature] = {}

    def __len__(self) -> int:
        return len(self._recipes)

    def get(self, key: Any) -> Recipe | None:
        """Return the recipe of `key`, counting a hit or a miss."""
        kept = self._recipes.get(key)
        if kept is None:
            self.misses += 1
            return None
        self.hits += 1
        kept.used = True
        return kept.recipe

    def put(self, key: Any, recipe: Recipe) -> None:
        """Keep a recipe."""
        with self._lock:  # modes of other threads may have the same cache
            self._recipes[key] = _Kept(recipe)
            if len(self._recipes) > self.maxsize:
                self._drop()

    def _drop(self) -> None:
        recipes = self._recipes
        while True:
            oldest = next(iter(recipes))
            kept = recipes.pop(oldest)
            if not kept.used:
                return
            kept.used = False
            recipes[oldest] = kept

    def clear(self) -> None:
        """Forget everything, the counts too."""
        with self._lock:
            self._recipes.clear()
            self._signatures.clear()
        self.hits = self.misses = 0

    def signature(self, metadata: Any, symbolic: bool) -> Signature:
        """Return the one object that stands for `metadata`."""
        known = self._signatures.get(metadata)
        if known is None:
            if len(self._signatures) >= 4 * self.maxsize:
                self._signatures.clear()  # keys with the old ones are never found again, and age out
            known = self._signatures.setdefault(metadata, Signature(symbolic))
        return known


class _Kept:
    """A recipe, and whether it was used since it last was the oldest."""

    __slots__ = ("recipe", "used")

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.used = False


class Signature:
    """Stands for the metadata of a fake; compared by identity, which is what makes keys cheap.

    Args:
        symbolic: whether a symbol is in it, so that it means something in one environment only.
    """

    __slots__ = ("symbolic",)

    def __init__(self, symbolic: bool) -> None:
        self.symbolic = symbolic


def metadata_of(fake: FakeTensor) -> Any:
    """Return all that a torch function can see of a fake, its autograd state aside."""
    return (
        tuple([_dimension(extent) for extent in fake.size()]),
        tuple([_dimension(extent) for extent in fake.stride()]),
        _dimension(fake.storage_offset()),
        fake.dtype,
        fake.device,
        getattr(fake, "_is_param", False),
        fake.is_inference(),
        fake.is_conj(),
        fake.is_neg(),
        fake._is_zerotensor(),
    )


def _dimension(extent: Any) -> Any:
    return extent.node.expression if isinstance(extent, torch.SymInt) else extent


class Call:
    """One call as the cache sees it: its key, and the fakes among its arguments, in order.

    Args:
        signature: gives the object that stands for the metadata of a fake.
        function: the torch function.
        args: positional arguments.
        kwargs: keyword arguments.
        modes: how many dispatch modes are active that do nothing of their own.

    Raises:
        Uncacheable: the function, an argument or a mode is of a kind that a key can't stand for.
    """

    __slots__ = ("_signature", "fakes", "key", "numbers", "symbolic")

    def __init__(
        self,
        signature: Callable[[FakeTensor], Signature],
        function: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        modes: int = 0,
    ) -> None:
        self._signature = signature
        self.fakes: list[FakeTensor] = []
        self.numbers: list[Any] = []
        """The symbolic numbers among the arguments."""
        self.symbolic = False
        key: list[Any] = [function, global_state(modes)]
        kind = type(function)
        if kind is types.FunctionType:
            is_plain = function in _FUNCTIONAL
        elif kind in _IMMUTABLE or (kind is types.BuiltinFunctionType and type(function.__self__) is type):
            is_plain = _is_plain(function)
        else:
            is_plain = False
        if not is_plain:
            if not is_stateless(function):
                raise Uncacheable
            key.extend(_settings(function, args))
        for value in args:
            kind = type(value)
            if kind is FakeTensor:
                self._add(value, key)
            elif kind in _PLAIN:
                key.append((kind, value))
            else:
                key.append(self._encode(value))
        if kwargs:
            for name, value in kwargs.items():
                key.append(name)
                if type(value) is FakeTensor:
                    self._add(value, key)
                else:
                    key.append(self._encode(value))
        if len(self.fakes) > 1:
            shared = _relations(self.fakes)
            if shared is not None:
                key.append(shared)
        self.key = tuple(key)

    def _add(self, fake: FakeTensor, key: list[Any]) -> None:
        self.fakes.append(fake)
        signature = fake.signature
        if signature is None or fake.signature_version >= 0:
            signature = self._signature(fake)
        key.append(signature)
        if signature.symbolic:
            self.symbolic = True
        if fake.requires_grad:
            try:
                key.append(fake.history is None and raw_is_leaf(fake))
            except RuntimeError as error:  # a view that was made without autograd, of what was written to since
                raise Uncacheable from error

    def _encode(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return (kind, value)
        if kind is torch.device or kind is str:
            return (kind, value, current_index(value.type if kind is torch.device else value))
        if kind is FakeTensor:
            parts: list[Any] = []
            self._add(value, parts)
            return tuple(parts)
        if kind is float:
            # 0.0 and -0.0 are equal, and one nan is not equal to itself.
            return (kind, value.hex() if not value or math.isnan(value) else value)
        if kind is tuple or kind is list or kind is torch.Size:
            return (kind, *[self._encode(item) for item in value])
        if kind is torch.SymInt or kind is torch.SymFloat or kind is torch.SymBool:
            self.symbolic = True
            self.numbers.append(value)
            return (kind, getattr(value.node, "expression", None))
        if kind is slice:
            return (kind, self._encode(value.start), self._encode(value.stop), self._encode(value.step))
        raise Uncacheable


def _relations(fakes: list[FakeTensor]) -> Any:
    """Return which arguments are one object or share memory; `None` where none do."""
    if len(fakes) == 2 and fakes[0].memory is not fakes[1].memory:
        return None
    memories = [id(fake.memory) for fake in fakes]
    if len(set(memories)) == len(memories):
        return None
    objects = [id(fake) for fake in fakes]
    return tuple([(memories.index(memory), objects.index(one)) for memory, one in zip(memories, objects, strict=True)])


# What they tell is of the object, not of its metadata.
_OF_THE_OBJECT: frozenset[Any] = frozenset(
    [torch.Tensor._is_view, torch.Tensor.is_set_to, torch.Tensor.is_pinned, torch.Tensor.detach_]
)


def is_stateless(function: Any) -> bool:
    """Tell whether what a callable does depends on its arguments' metadata and torch's global state alone.

    >>> is_stateless(torch.add), is_stateless(torch.nn.functional.linear), is_stateless(torch.Tensor.view)
    (True, True, True)
    >>> is_stateless(torch.nn.ReLU())
    False
    """
    kind = type(function)
    if kind is torch._ops.OpOverload or kind is torch._ops.OpOverloadPacket:
        # What is registered for an operator of a library may do anything, and be replaced.
        return str(function if kind is torch._ops.OpOverloadPacket else function.namespace).partition(".")[0] in _OWN
    if kind is types.MethodDescriptorType or kind is types.WrapperDescriptorType:
        return function not in _OF_THE_OBJECT
    if kind is types.BuiltinFunctionType:
        return function.__self__ is None or isinstance(function.__self__, (type, types.ModuleType))
    # What wraps a function of torch may have its `__module__`, and yet be another's.
    return kind is types.FunctionType and str(function.__globals__.get("__name__", "")).partition(".")[0] == "torch"


_OWN = ("aten", "prims", "prim")
"""The namespaces of torch's own operators."""


# Callables of these types are compared by identity, hold no tensor, and what they do never changes; so are and do
# functions in C that belong to a class, as those of `torch` do.
_IMMUTABLE = frozenset([types.MethodDescriptorType, torch._ops.OpOverload])


@functools.lru_cache(maxsize=4096)
def _is_plain(function: Any) -> bool:
    """Tell whether a callable is stateless, and nothing but its arguments and the usual state decides what it gives."""
    return (
        is_stateless(function)
        and function is not getattr
        and function not in _ATTENDS
        and function not in _SEES_STORAGE
    )


def _settings(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if function is getattr and (len(args) != 2 or args[1] not in _METADATA_ATTRIBUTES):
        raise Uncacheable
    if function in _ATTENDS:
        return attention_backends()
    if function in _SEES_STORAGE:
        return tuple([fake.memory.nbytes for fake in fakes_in(args)])
    if function is torch.functional.einsum:
        return contraction()
    if type(function) is types.FunctionType and function.__module__ not in _KNOWN_MODULES:
        return (bool(torch.compiler.is_compiling()), *attention_backends())  # it may call anything
    return ()


# Modules of functions in Python none of which, but for those in `_ATTENDS`, calls for attention.
_KNOWN_MODULES = ("torch.nn.functional", "torch.functional", "torch._tensor")


def _called(names: Iterable[str]) -> list[Any]:
    """Return what of `torch`, its tensors and its operators has one of these names."""
    packets = [getattr(torch.ops.aten, name) for name in names]
    overloads = [getattr(packet, name) for packet in packets for name in packet.overloads()]
    owners = (torch, torch.Tensor, torch.nn.functional)
    functions = [getattr(owner, name) for owner in owners for name in names if hasattr(owner, name)]
    return [*packets, *overloads, *functions]


_ATTENDS: frozenset[Any] = frozenset(
    [
        *_called([
            "scaled_dot_product_attention", "_fused_sdp_choice", "_native_multi_head_attention",
            "_transformer_encoder_layer_fwd",
        ]),
        torch.nn.functional.multi_head_attention_forward,
    ]
)  # fmt: skip
"""What calls a kernel for attention, which torch chooses by what is allowed."""

_SEES_STORAGE: frozenset[Any] = frozenset(
    _called(["as_strided", "as_strided_", "as_strided_copy", "as_strided_scatter"])
)
"""What may reach further than its argument does, as far as there is memory."""


# Functions in Python that are as plain; torch's own, so that they live anyway.
_FUNCTIONAL = frozenset(
    [
        function
        for function in vars(torch.nn.functional).values()
        if type(function) is types.FunctionType
        and function.__module__ in _KNOWN_MODULES
        and function not in _ATTENDS
        and function is not torch.functional.einsum
    ]
)


# Compared by value within their type, immutable, and all of them can be hashed.
_PLAIN = frozenset(
    [
        int, bool, bytes, type(None), type(Ellipsis), torch.dtype, torch.layout, torch.memory_format, type,
    ]
)  # fmt: skip

_METADATA_ATTRIBUTES = frozenset(["T", "H", "mT", "mH", "real", "imag", "data", "shape", "dtype", "device", "ndim"])
"""Attributes of a tensor that follow from its metadata."""
