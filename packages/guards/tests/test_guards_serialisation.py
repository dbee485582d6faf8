"""GuardSets as JSON: what is read is equal to what was written, and answers alike; what has no name is refused."""

from __future__ import annotations

import ast
import enum
import json
import math
import subprocess
import sys
import types

import pytest
from guards_hostile import Hostile
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    AttributeSource,
    BoolIs,
    BuiltinSource,
    CallSource,
    CellContentsSource,
    ClassAttributeSource,
    CodeHashIs,
    CodeIs,
    ConstantSource,
    Contains,
    DictItemSource,
    DictKeys,
    DictKeySource,
    Distinct,
    Equals,
    Expression,
    Falsy,
    FreeVariableSource,
    GlobalSource,
    Guard,
    GuardSet,
    HasAttribute,
    InstanceDictSource,
    Is,
    IsNone,
    IsNot,
    ItemSource,
    IteratorState,
    LacksAttribute,
    LacksKey,
    Length,
    ListItemSource,
    LocalSource,
    Namespace,
    NamespaceSource,
    NotSameObject,
    NotSerialisable,
    SameObject,
    Satisfies,
    Scope,
    SlotSource,
    TupleItemSource,
    TypeIs,
    TypeSource,
    UnreadableGuards,
    UserLine,
    WeakIs,
    naming,
)
from framelift_guards.lookup import dict_keys

LIMIT = 3


class Slotted:
    __slots__ = ("a",)


def named(n):
    def inner(m):
        return m + 1

    return inner(n)


def again(guards, function=None):
    return GuardSet.from_json(guards.to_json(function), function)


def round_trip(one, function=None):
    """Return what a guard is after it was written and read; it must be equal."""
    guards = GuardSet([one])
    read = again(guards, function)
    (found,) = read
    assert (found.source, found.predicate) == (one.source, one.predicate)
    assert read == guards
    assert str(found) == str(one)
    return found


plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=2**60),
        st.floats(),
        st.complex_numbers(),
        st.text(st.characters(), max_size=5),
        st.sampled_from(["\ud800", "'", '"', "\n", "\0", "'\n\"\\"]),
        st.binary(max_size=5),
        st.sampled_from([..., NotImplemented, slice(1, None, 2), slice("a"), range(3), range(1 << 70)]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner.filter(lambda value: _hashes(value)), max_size=3),
    ),
    max_leaves=6,
)


def _hashes(value):
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _found_again(key):
    """Tell whether an equal object finds a key in a dictionary: no NaN does."""
    return _hashes(key) and "nan" not in repr(key)


VALUE, OTHER = LocalSource("value"), LocalSource("other")
values = st.one_of(
    plain, st.lists(st.integers(0, 3), max_size=3), st.dictionaries(plain.filter(_hashes), plain, max_size=3)
)


def _predicates(value, other):
    yield TypeIs(type(value))
    yield Length(2)
    yield Falsy()
    yield HasAttribute("real")
    yield LacksAttribute("real")
    yield SameObject(OTHER)
    yield NotSameObject(OTHER)
    yield Expression(ast.parse("a == b or a is b", mode="eval").body, {"a": VALUE, "b": OTHER})
    yield IsNone() if value is None else IsNot(int)
    if type(value) is bool:
        yield BoolIs(value)
    if type(value) not in (list, dict):
        yield Equals(value)
        if _found_again(value):
            yield Contains(value)
            yield LacksKey(value)
    if type(value) is dict:
        yield DictKeys(value)
        for key in value:
            if _found_again(key):
                yield Contains(key)


@given(values, values, values)
def test_law_what_is_read_is_equal_and_answers_alike(value, other, third):
    guards = GuardSet(
        [Guard(VALUE, one, UserLine("a.py", 3, "f", "x", "tests it")) for one in _predicates(value, other)]
    )
    read = again(guards)
    assert read == guards
    assert [one.user_line for one in read] == [one.user_line for one in guards]
    assert [one.user_line.use for one in read] == ["tests it"] * len(guards)
    for now in (value, other, third):
        scope = Scope({"value": now, "other": other})
        assert [one.check(scope) for one in read] == [one.check(scope) for one in guards]
        assert str(read.first_failure(scope)) == str(guards.first_failure(scope))


