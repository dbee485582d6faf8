"""Compares a lifted function with itself, run eagerly: results, mutations of the arguments, exceptions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch

import framelift
from framelift.testing import CompileCounter, same


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Return what a call gives or raises, and what it left of its arguments."""
    torch.manual_seed(0)
    try:
        return "returned", function(*arguments), arguments
    except Exception as error:
        return "raised", (type(error).__name__, str(error)), arguments


def check(function: Callable[..., Any], *arguments: Any, graphs: int | None = 1, **options: Any) -> Any:
    """Run eagerly and lifted, twice each, on equal arguments, and compare.

    Args:
        function: what to lift.
        arguments: its arguments; they are copied for each run.
        graphs: how many graphs it takes; None: any number.
        options: of `framelift.compile`.
    """
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter, **options)
    for _ in range(2):
        expected = outcome(function, copy.deepcopy(arguments))
        result = outcome(lifted, copy.deepcopy(arguments))
        assert result[0] == expected[0], (result, expected)
        assert same(list(result[1:]), list(expected[1:])), (result, expected)
    assert not lifted.framelift.capture_errors, lifted.framelift.capture_errors
    if graphs is not None:
        assert counter.frame_count == graphs, [str(one) for one in lifted.framelift.breaks]
    return lifted
