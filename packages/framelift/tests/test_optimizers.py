"""Steps of torch's optimizers: the updates of eager, in one graph after the first."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import framelift
from framelift.testing import CompileCounter

STEPS = 4

KINDS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"fused": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "foreach": True}),
    ("Adam", {"fused": True}),
    ("AdamW", {"foreach": True}),
    ("Adadelta", {}),
    ("Adagrad", {}),
    ("Adamax", {}),
    ("ASGD", {}),
    ("NAdam", {"foreach": True}),
    ("RAdam", {}),
    ("RMSprop", {"foreach": True, "momentum": 0.5, "centered": True}),
    ("Rprop", {}),
]


def trained(name, options, compiled):
    """Train a small model; what each step returned, the parameters, and the compiled step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01, **options)

    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    run = step if compiled is None else compiled(step)
    x = torch.randn(3, 4)
    return [run(x) for _ in range(STEPS)], list(model.parameters()), run, optimizer


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(("name", "options"), KINDS, ids=lambda value: value if isinstance(value, str) else str(value))
def test_a_training_step(name, options, backend):
    expected, wanted, _, _ = trained(name, options, None)
    got, parameters, _, optimizer = trained(name, options, lambda step: framelift.compile(step, backend=backend))
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(parameters, wanted)
    assert "capturable" not in options
    assert not any(group.get("capturable") for group in optimizer.param_groups)


@pytest.mark.parametrize("options", [{}, {"foreach": True}])
def test_a_step_is_one_graph(options):
    parameters = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    optimizer = torch.optim.AdamW(parameters, lr=0.1, **options)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    counter = CompileCounter()
    step = framelift.compile(optimizer.step, backend=counter)
    step()
    assert counter.frame_count == 1
    step()  # the state exists; torch.compile, once it has run in the process, keeps the making of it out of all graphs
    captured = counter.frame_count
    assert captured <= 2
    for _ in range(3):
        step()
    assert counter.frame_count == captured
    assert optimizer.state[parameters[0]]["step"] == 5


def test_a_profilers_labels_are_no_break():
    def f(x):
        with torch.autograd.profiler.record_function("label"):
            y = x.sin()
        return y + 1

    counter = CompileCounter()
    x = torch.randn(3)
    torch.testing.assert_close(framelift.compile(f, backend=counter, fullgraph=True)(x), f(x))
    assert counter.frame_count == 1


@pytest.mark.parametrize("limit", [1, 8], ids=["resumed eagerly", "captured again"])
@pytest.mark.filterwarnings("ignore:.*may have 1 specialisations")
def test_a_label_that_a_break_splits(limit):
    def f(x, region, number):
        with region:
            y = x.sin()
            framelift.graph_break()
            z = y.cos() + number
        return z

    x = torch.randn(3)
    compiled = framelift.compile(f, backend="eager", recompile_limit=limit, dynamic=False)
    for number in (3, 4, 5):
        z = compiled(x, torch.autograd.profiler.record_function("label"), number)
        torch.testing.assert_close(z, x.sin().cos() + number)


def test_a_profiler_that_is_on_sees_labels_of_eager_code_only():
    @framelift.disable
    def eager(x):
        with torch.autograd.profiler.record_function("outside"):
            return x + 1

    def f(x):
        with torch.autograd.profiler.record_function("inside"):
            return eager(x.sin())

    compiled = framelift.compile(f, backend="eager")
    compiled(torch.ones(2))
    with torch.autograd.profiler.profile() as profile:
        compiled(torch.ones(2))
    assert "outside" in {event.name for event in profile.function_events}
