"""Calls that the cache doesn't know: torch runs them, and each operator that it comes to is run on fakes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import torch
import torch._C
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from framelift_fake_tensors.cases import agreed
from framelift_fake_tensors.device import canonical
from framelift_fake_tensors.errors import (
    DataAccessError,
    DataDependentError,
    FakeTensorError,
    NestedModeError,
    PropagationError,
)
from framelift_fake_tensors.higher_order import run_higher_order
from framelift_fake_tensors.history import settle
from framelift_fake_tensors.kernels import is_symbolic
from framelift_fake_tensors.operators import Record, SizesRead, run_operator
from framelift_fake_tensors.pinning import knows_no_symbols, numbers, pin
from framelift_fake_tensors.process_state import AUTOCASTING
from framelift_fake_tensors.rehearsal import error_of
from framelift_fake_tensors.scalars import numbers_for_scalars
from framelift_fake_tensors.subclasses import is_wrapper
from framelift_fake_tensors.tensor import FakeTensor, Mode, ViewOf, fakes_in
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
from framelift_symbolic_shapes import DataDependentCondition, ShapeEnv

__all__ = ["Execution", "Observer", "hide_from_dynamo"]

Observer = Callable[[OpOverload, tuple[Any, ...], dict[str, Any], Any], None]
"""Called with each operator that runs, its arguments and its result; while there is one, nothing is cached."""


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs the operators that a torch function calls, while the function is propagated."""

    # With a mode in this slot torch does not initialise a device that is only named (c10's TorchDispatchModeTLS,
    # device_lazy_init), so that `torch.zeros(2, device="cuda")` works where there is none.
    _mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __init__(self, mode: Mode, execution: Execution) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._mode = mode
        self._execution = execution

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
        mode, execution = self._mode, self._execution
        if isinstance(func, HigherOrderOperator):
            with torch._C.DisableTorchFunction(), execution.dispatching():
                return run_higher_order(func, args, kwargs or {}, execution.record.counting(func))
        if any(kind is not FakeTensor and is_wrapper(kind) for kind in types):
            return NotImplemented  # a subclass that wraps tensors comes first, and runs operators on what is in it
        with torch._C.DisableTorchFunction():  # for what torch called without asking the modes of torch functions
            try:
                result = run_operator(mode, func, args, kwargs or {}, execution.record)
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
        if execution.observer is not None:
            execution.observer(func, args, kwargs or {}, result)
        return result


def hide_from_dynamo(*functions: Any) -> None:
    """Have `torch.compile` run functions, and all that they call, as they are.

    `torch.cond` and its like call `torch.compile` themselves, also where a mode is entered.
    """
    frames = torch._C._dynamo.eval_frame
    strategy = frames._FrameExecStrategy(frames._FrameAction.SKIP, frames._FrameAction.SKIP)
    for function in functions:
        frames.set_code_exec_strategy(function.__code__, strategy)


hide_from_dynamo(_Dispatch.__torch_dispatch__)

_TAKES_DATA: frozenset[Any] = frozenset([torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor.new_tensor])


class _Here(threading.local):
    """How often the mode of dispatch is active in one thread."""

    dispatching = 0


