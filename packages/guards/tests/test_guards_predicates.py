"""A predicate's check, its generated code and its explanation agree: on random values, and on hostile ones."""

import ast
import math
from collections import OrderedDict

import pytest
from guards_hostile import Hostile, HostileDict, HostileInt, HostileStr, Liar
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    BoolIs,
    CodeIs,
    Contains,
    DictKeys,
    Dispatcher,
    Distinct,
    Equals,
    Expression,
    Guard,
    HasAttribute,
    Is,
    IsNone,
    IsNot,
    IteratorState,
    LacksAttribute,
    LacksKey,
    Length,
    LocalSource,
    NotSameObject,
    SameObject,
    Scope,
    TypeIs,
    WeakIs,
)
from framelift_guards.plain import fingerprint, is_plain

VALUE, OTHER = LocalSource("value"), LocalSource("other")


def readings(predicate, value, other=None, source=VALUE):
    """Return what check, generated code and explanation say; they must say the same."""
    guard = Guard(source, predicate)
    dispatcher = Dispatcher.for_parameters(["value", "other"], lambda scope: False)
    dispatcher.add([guard], lambda value, other: True)
    scope = Scope({"value": value, "other": other})
    return guard.check(scope), dispatcher.function(value, other), guard.failure(scope) is None


def holds(predicate, value, other=None, source=VALUE):
    said = readings(predicate, value, other, source)
    assert len(set(said)) == 1, said
    return said[0]


class Thing:
    present = 1


def function():
    return 1


def another():
    return 2


THING, NAN = Thing(), math.nan
atoms = st.one_of(
    st.integers(-2, 2), st.booleans(), st.none(), st.sampled_from([0.0, -0.0, 1.0, math.inf, NAN, -math.nan, 1e308]),
    st.sampled_from(["", "0", "a", "it's", "\n", "\ud800", "x" * 300]), st.sampled_from([b"", b"0"]), st.just(...),
    st.sampled_from([10**40, -(10**40), 0j, complex(0.0, -0.0), range(0), range(2, 2), slice(1), slice(True)]),
)  # fmt: skip
plain = st.recursive(atoms, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
dicts = st.dictionaries(
    st.one_of(st.sampled_from(["a", "b", "'"]), st.integers(0, 2), st.booleans()), st.none(), max_size=3
)
objects = st.sampled_from([THING, Thing(), Thing, int, bool, function, another, len, print, [], [1], math, iter([1])])


class Held:
    """Keeps Hypothesis from looking at a value."""

    def __init__(self, value):
        self.value = value


values = st.one_of(
    plain, dicts, dicts.map(OrderedDict), objects, st.lists(st.none(), max_size=3),
    st.sampled_from([Hostile, lambda: HostileDict(a=1)]).map(lambda make: Held(make())),
    st.sampled_from([lambda: HostileInt(1), lambda: HostileStr("a"), lambda: Liar(int)])
    .map(lambda make: Held(make())),
)  # fmt: skip


def _iterator(kind, size, taken):
    iterator = iter(kind(range(size)))
    for _ in range(min(taken, size)):
        next(iterator)
    return iterator


iterators = st.builds(_iterator, st.sampled_from([list, tuple, lambda r: r]), st.integers(0, 3), st.integers(0, 3))
predicates = st.one_of(
    plain.map(Equals),
    objects.map(Is),
    objects.map(IsNot),
    st.sampled_from([int, bool, dict, OrderedDict, Thing, HostileDict, Liar]).map(TypeIs),
    st.booleans().map(BoolIs),
    st.builds(IsNone),
    dicts.map(DictKeys),
    st.integers(0, 3).map(lambda n: Length(n, via=dict)),
    st.integers(0, 3).map(lambda n: Length(n, via=list)),
    st.sampled_from(["a", "'", 1, True, None, len]).map(Contains),
    st.sampled_from(["a", "'", 1, True, None, len]).map(LacksKey),
    iterators.map(IteratorState),
    st.sampled_from([function, another]).map(lambda f: CodeIs(f.__code__)),
    st.just(SameObject(OTHER)),
    st.just(NotSameObject(OTHER)),
    st.just(Distinct((VALUE, OTHER))),
)


@given(predicates, st.one_of(values, iterators), values)
def test_the_three_readings_agree_and_run_no_user_code(predicate, value, other):
    value, other = [item.value if type(item) is Held else item for item in (value, other)]
    holds(predicate, value, other)


@given(plain, plain)
def test_equals_is_equality_of_fingerprints(expected, value):
    assert holds(Equals(expected), value) is (fingerprint(expected) == fingerprint(value))
    assert holds(Equals(expected), expected)


@given(dicts, dicts)
def test_dict_keys_is_keys_in_order_with_their_types(expected, value):
    def exact(mapping):
        return [(type(key), key) for key in mapping]

    assert holds(DictKeys(expected), value) is (exact(expected) == exact(value))


@given(st.sampled_from([HasAttribute, LacksAttribute]), st.sampled_from(["present", "class", "a b", "real"]), plain)
def test_attribute_predicates_ask_the_object(predicate, name, value):
    for asked in (value, THING, Liar(int)):
        assert holds(predicate(name), asked) is (hasattr(asked, name) is (predicate is HasAttribute))


@given(st.lists(st.sampled_from([Length(2), Length(0)]), min_size=1), st.one_of(st.text(), st.lists(st.none()), dicts))
def test_length_asks_len(predicates, value):
    for predicate in predicates:
        assert holds(predicate, value) is (len(value) == predicate.expected)


comparisons = st.sampled_from(
    ["a < b", "a + 1 == b", "a // b > 0", "(a, b) == (1, 2)", "top(a, b) == a", "a is b or b"]
)


@given(comparisons, st.integers(-2, 2), st.one_of(st.integers(-2, 2), st.none()))
def test_expressions_agree_and_fail_when_they_raise(text, a, b):
    template = ast.parse(text, mode="eval").body
    predicate = Expression(template, {"a": VALUE, "b": OTHER}, {"top": max})
    try:
        expected = bool(eval(text, {"a": a, "b": b, "top": max}))
    except (TypeError, ZeroDivisionError):
        expected = False
    assert holds(predicate, a, b, source=None) is expected


def test_an_expression_prints_the_sources_it_is_about():
    predicate = Expression(ast.parse("s0 <= s1 * 2", mode="eval").body, {"s0": VALUE.item(0), "s1": OTHER})
    assert predicate.describe("") == "L['value'][0] <= L['other'] * 2"
    assert str(Guard(None, predicate).failure(Scope({"value": [9], "other": 4}))) == (
        "value[0] <= other * 2 held, now value[0] is 9, other is 4; change that line so that it does not depend on one "
        "value of a size or number"
    )


def test_an_expression_with_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="the name 's1' is neither an operand nor a constant"):
        Expression(ast.parse("s0 < s1", mode="eval").body, {"s0": VALUE})


