"""What compilers cannot take is eager's all the same: state left open, inference mode, an LSTM, a resized output."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

import framelift

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's compilers are not free of warnings

BACKENDS = ["eager", "aot_eager"]
X = torch.arange(6.0).reshape(2, 3) / 7


def described(result):
    return [(one.dtype, one.is_inference(), one.requires_grad, one.tolist()) for one in result]


def autocast_around_a_break(x):
    with torch.autocast("cpu"):
        first = x @ x.T
        framelift.graph_break()
        second = x @ x.T
    return first, second, x @ x.T


def autocast_off_around_a_break(x):
    with torch.autocast("cpu"), torch.autocast("cpu", enabled=False):
        first = x @ x.T
        framelift.graph_break()
        second = x @ x.T
    return first, second, x @ x.T


def without_gradients_around_a_break(x):
    with torch.no_grad():
        first = x * 2
        framelift.graph_break()
        second = first + x
    return first, second, second * x


def inference_inside(x):
    with torch.inference_mode():
        first = x.detach() * 2
    return first, x + 1


@torch.inference_mode()
def inference_decorated(x):
    first, *rest = x.unbind()
    with torch.inference_mode(False):
        other = x + 1
    return first * 2, other, *[row + 1 for row in rest]


@torch.no_grad()
def inference_among_other_state(x):
    first = x * 2
    with torch.inference_mode(), torch.autocast("cpu"):
        second = x @ x.T
    with torch.enable_grad():
        third = x * first
    return first, second, third


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize(
    "function",
    [
        autocast_around_a_break,
        autocast_off_around_a_break,
        without_gradients_around_a_break,
        inference_inside,
        inference_decorated,
        inference_among_other_state,
    ],
)
def test_torchs_state_is_the_programs(function, grad, backend):
    lifted = framelift.compile(function, backend=backend)
    for rows in (2, 3, 4):
        x = torch.ones(rows, 3).requires_grad_(grad)
        assert described(lifted(x)) == described(function(x))
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert not lifted.framelift.capture_errors


def test_a_backend_that_fails_leaves_torchs_state_alone():
    def failing(gm, inputs):
        gm(*inputs)  # up to a region's beginning, say
        torch._C._set_grad_enabled(False)
        raise ValueError("no")

    lifted = framelift.compile(lambda x: x + 1, backend=failing)
    with pytest.raises(framelift.errors.BackendError, match="no"):
        lifted(X)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_lstm_learns(backend):
    def learnt(lift):
        torch.manual_seed(0)
        layer = nn.LSTM(3, 4, batch_first=True)
        called = lift(lambda x: [one * 2 for one in layer(x * 2)[1]])
        states = called(X[None])
        sum(one.sum() for one in states).backward()
        return states, [one.grad for one in layer.parameters()]

    lifted = []

    def lift(function):
        lifted.append(framelift.compile(function, backend=backend, fullgraph=True))
        return lifted[0]

    torch.testing.assert_close(learnt(lift), learnt(lambda function: function))
    assert len(lifted[0].framelift.graphs) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_output_from_outside_may_be_resized(backend):
    lifted = framelift.compile(lambda x, out: torch.mul(x * 2, 2, out=out), backend=backend)
    for rows in (2, 3):
        x, out = torch.ones(rows, 3), torch.empty(0)
        assert lifted(x, out) is out
        assert out.tolist() == (x * 4).tolist()


class Logged(TorchFunctionMode):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.log.append(function.__name__)
        return function(*args, **(kwargs or {}))


def test_a_mode_of_the_programs_sees_what_the_program_does():
    def function(x, log):
        with torch.no_grad(), Logged(log):
            y = torch.sin(x) + 1
        return y, x * 2

    lifted, seen, expected = framelift.compile(function, backend="eager"), [], []
    for _ in range(2):
        torch.testing.assert_close(lifted(X, seen), function(X, expected))
    assert seen == expected


def test_a_class_of_tensors_is_no_part_of_a_graphs_text():
    class Own(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    lifted = framelift.compile(lambda x: (x.as_subclass(Own) + 1).as_subclass(torch.Tensor) * 2, backend="eager")
    assert lifted(X).tolist() == ((X + 1) * 2).tolist()
    assert not lifted.framelift.capture_errors


def saved_and_written(x, y):
    z = y * 2
    w = z.cos()
    z.add_(1)  # what the gradient of `cos` needs: nobody may ask for it
    return w, x * 2


def leaf_written(x):
    x += 1
    return x * 2


def test_a_graph_whose_gradient_cannot_be_traced_runs_uncompiled():
    lifted = framelift.compile(saved_and_written, backend="aot_eager")
    for _ in range(2):
        x, y = (torch.ones(3, requires_grad=True) for _ in range(2))
        first, second = lifted(x, y)
        assert first.tolist() == torch.full((3,), 2.0).cos().tolist()
        second.sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            first.sum().backward()


def test_what_eager_refuses_is_refused_in_its_words():
    lifted = framelift.compile(leaf_written, backend="aot_eager")
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        lifted(torch.ones(3, requires_grad=True))


def test_what_a_backend_raises_while_it_compiles_is_its_error():
    from torch._dynamo.backends.common import aot_autograd

    def failing(gm, inputs):
        raise ValueError("no code for this")

    lifted = framelift.compile(lambda x: x.sin(), backend=aot_autograd(fw_compiler=failing))
    with pytest.raises(framelift.errors.BackendError, match="no code for this"):
        lifted(torch.ones(3))
