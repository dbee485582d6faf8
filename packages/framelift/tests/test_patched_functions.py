"""Functions of torch that the program patches after a capture, where torch's own Python calls them, for any backend."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody writes it
from observation import describe

import framelift

X = torch.tensor([[0.25, 0.5], [1.0, 2.0]])
ROWS = torch.tensor([0, 1])
CONSTANT = lambda *args, **kwargs: torch.full((1,), 5.0)  # noqa: E731
AS_THEY_WERE = {name: getattr(torch, name) for name in ("sin", "relu")}
RELU = F.relu


def twice(old):
    """Return what wraps a function, as programs do that add to it: it calls what it replaces."""
    return lambda *args, **kwargs: old(*args, **kwargs) * 2


CASES = {
    "layer_norm": (lambda x: F.layer_norm(x, (2,)), torch, "layer_norm"),
    "a module's": (torch.nn.LayerNorm(2, elementwise_affine=False), F, "layer_norm"),
    "below a module's": (torch.nn.LayerNorm(2, elementwise_affine=False), torch, "layer_norm"),
    "softmax": (lambda x: F.softmax(x, -1), torch.Tensor, "softmax"),
    "cross_entropy": (lambda x: F.cross_entropy(x, ROWS), torch._C._nn, "cross_entropy_loss"),
    "einsum": (lambda x: torch.einsum("ij,kj->ik", x, x), torch._VF, "einsum"),
    "norm": (lambda x: torch.norm(x), torch.linalg, "vector_norm"),
    "a method's norm": (lambda x: x.norm(), torch.linalg, "vector_norm"),
    "a method in Python": (lambda x: x.norm(), torch, "norm"),
    "dropout": (lambda x: F.dropout(x, 0.5, False), torch._VF, "dropout"),
    "relu": (lambda x: F.relu(x - 1), torch, "relu"),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2), torch, "max_pool1d"),
    "a function of the same module": (lambda x: F.softmin(x, 0), torch.Tensor, "softmax"),
    "a private function of torch": (lambda x: F.softmax(x), F, "_get_softmax_dim"),
    "inlined": (lambda x: F.gumbel_softmax(x, hard=True) * 0, torch, "zeros_like"),
    "a reflected operator": (lambda x: 2**x, torch, "pow"),
    "a reflected division": (lambda x: 2 / x, torch.Tensor, "reciprocal"),
    "the rest": (lambda x: 5 % x, torch, "remainder"),
    "floor division": (lambda x: x // 2, torch, "floor_divide"),
    "iteration": (lambda x: [row * 2 for row in x], torch.Tensor, "unbind"),
    "what is not patched": (lambda x: torch.cos(x), torch, "sin"),
    "what was read before": (lambda x: AS_THEY_WERE["sin"](x), torch, "sin"),
    "what was read before, of Python": (lambda x: RELU(x - 1), F, "relu"),
    "an operator": (lambda x: torch.matmul(x, x), torch, "matmul"),
}


def told(function, owner, name, patch):
    """Return what calls return before a patch, under it, and after it."""
    with pytest.MonkeyPatch.context() as patched:
        found = [describe(function(X)) for _ in range(2)]
        patched.setattr(owner, name, patch)
        found += [outcome(function) for _ in range(2)]
    return [*found, describe(function(X))]


def outcome(function):
    try:
        return describe(function(X))
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wrapped", [False, True], ids=["replaced", "wrapped"])
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("case", CASES)
def test_a_patch_is_seen_by_the_next_call_and_so_is_its_end(case, backend, wrapped):
    function, owner, name = CASES[case]
    patch = twice(getattr(owner, name)) if wrapped else CONSTANT
    lifted = framelift.compile(function, backend=backend)
    torch.manual_seed(0)
    expected = told(function, owner, name, patch)
    torch.manual_seed(0)
    assert told(lifted, owner, name, patch) == expected


def test_what_is_patched_before_the_first_call_is_ordinary_python(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "softmax", twice(torch.softmax))
    lifted = framelift.compile(lambda x: F.softmax(x, 0, _stacklevel=3) + 1, backend="eager", fullgraph=True)
    assert torch.equal(lifted(X), F.softmax(X, 0) + 1)
    assert "mul" in str(lifted.framelift.specialisations[0].graph.graph)