def test_each_source():
    captured = 3

    def closing():
        return captured

    cell = closing.__closure__[0]
    here = Namespace(globals())
    for source in (
        VALUE,
        LocalSource("a 'b'\n\ud800"),
        GlobalSource("LIMIT", here),
        GlobalSource("path", Namespace(vars(__import__("os")), "os.__dict__")),
        NamespaceSource(here),
        BuiltinSource("len"),
        ConstantSource("int", int),
        FreeVariableSource("captured", cell),
        AttributeSource(VALUE, "class"),
        ItemSource(VALUE, (1, -0.0)),
        DictItemSource(VALUE, int),
        ListItemSource(VALUE, 0),
        TupleItemSource(VALUE, -1),
        TypeSource(VALUE),
        InstanceDictSource(VALUE),
        ClassAttributeSource(TypeSource(VALUE), "f"),
        SlotSource(VALUE, Slotted, "a"),
        CellContentsSource(VALUE),
        DictKeySource(VALUE, 3),
        CallSource(dict_keys, VALUE, " as keys"),
        CallSource(math.isfinite, VALUE, " is finite"),
    ):
        read = round_trip(Guard(source, TypeIs(int)), closing)
        assert read.source == source
        assert read.source.name == source.name
        assert read.source.spelling == source.spelling


def test_a_long_path():
    source = VALUE
    for _ in range(5000):
        source = AttributeSource(source, "next")
    round_trip(Guard(source, IsNone()))


def test_each_predicate_about_named_objects():
    for predicate in (
        TypeIs(type(None)),
        TypeIs(types.FunctionType),
        TypeIs(Slotted),
        TypeIs(type(iter([]))),
        Is(int),
        Is(math),
        Is(len),
        Is(str.upper),
        Is(object.__new__),
        Is(Slotted.a),
        Is(object.__dict__["__getattribute__"]),
        Is(named),
        WeakIs(named),
        IsNot(named),
        Length(3, list),
        Contains(int, set),
        DictKeys([int, "a", (1, 2)]),
        IteratorState(iter([1, 2])),
        IteratorState(iter(range(1 << 70, (1 << 70) + 3))),
        Distinct((VALUE, OTHER)),
        CodeIs(named.__code__),
        CodeIs(next(one for one in named.__code__.co_consts if type(one) is types.CodeType)),
        Expression(
            ast.parse("2 <= a < 10 and not f(-b) + (1 if a else 2) in (a, b)", mode="eval").body,
            {"a": VALUE, "b": OTHER},
            {"f": math.isfinite},
        ),
    ):
        round_trip(Guard(VALUE, predicate))


def test_code_that_no_name_leads_to_is_read_as_its_hash():
    made = {}
    exec("def local(n):\n    return n + 1", made)
    (read,) = again(GuardSet([Guard(VALUE, CodeIs(made["local"].__code__))]))
    assert type(read.predicate) is CodeHashIs
    assert round_trip(read) == read
    scope = [Scope({"value": value}) for value in (made["local"], lambda n: n + 1, 3)]
    assert [read.check(one) for one in scope] == [True, False, False]
    assert str(read.failure(scope[2])).startswith("value.__code__ was that of local, is 3")


class Model:
    """A class whose instances are told by identity."""


def refused(one, function=None):
    with pytest.raises(NotSerialisable) as raised:
        GuardSet([one]).to_json(function)
    assert raised.value.guard is one
    return raised.value


