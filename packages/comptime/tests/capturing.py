"""Runs a function's capture with comptime in the registry, and returns what it printed to `OUT`."""

from __future__ import annotations

import io

import torch

from framelift_comptime import RULES, TYPES
from framelift_graph_capture import FunctionCall, capture, default_registry

OUT = io.StringIO()


def captured(function, dynamic=False, **values):
    """Return the capture of a call, and what its comptime calls wrote to `OUT`."""
    OUT.seek(0)
    OUT.truncate()
    registry = default_registry().extend(types=TYPES, functions=RULES)
    result = capture(FunctionCall(function), values or {"x": torch.ones(2, 3)}, registry=registry, dynamic=dynamic)
    return result, OUT.getvalue()