@pytest.mark.parametrize(
    "make",
    [
        lambda: (Equals(1), True), lambda: (Equals(1), 1.0), lambda: (Equals(True), 1), lambda: (Equals(0.0), -0.0),
        lambda: (Equals((1, (0.0,))), (1, (-0.0,))), lambda: (Equals("a"), HostileStr("a")),
        lambda: (Equals(1), HostileInt(1)), lambda: (TypeIs(int), Liar(int)), lambda: (BoolIs(True), 1),
        lambda: (IsNone(), Hostile()), lambda: (DictKeys(["a"]), HostileDict(a=1, b=2)),
        lambda: (Equals(frozenset({1})), frozenset({HostileStr("a")})),
    ],
)  # fmt: skip
def test_what_must_not_pass(make):
    predicate, value = make()
    assert not holds(predicate, value)


def test_what_must_pass():
    assert holds(Equals(math.nan), float("nan"))
    assert holds(Equals((math.nan, "x")), (-math.nan, "x"))
    assert holds(DictKeys(["a"]), HostileDict(a=1))
    assert holds(Contains("a"), HostileDict(a=1))
    assert holds(Length(1, via=dict), HostileDict(a=1))


def test_the_order_of_an_ordered_dict_is_its_own():
    mapping = OrderedDict(a=1, b=2)
    predicate = DictKeys(mapping)
    assert holds(predicate, mapping)
    mapping.move_to_end("a")
    assert not holds(predicate, mapping)
    assert predicate.explain("d", mapping, Scope({})) == "key 0 of d was 'a', is 'b'"


def test_keys_of_the_users_are_compared_by_identity_and_held_weakly():
    key, other = Thing(), Thing()
    predicate = DictKeys([key])
    assert holds(predicate, {key: 1})
    assert not holds(predicate, {other: 1})
    del key
    assert not holds(predicate, {other: 1})
    assert predicate.describe("d") == "list(d) == [<a key that no longer exists>]"


def test_ten_thousand_keys():
    mapping = {f"k{index}": index for index in range(10_000)}
    predicate = DictKeys(mapping)
    assert holds(predicate, dict(mapping))
    mapping["last"] = mapping.pop("k9999")
    assert not holds(predicate, mapping)


def test_a_cyclic_container_is_no_obstacle():
    cycle = []
    cycle.append(cycle)
    assert holds(Is(cycle), cycle)
    assert not holds(Equals((1,)), (cycle,))
    assert holds(TypeIs(list), cycle)


