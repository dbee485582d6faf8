"""Predicates on torch's global and thread-local state: each kind is a guard of its own, all are one check.

A state is read when a capture starts, since the captured code may change it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._device import DeviceContext

from framelift_guards import accelerator
from framelift_guards.codegen import Builder
from framelift_guards.guard import Guard, UserLine
from framelift_guards.plain import identity_token, show
from framelift_guards.predicates.base import Member, Predicate, both, compare
from framelift_guards.reference import Reference
from framelift_guards.source import Scope

from . import native

Reading = tuple[str, Callable[[], object]]

OBSERVER = "__framelift_observer__"
"""The attribute of a class of torch-function modes that only watch: no guard depends on whether one is active."""

_DEVICES = ("cpu", "cuda", "xpu", "mps", "mtia", "hpu")

GRAD_MODE: tuple[Reading, ...] = (("grad mode", torch.is_grad_enabled),)
DETERMINISM: tuple[Reading, ...] = (
    ("deterministic algorithms", torch.are_deterministic_algorithms_enabled),
    ("deterministic algorithms, warn only", torch.is_deterministic_algorithms_warn_only_enabled),
)


def _autocast(device: str) -> tuple[Reading, ...]:
    return (
        (f"autocast of {device}", lambda: torch.is_autocast_enabled(device)),
        (f"autocast dtype of {device}", lambda: torch.get_autocast_dtype(device)),
    )


_NATIVE: tuple[Reading, ...] = (
    *[reading for device in _DEVICES for reading in _autocast(device)],
    ("autocast cache", torch.is_autocast_cache_enabled),
    ("default dtype", torch.get_default_dtype),
    ("number of threads", torch.get_num_threads),
    ("TF32 in matrix products", torch._C._get_cublas_allow_tf32),
    ("reduced FP16 precision in matrix products", torch._C._get_cublas_allow_fp16_reduced_precision_reduction),
    ("reduced BF16 precision in matrix products", torch._C._get_cublas_allow_bf16_reduced_precision_reduction),
    ("torch functions of subclasses", torch._C._is_torch_function_enabled),
    ("torch functions", lambda: not torch._C._is_torch_function_all_disabled()),
)
_BEYOND: tuple[Reading, ...] = (  # what torch's compiled check leaves out
    ("inference mode", torch.is_inference_mode_enabled),
    ("a dispatch mode", lambda: torch._C._len_torch_dispatch_stack() > 0),
    ("a transform of torch.func", lambda: torch._C._functorch.maybe_current_level() is not None),
)
GLOBAL: tuple[Reading, ...] = (*_NATIVE, *_BEYOND)


_COMPARED_BY_ASKING = (bool, int, type(None), torch.dtype)
"""Types of answers that a question can expect: there is one object of each value, or it is an integer."""


class StatePredicate(Predicate):
    """A predicate on state: whatever the arguments are, functions can be asked whether it holds."""

    def questions(self, builder: Builder) -> Sequence[accelerator.Question]:
        """Return what can be asked instead of evaluating the expression of :meth:`to_ast`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class State(StatePredicate):
    """Readings of global state have these values.

    Args:
        kind: the guard's kind.
        readings: what is read, each with a name.
        values: what was read.
        compiled: torch's own check, made when the values were read; ``None`` where there is none.
        covers: how many of the first readings the compiled check stands for.
        also_covers: the other predicates that the compiled check stands for.
    """

    kind: str  # type: ignore[misc]
    readings: tuple[Reading, ...]
    values: tuple[object, ...]
    compiled: native.Check | None = None
    covers: int = 0
    also_covers: tuple[State, ...] = ()

    def ingredients(self) -> Sequence[object]:
        names = [name for name, _ in self.readings]
        return [self.kind, list(zip(names, map(_written, self.values), strict=True))]

    @classmethod
    def made_from(cls, *ingredients: Any) -> State:
        kind, values = ingredients
        readings = _READINGS[kind]
        if [name for name, _ in values] != [name for name, _ in readings]:
            raise ValueError(f"this version reads other state for {kind}")
        made = cls(kind, readings, tuple([_read_back(value) for _, value in values]))
        now = global_state() if kind == "GLOBAL_STATE" else made
        return now if now == made else made

    def _parts(self) -> tuple[Hashable, ...]:
        return self.kind, tuple([identity_token(value) for value in self.values])

    def difference(self) -> tuple[str, object, object] | None:
        """Return the first reading that differs, as (name, expected, found)."""
        for (name, read), expected in zip(self.readings, self.values, strict=True):
            found = read()
            if type(found) is not type(expected) or found != expected:
                return name, expected, found
        return None

    def holds(self) -> bool:
        """Tell whether the state is as it was read."""
        return self.difference() is None

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds()

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return (
            both(*self._conditions(builder, 0)) if self.compiled is None else both(*self.compiled_conditions(builder))
        )

    def compiled_conditions(self, builder: Builder) -> list[ast.expr]:
        """Return the compiled check and a comparison for each reading that it leaves out."""
        assert self.compiled is not None
        check = ast.Call(builder.constant(self.compiled.check, "global_state_match"), [], [])
        return [check, *self._conditions(builder, self._left(builder))]

    def questions(self, builder: Builder) -> Sequence[accelerator.Question]:
        start = 0 if self.compiled is None else self._left(builder)
        left = zip(self.readings[start:], self.values[start:], strict=True)
        compiled: list[accelerator.Question] = [] if self.compiled is None else [(self.compiled.check, (), True, None)]
        return [*compiled, *[_question(read, expected) for (_, read), expected in left]]

    def _left(self, builder: Builder) -> int:
        """Return the first reading that nothing compiled covers."""
        beyond = not builder.paths or not all(map(_checks_tensors_in_bulk, builder.paths))
        return self.covers if beyond else len(self.readings)

    def _conditions(self, builder: Builder, start: int) -> list[ast.expr]:
        return [
            compare(builder.call(read), _sameness(expected), builder.constant(expected, "expected"))
            for (_, read), expected in zip(self.readings[start:], self.values[start:], strict=True)
        ]

    def describe(self, name: str) -> str:
        return " and ".join(
            f"{reading} is {_show(value)}" for (reading, _), value in zip(self.readings, self.values, strict=True)
        )

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        difference = self.difference()
        return None if difference is None else f"keep {difference[0]} as it was between calls"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        difference = self.difference()
        if difference is None:
            return None
        reading, expected, found = difference
        return f"{reading} was {_show(expected)}, is {_show(found)}"


