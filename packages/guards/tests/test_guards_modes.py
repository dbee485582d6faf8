"""Modes: what a call brings is checked at each call; state is checked at each, by samples, or once."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    Checked,
    DictItemSource,
    Dispatcher,
    Equals,
    Frozen,
    GlobalSource,
    Guard,
    GuardViolation,
    InstanceDictSource,
    LocalSource,
    Namespace,
    Sampled,
    Satisfies,
    TypeIs,
    guard_mode,
)

pytestmark = pytest.mark.usefixtures("way")


class Model:
    def __init__(self, factor):
        self.factor = factor


class Scaled:
    """A function of a model, a number and a global that is specialised on the model's factor and the global."""

    def __init__(self, mode, *, number=False):
        self.variables = {"offset": 1}
        self.number = number
        self.captures = 0
        self.dispatcher = Dispatcher.for_parameters(["model", "n"], self.miss, name="scaled", mode=mode)

    def __call__(self, model, n=10):
        return self.dispatcher.function(model, n)

    def eager(self, model, n=10):
        return n * model.factor + self.variables["offset"]

    def miss(self, arguments):
        self.captures += 1
        model, n = arguments.values()
        factor, offset = model.factor, self.variables["offset"]
        local, number = LocalSource("model"), LocalSource("n")
        guards = [
            Guard(local, TypeIs(Model)),
            Guard(DictItemSource(InstanceDictSource(local), "factor"), Equals(factor)),
            Guard(GlobalSource("offset", Namespace(self.variables)), Equals(offset)),
            Guard(number, Equals(n) if self.number else TypeIs(int)),
        ]
        self.dispatcher.add(guards, lambda model, n: n * factor + offset)
        return self.eager(model, n)


def _warm(scaled, model):
    for _ in range(3):
        scaled(model)


def test_checked_sees_a_change_at_once():
    scaled, model = Scaled(Checked()), Model(2)
    _warm(scaled, model)
    model.factor = 3
    assert scaled(model) == 31


@pytest.mark.parametrize("every", [1, 2, 7])
def test_sampled_sees_a_change_within_n_calls_and_says_so(every):
    scaled, model = Scaled(Sampled(every)), Model(2)
    _warm(scaled, model)
    model.factor = 3
    with pytest.raises(GuardViolation) as raised:
        assert [scaled(model) for _ in range(every)] == []
    assert raised.value.failure.reason == "model.factor was 2, is 3"
    assert raised.value.function == "scaled"
    assert scaled(model) == 31  # the call after it is right


def test_sampled_checks_another_object_in_full():
    scaled, model = Scaled(Sampled(1000)), Model(2)
    _warm(scaled, model)
    assert scaled(Model(3)) == 31
    assert scaled(model) == 21
    assert scaled.captures == 2


def test_what_a_call_brings_is_checked_in_any_mode():
    for mode in (Sampled(1000), Frozen()):
        scaled, model = Scaled(mode, number=True), Model(2)
        _warm(scaled, model)
        assert scaled(model, 20) == 41
        assert scaled(model, 10) == 21
        assert scaled.captures == 2


def test_what_tells_specialisations_apart_is_checked_in_any_mode():
    for mode in (Sampled(1000), Frozen()):
        scaled, model = Scaled(mode), Model(2)
        assert scaled(model) == 21
        model.factor = 3
        assert scaled(model) == 31  # not trusted yet
        for factor in (2, 3, 3, 2, 2, 3):
            model.factor = factor
            assert scaled(model) == scaled.eager(model)
        assert scaled.captures == 2


def test_frozen_believes_the_promise():
    scaled, model = Scaled(Frozen()), Model(2)
    _warm(scaled, model)
    model.factor, scaled.variables["offset"] = 3, 7
    assert [scaled(model) for _ in range(100)] == [21] * 100


def test_the_debug_switch_verifies_the_promise():
    scaled, model = Scaled(Frozen(verify=True)), Model(2)
    _warm(scaled, model)
    scaled.variables["offset"] = 7
    with pytest.raises(
        GuardViolation,
        match=r"scaled under guards='frozen' must .* but offset was 1, is 7; .*; results ",
    ):
        scaled(model)
    assert scaled(model) == 27


def test_a_violation_may_be_an_error_of_ones_own():
    dispatcher = Dispatcher.for_parameters(
        ["n"], lambda arguments: "miss", mode=Frozen(verify=True), violated=lambda *found: LookupError(*found)
    )
    variables = {"k": 1}
    dispatcher.add([Guard(GlobalSource("k", Namespace(variables)), Equals(1))], lambda n: n)
    assert [dispatcher.function(5) for _ in range(2)] == [5, 5]
    variables["k"] = 2
    with pytest.raises(LookupError) as raised:
        dispatcher.function(5)
    name, mode, failure = raised.value.args
    assert (name, mode, failure.reason) == ("resume", Frozen(verify=True), "k was 1, is 2")
    assert dispatcher.function(5) == "miss"


def test_nothing_is_kept_alive():
    for mode in (Sampled(2), Frozen(), Frozen(verify=True)):
        scaled, model = Scaled(mode), Model(2)
        _warm(scaled, model)
        watched = weakref.ref(model)
        del model
        gc.collect()
        assert watched() is None
        assert scaled(Model(2)) == 21
        scaled.dispatcher.clear()
        assert scaled(Model(2)) == 21


