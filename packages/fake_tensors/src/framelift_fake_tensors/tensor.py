"""`FakeTensor`: the metadata of a tensor, and nothing behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import torch
import torch._C

from framelift_fake_tensors.errors import DataAccessError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FakeTensor", "Memory", "Mode", "make_fake"]


class Mode(Protocol):
    """What a fake tensor knows of the mode that made it: operators on fakes are run by it."""

    def run_operator(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run `function` on fakes."""


class Memory:
    """The storage that a family of views shares; it holds no byte.

    `storage` is a storage of the meta device, made when an operator first needs one.
    """

    __slots__ = ("__weakref__", "storage", "symbolic_base", "unsettled")

    def __init__(self, storage: torch.UntypedStorage | None = None) -> None:
        self.storage = storage
        self.symbolic_base: torch.Tensor | None = None
        self.unsettled: list[Any] = []


def _refuse(name: str) -> Callable[..., Any]:
    def access(_self: FakeTensor, *_args: object, **_kwargs: object) -> NoReturn:
        raise DataAccessError(f"{name}()")

    access.__name__ = access.__qualname__ = name
    return access


class FakeTensor(torch.Tensor):
    """A tensor with shape, stride, dtype, device, aliasing and autograd state, and without data.

    Made by `FakeMode.fake` and by operators on fakes, never directly. Its device need not exist on this machine.

    >>> import torch
    >>> from framelift_fake_tensors import FakeMode
    >>> FakeMode().fake(torch.ones(2, 3), name="x")
    FakeTensor(..., size=(2, 3))
    """

    fake_mode: Mode
    memory: Memory
    # The meta tensor that operators see in place of this one; made when the first of them runs.
    meta_twin: torch.Tensor | None

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Refuse: a fake tensor belongs to a mode."""
        raise TypeError("a FakeTensor is made by FakeMode.fake(tensor, name=...), not by calling its class")

    @classmethod
    def __torch_dispatch__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operator called on fakes outside of any propagation."""
        mode = _mode_of(args, kwargs or {})
        return mode.run_operator(func, args, kwargs or {})

    # torch reads __repr__ through `print`, f-strings and graph printing; nothing here may touch data.
    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"FakeTensor(..., size=({', '.join(map(str, self.shape))}{',' if self.dim() == 1 else ''}))"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise DataAccessError("pickling or copying")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise DataAccessError("copy.deepcopy()")

    tolist = _refuse("tolist")
    numpy = _refuse("numpy")
    data_ptr = _refuse("data_ptr")
    __array__ = _refuse("__array__")
    __dlpack__ = _refuse("__dlpack__")


def _mode_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mode:
    pending: list[Any] = [*args, *kwargs.values()]
    while pending:
        value = pending.pop()
        if isinstance(value, FakeTensor):
            return value.fake_mode
        if isinstance(value, (list, tuple)):
            pending.extend(value)
    raise AssertionError("an operator on fakes was dispatched without a fake")


_make_wrapper = torch.Tensor._make_wrapper_subclass


def make_fake(
    mode: Mode,
    memory: Memory,
    size: Sequence[Any],
    stride: Sequence[Any],
    offset: Any,
    dtype: torch.dtype,
    device: torch.device,
    requires_grad: bool = False,
) -> FakeTensor:
    """Return a new fake tensor with the given metadata, over `memory`."""
    fake: FakeTensor = _make_wrapper(
        FakeTensor,
        size,
        strides=stride,
        storage_offset=offset,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )
    fake.fake_mode = mode
    fake.memory = memory
    fake.meta_twin = None
    return fake
