"""Programs that read something, and a change after which the next call must be what it is eagerly.

Each entry makes a world of its own: a function of one tensor, what changes the world, and what changes it back where
the change goes beyond it.
"""

from __future__ import annotations

import abc
import builtins
import collections
import contextvars
import dataclasses
import enum
import functools
import itertools
import operator
import os
import random
import sys
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

World = tuple[Callable[..., Any], Callable[[], Any]] | tuple[Callable[..., Any], Callable[[], Any], Callable[[], Any]]
PROGRAMS: list[Callable[[], World]] = []


def program(make: Callable[[], World]) -> Callable[[], World]:
    PROGRAMS.append(make)
    return make


def placed(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    """Return the function with these names as all of its globals."""
    made = types.FunctionType(
        function.__code__, {"torch": torch, **names}, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def one(x):
    return x + 1


def two(x):
    return x * 2


# Functions: defaults, code, closures, attributes.


@program
def defaults_replaced():
    def f(x, n=2):
        return x * n

    return f, lambda: setattr(f, "__defaults__", (3,))


@program
def defaults_added():
    def f(x, n=2, *, m=1):
        return x * n * m

    return f, lambda: setattr(f, "__kwdefaults__", {"m": 5})


@program
def keyword_default_changed_in_place():
    def f(x, *, n=2):
        return x * n

    return f, lambda: f.__kwdefaults__.update(n=3)


@program
def code_replaced():
    def f(x):
        return x * 2

    return f, lambda: setattr(f, "__code__", one.__code__)


@program
def code_replaced_by_another_signature():
    def f(x):
        return x * 2

    def g(x, n=4):
        return x * n

    def change():
        f.__code__, f.__defaults__ = g.__code__, g.__defaults__

    return f, change


@program
def callee_defaults_replaced():
    def g(x, n=2):
        return x * n

    return (lambda x: g(x)), lambda: setattr(g, "__defaults__", (3,))


@program
def callee_default_mutated():
    def g(x, n=[2]):  # noqa: B006
        return x * n[0]

    return (lambda x: g(x)), lambda: g.__defaults__[0].__setitem__(0, 7)


@program
def callee_keyword_defaults_replaced():
    def g(x, *, n=2):
        return x * n

    return (lambda x: g(x)), lambda: setattr(g, "__kwdefaults__", {"n": 3})


@program
def callee_keyword_default_changed_in_place():
    def g(x, *, n=2):
        return x * n

    return (lambda x: g(x)), lambda: g.__kwdefaults__.update(n=3)


@program
def callee_code_replaced():
    def g(x):
        return x * 2

    return (lambda x: g(x)), lambda: setattr(g, "__code__", one.__code__)


@program
def callee_attribute():
    def g(x):
        return x * g.factor

    g.factor = 2
    return (lambda x: g(x)), lambda: setattr(g, "factor", 3)


@program
def function_attribute_added():
    def g(x):
        return x

    return (lambda x: x * getattr(g, "factor", 2)), lambda: setattr(g, "factor", 3)


@program
def function_name():
    def g(x):
        return x

    return (lambda x: x * len(g.__name__)), lambda: setattr(g, "__name__", "longer")


@program
def function_doc():
    def g(x):
        """Four."""

    return (lambda x: x * len(g.__doc__)), lambda: setattr(g, "__doc__", "longer")


@program
def function_annotations():
    def g(x):
        return x

    return (lambda x: x * len(g.__annotations__)), lambda: g.__annotations__.update(x=int)


@program
def wrapped_function():
    @functools.wraps(one)
    def g(x):
        return x

    return (lambda x: g.__wrapped__(x)), lambda: setattr(g, "__wrapped__", two)


@program
def closure_cell():
    n = 2

    def f(x):
        return x * n

    def change():
        nonlocal n
        n = 3

    return f, change


@program
def closure_cell_emptied():
    n = 2

    def f(x):
        try:
            return x * n
        except NameError:
            return x

    def change():
        nonlocal n
        del n

    return f, change


@program
def cell_contents_of_a_callee():
    n = 2

    def g(x):
        return x * n

    return (lambda x: g(x)), lambda: setattr(g.__closure__[0], "cell_contents", 9)


@program
def closure_function_replaced():
    g = one

    def f(x):
        return g(x)

    def change():
        nonlocal g
        g = two

    return f, change


@program
def closure_list():
    xs = [1]
    return (lambda x: x * len(xs)), lambda: xs.append(2)


@program
def cells_that_become_one():
    a = [1]
    b = [1]

    def f(x):
        return x + 1 if a is b else x

    def change():
        nonlocal b
        b = a

    return f, change


# Globals, builtins, modules.


@program
def global_number():
    f = placed(lambda x: x * N, N=2)  # noqa: F821
    return f, lambda: f.__globals__.update(N=3)


@program
def global_deleted():
    def reads(x):
        try:
            return x * N  # noqa: F821
        except NameError:
            return x

    f = placed(reads, N=2)
    return f, lambda: f.__globals__.pop("N")


@program
def global_function():
    f = placed(lambda x: g(x), g=one)  # noqa: F821
    return f, lambda: f.__globals__.update(g=two)


@program
def global_added():
    def reads(x):
        return x * globals().get("N", 2)

    f = placed(reads)
    return f, lambda: f.__globals__.update(N=3)


@program
def global_in_globals():
    f = placed(lambda x: x + 1 if "N" in globals() else x)
    return f, lambda: f.__globals__.update(N=3)


@program
def builtin_shadowed():
    f = placed(lambda x: x * len([1, 2]))
    return f, lambda: f.__globals__.update(len=lambda xs: 5)


@program
def builtin_shadowed_in_a_callee():
    g = placed(lambda x: x * max(1, 2))
    return (lambda x: g(x)), lambda: g.__globals__.update(max=min)


@program
def builtin_type_shadowed():
    f = placed(lambda x: x * int("3"))
    return f, lambda: f.__globals__.update(int=lambda text: 8)


@program
def exception_name_shadowed():
    def g(x):
        try:
            operator.getitem([], 0)
        except IndexError:
            return x + 1
        except LookupError:
            return x + 2

    f = placed(g)
    return f, lambda: f.__globals__.update(IndexError=KeyError)


@program
def builtin_replaced():
    original = builtins.abs
    return (
        placed(lambda x: x * abs(-2)),
        lambda: setattr(builtins, "abs", lambda n: 7),
        lambda: setattr(builtins, "abs", original),
    )


@program
def builtins_dictionary_name_added():
    def f(x):
        try:
            return x * my_builtin  # noqa: F821
        except NameError:
            return x

    return placed(f), lambda: setattr(builtins, "my_builtin", 7), lambda: delattr(builtins, "my_builtin")


@program
def module_attribute():
    module = types.ModuleType("m")
    module.n = 2
    return (lambda x: x * module.n), lambda: setattr(module, "n", 3)


@program
def module_attribute_deleted():
    module = types.ModuleType("m")
    module.n = 2
    return (lambda x: x * getattr(module, "n", 5)), lambda: delattr(module, "n")


@program
def module_function():
    module = types.ModuleType("m")
    module.g = one
    return (lambda x: module.g(x)), lambda: setattr(module, "g", two)


@program
def module_getattr_replaced():
    module = types.ModuleType("m")
    module.__getattr__ = lambda name: 2
    return (lambda x: x * module.n), lambda: setattr(module, "__getattr__", lambda name: 3)


@program
def module_name_shadows_getattr():
    module = types.ModuleType("m")
    module.__getattr__ = lambda name: 2
    return (lambda x: x * module.n), lambda: setattr(module, "n", 3)


@program
def module_given_a_class():
    module = types.ModuleType("m")
    module.n = 2

    class Other(types.ModuleType):
        n = property(lambda self: 9)

    return (lambda x: x * module.n), lambda: setattr(module, "__class__", Other)


@program
def imported_module_replaced():
    sys.modules["stale_module"] = types.ModuleType("stale_module")
    sys.modules["stale_module"].n = 2

    def f(x):
        import stale_module

        return x * stale_module.n

    def change():
        sys.modules["stale_module"] = types.ModuleType("stale_module")
        sys.modules["stale_module"].n = 3

    return f, change, lambda: sys.modules.pop("stale_module")


@program
def imported_name_replaced():
    sys.modules["stale_module"] = types.ModuleType("stale_module")
    sys.modules["stale_module"].n = 2

    def f(x):
        from stale_module import n

        return x * n

    return f, lambda: setattr(sys.modules["stale_module"], "n", 3), lambda: sys.modules.pop("stale_module")


@program
def module_in_sys_modules():
    def f(x):
        return x + 1 if "stale_module" in sys.modules else x

    return f, lambda: sys.modules.update(stale_module=sys), lambda: sys.modules.pop("stale_module")


@program
def standard_library_function_replaced():
    import math

    original = math.floor
    return (
        (lambda x: x * math.floor(2.5)),
        lambda: setattr(math, "floor", lambda n: 9),
        lambda: setattr(math, "floor", original),
    )


@program
def torch_function_replaced():
    original = torch.sin
    return (lambda x: torch.sin(x)), lambda: setattr(torch, "sin", torch.cos), lambda: setattr(torch, "sin", original)


@program
def functional_replaced():
    functional = torch.nn.functional
    original = functional.relu
    layer = nn.ReLU()
    return (
        (lambda x: layer(x - 0.5)),
        lambda: setattr(functional, "relu", lambda x, inplace=False: x * 5),
        lambda: setattr(functional, "relu", original),
    )


@program
def tensor_method_patched():
    original = torch.Tensor.relu
    return (
        (lambda x: (x - 0.5).relu()),
        lambda: setattr(torch.Tensor, "relu", lambda self: self * 3),
        lambda: setattr(torch.Tensor, "relu", original),
    )


@program
def tensor_method_patched_inside():
    def f(x):
        original = torch.Tensor.sin
        torch.Tensor.sin = lambda self: self * 7
        try:
            return x.sin()
        finally:
            torch.Tensor.sin = original

    return f, lambda: None


@program
def torch_function_patched_inside():
    factor = 7

    def f(x):
        original = torch.relu
        torch.relu = lambda x: x * factor
        try:
            return torch.nn.functional.relu(x)
        finally:
            torch.relu = original

    def change():
        nonlocal factor
        factor = 8

    return f, change


# Classes and instances.


class Point:
    scale = 1

    def __init__(self, n=2):
        self.n = n

    def get(self):
        return self.n


def fresh(base=Point, **body):
    return type("Fresh", (base,), body)


@program
def instance_attribute():
    p = Point()
    return (lambda x: x * p.n), lambda: setattr(p, "n", 3)


@program
def instance_attribute_deleted():
    class C:
        n = 5

    p = C()
    p.n = 2
    return (lambda x: x * p.n), lambda: delattr(p, "n")


@program
def instance_attribute_shadows_class():
    p = fresh()()
    return (lambda x: x * (p.scale + 1)), lambda: setattr(p, "scale", 3)


@program
def instance_attribute_shadows_method():
    p = fresh()()
    return (lambda x: x * p.get()), lambda: setattr(p, "get", lambda: 7)


@program
def instance_dictionary_replaced():
    p = Point()
    return (lambda x: x * p.n), lambda: setattr(p, "__dict__", {"n": 4})


@program
def instance_dictionary_iterated():
    p = Point()
    return (lambda x: x * len(vars(p))), lambda: setattr(p, "m", 4)


@program
def hasattr_becomes_true():
    p = Point()
    return (lambda x: x + 1 if hasattr(p, "late") else x), lambda: setattr(p, "late", 4)


@program
def hasattr_by_the_class():
    cls = fresh()
    p = cls()
    return (lambda x: x + 1 if hasattr(p, "late") else x), lambda: setattr(cls, "late", 4)


@program
def method_patched_on_the_class():
    cls = fresh(get=lambda self: 2)
    p = cls()
    return (lambda x: x * p.get()), lambda: setattr(cls, "get", lambda self: 3)


@program
def method_added_to_a_subclass():
    base = fresh()
    cls = type("Sub", (base,), {})
    p = cls()
    return (lambda x: x * p.get()), lambda: setattr(cls, "get", lambda self: 3)


@program
def method_deleted_from_a_subclass():
    cls = fresh(get=lambda self: 3)
    p = cls()
    return (lambda x: x * p.get()), lambda: delattr(cls, "get")


@program
def middle_of_the_mro():
    middle = fresh()
    cls = type("Sub", (middle,), {})
    p = cls()
    return (lambda x: x * (p.scale + 1)), lambda: setattr(middle, "scale", 3)


@program
def bases_assigned():
    a, b = fresh(scale=2), fresh(scale=3)
    cls = type("Sub", (a,), {})
    p = cls()
    return (lambda x: x * p.scale), lambda: setattr(cls, "__bases__", (b,))


@program
def class_assigned():
    a, b = fresh(scale=2), fresh(scale=3)
    p = a()
    return (lambda x: x * p.scale), lambda: setattr(p, "__class__", b)


@program
def class_assigned_to_a_callee_of_super():
    a = fresh(get=lambda self: 2)
    b = type("B", (a,), {})
    b.get = lambda self: super(b, self).get() + 1
    c = type("C", (b,), {})
    c.get = lambda self: super(c, self).get() + 10
    p = b()
    return (lambda x: x * p.get()), lambda: setattr(p, "__class__", c)


@program
def class_assigned_to_a_key():
    class A:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            return self is other

    class B(A):
        def __hash__(self):
            return 2

    key = A()
    table = {key: 4}
    return (lambda x: x * table.get(key, 9)), lambda: setattr(key, "__class__", B)


@program
def class_assigned_to_a_module_of_a_model():
    class Doubles(nn.Module):
        def forward(self, x):
            return x * 2

    class Triples(nn.Module):
        def forward(self, x):
            return x * 3

    model = nn.Sequential(Doubles(), Doubles())
    return (lambda x: model(x)), lambda: setattr(model[1], "__class__", Triples)


@program
def class_of_a_module_hides_its_variables():
    module = types.ModuleType("opaque")
    module.scale = 2
    hiding = type("Hiding", (types.ModuleType,), {"__getattribute__": lambda self, name: 7})
    return (lambda x: x * module.scale), lambda: setattr(module, "__class__", hiding)


def metaclass_assigned(use, before, after):
    """Return a world in which a class is used, and given another metaclass."""

    def make():
        first, second = type("First", (type,), before), type("Second", (type,), after)
        cls = first("A", (), {"scale": 2} if "scale" not in before else {})
        return (lambda x: use(cls, x)), lambda: setattr(cls, "__class__", second)

    return make


for name, use, before, after in (
    ("property", lambda cls, x: x * cls.scale, {}, {"scale": property(lambda cls: 5)}),
    ("attribute", lambda cls, x: x * cls.scale, {"scale": 3}, {"scale": 4}),
    ("call", lambda cls, x: x * cls().scale, {}, {"__call__": lambda cls: types.SimpleNamespace(scale=6)}),
    ("instance_check", lambda cls, x: isinstance(x, cls), {}, {"__instancecheck__": lambda cls, one: True}),
    ("length", lambda cls, x: x * len(cls), {"__len__": lambda cls: 3}, {"__len__": lambda cls: 4}),
    ("getattribute", lambda cls, x: x * cls.scale, {}, {"__getattribute__": lambda cls, name: 4}),
    ("getattr", lambda cls, x: x * getattr(cls, "absent", 3), {}, {"__getattr__": lambda cls, name: 4}),
    ("equality", lambda cls, x: x + (cls == 3), {}, {"__eq__": lambda cls, other: True, "__hash__": type.__hash__}),
    ("truth", lambda cls, x: x + 1 if cls else x, {}, {"__bool__": lambda cls: False}),
    ("method", lambda cls, x: cls.times(x), {"times": lambda cls, x: x * 2}, {"times": lambda cls, x: x * 3}),
    ("type", lambda cls, x: x * len(type(cls).__name__), {}, {}),
    (
        "iteration",
        lambda cls, x: x * sum(cls),
        {"__iter__": lambda cls: iter([1])},
        {"__iter__": lambda cls: iter([2])},
    ),
    ("union", lambda cls, x: x * ((cls | int) == 3), {}, {"__or__": lambda cls, other: 3}),
):
    world = metaclass_assigned(use, before, after)
    world.__name__ = f"metaclass_assigned_{name}"
    program(world)


@program
def super_method_patched():
    base = fresh(get=lambda self: 2)

    class C(base):
        def get(self):
            return super().get() + 1

    p = C()
    return (lambda x: x * p.get()), lambda: setattr(base, "get", lambda self: 5)


@program
def getattr_added_to_the_class():
    cls = fresh()
    p = cls()
    return (lambda x: x * getattr(p, "absent", 2)), lambda: setattr(cls, "__getattr__", lambda self, name: 6)


@program
def getattribute_added_to_the_class():
    cls = fresh()
    p = cls()
    return (lambda x: x * p.n), lambda: setattr(cls, "__getattribute__", lambda self, name: 6)


@program
def property_replaced():
    cls = fresh(size=property(lambda self: 2))
    p = cls()
    return (lambda x: x * p.size), lambda: setattr(cls, "size", property(lambda self: 3))


@program
def property_shadows_instance():
    cls = fresh()
    p = cls()
    return (lambda x: x * p.n), lambda: setattr(cls, "n", property(lambda self: 9))


@program
def descriptor_becomes_data():
    class D:
        def __get__(self, instance, owner):
            return 2

    cls = fresh(d=D())
    p = cls()
    p.__dict__["d"] = 5
    return (lambda x: x * p.d), lambda: setattr(D, "__set__", lambda self, instance, value: None)


@program
def descriptor_get_patched():
    class D:
        def __get__(self, instance, owner):
            return 2

    cls = fresh(d=D())
    p = cls()
    return (lambda x: x * p.d), lambda: setattr(D, "__get__", lambda self, instance, owner: 4)


@program
def set_name_state():
    class D:
        def __init__(self):
            self.n = 2

        def __get__(self, instance, owner):
            return self.n

    d = D()
    p = fresh(d=d)()
    return (lambda x: x * p.d), lambda: setattr(d, "n", 8)


@program
def static_method_replaced():
    cls = fresh(g=staticmethod(one))
    return (lambda x: cls.g(x)), lambda: setattr(cls, "g", staticmethod(two))


@program
def class_method_replaced():
    cls = fresh(g=classmethod(lambda cls, x: x + 1))
    return (lambda x: cls.g(x)), lambda: setattr(cls, "g", classmethod(lambda cls, x: x * 2))


@program
def class_attribute():
    cls = fresh(scale=2)
    return (lambda x: x * cls.scale), lambda: setattr(cls, "scale", 3)


@program
def metaclass_attribute():
    class Meta(type):
        n = 2

    cls = Meta("C", (), {})
    return (lambda x: x * cls.n), lambda: setattr(Meta, "n", 3)


@program
def metaclass_property_added():
    class Meta(type):
        pass

    cls = Meta("C", (), {"n": 2})
    return (lambda x: x * cls.n), lambda: setattr(Meta, "n", property(lambda cls: 3))


@program
def metaclass_call():
    class Meta(type):
        pass

    cls = Meta("C", (), {"n": 2})
    return (lambda x: x * cls().n), lambda: setattr(Meta, "__call__", lambda cls: Point(6))


@program
def init_patched():
    cls = fresh()
    return (lambda x: x * cls().n), lambda: setattr(cls, "__init__", lambda self: setattr(self, "n", 4))


@program
def new_added():
    cls = fresh()
    return (lambda x: x * cls().n), lambda: setattr(cls, "__new__", lambda cls: Point(6))


@program
def setattr_added():
    cls = fresh()

    def change():
        cls.__setattr__ = lambda self, name, value: object.__setattr__(self, name, value * 3)

    return (lambda x: x * cls(2).n), change


@program
def isinstance_by_registration():
    class Abstract(abc.ABC):
        pass

    cls = fresh()
    p = cls()
    return (lambda x: x + 1 if isinstance(p, Abstract) else x), lambda: Abstract.register(cls)


@program
def isinstance_by_instancecheck():
    class Meta(type):
        def __instancecheck__(cls, other):
            return False

    abstract = Meta("A", (), {})
    p = Point()
    return (
        (lambda x: x + 1 if isinstance(p, abstract) else x),
        lambda: setattr(Meta, "__instancecheck__", lambda cls, other: True),
    )


@program
def subclasshook():
    class Abstract(abc.ABC):
        pass

    p = fresh()()

    def change():
        Abstract.__subclasshook__ = classmethod(lambda cls, other: True)
        Abstract.register(int)

    return (lambda x: x + 1 if isinstance(p, Abstract) else x), change


@program
def isinstance_of_a_protocol():
    @typing.runtime_checkable
    class Closes(typing.Protocol):
        def close(self): ...

    cls = fresh()
    p = cls()
    return (lambda x: x + 1 if isinstance(p, Closes) else x), lambda: setattr(cls, "close", lambda self: None)


@program
def truth_by_bool():
    cls = fresh()
    p = cls()
    return (lambda x: x + 1 if p else x), lambda: setattr(cls, "__bool__", lambda self: False)


@program
def truth_by_len():
    cls = fresh()
    p = cls()
    return (lambda x: x + 1 if p else x), lambda: setattr(cls, "__len__", lambda self: 0)


@program
def equality_patched():
    cls = fresh()
    p, q = cls(), cls()
    return (lambda x: x + 1 if p == q else x), lambda: setattr(cls, "__eq__", lambda self, other: True)


@program
def reflected_operator_added():
    cls = fresh(__add__=lambda self, other: 2)
    sub = type("Sub", (cls,), {})
    p, q = cls(), sub()
    return (lambda x: x * (p + q)), lambda: setattr(sub, "__radd__", lambda self, other: 6)


@program
def operator_patched():
    cls = fresh(__mul__=lambda self, other: 2)
    p = cls()
    return (lambda x: x * (p * 1)), lambda: setattr(cls, "__mul__", lambda self, other: 6)


@program
def inplace_operator_added():
    cls = fresh(__add__=lambda self, other: 2)
    p = cls()

    def f(x):
        q = p
        q += 1
        return x * q

    return f, lambda: setattr(cls, "__iadd__", lambda self, other: 6)


@program
def getitem_patched():
    cls = fresh(__getitem__=lambda self, key: 2)
    p = cls()
    return (lambda x: x * p[0]), lambda: setattr(cls, "__getitem__", lambda self, key: 5)


@program
def contains_added():
    cls = fresh(__iter__=lambda self: iter([1]))
    p = cls()
    return (lambda x: x + 1 if 1 in p else x), lambda: setattr(cls, "__contains__", lambda self, key: False)


@program
def call_patched():
    cls = fresh(__call__=lambda self, x: x + 1)
    p = cls()
    return (lambda x: p(x)), lambda: setattr(cls, "__call__", lambda self, x: x * 2)


@program
def iter_patched():
    cls = fresh(__iter__=lambda self: iter([1]))
    p = cls()
    return (lambda x: x * sum(p)), lambda: setattr(cls, "__iter__", lambda self: iter([1, 2]))


@program
def enter_patched():
    cls = fresh(__enter__=lambda self: 2, __exit__=lambda self, *args: None)
    p = cls()

    def f(x):
        with p as n:
            return x * n

    return f, lambda: setattr(cls, "__enter__", lambda self: 3)


@program
def format_patched():
    cls = fresh(__str__=lambda self: "ab")
    p = cls()
    return (lambda x: x * len(f"{p}")), lambda: setattr(cls, "__str__", lambda self: "abcdef")


@program
def repr_patched():
    cls = fresh(__repr__=lambda self: "ab")
    p = cls()
    return (lambda x: x * len(f"{p!r}")), lambda: setattr(cls, "__repr__", lambda self: "abcdef")


@program
def hash_patched():
    cls = fresh(__hash__=lambda self: 2)
    p = cls()
    return (lambda x: x * hash(p)), lambda: setattr(cls, "__hash__", lambda self: 5)


@program
def index_patched():
    cls = fresh(__index__=lambda self: 0)
    p = cls()
    return (lambda x: x * [2, 3][p]), lambda: setattr(cls, "__index__", lambda self: 1)


@program
def slot():
    class C:
        __slots__ = ("n",)

    p = C()
    p.n = 2
    return (lambda x: x * p.n), lambda: setattr(p, "n", 3)


@program
def slot_deleted():
    class C:
        __slots__ = ("n",)

    p = C()
    p.n = 2
    return (lambda x: x * getattr(p, "n", 7)), lambda: delattr(p, "n")


@program
def slot_shadowed_by_a_property():
    class C:
        __slots__ = ("n",)

    class Sub(C):
        __slots__ = ()

    p = Sub()
    p.n = 2
    return (lambda x: x * p.n), lambda: setattr(Sub, "n", property(lambda self: 8))


@program
def dataclass_field():
    @dataclasses.dataclass
    class D:
        n: int = 2

    d = D()
    return (lambda x: x * d.n), lambda: setattr(d, "n", 3)


@program
def dataclass_equality():
    @dataclasses.dataclass
    class D:
        n: int = 2

    d, e = D(), D()
    return (lambda x: x + 1 if d == e else x), lambda: setattr(d, "n", 3)


@program
def frozen_dataclass_forced():
    @dataclasses.dataclass(frozen=True)
    class D:
        n: int = 2

    d = D()
    return (lambda x: x * d.n), lambda: object.__setattr__(d, "n", 3)


@program
def dataclass_default():
    @dataclasses.dataclass
    class D:
        n: int = 2

    return (lambda x: x * D().n), lambda: setattr(D.__init__, "__defaults__", (5,))


@program
def dataclass_fields():
    @dataclasses.dataclass
    class D:
        n: int = 2

    return (lambda x: x * len(dataclasses.fields(D))), lambda: D.__dataclass_fields__.pop("n")


@program
def named_tuple_replaced():
    pair = collections.namedtuple("pair", "a b")  # noqa: PYI024
    holder = [pair(1, 2)]
    return (lambda x: x * holder[0].b), lambda: holder.__setitem__(0, pair(1, 5))


@program
def named_tuple_field_replaced():
    pair = collections.namedtuple("pair", "a b")  # noqa: PYI024
    p = pair(1, 2)
    return (lambda x: x * p.b), lambda: setattr(pair, "b", property(lambda self: 9))


@program
def enum_member():
    class Colour(enum.Enum):
        RED = 1
        BLUE = 2

    p = Point(Colour.RED)
    return (lambda x: x + 1 if p.n is Colour.RED else x), lambda: setattr(p, "n", Colour.BLUE)


@program
def enum_value():
    class Colour(enum.Enum):
        RED = 2

    return (lambda x: x * Colour.RED.value), lambda: setattr(Colour.RED, "_value_", 5)


@program
def int_enum():
    class Level(enum.IntEnum):
        LOW = 1
        HIGH = 4

    p = Point(Level.LOW)
    return (lambda x: x * p.n), lambda: setattr(p, "n", Level.HIGH)


@program
def int_subclass():
    class Number(int):
        def __mul__(self, other):
            return 9

    p = Point(3)
    return (lambda x: x * (p.n * 2)), lambda: setattr(p, "n", Number(3))


@program
def int_subclass_state():
    class Number(int):
        pass

    number = Number(3)
    number.extra = 2
    return (lambda x: x * number.extra), lambda: setattr(number, "extra", 5)


@program
def str_subclass():
    class Text(str):  # noqa: SLOT000 - instances have a dictionary
        def upper(self):
            return "long enough"

    p = Point("ab")
    return (lambda x: x * len(p.n.upper())), lambda: setattr(p, "n", Text("ab"))


@program
def list_subclass_len():
    class Items(list):
        pass

    items = Items([1, 2])
    return (lambda x: x * len(items)), lambda: setattr(Items, "__len__", lambda self: 7)


@program
def dict_subclass_missing():
    class Items(dict):
        def __missing__(self, key):
            return 2

    items = Items()
    return (lambda x: x * items["a"]), lambda: setattr(Items, "__missing__", lambda self, key: 5)


@program
def weak_reference_dies():
    p = Point()
    keep = [p]
    ref = weakref.ref(p)
    del p
    return (lambda x: x + 1 if ref() is None else x), lambda: keep.clear()


@program
def weak_value_dictionary():
    keep = [Point()]
    known = weakref.WeakValueDictionary(a=keep[0])
    return (lambda x: x * (1 + len(known))), lambda: keep.clear()


# Plain data: what is told apart.


def replaced(before, after, use):
    p = Point(before)
    return (lambda x: use(x, p.n)), lambda: setattr(p, "n", after)


PLAIN = {
    "int_becomes_bool": (1, True, lambda x, n: x + 1 if n is True else x),
    "int_becomes_float": (1, 1.0, lambda x, n: x + 1 if isinstance(n, float) else x),
    "zero_becomes_minus_zero": (0.0, -0.0, lambda x, n: torch.copysign(x + 1, torch.tensor(n))),
    "zero_divided_by_minus_zero": (0.0, -0.0, lambda x, n: (x + 1) / n),
    "minus_zero_in_a_tuple": ((0.0,), (-0.0,), lambda x, n: (x + 1) / n[0]),
    "number_becomes_nan": (1.0, float("nan"), lambda x, n: x + 1 if n == n else x),  # noqa: PLR0124
    "nan_becomes_number": (float("nan"), 1.0, lambda x, n: x + 1 if n == n else x),  # noqa: PLR0124
    "number_becomes_infinity": (1.0, float("inf"), lambda x, n: x + n),
    "complex_sign_of_zero": (complex(1, 0.0), complex(1, -0.0), lambda x, n: x * str(n).count("-")),
    "bytes_become_bytearray": (b"a", bytearray(b"a"), lambda x, n: x * len(type(n).__name__)),
    "str_becomes_bytes": ("a", b"a", lambda x, n: x + 1 if isinstance(n, str) else x),
    "tuple_becomes_list": ((1,), [1], lambda x, n: x + 1 if isinstance(n, tuple) else x),
    "tuple_item_becomes_bool": ((1,), (True,), lambda x, n: x + 1 if n[0] is True else x),
    "set_becomes_frozenset": ({1}, frozenset({1}), lambda x, n: x + 1 if type(n) is set else x),
    "set_contents": ({1, 2}, {1, 3}, lambda x, n: x + 1 if 3 in n else x),
    "frozenset_contents": (frozenset({1}), frozenset({3}), lambda x, n: x + 1 if 3 in n else x),
    "range": (range(2), range(3), lambda x, n: x * len(n)),
    "range_step": (range(0, 4, 2), range(0, 4, 3), lambda x, n: x * sum(n)),
    "slice": (slice(0, 1), slice(0, 2), lambda x, n: x[n].sum()),
    "none_becomes_number": (None, 3, lambda x, n: x if n is None else x * n),
    "ellipsis": (..., None, lambda x, n: x[n]),
    "not_implemented": (NotImplemented, None, lambda x, n: x + 1 if n is NotImplemented else x),
    "dtype": (torch.float32, torch.float64, lambda x, n: x.to(n)),
    "device": (torch.device("cpu"), torch.device("meta"), lambda x, n: x.to(n).shape[0] * (n.type == "cpu")),
    "memory_format": (
        torch.contiguous_format, torch.preserve_format, lambda x, n: x + 1 if n is torch.preserve_format else x
    ),
    "size": (torch.Size([2]), torch.Size([3]), lambda x, n: torch.ones(n)),
    "type": (int, float, lambda x, n: x * n(2.5)),
    "function": (one, two, lambda x, n: n(x)),
    "builtin": (min, max, lambda x, n: x * n(1, 2)),
    "operator": (operator.add, operator.mul, lambda x, n: n(x, 3)),
    "torch_function": (torch.sin, torch.cos, lambda x, n: n(x)),
    "bound_method": (Point(1).get, Point(5).get, lambda x, n: x * n()),
    "method_of_a_builtin": ([1, 1].count, [1].count, lambda x, n: x * n(1)),
    "partial": (functools.partial(pow, 2), functools.partial(pow, 3), lambda x, n: x * n(2)),
    "attrgetter": (operator.attrgetter("real"), operator.attrgetter("imag"), lambda x, n: x * n(3)),
    "itemgetter": (operator.itemgetter(0), operator.itemgetter(1), lambda x, n: x * n([2, 3])),
    "string": ("a", "bc", lambda x, n: x * len(n)),
    "string_with_surrogate": ("\ud800", "\ud801", lambda x, n: x * (ord(n) - 0xD7FF)),
    "large_int": (10**30, 10**30 + 1, lambda x, n: x * (n % 10 + 1)),
    "generic_alias": (list[int], list[str], lambda x, n: x + 1 if n.__args__ == (str,) else x),
    "union": (int | str, int | None, lambda x, n: x + 1 if isinstance(None, n) else x),
    "nested_list": ([[1], [2]], [[1], [3]], lambda x, n: x * n[1][0]),
    "list_of_one_object": ([[1]] * 2, [[1], [1]], lambda x, n: x + 1 if n[0] is n[1] else x),
    "dict_order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, lambda x, n: x * list(n.values())[0]),
    "dict_key_becomes_bool": ({1: 2}, {True: 2}, lambda x, n: x + 1 if next(iter(n)) is True else x),
    "dict_key_minus_zero": ({0.0: 2}, {-0.0: 2}, lambda x, n: x / next(iter(n))),
    "dict_value": ({"a": 1}, {"a": 2}, lambda x, n: x * n["a"]),
    "dict_missing": ({"a": 1}, {}, lambda x, n: x * n.get("a", 5)),
    "dict_becomes_ordered": (
        {"a": 1}, collections.OrderedDict(a=1), lambda x, n: x + 1 if hasattr(n, "move_to_end") else x
    ),
    "defaultdict_factory": (
        collections.defaultdict(lambda: 2), collections.defaultdict(lambda: 5), lambda x, n: x * n["z"]
    ),
    "counter": (collections.Counter("aab"), collections.Counter("abb"), lambda x, n: x * n["a"]),
    "deque": (collections.deque([1, 2]), collections.deque([2, 1]), lambda x, n: x * n[0]),
    "deque_maxlen": (collections.deque([1], 1), collections.deque([1], 2), lambda x, n: x * n.maxlen),
    "chain_map": (collections.ChainMap({"a": 1}), collections.ChainMap({"a": 4}), lambda x, n: x * n["a"]),
    "mapping_proxy": (types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 4}), lambda x, n: x * n["a"]),
    "simple_namespace": (types.SimpleNamespace(a=1), types.SimpleNamespace(a=4), lambda x, n: x * n.a),
    "quote_key": ({"a'\"\n": 1}, {"a'\"\n": 4}, lambda x, n: x * n["a'\"\n"]),
    "keyword_attribute": (
        types.SimpleNamespace(**{"class": 1}), types.SimpleNamespace(**{"class": 4}),
        lambda x, n: x * getattr(n, "class"),
    ),
    "memoryview": (memoryview(b"a"), memoryview(b"b"), lambda x, n: x * n[0]),
    "bytearray": (bytearray(b"a"), bytearray(b"b"), lambda x, n: x * n[0]),
    "exception": (ValueError("a"), ValueError("abc"), lambda x, n: x * len(str(n))),
    "tensor_item": ([1.0], [2.0], lambda x, n: x * torch.tensor(n)),
}  # fmt: skip
for _name, _values in PLAIN.items():
    _make = functools.partial(replaced, *_values)
    _make.__name__ = _name
    program(_make)

