"""Coroutines, `async for`, asynchronous generators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Raise, Value

V = TypeVar("V")


def _operation(name: str) -> Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]:
    def handler(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
        result = domain.asynchronous(frame, name, frame.stack[-1:])
        return deliver(frame, instruction.completion, result, domain)

    handler.__name__ = name
    return handler


def end_async_for(frame: Frame[V], _instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[iterator, exception] -> []` if it is StopAsyncIteration, else raise it again."""
    stack = frame.stack
    exception = stack[-1]
    matches = domain.matches(exception, domain.constant(StopAsyncIteration))
    if type(matches) is Value:
        truth = domain.truth(matches.value)
        if type(truth) is Value:
            if not truth.value:
                return Raise(exception, again=True)
            del stack[-2:]
            return NEXT
        matches = truth
    return matches  # type: ignore[return-value]  # matching a builtin class is immediate: a Break or a Raise


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "ASYNC_GEN_WRAP": _operation("wrap"),
    "END_ASYNC_FOR": end_async_for,
    "GET_AITER": _operation("get_aiter"),
    "GET_ANEXT": _operation("get_anext"),
    "GET_AWAITABLE": _operation("get_awaitable"),
}
