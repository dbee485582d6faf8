"""Real tensors to fakes: the same fake for the same tensor, one memory for one storage, symbols for sizes."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import torch

from framelift_fake_tensors.errors import ForeignTensorError, UnsupportedTensorError
from framelift_fake_tensors.layout import symbolic_strides
from framelift_fake_tensors.modules import fake_module
from framelift_fake_tensors.subclasses import class_of_fakes, is_wrapper, rewrapped, set_attributes
from framelift_fake_tensors.tensor import FakeTensor, History, Memory, Mode, copy_bits, make_fake
from framelift_symbolic_shapes import Freedom, ShapeEnv

__all__ = ["Conversion", "Dynamic", "Origin"]

Dynamic = bool | Collection[int] | Mapping[int, Freedom] | Callable[[int], bool]
"""Which dimensions are symbols, and how free each is."""
Origin = Callable[[str, int], object]

_SHARED_SIZE = Freedom(shared=True)
_FREE_STRIDE = Freedom(minimum=0)


class Conversion:
    """Makes the fakes of a mode, and knows which real tensors have one.

    Args:
        mode: the mode that the fakes belong to.
        shape_env: the environment of symbolic sizes, if any.
    """

    def __init__(self, mode: Mode, shape_env: ShapeEnv | None) -> None:
        self._mode = mode
        self._shape_env = shape_env
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], FakeTensor]] = {}
        self._memories: dict[int, tuple[weakref.ref[torch.Tensor], Memory]] = {}
        self._names = itertools.count()

    def fake(
        self,
        tensor: torch.Tensor | torch.nn.Module,
        name: str | None,
        dynamic: Dynamic = False,
        dynamic_strides: Collection[int] = (),
        origin: Origin | None = None,
    ) -> Any:
        """Return the fake of a tensor, or of a module; see `FakeMode.fake`."""
        if isinstance(tensor, torch.nn.Module):
            return fake_module(tensor, self.fake, name or type(tensor).__name__)
        known = self._known.get(id(tensor))
        if known is not None:
            return known[1]
        if name is None:
            name = f"t{next(self._names)}"
        _check_arguments(name, dynamic_strides, origin)

        def fake_of(inner: torch.Tensor, attribute: str) -> torch.Tensor:
            made: torch.Tensor = self.fake(inner, f"{name}.{attribute}", dynamic)
            return made

        if is_wrapper(type(tensor)):
            wrapped = rewrapped(tensor, fake_of)
            self._remember(tensor, wrapped)
            return wrapped
        self._check(tensor)
        kind = class_of_fakes(type(tensor))
        size, stride = self._sizes(tensor, name, dynamic, origin), tensor.stride()
        symbolic = any(isinstance(extent, torch.SymInt) for extent in size)
        if symbolic:
            stride = symbolic_strides(tensor.size(), stride, size)
        if dynamic_strides:
            stride = self._strides(stride, name, dynamic_strides, origin)
        fake = make_fake(
            self._mode,
            self._memory(tensor, symbolic),
            size,
            stride,
            tensor.storage_offset(),
            tensor.dtype,
            tensor.device,
            tensor.requires_grad,
            kind,
        )
        copy_bits(tensor, fake)
        if isinstance(tensor, torch.nn.Parameter):
            fake._is_param = True
        if isinstance(tensor, torch.nn.Buffer):
            setattr(fake, "_is_buffer", True)  # noqa: B010  # torch's stubs know only parameters
        if not tensor.is_leaf:
            fake.history = History()
        self._remember(tensor, fake)
        if kind is not FakeTensor:
            set_attributes(tensor, fake, fake_of)
        return fake

    def _check(self, tensor: torch.Tensor) -> None:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"FakeMode.fake takes a tensor or a module, not a {type(tensor).__name__}")
        if isinstance(tensor, FakeTensor):
            if tensor.fake_mode is self._mode:
                raise ForeignTensorError("FakeMode.fake", "a fake tensor of this mode", "use it as it is")
            raise ForeignTensorError("FakeMode.fake", "a fake tensor of another mode", "make it of the real tensor")
        if isinstance(tensor, (torch.nn.UninitializedParameter, torch.nn.UninitializedBuffer)):
            raise UnsupportedTensorError("no shape yet: run the lazy module once on real tensors")
        if tensor.layout is not torch.strided or tensor.is_nested:
            raise UnsupportedTensorError("nested sizes" if tensor.is_nested else f"layout {tensor.layout}")
        if tensor.is_quantized:
            raise UnsupportedTensorError("quantised elements")

    def forget(self) -> None:
        """Forget which real tensors have fakes."""
        self._known.clear()
        self._memories.clear()

    def _memory(self, tensor: torch.Tensor, symbolic: bool) -> Memory:
        """Return the memory of the real tensor's storage, the same for all tensors that share it."""
        storage = tensor.untyped_storage()._cdata
        known = self._memories.get(storage)
        if known is not None and known[0]() is not None:  # else the address may belong to another storage by now
            return known[1]
        memory = Memory(nbytes=None if symbolic else tensor.untyped_storage().nbytes())
        self._memories[storage] = (weakref.ref(tensor), memory)
        return memory

    def _remember(self, tensor: torch.Tensor, fake: Any) -> None:
        known, key = self._known, id(tensor)
        # Dropped with the tensor: its id may be another's afterwards. The closure must not hold the mode.
        known[key] = (weakref.ref(tensor, lambda _reference: known.pop(key, None) and None), fake)

    def _sizes(self, tensor: torch.Tensor, name: str, dynamic: Dynamic, origin: Origin | None) -> tuple[Any, ...]:
        size = tuple(tensor.size())
        if dynamic is False or (isinstance(dynamic, Collection) and not dynamic):
            return size
        given: Any = dynamic
        if isinstance(given, str) or not (callable(given) or isinstance(given, (bool, Collection))):
            raise TypeError(f"dynamic is True, a collection of dimensions or a function of one, not {given!r}")
        if isinstance(dynamic, Collection):
            _check_dimensions("dynamic", dynamic, name, len(size))
        for freedom in dynamic.values() if isinstance(dynamic, Mapping) else ():
            if not isinstance(freedom, Freedom):
                raise TypeError(f"dynamic maps dimensions to a Freedom each, not to {freedom!r}")
        self._check_environment(f"a size of {name}")
        if callable(dynamic):
            dims: Iterable[int] = [dim for dim in range(len(size)) if dynamic(dim)]
        else:
            dims = range(len(size)) if dynamic is True else dynamic
        wanted = {dim % len(size): _SHARED_SIZE for dim in dims}
        if isinstance(dynamic, Mapping):
            wanted = {dim % len(size): freedom for dim, freedom in dynamic.items()}
        return tuple(
            [
                self._symbol(f"{name}.size()[{dim}]", extent, wanted[dim], "size", dim, origin)
                if dim in wanted
                else extent
                for dim, extent in enumerate(size)
            ]
        )

    def _check_environment(self, what: str) -> None:
        if self._shape_env is None:
            raise TypeError(
                f"{what} shall be a symbol, and the mode has no environment; make it with FakeMode(ShapeEnv())"
            )

    def _strides(
        self, strides: Sequence[Any], name: str, dynamic: Collection[int], origin: Origin | None
    ) -> tuple[Any, ...]:
        _check_dimensions("dynamic_strides", dynamic, name, len(strides))
        self._check_environment(f"a stride of {name}")
        wanted = {dim % len(strides) for dim in dynamic}
        return tuple(
            [
                self._symbol(f"{name}.stride()[{dim}]", stride, _FREE_STRIDE, "stride", dim, origin)
                if dim in wanted and type(stride) is int
                else stride
                for dim, stride in enumerate(strides)
            ]
        )

    def _symbol(self, name: str, hint: int, freedom: Freedom, kind: str, dim: int, origin: Origin | None) -> Any:
        assert self._shape_env is not None
        return self._shape_env.create_symbol(
            name,
            hint,
            dynamic=True,
            origin=None if origin is None else origin(kind, dim),
            size=kind == "size",
            minimum=freedom.minimum,
            maximum=freedom.maximum,
            strict=freedom.strict,
            shared=freedom.shared,
        )


def _check_arguments(name: object, dynamic_strides: object, origin: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"name is a str, as a user would write the tensor, not {name!r}")
    if isinstance(dynamic_strides, str) or not isinstance(dynamic_strides, Collection):
        raise TypeError(f"dynamic_strides is a collection of dimensions, not {dynamic_strides!r}")
    if origin is not None and not callable(origin):
        raise TypeError(f"origin is a function of a kind and a dimension, not {origin!r}")


def _check_dimensions(argument: str, dims: Iterable[object], name: str, count: int) -> None:
    for dim in dims:
        if type(dim) is not int:
            raise TypeError(f"{argument} names dimensions by int, not {dim!r}")
        if not -count <= dim < count:
            raise IndexError(f"{argument} names dimension {dim}, and {name} has {count}")
