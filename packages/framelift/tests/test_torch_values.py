"""Tensors, sizes, modes and what torch does with them, inside a captured function and across its breaks."""

from __future__ import annotations

import contextlib

import pytest
import torch
from differential import check, outcome
from torch.nn import functional

import framelift

KIND = torch.FloatTensor
X = torch.arange(6.0).reshape(2, 3)


def reductions(x):
    return x.sum(), x.mean(0), x.amax((0, 1)), x.std(dim=1, keepdim=True), torch.var_mean(x), x.argmax()


def views(x):
    return (
        x.view(3, 2),
        x.T,
        x.reshape(-1),
        x.expand(2, 2, 3),
        x.narrow(0, 1, 1),
        x[None, ..., 1:],
        x[[0, 1]],
        x[..., -1],
    )


def python_types_as_dtypes(x):
    return x.to(float), x.sum(dtype=int), torch.zeros(2, dtype=bool) | (x[0, :2] > 0), x.type(torch.DoubleTensor)


def assignments(x):
    y = x.clone()
    y[0] = 1
    y[:, 1] = 5.0
    y[x > 3] = 0
    y[..., -1] += 2
    x.add_(1).mul_(2)
    x[0].zero_()
    return y


def out_arguments(x):
    into = torch.empty(2, 3)
    same = torch.add(x, 1, out=into)
    values, places = torch.empty(2), torch.empty(2, dtype=torch.long)
    torch.max(x, 1, out=(values, places))
    return into, same is into, values, places


def named_results(x):
    largest = x.max(dim=1)
    values, places = x.topk(2)
    first, *others = x.split(1)
    return largest, largest.values, largest[1], len(largest), values, places, first, others, torch.unbind(x)


def functionals(x):
    query = x.reshape(1, 1, 2, 3)
    return (
        functional.scaled_dot_product_attention(query, query, query, is_causal=True),
        functional.cross_entropy(x, torch.tensor([0, 2])),
        functional.layer_norm(x, x.shape[1:]),
        functional.dropout(x, 0.5),
        torch.rand_like(x),
        torch.einsum("ij,kj->ik", x, x),
        torch.where(x > 3, x, 0),
    )


def running_statistics(x):
    mean, variance = torch.zeros(3), torch.ones(3)
    return functional.batch_norm(x, mean, variance, training=True), mean, variance


def factories(x):
    return (
        torch.zeros(2, dtype=torch.int32), torch.ones(x.shape), torch.tensor([[1, 2]]), x.new_zeros(3),
        torch.arange(0, 1, 0.25), torch.full_like(x, 2), torch.zeros(x.size(0), device=x.device),
    )  # fmt: skip


def sizes(x):
    size = x.shape
    return (
        size, x.size(0), x.dim(), x.numel(), x.stride(), size[:-1], size + (1,), (1,) + size, size * 2, size[0] * 2,
        list(size), size.numel(), size == (2, 3), 3 in size, sum(size), str(size), x.nbytes, x.is_contiguous(),
    )  # fmt: skip


def types(x):
    return (
        x.dtype,
        x.device,
        x.double() + 1,
        x.int() / 2,
        x.type_as(torch.ones(1).int()),
        isinstance(x, torch.FloatTensor),
    )


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(
    "function",
    [
        reductions,
        views,
        python_types_as_dtypes,
        assignments,
        out_arguments,
        named_results,
        functionals,
        running_statistics,
        factories,
    ],
)
def test_it_is_one_graph(function, dynamic):
    check(function, X, dynamic=dynamic)


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize("function", [types, sizes])
def test_what_a_tensor_is(function, dynamic):
    check(function, X, graphs=None, dynamic=dynamic)


def item(x):
    return x * x.sum().item()


def either(x):
    return (x.sum() > 100 and x), (x.sum() > 0 and x), (x.sum() > 0 or 3), not x.sum()


def by_truth(x):
    return x + 1 if x.sum() > 3 else x - 1


def as_lists(x):
    rows = (x + 1).tolist()
    return x * 2, rows


def seeded(x):
    first = x + 1
    torch.manual_seed(3)
    return first + torch.rand(2, 3)


def generator(x):
    source = torch.Generator()
    source.manual_seed(4)
    return torch.rand(2, generator=source) + x.sum()


def through_numpy(x):
    return torch.from_numpy((x + 1).numpy() * 2) + x


def over_a_dict(x):
    table = {"a": x, "b": x + 1, "c": x * 2}
    seen = []
    for place, (key, value) in enumerate(table.items()):
        seen.append((place, key, value.sum().item()))
    for value, other in zip(table.values(), reversed(table), strict=True):
        seen.append((value * 2, other))
        framelift.graph_break()
    for one in set(table):
        framelift.graph_break()
        seen.append(one in table)
    return seen


def of_a_group(x):
    try:
        raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
    except* ValueError as group:
        framelift.graph_break()
        x = x + len(group.exceptions)
    except* TypeError:
        x = x * 2
    return x


