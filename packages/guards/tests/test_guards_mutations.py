"""For each kind of assumption: it holds, the program changes, the very next call sees it, and says so."""

import builtins
import collections
import types

import pytest

from framelift_guards import (
    AttributeSource,
    BoolIs,
    BuiltinSource,
    CellContentsSource,
    ClassAttributeSource,
    CodeIs,
    ConstantSource,
    Contains,
    DictItemSource,
    DictKeys,
    Dispatcher,
    Distinct,
    Equals,
    FreeVariableSource,
    GlobalSource,
    Guard,
    InstanceDictSource,
    Is,
    IteratorState,
    LacksAttribute,
    LacksKey,
    Length,
    ListItemSource,
    LocalSource,
    Namespace,
    NamespaceSource,
    SameObject,
    SlotSource,
    TypeIs,
    TypeSource,
)

pytestmark = pytest.mark.usefixtures("way")

X, Y = LocalSource("x"), LocalSource("y")
CASES = {}


def case(function):
    """A case returns (arguments, guards, change)."""
    CASES[function.__name__] = function
    return function


class Base:
    def method(self):
        return 1


class Sub(Base):
    pass


class Slotted:
    __slots__ = ("a",)


@case
def method_patched_on_a_base_class():
    source = ClassAttributeSource(ConstantSource("Sub", Sub), "method")
    before = Base.method

    def change():
        Base.method = lambda self: 2
        return lambda: setattr(Base, "method", before)

    return (Sub(),), [Guard(X, TypeIs(Sub)), Guard(source, Is(before))], change


@case
def method_shadowed_on_the_class():
    source = ClassAttributeSource(TypeSource(X), "method")

    def change():
        Sub.method = lambda self: 2
        return lambda: delattr(Sub, "method")

    return (Sub(),), [Guard(source, Is(Base.method))], change


@case
def method_shadowed_on_the_instance():
    instance = Sub()
    return (instance,), [Guard(InstanceDictSource(X), LacksKey("method"))], lambda: setattr(instance, "method", 1)


@case
def builtin_shadowed_by_a_global():
    variables = {}
    guards = [
        Guard(NamespaceSource(Namespace(variables)), LacksKey("len")),
        Guard(BuiltinSource("len"), Is(len)),
    ]
    return (), guards, lambda: variables.update(len=lambda x: 0)


@case
def builtin_replaced():
    def change():
        before = builtins.ascii
        builtins.ascii = repr
        return lambda: setattr(builtins, "ascii", before)

    return (), [Guard(BuiltinSource("ascii"), Is(ascii))], change


@case
def global_rebound():
    variables = {"n": 1}
    return (), [Guard(GlobalSource("n", Namespace(variables)), Equals(1))], lambda: variables.update(n=True)


@case
def global_deleted():
    variables = {"n": 1}
    return (), [Guard(GlobalSource("n", Namespace(variables)), Equals(1))], lambda: variables.pop("n") and None


@case
def free_variable_rebound():
    cell = types.CellType(1)
    return (), [Guard(FreeVariableSource("z", cell), Equals(1))], lambda: setattr(cell, "cell_contents", 2)


def _closure():
    value = 1

    def function(default=3, *, key=4):
        return value

    return function


@case
def closure_of_a_callee():
    function = _closure()
    closure = AttributeSource(X, "__closure__").item(0)
    change = lambda: setattr(function.__closure__[0], "cell_contents", 5)
    return (function,), [Guard(CellContentsSource(closure), Equals(1))], change


@case
def code_of_a_callee():
    def function():
        return 1

    def other():
        return 2

    return (function,), [Guard(X, CodeIs(function.__code__))], lambda: setattr(function, "__code__", other.__code__)


@case
def defaults_of_a_callee():
    function = _closure()
    guards = [Guard(AttributeSource(X, "__defaults__"), Equals((3,)))]
    return (function,), guards, lambda: setattr(function, "__defaults__", (3.0,))


@case
def keyword_defaults_of_a_callee():
    function = _closure()
    guards = [Guard(AttributeSource(X, "__kwdefaults__").item("key"), Equals(4))]
    return (function,), guards, lambda: function.__kwdefaults__.update(key=5)


@case
def attribute_set():
    instance = Sub()
    instance.a = 0.0
    return (instance,), [Guard(X.attribute("a"), Equals(0.0))], lambda: setattr(instance, "a", -0.0)


@case
def attribute_added():
    instance = Sub()
    return (instance,), [Guard(X, LacksAttribute("class"))], lambda: setattr(instance, "class", 1)


@case
def slot_set():
    instance = Slotted()
    instance.a = "s"
    return (instance,), [Guard(SlotSource(X, Slotted, "a"), Equals("s"))], lambda: setattr(instance, "a", b"s")


@case
def slot_deleted():
    instance = Slotted()
    instance.a = "s"
    return (instance,), [Guard(SlotSource(X, Slotted, "a"), Equals("s"))], lambda: delattr(instance, "a")


@case
def class_assigned():
    instance = Sub()
    return (instance,), [Guard(X, TypeIs(Sub))], lambda: setattr(instance, "__class__", Base)


@case
def instance_dictionary_replaced():
    instance = Sub()
    instance.training = True
    guards = [Guard(X, TypeIs(Sub)), Guard(DictItemSource(InstanceDictSource(X), "training"), BoolIs(True))]
    return (instance,), guards, lambda: setattr(instance, "__dict__", {"training": 1})