@pytest.mark.parametrize("predicate", [Is, WeakIs])
def test_identity_is_held_weakly_and_fails_when_the_object_dies(predicate):
    thing = Thing()
    guard = Guard(VALUE, predicate(thing))
    assert holds(guard.predicate, thing)
    assert not holds(guard.predicate, Thing())
    del thing
    assert not holds(guard.predicate, None)
    assert not holds(guard.predicate, Thing())
    assert "no longer exists" in str(guard.failure(Scope({"value": None})))


def test_a_dead_object_is_excluded_for_good():
    thing = Thing()
    predicate = IsNot(thing)
    assert not holds(predicate, thing)
    assert holds(predicate, None)
    del thing
    assert holds(predicate, None)
    assert holds(predicate, Thing())


def test_a_local_class_is_held_weakly():
    def make():
        class Local:
            pass

        return TypeIs(Local), Local()

    predicate, instance = make()
    assert predicate.reference.weak
    assert holds(predicate, instance)
    del instance
    import gc

    gc.collect()
    assert predicate.expected is None
    assert not holds(predicate, Thing())
    assert "no longer exists" in predicate.describe("x")


def test_an_importable_class_is_held_strongly():
    assert not TypeIs(Thing).reference.weak
    assert not TypeIs(int).reference.weak


def test_a_function_is_held_weakly_and_its_code_by_identity():
    assert Is(function).reference.weak
    assert holds(CodeIs(function.__code__), function)
    assert not holds(CodeIs(function.__code__), another)
    assert not holds(CodeIs(function.__code__), len)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equals([1]), "Equals needs plain data, not <list>"),
        (lambda: TypeIs(1), "TypeIs needs a type, not 1"),
        (lambda: BoolIs(1), "BoolIs needs True or False, not 1"),
        (lambda: WeakIs(1), "WeakIs needs an object that can be weakly referenced, not 1"),
        (lambda: IteratorState([1]), "IteratorState needs a built-in iterator over a sequence, not <list>"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, message):
    with pytest.raises(TypeError, match=message.replace("[", r"\[")):
        make()


@given(plain, plain)
def test_predicates_are_equal_exactly_when_their_data_is(one, other):
    assert (Equals(one) == Equals(other)) is (fingerprint(one) == fingerprint(other))
    assert Equals(one) != IsNone()
    assert Equals(one) == Equals(one)
    if Equals(one) == Equals(other):
        assert hash(Equals(one)) == hash(Equals(other))


def test_explanations():
    scope = Scope({"other": 5})
    assert [
        predicate.explain("x", value, scope)
        for predicate, value in (
            (Equals(1), True),
            (Equals("x" * 100), "x" * 101),
            (TypeIs(int), "s"),
            (Is(len), print),
            (Is(Thing), THING),
            (IsNone(), 0),
            (BoolIs(True), False),
            (Length(2), [1]),
            (DictKeys(["a", "b"]), {"a": 1}),
            (DictKeys(["a"]), 3),
            (Contains("k"), {}),
            (LacksKey("k"), {"k": 1}),
            (SameObject(OTHER), 6),
            (HasAttribute("weight"), 1),
            (CodeIs(function.__code__), another),
            (IteratorState(iter([1, 2])), iter([1])),
        )
    ] == [
        "x was 1, is True of type bool",
        f"x was '{'x' * 56}..., is another str that prints alike",
        "type(x) was int, is str",
        "x was built-in function len, is built-in function print",
        "x was test_guards_predicates.Thing, is <Thing>",
        "x was None, is 0",
        "x was True, is False",
        "len(x) was 2, is 1",
        "len(x) was 2, is 1",
        "x was a dictionary, is 3",
        "'k' was in x, now it is not",
        "'k' was not in x, now it is",
        "x and other were the same object, are different objects",
        "x had an attribute 'weight', now it has not",
        (
            f"x.__code__ was that of function (test_guards_predicates.py:{function.__code__.co_firstlineno}), "
            "is that of another"
        ),
        "x had 2 items left, has 1",
    ]


def test_is_plain_tells_what_equals_accepts():
    for value in (1, (1, "a"), frozenset({1})):
        assert is_plain(value)
        assert holds(Equals(value), value)


@pytest.mark.parametrize("others", [[LocalSource("x"), LocalSource("y")], "xy", None, 3, (LocalSource("x"), "y")])
def test_what_is_no_tuple_of_sources_is_refused_where_it_is_given(others):
    with pytest.raises(TypeError, match="Distinct needs a tuple of sources"):
        Distinct(others)
