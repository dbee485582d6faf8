import ast
import types

import pytest
from guards_hostile import Hostile, HostileDict
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    AttributeSource,
    Builder,
    BuiltinSource,
    CallSource,
    CellContentsSource,
    ClassAttributeSource,
    ConstantSource,
    DictItemSource,
    DictKeySource,
    FreeVariableSource,
    GeneratedNamespace,
    GlobalSource,
    InstanceDictSource,
    ItemSource,
    ListItemSource,
    LocalSource,
    Namespace,
    NamespaceSource,
    Scope,
    SlotSource,
    TupleItemSource,
    TypeSource,
    compile_function,
)


def evaluate(source, **variables):
    """Run the source's expression in a generated function of the variables."""
    namespace = GeneratedNamespace(reserved=variables)
    parameters = ast.arguments([], [ast.arg(name) for name in variables], None, [], [], None, [])
    body = [ast.Return(Builder(namespace).fetch(source))]
    return compile_function(ast.FunctionDef("fetch", parameters, body, []), namespace)(*variables.values())


class Box:
    pass


class Slotted:
    __slots__ = ("only",)


def _attribute(name):
    def wrap(value):
        box = Box()
        setattr(box, name, value)
        return box

    return wrap, lambda base: AttributeSource(base, name)


def _instance_attribute(name):
    wrap, _ = _attribute(name)
    return wrap, lambda base: DictItemSource(InstanceDictSource(base), name)


def _key(step):
    def make(key):
        return lambda value: {"decoy": None, key: value}, lambda base: step(base, key)

    return make


def _nth(before):
    wrap, step = _attribute("inner")
    return (
        lambda value: {**dict.fromkeys(range(before)), wrap(value): None},
        lambda base: step(DictKeySource(base, before)),
    )


def _position(container, step):
    def make(before):
        return lambda value: container([*range(before), value, None]), lambda base: step(base, before)

    return make


def _slot(_):
    def wrap(value):
        slotted = Slotted()
        slotted.only = value
        return slotted

    return wrap, lambda base: SlotSource(base, Slotted, "only")


def _class_attribute(name):
    return (
        lambda value: type("Sub", (type("Base", (), {name: staticmethod(value)}),), {})(),
        lambda base: AttributeSource(ClassAttributeSource(TypeSource(base), name), "__func__"),
    )


def _cell(_):
    return types.CellType, CellContentsSource


def _call(_):
    return lambda value: [value], lambda base: CallSource(list.pop, CallSource(list.copy, base, ".copy()"), ".pop()")


names = st.one_of(
    st.sampled_from(["class", "True", "__debug__", "__x", "ﬁ", "a b", "", "L['x']", 'q"\n', "\ud800", "type"]),
    st.text(max_size=5),
).filter(lambda name: "\0" not in name and not (name.startswith("__") and name.endswith("__")))
keys = st.one_of(
    st.text(st.characters(), max_size=5),
    st.sampled_from(["'", '"', "\n", "'''", "\\", "\ud83d", "]"]),
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False),
    st.binary(max_size=3),
    st.tuples(st.integers(), st.text(max_size=2)),
    st.integers(10**30, 10**31),
)
small = st.integers(0, 3)
steps = st.one_of(
    names.map(_attribute),
    names.map(_instance_attribute),
    keys.map(_key(ItemSource)),
    keys.map(_key(DictItemSource)),
    small.map(_nth),
    small.map(_position(list, ItemSource)),
    small.map(_position(list, ListItemSource)),
    small.map(_position(tuple, TupleItemSource)),
    small.map(_slot),
    names.map(_class_attribute),
    small.map(_cell),
    small.map(_call),
)
roots = st.sampled_from(
    [
        lambda value: (LocalSource("x"), {"x": value}),
        lambda value: (LocalSource("len"), {"len": value}),
        lambda value: (GlobalSource("a'b", Namespace({"a'b": value})), {}),
        lambda value: (FreeVariableSource("z", types.CellType(value)), {}),
        lambda value: (ConstantSource("thing", value), {}),
        lambda value: (ItemSource(NamespaceSource(Namespace({"g": value})), "g"), {}),
    ]
)


@given(roots, st.lists(steps, max_size=6))
def test_fetch_equals_the_compiled_expression(root, path):
    leaf = value = Box()
    for wrap, _ in reversed(path):
        value = wrap(value)
    source, variables = root(value)
    for _, step in path:
        source = step(source)
    assert source.fetch(Scope(variables)) is leaf
    assert evaluate(source, **variables) is leaf


@given(st.lists(steps, max_size=4))
def test_equal_paths_are_equal_and_hash_alike(path):
    def build():
        source = LocalSource("x")
        for _, step in path:
            source = step(source)
        return source

    assert build() == build()
    assert hash(build()) == hash(build())
    assert build().name == build().name
    assert build() != AttributeSource(build(), "more")


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), (0.0, -0.0), ("1", 1), ((1,), (True,)), (b"a", "a"), (None, 0)]
)
def test_keys_that_python_confuses_make_different_sources(one, other):
    base = LocalSource("x")
    assert ItemSource(base, one) != ItemSource(base, other)
    assert DictItemSource(base, one) != ItemSource(base, one)


