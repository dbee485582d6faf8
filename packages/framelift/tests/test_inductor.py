"""torch's own compilers as backends: Inductor trains as eager does; names, modes and options; what is imported when."""

from __future__ import annotations

import copy
import importlib.metadata
import subprocess
import sys

import pytest
import torch
from torch import nn

import framelift
from framelift import backends
from framelift.inductor import TorchBackend, inductor

ignores_warnings = pytest.mark.filterwarnings("ignore")  # torch's compilers are not free of warnings


@ignores_warnings
def test_inductor_trains_as_eager():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    twin = copy.deepcopy(net)
    lifted = framelift.compile(net, mode="reduce-overhead", options={"epilogue_fusion": False})
    x = torch.randn(5, 4)
    for _ in range(2):
        for one in (lifted, twin):
            one.zero_grad()
            one(x).square().mean().backward()
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(net.state_dict(), twin.state_dict())


@ignores_warnings
def test_inductor_over_sizes_that_vary():
    lifted = framelift.compile(lambda x, n: (x * x.size(0)).sum() * n, dynamic=True)
    for size, n in ((3, 2), (5, 4)):
        x = torch.randn(size, requires_grad=True)
        twin = x.detach().clone().requires_grad_()
        found, expected = lifted(x, n), (twin * size).sum() * n
        torch.testing.assert_close(found, expected)
        found.backward()
        expected.backward()
        torch.testing.assert_close(x.grad, twin.grad)
    assert len(lifted.framelift.graphs) == 1


@ignores_warnings
@pytest.mark.parametrize(
    "name", ["aot_eager_decomp_partition", "aot_eager_default_partitioner", "eager_noexcept", "ts"]
)
def test_backends_that_torch_registered_go_by_name(name):
    lifted = framelift.compile(lambda x, y: (x * y).sin(), backend=name)
    x = torch.randn(3, requires_grad=True)
    lifted(x, torch.ones(3)).sum().backward()
    torch.testing.assert_close(x.grad, x.detach().cos())


def test_names_of_torch_are_listed_by_their_tags():
    assert "cudagraphs" in framelift.list_backends()
    assert "aot_eager_decomp_partition" not in framelift.list_backends()
    assert "aot_eager_decomp_partition" in framelift.list_backends(exclude_tags=())


def test_entry_points_for_torch_are_honoured(monkeypatch):
    point = importlib.metadata.EntryPoint("theirs", "framelift.backends:eager", "torch_dynamo_backends")
    monkeypatch.setattr(backends, "torch_entry_points", lambda: {"theirs": point})
    assert framelift.compile(lambda x: x, backend="theirs").framelift.config.backend == TorchBackend("theirs")


@pytest.mark.parametrize("mode", ["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"])
def test_modes_are_inductors_configuration(mode):
    patches = dict(backends.configured_backend("inductor", mode, None).patches if mode != "default" else ())
    assert patches.get("triton.cudagraphs", False) is (mode in ("reduce-overhead", "max-autotune"))
    assert patches.get("max_autotune", False) is mode.startswith("max-autotune")


def test_options_win_over_what_the_mode_says():
    found = backends.configured_backend("inductor", "max-autotune", {"triton.cudagraphs": False, "max-fusion-size": 3})
    assert dict(found.patches) == {
        "max_autotune": True, "triton.cudagraphs": False, "coordinate_descent_tuning": True, "max_fusion_size": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "defalt"}, r"mode must be one of default, .*'defalt'; did you mean 'default'\?"),
        ({"options": {"epilogue_fusio": True}}, r"options\['epilogue_fusio'\] .* did you mean 'epilogue_fusion'\?"),
        ({"options": {"max_autotune": "yes"}}, r"options\['max_autotune'\] must be of type bool, but is 'yes'"),
        ({"backend": "eager", "mode": "max-autotune"}, r"mode goes with a backend that takes it, .*backend='eager'"),
        ({"backend": "aot_eager", "options": {"a": 1}}, r"options goes with .*backend='aot_eager'"),
        ({"backend": lambda gm, inputs: gm, "mode": "max-autotune"}, "goes with a backend known by name"),
    ],
)
def test_modes_and_options_that_do_not_exist(arguments, message):
    with pytest.raises(framelift.errors.ConfigurationError, match=message):
        framelift.compile(lambda x: x, **arguments)


def test_a_mode_or_options_go_to_a_backend_of_the_programs_that_takes_them():
    given = []

    def mine(gm, example_inputs, mode=None):
        given.append(mode)
        return gm.forward

    framelift.register_backend("mine_with_a_mode", mine)
    framelift.compile(lambda x: x + 1, backend="mine_with_a_mode", mode="fast")(torch.ones(2))
    framelift.compile(lambda x: x + 1, backend="mine_with_a_mode", mode="default")(torch.ones(2))
    assert given == ["fast", None]


def test_calls_begin_a_generation_of_cuda_graphs_once():
    tracker = pytest.importorskip("torch._dynamo.mutation_guard").GenerationTracker
    begins = inductor.configured("reduce-overhead", None).begins()
    assert begins is not None
    assert TorchBackend("aot_eager").begins() is None
    before = tracker.generation
    begins()
    assert tracker.generation == before + 1


def test_a_call_that_breaks_is_one_call(monkeypatch):
    calls = []
    monkeypatch.setattr(TorchBackend, "begins", lambda backend: lambda: calls.append("begins"))

    def f(x):
        y = x + 1
        framelift.graph_break()
        return inner(y) * 2

    inner = framelift.compile(lambda x: x - 1, backend="eager_noexcept")
    lifted = framelift.compile(f, backend="eager_noexcept")
    for _ in range(2):
        torch.testing.assert_close(lifted(torch.ones(2)), torch.full((2,), 2.0))
    assert len(lifted.framelift.graphs) == 2
    assert calls == ["begins", "begins"]


def test_torchs_compilers_are_imported_when_one_is_used():
    program = """
import sys, framelift
framelift.compile(lambda x: x + 1)
framelift.compile(lambda x: x + 1, backend="aot_eager")
print([name for name in ("torch._dynamo", "torch._inductor", "torch._functorch.aot_autograd") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
