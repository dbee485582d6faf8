"""Runs a function's capture with comptime in the registry, and returns what it printed to `OUT`."""

from __future__ import annotations

import io

import pytest
import torch

from framelift_comptime import RULES, TYPES, UNGUARDED
from framelift_graph_capture import FunctionCall, capture, default_registry
from framelift_guards import Scope

OUT = io.StringIO()
REGISTRY = default_registry().extend(types=TYPES, functions=RULES, unguarded=UNGUARDED)


def captured(function, dynamic=False, **values):
    """Return the capture of a call, and what its comptime calls wrote to `OUT`."""
    OUT.seek(0)
    OUT.truncate()
    values = values or {"x": torch.ones(2, 3)}
    return capture(FunctionCall(function), values, registry=REGISTRY, dynamic=dynamic), OUT.getvalue()


def ran(function, *arguments, dynamic=False):
    """Capture a call, without a break, and return what the captured code gives for the same arguments."""
    entry_point = FunctionCall(function)
    values = dict(zip(entry_point.parameters, arguments, strict=True))
    found = capture(entry_point, values, registry=REGISTRY, dynamic=dynamic)
    assert found.break_ is None, found.break_
    assert not found.runs_eagerly
    scope = Scope(values)
    run = found.entry(found.graph, lambda continuation: pytest.fail("nothing is to be continued"))
    return run(*arguments, *[source.fetch(scope) for source in found.sources])