def grad_mode() -> State:
    """Return the predicate that gradients are recorded, or not, as now (``GRAD_MODE``)."""
    return _read(GRAD_MODE, "GRAD_MODE")


def deterministic_algorithms() -> State:
    """Return the predicate that deterministic algorithms are demanded as now (``DETERMINISTIC_ALGORITHMS``)."""
    return _read(DETERMINISM, "DETERMINISTIC_ALGORITHMS")


def global_state() -> State:
    """Return the predicate that autocast, default dtype, precision, threads and modes are as now (``GLOBAL_STATE``)."""
    values = tuple([read() for _, read in GLOBAL])
    if native.global_state_guard is None:
        return State("GLOBAL_STATE", GLOBAL, values)
    also = (grad_mode(), deterministic_algorithms())
    return State("GLOBAL_STATE", GLOBAL, values, native.global_state_guard(), len(_NATIVE), also)


def _read(readings: tuple[Reading, ...], kind: str) -> State:
    return State(kind, readings, tuple([read() for _, read in readings]))


def _checks_tensors_in_bulk(predicates: Iterable[object]) -> bool:
    return any(isinstance(other, native.InBulk) and other.in_bulk for other in predicates)


def _sameness(expected: object) -> ast.cmpop:
    return ast.Is() if expected is None or type(expected) is bool else ast.Eq()


def _question(read: Callable[[], object], expected: object) -> accelerator.Question:
    if type(expected) in _COMPARED_BY_ASKING:
        return read, (), expected, None
    return functools.partial(_reads_as, read, expected), (), True, None


