"""Predicates that users write: they come last, agree in every reading, and what they raise is an error."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    Dispatcher,
    Equals,
    Guard,
    GuardSet,
    LocalSource,
    PredicateError,
    Satisfies,
    Scope,
    TypeIs,
    UserLine,
)

N, M = LocalSource("n"), LocalSource("m")


def is_even(n):
    return n % 2 == 0


def dispatched(guards, n, m=0):
    """Return whether the generated check holds."""
    dispatcher = Dispatcher.for_parameters(["n", "m"], lambda scope: False)
    dispatcher.add(guards, lambda n, m: True)
    return dispatcher.function(n, m)


values = st.one_of(st.integers(-3, 3), st.booleans(), st.text(max_size=2), st.lists(st.none(), max_size=2))
answers = st.one_of(values, st.floats(), st.none())


@given(values, st.dictionaries(st.integers(0, 5), answers), answers, st.booleans())
def test_the_readings_are_the_truth_of_what_the_function_answers(value, table, otherwise, answer):
    def function(asked):
        return table.get(len(repr(asked)), otherwise)

    guard, scope = Guard(N, Satisfies(function, answer=answer)), Scope({"n": value})
    expected = bool(function(value)) is answer
    assert guard.check(scope) is expected
    assert dispatched([guard], value) is expected
    assert (guard.failure(scope) is None) is expected
    assert guard.predicate.holds(value) is expected


def test_texts():
    guard = Guard(N, Satisfies(is_even), UserLine("model.py", 31))
    line = is_even.__code__.co_firstlineno
    assert str(guard) == f"is_even(L['n']) (test_guards_custom.py:{line})"
    assert str(guard.failure(Scope({"n": 3}))) == (
        f"n satisfied is_even (test_guards_custom.py:{line}), now it is 3 (model.py:31 relies on it); "
        "pass a value that satisfies is_even, or lift a function for each answer"
    )
    assert str(Guard(N, Satisfies(is_even, text="even"))) == "even(L['n'])"
    odd = Guard(N, Satisfies(is_even, text="even", answer=False))
    assert str(odd) == "not even(L['n'])"
    assert str(odd.failure(Scope({"n": 4}))) == (
        "n did not satisfy even, now it is 4; "
        "pass a value that does not satisfy even, or lift a function for each answer"
    )
    assert str(Guard(N, Satisfies(str.isupper))) == "str.isupper(L['n'])"
    assert guard.kind == "LAMBDA_GUARD"


def test_it_runs_only_where_every_other_guard_holds_whatever_the_order():
    seen = []

    def look(n):
        seen.append(n)
        return True

    guards = GuardSet([Guard(N, Satisfies(look)), Guard(N, TypeIs(int)), Guard(M, Equals(0))])
    assert [guard.kind for guard in guards] == ["TYPE_MATCH", "EQUALS_MATCH", "LAMBDA_GUARD"]
    assert len(guards) == 3
    assert Guard(N, Satisfies(look)) in guards
    assert not guards.add(Guard(N, Satisfies(look)))
    assert not guards.check(Scope({"n": "a", "m": 0}))
    assert not dispatched(guards, "a")
    assert not dispatched(guards, 1, 1)
    assert seen == []
    assert dispatched(guards, 1)
    assert seen == [1]


def test_what_it_raises_is_an_error_that_names_it():
    guards = [Guard(N, Satisfies(lambda n: 1 / n, text="invertible"))]
    message = r"the predicate 'invertible' of a guard must answer for <int> 0, but raised ZeroDivisionError"
    for ask in (lambda: dispatched(guards, 0), lambda: GuardSet(guards).check(Scope({"n": 0}))):
        with pytest.raises(PredicateError, match=message) as raised:
            ask()
        assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert "now it cannot be checked: PredicateError" in str(guards[0].failure(Scope({"n": 0})))


def test_an_answer_without_a_truth_value_is_an_error_too():
    class Neither:
        def __bool__(self):
            raise ValueError("neither")

    with pytest.raises(PredicateError, match="raised ValueError"):
        dispatched([Guard(N, Satisfies(lambda n: Neither(), text="p"))], 1)


def test_a_value_that_is_gone_is_a_miss_not_an_error():
    guard = Guard(N.attribute("real").attribute("missing"), Satisfies(lambda value: True))
    assert not dispatched([guard], 1)
    assert not guard.check(Scope({"n": 1}))


def test_it_leaves_the_users_own_flow_alone():
    class Stop(BaseException):
        pass

    def stop(n):
        raise Stop

    with pytest.raises(Stop):
        dispatched([Guard(N, Satisfies(stop))], 1)


def test_equal_exactly_when_the_function_is_the_same():
    class Thing:
        def ok(self, value):
            return True

    thing, other = Thing(), Thing()
    assert Satisfies(thing.ok) == Satisfies(thing.ok)
    assert hash(Satisfies(thing.ok)) == hash(Satisfies(thing.ok))
    assert Satisfies(thing.ok) != Satisfies(other.ok)
    assert Satisfies(is_even) == Satisfies(is_even)
    assert Satisfies(is_even) != Satisfies(is_even, answer=False)
    assert Satisfies(is_even) != Satisfies(lambda n: n % 2 == 0)


def test_a_removed_specialisation_lets_go_of_it():
    class Thing:
        def ok(self, value):
            return True

    thing = Thing()
    gone = weakref.ref(thing)
    dispatcher = Dispatcher.for_parameters(["n"], lambda scope: None)
    dispatcher.add([Guard(N, Satisfies(thing.ok))], lambda n: n)
    dispatcher.clear()
    del thing
    gc.collect()
    assert gone() is None


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="Satisfies needs a function of the value, not 3"):
        Satisfies(3)