IN_PLACE = {
    "list_item_set": ([1, 2], lambda c: c.__setitem__(0, 5), lambda x, c: x * c[0]),
    "list_sorted": ([2, 1], lambda c: c.sort(), lambda x, c: x * c[0]),
    "list_reversed": ([2, 1], lambda c: c.reverse(), lambda x, c: x * c[-1]),
    "list_cleared": ([2, 1], lambda c: c.clear(), lambda x, c: x * len(c)),
    "list_contains": ([1, 2], lambda c: c.append(3), lambda x, c: x + 1 if 3 in c else x),
    "list_summed": ([1, 2], lambda c: c.append(3), lambda x, c: x * sum(c)),
    "list_equal": ([1, 2], lambda c: c.append(3), lambda x, c: x + 1 if c == [1, 2] else x),
    "list_contains_itself": ([], lambda c: c.append(c), lambda x, c: x * len(c)),
    "dict_item_set": ({"a": 1}, lambda c: c.update(a=3), lambda x, c: x * c["a"]),
    "dict_item_added": ({"a": 1}, lambda c: c.update(b=3), lambda x, c: x * len(c)),
    "dict_item_moved": ({"a": 1, "b": 2}, lambda c: c.update(a=c.pop("a")), lambda x, c: x * next(iter(c.values()))),
    "dict_contains": ({"a": 1}, lambda c: c.update(b=3), lambda x, c: x + 1 if "b" in c else x),
    "dict_keys_joined": ({"a": 1}, lambda c: c.update(b=3), lambda x, c: x * len("".join(c))),
    "dict_iterated": ({"a": 1}, lambda c: c.update(b=3), lambda x, c: x * sum(v for k, v in c.items())),
    "dict_reversed": ({"a": 1, "b": 2}, lambda c: c.update(a=c.pop("a")), lambda x, c: x * c[next(reversed(c))]),
    "ordered_moved": (
        collections.OrderedDict(a=1, b=2), lambda c: c.move_to_end("a"), lambda x, c: x * next(iter(c.values()))
    ),
    "ordered_last": (
        collections.OrderedDict(a=1, b=2), lambda c: c.move_to_end("a"), lambda x, c: x * list(c.items())[-1][1]
    ),
    "set_added": ({1}, lambda c: c.add(3), lambda x, c: x + 1 if 3 in c else x),
    "set_discarded": ({1}, lambda c: c.discard(1), lambda x, c: x + len(c)),
    "set_subset": ({1}, lambda c: c.add(2), lambda x, c: x + 1 if c <= {1} else x),
    "deque_rotated": (collections.deque([1, 2]), lambda c: c.rotate(1), lambda x, c: x * c[0]),
    "bytearray_changed": (bytearray(b"a"), lambda c: c.__setitem__(0, 3), lambda x, c: x * c[0]),
    "default_factory_replaced": (
        collections.defaultdict(lambda: 2), lambda c: setattr(c, "default_factory", lambda: 3),
        lambda x, c: x * c.get("q", 1) if c.default_factory() == 2 else x,
    ),
    "counter_updated": (collections.Counter("a"), lambda c: c.update("a"), lambda x, c: x * c["a"]),
    "chain_map_parent": (collections.ChainMap({}, {"a": 1}), lambda c: c.maps[0].update(a=5), lambda x, c: x * c["a"]),
    "namespace_changed": (types.SimpleNamespace(a=1), lambda c: setattr(c, "a", 4), lambda x, c: x * c.a),
    "tensor_in_a_list": ([torch.ones(3)], lambda c: c.__setitem__(0, torch.ones(3) * 2), lambda x, c: x * c[0]),
    "tensor_in_a_dict": ({"w": torch.ones(3)}, lambda c: c.update(w=torch.ones(1)), lambda x, c: x * c["w"]),
    "exception_args": (ValueError("a"), lambda c: setattr(c, "args", ("abc",)), lambda x, c: x * len(str(c))),
    "exception_notes": (ValueError("a"), lambda c: c.add_note("n"), lambda x, c: x + hasattr(c, "__notes__")),
    "random_object": (random.Random(3), lambda c: None, lambda x, c: x * c.random()),
    "random_object_seeded": (random.Random(3), lambda c: c.seed(9), lambda x, c: x * c.random()),
    "random_choice": (random.Random(3), lambda c: None, lambda x, c: x * c.choice([1, 2, 3, 4, 5])),
    "iterator_of_a_list": (iter([1, 2, 3, 4, 5]), lambda c: next(c), lambda x, c: x * next(c)),
    "count": (itertools.count(1), lambda c: next(c), lambda x, c: x * next(c)),
    "cycle": (itertools.cycle([1, 2, 3]), lambda c: next(c), lambda x, c: x * next(c)),
    "generator": ((i for i in (1, 2, 3, 4, 5, 6)), lambda c: next(c), lambda x, c: x * next(c)),
    "zip_iterator": (zip([1, 2, 3, 4], [5, 6, 7, 8], strict=True), lambda c: next(c), lambda x, c: x * next(c)[1]),
    "map_iterator": (map(abs, [-1, -2, -3, -4]), lambda c: next(c), lambda x, c: x * next(c)),
    "enumerate_iterator": (enumerate([4, 5, 6, 7]), lambda c: next(c), lambda x, c: x * next(c)[1]),
    "exhausted_iterator": (iter([1, 2]), lambda c: list(c), lambda x, c: x * next(c, 9)),
    "iterator_by_index": (iter([1, 2, 3, 4]), lambda c: c.__setstate__(0), lambda x, c: x * next(c)),
    "dict_iterator": (iter({1: 1, 2: 2, 3: 3, 4: 4}), lambda c: next(c), lambda x, c: x * next(c)),
    "partial_keywords": (
        functools.partial(pow, 2, exp=2), lambda c: c.keywords.update(exp=3), lambda x, c: x * c()
    ),
    "partial_state": (
        functools.partial(pow, 2), lambda c: c.__setstate__((pow, (3,), {}, {})), lambda x, c: x * c(2)
    ),
}  # fmt: skip


