"""`verify=True`: each captured call runs beside an eager one, and both must return, raise and leave behind the same.

The eager run comes first and works on copies: of the arguments, of the function's closure, and of the data and
functions of its module that it uses; random numbers are put back after it. The captured run is the real one. What lies
beyond the copies, such as files, what is printed, and the state of other modules, sees both runs.
"""

from __future__ import annotations

import copy
import dataclasses
import random
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch.overrides

from framelift_graph_capture import EntryPoint, FunctionCall, original_of
from framelift_guards.plain import show

from .comparison import Comparison
from .errors import VerificationError
from .evidence import Outcome
from .module import plain_module

__all__ = ["verified"]


def verified(entry: Callable[..., object], entry_point: FunctionCall) -> Callable[..., object]:
    """Return an entry that runs eagerly on copies, then as captured, and compares.

    Args:
        entry: the captured call: takes the values of the parameters, then others.
        entry_point: what was captured.

    The entry raises `VerificationError` where the two differ, and warns where there is something that cannot be copied.
    """

    def run(*values: Any) -> object:
        twin = _Twin.of(entry_point, dict(zip(entry_point.parameters, values, strict=False)))
        if twin is None:
            return entry(*values)
        expected = twin.run()
        try:
            outcome = Outcome(entry(*values))
        except Exception as error:  # noqa: BLE001 - it is compared, and raised below
            outcome = Outcome(None, error)
        difference = twin.difference(outcome, expected)
        if difference is not None:
            raise VerificationError(
                f"{entry_point.name} as captured", "must do what it does eagerly", f"different: {difference}",
                "the first run is the captured one; please report this", entry_point.where,
            ) from outcome.error  # fmt: skip
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    return run


Pair = tuple[str, Callable[[], Any], Callable[[], Any]]
"""What to compare after the runs: its name, and how to read it on the real side and among the copies."""


@dataclasses.dataclass(frozen=True)
class _Twin:
    """An entry point over copies, and what was copied: by name, the original and the copy."""

    entry_point: EntryPoint
    values: dict[str, Any]
    pairs: list[Pair]

    @classmethod
    def of(cls, entry_point: FunctionCall, values: Mapping[str, Any]) -> _Twin | None:
        world = _World()
        function = entry_point.function
        pairs: list[Pair] = []
        try:
            with _CopyingTensors():
                copies = {name: world.copy(name, value) for name, value in values.items()}
                if entry_point.eager is None:
                    function, pairs = world.around(function)
                world.copy_gradients()
        except _NotCopied as error:
            message = f"{entry_point.name} was not verified: {error.what} cannot be copied, so it ran as captured only"
            warnings.warn(message, RuntimeWarning, stacklevel=3)
            return None
        pairs += [(name, _constant(values[name]), _constant(copies[name])) for name in values]
        kept = [pair for pair in pairs if _is_faithful(entry_point.name, pair)]
        return cls(dataclasses.replace(entry_point, function=function), copies, kept)

    def run(self) -> Outcome:
        """Run eagerly; random numbers are put back."""
        state = random.getstate()
        devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
        grad_mode = torch.is_grad_enabled()
        try:
            with torch.random.fork_rng(devices):
                return Outcome(self.entry_point.run(dict(self.values)))
        except Exception as error:  # noqa: BLE001 - it is compared with what the captured run raises
            return Outcome(None, error)
        finally:
            random.setstate(state)
            torch.set_grad_enabled(grad_mode)

    def difference(self, captured: Outcome, eager: Outcome) -> str | None:
        """Return how the two runs differ, in a sentence, or None."""
        if (captured.error is None) is not (eager.error is None):
            return f"it {_does(captured)}, and eagerly it {_does(eager)}"
        comparison = Comparison()
        parts = [(name, read(), read_copy()) for name, read, read_copy in self.pairs]
        parts += [("the result", captured.value, eager.value), ("the error", captured.error, eager.error)]
        found = (comparison.difference(one, other, name) for name, one, other in parts)
        return next((difference for difference in found if difference is not None), None)


def _is_faithful(function: str, pair: Pair) -> bool:
    """Tell whether a copy is like the original, before anything has run: a class may copy itself in part."""
    name, read, read_copy = pair
    difference = Comparison().difference(read(), read_copy(), name)
    if difference is not None:
        message = f"what {function} does to {name} is not verified, since a copy differs from the outset: {difference}"
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    return difference is None


