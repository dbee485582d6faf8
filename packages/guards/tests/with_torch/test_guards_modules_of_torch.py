"""Real modules: what a program does to them is seen by the very next call, with and without the accelerator."""

import pytest
from guards_modules import guards_on

from framelift_guards import Dispatcher, Scope

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrize  # noqa: E402

from framelift_guards.torch import TensorMatch, global_state_guards  # noqa: E402

pytestmark = pytest.mark.usefixtures("way")


class Twice(nn.Module):
    def forward(self, x):
        return x * 2


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4, bias=False)), nn.ReLU())


def linear(m):
    return m[1][1]


def requires_grad_of_all(m):
    m.requires_grad_(False)


def load(m):
    m.load_state_dict({key: value.double() for key, value in m.state_dict().items()}, assign=True)


def exchange_data(m):
    linear(m).weight.data = torch.zeros(8, 4)


MISSES = {
    "data of another shape": exchange_data,
    "data of another dtype": lambda m: setattr(linear(m).weight, "data", torch.zeros(4, 4, dtype=torch.float64)),
    "data of other strides": lambda m: setattr(linear(m).weight, "data", torch.zeros(4, 4).t()),
    "to another dtype": lambda m: m.to(torch.float64),
    "to the device meta": lambda m: m.to("meta"),
    "requires_grad_ of one": lambda m: linear(m).weight.requires_grad_(False),
    "requires_grad_ of all": requires_grad_of_all,
    "load_state_dict that assigns": load,
    "a class that was assigned": lambda m: setattr(linear(m), "__class__", Twice),
    "a parametrization": lambda m: parametrize.register_parametrization(linear(m), "weight", Twice()),
    "a forward hook": lambda m: linear(m).register_forward_hook(print),
    "a forward pre-hook": lambda m: linear(m).register_forward_pre_hook(print),
    "eval()": lambda m: m.eval(),
    "eval() of one": lambda m: m[1][0].eval(),
    "a submodule that was replaced": lambda m: m[1].__setitem__(1, Twice()),
    "a submodule that was appended": lambda m: m[1].append(Twice()),
    "a submodule that was deleted": lambda m: m.__delitem__(2),
    "a parameter that was deleted": lambda m: setattr(linear(m), "weight", None),
    "a buffer that was replaced": lambda m: setattr(m[1][0], "running_mean", torch.zeros(5)),
    "a buffer that was registered": lambda m: m[1][0].register_buffer("running_var", torch.zeros(4, 1)),
    "a parameter that was registered": lambda m: linear(m).register_parameter("weight", nn.Parameter(torch.zeros(3))),
    "a resized parameter": lambda m: m[1][0].running_mean.resize_(5),
}
HITS = {
    "an optimiser's step": lambda m: torch.optim.SGD(m.parameters(), lr=0.1).step(),
    "load_state_dict in place": lambda m: m.load_state_dict(model().state_dict()),
    "data that is alike": lambda m: setattr(linear(m).weight, "data", torch.ones(4, 4)),
    "another parameter that is alike": lambda m: setattr(linear(m), "weight", nn.Parameter(torch.ones(4, 4))),
    "another submodule that is alike": lambda m: m[1].__setitem__(1, nn.Linear(4, 4, bias=False)),
    "a hook that was removed": lambda m: linear(m).register_forward_hook(print).remove(),
    "eval() and train()": lambda m: m.eval().train(),
    "zero_grad": lambda m: m.zero_grad(),
    "a gradient": lambda m: m(torch.ones(2, 4)).sum().backward(),
}


def dispatcher_for(m):
    guards = [*guards_on(m, leaf=TensorMatch.of), *global_state_guards()]
    dispatcher = Dispatcher.for_parameters(["self"], lambda scope: "miss")
    specialisation = dispatcher.add(guards, lambda self: "hit")
    assert [dispatcher.function(m) for _ in range(4)] == ["hit"] * 4
    return dispatcher, specialisation.guards


@pytest.mark.parametrize("change", MISSES)
def test_the_next_call_after_a_change_misses(change):
    m = model()
    dispatcher, guards = dispatcher_for(m)
    MISSES[change](m)
    assert dispatcher.function(m) == "miss"
    assert guards.first_failure(Scope({"self": m})) is not None


@pytest.mark.parametrize("change", HITS)
def test_what_changes_nothing_that_is_guarded_does_not_miss(change):
    m = model()
    dispatcher, _ = dispatcher_for(m)
    HITS[change](m)
    assert [dispatcher.function(m) for _ in range(3)] == ["hit"] * 3


def test_global_state_is_seen():
    m = model()
    dispatcher, _ = dispatcher_for(m)
    with torch.no_grad():
        assert dispatcher.function(m) == "miss"
    with torch.inference_mode():
        assert dispatcher.function(m) == "miss"
    assert dispatcher.function(m) == "hit"