def changed_in_place(state, change, use):
    import copy

    try:
        own = copy.deepcopy(state)
    except TypeError:  # a generator
        own = (i for i in (1, 2, 3, 4, 5, 6))
    return (lambda x: use(x, own)), lambda: change(own)


for _name, _values in IN_PLACE.items():
    _make = functools.partial(changed_in_place, *_values)
    _make.__name__ = _name
    program(_make)


@program
def cached_function_cleared():
    n = 2

    @functools.lru_cache
    def g():
        return n

    def change():
        nonlocal n
        n = 3
        g.cache_clear()

    return (lambda x: x * g()), change


@program
def cached_function_stays():
    n = 2

    @functools.cache
    def g(m):
        return n + m

    def change():
        nonlocal n
        n = 3

    return (lambda x: x * g(1)), change


@program
def cached_property_deleted():
    class C:
        n = 2

        @functools.cached_property
        def m(self):
            return self.n

    p = C()

    def change():
        C.n = 3
        p.__dict__.pop("m", None)

    return (lambda x: x * p.m), change


@program
def single_dispatch_registered():
    @functools.singledispatch
    def g(n):
        return 2

    def change():
        g.register(int, lambda n: 3)

    return (lambda x: x * g(1)), change


@program
def context_variable():
    var = contextvars.ContextVar("var", default=2)
    return (lambda x: x * var.get()), lambda: var.set(3)