def _does(outcome: Outcome) -> str:
    return "returns" if outcome.error is None else f"raises {type(outcome.error).__name__}"


class _NotCopied(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _CopyingTensors(torch.overrides.TorchFunctionMode):
    """Copies tensors that `copy.deepcopy` refuses, those that operations made, as parts of the same autograd graph."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.__deepcopy__ and not args[0].is_leaf:
            tensor, memo = args
            if id(tensor) not in memo:
                memo[id(tensor)] = tensor.clone(memory_format=torch.preserve_format)
            return memo[id(tensor)]
        return func(*args, **(kwargs or {}))


class _World:
    """Copies of what a call uses: an object is copied once, however it is reached."""

    def __init__(self) -> None:
        self._memo: dict[int, Any] = {}

    def copy(self, name: str, value: Any) -> Any:
        """Return the copy of a value.

        Raises:
            _NotCopied: it, or something in it, cannot be copied.
        """
        plain = plain_module(value) if isinstance(value, torch.nn.Module) else value
        try:
            made = copy.deepcopy(plain, self._memo)
        except Exception as error:
            raise _NotCopied(f"{name}, {show(value)}: {type(error).__name__},") from error
        if plain is not value:
            self._memo[id(value)] = made
        return made

    def copy_gradients(self) -> None:
        """Copy the gradients of parameters, which `copy.deepcopy` leaves behind."""
        for original in list(self._memo.get(id(self._memo), ())):
            if isinstance(original, torch.nn.Parameter) and original.grad is not None:
                self._memo[id(original)].grad = self.copy("a gradient", original.grad)

    def around(self, function: types.FunctionType) -> tuple[types.FunctionType, list[Pair]]:
        """Return the function over copies of its closure and of what it uses of its module, and what to compare."""
        namespace = function.__globals__
        copies = dict(namespace)
        pairs: list[Pair] = []
        for name in _globals_of(function):
            value = namespace.get(name)
            own = _own_function(value, namespace)
            if own is not None:
                copies[name] = self._function(own, copies)
            elif name in namespace and not isinstance(value, _SHARED):
                copies[name] = self.copy(f"the global {name}", value)
            pairs.append((f"the global {name}", _reader(namespace, name), _reader(copies, name)))
        made = self._function(function, copies)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), made.__closure__ or (), strict=True)
        pairs += [(f"the variable {name}", _constant(cell), _constant(twin)) for name, cell, twin in cells]
        return made, pairs

    def _function(self, function: types.FunctionType, namespace: dict[str, Any]) -> types.FunctionType:
        known: types.FunctionType | None = self._memo.get(id(function))
        if known is not None:
            return known
        cells = tuple([self._memo.setdefault(id(cell), types.CellType()) for cell in function.__closure__ or ()])
        code, defaults = function.__code__, function.__defaults__
        made = types.FunctionType(code, namespace, function.__name__, defaults, cells or None)
        made.__kwdefaults__ = function.__kwdefaults__
        made.__dict__.update(function.__dict__)
        self._memo[id(function)] = made  # before its cells: they may hold the function itself
        for name, cell, twin in zip(code.co_freevars, function.__closure__ or (), cells, strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # it is not bound yet
                continue
            own = _own_function(value, function.__globals__)
            twin.cell_contents = self.copy(name, value) if own is None else self._function(own, namespace)
        return made


_SHARED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def _own_function(value: object, namespace: dict[str, Any]) -> types.FunctionType | None:
    """Return the function that a value is, as it was before it was lifted, if it belongs to this module."""
    if not isinstance(value, types.FunctionType):
        return None
    function = original_of(value) or value
    return function if function.__globals__ is namespace else None


def _globals_of(function: types.FunctionType) -> Iterator[str]:
    """Yield the names of globals that a function, and those of its module that it reaches, may use."""
    namespace = function.__globals__
    seen: set[str] = set()
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        pending += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for name in code.co_names:
            if name not in seen and not name.startswith("__"):
                seen.add(name)
                yield name
                reached = _own_function(namespace.get(name), namespace)
                if reached is not None:
                    pending.append(reached.__code__)


def _reader(namespace: dict[str, Any], name: str) -> Callable[[], Any]:
    return lambda: namespace.get(name)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value
