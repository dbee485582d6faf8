"""How one ATen operator is run on fakes: on meta twins, and back.

A fake's *twin* is a tensor of the meta device with the same metadata. Running the operator on twins gives shape, stride
and dtype, and which results share storage with which arguments; the device is added here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch._C
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from framelift_fake_tensors.custom import in_context
from framelift_fake_tensors.data_dependent import NewNumber, compute_with_new_numbers, masks_as_positions, refusing
from framelift_fake_tensors.device import result_device
from framelift_fake_tensors.device_aware import device_aware
from framelift_fake_tensors.errors import ForeignTensorError, NoMetaKernelError, UnsupportedTensorError
from framelift_fake_tensors.kernels import compute, is_missing
from framelift_fake_tensors.layout import settled
from framelift_fake_tensors.memory_format import as_laid_out, format_on_cpu
from framelift_fake_tensors.pinning import knows_no_symbols, numbers, pin
from framelift_fake_tensors.rehearsal import WITHIN_STORAGE, refuse_growth, refuse_several_dtypes, rehearse
from framelift_fake_tensors.tensor import FakeTensor, Memory, Mode, copy_bits, fakes_in, make_fake
from framelift_fake_tensors.trial import is_triable, result_of_trial
from framelift_fake_tensors.unlinked import Unlinked, is_linked

__all__ = ["Record", "SizesRead", "fake_constant", "run_operator", "twin_of"]

_META = torch.device("meta")
_QUANTISED = (torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4)


_MAKES_NESTED = frozenset(
    [
        torch.ops.aten._nested_from_padded.default,
        torch.ops.aten._nested_from_padded_and_nested_example.default,
        torch.ops.aten._nested_tensor_from_mask.default,
        torch.ops.aten._nested_tensor_from_tensor_list.default,
        torch.ops.aten._nested_view_from_buffer.default,
        torch.ops.aten._nested_view_from_buffer_copy.default,
    ]
)
"""Operators that give nested tensors in C++; those of `torch.jagged` are a subclass."""


class SizesRead(Exception):
    """C++ asked for symbolic sizes as numbers."""


@dataclasses.dataclass(slots=True)
class Record:
    """What is noteworthy about the operators of one propagation.

    Args:
        written: the memories, by id, that they wrote to.
        pinned: the operators, by name, that know no symbols, so that sizes were made numbers for them.
        refuses_numbers: whether a composite function that reads symbolic sizes as numbers is stopped, since torch may
            have it written again for symbols.
        new_number: makes the symbols that stand for what only data can tell; without it, such operators raise.
        unbacked: whether it made one.
    """

    written: set[int] = dataclasses.field(default_factory=set)
    pinned: set[str] = dataclasses.field(default_factory=set)
    refuses_numbers: bool = False
    new_number: NewNumber | None = None
    unbacked: bool = False

    def counting(self, operator: OpOverload | HigherOrderOperator) -> NewNumber:
        """Return what makes new numbers for an operator, and notes it."""
        make = self.new_number
        if make is None:
            return refusing(operator)

        def new(name: str, kind: type = int, *, minimum: int | None = None, maximum: int | None = None) -> Any:
            self.unbacked = True
            return make(name, kind, minimum=minimum, maximum=maximum)

        return new


def twin_of(fake: FakeTensor) -> torch.Tensor:
    """Return the meta tensor that stands for `fake` in meta kernels; the same one each time."""
    twin = fake.meta_twin
    if twin is None:
        is_inference = fake.is_inference()
        same = is_inference == torch.is_inference_mode_enabled()
        with contextlib.nullcontext() if same else torch.inference_mode(is_inference):
            twin = fake.meta_twin = _make_twin(fake)
        copy_bits(fake, twin)
    return twin


def _make_twin(fake: FakeTensor) -> torch.Tensor:
    memory = fake.memory
    size, stride, offset = fake.size(), fake.stride(), fake.storage_offset()
    if fake._has_symbolic_sizes_strides:
        # Made over the whole storage at once: `set_` would compare its size with what the view needs, and guard on it.
        base = memory.symbolic_base
        if base is None:
            starts = type(offset) is int and offset == 0
            if starts:
                base = torch.empty_strided(size, stride, dtype=fake.dtype, device=_META)
            else:
                extent = offset + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
                base = torch.empty_strided((extent,), (1,), dtype=fake.dtype, device=_META)
            memory.symbolic_base = base
            memory.storage = base.untyped_storage()
            if starts:
                return base
        same = base if base.dtype == fake.dtype else base.view(-1).view(fake.dtype)
        return same.as_strided(size, stride, offset)
    is_all = offset == 0 and memory.nbytes == fake.numel() * fake.itemsize and fake.is_contiguous()
    if memory.storage is None and memory.nbytes is not None and not is_all:
        memory.storage = torch.empty(memory.nbytes, dtype=torch.uint8, device=_META).untyped_storage()
    elif memory.storage is None and offset == 0:
        twin = torch.empty_strided(size, stride, dtype=fake.dtype, device=_META)
        memory.storage = twin.untyped_storage()
        return twin
    if memory.storage is None:
        extent = offset + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        memory.storage = torch.empty(extent, dtype=fake.dtype, device=_META).untyped_storage()
    return torch.empty(0, dtype=fake.dtype, device=_META).set_(memory.storage, offset, size, stride)


def fake_constant(mode: Mode, tensor: torch.Tensor) -> FakeTensor:
    """Return a fake of a real tensor that torch itself made in the course of a call, such as `torch.tensor(1.5)`'s."""
    return make_fake(
        mode, Memory(), tensor.size(), tensor.stride(), tensor.storage_offset(), tensor.dtype, tensor.device
    )


