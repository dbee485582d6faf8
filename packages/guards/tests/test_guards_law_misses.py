"""Law: a miss names the expression as the program writes it, what was expected, and what was found."""

import keyword
import types

import pytest
from guards_hostile import Hostile
from guards_worlds import KEYS, NAMES, exact, plans, put
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    AttributeSource,
    DictItemSource,
    DictKeys,
    Dispatcher,
    Equals,
    Guard,
    InstanceDictSource,
    Is,
    Length,
    ListItemSource,
    LocalSource,
    Scope,
    TupleItemSource,
    TypeIs,
    UserLine,
)
from framelift_guards.plain import show
from framelift_guards.source import ItemSource

LINE = UserLine("model.py", 7, "forward")
atoms = st.sampled_from([*KEYS, 2, 3.5, "text", b"x"])
variables = st.sampled_from(["x", "class", ".0", "None", "it's", "two words", "\ud800", "x\ny", "", *keyword.kwlist])
steps = st.lists(
    st.one_of(
        st.sampled_from(NAMES).map(lambda name: lambda base: AttributeSource(base, name)),
        st.sampled_from(KEYS).map(lambda key: lambda base: ItemSource(base, key)),
        st.sampled_from(KEYS).map(lambda key: lambda base: DictItemSource(base, key)),
        st.integers(0, 3).map(lambda index: lambda base: ListItemSource(base, index)),
        st.integers(0, 3).map(lambda index: lambda base: TupleItemSource(base, index)),
        st.just(InstanceDictSource),
    ),
    max_size=4,
)


@given(variables, steps, atoms, atoms)
def test_law_a_value_that_differs(variable, path, expected, found):
    source = LocalSource(variable)
    for step in path:
        source = step(source)
    reason = Equals(expected).explain(source.spelling, found, Scope({}))
    if exact(expected) == exact(found):
        assert reason is None
    else:
        assert reason.startswith(f"{source.spelling} was {show(expected)}, is {show(found)}")
        text = str(Guard(source, Equals(expected), LINE).failure(Scope({variable: found})) if not path else reason)
        assert text.isprintable()


@given(plans, st.sampled_from([int, list, dict, Hostile, types.SimpleNamespace]))
def test_law_a_type_that_differs(plan, expected):
    value = plan.make()
    reason = TypeIs(expected).explain("model.layer", value, Scope({}))
    if type(value) is expected:
        assert reason is None
    else:
        assert reason.startswith("type(model.layer) was ")
        assert expected.__name__ in reason
        assert type(value).__name__ in reason


@given(st.integers(0, 5), st.integers(0, 5))
def test_law_a_length_that_differs(expected, found):
    reason = Length(expected).explain("xs", [None] * found, Scope({}))
    assert reason == (None if expected == found else f"len(xs) was {expected}, is {found}")


@given(st.lists(st.sampled_from(KEYS), unique_by=repr), st.lists(st.sampled_from(KEYS), unique_by=repr))
def test_law_keys_that_differ(expected, found):
    before, now = dict.fromkeys(expected), dict.fromkeys(found)
    reason = DictKeys(before).explain("table", now, Scope({}))
    if list(map(exact, before)) == list(map(exact, now)):
        assert reason is None
    else:
        assert "table" in reason
        assert " was " in reason
        assert ", is " in reason


@pytest.mark.parametrize("name", [*NAMES, *keyword.kwlist])
def test_attributes_and_variables_named_anyhow(name):
    thing = Hostile()
    put(thing, name, 1)
    guards = [
        Guard(LocalSource(name), Is(thing)),
        Guard(InstanceDictSource(LocalSource(name)), DictKeys([name])),
        Guard(DictItemSource(InstanceDictSource(LocalSource(name)), name), Equals(1), LINE),
    ]
    dispatcher = Dispatcher.for_parameters([name], lambda values: str(next(dispatcher.failures(values))))
    dispatcher.add(guards, lambda value: "hit")
    assert dispatcher.function(thing) == "hit"
    put(thing, name, True)
    assert " was 1, is True of type bool (model.py:7 relies on it)" in dispatcher.function(thing)


def test_ten_thousand_keys_and_the_one_that_changed():
    table = {f"key{index}": index for index in range(10_000)}
    source = LocalSource("table")
    guards = [Guard(source, TypeIs(dict)), Guard(source, DictKeys(table))]
    guards += [Guard(DictItemSource(source, key), Equals(value), LINE) for key, value in table.items()]
    dispatcher = Dispatcher.for_parameters(["table"], lambda values: next(dispatcher.failures(values)).reason)
    dispatcher.add(guards, lambda table: "hit")
    assert dispatcher.function(table) == "hit"
    table["key9999"] = 9999.0
    assert dispatcher.function(table) == "table['key9999'] was 9999, is 9999.0 of type float"
    del table["key9999"]
    assert dispatcher.function(table) == "len(table) was 10000, is 9999"
    table["other"] = 9999
    assert dispatcher.function(table) == "key 9999 of table was 'key9999', is 'other'"