@program
def environment():
    return (
        (lambda x: x * len(os.environ.get("STALE_PROGRAM", "a"))),
        lambda: os.environ.__setitem__("STALE_PROGRAM", "abc"),
        lambda: os.environ.__delitem__("STALE_PROGRAM"),
    )


@program
def environment_by_getenv():
    return (
        (lambda x: x * len(os.getenv("STALE_PROGRAM", "a"))),
        lambda: os.environ.__setitem__("STALE_PROGRAM", "abc"),
        lambda: os.environ.__delitem__("STALE_PROGRAM"),
    )


@program
def random_module():
    random.seed(0)
    return (lambda x: x * random.random()), lambda: random.seed(5)


@program
def random_integer():
    random.seed(0)
    return (lambda x: x * random.randint(1, 1000)), lambda: None


@program
def random_shuffle():
    random.seed(0)

    def f(x):
        order = [1, 2, 3, 4, 5, 6]
        random.shuffle(order)
        return x * order[0]

    return f, lambda: random.seed(7)


@program
def recursion_limit():
    limit = sys.getrecursionlimit()
    return (
        (lambda x: x * sys.getrecursionlimit()),
        lambda: sys.setrecursionlimit(limit + 100),
        lambda: sys.setrecursionlimit(limit),
    )


@program
def path_entries():
    return (lambda x: x * len(sys.path)), lambda: sys.path.append("/nowhere"), lambda: sys.path.remove("/nowhere")


