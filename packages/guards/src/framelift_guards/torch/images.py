"""Where in memory the metadata of a plain tensor lie, found by trial; the accelerator compares them as bytes.

A Python tensor is a shell with a pointer to a ``c10::TensorImpl`` (``c10/core/TensorImpl.h``), which holds sizes,
strides, element type, device and dispatch keys in place, and links to a ``torch::autograd::AutogradMeta``
(``torch/csrc/autograd/variable.h``), which holds whether gradients are required, and of which node the tensor is the
result. Nothing here knows the offsets. They are read off tensors made for the purpose: the address of the body is
``Tensor._cdata``; its length is what the allocator says; what a change of one property alters is where that property
lies. Everything found is then tried on changes of every kind. Where anything is not as expected, under another
allocator, in another torch, there is no layout, and torch's own check of tensors is asked each time.

Rejected: the getters of the properties (20 ns each), DLPack's exchange of tensors (no ``requires_grad``, no dispatch
keys), and torch's headers, which would tie a wheel to one version of torch.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch

from framelift_guards.accelerator import Spans

from . import native

_WORD = 8
_PLAUSIBLE = range(64, 1024)  # bytes of a body: 176 in torch 2.11 and 2.13
_DIMENSIONS = range(1, 9)
_PLAIN_KEYS = frozenset(
    ["CPU", "CUDA", "ADInplaceOrView", "AutogradCPU", "AutogradCUDA", "AutocastCPU", "AutocastCUDA"]
)


@dataclass(frozen=True)
class BodyLayout:
    """What an image of a tensor consists of; all offsets and lengths are in bytes.

    Args:
        pointer: where in the Python object the pointer to the body is.
        body: the pieces of the body that count: all of it but what tensors of the same metadata do not share, which are
            counts of references and pointers: to the storage, to the Python object.
        link: where in the body the pointer to what autograd keeps is.
        linked: the pieces of that which decide whether gradients are required.
        dimensions: how many sizes and strides lie in the body itself.
    """

    pointer: int
    body: Spans
    link: int
    linked: Spans
    dimensions: int


@cache
def body_layout() -> BodyLayout | None:
    """Return the layout of plain tensors in this process, or ``None`` where it cannot be found out."""
    size_of_block = _allocator()
    if size_of_block is None or struct.calcsize("P") != _WORD or not hasattr(torch.Tensor, "_cdata"):
        return None
    with (
        torch._C.DisableTorchFunction(),
        native.no_dispatch_modes(),
        torch.inference_mode(False),
        torch.enable_grad(),
        suppress(_Unexpected, RuntimeError),
    ):
        layout = _find(size_of_block)
        _try(layout)
        return layout
    return None


def is_plain(dispatch_keys: str | None) -> bool:
    """Tell whether a tensor with these dispatch keys, as torch prints them, has all its metadata in its body.

    >>> is_plain("DispatchKeySet(CPU, ADInplaceOrView, AutogradCPU, AutocastCPU)")
    True
    >>> is_plain("DispatchKeySet(CPU, Conjugate, ADInplaceOrView, AutogradCPU, AutocastCPU)"), is_plain(None)
    (False, False)
    """
    if dispatch_keys is None or not dispatch_keys.startswith("DispatchKeySet("):
        return False
    return _PLAIN_KEYS.issuperset(dispatch_keys.removeprefix("DispatchKeySet(").removesuffix(")").split(", "))


class _Unexpected(Exception):
    """The memory of a tensor is not as described above."""


def _allocator() -> Callable[[int], int] | None:
    """Return what says how long the block at an address is: a function of the GNU C library, or one in its place."""
    try:
        function = ctypes.CDLL(None).malloc_usable_size
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_size_t
    return function


def _find(size_of_block: Callable[[int], int]) -> BodyLayout:
    def block(address: int) -> bytes:
        length = size_of_block(address) // _WORD * _WORD
        if length not in _PLAUSIBLE:
            raise _Unexpected
        return ctypes.string_at(address, length)

    several = [torch.empty(3) for _ in range(8)]
    pointer = _only(offset for offset, word in _words(_shell(several[0])) if word == _address(several[0]))
    length = min([len(block(_address(tensor))) for tensor in several])
    return BodyLayout(
        pointer,
        _without(sorted({*_counts(block), *_own(block)} & {*range(0, length, _WORD)}), length),
        link := _link(block),
        _autograd(block, link),
        _dimensions(block),
    )


def _shell(tensor: torch.Tensor) -> bytes:
    """Return the memory of the Python object, behind its header."""
    header = object.__basicsize__
    return bytes(header) + ctypes.string_at(id(tensor) + header, torch.Tensor.__basicsize__ - header)


def _address(tensor: torch.Tensor) -> int:
    return tensor._cdata


def _words(memory: bytes) -> Iterator[tuple[int, int]]:
    return ((at * _WORD, word) for at, (word,) in enumerate(struct.iter_unpack("<Q", memory)))


def _only(found: Iterable[int]) -> int:
    offsets = list(found)
    if len(offsets) != 1:
        raise _Unexpected
    return offsets[0]


def _changed(before: bytes, after: bytes) -> list[int]:
    """Return the offsets of the words that differ; where one block has some bytes to spare, those do not count."""
    shared = range(0, min(len(before), len(after)), _WORD)
    return [at for at in shared if before[at : at + _WORD] != after[at : at + _WORD]]


def _counts(block: Callable[[int], bytes]) -> list[int]:
    """Return which words of a body count references: those that change when a graph keeps the tensor."""
    tensor = torch.ones(3, requires_grad=True)
    first = tensor * tensor  # makes what autograd makes once for each tensor
    before = block(_address(tensor))
    second = first * tensor
    counts = _changed(before, block(_address(tensor)))
    if not 1 <= len(counts) <= 2 or not second.requires_grad:
        raise _Unexpected
    return counts


def _own(block: Callable[[int], bytes]) -> list[int]:
    """Return which words of a body differ between tensors of the same metadata."""
    # Of as many dimensions as a body holds: with fewer, words of it are not in use and may hold anything.
    alike = [torch.ones(2, 3, 4, 5, 6, requires_grad=True) for _ in range(4)]
    if _dimensions(block) != alike[0].dim():
        raise _Unexpected
    first, *others = [block(_address(tensor)) for tensor in alike]
    return sorted({offset for other in others for offset in _changed(first, other)})


def _without(left_out: list[int], length: int) -> Spans:
    """Return the pieces of a block that are left when some words are left out."""
    edges = [-_WORD, *left_out, length]
    pieces = [(start + _WORD, end) for start, end in pairwise(edges)]
    return tuple([(start, end - start) for start, end in pieces if start < end])


def _link(block: Callable[[int], bytes]) -> int:
    """Return where the body links to what autograd keeps: what the first demand for gradients puts there."""
    tensor = torch.empty(3)
    before = block(_address(tensor))
    tensor.requires_grad_()
    link = _only(_changed(before, block(_address(tensor))))
    if int.from_bytes(before[link : link + _WORD], "little") != 0:
        raise _Unexpected
    return link


def _autograd(block: Callable[[int], bytes], link: int) -> Spans:
    """Return where it lies whether gradients are required: by a leaf's own flag, and by the node that made a tensor."""

    def linked() -> bytes:
        return block(int.from_bytes(block(_address(tensor))[link : link + _WORD], "little"))

    tensor = torch.ones(3)
    wanted = [linked() for flag in (True, False, True, False) if tensor.requires_grad_(flag) is tensor]
    if wanted[0] != wanted[2] or wanted[1] != wanted[3]:
        raise _Unexpected
    flag = _only(at for at, (on, off) in enumerate(zip(*wanted[:2], strict=True)) if on != off)
    if (wanted[0][flag], wanted[1][flag]) != (1, 0):
        raise _Unexpected
    before = linked()
    tensor.mul_(torch.ones(3, requires_grad=True))
    node = _changed(before, linked())
    if not 1 <= len(node) <= 3 or any(before[at : at + _WORD] != bytes(_WORD) for at in node):
        raise _Unexpected
    return ((flag, 1), *[(at, _WORD) for at in node])


