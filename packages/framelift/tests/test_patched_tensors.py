"""Methods, operators and attributes of `torch.Tensor` that the program patches after a capture, for any backend."""

from __future__ import annotations

import pytest
import torch
from observation import describe

import framelift

X = torch.tensor([[0.25, 0.5], [1.0, 2.0]])
TIMES_NINE = lambda tensor, *others: torch.mul(tensor, 9)  # noqa: E731
SEVEN = property(lambda tensor: 7)

CASES = {
    "sin": (lambda x: x.sin() + 1, TIMES_NINE),
    "sum": (lambda x: x.sum(), TIMES_NINE),
    "split": (lambda x: x.split(1)[0], TIMES_NINE),
    "__add__": (lambda x: x + 1, TIMES_NINE),
    "__radd__": (lambda x: 1 + x, TIMES_NINE),
    "__iadd__": (lambda x: in_place(x.clone()), TIMES_NINE),
    "__neg__": (lambda x: -x, TIMES_NINE),
    "__lt__": (lambda x: x < 1, TIMES_NINE),
    "__getitem__": (lambda x: x[0], TIMES_NINE),
    "__matmul__": (lambda x: x @ x, TIMES_NINE),
    "__len__": (lambda x: x * len(x), lambda tensor: 7),
    "__iter__": (lambda x: [row * 2 for row in x], lambda tensor: iter([torch.mul(tensor, 9)])),
    "dim": (lambda x: x * x.dim(), lambda tensor: 7),
    "is_signed": (lambda x: (x * 2, x.is_signed()), lambda tensor: "perhaps"),
    "T": (lambda x: x.T, SEVEN),
    "ndim": (lambda x: x * x.ndim, SEVEN),
    "is_mps": (lambda x: x * x.is_mps, SEVEN),
    "shape": (lambda x: x * x.shape[0], property(lambda tensor: (7, 7))),
    "tag": (lambda x: x * getattr(x, "tag", 1), 5),
}


def in_place(x):
    x += 1
    return x


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("name", CASES)
def test_a_patch_is_seen_by_the_next_call_and_so_is_its_end(monkeypatch, name, backend):
    function, patch = CASES[name]
    lifted = framelift.compile(function, backend=backend)
    told = [(describe(lifted(X)), describe(function(X)))]
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, name, patch, raising=False)
        told += [(lifted(X), function(X)) for _ in range(2)]
    told += [(lifted(X), function(X))]
    told[1:] = [(describe(ours), describe(eager)) for ours, eager in told[1:]]
    assert [ours for ours, _ in told] == [eager for _, eager in told]
    assert not lifted.framelift.capture_errors


def test_parameters_have_a_class_of_their_own(monkeypatch):
    parameter = torch.nn.Parameter(torch.ones(2))
    lifted = framelift.compile(lambda x: x.sin(), backend="aot_eager")
    assert torch.equal(lifted(parameter), parameter.sin())
    monkeypatch.setattr(torch.nn.Parameter, "sin", TIMES_NINE, raising=False)
    assert torch.equal(lifted(parameter), parameter * 9)
    assert lifted.framelift.why_recompiled()[0].startswith(
        "recompiled <lambda>: Parameter.sin was torch's, is <function>"
    )


def test_what_the_program_never_asks_for_is_free(monkeypatch):
    lifted = framelift.compile(lambda x: x.sin(), backend="eager")
    lifted(X)
    monkeypatch.setattr(torch.Tensor, "cos", TIMES_NINE)
    lifted(X)
    assert len(lifted.framelift.specialisations) == 1
