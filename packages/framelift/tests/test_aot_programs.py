"""Small programs through AOTAutograd against eager: results, gradients, mutations of inputs, random state.

`aot_eager` traces forward and backward as Inductor does, and runs what it traced: its errors are those of the boundary,
not of code generation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._pytree import tree_leaves

import framelift

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's compilers are not free of warnings

Inputs = Callable[[], tuple[Any, ...]]


def plain(*sizes: tuple[int, ...]) -> Inputs:
    return lambda: tuple([torch.randn(size) for size in sizes])


def learnt(*sizes: tuple[int, ...]) -> Inputs:
    return lambda: tuple([torch.randn(size, requires_grad=True) for size in sizes])


def computed(*sizes: tuple[int, ...]) -> Inputs:
    def make() -> tuple[Any, ...]:
        leaves = learnt(*sizes)()
        results = tuple([leaf * 2 for leaf in leaves])
        for leaf, result in zip(leaves, results, strict=True):
            result.leaf = leaf
        return results

    return make


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x**2


def in_place(x):
    x.add_(1)
    return x * 2


def in_place_and_returned(x):
    x.mul_(2)
    return x, x + 1


def through_a_view(x):
    x[0].mul_(2)
    return x.sum()


def item_set(x, y):
    x[0] = y
    return x * 1


def copied_without_grad(x, y):
    with torch.no_grad():
        x.copy_(y * 2)
    return x + y


def behind_data(x):
    x.data.mul_(2)
    return x * 3


def overlapping_views(x):
    first, second = x[0:3], x[2:5]
    first.add_(1)
    return second * 2


def no_grad_inside(x, y):
    with torch.no_grad():
        z = x * y
    return z + x


@torch.no_grad()
def no_grad_around(x):
    with torch.enable_grad():
        y = x * 2
    return y, x * 3


def autocast_inside(x, y):  # twice the same would be cast once by eager, and its gradients be added in bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x @ y


def differentiates(x):
    return torch.autograd.grad((x * x).sum(), x)[0]


def goes_backward(x):
    (x * x).sum().backward()
    return x.grad * 2


def with_a_hook(x):
    y = x * 2
    y.register_hook(lambda grad: grad * 10)
    return y * 1


def transposed_input(x):
    x.t_()
    return x * 2


def intermediate_and_its_views(x):
    y = x * 2
    return y, y.view(-1), y[0]


def learns_from_here(x):
    y = x.clone().requires_grad_()
    return y * 2, y.is_leaf


PROGRAMS: dict[str, tuple[Callable[..., Any], Inputs]] = {
    "two results": (lambda x, y: (x * y, x + y), learnt((3,), (3,))),
    "one input learnt": (lambda x, y: (x * y).sin(), lambda: (torch.randn(3, requires_grad=True), torch.randn(3))),
    "a result that is an input": (lambda x, y: (x, x + y), learnt((3,), (3,))),
    "no operation": (lambda x: [x], learnt((3,))),
    "no input": (lambda: torch.ones(3) + torch.arange(3), plain()),
    "results that are no tensors": (lambda x: (None, 3, "text", x.shape, x + 1), learnt((3,))),
    "a result twice": (lambda x: (y := x + 1, y), learnt((3,))),
    "views of an input": (lambda x: (x.view(-1), x[0], x.t(), x.unsqueeze(0).expand(2, -1, -1)), learnt((3, 4))),
    "an intermediate and its views": (intermediate_and_its_views, learnt((3, 4))),
    "a view of a computed input": (lambda x: x[1:], computed((3,))),
    "in place": (in_place, plain((3,))),
    "in place on what was computed": (in_place, computed((3,))),
    "in place and returned": (in_place_and_returned, computed((3,))),
    "in place through a view": (through_a_view, plain((3, 3))),
    "in place on overlapping views": (overlapping_views, plain((8,))),
    "an item set": (item_set, lambda: (torch.randn(3, 3), torch.randn(3, requires_grad=True))),
    "copied without grad": (copied_without_grad, learnt((3,), (3,))),
    "behind data": (behind_data, learnt((3,))),
    "in place on an intermediate": (lambda x: (x * 2).clone().add_(1).mul_(x), learnt((3,))),
    "the size of an input changes": (transposed_input, plain((2, 3))),
    "no grad inside": (no_grad_inside, learnt((3,), (3,))),
    "grad within no grad": (no_grad_around, learnt((3,))),
    "detached": (lambda x, y: (x * y).detach() + x, learnt((3,), (3,))),
    "a leaf made inside": (learns_from_here, plain((3,))),
    "autocast": (autocast_inside, learnt((3, 3), (3, 3))),
    "dropout": (lambda x: F.dropout(x, 0.5), learnt((50,))),
    "random numbers": (lambda x: x + torch.rand(3) + torch.randn_like(x) + torch.randperm(3), learnt((3,))),
    "complex": (lambda x: torch.view_as_complex(x) * 1j, learnt((3, 2))),
    "integers and booleans": (lambda x: (x > 0, x.argmax(), x.long()), plain((5,))),
    "several types": (lambda x, y: x * y, lambda: (torch.randn(3, dtype=torch.float64), torch.arange(3))),
    "bfloat16": (lambda x: x @ x, lambda: (torch.randn(3, 3, dtype=torch.bfloat16, requires_grad=True),)),
    "a constant tensor": (lambda x: x + torch.tensor([1.0, 2.0, 3.0]), learnt((3,))),
    "a transposed input": (lambda x: x * 2, lambda: (torch.randn(4, 3).t(),)),
    "an expanded input": (lambda x: x + 1, lambda: (torch.randn(3, 1).expand(3, 4),)),
    "channels last": (
        lambda x: F.conv2d(x, torch.ones(2, 3, 3, 3)),
        lambda: (torch.randn(2, 3, 5, 5).contiguous(memory_format=torch.channels_last).requires_grad_(),),
    ),
    "empty": (lambda x: x * 2, plain((0, 3))),
    "of no dimension": (lambda x: x * 2 + 1, learnt(())),
    "split": (lambda x: torch.split(x, 2), learnt((6,))),
    "unbound": (lambda x: x.unbind(0), learnt((3, 2))),
    "named results": (lambda x: (x.topk(2), x.sort(), x.max(0)), learnt((6,))),
    "an index written": (
        lambda x, i: x.clone().index_put_((i,), torch.ones(2)),
        lambda: (torch.randn(5, requires_grad=True), torch.tensor([1, 3])),
    ),
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), learnt(*[(1, 2, 4, 8)] * 3)),
    "embedding": (lambda w, i: F.embedding(i, w), lambda: (torch.randn(5, 3, requires_grad=True), torch.arange(2))),
    "cross entropy": (F.cross_entropy, lambda: (torch.randn(4, 5, requires_grad=True), torch.tensor([1, 2, 0, 4]))),
    "layer norm": (lambda x, w: F.layer_norm(x, (4,), w), learnt((3, 4), (4,))),
    "a function with a derivative of its own": (lambda x: Cube.apply(x) + 1, learnt((3,))),
    "a gradient inside": (differentiates, learnt((3,))),
    "backward inside": (goes_backward, learnt((3,))),
    "a hook inside": (with_a_hook, learnt((3,))),
    "a number of the data": (lambda x: x * x.sum().item(), plain((3,))),
    "a checkpoint": (
        lambda x: torch.utils.checkpoint.checkpoint(lambda y: y.sin().exp(), x, use_reentrant=False),
        learnt((3,)),
    ),
}


def tensors(values: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def rest(leaves: list[Any]) -> list[Any]:
    return [leaf for leaf in leaves if not isinstance(leaf, torch.Tensor)]


def run(function: Callable[..., Any], inputs: Inputs, seed: int) -> tuple[Any, Any, Any, Any, torch.Tensor]:
    """Return the result's leaves, what is known of them, the inputs afterwards, gradients, and random state."""
    torch.manual_seed(seed)
    given = inputs()
    learnt_from = [getattr(one, "leaf", one) for one in given]
    result = function(*given)
    state = torch.random.get_rng_state()
    leaves = [leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in tree_leaves(result)]
    known = [
        (one.requires_grad, one.is_leaf, one.stride(), one.is_inference(), [one is other for other in given])
        for one in tensors(result)
    ]
    learning = [one.abs().sum() * scale for scale, one in enumerate(tensors(result), 1) if one.requires_grad]
    if learning and not all(one.grad_fn is None for one in learning):
        torch.stack(learning).sum().backward()
    return leaves, known, [one.detach() for one in given], [one.grad for one in learnt_from], state


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name):
    function, inputs = PROGRAMS[name]
    lifted = framelift.compile(function, backend="aot_eager")
    for seed in (0, 1):
        expected, found = run(function, inputs, seed), run(lifted, inputs, seed)
        torch.testing.assert_close(tensors(found[0]), tensors(expected[0]))
        assert rest(found[0]) == rest(expected[0])
        assert found[1] == expected[1]
        torch.testing.assert_close(found[2], expected[2])
        assert [one is None for one in found[3]] == [one is None for one in expected[3]]
        torch.testing.assert_close(tensors(found[3]), tensors(expected[3]))
        assert torch.equal(found[4], expected[4])


