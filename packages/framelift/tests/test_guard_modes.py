"""`compile(guards=…)` and `compile(guard_filter=…)`, and what is told about recompilations."""

from __future__ import annotations

import gc
import re
import warnings
import weakref

import pytest
import torch

import framelift
from framelift import Frozen, Sampled, errors
from framelift.testing import same
from framelift_guards import accelerator

SCALE = 2


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 3)
        self.factor = 2

    def forward(self, x):
        return self.lin(x) * self.factor


def scaled(x):
    return x * SCALE


def _call(f, x, *, times):
    for _ in range(times):
        f(x)


def lifted(fn, guards, **options):
    return framelift.compile(fn, backend="eager", guards=guards, **options)


@pytest.fixture
def scale():
    yield
    globals()["SCALE"] = 2


@pytest.mark.parametrize("guards", ["checked", "sampled", "frozen", Sampled(every=3), Frozen(verify=True)])
def test_a_module_in_each_mode_does_as_eager(guards):
    net = Net()
    f = lifted(net, guards)
    for size in (2, 2, 5, 2, 5, 7, 7, 7):
        x = torch.randn(size, 3, requires_grad=True)
        assert same(f(x), net(x))
    with torch.no_grad():
        if guards != "frozen":  # whose promise is about torch's state too
            assert not f(torch.ones(2, 3)).requires_grad
    other = Net()
    g = lifted(lambda m, x: m(x), guards)
    for model in (net, other, net, net, net, other):
        x = torch.randn(2, 3)
        assert same(g(model, x), model(x))


def test_a_parameter_that_is_trained_or_replaced_is_the_new_one():
    net = Net()
    f = lifted(net, Sampled(every=1000))
    x = torch.randn(2, 3)
    for _ in range(3):
        f(x)
    with torch.no_grad():
        net.lin.weight.add_(1)
    assert same(f(x), net(x))
    net.lin.weight = torch.nn.Parameter(torch.ones(3, 3))
    assert same(f(x), net(x))


def test_sampled_raises_with_the_reason(scale):
    f = lifted(scaled, Sampled(every=4))
    x = torch.ones(2)
    for _ in range(3):
        assert f(x)[0] == 2
    globals()["SCALE"] = 5
    with pytest.raises(errors.GuardViolationError) as raised:
        _call(f, x, times=4)
    line = scaled.__code__.co_firstlineno + 1
    where = re.escape(f"SCALE was 2, is 5 (test_guard_modes.py:{line} relies on it); ")
    assert re.search(rf"scaled under guards='sampled' must .* change: {where}", str(raised.value))
    assert raised.value.code == "FL306"
    assert f(x)[0] == 5


def test_a_module_that_changes_its_mode_under_sampled():
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
    f = lifted(net, Sampled(every=2))
    x = torch.ones(4, 3)
    for _ in range(3):
        f(x)
    net.eval()
    with pytest.raises(errors.GuardViolationError, match=r"training was True, is False"):
        _call(f, x, times=2)
    assert same(f(x), net(x))
    for training in (True, False, False, True):  # known to vary by now: checked at each call
        net.train(training)
        assert same(f(x), f(x)) is not training


def test_the_debug_switch(scale):
    promised, verified = lifted(scaled, "frozen"), lifted(scaled, Frozen(verify=True))
    x = torch.ones(2)
    for _ in range(3):
        promised(x), verified(x)
    globals()["SCALE"] = 5
    assert promised(x)[0] == 2  # what was promised did not hold
    with pytest.raises(errors.GuardViolationError, match=r"guards='frozen' .* SCALE was 2, is 5"):
        verified(x)


def test_continuations_are_in_the_same_mode(scale, capsys):
    def f(x):
        print("a break")
        return x * SCALE

    g = lifted(f, "frozen")
    x = torch.ones(2)
    for _ in range(3):
        g(x)
    globals()["SCALE"] = 5
    assert g(x)[0] == 2
    assert len(g.framelift.specialisations) == 2
    assert capsys.readouterr().out == "a break\n" * 4