@case
def instance_dictionary_replaced_by_one_of_a_subclass():
    instance = Sub()
    fields = InstanceDictSource(X)
    guards = [Guard(X, TypeIs(Sub)), Guard(fields, TypeIs(dict)), Guard(fields, LacksKey("method"))]
    return (instance,), guards, lambda: setattr(instance, "__dict__", collections.OrderedDict())


@case
def plain_instance_dictionary_gets_an_entry():
    instance = Sub()
    fields = InstanceDictSource(X)
    guards = [Guard(X, TypeIs(Sub)), Guard(fields, TypeIs(dict)), Guard(fields, LacksKey("method"))]
    return (instance,), guards, lambda: setattr(instance, "method", 1)


@case
def entry_deleted_whose_value_is_guarded_too():
    mapping = {"a": 1}
    guards = [Guard(X, TypeIs(dict)), Guard(X, Contains("a")), Guard(DictItemSource(X, "a"), Equals(1))]
    return (mapping,), guards, mapping.clear


@case
def entry_deleted_whose_value_is_read_under_a_condition():
    mapping = {"a": 1}
    guards = [
        Guard(X, TypeIs(dict)),
        Guard(X, Contains("a")),
        Guard(None, Distinct((X, Y))),
        Guard(Y, SameObject(DictItemSource(X, "a"))),
    ]
    return (mapping, mapping["a"]), guards, mapping.clear


@case
def empty_dictionary_filled():
    hooks = collections.OrderedDict()
    return (hooks,), [Guard(X, TypeIs(collections.OrderedDict)), Guard(X, Length(0))], lambda: hooks.update(a=1)


@case
def empty_list_of_a_subclass_filled():
    class Hidden(list):
        def __bool__(self):
            return False

    xs = Hidden()
    return (xs,), [Guard(X, TypeIs(Hidden)), Guard(X, Length(0, via=list))], lambda: xs.append(1)


@case
def list_appended():
    xs = [1]
    return (xs,), [Guard(X, Length(1))], lambda: xs.append(1)


@case
def list_item_replaced():
    xs = [1, True]
    return (xs,), [Guard(ListItemSource(X, 1), Equals(True))], lambda: xs.__setitem__(1, 1)


@case
def dictionary_reordered():
    mapping = {"a": 1, "b": 2}
    return (mapping,), [Guard(X, DictKeys(mapping))], lambda: mapping.update(a=mapping.pop("a"))


@case
def ordered_dictionary_moved():
    mapping = collections.OrderedDict(a=1, b=2)
    return (mapping,), [Guard(X, DictKeys(mapping))], lambda: mapping.move_to_end("a")


@case
def dictionary_key_changes_type():
    mapping = {1: 0}
    return (mapping,), [Guard(X, DictKeys(mapping))], lambda: (mapping.clear(), mapping.update({True: 0})) and None


@case
def iterator_advanced():
    iterator = iter([1, 2])
    return (iterator,), [Guard(X, IteratorState(iterator))], lambda: next(iterator) and None


@case
def alias_broken():
    holder = [Sub(), None]
    holder[1] = holder[0]
    guards = [Guard(ListItemSource(X, 1), SameObject(ListItemSource(X, 0)))]
    return (holder,), guards, lambda: holder.__setitem__(1, Sub())


@case
def alias_made():
    holder = [Sub(), Sub(), Sub()]
    guards = [Guard(None, Distinct(tuple([ListItemSource(X, index) for index in range(3)])))]
    return (holder,), guards, lambda: holder.__setitem__(2, holder[0])


@case
def object_died():
    holder = [Sub()]
    return (holder,), [Guard(ListItemSource(X, 0), Is(holder[0]))], lambda: holder.__setitem__(0, Sub())


@pytest.mark.parametrize("name", CASES)
def test_the_next_call_sees_the_change(name):
    arguments, guards, change = CASES[name]()
    arguments = (*arguments, None, None)[:2]
    dispatcher = Dispatcher.for_parameters(["x", "y"], lambda scope: [str(one) for one in dispatcher.failures(scope)])
    dispatcher.add(guards, lambda x, y: "hit")
    assert dispatcher.function(*arguments) == "hit"
    assert dispatcher.function(*arguments) == "hit"
    undo = change()
    try:
        (reason,) = dispatcher.function(*arguments)
        assert len(reason.splitlines()) == 1
    finally:
        if undo is not None:
            undo()


def test_an_item_that_is_fetched_anyway_is_not_looked_up_first():
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: "miss")
    guards = [Guard(X, TypeIs(dict)), Guard(X, Contains("a")), Guard(DictItemSource(X, "a"), Equals(1))]
    dispatcher.add(guards, lambda x: "hit")
    assert "in x" not in dispatcher.source()
    assert "x['a']" in dispatcher.source()
    assert [dispatcher.function(x) for x in ({"a": 1}, {"a": 2}, {}, collections.OrderedDict(a=1))] == ["hit"] + [
        "miss"
    ] * 3


def test_a_missing_item_that_a_class_makes_up_is_looked_up_first():
    class Inventive(dict):
        def __missing__(self, key):
            return 1

    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: "miss")
    guards = [Guard(X, TypeIs(Inventive)), Guard(X, Contains("a")), Guard(DictItemSource(X, "a"), Equals(1))]
    dispatcher.add(guards, lambda x: "hit")
    assert [dispatcher.function(Inventive(a=1)), dispatcher.function(Inventive())] == ["hit", "miss"]
