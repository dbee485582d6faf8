"""The `match` statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import Outcome

V = TypeVar("V")


def get_len(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[subject] -> [subject, len(subject)]`."""
    return deliver(frame, instruction.completion, domain.length(frame.stack[-1]), domain)


def match_mapping(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[subject] -> [subject, is a mapping]`."""
    return deliver(frame, instruction.completion, domain.match_mapping(frame.stack[-1]), domain)


def match_sequence(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[subject] -> [subject, is a sequence]`."""
    return deliver(frame, instruction.completion, domain.match_sequence(frame.stack[-1]), domain)


def match_keys(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[subject, keys] -> [subject, keys, values or None]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.match_keys(stack[-2], stack[-1]), domain)


def match_class(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[subject, class, names] -> [attributes or None]`."""
    subject, cls, names = frame.stack[-3:]
    result = domain.match_class(subject, cls, instruction.arg, names)
    return deliver(frame, instruction.completion, result, domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "GET_LEN": get_len,
    "MATCH_CLASS": match_class,
    "MATCH_KEYS": match_keys,
    "MATCH_MAPPING": match_mapping,
    "MATCH_SEQUENCE": match_sequence,
}