@program
def working_directory():
    here = os.getcwd()  # noqa: PTH109 - the call is what is tested
    return (lambda x: x * len(os.getcwd())), lambda: os.chdir("/"), lambda: os.chdir(here)  # noqa: PTH109


@program
def class_name():
    cls = fresh()
    return (lambda x: x * len(cls.__name__)), lambda: setattr(cls, "__name__", "Longer")


@program
def class_dictionary():
    cls = fresh()
    return (lambda x: x + 1 if "late" in cls.__dict__ else x), lambda: setattr(cls, "late", 1)


@program
def class_directory():
    cls = fresh()
    return (lambda x: x + 1 if "late" in dir(cls) else x), lambda: setattr(cls, "late", 1)


@program
def subclasses():
    cls = fresh()
    kept = []
    return (lambda x: x * len(cls.__subclasses__())), lambda: kept.append(type("Sub", (cls,), {}))


@program
def method_defaults():
    cls = type("C", (), {"g": lambda self, n=2: n})
    p = cls()
    return (lambda x: x * p.g()), lambda: setattr(cls.g, "__defaults__", (3,))


@program
def method_code():
    cls = type("C", (), {"g": lambda self, x: x + 1})
    p = cls()
    return (lambda x: p.g(x)), lambda: setattr(cls.g, "__code__", (lambda self, x: x * 2).__code__)


