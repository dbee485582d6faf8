"""`itertools.chain`, `count` and `repeat` of known items: unlike a generator, each can be made again anywhere."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Value

from ..emitter import Emitter
from ..handler import Answer, Arguments, CallContext, Keywords, Tracking
from ..polyfills import itertools as polyfills
from ..variable import ConstantVariable, Variable
from .iterator import IteratorHandler, IteratorVariable


class ChainVariable(IteratorVariable):
    """A chain of sequences.

    Args:
        rest: the sequences that were not reached yet.
        active: the iterator of the present one.
    """

    __slots__ = ("active", "rest")

    def __init__(self, rest: Sequence[Variable]) -> None:
        self.cls = itertools.chain
        self.source = None
        self.rest = list(rest)
        self.active: Variable | None = None


class CountVariable(IteratorVariable):
    """A count.

    Args:
        number: the next number.
        step: what is added.
    """

    __slots__ = ("number", "step")

    def __init__(self, number: Variable, step: Variable) -> None:
        self.cls = itertools.count
        self.source = None
        self.number = number
        self.step = step


class RepeatVariable(IteratorVariable):
    """A repeat.

    Args:
        item: what it gives.
        times: how often yet; None for ever.
    """

    __slots__ = ("item", "times")

    def __init__(self, item: Variable, times: int | None) -> None:
        self.cls = itertools.repeat
        self.source = None
        self.item = item
        self.times = times


class ChainHandler(IteratorHandler):
    """itertools.chain."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, ChainVariable)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "from_iterable" and len(args) == 1 and not kwargs and not isinstance(variable, ChainVariable):
            iterables = domain.sequence(args[0])
            if iterables is not None and args[0].cls is tuple and known(domain, iterables):
                return Value(ChainVariable(iterables))
            return domain.polyfill(polyfills.chain_from_iterable, args[0])
        return super().call_method(domain, variable, name, args, kwargs)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, ChainVariable):
            return super().next(domain, variable)
        while True:
            if variable.active is None:
                if not variable.rest:
                    return domain.raise_error(StopIteration)
                begun = domain.get_iter(variable.rest[0])
                if not isinstance(begun, Value):
                    return begun
                variable.active = begun.value
                del variable.rest[0]
            answer = domain.next(variable.active)
            if isinstance(answer, Value) or not stops(domain, answer):
                return answer
            variable.active = None

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ChainVariable)
        parts = variable.rest if variable.active is None else [variable.active, *variable.rest]
        return emitter.call(itertools.chain, *map(emitter.value, parts))


class CountHandler(IteratorHandler):
    """itertools.count."""

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, CountVariable):
            return super().next(domain, variable)
        following = domain.binary("+", variable.number, variable.step)
        if not isinstance(following, Value):
            return domain.unsupported(variable.step, "use as the step of count")
        number, variable.number = variable.number, following.value
        return Value(number)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, CountVariable)
        return emitter.call(itertools.count, emitter.value(variable.number), emitter.value(variable.step))


class RepeatHandler(IteratorHandler):
    """itertools.repeat."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, RepeatVariable) and variable.times is not None

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, RepeatVariable):
            return super().next(domain, variable)
        if variable.times is not None:
            if variable.times <= 0:
                return domain.raise_error(StopIteration)
            variable.times -= 1
        return Value(variable.item)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, RepeatVariable)
        item = emitter.value(variable.item)
        times = [] if variable.times is None else [emitter.constant(variable.times, "times")]
        return emitter.call(itertools.repeat, item, *times)


def stops(domain: Tracking, answer: Any) -> bool:
    """Tell whether an answer raises StopIteration."""
    exception = getattr(answer, "exception", None)
    return isinstance(exception, Variable) and domain.is_stop_iteration(exception)


def known(domain: Tracking, iterables: Sequence[Variable]) -> bool:
    """Tell whether iterating each of these sequences runs no code."""
    return all(iterable.cls in _SEQUENCES and domain.sequence(iterable) is not None for iterable in iterables)


_SEQUENCES = frozenset((list, tuple, range, str, bytes, dict))


def make_chain(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`itertools.chain(*args)`."""
    if kwargs:
        return domain.raise_error(TypeError, "chain() takes no keyword arguments")
    if known(domain, args):
        return Value(ChainVariable(args))
    packed = domain.build_tuple(args)
    return domain.polyfill(polyfills.chain, packed.value) if isinstance(packed, Value) else packed


def make_count(domain: Tracking, number: Variable, step: Variable) -> Answer:
    """`itertools.count(number, step)`."""
    if not isinstance(number, ConstantVariable) or not isinstance(step, ConstantVariable):
        return domain.polyfill(polyfills.count, number, step)
    if not {number.cls, step.cls} <= {int, float, complex, bool}:
        return domain.raise_error(TypeError, "a number is required")
    return Value(CountVariable(number, step))


def make_repeat(domain: Tracking, item: Variable, times: Variable) -> Answer:
    """`itertools.repeat(item, times)`; NotImplemented stands for no number."""
    if isinstance(times, ConstantVariable) and times.value is NotImplemented:
        return Value(RepeatVariable(item, None))
    number = times.value if isinstance(times, ConstantVariable) else domain.recorder.as_index(times)
    if not isinstance(number, int):
        return domain.unsupported(times, "use as the number of repetitions")
    return Value(RepeatVariable(item, int(number)))


HANDLERS = {
    itertools.chain: ChainHandler(),
    itertools.count: CountHandler(),
    itertools.repeat: RepeatHandler(),
}
