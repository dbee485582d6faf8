"""Functions of functions in an entered mode give what they give on real tensors, and refuse what they refuse."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from framelift_fake_tensors import (
    DataDependentError,
    FakeMode,
    FakeTensor,
    PropagationCache,
    UnsupportedTensorError,
)
from framelift_symbolic_shapes import ShapeEnv

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch's own modules warn of each other
    from torch._higher_order_ops.associative_scan import associative_scan
    from torch._higher_order_ops.map import map as higher_map
    from torch._higher_order_ops.scan import scan
    from torch._higher_order_ops.while_loop import while_loop
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

pytestmark = pytest.mark.filterwarnings("ignore")


def attention(score_mod=None, masked=False):
    query = torch.randn(1, 2, 128, 16)
    mask = None
    if masked:
        mask = create_block_mask(lambda b, h, i, j: i >= j, 1, 2, 128, 128, device="cpu")
    return flex_attention(query, query, query, score_mod=score_mod, block_mask=mask)


def checkpointed(use_reentrant):
    x, layer = torch.randn(3, 4, requires_grad=True), torch.nn.Linear(4, 4)
    y = checkpoint(lambda value: layer(value).relu(), x, use_reentrant=use_reentrant)
    y.sum().backward()
    return y, x.grad, layer.weight.grad


def per_sample():
    weight, x = torch.ones(3), torch.ones(4, 3)
    return torch.func.vmap(torch.func.grad(lambda w, x: (w * x).sum()), in_dims=(None, 0))(weight, x)


# As eager mode gives them; there torch compiles most of them, which takes seconds, and so they are written down.
GIVEN = [
    (lambda: torch.cond(torch.tensor(True), lambda x: x.sin(), lambda x: x.cos(), (torch.ones(3),)), [(3,)]),
    (lambda: torch.cond(torch.ones(3).sum() > 0, lambda x: (x + 1, x.t()), lambda x: (x, x.t()), (torch.ones(3, 2),)),
     [(3, 2), (2, 3)]),
    (lambda: torch.cond(False, lambda x: x[0], lambda x: x, (torch.ones(3),)), [(3,)]),
    (lambda: while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), torch.ones(3))), [(), (3,)]),
    (lambda: scan(lambda c, x: (c + x, (c * x).sum()), torch.zeros(3), torch.ones(5, 3)), [(3,), (5,)]),
    (lambda: higher_map(lambda x, y: x * y, torch.ones(5, 3), torch.ones(2, 3)), [(5, 2, 3)]),
    (lambda: associative_scan(lambda a, b: a + b, torch.ones(5, 3), 0, combine_mode="generic"), [(5, 3)]),
    (attention, [(1, 2, 128, 16)]),
    (lambda: attention(lambda score, b, h, i, j: score + (i - j)), [(1, 2, 128, 16)]),
    (lambda: attention(masked=True), [(1, 2, 128, 16)]),
]  # fmt: skip
COMPARED = [
    lambda: checkpointed(True),
    lambda: checkpointed(False),
    per_sample,
    lambda: torch.func.vjp(torch.sin, torch.ones(3))[1](torch.ones(3)),
    lambda: torch.func.vjp(lambda a, b: (a * b, a + b), torch.ones(3), torch.ones(3))[1]((torch.ones(3),) * 2),
    lambda: torch.func.jvp(lambda x: F.softmax(x, 0), (torch.ones(3),), (torch.ones(3),)),
    lambda: torch.func.hessian(lambda x: (x * x).sum())(torch.ones(3)),
    lambda: torch.func.jacfwd(torch.sin)(torch.ones(3)),
    lambda: torch.func.vmap(F.conv2d)(torch.ones(4, 1, 3, 8, 8), torch.ones(4, 5, 3, 3, 3)),
    lambda: torch.func.vmap(lambda x: x + torch.rand(3), randomness="different")(torch.ones(4, 3)),
    lambda: torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.ones(3), torch.ones(3)),
]


def tensors(result):
    return [tensor for tensor in torch.utils._pytree.tree_leaves(result) if isinstance(tensor, torch.Tensor)]


@pytest.mark.parametrize(("program", "shapes"), GIVEN)
def test_functions_of_functions(program, shapes):
    for _ in range(2):
        with FakeMode(cache=PropagationCache()):
            found = tensors(program())
            assert [tuple(tensor.shape) for tensor in found] == shapes
            assert all(type(tensor) is FakeTensor for tensor in found)


@pytest.mark.parametrize("program", COMPARED)
def test_as_eager(program):
    expected = [(t.shape, t.stride(), t.dtype, t.requires_grad) for t in tensors(program())]
    cache = PropagationCache()
    for _ in range(3):
        with FakeMode(cache=cache):
            assert [(t.shape, t.stride(), t.dtype, t.requires_grad) for t in tensors(program())] == expected


def test_steps_of_a_symbolic_number():
    mode = FakeMode(ShapeEnv())
    x = mode.fake(torch.ones(5, 3), name="L['x']", dynamic=(0,))
    with mode:
        carried, each = scan(lambda c, row: (c + row, c * row), torch.zeros(3), x)
        mapped = higher_map(lambda row: row.sum(), x)
    assert [str(tuple(one.shape)) for one in (carried, each, mapped)] == ["(3,)", "(s77, 3)", "(s77,)"]
    assert [str(guard) for guard in mode.shape_env.guards] == ["s77 >= 2"]


def test_branches_that_differ_need_the_data():
    with FakeMode(), pytest.raises(DataDependentError, match="cond"):
        torch.cond(torch.tensor(True), lambda x: x, lambda x: x[:2], (torch.ones(3),))


def test_a_step_that_changes_a_shape_is_told():
    with FakeMode(), pytest.raises(RuntimeError, match=r"value 0 becomes \(6,\)"):
        while_loop(lambda x: x.sum() < 3, lambda x: (torch.cat([x, x]),), (torch.ones(3),))


@pytest.mark.parametrize(("program", "says"), [
    (lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), "quantised"),
    (lambda: torch.ones(3, 3).to_sparse(), "sparse_coo"),
    (lambda: torch.ones(3, 3).to_sparse_csr(), "sparse_csr"),
    (lambda: torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (3, 3)), "sparse_coo"),
])  # fmt: skip
def test_what_is_not_strided_is_told(program, says):
    with FakeMode(), pytest.raises(UnsupportedTensorError, match=says):
        program()
