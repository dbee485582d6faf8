"""Many items of one container, checked at once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framelift_guards import (
    DictItemSource,
    DictKeys,
    Dispatcher,
    Equals,
    GlobalSource,
    Guard,
    GuardSet,
    Length,
    ListItemSource,
    LocalSource,
    Namespace,
    Scope,
    TypeIs,
)

pytestmark = pytest.mark.usefixtures("way")
XS = LocalSource("xs")
ATOMS = st.one_of(st.integers(-2, 2), st.booleans(), st.none(), st.sampled_from(["", "a", b"", b"a", ..., 0.0, -0.0]))


class Hostile:
    def __eq__(self, other):
        raise AssertionError("asked")

    __hash__ = None


def _dispatcher(guards):
    dispatcher = Dispatcher.for_parameters(["xs"], lambda scope: False)
    dispatcher.add(guards, lambda xs: True)
    return dispatcher


def _guards_of_list(xs):
    return [Guard(XS, TypeIs(list)), *[Guard(ListItemSource(XS, index), Equals(x)) for index, x in enumerate(xs)]]


def _guards_of_dict(xs):
    return [Guard(XS, TypeIs(dict)), *[Guard(DictItemSource(XS, key), Equals(value)) for key, value in xs.items()]]


@given(st.lists(ATOMS, min_size=40, max_size=40), st.integers(0, 41), st.one_of(ATOMS, st.builds(Hostile)))
@example([1] * 40, 3, True)
@example([0.0] * 40, 3, -0.0)
@example([1] * 40, 3, 1.0)
def test_law_as_the_guards_one_by_one(xs, index, value):
    for guards, changed in (
        (_guards_of_list(xs), [*xs[:index], value, *xs[index + 1 :]]),
        (_guards_of_dict(dict(enumerate(xs))), dict(enumerate(xs)) | {index: value}),
    ):
        check = _dispatcher(guards).function
        original = xs if type(changed) is list else dict(enumerate(xs))
        assert check(original)
        assert check(changed) == all(guard.check(Scope({"xs": changed})) for guard in guards)


@pytest.mark.parametrize("other", [[], list(range(39)), tuple(range(40)), None, {}, dict(enumerate(range(40)))])
def test_another_container(other):
    assert not _dispatcher(_guards_of_list(list(range(40)))).function(other)


def test_a_subclass_is_not_gathered():
    class Items(list):
        def __getitem__(self, index):
            raise AssertionError("asked")

    xs = Items(range(40))
    guards = [Guard(XS, TypeIs(Items)), *[Guard(ListItemSource(XS, index), Equals(index)) for index in range(40)]]
    assert _dispatcher(guards).function(xs)
    xs.pop()
    assert not _dispatcher(guards).function(xs)


def test_an_item_is_checked_before_a_step_through_it():
    xs = [*range(40), {"k": 3}]
    guards = _guards_of_list(xs[:40])
    last = ListItemSource(XS, 40)
    guards += [Guard(last, TypeIs(dict)), Guard(DictItemSource(last, "k"), Equals(3))]
    check = _dispatcher(guards).function
    assert check(xs)
    xs[40]["k"] = 4
    assert not check(xs)


def test_ten_thousand_keys_make_a_short_function():
    xs = {f"key {number}": number for number in range(10_000)}
    names = {f"K{number}": number for number in range(2_000)}
    guards = GuardSet(
        [Guard(XS, TypeIs(dict)), Guard(XS, Length(10_000)), Guard(XS, DictKeys(xs)), *_guards_of_dict(xs)]
    )
    for name, number in names.items():
        guards.add(Guard(GlobalSource(name, Namespace(names)), Equals(number)))
    dispatcher = _dispatcher(guards)
    assert dispatcher.function(xs)
    assert len(dispatcher.source().splitlines()) < 40
    xs["key 9999"] = 0
    assert not dispatcher.function(xs)
    assert next(dispatcher.failures({"xs": xs})).reason == "xs['key 9999'] was 9999, is 0"
    xs["key 9999"] = 9999
    assert dispatcher.function(xs)
    names["K1999"] = 0
    assert not dispatcher.function(xs)


def test_containers_that_hold_themselves():
    xs: list[object] = list(range(40))
    xs.append(xs)
    own = ListItemSource(XS, 40)
    deep = ListItemSource(ListItemSource(own, 40), 40)
    guards = [*_guards_of_list(xs[:40]), Guard(own, TypeIs(list))]
    guards += [Guard(ListItemSource(deep, index), Equals(index)) for index in range(40)]
    check = _dispatcher(guards).function
    assert check(xs)
    xs[7] = 8
    assert not check(xs)
