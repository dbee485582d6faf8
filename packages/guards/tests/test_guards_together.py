"""Many values handed on as one object: `apply`, `Values`, and dispatchers whose entries get them."""

import gc
import weakref

import pytest

from framelift_guards import (
    Checked,
    DictItemSource,
    Dispatcher,
    Equals,
    Frozen,
    Guard,
    InstanceDictSource,
    LocalSource,
    Sampled,
    TypeIs,
    accelerator,
    apply,
)

WAYS = [
    pytest.param(accelerator.PlainValues, accelerator.apply_plain, id="python"),
    pytest.param(
        accelerator.Values,
        accelerator.apply,
        id="accelerator",
        marks=pytest.mark.skipif(not accelerator.accelerated, reason="the accelerator is not installed"),
    ),
]


def listed(*arguments):
    return list(arguments)


class Thing:
    def method(self, *arguments):
        return self, arguments


@pytest.mark.parametrize(("values", "spread"), WAYS)
@pytest.mark.parametrize("count", [0, 1, 5, 31, 32, 33, 1000])
def test_values_are_spread_where_they_stand(values, spread, count):
    many = values(range(count))
    assert list(many) == list(range(count))
    assert spread(listed, many) == list(range(count))
    assert spread(listed, "a", many, (1, 2), many) == ["a", *range(count), (1, 2), *range(count)]


@pytest.mark.parametrize(("values", "spread"), WAYS)
def test_a_bound_method_gets_its_object_and_leaves_the_values_as_they_were(values, spread):
    thing, many = Thing(), values([1, 2, 3])
    assert spread(thing.method, many) == (thing, (1, 2, 3))
    assert spread(listed, many) == [1, 2, 3]


@pytest.mark.parametrize(("values", "spread"), WAYS)
def test_a_tuple_is_a_value_like_any_other(values, spread):
    assert spread(listed, (1, 2)) == [(1, 2)]
    assert spread(listed) == []


@pytest.mark.parametrize(("values", "spread"), WAYS)
def test_what_is_not_a_call_is_refused(values, spread):
    with pytest.raises(TypeError):
        spread()
    with pytest.raises(TypeError, match="not callable"):
        spread(3, values([1]))
    with pytest.raises(TypeError, match="not iterable"):
        values(3)


@pytest.mark.parametrize(("values", "spread"), WAYS)
def test_what_the_function_raises_is_raised(values, spread):
    with pytest.raises(ZeroDivisionError):
        spread(divmod, values([1, 0]))


@pytest.mark.parametrize(("values", "spread"), WAYS)
def test_values_in_a_cycle_are_collected(values, spread):
    thing = Thing()
    thing.values = values([thing] * 10)
    died = weakref.ref(thing)
    del thing
    gc.collect()
    assert died() is None


def summing(count=20, mode=None):
    """Return a dispatcher of a function of an object with many attributes, whose entry gets these together."""
    dispatcher = Dispatcher.for_parameters(["thing"], lambda scope: "miss", mode=mode or Checked())
    variables = InstanceDictSource(LocalSource("thing"))
    items = [DictItemSource(variables, f"a{index}") for index in range(count)]
    guards = [Guard(LocalSource("thing"), TypeIs(Thing)), *[Guard(item, TypeIs(int)) for item in items]]
    dispatcher.add(guards, lambda thing, many: apply(add, many), together=items)
    return dispatcher


def add(*numbers):
    return sum(numbers)


def thing_of(count=20, start=0):
    thing = Thing()
    for index in range(count):
        setattr(thing, f"a{index}", start + index)
    return thing


def test_the_entry_gets_the_values_of_now(way):
    run = summing().function
    thing = thing_of()
    assert [run(thing), run(thing), run(thing_of(start=1))] == [190, 190, 210]
    thing.a3 = 103
    assert run(thing) == 290
    thing.a3 = "three"
    assert run(thing) == "miss"
    thing.a3 = 3
    assert run(thing) == 190


@pytest.mark.parametrize("mode", [Sampled(every=3), Frozen(), Frozen(verify=True)])
def test_in_each_mode_the_entry_gets_them(way, mode):
    run = summing(mode=mode).function
    thing = thing_of()
    assert [run(thing) for _ in range(8)] == [190] * 8


def test_a_specialisation_runs_alike_without_the_dispatcher(way):
    dispatcher = summing()
    (specialisation,) = dispatcher.specialisations
    assert specialisation.run({"thing": thing_of()}) == dispatcher.function(thing_of()) == 190


def test_calls_that_overlap_have_values_of_their_own(way):
    dispatcher = Dispatcher.for_parameters(["thing", "depth"], lambda scope: "miss")
    variables = InstanceDictSource(LocalSource("thing"))
    items = [DictItemSource(variables, f"a{index}") for index in range(20)]
    guards = [Guard(LocalSource("thing"), TypeIs(Thing)), *[Guard(item, TypeIs(int)) for item in items]]

    def entry(thing, depth, many):
        inner = [] if depth == 0 else dispatcher.function(thing_of(start=depth), depth - 1)
        return [apply(add, many), *inner]

    dispatcher.add(guards, entry, together=items)
    expected = [190, *[190 + 20 * start for start in (3, 2, 1)]]
    for _ in range(3):
        assert dispatcher.function(thing_of(), 3) == expected


def test_nothing_is_kept_when_the_call_is_over(way):
    class Number(float):
        pass

    dispatcher = Dispatcher.for_parameters(["thing"], lambda scope: "miss")
    variables = InstanceDictSource(LocalSource("thing"))
    items = [DictItemSource(variables, f"a{index}") for index in range(20)]
    guards = [Guard(LocalSource("thing"), TypeIs(Thing)), *[Guard(item, TypeIs(Number)) for item in items]]
    dispatcher.add(guards, lambda thing, many: apply(add, many), together=items)
    thing = Thing()
    thing.__dict__.update({f"a{index}": Number(index) for index in range(20)})
    died = [weakref.ref(value) for value in thing.__dict__.values()]
    assert [dispatcher.function(thing) for _ in range(3)] == [190] * 3
    del thing
    assert [one() for one in died] == [None] * 20


def test_a_few_values_together_are_one_object_as_well(way):
    dispatcher = Dispatcher.for_parameters(["x", "y"], lambda scope: "miss")
    dispatcher.add(
        [Guard(LocalSource("x"), Equals(1))],
        lambda x, y, both: apply(listed, "both", both),
        together=[LocalSource("y"), LocalSource("x")],
    )
    assert dispatcher.function(1, 2) == ["both", 2, 1]
    assert dispatcher.function(2, 2) == "miss"


def test_the_generated_code_hands_them_on():
    dispatcher = Dispatcher.for_parameters(["pair"], lambda scope: "miss")
    items = [LocalSource("pair").item(index) for index in range(2)]
    dispatcher.add([Guard(LocalSource("pair"), TypeIs(tuple))], lambda pair, both: both, together=items)
    assert "inputs = Values((v_0, v_1))" in dispatcher.source()
