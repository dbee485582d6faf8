"""Guards in JSON with anything exchanged for anything: a clear error, or guards whose check and code work and agree."""

from __future__ import annotations

import ast
import copy
import json
import math
import random

import pytest

from framelift_guards import (
    AttributeSource,
    CallSource,
    CodeIs,
    ConstantSource,
    Contains,
    DictItemSource,
    DictKeys,
    Dispatcher,
    Distinct,
    Equals,
    Expression,
    GlobalSource,
    Guard,
    GuardSet,
    HasAttribute,
    InstanceDictSource,
    Is,
    IteratorState,
    Length,
    LocalSource,
    Namespace,
    NotSerialisable,
    SameObject,
    Scope,
    SlotSource,
    TupleItemSource,
    TypeIs,
    UnreadableGuards,
    UserLine,
)


class Slotted:
    __slots__ = ("a",)


def named(x):
    return x


LIMIT = 3
N, M = LocalSource("n"), LocalSource("m")
LINE = UserLine("model.py", 31, "forward", "return n * m", "relies on it")
GUARDS = [
    Guard(N, TypeIs(int), LINE),
    Guard(GlobalSource("LIMIT", Namespace(globals())), Equals((1, -0.0, "\ud800", b"\0", 1 << 70, 2j, range(3)))),
    Guard(TupleItemSource(N, 0), Length(3, tuple)),
    Guard(DictItemSource(InstanceDictSource(N), "class"), DictKeys([1, "a", None])),
    Guard(AttributeSource(N, "class"), HasAttribute("import")),
    Guard(SlotSource(N, Slotted, "a"), SameObject(M)),
    Guard(N, Distinct((M, AttributeSource(M, "x")))),
    Guard(ConstantSource("named", named), CodeIs(named.__code__)),
    Guard(CallSource(math.isfinite, N, " is finite"), Is(named)),
    Guard(N, Contains("a", dict)),
    Guard(N, IteratorState(iter([1, 2]))),
    Guard(None, Expression(ast.parse("n < 3 and f(n + m)", mode="eval").body, {"n": N, "m": M}, {"f": math.isfinite})),
]
JUNK = json.loads(
    '[null, true, -1, 1e300, 1000000000000000000000000000000, "", "x", "os:system", "builtins:list", "\\ud800", [], {},'
    '[[]], {"is": "Equals"}, {"is": "LocalSource", "of": []}, {"tuple": [1]}, {"named": "builtins:list"}, {"named": 5},'
    '{"code": [1, 2, 3]}, {"int": "zz"}, {"int": 5}, {"float": "nan"}, {"list": 5}, {"range": [1, 2]}, {"slice": []},'
    '{"bytes": "q"}, {"constant": "x"}, {"cell": []}, {"ast": {}}, {"namespace": [1]}, {"function": {}}, {"made": []},'
    '{"by name": 5}, {"frozenset": [{"list": []}]}, {"source": []}, {"named": "a:b:c"}, {"named": ":"}, {"is": 1}]'
)


def corrupted(data, chance):
    """Exchange one part of a guard for junk or for another part of it, or leave it out."""
    holders = [(holder, key) for holder in holders_in(data) for key in places(holder)]
    holder, key = chance.choice(holders)
    how = chance.random()
    if how < 0.6:
        holder[key] = copy.deepcopy(chance.choice(JUNK))
    elif how < 0.8:
        del holder[key]
    else:
        other, place = chance.choice(holders)
        holder[key] = json.loads(json.dumps(other[place]))


def holders_in(data):
    found = [data]
    for one in found:
        found += [one[key] for key in places(one) if isinstance(one[key], dict | list)]
    return [one for one in found if one]


def places(holder):
    return list(holder) if isinstance(holder, dict) else range(len(holder))


@pytest.mark.parametrize("number", range(len(GUARDS)))
def test_law_an_error_that_says_so_or_guards_that_work(number):
    chance, read = random.Random(number), 0
    text = GuardSet([GUARDS[number]]).to_json()
    for _ in range(300):
        data = json.loads(text)
        for _ in range(chance.choice((1, 1, 2))):
            corrupted(data["guards"][0], chance)
        try:
            guards = GuardSet.from_json(json.dumps(data))
        except UnreadableGuards:
            continue
        read += 1
        dispatcher = Dispatcher.for_parameters(["n", "m"], lambda arguments: "miss")
        dispatcher.add(guards, lambda n, m: "hit")
        for values in ((3, 3), ((1, 2, 3), Slotted()), ({"a": 1}, None)):
            scope = Scope({"n": values[0], "m": values[1]})
            fits = guards.check(scope)
            assert dispatcher.function(*values) == ("hit" if fits else "miss")
            assert fits == all(guard.failure(scope) is None for guard in guards)
        try:
            text_again = guards.to_json()
        except NotSerialisable:
            continue
        assert GuardSet.from_json(text_again).to_json() == text_again
    assert read  # some exchanges are of no consequence, or make another guard


def test_a_field_is_what_it_is_declared_to_be():
    text = GuardSet([Guard(N, Length(3), LINE)]).to_json()
    for old, new, reason in (
        ('"of": ["n"]', '"of": [5]', "LocalSource.variable must be str, not 5"),
        ('"of": ["n"]', '"of": "n"', "a list was expected, not 'n'"),
        ('"of": [3, null]', '"of": [true, null]', "Length.expected must be int, not True"),
        ("31", '"31"', "a line must be a file, a number, a function, a text and a use"),
    ):
        assert old in text
        with pytest.raises(UnreadableGuards, match=reason):
            GuardSet.from_json(text.replace(old, new))


def test_a_template_is_an_expression_about_what_it_is_given():
    text = GuardSet(GUARDS[-1:]).to_json()
    operand = '"n": {"source"'
    assert operand in text
    with pytest.raises(UnreadableGuards, match="names only its operands and constants, not n"):
        GuardSet.from_json(text.replace(operand, '"k": {"source"'))
    comparators = '"ops": [{"node": "Lt", "fields": {}}]'
    assert comparators in text
    with pytest.raises(UnreadableGuards, match="Compare"):
        GuardSet.from_json(text.replace(comparators, '"ops": []'))
