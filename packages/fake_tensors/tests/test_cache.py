"""A hit gives what a miss gives, and is only ever a hit for the same call."""

import gc
import operator
import weakref

import pytest
import torch
import torch.nn.functional as F

from framelift_fake_tensors import FakeMode, PropagationCache, PropagationError
from framelift_symbolic_shapes import ShapeEnv


@pytest.fixture
def cache():
    return PropagationCache()


@pytest.fixture
def mode(cache):
    return FakeMode(cache=cache)


@pytest.fixture
def x(mode):
    return mode.fake(torch.ones(2, 3, requires_grad=True), name="x")


def test_the_second_call_is_a_hit(mode, cache, x):
    mode.propagate(torch.mul, (x, 2), {})
    assert (cache.hits, cache.misses, len(cache)) == (0, 1, 1)
    result = mode.propagate(torch.mul, (x, 2), {})
    assert (cache.hits, cache.misses) == (1, 1)
    assert result.shape == (2, 3)


def test_modes_share_what_holds_no_symbol(cache):
    for _ in range(2):
        mode = FakeMode(ShapeEnv(), cache=cache)
        mode.propagate(torch.mul, (mode.fake(torch.ones(2), name="x"), 2), {})
    assert cache.hits == 1


def test_modes_do_not_share_symbols(cache):
    for size in (4, 6):
        mode = FakeMode(ShapeEnv(), cache=cache)
        fake = mode.fake(torch.ones(size), name="L['x']", dynamic=True)
        assert mode.propagate(torch.Tensor.view, (fake, 2, -1), {}).shape[1].node.hint == size // 2
    assert len(cache) == 0


@pytest.mark.parametrize("values", [
    (True, 1, 1.0), (2, 2.0), (0.0, -0.0), (torch.float32, torch.float64), (None, 0),
])  # fmt: skip
def test_equal_values_of_other_types_are_other_calls(mode, cache, values):
    x = mode.fake(torch.ones(2, 3, dtype=torch.int64), name="i")
    for value in values:
        try:
            mode.propagate(torch.add, (x, value), {})
        except PropagationError:
            pass
    assert cache.hits == 0
    assert cache.misses == len(values)


@pytest.mark.parametrize("change", [
    torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", dtype=torch.bfloat16),
])  # fmt: skip
def test_global_modes_are_in_the_key(mode, cache, x, change):
    mode.propagate(torch.matmul, (x, x.t()), {})
    with change():
        mode.propagate(torch.matmul, (x, x.t()), {})
    assert cache.hits == 0


def test_the_default_dtype_is_in_the_key(mode):
    assert mode.propagate(torch.zeros, (2,), {}).dtype == torch.float32
    torch.set_default_dtype(torch.float64)
    try:
        assert mode.propagate(torch.zeros, (2,), {}).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_default_device_is_honoured(mode):
    assert mode.propagate(torch.zeros, (2,), {}).device.type == "cpu"
    with torch.device("meta"):
        assert mode.propagate(torch.zeros, (2,), {}).device.type == "meta"
    assert mode.propagate(torch.zeros, (2,), {}).device.type == "cpu"


def test_what_is_returned_changed_is_not_cached(mode, cache):
    for _ in range(3):
        x = mode.propagate(torch.zeros, (2, 3), {})
        assert mode.propagate(torch.Tensor.add_, (x, 1), {}) is x
        assert mode.propagate(torch.Tensor.t_, (x,), {}) is x
        assert x.shape == (3, 2)
        mode.propagate(operator.setitem, (x, 0, 1.0), {})


def test_a_changed_tensor_is_another_argument(mode):
    x = mode.propagate(torch.zeros, (2, 3), {})
    assert mode.propagate(torch.sum, (x, 0), {}).shape == (3,)
    mode.propagate(torch.Tensor.t_, (x,), {})
    assert mode.propagate(torch.sum, (x, 0), {}).shape == (2,)
    mode.propagate(torch.Tensor.requires_grad_, (x,), {})
    assert mode.propagate(torch.sum, (x, 0), {}).requires_grad