def test_a_key_of_the_users_is_compared_by_identity():
    one, other = Hostile(), Hostile()
    base = LocalSource("x")
    assert ItemSource(base, one) == ItemSource(base, one)
    assert ItemSource(base, one) != ItemSource(base, other)
    assert ItemSource(base, one).name == "L['x'][<Hostile>]"


def test_names():
    x, space = LocalSource("x"), Namespace({})
    assert [
        source.name
        for source in (
            x,
            GlobalSource("f", space),
            GlobalSource("f", Namespace({}, "G['module'].__dict__")),
            FreeVariableSource("z", types.CellType()),
            BuiltinSource("len"),
            ConstantSource("torch.nn.Linear", int),
            LocalSource("self").attribute("weight"),
            LocalSource("xs").item(0),
            x.attribute("class"),
            x.item("it's"),
            DictItemSource(x, ("a", 1)),
            ListItemSource(x, 2),
            TypeSource(x),
            InstanceDictSource(x),
            ClassAttributeSource(TypeSource(x), "forward"),
            SlotSource(x, Slotted, "only"),
            CellContentsSource(x),
            DictKeySource(x, 3),
            CallSource(len, x, ".size()").item(0),
        )
    ] == [
        "L['x']",
        "G['f']",
        "G['module'].__dict__['f']",
        "L['z']",
        "builtins.len",
        "torch.nn.Linear",
        "L['self'].weight",
        "L['xs'][0]",
        "getattr(L['x'], 'class')",
        "L['x'][\"it's\"]",
        "L['x'][('a', 1)]",
        "L['x'][2]",
        "type(L['x'])",
        "L['x'].__dict__",
        "inspect.getattr_static(type(L['x']), 'forward')",
        "L['x'].only",
        "L['x'].cell_contents",
        "list(L['x'])[3]",
        "L['x'].size()[0]",
    ]


def test_local_root():
    assert LocalSource("x").item(0).attribute("a").local_root == LocalSource("x")
    assert GlobalSource("x", Namespace({})).item(0).local_root is None


def test_steps_into_hostile_objects_run_none_of_their_code():
    hostile, mapping = Hostile(), HostileDict(a=1)
    object.__getattribute__(hostile, "__dict__")["k"] = 5
    scope = {"h": hostile, "m": mapping}
    for source, expected in (
        (TypeSource(LocalSource("h")), Hostile),
        (DictItemSource(InstanceDictSource(LocalSource("h")), "k"), 5),
        (DictItemSource(LocalSource("m"), "a"), 1),
        (DictKeySource(LocalSource("m"), 0), "a"),
        (ClassAttributeSource(TypeSource(LocalSource("h")), "__eq__"), vars(Hostile)["__eq__"]),
    ):
        assert source.fetch(Scope(scope)) is expected
        assert evaluate(source, **scope) is expected


def test_a_path_as_long_as_a_linked_list():
    leaf = value = Box()
    source = LocalSource("x")
    for _ in range(5000):
        value = {"next": value}
        source = source.item("next")
    assert source.fetch(Scope({"x": value})) is leaf
    assert source.name == "L['x']" + "['next']" * 5000


def test_a_missing_value_raises():
    for source in (LocalSource("x").item("k"), GlobalSource("g", Namespace({})), BuiltinSource("no such")):
        with pytest.raises(KeyError):
            source.fetch(Scope({"x": {}}))
    with pytest.raises(ValueError, match="empty"):
        FreeVariableSource("z", types.CellType()).fetch(Scope({}))
    with pytest.raises(IndexError):
        DictKeySource(LocalSource("x"), 0).fetch(Scope({"x": {}}))
    with pytest.raises(AttributeError):
        ClassAttributeSource(TypeSource(LocalSource("x")), "nope").fetch(Scope({"x": {}}))


def test_a_weak_constant_dies():
    box = Box()
    source = ConstantSource("box", box, weak=True)
    assert source.fetch(Scope({})) is box
    assert evaluate(source) is box
    del box
    with pytest.raises(ReferenceError):
        source.fetch(Scope({}))
    with pytest.raises(ReferenceError):
        evaluate(source)


def test_spellings_are_those_of_the_program():
    """A message calls a value what the program calls it; its name is that of guards."""
    module = InstanceDictSource(LocalSource("self"))
    weight = DictItemSource(
        InstanceDictSource(DictItemSource(DictItemSource(module, "_modules"), "lin")), "_parameters"
    )
    size = CallSource(len, LocalSource("x"), ".size()")
    assert [
        source.spelling
        for source in (
            LocalSource("x"),
            LocalSource(".0"),
            GlobalSource("f", Namespace({})),
            GlobalSource("f", Namespace({}, "torch.nn.__dict__")),
            GlobalSource("a b", Namespace({})),
            DictItemSource(module, "n"),
            DictItemSource(module, "not a name"),
            DictItemSource(LocalSource("d"), "n"),
            DictItemSource(weight, "weight"),
            ItemSource(size, 1),
            ItemSource(CallSource(str.upper, LocalSource("s"), ".upper()"), 1),
            ClassAttributeSource(TypeSource(LocalSource("x")), "f"),
            BuiltinSource("len"),
        )
    ] == [
        "x",
        "L['.0']",
        "f",
        "torch.nn.f",
        "G['a b']",
        "self.n",
        "self.__dict__['not a name']",
        "d['n']",
        "self.lin.weight",
        "x.size(1)",
        "s.upper()[1]",
        "type(x).f",
        "len",
    ]