def _reads_as(read: Callable[[], object], expected: object) -> bool:
    return read() == expected


@dataclass(frozen=True)
class Emptiness:
    """How to ask cheaply whether a stack is empty: ``function(*arguments) is expected``."""

    function: Callable[..., object]
    arguments: tuple[bool, ...]
    expected: int | None

    def to_ast(self, builder: Builder) -> ast.expr:
        """Return the question as an expression."""
        call = builder.call(self.function, *[ast.Constant(argument) for argument in self.arguments])
        return compare(call, _sameness(self.expected), ast.Constant(self.expected))


@dataclass(frozen=True, eq=False, repr=False)
class Stack(StatePredicate):
    """A stack of modes or hooks holds these objects: devices by value, all others by identity, weakly.

    Args:
        kind: the guard's kind.
        title: what the stack is called in texts.
        read: returns the objects now.
        empty: how to ask cheaply that there are none.
        entries: a device, or a reference to an object.
    """

    kind: str  # type: ignore[misc]
    title: str
    read: Callable[[], Sequence[object]]
    empty: Emptiness | None
    entries: tuple[torch.device | Reference, ...]

    def ingredients(self) -> Sequence[object]:
        return [self.kind, [one if isinstance(one, Reference) else str(one) for one in self.entries]]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Stack:
        kind, devices = ingredients
        title, read, empty = _STACKS[kind]
        return cls(kind, title, read, empty, tuple([torch.device(device) for device in devices]))

    def _parts(self) -> tuple[Hashable, ...]:
        return self.kind, self.entries

    def holds(self) -> bool:
        """Tell whether the stack holds these objects now."""
        found = self.read()
        return len(found) == len(self.entries) and all(map(_is_entry, self.entries, found))

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds()

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        if self.entries or self.empty is None:
            return builder.call(self.holds)
        return self.empty.to_ast(builder)

    def questions(self, builder: Builder) -> Sequence[accelerator.Question]:
        if self.entries or self.empty is None:
            return [(self.holds, (), True, None)]
        return [(self.empty.function, self.empty.arguments, self.empty.expected, None)]

    def describe(self, name: str) -> str:
        return f"{self.title} are {self._show(self.entries)}" if self.entries else f"there are no {self.title}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.holds():
            return None
        found = tuple([_entry(item) for item in self.read()])
        return f"{self.title} were {self._show(self.entries)}, are {self._show(found)}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"keep the {self.title} as they were between calls"

    @staticmethod
    def _show(entries: Sequence[torch.device | Reference]) -> str:
        return f"[{', '.join(_show_entry(entry) for entry in entries)}]"


def torch_function_state() -> Stack:
    """Return the predicate that the stack of torch-function modes is as now (``TORCH_FUNCTION_STATE``)."""
    return _stack("TORCH_FUNCTION_STATE")


def default_device() -> Stack:
    """Return the predicate that the default device is as now (``DEFAULT_DEVICE``)."""
    return _stack("DEFAULT_DEVICE")


def saved_tensors_hooks() -> Stack:
    """Return the predicate that the hooks on saved tensors are as now (``AUTOGRAD_SAVED_TENSORS_HOOKS``)."""
    return _stack("AUTOGRAD_SAVED_TENSORS_HOOKS")


def global_state_guards(user_line: UserLine | None = None) -> tuple[Guard, ...]:
    """Return the guards on the whole of torch's state as it is now: call this when a capture starts.

    >>> [guard.kind for guard in global_state_guards()]  # doctest: +NORMALIZE_WHITESPACE
    ['AUTOGRAD_SAVED_TENSORS_HOOKS', 'GRAD_MODE', 'DETERMINISTIC_ALGORITHMS', 'GLOBAL_STATE', 'TORCH_FUNCTION_STATE',
     'DEFAULT_DEVICE']
    """
    predicates: tuple[Predicate, ...] = (
        saved_tensors_hooks(),
        grad_mode(),
        deterministic_algorithms(),
        global_state(),
        torch_function_state(),
        default_device(),
    )
    return tuple([Guard(None, predicate, user_line) for predicate in predicates])


