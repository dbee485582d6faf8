"""What compilers find around them, and what they assume of inputs: shared memory, sizes and numbers that vary."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import framelift
from framelift.backends import lookup_backend
from framelift.boundary import CompiledGraph, compile_with_fakes, shared_memory

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's compilers are not free of warnings


def aot(gm, example_inputs):
    """What users write: a backend that hands the graph on to AOTAutograd."""
    from functorch.compile import nop
    from torch._dynamo.backends.common import aot_autograd

    return aot_autograd(fw_compiler=nop)(gm, example_inputs)


def writes(x, y):
    x.add_(1)
    return x + y


PAIRS = {
    "apart": lambda base: (base[0:3].clone(), base[1:4].clone()),
    "one tensor": lambda base: (base, base),
    "one view": lambda base: (base, base.view(-1)),
    "overlapping": lambda base: (base[0:3], base[1:4]),
    "overlapping elsewhere": lambda base: (base[2:5], base[3:6]),
    "the other way round": lambda base: (base[1:4], base[0:3]),
    "side by side": lambda base: (base[0:3], base[3:6]),
    "one array": lambda base: (torch.from_numpy(base.numpy()), torch.from_numpy(base.numpy())),
}


@pytest.mark.parametrize("backend", ["aot_eager", aot])
@pytest.mark.parametrize("first", ["apart", "overlapping", "one array"])
def test_inputs_that_share_memory_in_another_way_are_compiled_again(first, backend):
    lifted = framelift.compile(writes, backend=backend, dynamic=False, recompile_limit=20)
    for name in (first, *PAIRS):
        ours, theirs = torch.arange(8.0), torch.arange(8.0)
        assert torch.equal(lifted(*PAIRS[name](ours)), writes(*PAIRS[name](theirs))), name
        assert torch.equal(ours, theirs), name


def test_what_the_compiler_refuses_runs_uncompiled_and_says_so():
    def statistics():
        norm = nn.BatchNorm1d(3)
        norm.running_mean.data = norm.running_var
        return norm

    module, twin = statistics(), statistics()
    lifted = framelift.compile(module, backend="aot_eager")
    x = torch.randn(4, 3)
    with pytest.warns(RuntimeWarning, match="runs uncompiled where its inputs .* share memory"):
        torch.testing.assert_close(lifted(x), twin(x))
    torch.testing.assert_close(module.state_dict(), twin.state_dict())


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x.add_(1).chunk(1)[0], y + 1),
        lambda x, y: (x.add_(1).view(3), y + 1),
        lambda x, y: (y.mul_(2), x[1:]),
        lambda x, y: (x.add_(y), y.mul_(3), x.view(3)),
    ],
)
@pytest.mark.parametrize("backend", ["aot_eager", aot])
def test_views_of_inputs_that_share_memory_are_eagers(function, backend):
    def run(called):
        base = torch.arange(6.0)
        results = called(base[::2], base[2:5])
        base += 1
        return [base.tolist(), *[result.tolist() for result in results]]

    assert run(framelift.compile(function, backend=backend)) == run(function)


LAYOUTS = {
    "strided": lambda: torch.arange(6.0)[::2],
    "from the third": lambda: torch.arange(6.0)[2:5],
    "columns": lambda: torch.arange(12.0).view(3, 4)[:, ::2],
    "rows": lambda: torch.arange(12.0).view(3, 4)[1:],
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("backend", ["aot_eager", aot])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.add_(1).t_() * 1,
        lambda x: x.unsqueeze_(0).mul_(2) + 1,
        lambda x: (x.mul_(2), x.unsqueeze_(0), x + 1)[2],
    ],
)
def test_what_lies_beside_an_input_whose_layout_changes_is_left_alone(function, backend, dynamic):
    def run(called):
        found = []
        for make in LAYOUTS.values():
            x = make()
            found += [called(x).tolist(), x.stride(), x._base.tolist()]
        return found

    assert run(framelift.compile(function, backend=backend, dynamic=dynamic)) == run(function)


def test_only_graphs_that_write_guard_memory():
    kinds = []
    for function in (writes, lambda x, y: x + y):
        lifted = framelift.compile(function, backend="aot_eager")
        lifted(torch.ones(3), torch.ones(3))
        kinds.append("STORAGE_OVERLAP" in [guard.kind for guard in lifted.framelift.guards()])
    assert kinds == [True, False]


def test_shared_memory():
    base = torch.zeros(6)
    assert shared_memory(base, torch.zeros(2)) == (0, 1)
    assert shared_memory(torch.empty(0), torch.empty(0)) == (0, 1)
    assert shared_memory(torch.zeros(1), base[1:], base[:2]) == (0, 1, 1, 1, 0)
    assert shared_memory(base[1:], base[:2]) != shared_memory(base[2:], base[:2])


@pytest.mark.parametrize("backend", ["aot_eager", aot])
@pytest.mark.parametrize("dynamic", [True, None])
def test_sizes_and_numbers_that_vary(backend, dynamic):
    def f(x, count, scale):
        return (x * x.size(0) * count * scale).sum(0)

    lifted = framelift.compile(f, backend=backend, dynamic=dynamic)
    for size, count, scale in [(3, 2, 0.5), (4, 3, 1.5), (5, 7, -0.0), (5, 7, 0.0), (3, 2, float("nan")), (1, 1, 1.0)]:
        x = torch.randn(size, 2, requires_grad=True)
        twin = x.detach().clone().requires_grad_()
        found, expected = lifted(x, count, scale), f(twin, count, scale)
        torch.testing.assert_close(found, expected, equal_nan=True, rtol=0, atol=0)
        assert torch.equal(torch.signbit(found[~found.isnan()]), torch.signbit(expected[~expected.isnan()]))
        found.sum().backward()
        expected.sum().backward()
        torch.testing.assert_close(x.grad, twin.grad, equal_nan=True)


def compilations():
    """A backend that hands on to `aot_eager`, and notes what it is asked to compile."""
    asked = []

    def compiler(gm, fake_inputs):
        asked.append([one if isinstance(one, torch.SymInt) else tuple(one.size()) for one in fake_inputs])
        return aot(gm, fake_inputs)

    return asked, lambda gm, example_inputs: compile_with_fakes(gm, example_inputs, compiler)


PROGRAMS = {
    "sizes": (lambda x: (x * x.size(0)).sum(0), lambda n: [torch.randn(n, 2, requires_grad=True)], 1),
    "equal sizes": (lambda x, y: x @ y, lambda n: [torch.randn(n, 4, requires_grad=True), torch.randn(4, n)], 1),
    "an integer": (lambda x, k: x.roll(k) * k, lambda n: [torch.randn(n, requires_grad=True), n - 5], 1),
    "a size computed": (lambda x: x.view(x.size(0) // 2, 2), lambda n: [torch.randn(2 * n, requires_grad=True)], 1),
    "a view": (lambda x: x + 1, lambda n: [torch.arange(40.0).view(10, 4)[:n]], 1),
    "written": (lambda x: x.add_(1), lambda n: [torch.randn(n, requires_grad=True) * 2], 1),
    "transposed": (lambda x: x * 2, lambda n: [torch.randn(4, n).t()], 1),
    "a float": (lambda x, k: x * k, lambda n: [torch.randn(n), n / 2], 4),
    "a dtype of its own": (lambda x: x * 2, lambda n: [torch.randn(n, dtype=torch.complex64)], 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_symbols_are_handed_over(name):
    function, inputs, count = PROGRAMS[name]
    asked, backend = compilations()
    lifted = framelift.compile(function, backend=backend, dynamic=True)
    for size in (3, 4, 6, 9, 3):
        torch.manual_seed(size)
        ours = inputs(size)
        torch.manual_seed(size)
        theirs = inputs(size)
        found, expected = lifted(*ours), function(*theirs)
        torch.testing.assert_close((found, ours), (expected, theirs))
        assert found.stride() == expected.stride()
        if expected.requires_grad and ours[0].is_leaf:
            found.sum().backward()
            expected.sum().backward()
            torch.testing.assert_close(ours[0].grad, theirs[0].grad)
    assert len(lifted.framelift.graphs) == 1
    assert len(asked) == count


def test_what_torch_relies_on_is_checked():
    def decides(gm, fake_inputs):
        many = bool(fake_inputs[0].size(0) > 5)  # as a compiler would that picks one of two algorithms

        def run(x):
            assert (x.size(0) > 5) is many
            return (x * 2,)

        decided.append(many)
        return run

    decided = []
    lifted = framelift.compile(
        lambda x: x * 2, backend=lambda gm, inputs: compile_with_fakes(gm, inputs, decides), dynamic=True
    )
    for size in (3, 4, 6, 9, 5, 7):
        assert lifted(torch.ones(size)).tolist() == [2.0] * size
    assert decided == [False, True]


def test_where_symbols_cannot_be_taken_sizes_are_compiled_one_by_one():
    def static_only(gm, fake_inputs):
        size = fake_inputs[0].size(0)
        if isinstance(size, torch.SymInt):
            raise NotImplementedError("symbols")
        sizes.append(size)
        return gm.forward

    sizes = []
    lifted = framelift.compile(
        lambda x: x * 2, backend=lambda gm, inputs: compile_with_fakes(gm, inputs, static_only), dynamic=True
    )
    for size in (3, 4, 3, 4):
        assert lifted(torch.ones(size)).tolist() == [2.0] * size
    assert sizes == [3, 4]


def test_a_limit_of_compilations():
    asked, backend = compilations()
    lifted = framelift.compile(lambda x, scale: x * scale, backend=backend, dynamic=True)
    for step in range(16):
        lifted(torch.ones(3), 0.5 + step)
    with pytest.warns(RuntimeWarning, match=r"compiled 16 times .*l_scale_.* runs uncompiled for further ones"):
        assert lifted(torch.ones(3), 0.25).tolist() == [0.25] * 3
    assert lifted(torch.ones(4), 0.125).tolist() == [0.125] * 4
    assert lifted(torch.ones(5), 1.5).tolist() == [1.5] * 5
    assert len(asked) == 16


def test_strides_in_dimensions_of_size_one_do_not_matter():
    asked, backend = compilations()
    lifted = framelift.compile(lambda x: x.permute(0, 2, 1) * 2, backend=backend, dynamic=True)
    for size in (3, 4, 5):
        x = torch.randn(1, size, 8)
        torch.testing.assert_close(lifted(x), x.permute(0, 2, 1) * 2)
    assert len(asked) == 1


def overlapping(base):
    return base[1:], base[:-1]


def test_sizes_that_vary_in_graphs_that_write():
    lifted = framelift.compile(writes, backend="aot_eager", dynamic=True)
    for size in (3, 5):
        for pair in (lambda base: (base.clone(), base), lambda base: (base, base.view(-1)), overlapping):
            ours, theirs = torch.arange(float(size)), torch.arange(float(size))
            assert torch.equal(lifted(*pair(ours)), writes(*pair(theirs)))
            assert torch.equal(ours, theirs)


def test_a_backend_that_hands_on_to_torchs_is_given_the_graph_and_the_real_inputs():
    given = []

    def backend(gm, example_inputs):
        given.append((gm, example_inputs))
        return lookup_backend("aot_eager")(gm, example_inputs)

    lifted = framelift.compile(lambda x, y: x.add_(y), backend=backend)
    x = torch.ones(3)
    lifted(x, x.clone())
    (gm, inputs) = given[0]
    assert gm is lifted.framelift.graphs[0]
    assert type(inputs[0]) is torch.Tensor
    assert "STORAGE_OVERLAP" in [guard.kind for guard in lifted.framelift.guards()]


def test_compiling_leaves_random_numbers_alone():
    def backend(gm, example_inputs):
        random.random()
        torch.rand(2)
        return gm.forward

    torch.manual_seed(0)
    random.seed(0)
    before = torch.random.get_rng_state(), random.getstate()
    framelift.compile(lambda x: x + 1, backend=backend)(torch.ones(2))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_a_compiled_graph_is_callable():
    assert CompiledGraph(lambda x: x + 1)(1) == 2


class WithStatistics(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(3), nn.Linear(3, 3)
        self.free = torch.ones(3)

    def forward(self, x, y):
        return self.norm(self.linear(x)) + self.free + y


def test_parameters_buffers_and_marked_tensors_are_static_inputs(monkeypatch):
    from torch._functorch import aot_autograd

    told = []
    original = aot_autograd._try_get_metadata_from_dynamo

    def noting(mod, *arguments):
        sources, static = original(mod, *arguments)
        names = [node.name for node in mod.graph.find_nodes(op="placeholder")]
        told.append({names[index] for index in static})
        return sources, static

    monkeypatch.setattr(aot_autograd, "_try_get_metadata_from_dynamo", noting)
    marked = torch.ones(3)
    torch._dynamo.mark_static_address(marked)
    framelift.compile(WithStatistics(), backend="aot_eager")(torch.randn(4, 3), marked)
    (names,) = told
    assert {name.rsplit("dict_", 1)[-1].strip("_") for name in names} == {
        "parameters_weight", "parameters_bias", "buffers_num_batches_tracked", "buffers_running_mean",
        "buffers_running_var", "l_y",
    }  # fmt: skip
    assert len(names) == 8


def test_what_the_compiler_makes_of_static_inputs():
    seen = []

    def backend(gm, example_inputs):
        compiled = aot(gm, example_inputs)
        metadata = torch._guards.TracingContext.get().fw_metadata
        seen.append((metadata.static_input_indices, [info.mutates_data for info in metadata.input_info]))
        return compiled

    with torch.no_grad():
        framelift.compile(nn.BatchNorm1d(3), backend=backend)(torch.randn(4, 3))
    static, written = seen[0]
    assert len(static) == 5  # of a weight, a bias, three buffers and x
    assert sum(written) == 3
