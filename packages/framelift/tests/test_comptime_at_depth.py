"""comptime wherever Python code can stand: what it says of locals and stack is what the running frames say eagerly."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import sys

import pytest
import torch

import framelift
from framelift import comptime
from framelift.testing import same

SEEN = []
"""For each call of `look`: the callers' (function, line, source text), innermost first, and locals as text."""


class Shown:
    """Prints a running value as comptime prints the captured one."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        value = self.value
        if isinstance(value, torch.Tensor):
            size = f"{', '.join(map(str, value.shape))}{',' if value.dim() == 1 else ''}"
            return f"FakeTensor(..., size=({size}){', requires_grad=True' if value.requires_grad else ''})"
        if type(value) in (list, tuple):
            return repr(type(value)([Shown(item) for item in value]))
        if type(value) is dict:
            return repr({key: Shown(item) for key, item in value.items()})
        if isinstance(value, (int, float, str, type(None))):
            return repr(value)
        return "?"


def _from_running_frames():
    frames = []
    frame = sys._getframe(1)
    while frame.f_code is not look.__code__:
        frame = frame.f_back
    frame = frame.f_back
    locals_ = {name: repr(Shown(value)) for name, value in frame.f_locals.items()}
    while frame is not None and frame.f_globals is globals() and frame.f_code.co_name != "outcomes":
        frames.append((frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    SEEN.append((frames, locals_))


def _from_capture(ctx):
    out = io.StringIO()
    ctx.parent().print_bt(file=out)
    frames = [(name, int(line)) for line, name in re.findall(r"line (\d+), in (\S+)\n", out.getvalue())]
    out = io.StringIO()
    ctx.parent().print_locals(file=out)
    SEEN.append((frames[::-1], dict(line.split(" = ", 1) for line in out.getvalue().splitlines())))


def look():
    comptime(_from_capture, _from_running_frames)


def outcomes(function, arguments):
    """Return what a call gives or raises, and what `look` saw meanwhile."""
    del SEEN[:]
    torch.manual_seed(0)
    try:
        result = function(*arguments)
    except Exception as error:
        result = type(error), str(error)
    return result, list(SEEN)


def inlined(x):
    def inner(a, *rest, k=3, **named):
        b = a + k
        look()
        return b

    y = x * 2
    z = inner(y, 1, 2, other=x) + inner(x, k=4)
    look()
    return z


def in_loops(x):
    total = x
    for index, item in enumerate([x, x + 1]):
        if index:
            look()
        total = total + item
    while index < 3:
        index += 1
        look()
    return total


def in_with(x):
    with torch.no_grad():
        y = x * 2
        look()
    with contextlib.nullcontext(3) as number:
        look()
        return y + number


def in_try(x):
    try:
        look()
        raise ValueError("a")
    except ValueError as error:
        message = error.args[0]
        look()
    else:
        message = "b"
    finally:
        look()
    try:
        y = x + 1
    finally:
        look()
    return y, message


def helper(x, n):
    look()
    return x * n


def in_comprehensions(x):
    items = [helper(x, n) for n in range(2)]
    table = {n: helper(x, n) for n in (1, 2)}
    return items, table, sum(helper(x, n) for n in [3])


def in_generators(x):
    def numbers(y):
        for n in range(2):
            look()
            yield y * n
        look()

    def delegating(y):
        done = yield from numbers(y)
        look()
        yield y, done

    total = 0
    for item in delegating(x):
        look()
        total = total + (item if isinstance(item, torch.Tensor) else item[0])
    return total


class Shape:
    def __init__(self, side):
        self.side = side
        look()

    def area(self, x):
        look()
        return x * self.side**2

    @classmethod
    def unit(cls):
        look()
        return cls(1)

    @staticmethod
    def half(x):
        look()
        return x / 2

    @property
    def double(self):
        look()
        return self.side * 2

    def __add__(self, other):
        look()
        return Shape(self.side + other)

    def __enter__(self):
        look()
        return self

    def __exit__(self, *error):
        look()

    def __getitem__(self, index):
        look()
        return self.side + index

    def __call__(self, x):
        look()
        return x


class Square(Shape):
    def area(self, x):
        look()
        return super().area(x) + 1


def in_methods(x):
    with Square.unit() as shape:
        y = shape.area(x) + shape.double
    bigger = shape + 2
    return Shape.half(y) * bigger[1] + bigger(x)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        look()
        return function(*args, **kwargs)

    return wrapper


@decorated
def behind(x):
    look()
    return x + 1


def in_decorated_and_partial(x):
    call = functools.partial(helper, n=3)
    double = lambda y: helper(y, 2)  # noqa: E731 - a lambda is what is tested
    return behind(call(x)) + double(x)


def in_callbacks(x):
    def key(item):
        look()
        return -item

    order = sorted([1, 2], key=key)
    mapped = list(map(lambda n: helper(x, n), order))
    return mapped, functools.reduce(lambda a, b: helper(a, 1) + b, mapped)


def in_recursion(x, n=2):
    look()
    return x if n == 0 else in_recursion(x + n, n - 1)


def in_closures(x):
    count, unset = 1, None

    def step():
        nonlocal count
        count += 1
        look()
        return count + (0 if unset is None else 1)

    if count > 5:
        later = 1
        look()
        return later
    y = x * step() + step()
    look()
    return y


def unbound(x):
    look()
    y = x + 1
    del x
    look()
    return y


def after_breaks(x):
    y = x + 1
    framelift.graph_break()
    z = helper(y, 2)

    def inner(a):
        b = a * 2
        comptime.graph_break()
        look()
        return b

    w = inner(z)
    look()
    for _ in range(2):
        framelift.graph_break()
        look()
    return w


def breaks_in_with_and_try(x):
    with contextlib.nullcontext(x + 1) as y:
        framelift.graph_break()
        look()
    try:
        framelift.graph_break()
        look()
        raise KeyError("k")
    except KeyError:
        look()
        z = y * 2
    return z


def data_dependent(x):
    if x.sum() > 0:
        look()
        y = x + 1
    else:
        y = x
    look()
    return y


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([Layer(), Layer()])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
            look()
        return x


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)

    def forward(self, x, scale=2):
        y = self.linear(x)
        look()
        return y * scale


MODEL = Model()


def in_a_module(x):
    return MODEL(x)


def with_containers(x):
    items, table, pair = [x, 1], {"a": x}, (x, "b")
    items.append(items[0] + 1)
    table["c"] = len(items)
    first, *rest = pair
    look()
    return items, table, rest


def raising(x):
    def inner(y):
        look()
        raise RuntimeError("no")

    return inner(x + 1)


def match_statement(x):
    match (1, {"k": x}):
        case (n, {"k": value}) if n > 0:
            look()
            return value
    return x


PROGRAMS = [
    inlined, in_loops, in_with, in_try, in_comprehensions, in_generators, in_methods, in_decorated_and_partial,
    in_callbacks, in_recursion, in_closures, unbound, after_breaks, breaks_in_with_and_try, data_dependent,
    in_a_module, with_containers, raising, match_statement,
]  # fmt: skip


DROPS = {after_breaks, breaks_in_with_and_try, data_dependent}
"""After a break, what nothing reads any more is gone."""


def comparable(seen):
    """Leave out what the two cannot agree on: objects print otherwise."""
    return [
        (frames, {name: text for name, text in locals_.items() if "?" not in text and "Variable" not in text})
        for frames, locals_ in seen
    ]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_what_is_seen_is_what_the_running_frames_are(program):
    arguments = (torch.rand(2, 3),)
    expected, running = outcomes(program, arguments)
    function = framelift.compile(program, backend="eager")
    result, captured = outcomes(function, arguments)
    assert same([result], [expected])
    if program is raising:  # and then runs eagerly, to raise as it does
        del captured[len(running) :]
    assert len(captured) == len(running)
    for (frames, locals_), (real_frames, real_locals) in zip(comparable(captured), comparable(running), strict=True):
        assert frames[: len(real_frames)] == real_frames[: len(frames)]
        assert frames
        shared = set(locals_) & set(real_locals)
        assert {name: locals_[name] for name in shared} == {name: real_locals[name] for name in shared}
        assert program in DROPS or not [name for name in real_locals if name not in locals_]
    again, quiet = outcomes(function, arguments)
    assert same([again], [expected])
    assert quiet == [] or program is raising


@framelift.compile(backend="eager")
def lifted_inside(x):
    y = x + 1
    look()
    return y


def test_a_lifted_function_called_by_another_is_part_of_its_stack():
    def outer(x):
        return lifted_inside(x) * 2

    first = lifted_inside.__wrapped__.__code__.co_firstlineno
    _, seen = outcomes(framelift.compile(outer, backend="eager"), (torch.ones(2),))
    ((frames, locals_),) = seen
    assert [name for name, _ in frames] == ["lifted_inside", "outer"]
    assert frames[0][1] == first + 3
    assert sorted(locals_) == ["x", "y"]


def test_the_value_stack_at_depth():
    out = io.StringIO()

    def stack(value):
        return comptime.print_value_stack_and_return(value, file=out, stacklevel=1)

    def f(x):
        y = x * 2
        with contextlib.nullcontext():
            for n in range(7, 8):
                z = (x, "a", [n, y + stack(n)])
        return z, {"k": x[:1], "l": stack(2)}

    framelift.compile(f, backend="eager", fullgraph=True)(torch.ones(2))
    first, second = out.getvalue().split("- (FakeTensor", 1)
    assert [line[2:] for line in first.splitlines()][-5:] == [
        "RangeIteratorVariable()", "FakeTensor(..., size=(2,))", "'a'", "7", "FakeTensor(..., size=(2,))",
    ]  # fmt: skip
    assert second.splitlines()[-1] == "- FakeTensor(..., size=(1,))"


def test_a_local_that_a_break_dropped_is_an_error_that_says_so():
    def f(x):
        y = x + 1
        z = y * 2
        framelift.graph_break()
        comptime(lambda ctx: ctx.get_local("y"))
        return z

    with pytest.raises(KeyError, match="unbound here: not assigned yet, deleted, or not read any more after a graph b"):
        framelift.compile(f, backend="eager")(torch.ones(2))