@dataclass(frozen=True)
class StateFamily:
    """Compiles all predicates on torch's state into one short check: with the accelerator, a single call."""

    def to_ast(self, members: Sequence[Member], builder: Builder) -> Sequence[ast.expr]:
        """Return the conjunction of the members."""
        predicates = [member.predicate for member in members if isinstance(member.predicate, StatePredicate)]
        implied: set[Predicate] = {other for one in predicates if isinstance(one, State) for other in one.also_covers}
        implied |= {_device_of(one) for one in predicates if isinstance(one, Stack) and one.read is _modes}
        needed = [one for one in predicates if one not in implied]
        # The cheapest and most often changed state first: grad mode is part of the compiled check.
        needed.sort(key=lambda one: not isinstance(one, State))
        questions = [question for one in needed for question in one.questions(builder)]
        return [builder.ask(questions, lambda: both(*[one.to_ast(ast.Constant(None), builder) for one in needed]))]


FAMILY = StateFamily()
State.family = FAMILY
Stack.family = FAMILY


def _stack(kind: str) -> Stack:
    title, read, empty = _STACKS[kind]
    return Stack(kind, title, read, empty, tuple([_entry(item) for item in read()]))


def _modes() -> Sequence[object]:
    modes = [torch._C._get_function_stack_at(index) for index in range(torch._C._len_torch_function_stack())]
    return [mode for mode in modes if not getattr(type(mode), OBSERVER, False)]


def _default_device() -> Sequence[object]:
    return [mode for mode in _modes() if type(mode) is DeviceContext][-1:]


_top_hooks: Callable[[bool], tuple[object, object] | None] = torch._C._autograd._top_saved_tensors_default_hooks


def _device_of(modes: Stack) -> Stack:
    """Return the predicate on the default device that follows from one on the modes."""
    devices = tuple([entry for entry in modes.entries if not isinstance(entry, Reference)])
    return Stack("DEFAULT_DEVICE", "default devices", _default_device, None, devices[-1:])


def _hooks() -> Sequence[object]:
    return _top_hooks(True) or ()  # True: also while hooks are disabled


_NO_MODES = Emptiness(torch._C._len_torch_function_stack, (), 0)
_NO_HOOKS = Emptiness(_top_hooks, (True,), None)

_READINGS: dict[str, tuple[Reading, ...]] = {
    "GRAD_MODE": GRAD_MODE,
    "DETERMINISTIC_ALGORITHMS": DETERMINISM,
    "GLOBAL_STATE": GLOBAL,
}
_STACKS: dict[str, tuple[str, Callable[[], Sequence[object]], Emptiness | None]] = {
    "TORCH_FUNCTION_STATE": ("torch-function modes", _modes, _NO_MODES),
    "DEFAULT_DEVICE": ("default devices", _default_device, None),
    "AUTOGRAD_SAVED_TENSORS_HOOKS": ("hooks on saved tensors", _hooks, _NO_HOOKS),
}


def _written(value: object) -> object:
    return ("dtype", str(value).removeprefix("torch.")) if isinstance(value, torch.dtype) else value


def _read_back(value: object) -> object:
    return getattr(torch, value[1]) if type(value) is tuple and value[:1] == ("dtype",) else value


def _entry(item: object) -> torch.device | Reference:
    return item.device if type(item) is DeviceContext else Reference(item)


def _is_entry(entry: torch.device | Reference, item: object) -> bool:
    if isinstance(entry, Reference):
        return entry.refers_to(item)
    return type(item) is DeviceContext and item.device == entry


def _show(value: object) -> str:
    return str(value) if isinstance(value, torch.dtype) else show(value)


def _show_entry(entry: torch.device | Reference) -> str:
    if isinstance(entry, Reference):
        return show(entry.get()) if entry.alive else "an object that no longer exists"
    return f"device {entry}"