@pytest.mark.parametrize(
    "function", [item, either, by_truth, as_lists, seeded, generator, through_numpy, over_a_dict, of_a_group]
)
def test_a_break_changes_nothing(function):
    check(function, X, graphs=None)


class Silent:
    def __bool__(self):
        framelift.graph_break()
        return False


def test_and_or_give_the_operand_itself():
    def f(x):
        silent = Silent()
        return (silent and x) is silent, (silent or x), [value or 1 for value in (silent, 0)]

    check(f, X, graphs=None)


def modes(x):
    with torch.no_grad():
        inner = x * 2
        with torch.enable_grad():
            other = x * 3
    return inner.requires_grad, other.requires_grad, (x * 4).requires_grad


def mode_with_a_break(x):
    with torch.no_grad():
        inner = x * 2
        framelift.graph_break()
        inner = inner * 3
    return inner.requires_grad, (x * 4).requires_grad, torch.is_grad_enabled()


def mode_that_raises(x):
    with contextlib.suppress(ValueError), torch.no_grad():
        inner = x * 2
        framelift.graph_break()
        raise ValueError
    return inner.requires_grad, (x * 2).requires_grad


def mode_that_raises_out(x):
    with torch.no_grad():
        framelift.graph_break()
        raise ValueError(str(x.shape))


def mode_left_behind(x):
    torch.set_grad_enabled(False)  # noqa: FBT003
    return (x * 2).requires_grad


def inference(x):
    with torch.inference_mode():
        inner = x * 2
        inside = inner.is_inference()
    return inside, inner.is_inference(), inner.requires_grad


@pytest.mark.parametrize(
    "function", [modes, mode_with_a_break, mode_that_raises, mode_that_raises_out, mode_left_behind, inference]
)
def test_modes(function):
    left = []
    for one in (function, framelift.compile(function, backend="eager")):
        for _ in range(2):
            found = outcome(one, (X.clone().requires_grad_(),))
            left.append((found[:2], torch.is_grad_enabled()))
            torch.set_grad_enabled(True)  # noqa: FBT003
    assert left[:2] == left[2:]


def test_gradients_are_those_of_eager():
    def f(x, w):
        return ((x @ w).relu() * x.shape[0]).sum()

    grads = []
    for function in (f, framelift.compile(f, backend="eager")):
        x, w = X.clone().requires_grad_(), torch.ones(3, 2, requires_grad=True)
        function(x, w).backward()
        grads.append((x.grad, w.grad))
    assert all(torch.equal(one, other) for one, other in zip(*grads, strict=True))


@pytest.mark.parametrize(
    "tensor",
    [X.to_sparse(), (X + 0j).conj(), X.to(torch.float64), X.T, X[:, :1], X[:0], X.int(), torch.nn.Parameter(X)],
    ids=["sparse", "conjugate", "double", "transposed", "slice", "empty", "int", "parameter"],
)
def test_each_kind_of_tensor_is_captured_for_itself(tensor):
    def f(x):
        return x * 2

    lifted = framelift.compile(f, backend="eager")
    for argument in (tensor, X, tensor):
        found, expected = lifted(argument), f(argument)
        assert found.dtype == expected.dtype
        assert found.layout == expected.layout
        assert torch.equal(found.to_dense(), expected.to_dense())
    assert not lifted.framelift.capture_errors


def test_function_transforms_see_through():
    lifted = framelift.compile(lambda x: (x * x).sum(), backend="eager")
    assert torch.equal(torch.vmap(lifted)(X), (X * X).sum(1))
    assert torch.equal(torch.func.grad(lifted)(X), X * 2)
    assert torch.equal(lifted(X), (X * X).sum())


def test_types_that_are_a_dtype_and_a_device():
    def kinds(x, n):
        types = torch.FloatTensor, torch.LongTensor, torch.cuda.FloatTensor
        return x + 1, [isinstance(x, one) for one in types], isinstance(n, (torch.FloatTensor, int))

    for x, n in ((torch.ones(2), 1), (torch.arange(2), torch.ones(1)), (torch.nn.Parameter(torch.ones(2)), "n")):
        check(kinds, x, n)


def test_sizes_and_named_results_that_a_program_makes():
    def make(x):
        empty = torch.Size()
        pair = torch.return_types.max((x, x + 1))
        return x.reshape(empty + torch.Size([x.shape[0]])), torch.Size(()), pair.indices, type(pair).__name__, len(pair)

    check(make, torch.ones(3))


def test_a_size_of_what_is_no_number_raises_as_in_eager():
    def make(x):
        return x + 1, torch.Size(["a"])

    check(make, torch.ones(3), graphs=None)


def test_what_depends_on_data_is_named_once():
    lifted = framelift.compile(lambda x: x.nonzero(), backend="eager")
    lifted(torch.ones(2))
    expected = "nonzero (aten.nonzero.default) depends on the data of a tensor, which capture does not have"
    assert expected in str(lifted.framelift.breaks[0])