def test_what_changes_itself_is_not_trusted():
    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    plain, counting = Counting(), Counting()
    f = lifted(counting, Frozen(), dynamic=False, recompile_limit=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(9):
            assert same(f(torch.zeros(2)), plain(torch.zeros(2)))


@pytest.mark.parametrize("guards", ["sampled", "frozen", Frozen(verify=True)])
def test_nothing_is_kept_alive(guards):
    net = Net()
    f = lifted(net, guards)
    for _ in range(4):
        f(torch.ones(2, 3))
    watched = [weakref.ref(net), weakref.ref(net.lin.weight)]
    del net, f
    gc.collect()
    assert [one() for one in watched] == [None, None]


@pytest.mark.parametrize("guards", ["always", None, 3, Sampled, framelift])
def test_what_is_no_mode(guards):
    with pytest.raises(errors.ConfigurationError, match=r"guards must be 'checked', 'sampled', 'frozen', .*; leave it"):
        lifted(scaled, guards)


# ---- the filter -----------------------------------------------------------------------------------------------------


def test_a_filter_drops_guards(scale):
    seen = []

    def keep(guard):
        seen.append((guard.kind, guard.name))
        return guard.name != "G['SCALE']"

    f = framelift.compile(scaled, backend="eager", guard_filter=keep)
    x = torch.ones(2)
    f(x)
    globals()["SCALE"] = 5
    assert f(x)[0] == 2
    assert ("EQUALS_MATCH", "G['SCALE']") in seen
    assert ("TENSOR_MATCH", "L['x']") in seen
    assert len(f.framelift.guards()) == len(seen) - 1
    assert len(f.framelift.specialisations) == 1


def test_a_filter_is_shown_the_line_and_may_not_change_the_guard():
    def keep(guard):
        assert guard.user_line is None or guard.user_line.filename
        with pytest.raises(AttributeError):
            guard.source = None
        return True

    f = framelift.compile(scaled, backend="eager", guard_filter=keep)
    assert f(torch.ones(2))[0] == 2


def test_a_filter_that_answers_nonsense():
    f = framelift.compile(scaled, backend="eager", guard_filter=lambda guard: None)
    with pytest.raises(errors.ConfigurationError, match="must answer True or False, but is answering None"):
        f(torch.ones(2))


def test_a_filter_that_raises():
    def keep(guard):
        raise LookupError("mine")

    f = framelift.compile(scaled, backend="eager", guard_filter=keep)
    with pytest.raises(LookupError, match="mine"):
        f(torch.ones(2))


def test_a_filter_that_is_none():
    with pytest.raises(errors.ConfigurationError, match="guard_filter must be a function of a guard"):
        framelift.compile(scaled, backend="eager", guard_filter="EQUALS_MATCH")


# ---- recompilations -------------------------------------------------------------------------------------------------


def compared(x):
    if x.size(1) == 8:
        return x + 1
    return x - 1


def test_a_miss_in_one_line():
    f = framelift.compile(compared, backend="eager", dynamic=False)
    f(torch.ones(2, 8)), f(torch.ones(2, 16))
    line = compared.__code__.co_firstlineno + 1
    (why,) = f.framelift.why_recompiled()
    assert why == (
        f"recompiled compared: x.size(1) was 8, is 16 (test_guard_modes.py:{line} compares it); mark_dynamic(x, 1) "
        "would avoid this"
    )


def test_every_guard_has_a_line():
    f = framelift.compile(Net(), backend="eager")
    f(torch.ones(2, 3))
    assert [str(guard) for guard in f.framelift.guards() if guard.user_line is None] == []


def test_the_limit_warns_once_and_fullgraph_raises():
    f = framelift.compile(compared, backend="eager", dynamic=False, recompile_limit=2)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for size in (8, 16, 24, 32, 40):
            f(torch.ones(2, size))
    (one,) = warned
    text = str(one.message)
    assert "compared may have 2 specialisations" in text
    assert "x.size(1) was 8, 16, and is 24" in text
    assert "leave dynamic=False out" in text
    g = framelift.compile(compared, backend="eager", dynamic=False, recompile_limit=2, fullgraph=True)
    g(torch.ones(2, 8)), g(torch.ones(2, 16))
    for _ in range(2):
        with pytest.raises(errors.CaptureError, match=r"x\.size\(1\) was 8, 16, and is 24"):
            g(torch.ones(2, 24))


def test_the_view_after_clear():
    f = framelift.compile(compared, backend="eager", dynamic=False)
    f(torch.ones(2, 8)), f(torch.ones(2, 16))
    view = f.framelift
    assert (len(view.specialisations), len(view.guards()) > 2, "def compared(x" in view.source()) == (2, True, True)
    view.clear()
    assert (view.specialisations, view.guards(), view.why_recompiled()) == ([], [], [])
    f(torch.ones(2, 8))
    assert len(view.specialisations) == 1


class Holder:
    def __init__(self, number):
        self.number = number

    def times(self, x, n):
        return x * n


def of_branches(x, holder):
    x = x + 1
    framelift.graph_break()
    if x.sum() > 3:
        framelift.graph_break()
        return x + holder.number
    framelift.graph_break()
    return x - holder.number


def of_inner(x, n):
    def inner(x):
        x = x + 1
        framelift.graph_break()
        return x * n

    return inner(x) + n


def _warned(f, calls):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for call in calls:
            f(*call)
    return [str(one.message) for one in warned]


def test_one_warning_for_a_function_and_its_continuations():
    f = framelift.compile(of_branches, backend="eager", dynamic=False, recompile_limit=2)
    calls = [(torch.ones(2) * (number % 2 * 2), Holder(number)) for number in range(14)]
    (one,) = _warned(f, calls)
    line = of_branches.__code__.co_firstlineno + 7
    assert "holder.number was 0, 2, and is 4 (" in one
    assert f" (test_guard_modes.py:{line} relies on it), in 2 of 2 misses" in one
    assert len([record for record in f.framelift.lifted if record.limit_problem is not None]) == 2
    for call in calls:
        assert same(f(*call), of_branches(*call))
    f.framelift.clear()
    assert len(_warned(f, calls)) == 1


def _numbered():
    return [(torch.ones(2), number) for number in (2, 3, 4, 5)]


class Scaling(torch.nn.Module):
    def forward(self, x, n):
        return x * n


class Nested(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Scaling()

    def forward(self, x, n):
        return self.inner(x, n) + 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: of_inner,
        lambda: Holder(3).times,
        Scaling,
        Nested,
        lambda: torch.nn.Sequential(Scaling()).get_submodule("0"),
    ],
    ids=["nested function", "method", "module", "nested module", "part of a module"],
)
def test_the_view_of_whatever_is_lifted(make):
    original = make()
    f = framelift.compile(original, backend="eager", dynamic=False, recompile_limit=3)
    view = f.framelift
    for _ in range(2):  # and again after `clear`
        assert (view.specialisations, view.guards(), view.why_recompiled()) == ([], [], [])
        (limit,) = _warned(f, _numbered())
        assert "n was 2, 3, 4, and is 5 (" in limit
        assert limit.count("leave dynamic=False out") == 1
        reasons = view.why_recompiled()
        assert ["n was 2, is 3 (" in reasons[0], "n was 3, is 4 (" in reasons[1]] == [True, True]
        assert len(view.specialisations) >= 3
        assert "def " in view.source()
        assert {"TENSOR_MATCH", "EQUALS_MATCH"} <= {guard.kind for guard in view.guards()}
        for call in _numbered():
            assert same(f(*call), original(*call))
        view.clear()


