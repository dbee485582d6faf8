"""What CPython 3.12 and 3.13 compile or do otherwise than 3.11 is captured as the running Python does it."""

import linecache
import sys

import pytest
import torch
from differential import check

import framelift

GENERIC = """
type Alias = list[int]

def doubled[T](value: T, factor: int = 2) -> T:
    return value * factor

def generic_function(x):
    return doubled(x), doubled.__type_params__ == (), len(doubled.__type_params__)

def generic_function_made_inside(x):
    def local[U](value: U) -> U:
        return value + 1
    return local(x)

def nested_quotes(x):
    return x, f"{"a" + f"{1 + 1}"}"
"""
DEFAULTS = '''
def doubled[T = int](value: T) -> T:
    return value * 2

def default_of_a_type_parameter(x):
    return doubled(x)

class Point:
    """A point,
       with a text over lines."""

    def __init__(self, x):
        self.x = x
        self.y = x

def facts_of_a_class(x):
    point = Point(x)
    return point.y, Point.__static_attributes__, Point.__firstlineno__, Point.__doc__
'''


def shadowed(x):
    i = 3
    scaled = [i * x for i in range(3)]
    return sum(scaled) + i


def unbound_after(x):
    scaled = [k * x for k in range(2)]
    try:
        k
    except NameError as error:
        return scaled, str(error)


def nested(x):
    i = 5
    return [[a * x + b for a in range(2)] for b in range(2)], {i: {i for i in range(2)} for i in range(2)}, i


def cells(x):
    i = 10
    inner = [lambda: i * x for i in range(2)]
    outer = [lambda: i for _ in range(2)]
    return [f() for f in inner], [f() for f in outer], i


def raised_inside(x):
    i = 7
    try:
        [1 // (i - 1) for i in range(3)]
    except ZeroDivisionError:
        return x * i


def broken_inside(x):
    i = 5
    scaled = {i: [framelift.graph_break() or i * j * x for j in range(2)] for i in range(2)}
    return scaled, i


def locals_inside(x):
    a = 1
    (names,) = [sorted(locals()) for b in range(1)]
    return x * a, [name for name in names if name in {"a", "b"}]


def locals_are_a_snapshot(x):
    a = 1
    first = locals()
    a = 2
    first["a"] = 5
    second = locals()
    return x * a, first["a"], second["a"], first is second


def loops(x):
    for i in range(3):
        for j in [1, 2]:
            if i == 2:
                break
            x = x + i * j
        else:
            x = x - 1
    else:
        x = x * 2
    return x


def returned_by_close(x):
    def answering():
        try:
            yield x
        except GeneratorExit:
            return 7

    generator = answering()
    next(generator)
    return x, generator.close(), generator.close()


def floats_added(x):
    tenths = [0.1 * i for i in range(10)]
    return x * sum(tenths), sum(0.1 * i for i in range(10)), sum((i * 0.1 for i in range(10)), 1), sum(iter([x, 0.5]))


def methods(x):
    return Child(x).value(x), Child(x).label


class Base:
    def __init__(self, weight):
        self.weight = weight

    def value(self, x):
        return x * self.weight

    @property
    def label(self):
        return type(self).__name__


class Child(Base):
    def __init__(self, weight):
        super().__init__(weight * 2)

    def value(self, x):
        return super().value(x) + super(Child, self).value(x)

    @property
    def label(self):
        return super().label * 2


def of_source(text, name):
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace = {"__name__": __name__}
    exec(compile(text, name, "exec"), namespace)
    return [found for key, found in namespace.items() if getattr(found, "__code__", None) and "(x)" in text_of(found)]


def text_of(function):
    return linecache.getline(function.__code__.co_filename, function.__code__.co_firstlineno)


FUNCTIONS = [
    shadowed, unbound_after, nested, cells, raised_inside, broken_inside, locals_inside, locals_are_a_snapshot, loops,
    returned_by_close, floats_added, methods,
    *(of_source(GENERIC, "<generic functions>") if sys.version_info >= (3, 12) else ()),
    *(of_source(DEFAULTS, "<defaults of type parameters>") if sys.version_info >= (3, 13) else ()),
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_as_the_running_python_does_it(function):
    check(function, torch.arange(3.0), graphs=None)


@pytest.mark.parametrize("function", [shadowed, nested, raised_inside, loops, methods])
def test_no_break_is_owed_to_the_version(function):
    check(function, torch.arange(3.0), fullgraph=True)
