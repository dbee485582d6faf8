"""The product of ways to read something and of changes of it: each pair in a world of its own, beside eager."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import torch
from observation import describe

import framelift

Change = Callable[[Any], Any]
Read = Callable[[Any, torch.Tensor], Any]
UNDO = (types.FunctionType, types.MethodType)


def outcome(function: Read, world: Any, x: torch.Tensor) -> tuple[Any, ...]:
    try:
        return "returned", describe(function(world, x))
    except Exception as error:
        return "raised", type(error).__name__, str(error)


def history(read: Read, change: Change, make: Callable[[], Any], x: torch.Tensor) -> list[Any]:
    """Return the outcomes of two calls before a change, two after it, and one after it was undone, if it can be.

    What a change answers undoes it, where that is a function.
    """
    torch.manual_seed(0)
    world, undo = make(), None
    told = [outcome(read, world, x.clone()) for _ in range(2)]
    try:
        undo = change(world)
        told += [outcome(read, world, x.clone()) for _ in range(2)]
    finally:
        if isinstance(undo, UNDO):
            undo()
    return [*told, outcome(read, world, x.clone())]


def stale(
    read: Read, changes: Mapping[str, Change], make: Callable[[], Any], x: torch.Tensor
) -> tuple[list[tuple[Any, ...]], int]:
    """Return where a read is not what it is eagerly, and how many changes matter to it at all."""
    wrong, mattered = [], 0
    without = history(read, lambda world: None, make, x)
    for name, change in changes.items():
        expected = history(read, change, make, x)
        if expected != without:
            mattered += 1
            found = history(framelift.compile(read, backend="eager"), change, make, x)
            if found != expected:
                wrong.append((name, found, expected))
    return wrong, mattered


def replaced(owner: object, name: str, value: object) -> Callable[[], None]:
    """Set an attribute, and return what restores it."""
    known = vars(owner)
    before = known.get(name)
    restore = (lambda: setattr(owner, name, before)) if name in known else (lambda: delattr(owner, name))
    setattr(owner, name, value)
    return restore