class Everything(nn.Module):
    """A parameter under two names, a module called twice, statistics, dropout."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.norm, self.drop = nn.BatchNorm1d(3), nn.Dropout(0.3)

    def forward(self, x):
        return self.norm(self.drop(self.second(self.first(self.first(x)))))


def test_training_goes_as_in_eager():
    torch.manual_seed(0)
    module, twin = Everything(), Everything()
    twin.load_state_dict(module.state_dict())
    lifted = framelift.compile(module, backend="aot_eager")
    ours = torch.optim.Adam(module.parameters())
    theirs = torch.optim.Adam(twin.parameters())
    for step in range(4):
        x = torch.randn(4, 3)
        for one, optimizer in ((lifted, ours), (twin, theirs)):
            torch.manual_seed(step)
            optimizer.zero_grad()
            one(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(module.state_dict(), twin.state_dict())
    assert len(lifted.framelift.graphs) == 1
    lifted.eval(), twin.eval()
    torch.testing.assert_close(lifted(x), twin(x))
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(lifted(x), twin(x))
            assert lifted(x).is_inference() == twin(x).is_inference()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(lifted(x), twin(x))
    for parameter in (*module.parameters(), *twin.parameters()):
        parameter.requires_grad_(False)
    assert not lifted(x).requires_grad


def test_backward_of_one_call_twice():
    lifted = framelift.compile(lambda x: (x**3).sum(), backend="aot_eager")
    x = torch.randn(3, requires_grad=True)
    result = lifted(x)
    result.backward(retain_graph=True)
    result.backward()
    torch.testing.assert_close(x.grad, 6 * x.detach() ** 2)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        result.backward()


def test_a_second_derivative_is_refused_as_by_torch():
    lifted = framelift.compile(lambda x: (x**3).sum(), backend="aot_eager")
    x = torch.randn(3, requires_grad=True)
    (first,) = torch.autograd.grad(lifted(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        first.sum().backward()


def test_hooks_on_inputs_run():
    lifted = framelift.compile(lambda x: (x**3).sum(), backend="aot_eager")
    x = torch.randn(3, requires_grad=True)
    x.register_hook(lambda grad: grad * 10)
    lifted(x).backward()
    torch.testing.assert_close(x.grad, 30 * x.detach() ** 2)


@pytest.mark.parametrize("called_before", [False, True])
def test_full_backward_hooks_of_modules_inside_run(called_before):
    def gradient(lift):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU(), torch.nn.Linear(3, 3))
        called, x, seen = lift(model), torch.ones(2, 3, requires_grad=True), []
        if called_before:
            called(x)
        model[2].register_full_backward_hook(lambda module, before, after: (before[0] * 2,))
        model[0].register_full_backward_hook(lambda module, before, after: seen.append(after[0].tolist()))
        called(x).sum().backward()
        return x.grad, [one.grad for one in model.parameters()], seen

    expected = gradient(lambda model: model)
    torch.testing.assert_close(gradient(lambda model: framelift.compile(model, backend="aot_eager")), expected)