@pytest.mark.parametrize("mode", [Checked(), Sampled(2), Frozen(), Frozen(verify=True)], ids=lambda mode: mode.name)
def test_what_a_call_under_way_ends_after_is_forgotten_all_the_same(mode):
    """A full check that forgets its own specialisation, as another thread may, leaves nothing of it."""
    variables = {"offset": 1, "model": Model(2)}
    dispatcher = Dispatcher.for_parameters(["n"], lambda arguments: "miss", mode=mode)
    before = set(dispatcher.function.__globals__)
    forgetting = Satisfies(lambda n: dispatcher.clear() or True, text="forgetting")
    offset = Guard(GlobalSource("offset", Namespace(variables)), Equals(1))
    entry = lambda n: "hit"  # noqa: E731 - the entry itself is watched
    watched = weakref.ref(entry)
    dispatcher.add([Guard(LocalSource("n"), Equals(1)), offset, Guard(LocalSource("n"), forgetting)], entry)
    del entry
    dispatcher.function(1)
    assert set(dispatcher.function.__globals__) == before
    assert dispatcher.function(1) == "miss"
    gc.collect()
    assert watched() is None


def test_the_generated_code():
    scaled, model = Scaled(Sampled(16)), Model(2)
    _warm(scaled, model)
    text = scaled.dispatcher.source()
    assert "if (seen := take_ticket())[0]() is not model:" in text
    assert text.count("'factor'") == 1  # in the full check alone


def test_where_nothing_is_about_state_there_is_nothing_to_trust():
    dispatcher = Dispatcher.for_parameters(["n"], lambda arguments: "miss", mode=Sampled(16))
    dispatcher.add([Guard(LocalSource("n"), Equals(3))], lambda n: "hit")
    assert [dispatcher.function(n) for n in (3, 3, 4)] == ["hit", "hit", "miss"]
    assert "ticket" not in dispatcher.source()


def test_a_violation_while_suspended_is_a_miss():
    scaled, model = Scaled(Frozen(verify=True)), Model(2)
    _warm(scaled, model)
    scaled.dispatcher.suspend()
    model.factor = 3
    assert scaled(model) == 31


def test_a_change_that_the_accelerator_watches_is_seen_at_once(way):
    if way == "python":
        pytest.skip("without it, state is looked at by samples")
    scaled, model = Scaled(Sampled(1000)), Model(2)
    _warm(scaled, model)
    for change in (lambda: setattr(model, "factor", 3), lambda: scaled.variables.update(offset=7)):
        change()
        with pytest.raises(GuardViolation):
            scaled(model)
        for _ in range(3):
            assert scaled(model) == scaled.eager(model)
    assert "plan" in scaled.dispatcher.source()


@pytest.mark.parametrize(
    "given", ["always", "", None, 3, True, Sampled, {"every": 3}, "Checked"], ids=lambda given: repr(given)[:20]
)
def test_what_is_no_mode(given):
    with pytest.raises(ValueError, match="guards must be 'checked', 'sampled', 'frozen', Sampled"):
        guard_mode(given)


@pytest.mark.parametrize("every", [0, -1, 2.0, True, "8", None])
def test_what_is_no_number_of_calls(every):
    with pytest.raises(ValueError, match="every must be an int of at least 1"):
        Sampled(every)
    with pytest.raises(ValueError, match="verify must be True or False"):
        Frozen(verify=3)


@pytest.mark.parametrize("mode", [Sampled(3), Frozen(verify=True)])
def test_threads(mode):
    scaled = Scaled(mode)
    models = [Model(2), Model(2)]
    wrong = []

    def work(model):
        for n in range(300):
            found = scaled(model, n)
            if found != scaled.eager(model, n):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(models[index % 2],)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("factor"), st.integers(0, 2)),
        st.tuples(st.just("offset"), st.integers(0, 2)),
        st.tuples(st.just("call"), st.integers(0, 2)),
        st.tuples(st.just("other"), st.integers(0, 2)),
    ),
    max_size=30,
)


@given(STEPS, st.integers(1, 5), st.booleans())
def test_law_a_stale_result_is_announced_within_n_calls(steps, every, number):
    """Between a change and `every` calls on trust, a result is right or a violation was raised."""
    scaled, models = Scaled(Sampled(every), number=number), [Model(0), Model(0)]
    stale = 0
    for what, value in steps:
        if what == "factor":
            models[0].factor = value
        elif what == "offset":
            scaled.variables["offset"] = value
        else:
            model = models[what == "other"]
            try:
                right = scaled(model, value) == scaled.eager(model, value)
            except GuardViolation:
                stale = 0
                continue
            stale = 0 if right else stale + 1
            assert stale < every * max(1, scaled.captures)


@given(STEPS, st.booleans())
def test_law_a_verified_promise_is_never_stale(steps, number):
    scaled, models = Scaled(Frozen(verify=True), number=number), [Model(0), Model(0)]
    for what, value in steps:
        if what == "factor":
            models[0].factor = value
        elif what == "offset":
            scaled.variables["offset"] = value
        else:
            model = models[what == "other"]
            try:
                assert scaled(model, value) == scaled.eager(model, value)
            except GuardViolation:
                assert scaled(model, value) == scaled.eager(model, value)
