"""Law: with sizes that are symbols, a program gives the same with the caches and without, and assumes the same.

Between its calls the program learns facts about the sizes: that two are equal, that one is even or larger than a
number. What was kept before a fact must not be given where the fact makes a difference.
"""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_fake_tensors import FakeMode, FakeTensor
from framelift_symbolic_shapes import Freedom, ShapeEnv


def first_unbacked(x):
    return x.reshape(-1)[: x.reshape(-1)[0].long().item()]


# Calls of two tensors, a size and a number.
CALLS = [
    lambda x, y, s, n: x + y,
    lambda x, y, s, n: x * n,
    lambda x, y, s, n: x * s,
    lambda x, y, s, n: torch.mm(x, y.t()),
    lambda x, y, s, n: torch.matmul(x, y),
    lambda x, y, s, n: F.linear(x, y),
    lambda x, y, s, n: torch.cat([x, y]),
    lambda x, y, s, n: torch.cat([x, y], 1),
    lambda x, y, s, n: torch.stack([x, y]),
    lambda x, y, s, n: x.view(-1),
    lambda x, y, s, n: x.view(s, -1),
    lambda x, y, s, n: x.reshape(-1, n),
    lambda x, y, s, n: x.reshape(-1),
    lambda x, y, s, n: x.t().reshape(-1),
    lambda x, y, s, n: x.t(),
    lambda x, y, s, n: x.contiguous(),
    lambda x, y, s, n: x.expand_as(y),
    lambda x, y, s, n: x[None].expand(s, -1, -1),
    lambda x, y, s, n: torch.broadcast_tensors(x, y),
    lambda x, y, s, n: x.squeeze(),
    lambda x, y, s, n: x.squeeze(n),
    lambda x, y, s, n: x.unsqueeze(-1),
    lambda x, y, s, n: x[:n],
    lambda x, y, s, n: x[:s],
    lambda x, y, s, n: x[n:, ::2],
    lambda x, y, s, n: x[s - 1],
    lambda x, y, s, n: x.narrow(0, 0, s),
    lambda x, y, s, n: x.split(n),
    lambda x, y, s, n: x.chunk(2),
    lambda x, y, s, n: x.sum(0),
    lambda x, y, s, n: x.mean(),
    lambda x, y, s, n: torch.softmax(x, -1),
    lambda x, y, s, n: F.layer_norm(x, x.shape[-1:]),
    lambda x, y, s, n: F.pad(x, (1, s)),
    lambda x, y, s, n: F.avg_pool1d(x[None], 2),
    lambda x, y, s, n: F.scaled_dot_product_attention(x[None], y[None], y[None]),
    lambda x, y, s, n: torch.zeros(s, 3),
    lambda x, y, s, n: torch.arange(s),
    lambda x, y, s, n: x.new_empty(s * 2),
    lambda x, y, s, n: x.as_strided((s, 2), (1, 1)),
    lambda x, y, s, n: x.unfold(0, 2, 1),
    lambda x, y, s, n: x.repeat(2, n),
    lambda x, y, s, n: x.flatten(),
    lambda x, y, s, n: x.unflatten(0, (-1, 2)),
    lambda x, y, s, n: x.diagonal(),
    lambda x, y, s, n: torch.empty_like(x),
    lambda x, y, s, n: torch.empty_like(x.t()),
    lambda x, y, s, n: x.add_(y),
    lambda x, y, s, n: x.copy_(y),
    lambda x, y, s, n: x.mul_(n),
    lambda x, y, s, n: x.is_contiguous(),
    lambda x, y, s, n: torch.nonzero(x),
    lambda x, y, s, n: x[x > 0],
    lambda x, y, s, n: torch.einsum("ij,kj->ik", x, y),
    lambda x, y, s, n: x.transpose(0, 1) + y,
    lambda x, y, s, n: torch.max(x, 0),
    lambda x, y, s, n: x.movedim(0, 1).contiguous(),
    lambda x, y, s, n: torch.index_select(x, 0, torch.arange(s)),
    lambda x, y, s, n: x[y[0].long()],
    lambda x, y, s, n: first_unbacked(x),
    # what tells facts
    lambda x, y, s, n: torch._check(s > n),
    lambda x, y, s, n: torch._check(x.shape[0] == y.shape[0]),
    lambda x, y, s, n: torch._check(x.shape[0] % 2 == 0),
    lambda x, y, s, n: torch._check(x.shape[0] != y.shape[-1]),
    lambda x, y, s, n: x.shape[0] == s,
    lambda x, y, s, n: bool(x.shape[0] == s),
    lambda x, y, s, n: bool(x.shape[-1] > n),
    lambda x, y, s, n: int(s),
]  # fmt: skip
# The sizes of two dimensions and which are symbols; equal sizes share a symbol, unless they are free.
SHAPES = st.tuples(
    st.sampled_from([2, 3, 4, 6, 4, 4, 1]), st.sampled_from([2, 3, 4, 4, 1]),
    st.sampled_from([(), (0,), (1,), (0, 1)]), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
TENSORS = st.lists(SHAPES, min_size=2, max_size=3)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(range(len(CALLS))), st.integers(0, 7), st.integers(0, 7), st.integers(0, 7),
        st.sampled_from([0, 1, 2, 3, 4]),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def made(mode, shapes):
    tensors = []
    for rows, columns, dynamic, free, transposed, requires_grad in shapes:
        tensor = torch.ones(columns, rows).t() if transposed else torch.ones(rows, columns)
        freedom = {place: Freedom(shared=not free) for place in dynamic}
        tensors.append(mode.fake(tensor.requires_grad_(requires_grad), dynamic=freedom))
    return tensors


def hints(extents):
    """Values, or where only data tells them, names; what was learnt between may spell an expression in another way."""
    nodes = [extent.node if isinstance(extent, torch.SymInt) else None for extent in extents]
    return [
        str(extent) if node is None or node.hint is None else str(node.hint)
        for extent, node in zip(extents, nodes, strict=True)
    ]


def told(value, pool):
    if isinstance(value, torch.SymInt):
        return hints([value])
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [told(item, pool) for item in value]
    if not isinstance(value, FakeTensor):
        return type(value), str(value)
    return (
        *map(hints, (value.shape, value.stride(), (value.storage_offset(),))), value.dtype, value.requires_grad,
        [(value is one, value.memory is one.memory) for one in pool],
    )  # fmt: skip


def recorded(value):
    try:
        return value.is_leaf, type(value.grad_fn).__name__, value._is_view(), value._version
    except RuntimeError as error:
        return type(error), str(error)


def outcome(is_cached, unbacked, shapes, programs):
    env = ShapeEnv()
    mode = FakeMode(env, unbacked=unbacked)
    if not is_cached:
        mode.symbolic_cache.put = lambda key, recipe: None
    answers = []
    first = made(mode, shapes)
    for steps in programs:
        pool = list(first)
        with mode:
            for call, one, other, size, number in steps:
                x, y = pool[one % len(pool)], pool[other % len(pool)]
                sizes = [extent for each in (x, y) for extent in each.shape] or [3]
                try:
                    result = CALLS[call](x, y, sizes[size % len(sizes)], number)
                except Exception as error:  # whatever it raises, it is to raise the same
                    answers.append((type(error), str(error)))
                    continue
                answers.append(told(result, pool))
                pool += [one for one in ([result] if isinstance(result, FakeTensor) else []) if one.dim() == 2]
            answers.append([recorded(one) for one in pool])
        answers.append([str(guard) for guard in env.guards])
        answers.append([str(check) for check in env.runtime_assertions])
    return answers


@settings(max_examples=30, deadline=None)
@given(st.booleans(), TENSORS, STEPS, STEPS)
def test_with_symbols_a_program_gives_the_same_with_and_without_a_cache(unbacked, shapes, one, other):
    programs = [one, other, one + other]
    assert outcome(True, unbacked, shapes, programs) == outcome(False, unbacked, shapes, programs)
