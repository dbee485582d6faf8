"""`FakeMode`: makes fakes of real tensors and propagates torch calls over them."""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import FunctionType, MethodWrapperType, TracebackType
from typing import TYPE_CHECKING, Any, overload

import torch
import torch._C
import torch.utils._pytree as pytree
from torch._ops import HigherOrderOperator, OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from framelift_fake_tensors.cache import Call, PropagationCache, Signature, Uncacheable, metadata_of
from framelift_fake_tensors.cases import agreed
from framelift_fake_tensors.device import canonical
from framelift_fake_tensors.errors import (
    DataAccessError,
    DataDependentError,
    FakeTensorError,
    ForeignSymbolError,
    ForeignTensorError,
    NestedModeError,
    PropagationError,
    UnsupportedTensorError,
)
from framelift_fake_tensors.gradients import GRADIENT_FUNCTIONS, Gradients
from framelift_fake_tensors.higher_order import run_higher_order
from framelift_fake_tensors.history import settle
from framelift_fake_tensors.kernels import is_symbolic, symbols_in
from framelift_fake_tensors.layout import symbolic_strides
from framelift_fake_tensors.modules import fake_module
from framelift_fake_tensors.operators import Record, SizesRead, run_operator, twin_of
from framelift_fake_tensors.pinning import knows_no_symbols, numbers, pin
from framelift_fake_tensors.process_state import AUTOCASTING, COMPILING
from framelift_fake_tensors.recipe import UNTOLD, counting, recipe_of, writing
from framelift_fake_tensors.rehearsal import error_of
from framelift_fake_tensors.repetition import Repetition
from framelift_fake_tensors.scalars import numbers_for_scalars
from framelift_fake_tensors.subclasses import (
    asked_subclasses,
    class_of_fakes,
    is_wrapper,
    rewrapped,
    set_attributes,
)
from framelift_fake_tensors.tensor import (
    DATA_FUNCTIONS,
    FakeTensor,
    History,
    Memory,
    copy_bits,
    fakes_in,
    make_fake,
    node_of,
    raw_is_leaf,
    raw_version,
)
from framelift_fake_tensors.unlinked import (
    ASKS_BACKEND,
    Unlinked,
    asks_backend,
    casts_not_kept,
    is_linked,
    needs_stand_ins,
    run_relabelled,
    run_with_stand_ins,
)
from framelift_symbolic_shapes import DataDependentCondition, Freedom, ShapeEnv
from framelift_symbolic_shapes.torch import attach

if TYPE_CHECKING:
    from typing import Self

__all__ = ["FakeMode"]

