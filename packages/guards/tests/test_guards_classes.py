"""Attributes of classes: the very next call after any change of a class sees it, with and without the accelerator."""

import gc
import types
import weakref

import pytest

from framelift_guards import (
    AttributeSource,
    ClassAttributeSource,
    CodeIs,
    ConstantSource,
    Dispatcher,
    Guard,
    HasAttribute,
    Is,
    LacksAttribute,
    LocalSource,
    SameObject,
    TypeIs,
    TypeSource,
)

pytestmark = pytest.mark.usefixtures("way")

X = LocalSource("x")


def make():
    """Return a fresh family of classes, with an instance of the youngest."""

    class Root:
        constant = 1

        def method(self):
            return 1

    class Mixin:
        pass

    class Base(Root):
        pass

    class Leaf(Base, Mixin):
        def own(self):
            return 2

        @staticmethod
        def static():
            return 3

        @classmethod
        def of_class(cls):
            return 4

    return types.SimpleNamespace(Root=Root, Base=Base, Mixin=Mixin, Leaf=Leaf, leaf=Leaf())


def dispatcher_of(family):
    """Guard everything that a program may read of the class."""
    leaf, base = (ConstantSource(one.__name__, one, weak=True) for one in (family.Leaf, family.Base))
    guards = [
        Guard(X, TypeIs(family.Leaf)),
        Guard(AttributeSource(leaf, "method"), CodeIs(family.Root.method.__code__)),
        Guard(AttributeSource(leaf, "own"), Is(family.Leaf.own)),
        Guard(AttributeSource(leaf, "static"), Is(family.Leaf.static)),
        Guard(AttributeSource(leaf, "constant"), Is(1)),
        Guard(AttributeSource(leaf, "method"), SameObject(AttributeSource(base, "method"))),
        Guard(AttributeSource(leaf, "__init__"), Is(object.__init__)),
        Guard(ClassAttributeSource(leaf, "of_class"), Is(vars(family.Leaf)["of_class"])),
        Guard(ClassAttributeSource(TypeSource(X), "method"), Is(family.Root.method)),
        Guard(leaf, HasAttribute("own")),
        Guard(leaf, LacksAttribute("missing")),
        Guard(base, LacksAttribute("missing")),
    ]
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: "miss")
    dispatcher.add(guards, lambda x: "hit")
    return dispatcher


def another_code(function):
    function.__code__ = (lambda self: 9).__code__


CHANGES = {
    "a method patched on the class": lambda f: setattr(f.Leaf, "own", lambda self: 9),
    "a method patched on the class that it is inherited from": lambda f: setattr(f.Root, "method", lambda self: 9),
    "a method shadowed on the class": lambda f: setattr(f.Leaf, "method", lambda self: 9),
    "a method shadowed on a class between": lambda f: setattr(f.Base, "method", lambda self: 9),
    "a method deleted": lambda f: delattr(f.Root, "method"),
    "the code of a method": lambda f: another_code(f.Root.method),
    "a method becomes a static one": lambda f: setattr(f.Root, "method", staticmethod(f.Root.method)),
    "a static method replaced": lambda f: setattr(f.Leaf, "static", staticmethod(lambda: 9)),
    "a class method replaced": lambda f: setattr(f.Leaf, "of_class", classmethod(lambda cls: 9)),
    "a constant replaced": lambda f: setattr(f.Root, "constant", 2),
    "a constant becomes a property": lambda f: setattr(f.Base, "constant", property(lambda self: 1)),
    "an attribute that was not there": lambda f: setattr(f.Leaf, "missing", None),
    "an attribute that was not there, on a base": lambda f: setattr(f.Root, "missing", None),
    "an attribute that was not there, on a class beside": lambda f: setattr(f.Mixin, "missing", None),
    "a special method": lambda f: setattr(f.Mixin, "__init__", lambda self: None),
    "other bases": lambda f: setattr(f.Leaf, "__bases__", (f.Mixin,)),
    "other bases of a base": lambda f: setattr(f.Base, "__bases__", (f.Mixin,)),
    "the class of the object": lambda f: setattr(f.leaf, "__class__", f.Base),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_next_call_sees_the_change(name):
    family = make()
    dispatcher = dispatcher_of(family)
    assert [dispatcher.function(family.leaf) for _ in range(3)] == ["hit"] * 3
    CHANGES[name](family)
    assert [dispatcher.function(family.leaf) for _ in range(2)] == ["miss"] * 2


def test_what_is_changed_back_holds_again():
    family = make()
    dispatcher = dispatcher_of(family)
    before = family.Root.method
    for _ in range(5):
        assert [dispatcher.function(family.leaf) for _ in range(2)] == ["hit"] * 2
        family.Root.method = lambda self: 9
        assert dispatcher.function(family.leaf) == "miss"
        family.Root.method = before


def test_a_class_that_has_changed_more_often_than_python_counts():
    """CPython 3.12 gives a class a thousand versions, and none after that (Objects/typeobject.c)."""
    family = make()
    dispatcher = dispatcher_of(family)
    for index in range(1100):
        family.Leaf.other = index
        assert dispatcher.function(family.leaf) == "hit"
    family.Mixin.missing = None
    assert dispatcher.function(family.leaf) == "miss"


def test_a_change_that_concerns_no_guard_is_no_miss():
    family = make()
    dispatcher = dispatcher_of(family)
    assert dispatcher.function(family.leaf) == "hit"
    family.Root.other = 1
    assert [dispatcher.function(family.leaf) for _ in range(3)] == ["hit"] * 3


def test_a_class_is_not_kept_alive():
    family = make()
    dispatcher = dispatcher_of(family)
    assert [dispatcher.function(family.leaf) for _ in range(3)] == ["hit"] * 3
    dead = weakref.ref(family.Leaf)
    del family
    gc.collect()
    assert dead() is None
    assert [dispatcher.function(make().leaf) for _ in range(2)] == ["miss"] * 2


def test_a_metaclass_with_properties_of_its_own_is_asked():
    class Meta(type):
        answer = 1

        @property
        def value(cls):
            return Meta.answer

    class Model(metaclass=Meta):
        value = 2

    source = ConstantSource("Model", Model)
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: "miss")
    dispatcher.add([Guard(AttributeSource(source, "value"), Is(1))], lambda x: "hit")
    assert [dispatcher.function(0) for _ in range(3)] == ["hit"] * 3
    Meta.answer = 3
    assert dispatcher.function(0) == "miss"


def test_the_properties_of_classes_go_before_what_a_class_holds():
    class Model:
        pass

    source = ConstantSource("Model", Model)
    name = Model.__name__
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: "miss")
    dispatcher.add([Guard(AttributeSource(source, "__name__"), Is(name))], lambda x: "hit")
    assert [dispatcher.function(0) for _ in range(3)] == ["hit"] * 3
    Model.__name__ = "Other"
    assert dispatcher.function(0) == "miss"
