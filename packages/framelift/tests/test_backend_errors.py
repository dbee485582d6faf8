"""An error of a backend in the midst of a call: the frames of the program that wait there are left as by any error."""

from __future__ import annotations

import pytest
import torch

import framelift
from framelift.errors import BackendError


def refuses_cosines(gm, example_inputs):
    if any("cos" in str(node.target) for node in gm.graph.nodes):
        raise ValueError("no cosines")
    return gm.forward


class Region:
    def __init__(self):
        self.log = []

    def __enter__(self):
        self.log.append("entered")

    def __exit__(self, kind, error, traceback):
        self.log.append(f"left: {kind and kind.__name__}")


def inside(x, region):
    with torch.no_grad(), region:
        y = x.sin()
        framelift.graph_break()
        return y.cos()


def test_blocks_are_left():
    def f(x, region):
        try:
            return inside(x, region) + 1
        finally:
            region.log.append("finally")

    region = Region()
    with pytest.raises(BackendError, match="no cosines") as raised:
        framelift.compile(f, backend=refuses_cosines)(torch.ones(2), region)
    assert region.log == ["entered", "left: BackendError", "finally"]
    assert torch.is_grad_enabled()
    assert {"f", "inside"} <= {entry.name for entry in raised.traceback}


def test_the_program_may_handle_it():
    def f(x, region):
        try:
            return inside(x, region)
        except BackendError:
            return x + 7

    region = Region()
    result = framelift.compile(f, backend=refuses_cosines)(torch.ones(2), region)
    assert result.tolist() == [8, 8]
    assert region.log == ["entered", "left: BackendError"]
