"""`FakeMode`: makes fakes of real tensors and propagates torch calls over them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from types import MethodWrapperType, TracebackType
from typing import TYPE_CHECKING, Any, overload

import torch
import torch._C
import torch.utils._pytree as pytree
from torch.overrides import TorchFunctionMode

from framelift_fake_tensors.cache import PropagationCache
from framelift_fake_tensors.conversion import Conversion, Dynamic, Origin
from framelift_fake_tensors.errors import ForeignTensorError, PropagationError
from framelift_fake_tensors.execution import Execution, Observer, hide_from_dynamo
from framelift_fake_tensors.gradients import GRADIENT_FUNCTIONS, Gradients
from framelift_fake_tensors.operators import Record, twin_of
from framelift_fake_tensors.process_state import AUTOCASTING, COMPILING
from framelift_fake_tensors.propagation import Propagation
from framelift_fake_tensors.subclasses import asked_subclasses, class_of_fakes
from framelift_fake_tensors.tensor import FakeTensor
from framelift_fake_tensors.user_functions import USER_FUNCTIONS
from framelift_symbolic_shapes import ShapeEnv
from framelift_symbolic_shapes.torch import attach

if TYPE_CHECKING:
    from typing import Self

__all__ = ["FakeMode"]


class _Interception(TorchFunctionMode):
    """Hands the torch functions that a program calls to the mode, while the mode is entered."""

    def __init__(self, mode: FakeMode, propagation: Propagation) -> None:
        super().__init__()
        self._mode = mode
        self._propagate = propagation.propagate

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if types or type(func) is MethodWrapperType or func in _SPECIAL:
            return self._special(func, types, args, kwargs or {})
        try:
            return self._propagate(func, args, kwargs or {})
        except PropagationError as error:
            cause = error.__cause__
            assert cause is not None
            raise cause from None  # errors are eager's

    def _special(
        self, function: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what a function gives that is not propagated, or has an argument of a subclass to be asked first."""
        if type(function) is MethodWrapperType or function in METADATA_FUNCTIONS:
            if function == _SET_DATA:
                return self._mode.assign_data(*args)
            if function == _SET_REQUIRES_GRAD and isinstance(args[0], FakeTensor):
                self._mode.settle(args[0])
            if function in _GET_VIEW:
                return self._mode.intercepted(getattr, (args[0], _GET_VIEW[function]), {})
            return function(*args, **kwargs)
        for subclassed in asked_subclasses((args, kwargs)) if types else ():
            with self:
                result = subclassed.__torch_function__(function, types, args, kwargs)
            if result is not NotImplemented:
                return result
        return self._mode.intercepted(function, args, kwargs)


hide_from_dynamo(_Interception.__torch_function__)

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
# What is not simply propagated.
_SPECIAL: frozenset[Any] = METADATA_FUNCTIONS | frozenset(GRADIENT_FUNCTIONS) | {torch.Tensor.register_hook}
# Attributes that are views: an operator makes them.
_GET_VIEW = {vars(torch._C.TensorBase)[name].__get__: name for name in ("T", "H", "mT", "mH", "real", "imag", "data")}
_SET_DATA = vars(torch._C.TensorBase)["data"].__set__
_SET_REQUIRES_GRAD = vars(torch._C.TensorBase)["requires_grad"].__set__


class _Here(threading.local):
    """How often the mode is entered in one thread, and what that holds."""

    entered = 0
    contexts: contextlib.ExitStack