@program
def argument_replaced_in_a_tuple():
    state = [(1, [2])]
    return (lambda x: x * state[0][1][0]), lambda: state[0][1].__setitem__(0, 4)


@program
def cyclic_container():
    xs = [2]
    xs.append(xs)
    return (lambda x: x * xs[1][1][0]), lambda: xs.__setitem__(0, 4)


@program
def cyclic_objects():
    p, q = Point(), Point()
    p.other, q.other = q, p
    return (lambda x: x * p.other.other.n), lambda: setattr(p, "n", 6)


@program
def large_dictionary():
    table = {f"k{i}": i for i in range(10_000)}
    return (lambda x: x * table["k7"]), lambda: table.update(k7=3)


@program
def large_dictionary_length():
    table = {f"k{i}": i for i in range(2_000)}
    return (lambda x: x * len(table)), lambda: table.update(new=3)


# Modules.


def seeded(make):
    torch.manual_seed(0)
    return make()


def net_program(make, change):
    def world():
        net = seeded(make)
        return (lambda x: net(x)), lambda: change(net)

    return world


class Net(nn.Module):
    scale = 2

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("buffer", torch.ones(3))
        self.layers = nn.ModuleList([nn.ReLU(), nn.Tanh()])
        self.params = nn.ParameterList([nn.Parameter(torch.ones(3))])
        self.table = nn.ModuleDict({"a": nn.Sigmoid()})
        self.extra = None

    def forward(self, x):
        x = self.linear(x) * self.scale + self.buffer
        for layer in self.layers:
            x = layer(x)
        for name, layer in self.table.items():
            x = layer(x) * len(name)
        for p in self.params:
            x = x * p
        if self.training:
            x = x + 1
        return x if self.extra is None else self.extra(x)


def fresh_net():
    return type("FreshNet", (Net,), {})()


MODULE_CHANGES = {
    "module_eval": lambda net: net.eval(),
    "module_class_attribute": lambda net: setattr(type(net), "scale", 5),
    "module_instance_attribute": lambda net: setattr(net, "scale", 5),
    "module_forward_patched_on_the_class": lambda net: setattr(type(net), "forward", lambda self, x: x * 7),
    "module_forward_patched_on_the_instance": lambda net: setattr(net, "forward", lambda x: x * 7),
    "module_call_patched_on_the_class": lambda net: setattr(type(net), "__call__", lambda self, x: x * 7),
    "module_layer_forward_patched": lambda net: setattr(net.layers[0], "forward", lambda x: x * 7),
    "module_list_appended": lambda net: net.layers.append(nn.ReLU6()),
    "module_list_item_replaced": lambda net: net.layers.__setitem__(0, nn.Sigmoid()),
    "module_list_reversed": lambda net: setattr(net, "layers", nn.ModuleList([nn.Tanh(), nn.ReLU()])),
    "module_dict_added": lambda net: net.table.update({"bc": nn.Tanh()}),
    "module_dict_popped": lambda net: net.table.pop("a"),
    "parameter_list_appended": lambda net: net.params.append(nn.Parameter(torch.ones(3) * 4)),
    "parameter_data": lambda net: setattr(net.linear.weight, "data", torch.ones(3, 3)),
    "parameter_in_place": lambda net: net.linear.weight.data.fill_(3),
    "parameter_grad_off": lambda net: net.requires_grad_(False),
    "module_double": lambda net: setattr(net, "linear", nn.Linear(3, 3, bias=False)),
    "buffer_replaced": lambda net: setattr(net, "buffer", torch.ones(3) * 4),
    "buffer_of_another_shape": lambda net: setattr(net, "buffer", torch.ones(1) * 4),
    "buffer_removed": lambda net: (delattr(net, "buffer"), setattr(net, "buffer", 3)),
    "submodule_added": lambda net: setattr(net, "extra", nn.ReLU()),
    "forward_hook": lambda net: net.linear.register_forward_hook(lambda m, a, o: o * 3),
    "forward_pre_hook": lambda net: net.linear.register_forward_pre_hook(lambda m, a: (a[0] * 3,)),
    "forward_hook_on_the_root": lambda net: net.register_forward_hook(lambda m, a, o: o * 3),
    "forward_hook_with_kwargs": lambda net: net.register_forward_hook(lambda m, a, k, o: o * 3, with_kwargs=True),
    "hook_on_the_list_layer": lambda net: net.layers[1].register_forward_hook(lambda m, a, o: o * 3),
    "getattr_patched_on_the_module_class": lambda net: setattr(
        type(net), "__getattr__", lambda self, name: 4 if name == "buffer" else nn.Module.__getattr__(self, name)
    ),
    "module_class_assigned": lambda net: setattr(
        net, "__class__", type("Other", (Net,), {"forward": lambda self, x: x * 7})
    ),
    "parametrized": lambda net: nn.utils.parametrize.register_parametrization(net.linear, "weight", nn.ReLU()),
    "weight_norm": lambda net: nn.utils.parametrizations.weight_norm(net.linear),
    "state_loaded": lambda net: net.load_state_dict({k: v * 2 for k, v in net.state_dict().items()}),
    "layer_forward_is_a_function_of_the_program": lambda net: setattr(net.linear, "forward", one),
    "layer_without_bias": lambda net: setattr(net.linear, "bias", None),
}
for _name, _change in MODULE_CHANGES.items():
    _world = net_program(fresh_net, _change)
    _world.__name__ = _name
    program(_world)


@program
def global_forward_hook():
    net = seeded(fresh_net)
    handles = []

    def change():
        handles.append(nn.modules.module.register_module_forward_hook(lambda m, a, o: o * 2))

    return (lambda x: net(x)), change, lambda: [handle.remove() for handle in handles]


@program
def library_forward_patched():
    net = seeded(fresh_net)
    original = nn.Linear.forward
    return (
        (lambda x: net(x)),
        lambda: setattr(nn.Linear, "forward", lambda self, x: x * 3),
        lambda: setattr(nn.Linear, "forward", original),
    )


@program
def module_call_patched():
    net = seeded(fresh_net)
    original = nn.Module.__call__
    return (
        (lambda x: net(x)),
        lambda: setattr(nn.Module, "__call__", lambda self, x: x * 3),
        lambda: setattr(nn.Module, "__call__", original),
    )


@program
def dropout_rate():
    net = nn.Dropout(0.0)
    return (lambda x: net(x)), lambda: setattr(net, "p", 1.0)


@program
def batch_norm_momentum():
    net = nn.BatchNorm1d(3)
    return (lambda x: (net(torch.stack([x, x + 1])), net.running_mean.clone())), lambda: setattr(net, "momentum", 0.9)


# Torch's own state.


def put_back(setter, value):
    return lambda: setter(value)


@program
def default_dtype():
    return (
        (lambda x: x + torch.ones(3)), lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_dtype(torch.float32),
    )  # fmt: skip


@program
def default_dtype_read():
    return (
        (lambda x: x + 1 if torch.get_default_dtype() is torch.float64 else x),
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_dtype(torch.float32),
    )


@program
def default_device():
    return (
        (lambda x: x + 1 if torch.ones(3).device.type == "meta" else x),
        lambda: torch.set_default_device("meta"),
        lambda: torch.set_default_device(None),
    )


@program
def grad_mode():
    w = torch.ones(3, requires_grad=True)
    return (
        (lambda x: x * w), lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)
    )  # fmt: skip