def test_functions_with_state_are_not_cached(mode, cache, x):
    layer = torch.nn.Identity()
    mode.propagate(layer, (x,), {})
    mode.propagate(lambda value: value + 1, (x,), {})
    assert len(cache) == 0


def test_results_are_new_each_time(mode, x):
    first, second = (mode.propagate(torch.mul, (x, 2), {}) for _ in range(2))
    assert first is not second
    assert first.memory is not second.memory


def test_views_from_the_cache_share_memory(mode, cache, x):
    y = mode.propagate(torch.mul, (x, 2), {})
    views = [mode.propagate(torch.Tensor.view, (y, -1), {}) for _ in range(2)]
    assert cache.hits == 1
    assert all(view.memory is y.memory for view in views)
    assert all(view._base is y for view in views)
    assert all(type(view.grad_fn).__name__ in ("ViewBackward0", "AsStridedBackward0") for view in views)


def test_history_of_a_hit_is_given_when_looked_at(mode, x):
    mode.propagate(torch.mul, (x, 2), {})
    y = mode.propagate(torch.mul, (x, 2), {})
    assert y.requires_grad
    assert not y.is_leaf
    assert y.grad_fn is not None
    # In place on a leaf that requires grad is an error; this is no leaf.
    z = mode.propagate(torch.mul, (x, 2), {})
    assert mode.propagate(torch.Tensor.add_, (z, 1), {}) is z
    with pytest.raises(PropagationError, match="leaf Variable"):
        mode.propagate(torch.Tensor.add_, (x, 1), {})


def test_writing_to_the_base_reaches_views_from_the_cache(mode, x):
    u = mode.fake(torch.ones(4), name="u")
    total = mode.propagate(torch.sum, (x,), {})
    for _ in range(3):
        base = mode.propagate(torch.mul, (u, 2), {})
        view = mode.propagate(torch.Tensor.view, (base, 2, 2), {})
        assert not view.requires_grad
        mode.propagate(torch.Tensor.copy_, (base, total), {})
        assert base.requires_grad
        assert view.requires_grad


def test_writing_to_a_view_from_the_cache_reaches_the_base(mode, x):
    total = mode.propagate(torch.sum, (x,), {})
    for _ in range(3):
        base = mode.propagate(torch.zeros, (4,), {})
        view = mode.propagate(torch.Tensor.view, (base, 2, 2), {})
        mode.propagate(torch.Tensor.copy_, (view, total), {})
        assert base.requires_grad
        assert base.grad_fn is not None


def test_running_statistics_do_not_stop_the_cache(mode, cache):
    x, mean, var = (mode.fake(t, name="t") for t in (torch.ones(4, 3), torch.zeros(3), torch.ones(3)))
    for _ in range(2):
        assert mode.propagate(F.batch_norm, (x, mean, var), {"training": True}).shape == (4, 3)
    assert cache.hits == 1


def test_out_is_returned_each_time(mode, x):
    for _ in range(2):
        out = mode.propagate(torch.empty, (2, 3), {})
        with torch.no_grad():
            assert mode.propagate(torch.add, (x, 1), {"out": out}) is out


def test_the_cache_is_bounded(mode):
    small = PropagationCache(maxsize=3)
    bounded = FakeMode(cache=small)
    x = bounded.fake(torch.ones(2), name="x")
    for value in range(10):
        bounded.propagate(torch.add, (x, value), {})
    assert len(small) == 3
    bounded.propagate(torch.add, (x, 9), {})
    assert small.hits == 1
    small.clear()
    assert (small.hits, small.misses, len(small)) == (0, 0, 0)


def test_a_guard_learnt_later_changes_the_key():
    mode = FakeMode(ShapeEnv())
    x = mode.fake(torch.ones(4, 6), name="L['x']", dynamic=True)
    assert str(mode.propagate(torch.mul, (x, 2), {}).shape) == "torch.Size([s77, s27])"
    assert x.shape[0] == 4  # specialises
    assert bool(x.shape[0] == 4)
    assert repr(mode.propagate(torch.mul, (x, 2), {})) == "FakeTensor(..., size=(4, s27))"


