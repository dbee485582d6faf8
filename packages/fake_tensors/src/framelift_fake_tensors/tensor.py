"""`FakeTensor`: the metadata of a tensor, and nothing behind it."""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import torch
import torch._C

from framelift_fake_tensors.errors import DataAccessError, UnsupportedTensorError

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "DATA_FUNCTIONS",
    "FakeTensor",
    "History",
    "Memory",
    "Mode",
    "Node",
    "TorchCall",
    "ViewOf",
    "copy_bits",
    "fakes_in",
    "make_fake",
    "maker_of",
    "node_of",
    "nodes_of",
    "raw_is_leaf",
    "raw_version",
]


class Mode(Protocol):
    """What a fake tensor knows of the mode that made it."""

    allow_real: bool

    @property
    def unbacked(self) -> bool:
        """Whether unbacked symbols stand for what only data can tell."""

    def fake(self, tensor: torch.Tensor) -> Any:
        """Return the fake of a real tensor."""

    def run_operator(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run `function` on fakes."""

    def propagate(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a torch function gives on fakes, from the cache where it can."""

    def storage_of(self, fake: FakeTensor) -> torch.UntypedStorage:
        """Return the storage, without data, that the views of one memory share."""

    def watch(self, fake: FakeTensor) -> None:
        """Look after the hooks of a fake that is no leaf, when there is a backward pass."""

    def settle(self, fake: FakeTensor) -> None:
        """Give `fake` the autograd history that torch would have given it."""

    def is_stashed(self) -> bool:
        """Tell whether the mode is entered, and torch has put all modes of dispatch aside."""

    def as_subclass(self, fake: FakeTensor, kind: type[torch.Tensor]) -> FakeTensor:
        """Return an alias of `fake` that is of a subclass of `torch.Tensor`."""


_MARKS = ("_is_param", "_is_buffer")
"""Attributes by which torch knows a parameter or a buffer of another class than its own."""

TorchCall = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function with its arguments, positional and by name."""


class Memory:
    """The storage that a family of views shares; it holds no byte.

    `storage` is a storage of the meta device, made when an operator first needs one. `views` are the members of the
    family that torch does not know for views yet (see `history`); `shared` tells whether there ever was a second.

    Args:
        storage: the storage, where there is one already.
        nbytes: how large it would be, where that is known and there is none.
    """

    # Each result from the cache has one, and few ever get more than their size.
    storage: torch.UntypedStorage | None = None
    symbolic_base: torch.Tensor | None = None
    views: list[weakref.ref[FakeTensor]] | None = None
    shared = False
    _was_given = False

    def __init__(self, storage: torch.UntypedStorage | None = None, nbytes: int | None = None) -> None:
        self._nbytes = nbytes
        if storage is not None:
            self.storage = storage
            self._was_given = True

    @property
    def nbytes(self) -> int | None:
        """How large the storage is, in bytes; `None` where that is not known, or a symbol."""
        if self.storage is None or (self._nbytes is None and not self._was_given):
            return self._nbytes
        nbytes: Any = None if self.symbolic_base is not None else self.storage.nbytes()
        return nbytes if type(nbytes) is int else None


class History:
    """The autograd history that a fake from the cache stands to receive: it was computed, from something with grad.

    Args:
        inputs: the nodes (see `node_of`) of what it was computed from.
    """

    __slots__ = ("inputs", "is_freed", "saved", "saves")

    def __init__(self, inputs: tuple[Node, ...] = ()) -> None:
        self.inputs = inputs
        self.saved: Sequence[tuple[FakeTensor, int]] = ()
        """Arguments that autograd would have saved, and how often each had been written to by then."""
        self.saves = False
        """Whether autograd would have saved tensors for the backward pass."""
        self.is_freed = False
        """Whether such a pass has gone by, and freed them."""


class ViewOf(History):
    """A view that torch does not know for one yet.

    Args:
        base: what it is a view of.
        grad_mode: whether it was made in grad mode.
        call: the function that gave it, with its arguments; or nothing, where that gives another base each time.
        place: which of the fakes in its result this is.
    """

    __slots__ = ("base", "call", "grad_mode", "place", "signature")

    def __init__(self, base: FakeTensor, grad_mode: bool, call: TorchCall | None, place: int) -> None:
        super().__init__()
        self.base = base
        self.grad_mode = grad_mode
        self.call = call
        self.place = place
        self.signature = base.signature


def _refuse(name: str) -> Callable[..., Any]:
    def access(_self: FakeTensor, *_args: object, **_kwargs: object) -> NoReturn:
        raise DataAccessError(f"{name}()")

    access.__name__ = access.__qualname__ = name
    return access


def _settled(name: str) -> Callable[[FakeTensor], Any]:
    get = vars(torch._C.TensorBase)[name].__get__

    def read(self: FakeTensor) -> Any:
        self._settle()
        return get(self)

    return read


_attributes: Mapping[str, Any] = vars(torch._C.TensorBase)
raw_is_leaf: Callable[[torch.Tensor], bool] = _attributes["is_leaf"].__get__
"""Whether autograd, as far as it was told, recorded nothing that made a tensor."""
raw_version: Callable[[torch.Tensor], int] = _attributes["_version"].__get__
"""How often a tensor was written to, as far as torch was told."""
_raw_grad_fn = _attributes["grad_fn"].__get__
_raw_base = _attributes["_base"].__get__
_raw_is_view = torch.Tensor._is_view


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
    meta_twin: torch.Tensor | None = None
    # What the cache of propagations knows its metadata by, and the version of the facts that this was derived from;
    # -1 where it was derived from none.
    signature: Any = None
    signature_version: int = -1
    # A fake from the cache was never seen by torch's autograd; it is given what it is owed when something looks.
    history: History | None = None
    # For a fake that autograd was given in place of what another was computed from: the node of that.
    stands_for: Node | None = None

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Refuse: a fake tensor belongs to a mode."""
        raise TypeError("a FakeTensor is made by FakeMode.fake(tensor, name=...), not by calling its class")

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operator called on fakes outside of any propagation."""
        if len(types) > 1 and any(hasattr(kind, "__tensor_flatten__") for kind in types):
            return NotImplemented  # what wraps tensors comes first
        fake = next(fakes_in((args, kwargs or {})))
        if func is torch.ops.aten.detach.default and fake.fake_mode.is_stashed():
            raise UnsupportedTensorError("no data to make a subclass of with Tensor._make_subclass (use as_subclass)")
        if cls is FakeTensor:
            return fake.fake_mode.run_operator(func, args, kwargs or {})
        with torch._C.DisableTorchFunctionSubclass():  # what is asked of the arguments is not the program's business
            return fake.fake_mode.run_operator(func, args, kwargs or {})

    # torch reads __repr__ through `print`, f-strings and graph printing; nothing here may touch data.
    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        # As torch prints tensors without data: what is usual is left out.
        size = f"size=({', '.join(map(str, self.shape))}{',' if self.dim() == 1 else ''})"
        device = "" if self.device.type == "cpu" else f"device='{self.device}', "
        dtype = "" if self.dtype is torch.get_default_dtype() else f", dtype={self.dtype}"
        return f"FakeTensor(..., {device}{size}{dtype}{', requires_grad=True' if self.requires_grad else ''})"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise DataAccessError("pickling or copying")

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeTensor:
        """Return another fake like this one, over memory of its own; views copied together stay views of one memory."""
        known: FakeTensor | None = memo.get(id(self))
        if known is not None:
            return known
        if not self.is_leaf:
            # It is refused, in eager's words.
            with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch(), torch.enable_grad():
                copy.deepcopy(torch.empty(0, device="meta", requires_grad=True).clone())
        memory = memo.setdefault(id(self.memory), Memory())
        with torch._C.DisableTorchFunction():
            copied = make_fake(
                self.fake_mode,
                memory,
                self.size(),
                self.stride(),
                self.storage_offset(),
                self.dtype,
                self.device,
                self.requires_grad,
                type(self),
            )
            self._give_attributes(copied, memo)
            if self.grad is not None:
                copied.grad = copy.deepcopy(self.grad, memo)
        memo[id(self)] = copied
        return copied

    def __copy__(self) -> FakeTensor:
        """Return another leaf over the same memory."""
        self.memory.shared = True
        copied = make_fake(
            self.fake_mode,
            self.memory,
            self.size(),
            self.stride(),
            self.storage_offset(),
            self.dtype,
            self.device,
            self.requires_grad,
            type(self),
        )
        self._give_attributes(copied, None)
        return copied

    def _give_attributes(self, copied: FakeTensor, memo: dict[int, Any] | None) -> None:
        """Give a copy what the program set: all of it for a subclass, and that it is a parameter or a buffer."""
        own = FakeTensor.__annotations__
        for name, value in vars(self).items():
            if name in _MARKS or (type(self) is not FakeTensor and name not in own):
                setattr(copied, name, value if memo is None else copy.deepcopy(value, memo))

    def as_subclass(self, cls: type[Any]) -> Any:
        """Return a view of all elements that is of a subclass of `torch.Tensor`, and a fake."""
        return self.fake_mode.as_subclass(self, cls)

    def untyped_storage(self) -> torch.UntypedStorage:
        """Return the storage, of the meta device, that is one for all views of a memory."""
        return self.fake_mode.storage_of(self)

    def is_set_to(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor is a view of the same elements in the same order."""
        return (
            isinstance(tensor, FakeTensor)
            and self.memory is tensor.memory
            and (self.shape, self.stride()) == (tensor.shape, tensor.stride())
            and bool(self.storage_offset() == tensor.storage_offset())
        )

    # torch hands out these three to no mode.
    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf."""
        self._settle()
        super().retain_grad()
        self.fake_mode.watch(self)

    def set_(self, *args: Any, **kwargs: Any) -> Self:
        """Become a view of another tensor's or storage's elements."""
        self._settle()
        super().set_(*args, **kwargs)
        return self

    def tolist(self) -> Any:
        """Return the elements as numbers, one unbacked symbol each, in nested lists as large as the tensor.

        Raises:
            DataAccessError: the mode makes no symbols for data, or how many elements there are is no number.
        """
        if not self.fake_mode.unbacked or self._has_symbolic_sizes_strides:
            raise DataAccessError("tolist()")
        return [part.tolist() for part in self.unbind()] if self.dim() else self.item()

    # torch would call the function with what lies at a null address.
    apply_ = _refuse("apply_")
    map_ = _refuse("map_")
    map2_ = _refuse("map2_")
    numpy = _refuse("numpy")
    data_ptr = _refuse("data_ptr")
    const_data_ptr = _refuse("const_data_ptr")
    mutable_data_ptr = _refuse("mutable_data_ptr")
    __array__ = _refuse("__array__")
    __dlpack__ = _refuse("__dlpack__")

    @property
    def is_leaf(self) -> bool:  # type: ignore[override]
        """Whether no recorded operation made it."""
        self._settle()
        return not self.requires_grad or (self.history is None and raw_is_leaf(self))

    @property
    def grad_fn(self) -> Any:  # type: ignore[override]
        """The node of autograd that made it."""
        self._settle()
        return _raw_grad_fn(self)

    @property
    def _base(self) -> Any:  # type: ignore[override]
        self._settle()
        return _raw_base(self)

    output_nr = property(_settled("output_nr"))
    _version = property(_settled("_version"))

    def _is_view(self) -> bool:
        self._settle()
        return _raw_is_view(self)

    def _settle(self) -> None:
        if self.history is not None or self.memory.views is not None:
            self.fake_mode.settle(self)


Node = History | FakeTensor | torch.autograd.graph.Node
"""A node of autograd's graph: a history, a leaf itself, or torch's own node."""


def node_of(fake: FakeTensor) -> Node:
    """Return the node of autograd's graph that a fake with `requires_grad` is the result of."""
    history = fake.history
    if history is not None:
        return history
    node: Node = fake if raw_is_leaf(fake) else _raw_grad_fn(fake)
    return node


def nodes_of(fakes: Iterable[FakeTensor]) -> tuple[Node, ...]:
    """Return the nodes of the fakes that require grad."""
    return tuple([node_of(fake) for fake in fakes if fake.requires_grad])


_DATA_METHODS = (
    "tolist", "numpy", "data_ptr", "const_data_ptr", "mutable_data_ptr", "__array__", "__dlpack__", "__reduce_ex__",
    "apply_", "map_", "map2_",
)  # fmt: skip
DATA_FUNCTIONS: frozenset[Any] = frozenset(
    getattr(torch.Tensor, name) for name in _DATA_METHODS if hasattr(torch.Tensor, name)
)
"""Methods that hand out data, and that torch would answer for a fake with an error about something else."""


def fakes_in(values: Iterable[Any]) -> Iterator[FakeTensor]:
    """Return the fakes among nested values, in order."""
    for value in values:
        if isinstance(value, FakeTensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from fakes_in(value)
        elif isinstance(value, dict):
            yield from fakes_in(value.values())


def copy_bits(source: torch.Tensor, target: torch.Tensor) -> None:
    """Mark `target` as conjugated or negated, where `source` is: it stands for what its memory holds, with that done.

    Args:
        source: a tensor.
        target: a tensor that shall have its bits.
    """
    if source.is_conj():
        torch._C._set_conj(target, True)
    if source.is_neg():
        torch._C._set_neg(target, True)


_ZERO = torch._C.DispatchKeySet(torch._C.DispatchKey.ZeroTensor)
_make_wrapper: Callable[..., FakeTensor] = torch.Tensor._make_wrapper_subclass


def maker_of(
    size: Sequence[Any],
    stride: Sequence[Any],
    offset: Any,
    dtype: torch.dtype,
    device: torch.device,
    requires_grad: bool = False,
    kind: type[FakeTensor] = FakeTensor,
    is_zero: bool = False,
) -> Callable[[], FakeTensor]:
    """Return what makes tensors of given metadata, each to be given its mode and its memory."""
    more: dict[str, Any] = {}  # what is usual is left out: torch takes its time with each argument
    if type(offset) is not int or offset:
        more["storage_offset"] = offset
    if requires_grad:
        more["requires_grad"] = True
    if is_zero:
        more["_extra_dispatch_keys"] = _ZERO
    # Without a size of the storage torch computes it, in symbols; nothing reads it.
    return functools.partial(
        _make_wrapper, kind, size, strides=stride, dtype=dtype, device=device, storage_size=0, **more
    )


def make_fake(
    mode: Mode,
    memory: Memory,
    size: Sequence[Any],
    stride: Sequence[Any],
    offset: Any,
    dtype: torch.dtype,
    device: torch.device,
    requires_grad: bool = False,
    kind: type[FakeTensor] = FakeTensor,
    is_zero: bool = False,
) -> FakeTensor:
    """Return a new fake tensor with the given metadata, over `memory`; of a class of fakes of subclasses, if given.

    One that `is_zero` is known for nothing but zeros to torch: tangents of what has none are so.
    """
    fake = maker_of(size, stride, offset, dtype, device, requires_grad, kind, is_zero)()
    fake.fake_mode = mode
    fake.memory = memory
    return fake