Dynamic = bool | Collection[int] | Mapping[int, Freedom] | Callable[[int], bool]
Origin = Callable[[str, int], object]
Observer = Callable[[OpOverload, tuple[Any, ...], dict[str, Any], Any], None]
"""Called with each operator that runs, its arguments and its result; while there is one, nothing is cached."""


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs the operators that a torch function calls, while the function is propagated."""

    # With a mode in this slot torch does not initialise a device that is only named (c10's TorchDispatchModeTLS,
    # device_lazy_init), so that `torch.zeros(2, device="cuda")` works where there is none.
    _mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __init__(self, mode: FakeMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._mode = mode

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch wraps __torch_dispatch__, and the wrapper imports torch._dynamo (more than a second)

    def __torch_dispatch__(
        self,
        func: OpOverload | HigherOrderOperator,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        mode = self._mode
        if isinstance(func, HigherOrderOperator):
            with torch._C.DisableTorchFunction(), mode._dispatching():
                return run_higher_order(func, args, kwargs or {}, mode.record.counting(func))
        if any(kind is not FakeTensor and is_wrapper(kind) for kind in types):
            return NotImplemented  # a subclass that wraps tensors comes first, and runs operators on what is in it
        with torch._C.DisableTorchFunction():  # for what torch called without asking the modes of torch functions
            try:
                result = run_operator(mode, func, args, kwargs or {}, mode.record)
            except (FakeTensorError, SizesRead, Unlinked, DataDependentCondition):
                raise
            except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
                in_eager = error_of(func, args, kwargs or {})
                if in_eager is None and "Overflow when unpacking long" in str(error):
                    in_eager = RuntimeError("numel: integer multiplication overflow")  # a meta function in Python
                if in_eager is None:
                    raise
                try:
                    raise in_eager from None
                finally:
                    del in_eager  # its traceback has this frame: a cycle, which would keep all frames to the user's
        if mode.observer is not None:
            mode.observer(func, args, kwargs or {}, result)
        return result


class _Interception(TorchFunctionMode):
    """Hands the torch functions that a program calls to the mode, while the mode is entered."""

    def __init__(self, mode: FakeMode) -> None:
        super().__init__()
        self._mode = mode

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if type(func) is MethodWrapperType or func in METADATA_FUNCTIONS:
            if func == _SET_DATA:
                return self._mode.assign_data(*args)
            if func == _SET_REQUIRES_GRAD and isinstance(args[0], FakeTensor):
                self._mode.settle(args[0])
            return func(*args, **kwargs) if kwargs else func(*args)
        for subclassed in asked_subclasses((args, kwargs or {})) if types else ():
            with self:
                result = subclassed.__torch_function__(func, types, args, kwargs or {})
            if result is not NotImplemented:
                return result
        return self._mode.intercepted(func, args, kwargs or {})


def _hide_from_dynamo(*functions: Any) -> None:
    """Have `torch.compile` run functions, and all that they call, as they are.

    `torch.cond` and its like call `torch.compile` themselves, also where a mode is entered.
    """
    frames = torch._C._dynamo.eval_frame
    strategy = frames._FrameExecStrategy(frames._FrameAction.SKIP, frames._FrameAction.SKIP)
    for function in functions:
        frames.set_code_exec_strategy(function.__code__, strategy)


_hide_from_dynamo(_Dispatch.__torch_dispatch__, _Interception.__torch_function__)

# What answers from metadata at once, faster than the cache would, and what sets a mode of torch.
METADATA_FUNCTIONS: frozenset[Any] = frozenset(
    getattr(torch.Tensor, name)
    for name in (
        "size", "stride", "dim", "ndimension", "numel", "nelement", "storage_offset", "element_size", "get_device",
        "is_contiguous", "is_floating_point", "is_complex", "is_signed", "is_conj", "is_neg", "is_inference",
        "_is_view",
    )
) | {
    torch.is_floating_point, torch.is_complex, torch.numel, torch.is_grad_enabled, torch._C._set_grad_enabled,
}  # fmt: skip
_TAKES_DATA: frozenset[Any] = frozenset([torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor.new_tensor])
_SET_DATA = vars(torch._C.TensorBase)["data"].__set__
_SET_REQUIRES_GRAD = vars(torch._C.TensorBase)["requires_grad"].__set__


class _Here(threading.local):
    """What the mode is doing in one thread: how often it is entered, and whether its dispatch mode is active."""

    entered = 0
    dispatching = 0
    contexts: contextlib.ExitStack


_SHARED = PropagationCache()
_SHARED_SIZE = Freedom(shared=True)
_FREE_STRIDE = Freedom(minimum=0)


class FakeMode:
    """Makes fake tensors, and tells what torch calls on them return.

    Entered (`with mode:`), it does so for every torch function that the program calls in the block, factories too: what
    is built there has no data. Errors are eager's then.

    Args:
        shape_env: the environment of symbolic sizes; without one, every size is a number.
        cache: where results of calls without symbols are kept; by default one that all modes share, since such results
            depend on nothing else. Results with symbols are kept in the mode.
        unbacked: whether sizes and numbers that only data can tell (`nonzero`, `item`) become unbacked symbols of the
            environment; else they raise `DataDependentError`.
        allow_real: whether a real tensor among the arguments of a call is taken for its fake (nothing is ever written
            to it); else it raises `ForeignTensorError`.

    >>> import torch
    >>> mode = FakeMode()
    >>> x = mode.fake(torch.ones(2, 3), name="x")
    >>> mode.propagate(torch.matmul, (x, x.t()), {})
    FakeTensor(..., size=(2, 2))
    >>> with mode:
    ...     torch.nn.Linear(3, 10**9, device="cuda")(x.cuda())
    FakeTensor(..., device='cuda:0', size=(2, 1000000000), requires_grad=True)
    """

    def __init__(
        self,
        shape_env: ShapeEnv | None = None,
        *,
        cache: PropagationCache | None = None,
        unbacked: bool = False,
        allow_real: bool = False,
    ) -> None:
        if shape_env is not None and not isinstance(shape_env, ShapeEnv):
            raise TypeError(f"FakeMode takes a ShapeEnv of framelift_symbolic_shapes, not a {type(shape_env).__name__}")
        self.allow_real = allow_real
        self.shape_env = None if shape_env is None else attach(shape_env)
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], FakeTensor]] = {}
        self._memories: dict[int, tuple[weakref.ref[torch.Tensor], Memory]] = {}
        self._dispatch = _Dispatch(self)
        self._interception = _Interception(self)
        self._here = _Here()
        self._lock = threading.RLock()
        self._depth = 0
        self._gradients = Gradients(self)
        self._names = itertools.count()
        self._symbolic_cache = PropagationCache()
        self._counted = 0, False  # the symbols, and whether one of them is unbacked
        self.cache = _SHARED if cache is None else cache
        self.record = Record()
        self.observer: Observer | None = None
        if unbacked:
            if self.shape_env is None:
                raise TypeError("FakeMode(unbacked=True) makes symbols, and has no environment; give it a ShapeEnv too")
            self.record.new_number = self.shape_env.create_unbacked

    @property
    def unbacked(self) -> bool:
        """Whether unbacked symbols stand for what only data can tell.

        >>> FakeMode().unbacked
        False
        """
        return self.record.new_number is not None

    def __enter__(self) -> Self:
        """Take over the torch functions that this thread calls.

        Raises:
            NestedModeError: another mode, or torch's own `FakeTensorMode`, is entered.
        """
        here = self._here
        if not here.entered:
            here.contexts = contextlib.ExitStack()
            here.contexts.enter_context(self._dispatching())
            here.contexts.enter_context(self._interception)
            here.contexts.enter_context(COMPILING)
            here.contexts.enter_context(AUTOCASTING)
        here.entered += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give them back."""
        here = self._here
        here.entered -= 1
        if not here.entered:
            here.contexts.close()

    @overload
    def fake(
        self,
        tensor: torch.nn.Module,
        *,
        name: str | None = None,
    ) -> torch.nn.Module: ...

    @overload
    def fake(
        self,
        tensor: torch.Tensor,
        *,
        name: str | None = None,
        dynamic: Dynamic = False,
        dynamic_strides: Collection[int] = (),
        origin: Origin | None = None,
    ) -> FakeTensor: ...

    def fake(
        self,
        tensor: torch.Tensor | torch.nn.Module,
        *,
        name: str | None = None,
        dynamic: Dynamic = False,
        dynamic_strides: Collection[int] = (),
        origin: Origin | None = None,
    ) -> FakeTensor | torch.nn.Module:
        """Return the fake of a real tensor; the same one each time. Or a copy of a module whose tensors are fakes.

        In the copy of a module, parameters stay parameters, what was tied or shared memory still is and does, and the
        data of the original is neither read nor copied.

        Args:
            tensor: a dense, strided tensor, whose data is never read; or a module.
            name: how a user would write the tensor, such as `L['x']`; it names symbols. By default `t0`, `t1`, ….
            dynamic: the dimensions whose size becomes a symbol, with how free each is; equal sizes share a symbol where
                that is not said.
            dynamic_strides: the dimensions whose stride becomes a symbol of its own, for a tensor that is not dense.
            origin: called with `"size"` or `"stride"` and a dimension; what it returns comes back with the symbol.

        Raises:
            UnsupportedTensorError: the tensor is of a kind that has no fake counterpart.
            ForeignTensorError: the tensor is a fake already.
            TypeError: it is no tensor, or there is no environment for what is dynamic.
            IndexError: the tensor has no such dimension.

        >>> import torch
        >>> from framelift_symbolic_shapes import DataDependentCondition, Freedom, ShapeEnv
        >>> mode = FakeMode(ShapeEnv())
        >>> mode.fake(torch.ones(4, 3), name="L['x']", dynamic={0})
        FakeTensor(..., size=(s77, 3))
        >>> mode.fake(torch.nn.Linear(3, 4)).weight.shape
        torch.Size([4, 3])
        """
        if self._here.entered:
            with torch._C.DisableTorchFunction():
                return self._fake(tensor, name, dynamic, dynamic_strides, origin)
        return self._fake(tensor, name, dynamic, dynamic_strides, origin)

    def _fake(
        self,
        tensor: torch.Tensor | torch.nn.Module,
        name: str | None,
        dynamic: Dynamic,
        dynamic_strides: Collection[int],
        origin: Origin | None,
    ) -> FakeTensor | torch.nn.Module:
        if isinstance(tensor, torch.nn.Module):
            return fake_module(tensor, lambda part, path: self.fake(part, name=path), name or type(tensor).__name__)
        known = self._known.get(id(tensor))
        if known is not None:
            return known[1]
        if name is None:
            name = f"t{next(self._names)}"

        def fake_of(inner: torch.Tensor, attribute: str) -> torch.Tensor:
            return self.fake(inner, name=f"{name}.{attribute}", dynamic=dynamic)

        if is_wrapper(type(tensor)):
            wrapped: Any = rewrapped(tensor, fake_of)
            self._remember(tensor, wrapped)
            return wrapped  # type: ignore[no-any-return]  # it is of the program's class
        self._check(tensor)
        kind = class_of_fakes(type(tensor))
        size, stride = self._sizes(tensor, name, dynamic, origin), tensor.stride()
        symbolic = any(isinstance(extent, torch.SymInt) for extent in size)
        if symbolic:
            stride = symbolic_strides(tensor.size(), stride, size)
        if dynamic_strides:
            stride = self._strides(stride, name, dynamic_strides, origin)
        fake = make_fake(
            self,
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
            raise ForeignTensorError("FakeMode.fake", "a fake tensor")
        if isinstance(tensor, (torch.nn.UninitializedParameter, torch.nn.UninitializedBuffer)):
            raise UnsupportedTensorError("no shape yet: run the lazy module once on real tensors")
        if tensor.layout is not torch.strided or tensor.is_nested:
            raise UnsupportedTensorError("nested sizes" if tensor.is_nested else f"layout {tensor.layout}")
        if tensor.is_quantized:
            raise UnsupportedTensorError("quantised elements")

    def forget(self) -> None:
        """Forget which real tensors have fakes: `torch.utils.swap_tensors` takes none that has weak references.

        >>> mode, tensor = FakeMode(), torch.ones(2)
        >>> known = mode.fake(tensor)
        >>> mode.forget()
        >>> mode.fake(tensor) is known
        False
        """
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
        for dim in dynamic if isinstance(dynamic, Collection) else ():
            if not -len(size) <= dim < len(size):
                raise IndexError(f"dynamic names dimension {dim}, and {name} has {len(size)}")
        if self.shape_env is None:
            raise TypeError(f"a size of {name} shall be a symbol, and the mode has no environment; give it one")
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

    def _strides(
        self, strides: Sequence[Any], name: str, dynamic: Collection[int], origin: Origin | None
    ) -> tuple[Any, ...]:
        return tuple(
            [
                self._symbol(f"{name}.stride()[{dim}]", stride, _FREE_STRIDE, "stride", dim, origin)
                if dim in dynamic and type(stride) is int
                else stride
                for dim, stride in enumerate(strides)
            ]
        )

    def _symbol(self, name: str, hint: int, freedom: Freedom, kind: str, dim: int, origin: Origin | None) -> Any:
        assert self.shape_env is not None
        return self.shape_env.create_symbol(
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

    def propagate(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what `function(*args, **kwargs)` would return: fakes for tensors, everything else as it is.

        Args:
            function: a torch function, method descriptor or operator.
            args: fakes, numbers (symbolic ones too) and constants, in containers or not.
            kwargs: the same, by name.

        Raises:
            PropagationError: the function raised; its own error is the `__cause__`.
            DataDependentError: the result depends on data.
            NoMetaKernelError: an operator has no meta kernel.
            DataAccessError: the function hands out the data of a tensor.

        >>> import torch
        >>> mode = FakeMode()
        >>> mode.propagate(torch.max, (mode.fake(torch.ones(2, 3), name="x"), 1), {}).indices.dtype
        torch.int64
        """
        if function in DATA_FUNCTIONS:
            if function is torch.Tensor.tolist and isinstance(args[0], FakeTensor):
                return args[0].tolist()
            raise DataAccessError(f"Tensor.{function.__name__}()")
        if self.allow_real:
            args, kwargs = self._with_fakes(args), self._with_fakes(kwargs)
        if self.observer is not None:
            return self._checked(function, args, kwargs)
        try:
            call = Call(self._signature, function, args, kwargs, self._here.dispatching)
        except Uncacheable:
            self._refuse_foreign(function, symbols_in((args, kwargs)))
            return self._checked(function, args, kwargs)
        if call.numbers:
            self._refuse_foreign(function, call.numbers)
        cache = self.cache
        if call.symbolic:
            env = self.shape_env
            if env is not None and env.arbiter is not None:
                return self._checked(function, args, kwargs)  # an answer that is tried is no fact
            cache = self._symbolic_cache
            call.key += (self._facts(),)
        recipe = cache.get(call.key)
        if recipe is not None:
            result = recipe(self, call.fakes, (function, args, kwargs))
            if result is not UNTOLD:
                return result
            cache.hits -= 1
            cache.misses += 1
            return self._checked(function, args, kwargs)
        return self._remembered(cache, call, function, args, kwargs)

    def _with_fakes(self, value: Any) -> Any:
        """Return arguments with the fakes of real tensors in their place."""
        if isinstance(value, torch.Tensor):
            return value if isinstance(value, FakeTensor) or is_wrapper(type(value)) else self.fake(value)
        if type(value) in (list, tuple):
            return type(value)([self._with_fakes(item) for item in value])
        return {name: self._with_fakes(item) for name, item in value.items()} if type(value) is dict else value

    def _refuse_foreign(self, function: Any, symbols: Iterable[Any]) -> None:
        for number in symbols:
            if getattr(number.node, "shape_env", None) is not self.shape_env:
                name = getattr(function, "__name__", repr(function))
                raise ForeignSymbolError(name, str(number), self.shape_env is not None)

    def intercepted(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function gives that a program called while the mode is entered; errors are eager's."""
        if function in GRADIENT_FUNCTIONS and not _is_transformed(args):
            return getattr(self._gradients, GRADIENT_FUNCTIONS[function])(*args, **kwargs)
        if function is torch.Tensor.register_hook and isinstance(args[0], FakeTensor):
            self.watch(args[0])
        try:
            return self.propagate(function, args, kwargs)
        except PropagationError as error:
            cause = error.__cause__
            assert cause is not None
            raise cause from None

    def assign_data(self, target: torch.Tensor, value: torch.Tensor) -> None:
        """Do `target.data = value` for two fakes."""
        if not isinstance(target, FakeTensor) or not isinstance(value, FakeTensor):
            raise ForeignTensorError("Tensor.data", "a real tensor")
        with torch._C._DisableTorchDispatch():
            target.data = value
        target.memory, target.signature, target.meta_twin = value.memory, None, None

    def _remembered(
        self,
        cache: PropagationCache,
        call: Call,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        with self._lock:
            before = [self._visible(fake) for fake in call.fakes]
            nodes = [node_of(fake) for fake in call.fakes]
            versions = [_version(fake) for fake in call.fakes]
            symbols = self._symbols()
            result = self._checked(function, args, kwargs)
            written = [position for position, fake in enumerate(call.fakes) if id(fake.memory) in self.record.written]
            if (result is None and not written) or self._symbols() != symbols or self.record.unbacked:
                # It did something, which a hit would not do; or data decides of a size, which is another one next time.
                return result
            if before == [self._visible(fake) for fake in call.fakes]:
                repetition = Repetition(call.fakes, function, args, kwargs)
                recipe = recipe_of(result, call.fakes, self._signature, repetition)
                if recipe is not None:
                    recorded = {
                        position for position in written if node_of(call.fakes[position]) is not nodes[position]
                    }
                    if written:
                        writes = {position: _version(call.fakes[position]) - versions[position] for position in written}
                        recipe = writing(recipe, writes, recorded, repetition)
                    cache.put(call.key, recipe)
            return result

    def _facts(self) -> int:
        """Return what changes with each fact that may decide otherwise of a size that only data tells.

        A decision about other sizes is what their hints say, whatever was learnt since.
        """
        env = self.shape_env
        if env is None:
            return 0
        count = self._symbols()
        if count != self._counted[0]:
            self._counted = count, any(info.hint is None for info in env.symbols.values())
        return len(env.guards) + len(env.runtime_assertions) if self._counted[1] else 0

    def _symbols(self) -> int:
        return 0 if self.shape_env is None else len(self.shape_env.symbols)

    def _visible(self, fake: FakeTensor) -> tuple[Any, ...]:
        # Every tensor that requires no grad is a leaf; whether torch knows a view for one changes nothing to be seen.
        requires_grad = fake.requires_grad
        is_leaf: object
        try:
            is_leaf = requires_grad and fake.history is None and raw_is_leaf(fake)
        except RuntimeError:  # a view that was made without autograd, and written to: torch refuses to tell
            is_leaf = object()
        return self._signature(fake), requires_grad, is_leaf, id(fake.memory)

    def _signature(self, fake: FakeTensor) -> Signature:
        known: Signature | None = fake.signature
        version = fake.signature_version
        if known is not None and (version < 0 or version == self._version()):
            return known
        symbolic = bool(fake._has_symbolic_sizes_strides)
        cache = self._symbolic_cache if symbolic else self.cache
        known = fake.signature = cache.signature(metadata_of(fake), symbolic)
        fake.signature_version = self._version() if symbolic else -1
        return known

    def _version(self) -> int:
        return 0 if self.shape_env is None else self.shape_env.version

    def _checked(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._lock:
            outer, self.record.written = self.record.written, set()
            self._depth += 1
            try:
                return self._computed(function, args, kwargs)
            finally:
                self._depth -= 1
                if self._depth:  # a call in the middle of another
                    self.record.written |= outer

    def _computed(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for fake in fakes_in((args, tuple(kwargs.values()))):
            self.settle(fake)
        kwargs = numbers_for_scalars(kwargs)
        if function is torch.Tensor.to or function in _MOVES_TO:
            function, args, kwargs = _indexed_move(function, args, kwargs)
        self.record.unbacked = False
        name = getattr(function, "__name__", repr(function))
        if function in _READS_POSITIONS and isinstance(args[1] if len(args) > 1 else None, FakeTensor):
            raise DataDependentError(name)
        try:
            try:
                return self._run_anywhere(function, args, kwargs)
            except DataDependentCondition as error:
                return self._in_all_cases(name, error, function, args, kwargs)
        except FakeTensorError:
            raise
        except Exception as error:  # whatever the function raised is what the caller wants to know
            raise PropagationError(name, error) from error

    def _run_anywhere(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self._run_with_autograd(function, args, kwargs)
        except RuntimeError as error:
            if not knows_no_symbols(error) or not pin((args, kwargs)):
                raise
        self.record.pinned.add(getattr(function, "__name__", repr(function)))
        return self._run_with_autograd(function, numbers(args), numbers(kwargs))

    def _run_with_autograd(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if type(function) is FunctionType or torch._C._is_any_autocast_enabled():
            with AUTOCASTING, casts_not_kept():
                return self._run_with_stand_ins(function, args, kwargs)
        return self._run_with_stand_ins(function, args, kwargs)

    def _run_with_stand_ins(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not needs_stand_ins((args, kwargs)):
            try:
                return self._run(function, args, kwargs)
            except Unlinked:
                pass
        return run_with_stand_ins(self, self._run, function, args, kwargs, self.record.written)

    def _in_all_cases(
        self,
        name: str,
        error: DataDependentCondition,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return what a function gives that decides by data."""
        fakes = list(fakes_in((args, kwargs)))
        if self.shape_env is None or self.shape_env.arbiter is not None or self._has_written(fakes):
            raise error
        return agreed(
            self.shape_env,
            lambda: self._run_anywhere(function, args, kwargs),
            lambda: self._has_written(fakes),
            name,
            fakes,
        )

    def _has_written(self, fakes: Sequence[FakeTensor]) -> bool:
        return not self.record.written.isdisjoint([id(fake.memory) for fake in fakes])

    def storage_of(self, fake: FakeTensor) -> torch.UntypedStorage:
        """Return the storage, of the meta device, that the views of a fake's memory share."""
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            return twin_of(fake).untyped_storage()

    def is_stashed(self) -> bool:
        """Tell whether the mode is entered, and torch has put all modes of dispatch aside.

        `Tensor._make_subclass` does so, and then wants a tensor that is of no subclass.
        """
        return bool(self._here.dispatching) and not torch._C._len_torch_dispatch_stack()

    def as_subclass(self, fake: FakeTensor, kind: type[torch.Tensor]) -> FakeTensor:
        """Return an alias of `fake` that is of a subclass of `torch.Tensor`.

        Raises:
            UnsupportedTensorError: the subclass can have no fakes.
        """
        target = class_of_fakes(kind)
        with torch._C.DisableTorchFunction():
            made: FakeTensor = self.propagate(torch.ops.aten.alias.default, (fake,), {})
            made.__class__ = target
        return made

    def watch(self, fake: FakeTensor) -> None:
        """Look after the hooks of a fake that is no leaf, when there is a backward pass."""
        self._gradients.watch(fake)

    def settle(self, fake: FakeTensor) -> None:
        """Give a fake that came from the cache the autograd history that torch would have given it."""
        if (fake.history is not None or fake.memory.views is not None) and is_linked(fake.device.type):
            with self._lock, torch._C.DisableTorchFunction():  # else the cache would answer
                record = self.record
                written, unbacked, record.written = record.written, record.unbacked, set()
                try:
                    settle(self, fake, self._run)
                finally:
                    record.written, record.unbacked = written, unbacked

    def run_operator(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that was called on fakes of this mode outside of `propagate`."""
        for fake in fakes_in((args, tuple(kwargs.values()))):
            self.settle(fake)
        return self._run(function, args, kwargs)

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function is torch.Tensor.copy_ and not is_linked(args[0].device.type):
            function = torch.ops.aten.copy_.default  # the method asks the backend for its current device first
        elif function in ASKS_BACKEND and not is_linked(args[0].device.type):
            return run_relabelled(self, self._run_operators, function, args, kwargs)
        elif function in _TAKES_DATA:
            # They would copy data to the device before anyone is asked; so they copy later.
            before = torch._C._only_lift_cpu_tensors()
            torch._C._set_only_lift_cpu_tensors(True)
            try:
                return self._run_operators(function, args, kwargs)
            finally:
                torch._C._set_only_lift_cpu_tensors(before)
        try:
            return self._run_operators(function, args, kwargs)
        except RuntimeError as error:
            if type(function) is not FunctionType or not asks_backend(error):
                raise
        # A function in Python, with a call in the middle of it that asks a backend.
        return run_relabelled(self, self._run_operators, function, args, kwargs)

    def _run_operators(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        symbolic = is_symbolic(args) or is_symbolic(tuple(kwargs.values()))
        self.record.refuses_numbers = symbolic
        try:
            with self._dispatching():
                return function(*args, **kwargs)
        except SizesRead:
            self.record.refuses_numbers = False
        except RuntimeError as error:
            if not _asks_for_numbers(error):
                raise
            self.record.refuses_numbers = False
        # A composite function in C++ that reads sizes as numbers: torch has some of them written again in Python.
        with self._dispatching(), torch._C._EnablePythonDispatcher():
            return function(*args, **kwargs)

    @contextlib.contextmanager
    def _dispatching(self) -> Iterator[None]:
        """Have the operators of this thread run on fakes; it may be so already."""
        active = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
        if active is self._dispatch:
            yield
        elif active is not None:
            raise NestedModeError("torch's FakeTensorMode" if not isinstance(active, _Dispatch) else "a FakeMode")
        else:
            here = self._here
            with self._dispatch:
                here.dispatching += 1
                try:
                    yield
                finally:
                    here.dispatching -= 1


def _is_transformed(args: tuple[Any, ...]) -> bool:
    """Tell whether a transformation of `torch.func` asks for gradients, of tensors of its own; it may have returned."""
    functorch = torch._C._functorch
    return functorch.peek_interpreter_stack() is not None or any(
        functorch.is_functorch_wrapped_tensor(leaf)
        for leaf in pytree.tree_leaves(args)
        if isinstance(leaf, torch.Tensor)
    )


def _version(fake: FakeTensor) -> int:
    """Return how often a fake was written to; what is made in inference mode does not count."""
    return 0 if fake.is_inference() else raw_version(counting(fake))


# Composite functions in C++ that read the data of their second argument, if it is a tensor, before any operator runs.
_READS_POSITIONS: frozenset[Any] = frozenset([torch.tensor_split, torch.Tensor.tensor_split])

# C++ asks the backend for the current device of a type that is given without an index, and there may be no backend.
_MOVES_TO: Mapping[Any, str] = {torch.Tensor.cuda: "cuda", torch.Tensor.xpu: "xpu"}


def _indexed_move(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Return a call that moves a tensor to a device as one that names the index of the device."""
    kind = _MOVES_TO.get(function)
    if kind is not None:
        device = kwargs.get("device", args[1] if len(args) > 1 else None)
        args = (args[0], torch.device(kind, device) if isinstance(device, int) else device or kind, *args[2:])
        kwargs = {name: value for name, value in kwargs.items() if name != "device"}
        if len(args) > 2:
            args, kwargs = args[:2], {"non_blocking": args[2], **kwargs}
    return (
        torch.Tensor.to,
        tuple([_indexed(value) for value in args]),
        {name: _indexed(value) for name, value in kwargs.items()},
    )


def _indexed(value: Any) -> Any:
    return canonical(torch.device(value)) if isinstance(value, (str, torch.device)) else value


def _asks_for_numbers(error: RuntimeError) -> bool:
    """Tell whether C++ asked a tensor with symbolic sizes for a number of its own accord.

    torch has no type for this error. Its text is that of `throw_cannot_call_with_symbolic` in c10/core/TensorImpl.cpp;
    torch 2.11 raises it in `matmul`, where 2.13 asks for the sizes themselves.
    """
    text = str(error)
    return text.startswith("Cannot call ") and "on tensor with symbolic sizes/strides" in text