def test_what_is_told_by_identity_is_refused_by_name():
    model, bound, function = Model(), [].append, lambda: 1
    refusal = refused(Guard(VALUE, Is(model), UserLine("model.py", 31)))
    assert refusal.subject is model
    text = "(model.py:31 relies on it) cannot be written as JSON for <Model>: it is told by its identity, which means"
    assert str(refusal) == f"the guard \"L['value'] is <Model>\" {text} nothing in another process"
    assert refused(Guard(VALUE, Is(bound))).why == "it is bound to an object"
    assert refused(Guard(VALUE, WeakIs(model))).subject is model
    assert refused(Guard(VALUE, DictKeys([model]))).subject is model
    assert refused(Guard(ItemSource(VALUE, model), IsNone())).subject is model
    assert refused(Guard(ConstantSource("model", model), IsNone())).subject is model

    class Local:
        pass

    assert refused(Guard(VALUE, TypeIs(Local))).subject is Local
    assert "does not have under its qualified name" in str(refused(Guard(VALUE, Is(function))))
    hostile = Hostile()
    assert refused(Guard(VALUE, Is(hostile))).why.startswith("it is told by its identity")


def test_a_key_that_no_other_object_finds_is_refused():
    for key in (math.nan, (1, (math.nan,)), frozenset({math.nan})):
        assert refused(Guard(VALUE, Contains(key))).why == "a NaN is found in a container by its identity"
        assert refused(Guard(DictItemSource(VALUE, key), IsNone())).subject is key
        round_trip(Guard(VALUE, DictKeys([key])))
        round_trip(Guard(VALUE, Equals(key)))


def test_what_has_died_is_refused():
    model = Model()
    one = Guard(VALUE, Is(model))
    del model
    assert refused(one).why == "it is about an object that no longer exists"


def test_functions_of_the_users_are_refused():
    def mine(n):
        return n

    refusal = refused(Guard(VALUE, Satisfies(mine, text="mine")))
    assert (refusal.subject, refusal.why) == (mine, "it is a function of the user's")
    assert refused(Guard(CallSource(mine, VALUE, ".mine()"), IsNone())).subject is mine
    assert "call only functions marked as readers" in refused(Guard(CallSource(id, VALUE, " at"), IsNone())).why
    assert "call only functions marked as readers" in refused(Guard(CallSource(named, VALUE, "()"), IsNone())).why


def test_cells_and_namespaces_need_their_owner():
    captured = 3

    def closing():
        return captured

    cell = closing.__closure__[0]
    one = Guard(FreeVariableSource("captured", cell), Equals(3))
    assert refused(one).subject is cell
    assert refused(one, named).subject is cell
    text = GuardSet([one]).to_json(closing)
    with pytest.raises(UnreadableGuards, match="about the free variable 'captured'; pass the function that has it"):
        GuardSet.from_json(text)
    assert "belongs to no imported module" in refused(Guard(GlobalSource("a", Namespace({})), IsNone())).why


def test_no_attribute_is_reached_by_an_expression():
    template = ast.parse("a.b == 1", mode="eval").body
    refusal = refused(Guard(None, Expression(template, {"a": VALUE})))
    assert refusal.why == "it is an expression with Attribute, and those in JSON compare and compute only"


ON_A_CONSTANT = [{"is": "ConstantSource", "of": ["x", "touch", False]}]
A_NAME = {"node": "Name", "fields": {"id": {"value": "a"}, "ctx": {"node": "Load", "fields": {}}}}


def _called(function):
    return [*ON_A_CONSTANT, {"is": "CallSource", "of": [{"function": function}, "()"]}], {"is": "IsNone", "of": []}


def _expression(template, constants):
    operands = {"by name": {"a": {"source": [{"is": "ConstantSource", "of": ["f", {"named": HOSTILE}, False]}]}}}
    return None, {"is": "Expression", "of": [{"ast": template}, operands, {"by name": constants}, "K"]}


def _call(function):
    return {"node": "Call", "fields": {"func": function, "args": [A_NAME], "keywords": []}}


calls: list[object] = []


def hostile(*arguments):
    calls.append(arguments)


class HostileClass:
    def __init__(self, *arguments):
        calls.append(arguments)

    def __len__(self):
        calls.append(())
        return 0


HOSTILE = f"{__name__}:hostile"