@program
def grad_mode_read():
    return (
        (lambda x: x + 1 if torch.is_grad_enabled() else x), lambda: torch.set_grad_enabled(False),
        lambda: torch.set_grad_enabled(True),
    )  # fmt: skip


@program
def deterministic():
    return (
        (lambda x: x + 1 if torch.are_deterministic_algorithms_enabled() else x),
        lambda: torch.use_deterministic_algorithms(True),
        lambda: torch.use_deterministic_algorithms(False),
    )


@program
def deterministic_fill():
    return (
        (lambda x: torch.empty(3).isnan() & torch.tensor(torch.are_deterministic_algorithms_enabled())),
        lambda: torch.use_deterministic_algorithms(True),
        lambda: torch.use_deterministic_algorithms(False),
    )  # fmt: skip


@program
def deterministic_warn_only():
    torch.use_deterministic_algorithms(True)
    return (
        (lambda x: x + 1 if torch.is_deterministic_algorithms_warn_only_enabled() else x),
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        lambda: torch.use_deterministic_algorithms(False),
    )


@program
def threads():
    before = torch.get_num_threads()
    return (
        (lambda x: x * torch.get_num_threads()), lambda: torch.set_num_threads(before + 1),
        lambda: torch.set_num_threads(before),
    )  # fmt: skip


@program
def autocast():
    stack = []
    w = torch.ones(3, 3)

    def change():
        stack.append(torch.autocast("cpu", torch.bfloat16))
        stack[0].__enter__()

    return (lambda x: x @ w), change, lambda: stack[0].__exit__(None, None, None)


@program
def autocast_read():
    stack = []

    def change():
        stack.append(torch.autocast("cpu", torch.bfloat16))
        stack[0].__enter__()

    return (
        (lambda x: x + 1 if torch.is_autocast_enabled("cpu") else x), change,
        lambda: stack[0].__exit__(None, None, None),
    )  # fmt: skip


@program
def autocast_dtype_read():
    before = torch.get_autocast_dtype("cpu")
    return (
        (lambda x: x + 1 if torch.get_autocast_dtype("cpu") is torch.float16 else x),
        lambda: torch.set_autocast_dtype("cpu", torch.float16), lambda: torch.set_autocast_dtype("cpu", before),
    )  # fmt: skip


@program
def inference_mode():
    stack = []

    def change():
        stack.append(torch.inference_mode())
        stack[0].__enter__()

    return (
        (lambda x: x + 1 if torch.is_inference_mode_enabled() else x), change,
        lambda: stack[0].__exit__(None, None, None),
    )  # fmt: skip


@program
def function_mode():
    class Doubles(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            return result * 2 if function is torch.sin else result

    mode = Doubles()
    return (lambda x: torch.sin(x)), mode.__enter__, lambda: mode.__exit__(None, None, None)


@program
def matmul_precision():
    before = torch.get_float32_matmul_precision()
    return (
        (lambda x: x * len(torch.get_float32_matmul_precision())),
        lambda: torch.set_float32_matmul_precision("high" if before != "high" else "medium"),
        lambda: torch.set_float32_matmul_precision(before),
    )


@program
def backend_flag():
    before = torch.backends.mkldnn.enabled
    return (
        (lambda x: x + 1 if torch.backends.mkldnn.enabled else x),
        lambda: torch._C._set_mkldnn_enabled(not before),
        lambda: torch._C._set_mkldnn_enabled(before),
    )


@program
def flush_of_generators():
    torch.manual_seed(0)
    return (lambda x: x + torch.rand(3)), lambda: torch.manual_seed(4)


@program
def generator_object():
    generator = torch.Generator()
    generator.manual_seed(0)
    return (lambda x: x + torch.rand(3, generator=generator)), lambda: generator.manual_seed(4)


@program
def anomaly_mode():
    return (
        (lambda x: x + 1 if torch.is_anomaly_enabled() else x),
        lambda: torch.autograd.set_detect_anomaly(True), lambda: torch.autograd.set_detect_anomaly(False),
    )  # fmt: skip


@program
def saved_tensor_hooks():
    w = torch.ones(3, requires_grad=True)
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t)

    def f(x):
        return (w * x * w).sum()

    def g(x):
        w.grad = None
        f(x).backward()
        return w.grad

    return g, hooks.__enter__, lambda: hooks.__exit__(None, None, None)


# Tensors.


def tensor_change(before, after, use):
    box = [before()]
    return (lambda x: use(x, box[0])), lambda: box.__setitem__(0, after(box[0]))


