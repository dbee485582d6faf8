"""Where values came from and what is guarded of them, as values and as text."""

from __future__ import annotations

import pytest
import torch
from capturing import captured

from framelift_comptime import ComptimeArgumentError, GuardNote, Origin, comptime
from framelift_guards import UserLine

FILE = "test_provenance.py"


class Thing:
    def __init__(self):
        self.weight = torch.ones(2)
        self.scale = 3


THING = Thing()


def told(f, method, *names, dynamic=False, **values):
    """Return what `ctx.guards_of` or `ctx.origin_of` tells of these locals at the end of f's comptime call `at`."""
    found = {}

    def look(ctx):
        for name in names:
            found[name] = getattr(ctx, method)(ctx.get_local(name))

    captured(lambda *args, **kwargs: None)
    f.__globals__["look"] = look
    captured(f, dynamic, **values)
    return found


def origins(f, *names, **options):
    first = f.__code__.co_firstlineno
    found = told(f, "origin_of", *names, **options)
    return {name: (one.kind, one.name, one.line.line - first) for name, one in found.items()}


def test_origins():
    def f(x, t):
        weight = t.weight
        scale = THING.scale
        y = x * weight
        items = [y, 1]
        label = "a"
        rows = x.size(0)
        total = y.sum() + scale
        parts = torch.max(x, 0)
        first = parts[0]
        comptime(look)  # noqa: F821 - a global of the test
        return total, items, label, rows, first

    names = ("x", "t", "weight", "scale", "y", "items", "label", "rows", "total", "first")
    found = origins(f, *names, dynamic=True, x=torch.ones(2), t=Thing())
    assert found == {
        "x": ("argument", "L['x']", 0),
        "t": ("argument", "L['t']", 0),
        "weight": ("part", "L['t'].weight", 1),
        "scale": ("part", "G['THING'].scale", 2),
        "y": ("operation", "y = mul(...)", 3),
        "items": ("made", "", 4),
        "label": ("constant", "'a'", 5),
        "rows": ("part", "L['x'].size()[0]", 6),
        "total": ("operation", "total = add(...)", 7),
        "first": ("operation", "first = getitem(...)", 8),
    }


def test_in_inlined_functions_it_is_the_inner_line():
    def inner(a):
        b = a + 1
        comptime(look)  # noqa: F821 - a global of the test
        return b

    def f(x):
        return inner(x)

    found = told(f, "origin_of", "b")["b"]
    assert found.line.function == "inner"
    assert str(found) == f"operation b = add(...), computed at {FILE}:{inner.__code__.co_firstlineno + 1}: b = a + 1"


def test_texts_of_origins():
    line = UserLine("/a/model.py", 3, "f", "y = x")
    assert str(Origin("argument", "L['x']", line)) == "argument L['x'], first read at model.py:3: y = x"
    assert str(Origin("made", "", line)) == "made at model.py:3: y = x"
    assert str(Origin("constant", "3", None)) == "constant 3"
    assert str(Origin("operation", "y = mul(...)", line)) == "operation y = mul(...), computed at model.py:3: y = x"


def test_guards_of_a_value_and_its_parts():
    def f(x, n, t):
        y = x[:2] * n * t.scale
        comptime(look)  # noqa: F821 - a global of the test
        return y

    first = f.__code__.co_firstlineno
    found = told(f, "guards_of", "x", "n", "t", "y", dynamic=None, x=torch.ones(4), n=3, t=THING)
    lines = {name: [(one.kind, one.source, one.line.line - first) for one in notes] for name, notes in found.items()}
    assert lines["n"] == [("EQUALS_MATCH", "L['n']", 1)]
    assert lines["x"] == [("TENSOR_MATCH", "L['x']", 1)]
    assert ("EQUALS_MATCH", "L['t'].scale", 1) in lines["t"]
    assert lines["y"] == []
    assert str(found["n"][0]) == f"EQUALS_MATCH L['n'] == 3, relied on at {FILE}:{first + 1}: y = x[:2] * n * t.scale"


def test_guards_on_sizes_belong_to_the_tensor_and_to_the_size():
    def f(x):
        rows = x.size(0)
        y = x + 1 if rows > 3 else x
        comptime(look)  # noqa: F821 - a global of the test
        return y

    found = told(f, "guards_of", "x", "rows", dynamic=True, x=torch.ones(4))
    assert "L['x'].size()[0] > 3" in [note.text for note in found["x"]]
    assert "L['x'].size()[0] > 3" in [note.text for note in found["rows"]]


def test_notes_are_values():
    note = GuardNote("EQUALS_MATCH", "L['n']", "L['n'] == 3", None)
    assert note == GuardNote("EQUALS_MATCH", "L['n']", "L['n'] == 3", None)
    assert len({note, note}) == 1
    assert str(note) == "EQUALS_MATCH L['n'] == 3"
    with pytest.raises(AttributeError):
        note.kind = "other"


def test_wrong_arguments():
    def f(x):
        comptime(lambda ctx: ctx.origin_of("x"))
        return x

    def g(x):
        comptime(lambda ctx: ctx.guards_of(None))
        return x

    with pytest.raises(ComptimeArgumentError, match=r"origin_of\(val\) takes a ComptimeVar, but is given a str"):
        captured(f)
    with pytest.raises(ComptimeArgumentError, match=r"guards_of\(val\) takes a ComptimeVar, but is given a NoneType"):
        captured(g)