def _dimensions(block: Callable[[int], bytes]) -> int:
    """Return up to how many dimensions sizes and strides lie in the body."""
    inside = 0
    for count in _DIMENSIONS:
        sizes = list(range(2, 2 + count))
        strides = list(range(101, 101 + count))
        tensor = torch.empty_strided(sizes, strides, device="meta")
        memory = block(_address(tensor))
        if not all(struct.pack(f"<{count}Q", *numbers) in memory for numbers in (sizes, strides)):
            break
        inside = count
    return inside


def image_of(tensor: torch.Tensor, layout: BodyLayout) -> tuple[int, bytes, int, bytes]:
    """Return what the accelerator compares of a plain tensor: addresses and bytes, of its body and of what it links to.

    >>> layout, tensor = body_layout(), torch.ones(2)
    >>> layout is None or image_of(tensor, layout) == image_of(tensor, layout)
    True
    >>> layout is None or image_of(tensor, layout) != image_of(tensor.requires_grad_(), layout)
    True
    """

    def bytes_at(address: int, spans: Spans) -> bytes:
        return b"".join([ctypes.string_at(address + offset, length) for offset, length in spans])

    address = _address(tensor)
    link = int.from_bytes(ctypes.string_at(address + layout.link, _WORD), "little")
    return address, bytes_at(address, layout.body), link, bytes_at(link, layout.linked) if link else b""