@pytest.mark.parametrize(
    ("source", "predicate"),
    [
        _called(HOSTILE),
        _called("posix:system"),
        _called("operator:call"),
        _called("operator:attrgetter"),
        _called("operator:methodcaller"),
        _called("builtins:eval"),
        _called("framelift_guards.codegen:linecache.os.system"),
        _called("framelift_guards.naming:find"),
        _called("framelift_guards.codegen:compile_function"),
        _called(f"{__name__}:HostileClass"),
        _called({"name": f"{__name__}:HostileClass", "of": []}),
        _called({"name": HOSTILE, "of": [3]}),
        _called("framelift_guards.naming:Reader"),
        (ON_A_CONSTANT, {"is": "Satisfies", "of": [{"named": HOSTILE}]}),
        (ON_A_CONSTANT, {"is": f"{__name__}:HostileClass", "of": []}),
        (ON_A_CONSTANT, {"is": "Length", "of": [0, {"named": f"{__name__}:HostileClass"}]}),
        (ON_A_CONSTANT, {"is": "Contains", "of": [0, {"named": f"{__name__}:HostileClass"}]}),
        _expression(_call(A_NAME), {}),
        _expression(_call({"node": "Constant", "fields": {"value": {"named": HOSTILE}}}), {}),
        _expression(_call(_call(A_NAME)), {"a": {"function": "builtins:abs"}}),
        _expression(_call({**A_NAME, "fields": {"id": {"value": "f"}}}), {"f": {"named": HOSTILE}}),
    ],
)
def test_hostile_text_calls_nothing(source, predicate):
    calls.clear()
    text = json.dumps(
        {"schema": "framelift-guards/1", "guards": [{"source": source, "predicate": predicate, "line": None}]}
    )
    with pytest.raises(UnreadableGuards, match="guard 0 in JSON"):
        GuardSet.from_json(text).check(Scope({}))
    assert calls == []


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Flags(enum.IntFlag):
    ONE = 1
    TWO = 2


class Measured:
    @property
    def twice(self):
        return 2

    half = property()


class Doubled(naming.Reader):
    def __init__(self, name):
        self.name = name

    def parts(self):
        return (self.name,)

    def __call__(self, value):
        return value + self.name


@naming.reads
def doubled(value):
    return value * 2


def test_what_a_name_stands_for_beside_classes_and_functions():
    round_trip(Guard(VALUE, Is(Colour.RED)))
    round_trip(Guard(VALUE, DictKeys([Colour.RED, "a", Flags.TWO])))
    round_trip(Guard(DictItemSource(VALUE, Colour.BLUE), IsNone()))
    round_trip(Guard(VALUE, Is(vars(Measured)["twice"])))
    round_trip(Guard(VALUE, Is(vars(Measured)["twice"].fget)))
    round_trip(Guard(VALUE, Is(globals())))
    round_trip(Guard(VALUE, Is(sys.modules)))
    round_trip(Guard(CallSource(int.__int__, VALUE, " as int"), Equals(3)))
    read = round_trip(Guard(CallSource(Doubled("a"), VALUE, " doubled"), Equals("aa")))
    assert read.check(Scope({"value": "a"}))
    assert round_trip(Guard(CallSource(doubled, VALUE, " doubled"), Equals(4))).check(Scope({"value": 2}))


def test_what_has_no_such_name():
    assert refused(Guard(VALUE, Is(Flags.ONE | Flags.TWO))).subject is Flags.ONE | Flags.TWO
    assert refused(Guard(VALUE, Is(vars(Measured)["half"]))).subject is vars(Measured)["half"]
    assert refused(Guard(VALUE, Is({"__name__": "sys"}))).subject == {"__name__": "sys"}
    assert refused(Guard(VALUE, Is(()))).why.startswith("it is told by its identity")
    for plain_value in ((None, 3), 10**30, "text", 2.5):
        assert refused(Guard(VALUE, Is(plain_value))).subject is plain_value
    for plain_value in (None, True, ..., NotImplemented):
        round_trip(Guard(VALUE, Is(plain_value)))