def test_a_function_is_not_kept_alive(mode, x):
    layer = torch.nn.Identity()
    mode.propagate(layer, (x,), {})
    reference = weakref.ref(layer)
    del layer
    gc.collect()
    assert reference() is None


def test_views_that_are_gone_are_forgotten(mode, x):
    for _ in range(1000):
        mode.propagate(torch.Tensor.t, (x,), {})
    assert len(x.memory.views) < 200


def test_sizes_that_became_known_are_numbers():
    mode = FakeMode(ShapeEnv())
    x = mode.fake(torch.ones(4, 6), name="L['x']", dynamic=True)
    assert int(x.shape[0]) == 4
    assert type(mode.propagate(torch.mul, (x, 2), {}).shape[0]) is int


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's rules for tangents use it
def test_tangents_and_hooks_of_saved_tensors_are_not_cached_away(mode):
    packed = []
    with mode:
        for _ in range(3):
            x = torch.ones(3, requires_grad=True)
            with torch.autograd.graph.saved_tensors_hooks(
                lambda kept: packed.append(kept.shape) or kept, lambda kept: kept
            ):
                x.exp()
            x.exp()
        assert len(packed) == 3
        for _ in range(3):
            tangent = torch.func.jvp(torch.sin, (torch.ones(3),), (torch.ones(3),))[1]
            assert tangent.shape == (3,)


def test_answers_about_data_that_facts_change_are_computed_again():
    env = ShapeEnv()
    mode = FakeMode(env, unbacked=True)
    x = mode.fake(torch.ones(8), name="x")
    chosen = mode.propagate(torch.nonzero, (x,), {})
    mode.propagate(torch.mul, (chosen, 2), {})
    mode.propagate(torch.mul, (chosen, 2), {})
    misses = mode.symbolic_cache.misses
    torch._check(chosen.shape[0] >= 5)
    mode.propagate(torch.mul, (chosen, 2), {})
    assert mode.symbolic_cache.misses == misses + 1


NODES = [
    (lambda x, y: x * 2, "MulBackward0"),
    (lambda x, y: torch.mm(x, y), "MmBackward0"),
    (lambda x, y: (x * 2).mul_(y), "MulBackward0"),
    (lambda x, y: torch.max(x, 1)[0], "MaxBackward0"),
    (lambda x, y: torch.einsum("ij,jk->ik", x, y), "ViewBackward0"),
    (lambda x, y: torch.zeros(4, 4).copy_(y), "CopyBackwards"),
    (lambda x, y: torch.autocast("cpu")(torch.mm)(x, y).add(1), "AddBackward0"),
]


@pytest.mark.parametrize(("call", "name"), NODES)
def test_the_node_of_a_hit_is_the_node_of_a_call(mode, cache, call, name):
    def leaf():
        return torch.ones(4, 4, requires_grad=True)

    assert type(call(leaf(), leaf()).grad_fn).__name__ == name
    with mode:
        for _ in range(3):
            x, y = leaf(), leaf()
            result = call(x, y)
            assert type(result.grad_fn).__name__ == name
            result.sum().backward()
            assert x.grad is not None or y.grad is not None
    assert cache.hits


def test_the_node_of_a_hit_names_leaves(mode):
    with mode:
        for _ in range(2):
            x = torch.ones(3, requires_grad=True)
            assert (x * 2).grad_fn.next_functions[0][0].variable is x


def test_a_node_is_told_after_autocast_and_changes(mode):
    with mode:
        for _ in range(2):
            x, y = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                product = torch.mm(x, y)
            product.detach().add_(1)
            with torch.no_grad():
                x.add_(1)
            y.t_()
            assert (type(product.grad_fn).__name__, product.dtype, product._version) == (
                "MmBackward0",
                torch.bfloat16,
                1,
            )


def test_what_is_detached_from_the_cache_may_be_told_to_require_grad(mode):
    with mode:
        x = torch.ones(3)
        for _ in range(3):
            leaf = x.detach().requires_grad_()
            (leaf * 2).sum().backward()
            assert (leaf.requires_grad, leaf.is_leaf, leaf.grad_fn, leaf.grad.shape) == (True, True, None, (3,))
