"""A module of many parameters: its graph gets them all at once, whatever checks the guards."""

import pytest
import torch

import framelift


@pytest.mark.parametrize("guards", ["checked", "sampled", "frozen"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_results_are_those_of_eager(guards, dynamic):
    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(24)])
    lifted = framelift.compile(model, backend="eager", guards=guards, dynamic=dynamic)
    for rows in (2, 2, 3, 3, 2):
        x = torch.randn(rows, 4)
        assert torch.equal(lifted(x), model(x))


def test_a_parameter_that_is_exchanged_is_used_at_once():
    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(24)])
    lifted = framelift.compile(model, backend="eager")
    x = torch.randn(2, 4)
    for _ in range(3):
        assert torch.equal(lifted(x), model(x))
        model[7].weight = torch.nn.Parameter(torch.randn(4, 4))
    assert len(lifted.framelift.specialisations) == 1


def test_the_same_parameters_serve_calls_inside_each_other():
    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(24)])
    lifted = framelift.compile(model, backend=lambda graph, inputs: again(graph))
    depth = []

    def again(graph):
        def run(*values):
            if len(depth) < 3:
                depth.append(None)
                lifted(torch.zeros(2, 4))
            return graph(*values)

        return run

    x = torch.randn(2, 4)
    assert torch.equal(lifted(x), model(x))
    assert torch.equal(lifted(x), model(x))