class Execution:
    """Runs torch functions on the fakes of a mode.

    Args:
        mode: the mode.
        shape_env: the environment of symbolic sizes, if any.
    """

    def __init__(self, mode: Mode, shape_env: ShapeEnv | None) -> None:
        self._mode = mode
        self._shape_env = shape_env
        self._dispatch = _Dispatch(mode, self)
        self._depth = 0
        self.here = _Here()
        self.lock = threading.RLock()
        self.record = Record()
        self.observer: Observer | None = None

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a torch function gives on fakes.

        Raises:
            PropagationError: the function raised; its own error is the `__cause__`.
            FakeTensorError: what it gives can't be told.
        """
        with self.lock:
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
        except RuntimeError as error:
            if _reads_data(error):
                raise DataAccessError(name) from error
            raise PropagationError(name, error) from error
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
        return run_with_stand_ins(self._mode, self._run, function, args, kwargs, self.record.written)

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
        if self._shape_env is None or self._shape_env.arbiter is not None or self._has_written(fakes):
            raise error
        return agreed(
            self._shape_env,
            lambda: self._run_anywhere(function, args, kwargs),
            lambda: self._has_written(fakes),
            name,
            fakes,
        )

    def _has_written(self, fakes: Sequence[FakeTensor]) -> bool:
        return not self.record.written.isdisjoint([id(fake.memory) for fake in fakes])

    def is_stashed(self) -> bool:
        """Tell whether the mode is entered, and torch has put all modes of dispatch aside.

        `Tensor._make_subclass` does so, and then wants a tensor that is of no subclass.
        """
        return bool(self.here.dispatching) and not torch._C._len_torch_dispatch_stack()

    def settle(self, fake: FakeTensor) -> None:
        """Give a fake that came from the cache the autograd history that torch would have given it."""
        if fake.history is None and fake.memory.views is None:
            return
        if is_linked(fake.device.type) or not _has_gradient(fake):
            with self.lock, torch._C.DisableTorchFunction(), _as_cached():
                record = self.record
                written, unbacked, record.written = record.written, record.unbacked, set()
                try:
                    settle(self._mode, fake, self._run)
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
            return run_relabelled(self._mode, self._run_operators, function, args, kwargs)
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
        return run_relabelled(self._mode, self._run_operators, function, args, kwargs)

    def _run_operators(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        before, self.record.refuses_numbers = (
            self.record.refuses_numbers,
            is_symbolic(args) or is_symbolic(tuple(kwargs.values())),
        )
        try:
            with self.dispatching():
                return function(*args, **kwargs)
        except SizesRead:
            pass
        except RuntimeError as error:
            if not _asks_for_numbers(error):
                raise
        finally:
            self.record.refuses_numbers = before
        # A composite function in C++ that reads sizes as numbers: torch has some of them written again in Python.
        before, self.record.refuses_numbers = self.record.refuses_numbers, False
        try:
            with self.dispatching(), torch._C._EnablePythonDispatcher():
                return function(*args, **kwargs)
        finally:
            self.record.refuses_numbers = before

    @contextlib.contextmanager
    def dispatching(self) -> Iterator[None]:
        """Have the operators of this thread run on fakes; it may be so already."""
        active = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
        if active is self._dispatch:
            yield
        elif active is not None:
            raise NestedModeError("torch's FakeTensorMode" if not isinstance(active, _Dispatch) else "another FakeMode")
        else:
            here = self.here
            with self._dispatch:
                here.dispatching += 1
                try:
                    yield
                finally:
                    here.dispatching -= 1


def _reads_data(error: RuntimeError) -> bool:
    """Tell whether code in C++ looked for elements, and found no memory."""
    return "its data is not allocated yet" in str(error) or "Cannot copy out of meta tensor" in str(error)


def _has_gradient(fake: FakeTensor) -> bool:
    """Tell whether a fake, or another one of its memory that torch does not know for a view yet, requires grad."""
    views = [view for reference in fake.memory.views or () if (view := reference()) is not None]
    for view in [fake, *views]:
        one = view
        while isinstance(one.history, ViewOf):
            if one.requires_grad:
                return True
            one = one.history.base
        if one.requires_grad or one.history is not None:
            return True
    return False


@contextlib.contextmanager
def _as_cached() -> Iterator[None]:
    """Put aside what keeps calls out of the cache, so that one from there is run as it was.

    In inference mode autograd records nothing, a transformation of `torch.func` would wrap what the call gives, and
    hooks would be called with what it saves.
    """
    with contextlib.ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if torch._C._functorch.peek_interpreter_stack() is not None:
            stack.enter_context(temporarily_clear_interpreter_stack())
        if torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(_same, _same))
        yield


def _same(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


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
