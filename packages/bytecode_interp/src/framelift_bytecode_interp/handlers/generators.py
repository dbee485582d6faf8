"""Generators: creation, `yield`, `yield from`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Raise, Value, Yield

V = TypeVar("V")


def return_generator(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Suspend the frame and hand its generator to the caller; the first `send` pushes what the next POP_TOP drops."""
    result = domain.make_generator(frame)
    if type(result) is not Value:
        return result  # type: ignore[return-value]  # making a generator is immediate: a Break or a Raise
    if frame.generator is None:
        frame.generator = result.value
    frame.completion = instruction.completion
    return Yield(result.value)


def yield_value(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`: yield it; `[] -> [sent]` when resumed."""
    frame.completion = instruction.completion
    return Yield(frame.stack.pop())


def get_yield_from_iter(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [what yield from iterates]`."""
    return deliver(frame, instruction.completion, domain.get_yield_from_iter(frame, frame.stack[-1]), domain)


def send(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[receiver, sent] -> [receiver, yielded]`, or a jump with the returned value."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.send(stack[-2], stack[-1]), domain)


def end_send(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[receiver, returned] -> [returned]`."""
    del frame.stack[-2]
    return NEXT


def cleanup_throw(frame: Frame[V], _instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[receiver, sent, exception] -> [None, returned]` if it is StopIteration, else raise it again."""
    stack = frame.stack
    exception = stack[-1]
    if not domain.is_stop_iteration(exception):
        return Raise(exception, again=True)
    stack[-3:] = domain.constant(None), domain.stop_iteration_value(exception)
    return NEXT


def stop_iteration_error(frame: Frame[V], _instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[exception] -> [what leaves the generator]`."""
    frame.stack[-1] = domain.generator_raised(frame, frame.stack[-1])
    return NEXT


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "CLEANUP_THROW": cleanup_throw,
    "END_SEND": end_send,
    "GET_YIELD_FROM_ITER": get_yield_from_iter,
    "RETURN_GENERATOR": return_generator,
    "SEND": send,
    "STOPITERATION_ERROR": stop_iteration_error,
    "YIELD_VALUE": yield_value,
}
