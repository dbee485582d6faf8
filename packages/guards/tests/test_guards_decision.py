"""The decision tree: the text of a small one, what is checked once, and the law that it finds what fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    DictItemSource,
    DictKeys,
    Dispatcher,
    Equals,
    Guard,
    GuardSet,
    Length,
    LocalSource,
    Predicate,
    Satisfies,
    Scope,
    TypeIs,
)

A, B, C = map(LocalSource, "abc")


def of(a, b, c):
    raise AssertionError("only its parameters matter")


class Counted(Predicate):
    """Holds, and counts how often it was asked in generated code."""

    def __init__(self, key):
        self.key, self.asked = key, 0

    def _parts(self):
        return (self.key,)

    def ask(self, value):
        self.asked += 1
        return True

    def check(self, value, scope):
        return True

    def to_ast(self, value, builder):
        return builder.call(self.ask, value)

    def describe(self, name):
        return f"{name} is counted"


def test_a_small_tree_reads_like_this():
    dispatcher = Dispatcher(of, lambda scope: "miss")
    for size in (3, 5):
        dispatcher.add([Guard(B, Equals(True)), Guard(A, Equals(size)), Guard(C, Equals("x"))], lambda *args: args)
    assert (
        dispatcher.source()
        == """\
def of(a, b, c, *extra, **named_extra):
    if extra or named_extra:
        return changed({'a': a, 'b': b, 'c': c}, extra, named_extra)
    while True:
        try:
            if b is not True:
                break
            if not (type(c) is str and c == 'x'):
                break
            if code_of(original) is not code:
                break
        except Exception:
            break
        try:
            group = group_of(a if type(a) is int else None)
        except Exception:
            group = None
        if group == 0:
            while True:
                try:
                    if not (type(a) is int and a == 3):
                        break
                    run_1 = entry
                except Exception:
                    break
                return run_1(a, b, c)
        if group == 1:
            while True:
                try:
                    if not (type(a) is int and a == 5):
                        break
                    run_2 = entry_1
                except Exception:
                    break
                return run_2(a, b, c)
        break
    if code_of(original) is not code:
        return changed({'a': a, 'b': b, 'c': c}, extra, named_extra)
    if a is DEFAULT or b is DEFAULT or c is DEFAULT:
        return left_out({'a': a, 'b': b, 'c': c})
    return miss({'a': a, 'b': b, 'c': c})
