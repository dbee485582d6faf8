"""What a capture relied on is guarded: each later change of it is noticed, and changes of anything else are not."""

from __future__ import annotations

import types

import pytest
from driver import Broke, lift


def module_with(source: str) -> types.ModuleType:
    """A module of its own, so that a test may change anything in it."""
    module = types.ModuleType("sample")
    exec(source, module.__dict__)
    return module


SAMPLE = """
LIMIT = 3
TABLE = {"a": [1, 2], "b": 4}

class Base:
    shared = 1
    def method(self): return "base"
    @property
    def prop(self): return "property"

class Model(Base):
    def __init__(self):
        self.x = 1
        self.items = [1, 2]
    def own(self, y=5): return self.x + y

def helper(a, b=2, *, c=3): return a + b + c

model = Model()

def read_global(m): return LIMIT
def call_helper(m): return helper(1)
def method(m): return m.method()
def own(m): return m.own()
def prop(m): return m.prop
def shared(m): return m.shared
def attribute(m): return m.x
def absent(m): return hasattr(m, "extra"), getattr(m, "other", 0)
def items(m): return sum(m.items)
def nested(m): return TABLE["a"][1]
def builtin(m): return len(m.items)
def truth(m): return bool(m)
def equal(m): return m == 3
def identity(m): return m is model
def kind(m): return type(m).__name__, isinstance(m, Base)
def call(m): return callable(m)

"""


def _assign(module, path, value):
    module.assigned_value = value
    exec(f"{path} = assigned_value", module.__dict__)


def set_item(path, value):
    def change(module):
        _assign(module, path, value)

    change.__name__ = f"{path} = {value!r:.20}"
    return change


def replace_function(path, text):
    def change(module):
        scope = dict(module.__dict__)
        exec(text, scope)
        _assign(module, path, scope["made"])

    change.__name__ = f"{path} replaced"
    return change


CHANGES = [
    ("read_global", set_item("LIMIT", 4)),
    ("read_global", set_item("LIMIT", 3.0)),
    ("read_global", set_item("LIMIT", True)),
    ("call_helper", replace_function("helper", "def made(a, b=2, *, c=3): return a * 100")),
    ("call_helper", set_item("helper.__defaults__", (7,))),
    ("call_helper", set_item("helper.__kwdefaults__", {"c": 9})),
    ("call_helper", replace_function("helper.__code__", "made = (lambda a, b, *, c: (a, b, c)).__code__")),
    ("method", replace_function("Base.method", "def made(self): return 'patched'")),
    ("method", replace_function("Model.method", "def made(self): return 'shadowed by the class'")),
    ("method", replace_function("model.method", "made = lambda: 'shadowed by the instance'")),
    ("method", set_item("Model.__getattribute__", lambda self, name: lambda: "intercepted")),
    ("own", set_item("Model.own.__defaults__", (8,))),
    ("own", set_item("model.x", 2)),
    ("prop", replace_function("Base.prop", "made = property(lambda self: 'another')")),
    ("prop", set_item("Base.prop", 3)),
    ("shared", set_item("Base.shared", 2)),
    ("shared", set_item("Model.shared", 3)),
    ("shared", set_item("model.shared", 4)),
    ("attribute", set_item("model.x", "text")),
    ("attribute", set_item("Model.x", property(lambda self: "data descriptor"))),
    ("absent", set_item("model.extra", 1)),
    ("absent", set_item("Model.extra", 1)),
    ("absent", set_item("Base.other", 2)),
    ("absent", set_item("Model.__getattr__", lambda self, name: name)),
    ("items", set_item("model.items", [5])),
    ("items", set_item("model.items[1]", 50)),
    ("nested", set_item("TABLE['a']", [7, 8, 9])),
    ("nested", set_item("TABLE['a'][1]", 20)),
    ("builtin", set_item("len", lambda x: "hidden")),
    ("truth", set_item("Model.__bool__", lambda self: False)),
    ("truth", set_item("Model.__len__", lambda self: 0)),
    ("equal", set_item("Model.__eq__", lambda self, other: "equal")),
    ("call", set_item("Model.__call__", lambda self: None)),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=lambda value: getattr(value, "__name__", value))
def test_a_change_is_noticed(name, change):
    module = module_with(SAMPLE)
    function = getattr(module, name)
    lifted = lift(function)
    before = lifted(module.model)
    assert before == function(module.model)
    assert lifted(module.model) == before
    assert len(lifted.captures) == 1
    change(module)
    after = function(module.model)
    assert repr(after) != repr(before), "the change changes nothing: the test proves nothing"
    assert repr(lifted(module.model)) == repr(after)
    assert len(lifted.captures) == 2


@pytest.mark.parametrize("name", ["identity", "kind"])
def test_another_object_is_noticed(name):
    module = module_with(SAMPLE)
    function = getattr(module, name)
    lifted = lift(function)
    for argument in (module.model, 3, module.Model(), module.Base()):
        assert lifted(argument) == function(argument)


def test_what_was_not_read_may_change():
    module = module_with(SAMPLE)
    lifted = lift(module.own)
    lifted(module.model)
    module.LIMIT = 9
    module.model.other = 5
    module.Model.unrelated = 1
    module.model.items.append(3)
    assert lifted(module.model) == 6
    assert len(lifted.captures) == 1


def test_one_object_in_two_places_is_not_two_objects():
    def write(a, b):
        a.append(1)
        return len(b)

    lifted = lift(write)
    one: list[int] = []
    assert lifted([], []) == 0
    assert lifted(one, one) == 1
    assert one == [1]
    assert lifted([], []) == 0


def test_two_objects_are_not_one_object():
    def write(a, b):
        a.append(1)
        return len(b)

    lifted = lift(write)
    one: list[int] = []
    assert lifted(one, one) == 1
    first, second = [], []
    assert lifted(first, second) == 0
    assert (first, second) == ([1], [])


def test_the_line_of_the_user_is_kept():
    def f(x):
        if x > 1:
            return 1
        return 0

    (guard,) = lift_and_capture(f, 3).guards
    assert guard.user_line is not None
    assert guard.user_line.function == "f"


def lift_and_capture(function, *args):
    lifted = lift(function)
    lifted(*args)
    return lifted.captures[0]


class Items(list):
    pass


def test_one_list_subclass_in_two_places_is_not_two():
    def write(a, b):
        a.append(1)
        return len(b)

    lifted = lift(write)
    one = Items()
    assert lifted(Items(), Items()) == 0
    assert lifted(one, one) == 1


def test_functions_of_one_code_have_names_of_their_own():
    def made():
        def inner():
            pass

        return inner

    def name(function):
        return function.__name__

    first, second = made(), made()
    second.__name__ = "another"
    lifted = lift(name)
    assert [lifted(first), lifted(second), lifted(first)] == ["inner", "another", "inner"]


def test_what_is_handed_through_is_the_same_object():
    def through(x, box):
        box.append(x)
        return x

    lifted = lift(through)
    for value in ("a text with spaces", 10**30, 2.5, b"bytes", 1j):
        box = []
        assert lifted(value, box) is value
        assert box[0] is value


def test_an_equality_without_a_hash_of_its_own_is_not_identity():
    class Same:
        def __eq__(self, other):
            return True

        __hash__ = object.__hash__

    def look(a, b):
        return {a: 1}, b

    with pytest.raises(Broke, match="__eq__"):
        lift(look)(Same(), Same())