def _try(layout: BodyLayout) -> None:
    """Raise unless images differ after each change of metadata, and stay what they are otherwise."""
    for change in _CHANGES:
        for requires_grad in (False, True):
            tensor = torch.ones(4, 4, requires_grad=requires_grad)
            before = image_of(tensor, layout)
            with suppress(RuntimeError), torch.no_grad():  # some are refused for a leaf that requires gradients
                change(tensor)
                if image_of(tensor, layout) == before:
                    raise _Unexpected
    for harmless in _HARMLESS:
        tensor = torch.ones(4, 4, requires_grad=True)
        kept = [harmless(tensor)]
        before = image_of(tensor, layout)
        kept.append(harmless(tensor))
        if image_of(tensor, layout) != before:
            raise _Unexpected


def _set_data(tensor: torch.Tensor, data: torch.Tensor) -> None:
    tensor.data = data


_CHANGES: tuple[Callable[[torch.Tensor], object], ...] = (
    lambda tensor: tensor.requires_grad_(not tensor.requires_grad),
    lambda tensor: tensor.transpose_(0, 1),
    lambda tensor: tensor.t_(),
    lambda tensor: tensor.unsqueeze_(0),
    lambda tensor: tensor.as_strided_((2, 2), (1, 2)),
    lambda tensor: tensor.resize_(2, 2) if not tensor.requires_grad else tensor.transpose_(0, 1),
    lambda tensor: _set_data(tensor, torch.ones(3)),
    lambda tensor: _set_data(tensor, torch.ones(4, 4, dtype=torch.float64)),
    lambda tensor: _set_data(tensor, torch.ones(4, 4).t()),
    lambda tensor: torch.utils.swap_tensors(tensor, torch.ones(4, 4, dtype=torch.int64)),  # type: ignore[no-untyped-call]
    lambda tensor: torch.enable_grad()(tensor.mul_)(torch.ones(4, 4, requires_grad=True)),
)


def _backward(tensor: torch.Tensor) -> torch.Tensor:
    tensor.sum().backward()  # type: ignore[no-untyped-call]
    assert tensor.grad is not None
    return tensor.grad


_HARMLESS: tuple[Callable[[torch.Tensor], object], ...] = (
    lambda tensor: tensor * tensor,
    lambda tensor: tensor.detach(),
    lambda tensor: tensor.view(16),
    _backward,
    lambda tensor: torch.no_grad()(tensor.add_)(1),
    lambda tensor: tensor.register_hook(lambda gradient: gradient),  # type: ignore[no-untyped-call]
)


__all__ = ["BodyLayout", "body_layout", "image_of", "is_plain"]
