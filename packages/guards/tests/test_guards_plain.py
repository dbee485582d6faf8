import math

import pytest
from guards_hostile import Hostile, HostileInt, HostileStr, Liar
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards.plain import NotPlain, fingerprint, is_plain, same_plain, show

atoms = st.one_of(
    st.integers(-2, 2), st.booleans(), st.none(), st.sampled_from([0.0, -0.0, 1.0, math.inf, math.nan, 2.0]),
    st.sampled_from(["", "0", "1", "True"]), st.sampled_from([b"", b"0"]), st.just(...),
)  # fmt: skip
plain = st.recursive(atoms, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)


@given(plain, plain)
def test_two_values_have_one_fingerprint_exactly_when_they_print_alike(one, other):
    # repr of these types is injective, and prints every NaN alike.
    assert (fingerprint(one) == fingerprint(other)) is (repr(one) == repr(other))
    if repr(one) == repr(other):
        assert hash(fingerprint(one)) == hash(fingerprint(other))


@given(st.complex_numbers(), st.complex_numbers())
def test_complex_numbers_by_their_parts(one, other):
    parts = [(repr(z.real), repr(z.imag)) for z in (one, other)]
    assert (fingerprint(one) == fingerprint(other)) is (parts[0] == parts[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (range(0), range(5, 5)), (range(0, 3, 2), range(0, 4, 2)), (slice(1), slice(True)),
        (slice(None, 1), slice(0, 1)),
        (frozenset({1}), frozenset({True})), (frozenset({(0.0,)}), frozenset({(-0.0,)})), (b"a", "a"),
        (frozenset({1}), (1,)), (0j, complex(0.0, -0.0)),
    ],
)  # fmt: skip
def test_values_that_python_calls_equal_are_kept_apart(one, other):
    assert fingerprint(one) != fingerprint(other)
    assert same_plain(one, fingerprint(one))
    assert not same_plain(other, fingerprint(one))


@pytest.mark.parametrize(
    "make",
    [
        list, dict, set, object, lambda: HostileInt(1), lambda: HostileStr("a"), Hostile, lambda: Liar(int),
        lambda: (1, [2]), lambda: frozenset({HostileStr("a")}),
    ],
)  # fmt: skip
def test_everything_else_is_refused(make):
    value = make()
    assert not is_plain(value)
    assert not same_plain(value, fingerprint(1))
    with pytest.raises(NotPlain):
        fingerprint(value)


def test_a_very_deep_tuple_is_no_plain_data():
    deep = ()
    for _ in range(100_000):
        deep = (deep,)
    assert not is_plain(deep)
    while deep:  # take it apart level by level: CPython frees nested tuples recursively
        (deep,) = deep


def test_show_runs_no_user_code_and_stays_short():
    assert show(Hostile()) == "<Hostile>"
    assert show(Liar(int)) == "<Liar>"
    assert show("x" * 100) == "'" + "x" * 56 + "..."
    assert show(int) == "<class 'int'>"


def test_what_python_refuses_to_print_is_shown_by_its_type():
    assert show(10**5000) == "<int too long to print>"
    assert show((1, 10**5000)) == "<tuple too long to print>"