"""
    )


def test_what_all_demand_is_asked_once_and_only_the_one_that_the_answer_names_is_tried():
    dispatcher = Dispatcher(of, lambda scope: "miss")
    shared, own = Counted("shared"), [Counted(number) for number in range(8)]
    for number in range(8):
        guards = [Guard(B, shared), Guard(A, Equals(number)), Guard(C, own[number])]
        dispatcher.add(guards, lambda a, b, c: a)
    assert [dispatcher.function(number, 0, 0) for number in (7, 0, 3)] == [7, 0, 3]
    assert dispatcher.function(8, 0, 0) == "miss"
    assert shared.asked == 4
    assert [one.asked for one in own] == [1, 0, 0, 1, 0, 0, 0, 1]


def test_a_step_waits_for_the_guard_of_what_it_steps_from():
    # Both demand the item, but what they step from must be checked before, and they differ in that.
    item = Guard(DictItemSource(A, "k"), Equals(1))
    dispatcher = Dispatcher(of, lambda scope: "miss")
    for keys in (["k"], ["k", "l"]):
        dispatcher.add([Guard(A, TypeIs(dict)), Guard(A, DictKeys(keys)), item], lambda a, b, c: list(a))

    class Hostile(dict):
        def __getitem__(self, key):
            raise AssertionError("looked up before its type was checked")

    assert dispatcher.function({"k": 1, "l": 2}, 0, 0) == ["k", "l"]
    assert dispatcher.function({"k": 1}, 0, 0) == ["k"]
    assert dispatcher.function(Hostile(k=1), 0, 0) == "miss"


def test_a_question_waits_too():
    class Hostile(dict):
        def __getattribute__(self, name):
            raise AssertionError(f"asked for {name} before its type was checked")

    asked = A.attribute("k")
    dispatcher = Dispatcher(of, lambda scope: "miss")
    for number in range(3):
        dispatcher.add([Guard(A, Equals(number)), Guard(asked, Equals(number))], lambda a, b, c: a)
    assert dispatcher.function(Hostile(), 0, 0) == "miss"


def test_a_question_does_not_touch_what_it_is_not_about():
    class Hostile(int):
        def __hash__(self):
            raise AssertionError("hashed")

        __eq__ = __hash__

    dispatcher = Dispatcher(of, lambda scope: "miss")
    for number in range(3):
        dispatcher.add([Guard(A, Equals(number))], lambda a, b, c: a)
    dispatcher.add([Guard(A, TypeIs(Hostile))], lambda a, b, c: "other")
    assert dispatcher.function(Hostile(1), 0, 0) == "other"
    assert dispatcher.function(True, 0, 0) == "miss"
    assert dispatcher.function(2, 0, 0) == 2


def test_more_specialisations_than_blocks_can_nest():
    dispatcher = Dispatcher(of, lambda scope: "miss")
    for number in range(60):
        nested = [Guard(A, Length(level)) for level in range(number % 7)]
        dispatcher.add([Guard(B, Equals(number // 2)), Guard(C, Equals(number)), *nested], lambda a, b, c: c)
    assert dispatcher.function((), 0, 0) == 0
    assert dispatcher.function((), 28, 56) == 56
    assert dispatcher.function((), 29, 58) == "miss"


VALUES = st.sampled_from([0, 1, 2, True, 1.0, "x", "y", None, (), (1,), [1], {"k": 1}, {"k": 2}])
PREDICATES = st.one_of(
    st.sampled_from([0, 1, 2, True, 1.0, "x", "y", None, (), (1,)]).map(Equals),
    st.sampled_from([int, str, bool, list, dict, tuple]).map(TypeIs),
    st.sampled_from([0, 1]).map(Length),
    st.sampled_from([Satisfies(bool, "truth"), Satisfies(callable, "callable")]),
)
GUARDS = st.one_of(
    st.builds(Guard, st.sampled_from([A, B, C]), PREDICATES),
    st.builds(Guard, st.just(DictItemSource(A, "k")), st.sampled_from([Equals(1), Equals(2), TypeIs(int)])),
)
SETS = st.lists(st.lists(GUARDS, max_size=4).map(GuardSet), max_size=7)


@given(SETS, st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=4))
def test_law_a_call_runs_a_specialisation_that_fits_if_there_is_one(sets, calls):
    dispatcher = Dispatcher(of, lambda scope: None)
    for guards in sets:
        dispatcher.add(guards, lambda a, b, c, guards=guards: guards)
    for values in calls:
        fitting = [guards for guards in sets if guards.check(Scope(dict(zip("abc", values, strict=True))))]
        found = dispatcher.function(*values)
        assert (found is None and not fitting) or any(found is guards for guards in fitting)


@given(SETS, st.data())
def test_law_what_is_removed_is_not_found_and_the_rest_is(sets, data):
    dispatcher = Dispatcher(of, lambda scope: None)
    made = [dispatcher.add(guards, lambda a, b, c, number=number: number) for number, guards in enumerate(sets)]
    gone = data.draw(st.sets(st.sampled_from(range(len(sets))))) if sets else set()
    for number in gone:
        dispatcher.remove(made[number])
    values = data.draw(st.tuples(VALUES, VALUES, VALUES))
    scope = Scope(dict(zip("abc", values, strict=True)))
    fitting = {number for number, guards in enumerate(sets) if number not in gone and guards.check(scope)}
    found = dispatcher.function(*values)
    assert found in fitting if fitting else found is None


@pytest.mark.parametrize("count", [1, 2, 9])
def test_clearing_leaves_a_function_that_misses(count):
    dispatcher = Dispatcher(of, lambda scope: "miss")
    for number in range(count):
        dispatcher.add([Guard(A, Equals(number))], lambda a, b, c: a)
    dispatcher.clear()
    assert dispatcher.function(0, 0, 0) == "miss"
    assert dispatcher.specialisations == ()