def test_a_property_with_other_code_is_another():
    text = GuardSet([Guard(VALUE, Is(vars(Measured)["twice"]))]).to_json()
    was = Measured.twice
    try:
        Measured.twice = property(named)
        with pytest.raises(UnreadableGuards, match="another property here than the one that was guarded"):
            GuardSet.from_json(text)
    finally:
        Measured.twice = was


def tampered(one, old, new):
    text = GuardSet([one]).to_json()
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "guards must be JSON"),
        ("{", "guards must be JSON"),
        ("[" * 100_000, "guards must be JSON"),
        ("[]", 'an object whose "schema" is'),
        ('{"schema": "framelift-guards/2", "guards": []}', 'an object whose "schema" is'),
        ('{"schema": "framelift-guards/1"}', 'an object whose "schema" is'),
        ('{"schema": "framelift-guards/1", "guards": [3]}', "guard 0 in JSON is not well formed"),
        ('{"schema": "framelift-guards/1", "guards": [{}]}', "guard 0 in JSON is not well formed: KeyError"),
        (tampered(Guard(VALUE, TypeIs(Slotted)), "Slotted", "Gone"), "nothing here is called '.*:Gone'"),
        (tampered(Guard(VALUE, TypeIs(int)), "builtins:int", "shop:Order"), "import 'shop' first"),
        (tampered(Guard(VALUE, TypeIs(int)), '"TypeIs"', '"Guard"'), "'Guard' is no class of predicates"),
        (tampered(Guard(VALUE, TypeIs(int)), '"TypeIs"', '"os:system"'), "'os:system' is no class of predicates"),
        (tampered(Guard(VALUE, TypeIs(int)), '"TypeIs"', "3"), "must be named by a string"),
        (tampered(Guard(VALUE, TypeIs(int)), '"LocalSource"', '"TypeIs"'), "'TypeIs' is no class of sources"),
        (tampered(Guard(VALUE, TypeIs(int)), '"named"', '"pickle"'), "nothing is written as 'pickle'"),
        (tampered(Guard(VALUE, TypeIs(int)), '{"named": "builtins:int"}', "2.5"), "a value must be null, a bool"),
        (tampered(Guard(VALUE, Is(named)), naming.code_hash(named.__code__), "0"), "is another function here"),
        (
            tampered(Guard(CallSource(math.isfinite, VALUE, "()"), BoolIs(True)), "math:isfinite", "os:system"),
            "not 'os:system'",
        ),
        (
            tampered(
                Guard(CallSource(math.isfinite, VALUE, "()"), BoolIs(True)), '"function": "math', '"named": "math'
            ),
            "needs a function that guards may call",
        ),
        (
            tampered(
                Guard(None, Expression(ast.parse("f(a)", mode="eval").body, {"a": VALUE}, {"f": math.isfinite})),
                '"function": "math:isfinite"',
                '"named": "posix:system"',
            ),
            "calls only functions that are marked as such",
        ),
        (
            tampered(Guard(None, Expression(ast.parse("a < 3", mode="eval").body, {"a": VALUE})), '"Lt"', '"Lambda"'),
            "an expression in JSON has no 'Lambda'",
        ),
    ],
)
def test_text_that_holds_no_guards(text, reason):
    with pytest.raises(UnreadableGuards, match=reason):
        GuardSet.from_json(text)


def test_the_layout():
    line = UserLine("shop.py", 3, "total", "n == 3", "compares it")
    guards = GuardSet([Guard(VALUE.attribute("n"), Equals(3), line)])
    assert json.loads(guards.to_json()) == {
        "schema": "framelift-guards/1",
        "guards": [
            {
                "source": [{"is": "LocalSource", "of": ["value"]}, {"is": "AttributeSource", "of": ["n"]}],
                "predicate": {"is": "Equals", "of": [3]},
                "line": ["shop.py", 3, "total", "n == 3", "compares it"],
            }
        ],
    }