@functools.lru_cache(maxsize=4096)
def _depends_on_data(operator: OpOverload) -> bool:
    return torch.Tag.data_dependent_output in operator.tags or torch.Tag.dynamic_output_shape in operator.tags


@functools.lru_cache(maxsize=4096)
def _device_argument(operator: OpOverload) -> bool:
    return any(argument.name == "device" for argument in operator._schema.arguments)


def _has_mask(indices: list[torch.Tensor | None]) -> bool:
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)


def _is_scalar_of_cpu(tensor: torch.Tensor) -> bool:
    return not tensor.dim() and tensor.device.type == "cpu"


class _Twins:
    """The arguments of one call as twins, and the way back from twins to fakes."""

    def __init__(self, mode: Mode, operator: OpOverload) -> None:
        if operator in _MAKES_NESTED:
            raise UnsupportedTensorError("nested sizes")
        self._mode = mode
        self._operator = operator
        self._fakes: dict[int, FakeTensor] = {}
        self.twins: list[torch.Tensor] = []
        self.memories: dict[int, Memory] = {}

    def of_arguments(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the positional arguments as twins."""
        lowered = tuple([self.lower(value) for value in args])
        if self._operator.namespace != "prims":
            return lowered
        # An elementwise prim takes a scalar of the CPU beside tensors of one shape (`check_same_shape` in torch's
        # `_prims_common`); its twin is not of the CPU, and gets that shape.
        shape = next((each.shape for each in lowered if isinstance(each, torch.Tensor) and each.dim()), ())
        return tuple(
            [
                twin.expand(shape) if type(given) is FakeTensor and _is_scalar_of_cpu(given) else twin
                for given, twin in zip(args, lowered, strict=True)
            ]
        )

    def lower(self, value: Any) -> Any:
        kind = type(value)
        if kind is FakeTensor or isinstance(value, FakeTensor):
            if value.fake_mode is not self._mode:
                raise ForeignTensorError(str(self._operator), "a fake tensor of another mode")
            twin = twin_of(value)
            if id(twin) not in self._fakes:
                self._fakes[id(twin)] = value
                self.twins.append(twin)
                self.memories[twin.untyped_storage()._cdata] = value.memory
            return twin
        if kind is list or kind is tuple:
            return kind([self.lower(item) for item in value])
        if isinstance(value, torch.Tensor) and value._is_zerotensor():
            # Torch's view of a fake that is known for zeros has neither data nor our class (ZeroTensorFallback.cpp).
            zeros = make_fake(
                self._mode, Memory(), value.size(), value.stride(), 0, value.dtype, value.device, is_zero=True
            )
            return self.lower(zeros)
        if isinstance(value, torch.Tensor) and not _is_scalar_of_cpu(value):
            # A 0-d tensor of the CPU is a Python number that torch wrapped; meta kernels take those as they are.
            if self._mode.allow_real:
                return self.lower(self._mode.fake(value))
            raise ForeignTensorError(
                str(self._operator),
                f"a real tensor of shape {tuple(value.shape)}",
                "make a fake of it with FakeMode.fake first, or let the mode do so: FakeMode(allow_real=True)",
            )
        if kind is torch.dtype and value in _QUANTISED:
            raise UnsupportedTensorError("quantised elements")  # a meta kernel would give ordinary ones
        return value

    def raise_(self, value: Any, device: torch.device) -> Any:
        if isinstance(value, torch.Tensor):
            return self._raise_tensor(value, device)
        if isinstance(value, (list, tuple)):
            items = [self.raise_(item, device) for item in value]
            return items if isinstance(value, list) else _rebuild(value, items)
        return value

    def _raise_tensor(self, tensor: torch.Tensor, device: torch.device) -> FakeTensor:
        known = self._fakes.get(id(tensor))
        if known is not None:
            return known
        if tensor.layout is not torch.strided:
            raise UnsupportedTensorError(f"layout {tensor.layout}")
        storage = tensor.untyped_storage()
        memory = self.memories.get(storage._cdata)
        is_new = memory is None
        if memory is None:
            memory = self.memories[storage._cdata] = Memory(storage)
        else:
            memory.shared = True
        # A view is an inference tensor if what it is a view of is one, in whichever mode it is made; so is its twin.
        with contextlib.nullcontext() if is_new else torch.inference_mode(tensor.is_inference()):
            size: tuple[Any, ...] = tensor.size()
            stride: tuple[Any, ...] = tensor.stride()
            offset: Any = tensor.storage_offset()
            if tensor._has_symbolic_sizes_strides:
                size, stride, offset = settled(size), settled(stride), settled((offset,))[0]
            is_zero = tensor._is_zerotensor()
            fake = make_fake(self._mode, memory, size, stride, offset, tensor.dtype, device, is_zero=is_zero)
        fake.meta_twin = tensor
        copy_bits(tensor, fake)
        return fake

    def absorb_changes(self) -> None:
        """Give fakes the metadata that the operator changed in place on their twins (`t_`, `resize_`, `set_`)."""
        for twin in self.twins:
            fake = self._fakes[id(twin)]
            if (
                fake.shape != twin.shape
                or fake.stride() != twin.stride()
                or fake.storage_offset() != twin.storage_offset()
                or self.memories.get(twin.untyped_storage()._cdata) is not fake.memory
            ):
                memory = self.memories.get(twin.untyped_storage()._cdata) or Memory(twin.untyped_storage())
                memory.shared = True
                with torch.inference_mode(fake.is_inference()):  # what is one stays one
                    changed = make_fake(
                        self._mode, memory, twin.size(), twin.stride(), twin.storage_offset(), twin.dtype, fake.device
                    )
                with torch._C._DisableTorchDispatch():  # else torch detaches `changed` through the mode
                    fake.data = changed
                fake.memory = memory
                fake.signature = None


def _rebuild(value: tuple[Any, ...], items: list[Any]) -> Any:
    if type(value) is tuple:
        return tuple(items)
    # A structseq of torch.return_types takes one sequence; a namedtuple takes its fields one by one.
    return type(value)(items) if hasattr(value, "n_fields") else type(value)(*items)


def run_operator(
    mode: Mode, operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record
) -> Any:
    """Return what `operator` gives on fakes: fakes for tensors, everything else as it is.

    Args:
        mode: the mode that the fakes belong to.
        operator: the ATen or custom operator.
        args: positional arguments, as torch dispatched them.
        kwargs: keyword arguments.
        record: receives what is noteworthy about the run.

    Raises:
        DataDependentError: the result depends on data.
        NoMetaKernelError: the operator has no meta kernel.
        ForeignTensorError: an argument is a tensor that isn't a fake of this mode.
    """
    if operator is torch.ops.aten.lift_fresh.default or operator is torch.ops.aten.lift.default:
        return args[0] if isinstance(args[0], FakeTensor) else fake_constant(mode, args[0])
    if operator is torch.ops.aten.size.default:
        if record.refuses_numbers:
            raise SizesRead
        return [int(extent) for extent in args[0].size()]
    if _takes_scalars(operator) and args[-1].device.type == "cpu":  # else its kernel complains
        factors = [1.0] * int(args[-1].numel())
        return run_operator(mode, operator.overloadpacket.ScalarList, (*args[:-1], factors), kwargs, record)
    is_index = operator is torch.ops.aten.index.Tensor
    data_dependent = _depends_on_data(operator) and not (is_index and not _has_mask(args[1]))
    device = result_device(operator, args, kwargs)
    if (
        not is_linked(device.type)
        and torch.is_grad_enabled()
        and any(f.requires_grad for f in fakes_in((args, kwargs)))
    ):
        raise Unlinked
    if device.type == "cpu" or operator in WITHIN_STORAGE:
        rehearse(operator, args, kwargs)
    refuse_growth(operator, args, kwargs)
    refuse_several_dtypes(operator, args, kwargs)
    new_number = record.counting(operator) if data_dependent else None
    if operator._schema.is_mutable:
        record.written.update(id(fake.memory) for fake in _written(operator, args, kwargs))
    located = device_aware(operator)
    if located is not None:
        result = _on_fakes(mode, operator, located, args, kwargs, record)
        if result is not NotImplemented:
            memory_format = format_on_cpu(operator, args)
            return result if memory_format is None else _in_format(mode, result, memory_format, record)
    twins = _Twins(mode, operator)
    lowered = twins.of_arguments(args)
    lowered_kwargs = {name: twins.lower(value) for name, value in kwargs.items()}
    if _device_argument(operator) and (not twins.twins or lowered_kwargs.get("device") is not None):
        lowered_kwargs["device"] = _META
    if lowered_kwargs.get("pin_memory"):
        lowered_kwargs["pin_memory"] = None
    try:
        if new_number is not None:
            if is_index:
                result = compute(operator, (lowered[0], masks_as_positions(lowered[1], new_number)), {})
            else:
                result = compute_with_new_numbers(operator, lowered, lowered_kwargs, new_number)
        else:
            result = compute(operator, lowered, lowered_kwargs)
    except NoMetaKernelError:
        if not is_triable(operator, device.type):
            raise
        if pin((args, kwargs)):
            record.pinned.add(str(operator))
            return run_operator(mode, operator, numbers(args), numbers(kwargs), record)
        result = result_of_trial(operator, lowered, lowered_kwargs)
    except RuntimeError as error:
        if not knows_no_symbols(error) or not pin((args, kwargs)):
            raise
        record.pinned.add(str(operator))
        return run_operator(mode, operator, numbers(args), numbers(kwargs), record)
    raised = twins.raise_(as_laid_out(operator, args, lowered, lowered_kwargs, result), device)
    twins.absorb_changes()
    return raised


def _in_format(mode: Mode, result: Any, memory_format: torch.memory_format, record: Record) -> Any:
    if isinstance(result, tuple):
        return (_in_format(mode, result[0], memory_format, record), *result[1:])
    return run_operator(mode, torch.ops.aten.clone.default, (result,), {"memory_format": memory_format}, record)


class _OnFakes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs the operators that a Python meta function calls on fakes."""

    def __init__(self, mode: Mode, record: Record) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._mode, self._record = mode, record

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as for the mode of FakeMode

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return run_operator(self._mode, func, args, kwargs or {}, self._record)


def _on_fakes(
    mode: Mode,
    operator: OpOverload,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    record: Record,
) -> Any:
    """Return what a meta function in Python gives that may ask for devices, or for sizes that data tells."""
    with _OnFakes(mode, record), in_context(record.counting(operator)):
        try:
            return function(*args, **kwargs)
        except RuntimeError as error:
            if is_missing(error):
                raise NoMetaKernelError(str(operator)) from error
            raise


@functools.lru_cache(maxsize=4096)
def _takes_scalars(operator: OpOverload) -> bool:
    """Tell whether the last argument is a tensor whose elements torch reads as the factors of a list of tensors."""
    arguments = operator._schema.arguments
    return bool(arguments) and arguments[-1].name == "scalars" and isinstance(arguments[-1].type, torch.TensorType)


def _written(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[FakeTensor]:
    for position, argument in enumerate(operator._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield from fakes_in((args[position] if position < len(args) else kwargs.get(argument.name),))