class Sub(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        result = super().__torch_function__(function, types, args, kwargs or {})
        return result + 1 if function is torch.Tensor.mul else result


TENSORS = {
    "tensor_dtype": (lambda: torch.ones(3), lambda t: t.double(), lambda x, t: x * t),
    "tensor_shape": (lambda: torch.ones(3), lambda t: torch.ones(2, 3), lambda x, t: x * t),
    "tensor_rank": (lambda: torch.ones(3), lambda t: t[None], lambda x, t: x * t.dim()),
    "tensor_stride": (lambda: torch.ones(2, 3), lambda t: torch.ones(3, 2).t(), lambda x, t: x * t.stride(0)),
    "tensor_contiguous": (
        lambda: torch.ones(2, 3), lambda t: torch.ones(3, 2).t(), lambda x, t: x * t if t.is_contiguous() else x
    ),
    "tensor_requires_grad": (lambda: torch.ones(3), lambda t: t.requires_grad_(), lambda x, t: x * t),
    "tensor_requires_grad_read": (
        lambda: torch.ones(3), lambda t: t.requires_grad_(), lambda x, t: x + 1 if t.requires_grad else x
    ),
    "tensor_is_leaf": (
        lambda: torch.ones(3, requires_grad=True), lambda t: t * 1, lambda x, t: x + 1 if t.is_leaf else x
    ),
    "tensor_grad": (
        lambda: torch.ones(3, requires_grad=True), lambda t: (t.sum().backward(), t)[1],
        lambda x, t: x if t.grad is None else x + t.grad,
    ),
    "tensor_subclass": (lambda: torch.ones(3), lambda t: t.as_subclass(Sub), lambda x, t: t.mul(2)),
    "tensor_becomes_parameter": (
        lambda: torch.ones(3), lambda t: nn.Parameter(t), lambda x, t: x + 1 if isinstance(t, nn.Parameter) else x
    ),
    "tensor_layout": (lambda: torch.eye(3), lambda t: t.to_sparse(), lambda x, t: t @ x),
    "tensor_layout_read": (lambda: torch.eye(3), lambda t: t.to_sparse(), lambda x, t: x + 1 if t.is_sparse else x),
    "tensor_conjugate": (
        lambda: torch.ones(3, dtype=torch.complex64) * 1j, lambda t: t.conj(), lambda x, t: x + t.is_conj()
    ),
    "tensor_negative_bit": (
        lambda: (torch.ones(3, dtype=torch.complex64) * 1j).imag,
        lambda t: torch.ones(3, dtype=torch.complex64).mul(1j).conj().imag, lambda x, t: x + t.is_neg(),
    ),
    "tensor_inference": (lambda: torch.ones(3), lambda t: inference(), lambda x, t: x + t.is_inference()),
    "tensor_device": (lambda: torch.ones(3), lambda t: t.to("meta"), lambda x, t: x + 1 if t.is_meta else x),
    "tensor_attribute": (lambda: noted(2), lambda t: noted(3), lambda x, t: x * t.note),
    "tensor_attribute_absent": (
        lambda: torch.ones(3), lambda t: noted(3), lambda x, t: x + 1 if hasattr(t, "note") else x
    ),
    "tensor_storage_offset": (
        lambda: torch.arange(4.0)[:3], lambda t: torch.arange(4.0)[1:], lambda x, t: x * t.storage_offset()
    ),
    "tensor_item": (lambda: torch.tensor(2.0), lambda t: torch.tensor(3.0), lambda x, t: x * t.item()),
    "tensor_branch": (lambda: torch.tensor(2.0), lambda t: torch.tensor(-3.0), lambda x, t: x + 1 if t > 0 else x),
    "tensor_contents": (lambda: torch.ones(3), lambda t: t.mul_(4), lambda x, t: x * t),
    "tensor_list": (lambda: torch.ones(3), lambda t: t.mul_(4), lambda x, t: x * t.tolist()[0]),
    "tensor_base": (lambda: torch.ones(3), lambda t: torch.ones(6)[:3], lambda x, t: x + (t._base is None)),
    "tensor_version": (lambda: torch.ones(3), lambda t: t.mul_(4), lambda x, t: x * t._version),
    "tensor_pointer": (lambda: torch.ones(3), lambda t: torch.ones(3), lambda x, t: x + (t.data_ptr() > 0)),
    "tensor_none": (lambda: torch.ones(3), lambda t: None, lambda x, t: x if t is None else x * t),
    "tensor_becomes_number": (lambda: torch.ones(3), lambda t: 5, lambda x, t: x * t),
    "tensor_hook": (
        lambda: torch.ones(3, requires_grad=True), lambda t: hooked(t), lambda x, t: gradient(x, t)
    ),
    "tensor_set_data": (lambda: torch.ones(3), lambda t: set_data(t, torch.ones(1) * 3), lambda x, t: x * t),
    "tensor_set_double": (lambda: torch.ones(3), lambda t: set_data(t, torch.ones(3).double()), lambda x, t: x * t),
    "tensor_resized": (lambda: torch.ones(3), lambda t: t.resize_(1), lambda x, t: x * t.numel()),
}  # fmt: skip


def inference():
    with torch.inference_mode():
        return torch.ones(3)


def noted(n):
    made = torch.ones(3)
    made.note = n
    return made


def hooked(t):
    t.register_hook(lambda g: g * 3)
    return t


def gradient(x, t):
    (t * x).sum().backward()
    made = t.grad.clone()
    t.grad = None
    return made


def set_data(t, value):
    t.data = value
    return t


for _name, _values in TENSORS.items():
    _make = functools.partial(tensor_change, *_values)
    _make.__name__ = _name
    program(_make)


@program
def tensors_become_one():
    a, b = torch.ones(3), torch.ones(3)
    state = [a, b]

    def f(x):
        p, q = state
        return x + 1 if p is q else x

    return f, lambda: state.__setitem__(1, a)


@program
def mutation_of_aliases():
    a, b = torch.ones(3), torch.ones(3)
    state = [a, b]

    def f(x):
        p, q = state
        p.add_(x)
        return q * 2

    return f, lambda: state.__setitem__(1, a)


@program
def mutation_of_overlapping_views():
    base = torch.ones(6)
    state = [torch.ones(3), torch.ones(3)]

    def f(x):
        p, q = state
        p.add_(x)
        return q * 2

    def change():
        state[:] = [base[:3], base[1:4]]

    return f, change


@program
def numpy_array():
    import numpy as np

    array = np.array([1.0, 2.0, 3.0])
    return (lambda x: x * torch.from_numpy(array)), lambda: array.__setitem__(0, 9.0)


@program
def numpy_scalar():
    import numpy as np

    p = Point(np.float64(2.0))
    return (lambda x: x * float(p.n)), lambda: setattr(p, "n", np.float64(3.0))


@program
def numpy_scalar_becomes_float():
    import numpy as np

    p = Point(np.float64(2.0))
    return (lambda x: x + 1 if type(p.n) is float else x), lambda: setattr(p, "n", 2.0)


@program
def autograd_function_patched():
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    return (lambda x: F.apply(x)), lambda: setattr(F, "forward", staticmethod(lambda ctx, x: x * 3))


@program
def finalised_object():
    kept = [Point()]
    seen = [1]
    weakref.finalize(kept[0], seen.append, 2)
    return (lambda x: x * len(seen)), lambda: kept.clear()


@program
def typing_hints():
    class C:
        a: int

    return (lambda x: x * len(C.__annotations__)), lambda: C.__annotations__.update(b=int)


@program
def interned_dispatch_table():
    table = {"a": one, "b": two}
    key = ["a"]
    return (lambda x: table[key[0]](x)), lambda: key.__setitem__(0, "b")


@program
def trace_of_the_call():
    def g():
        return sys._getframe(1).f_code.co_name

    def f(x):
        return x * len(g())

    def change():
        f.__code__ = f.__code__.replace(co_name="longer_name")

    return f, change


# Functions that something else holds: descriptors, `__new__`, decorators.


class Held:
    def __new__(cls, a, b=5):
        made = object.__new__(cls)
        made.b = b
        return made

    @staticmethod
    def static(a=1):
        return a

    @classmethod
    def of_class(cls, a=1, *, k=2):
        return a + k

    @property
    def shown(self):
        return 3


def copy_of(function):
    """Return the function again, so that a change of it is nobody else's."""
    made = types.FunctionType(function.__code__, {**function.__globals__}, function.__name__, function.__defaults__)
    made.__kwdefaults__ = function.__kwdefaults__ and {**function.__kwdefaults__}
    return made


def held():
    """Return a class like `Held` with functions of its own."""
    return type("Held", (), {
        "__new__": copy_of(Held.__new__),
        "static": staticmethod(copy_of(Held.static)),
        "of_class": classmethod(copy_of(Held.of_class.__func__)),
        "shown": property(copy_of(Held.shown.fget)),
    })  # fmt: skip


@program
def code_of_a_staticmethod():
    cls = held()
    return lambda x: x * cls.static(), lambda: setattr(cls.static, "__code__", (lambda a=1: 7).__code__)


@program
def defaults_of_a_staticmethod():
    cls = held()
    return lambda x: x * cls.static(), lambda: setattr(cls.static, "__defaults__", (7,))


@program
def code_of_a_classmethod():
    cls = held()
    return lambda x: x * cls.of_class(), lambda: setattr(cls.of_class.__func__, "__code__", (lambda cls: 7).__code__)


@program
def keyword_defaults_of_a_classmethod():
    cls = held()
    return lambda x: x * cls.of_class(), lambda: cls.of_class.__func__.__kwdefaults__.update(k=7)


@program
def code_of_a_property():
    cls = held()
    thing = cls(1)
    return lambda x: x * thing.shown, lambda: setattr(cls.shown.fget, "__code__", (lambda self: 7).__code__)


@program
def defaults_of_new():
    cls = held()
    return lambda x: x * cls(1).b, lambda: setattr(cls.__new__, "__defaults__", (7,))


@program
def defaults_of_a_named_tuple():
    pair = collections.namedtuple("pair", "a b", defaults=[5])
    return lambda x: x * pair(1).b, lambda: setattr(pair.__new__, "__defaults__", (7,))


@program
def code_of_what_a_partial_calls():
    def times(a, b=1):
        return a * b

    part = functools.partial(times, b=2)
    return lambda x: part(x), lambda: setattr(times, "__code__", (lambda a, b=1: a - b).__code__)


@program
def what_modules_do_without_an_attribute():
    module = nn.BatchNorm1d(3)
    before = nn.Module.__getattr__

    def patched(self, name):
        return torch.full((3,), 7.0) if name == "running_var" else before(self, name)

    def undo():
        nn.Module.__getattr__ = before

    return lambda x: x * module.running_var, lambda: setattr(nn.Module, "__getattr__", patched), undo


@program
def stop_iteration_thrown_before_the_first_step():
    class Numbers:
        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

    def change():
        Numbers.__next__ = lambda self: (one for one in ()).throw(StopIteration)

    return lambda x: x * len(list(Numbers())), change


@program
def property_over_what_vars_reads():
    class Holder:
        pass

    holder = Holder()
    holder.tensor = torch.ones(3)
    return (lambda x: x * vars(holder)["tensor"]), lambda: setattr(Holder, "tensor", property(lambda self: 9))


@program
def getattribute_over_what_vars_reads():
    class Holder:
        pass

    holder = Holder()
    holder.tensor = torch.ones(3)

    def replaced(self, name):
        return object.__getattribute__(self, name) if name == "__dict__" else 9

    return (lambda x: x * sum(holder.__dict__.values())), lambda: setattr(Holder, "__getattribute__", replaced)


# Objects that a set, a dictionary or a method compares by identity, and that become one.


def becoming_one(read):
    """Return a program that reads two objects, and what puts the first in the place of the second."""

    class Pair:
        def method(self):
            return 1

    def function():
        return 1

    def make():
        one, other = Pair(), Pair()
        one.part, other.part = Pair(), Pair()
        one.weight, other.weight = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        one.bound, other.bound = types.MethodType(function, one), types.MethodType(lambda self: 1, one)
        holder = types.SimpleNamespace(one=one, other=other)
        tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))

        def change():
            other.part, other.weight, other.bound = one.part, one.weight, one.bound
            tied[1].weight = tied[0].weight

        return (lambda x: x * read(holder, tied)), change

    return make


for name, read in {
    "elements_become_one": lambda w, tied: len({w.one.part, w.other.part}),
    "keys_become_one": lambda w, tied: len({w.one.part: 1, w.other.part: 2}),
    "an_element_is_found": lambda w, tied: 1 + (w.other.part in {w.one.part}),
    "parameters_become_one": lambda w, tied: len({w.one.weight, w.other.weight}),
    "parameters_are_tied": lambda w, tied: len(list(tied.parameters())),
    "parts_of_keys_become_one": lambda w, tied: len({(w.one.part, 1), (w.other.part, 1)}),
    "receivers_become_one": lambda w, tied: 1 + (w.one.part.method == w.other.part.method),
    "methods_become_one": lambda w, tied: 1 + (w.one.bound == w.other.bound),
    "methods_become_one_key": lambda w, tied: len({w.one.bound, w.other.bound}),
}.items():
    program(functools.wraps(read, updated=())(becoming_one(read))).__name__ = name