def test_another_process_reads_them():
    guards = GuardSet(
        [
            Guard(VALUE, TypeIs(tuple)),
            Guard(VALUE, Equals((1, math.nan, -0.0, "\ud800", 10**5000))),
            Guard(BuiltinSource("len"), Is(len)),
            Guard(None, Expression(ast.parse("a is b", mode="eval").body, {"a": VALUE, "b": VALUE})),
        ]
    )
    program = (
        "import math, sys; from framelift_guards import GuardSet, Scope\n"
        "guards = GuardSet.from_json(sys.stdin.read())\n"
        "value = (1, math.nan, -0.0, '\\ud800', 10**5000)\n"
        "print(guards.check(Scope({'value': value})), guards.first_failure(Scope({'value': (1,)})) is not None)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], input=guards.to_json(), capture_output=True, text=True, check=True
    )
    assert found.stdout == "True True\n"


def test_a_guard_set_is_equal_to_one_with_the_same_guards():
    one = Guard(VALUE, Equals(3))
    assert GuardSet([one]) == GuardSet([Guard(LocalSource("value"), Equals(3), UserLine("a", 1))])
    assert GuardSet([one]) != GuardSet([])
    assert GuardSet([one]) != [one]


def with_defaults(a, b=(1, math.nan, -0.0), kind=int, of=named, *, mode=None):
    return a, b, kind, of, mode


DEFAULTS = AttributeSource(ConstantSource("with_defaults", with_defaults), "__defaults__")


def test_defaults_are_written_by_what_they_are():
    guards = GuardSet([Guard(DEFAULTS, Is(with_defaults.__defaults__))])
    read = GuardSet.from_json(guards.to_json())
    assert len(read) == 5  # a tuple, of three, each of them
    before = with_defaults.__defaults__
    assert read.check(Scope({}))
    try:
        with_defaults.__defaults__ = ((1, math.nan, -0.0), int, named)  # an equal one, as another process has its own
        assert read.check(Scope({}))
        assert not guards.check(Scope({}))
        for other in (((1, math.nan, 0.0), int, named), ((1, math.nan, -0.0), bool, named), (int, named), None):
            with_defaults.__defaults__ = other
            assert not read.check(Scope({}))
    finally:
        with_defaults.__defaults__ = before


def test_plain_defaults_are_one_guard():
    def one(a=1, b="x"):
        return a, b

    guards = GuardSet([Guard(AttributeSource(LocalSource("f"), "__defaults__"), Is(one.__defaults__))])
    read = GuardSet.from_json(guards.to_json())
    assert [guard.predicate for guard in read] == [Equals((1, "x"))]


def test_defaults_with_an_object_that_has_no_name_are_refused_for_that_object():
    unnamed = Hostile()

    def one(a=1, b=unnamed):
        return a, b

    error = refused(Guard(AttributeSource(LocalSource("f"), "__defaults__"), Is(one.__defaults__)))
    assert error.subject is unnamed


def test_a_cell_of_the_function_is_written_by_the_name_of_its_variable():
    captured = 3

    def closing():
        return captured

    cell = closing.__closure__[0]
    one = Guard(LocalSource("c"), Is(cell))
    assert refused(one).subject is cell
    text = GuardSet([one]).to_json(closing)
    assert GuardSet.from_json(text, closing).check(Scope({"c": cell}))
    assert not GuardSet.from_json(text, closing).check(Scope({"c": types.CellType(3)}))
    with pytest.raises(UnreadableGuards, match="the cell of the free variable 'captured'; pass the function"):
        GuardSet.from_json(text)


def test_variables_of_a_module_of_a_class_of_its_own(monkeypatch):
    class Own(types.ModuleType):
        """As torch._VF is."""

    module = Own("framelift_own_module")
    module.a = 3
    monkeypatch.setitem(sys.modules, module.__name__, module)
    guards = GuardSet([Guard(GlobalSource("a", Namespace(vars(module))), Equals(3))])
    read = GuardSet.from_json(guards.to_json())
    assert read.check(Scope({}))
    module.a = 4
    assert not read.check(Scope({}))