_SHARED = PropagationCache()


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
            raise TypeError(f"FakeMode takes a ShapeEnv of framelift_symbolic_shapes, not a {_full_name(shape_env)}")
        if cache is not None and not isinstance(cache, PropagationCache):
            raise TypeError(f"FakeMode takes a PropagationCache as cache, not a {type(cache).__name__}")
        for option, value in {"unbacked": unbacked, "allow_real": allow_real}.items():
            if type(value) is not bool:
                raise TypeError(f"{option} of FakeMode is True or False, not {value!r}")
        self.allow_real = allow_real
        self.shape_env = None if shape_env is None else attach(shape_env)
        self._here = _Here()
        self._conversion = Conversion(self, self.shape_env)
        self._execution = Execution(self, self.shape_env)
        self._propagation = Propagation(self, self.shape_env, self._execution, _SHARED if cache is None else cache)
        self._interception = _Interception(self, self._propagation)
        self._gradients = Gradients(self, self._interception)
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

    @property
    def cache(self) -> PropagationCache:
        """Where results without symbols are kept, with its hits and misses."""
        return self._propagation.cache

    @property
    def symbolic_cache(self) -> PropagationCache:
        """Where results with symbols are kept, with its hits and misses.

        >>> FakeMode().symbolic_cache.hits
        0
        """
        return self._propagation.symbolic_cache

    @property
    def record(self) -> Record:
        """What is noteworthy about the operators that ran."""
        return self._execution.record

    @property
    def observer(self) -> Observer | None:
        """What is told of each operator that runs; while there is one, nothing is cached."""
        return self._execution.observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._execution.observer = observer

    def __enter__(self) -> Self:
        """Take over the torch functions that this thread calls.

        Raises:
            NestedModeError: another mode, or torch's own `FakeTensorMode`, is entered.
        """
        here = self._here
        if not here.entered:
            here.contexts = contextlib.ExitStack()
            here.contexts.enter_context(self._execution.dispatching())
            here.contexts.enter_context(self._interception)
            here.contexts.enter_context(COMPILING)
            here.contexts.enter_context(AUTOCASTING)
            here.contexts.enter_context(USER_FUNCTIONS)
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
        with torch._C.DisableTorchFunction() if self._here.entered else contextlib.nullcontext():
            made: FakeTensor | torch.nn.Module = self._conversion.fake(tensor, name, dynamic, dynamic_strides, origin)
            return made

    def forget(self) -> None:
        """Forget which real tensors have fakes: `torch.utils.swap_tensors` takes none that has weak references.

        >>> mode, tensor = FakeMode(), torch.ones(2)
        >>> known = mode.fake(tensor)
        >>> mode.forget()
        >>> mode.fake(tensor) is known
        False
        """
        self._conversion.forget()

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
        return self._propagation.propagate(function, args, kwargs)

    def intercepted(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function gives that a program called while the mode is entered; errors are eager's."""
        if function in GRADIENT_FUNCTIONS and not _is_transformed(args):
            return getattr(self._gradients, GRADIENT_FUNCTIONS[function])(*args, **kwargs)
        if function is torch.Tensor.register_hook and isinstance(args[0], FakeTensor):
            self.watch(args[0])
        try:
            return self._propagation.propagate(function, args, kwargs)
        except PropagationError as error:
            cause = error.__cause__
            assert cause is not None
            raise cause from None

    def assign_data(self, target: torch.Tensor, value: torch.Tensor) -> None:
        """Do `target.data = value` for two fakes."""
        if not isinstance(target, FakeTensor) or not isinstance(value, FakeTensor):
            raise ForeignTensorError("an assignment to Tensor.data", "a real tensor")
        with torch._C._DisableTorchDispatch():
            target.data = value
        target.memory, target.signature, target.meta_twin = value.memory, None, None

    def storage_of(self, fake: FakeTensor) -> torch.UntypedStorage:
        """Return the storage, of the meta device, that the views of a fake's memory share."""
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            return twin_of(fake).untyped_storage()

    def is_stashed(self) -> bool:
        """Tell whether the mode is entered, and torch has put all modes of dispatch aside.

        `Tensor._make_subclass` does so, and then wants a tensor that is of no subclass.
        """
        return self._execution.is_stashed()

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
        self._execution.settle(fake)

    def run_operator(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that was called on fakes of this mode outside of `propagate`."""
        return self._execution.run_operator(function, args, kwargs)


def _full_name(value: object) -> str:
    """Return the name of a value's class with its module: torch has a `ShapeEnv` of its own."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_transformed(args: tuple[Any, ...]) -> bool:
    """Tell whether a transformation of `torch.func` asks for gradients, of tensors of its own; it may have returned."""
    functorch = torch._C._functorch
    return functorch.peek_interpreter_stack() is not None or any(
        functorch.is_functorch_wrapped_tensor(leaf)
        for leaf in pytree.tree_leaves(args)
        if isinstance(leaf, torch.Tensor)
    )