@pytest.mark.parametrize("make", [lambda: Holder(3).times, Scaling, Nested])
def test_fullgraph_raises_what_the_warning_says(make):
    warned = framelift.compile(make(), backend="eager", dynamic=False, recompile_limit=3)
    strict = framelift.compile(make(), backend="eager", dynamic=False, recompile_limit=3, fullgraph=True)
    (text,) = _warned(warned, _numbered())
    *fitting, last = _numbered()
    for call in fitting:
        strict(*call)
    with pytest.raises(errors.CaptureError) as raised:
        strict(*last)
    assert text == f"[{raised.value.code}] {raised.value}"


class Deep(torch.nn.Module):
    def __init__(self, layers, *, breaks):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(layers)])
        self.options = {"scale": 2}
        self.breaks = breaks

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        if self.breaks:
            framelift.graph_break()
        return x * self.options["scale"]


@pytest.mark.parametrize(
    ("layers", "breaks", "accelerated"),
    [(2, False, True), (2, False, False), (2, True, True), (2, True, False), (150, False, True)],
)
def test_a_violation_in_a_module_of_few_or_many_parameters(layers, breaks, accelerated, monkeypatch):
    if not accelerated:
        for kind in ("make_plan", "make_images", "make_state_check"):
            monkeypatch.setattr(accelerator, kind, None)
    watches = accelerator.make_plan is not None
    model, x = Deep(layers, breaks=breaks), torch.ones(3, 2)
    sampled, verified = lifted(model, Sampled(every=6)), lifted(model, Frozen(verify=True))
    for f in (sampled, verified):
        _call(f, x, times=2)
        assert same(f(x), model(x))
    model.options["scale"] = 5
    stale = 0
    for _ in range(6):
        try:
            stale += not same(sampled(x), model(x))
        except errors.GuardViolationError as violation:
            assert "self.options['scale'] was 2, is 5 (test_guard_modes.py:" in str(violation)  # noqa: PT017
            break
    else:
        pytest.fail("no violation within six calls")
    assert stale < (1 if watches else 6)  # what is watched is seen at once
    with pytest.raises(errors.GuardViolationError, match=r"self\.options\['scale'\] was 2, is 5"):
        verified(x)
    for f in (sampled, verified):
        assert same(f(x), model(x))
