"""Why a call was captured again: for each kind of change one line with expected, found, the user's line, a remedy.

Expected texts name a line of this file by what it says.
"""

from __future__ import annotations

import linecache
import re

import pytest
import torch

import framelift

FACTOR = 1
X = torch.ones(2, 3)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = 2

    def forward(self, x):
        if self.training:
            x = x + 1
        return x * self.factor


class Thing:
    factor = 1


class Hostile(Thing):
    """Nothing may be asked of it but what the program asks."""

    def __eq__(self, other):
        raise RuntimeError

    def __hash__(self):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError


def plus_one(x):
    return x + 1


def plus(x, n):
    return x + n


def chosen(x, mode):
    return x + 1 if mode == "a" else x - 1


def summed(x, numbers):
    for n in numbers:
        x = x + n
    return x


def of_entries(x, entries):
    for key in entries:
        x = x + entries[key]
    return x


def of_attribute(x, thing):
    return x * thing.factor


def of_keyword(x, thing):
    return x * getattr(thing, "class")


def of_global(x):
    return x * FACTOR


def unless_none(x, other):
    return x if other is None else x + 1


def closing():
    number = 1

    def of_cell(x):
        return x * number

    def assign(value):
        nonlocal number
        number = value

    return of_cell, assign


def same(found, expected):
    return found.is_meta or torch.equal(found, expected)


def reason(function, first, second, change=lambda: None):
    lifted = framelift.compile(function, backend="eager", dynamic=False)
    lifted(*first)
    change()
    assert same(lifted(*second), function(*second))
    (why,) = lifted.framelift.why_recompiled()
    assert "\n" not in why
    return re.sub(
        r"test_recompile_reasons\.py:(\d+)", lambda m: f"`{linecache.getline(__file__, int(m[1])).strip()}`", why
    )


HOSTILE, NAME = Hostile(), f"{Hostile.__module__}.Hostile"
ONE_TYPE = "; pass objects of one type, or lift a function for each type"
STATIC = "leave dynamic=False out: what varies becomes symbolic"
PASSED = f"{STATIC}, when it is passed as an argument"
AVOIDS, AS_IT_WAS = "before the call would avoid this", "as it was between calls"
KEYS = "; keep the keys of entries and their order as they were between calls"
MODE, LENGTH = f"keep mode {AS_IT_WAS}", f"keep len(numbers) {AS_IT_WAS}"
ADDED, ITEMS = "`return x + 1` relies on it", "`for key in entries:` loops over it"


@pytest.mark.parametrize(
    ("function", "first", "second", "why"),
    [
        (
            *(plus_one, (X,), (X.double(),)),
            f"x.dtype was torch.float32, is torch.float64 ({ADDED}); x.to(torch.float32) {AVOIDS}",
        ),
        (plus_one, (X,), (X.to("meta"),), f"x.device was cpu, is meta ({ADDED}); x.to('cpu') {AVOIDS}"),
        (
            *(plus_one, (X,), (torch.ones(4, 3),)),
            f"x.size(0) was 2, is 4 ({ADDED}); mark_dynamic(x, 0) would avoid this",
        ),
        (plus_one, (X,), (torch.ones(3, 2).t(),), f"x.stride(0) was 3, is 1 ({ADDED}); x.contiguous() {AVOIDS}"),
        (plus_one, (X,), (torch.ones(3),), f"x.dim() was 2, is 1 ({ADDED}); keep x.dim() {AS_IT_WAS}"),
        (
            *(plus_one, (X,), (torch.ones(2, 3, requires_grad=True),)),
            f"x.requires_grad was False, is True ({ADDED}); keep x.requires_grad {AS_IT_WAS}",
        ),
        (plus, (X, 1), (X, 2), f"n was 1, is 2 (`return x + n` relies on it); {STATIC}"),
        (plus, (X, 1), (X, True), f"n was 1, is True of type bool (`return x + n` relies on it); keep n {AS_IT_WAS}"),
        (plus, (X, 1), (X, 1.0), f"n was 1, is 1.0 of type float (`return x + n` relies on it); keep n {AS_IT_WAS}"),
        (plus, (X, 0.0), (X, -0.0), f"n was 0.0, is -0.0 (`return x + n` relies on it); {STATIC}"),
        (
            *(chosen, (X, "a"), (X, "\n\ud800")),
            rf"""mode was 'a', is '\n\ud800' (`return x + 1 if mode == "a" else x - 1` compares it); {MODE}""",
        ),
        (
            *(summed, (X, [1]), (X, (1,))),
            f"type(numbers) was list, is tuple (`for n in numbers:` loops over it){ONE_TYPE}",
        ),
        (
            summed,
            (X, [1]),
            (X, [1, 2]),
            f"len(numbers) was 1, is 2 (`for n in numbers:` loops over it); {LENGTH}",
        ),
        (of_entries, (X, {"a": 1}), (X, {"a": 1, "b": 2}), f"len(entries) was 1, is 2 ({ITEMS}){KEYS}"),
        (
            of_entries,
            (X, {"a": 1, "b": 1}),
            (X, {"b": 1, "a": 1}),
            f"key 0 of entries was 'a', is 'b' ({ITEMS}){KEYS}",
        ),
        (
            *(unless_none, (X, HOSTILE), (X, None)),
            f"type(other) was {NAME}, is NoneType (`return x if other is None else x + 1` tests it){ONE_TYPE}",
        ),
    ],
)
def test_another_argument(function, first, second, why):
    assert reason(function, first, second) == f"recompiled {function.__name__}: {why}"


def test_an_attribute_was_changed():
    thing = Thing()
    thing.factor = 1
    why = reason(of_attribute, (X, thing), (X, thing), lambda: setattr(thing, "factor", 2))
    assert why == (
        f"recompiled of_attribute: thing.factor was 1, is 2 (`return x * thing.factor` relies on it); {PASSED}"
    )


def test_an_attribute_of_a_hostile_object_was_added():
    thing = Hostile()
    why = reason(of_attribute, (X, thing), (X, thing), lambda: setattr(thing, "factor", 2))
    assert why == (
        "recompiled of_attribute: 'factor' was not in thing.__dict__, now it is "
        "(`return x * thing.factor` relies on it); put 'factor' into thing.__dict__ before the first call"
    )


def test_an_attribute_that_is_a_keyword_was_changed():
    thing = Thing()
    setattr(thing, "class", 1)
    why = reason(of_keyword, (X, thing), (X, thing), lambda: setattr(thing, "class", 2))
    assert why == (
        "recompiled of_keyword: getattr(thing, 'class') was 1, is 2 (`return x * getattr(thing, \"class\")` "
        f"relies on it); {PASSED}"
    )


def test_a_global_was_changed(monkeypatch):
    why = reason(of_global, (X,), (X,), lambda: monkeypatch.setitem(globals(), "FACTOR", 2))
    assert why == f"recompiled of_global: FACTOR was 1, is 2 (`return x * FACTOR` relies on it); {STATIC}"


def test_a_cell_was_changed():
    of_cell, assign = closing()
    why = reason(of_cell, (X,), (X,), lambda: assign(5))
    assert why == f"recompiled of_cell: number was 1, is 5 (`return x * number` relies on it); {STATIC}"


def test_grad_mode_was_changed():
    x = torch.ones(2, requires_grad=True)
    try:
        why = reason(plus_one, (x,), (x,), lambda: torch.set_grad_enabled(False))
    finally:
        torch.set_grad_enabled(True)
    assert why == (
        "recompiled plus_one: grad mode was True, is False (`def plus_one(x):` relies on it); "
        "keep grad mode as it was between calls"
    )


def test_the_mode_of_a_module_was_changed():
    model = Model()
    why = reason(model, (X,), (X,), model.eval)
    assert why == (
        "recompiled forward: self.training was True, is False (`if self.training:` tests it); "
        f"keep self.training {AS_IT_WAS}"
    )


def test_an_attribute_of_a_module_was_changed():
    model = Model()
    why = reason(model, (X,), (X,), lambda: setattr(model, "factor", 3))
    assert why == f"recompiled forward: self.factor was 2, is 3 (`return x * self.factor` relies on it); {PASSED}"


def test_a_hook_was_registered():
    model = Model()
    why = reason(torch.nn.Sequential(model), (X,), (X,), lambda: model.register_forward_hook(lambda *_: None))
    assert "._forward_hooks was false or empty, is <OrderedDict>" in why


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (torch.Tensor.double, lambda x: x.to(torch.float32)),
        (lambda x: x.t().contiguous().t(), torch.Tensor.contiguous),
    ],
    ids=["dtype", "stride"],
)
def test_the_remedy_helps(change, remedy):
    lifted = framelift.compile(plus_one, backend="eager", dynamic=False)
    lifted(X)
    lifted(remedy(change(X)))
    assert lifted.framelift.why_recompiled() == []


def test_what_a_continuation_gets_is_put_down_to_the_line_that_reads_it():
    def f(x, n):
        x = x + 1
        framelift.graph_break()
        return x * n

    lifted = framelift.compile(f, backend="eager", dynamic=False)
    lifted(X, 2)
    lifted(X, 3)
    first = f.__code__.co_firstlineno
    found = [one.failure.guard.user_line.line - first for one in lifted.framelift.recompilations]
    assert found == [3] * len(found) != []


def plus_number(x, number):
    return x + number


@pytest.mark.parametrize(
    ("dynamic", "remedy"),
    [
        (None, "dynamic=True would make it symbolic from the first call on"),
        (False, "leave dynamic=False out: what varies becomes symbolic"),
    ],
)
def test_the_remedy_for_a_number_is_one_that_helps(dynamic, remedy):
    def recompiled(**options):
        lifted = framelift.compile(plus_number, backend="eager", **options)
        for number in (2, 3, 4):
            assert torch.equal(lifted(X, number), X + number)
        return lifted.framelift.why_recompiled()

    assert recompiled(dynamic=dynamic)[0].endswith(remedy)
    assert recompiled(dynamic=True) == []


def test_the_remedy_for_a_number_of_a_module():
    lifted = framelift.compile(Model(), backend="eager")
    lifted(X)
    lifted.factor = 5
    lifted(X)
    (why,) = lifted.framelift.why_recompiled()
    assert why.endswith(
        "; pass the number as an argument, or keep it in a tensor: one that a module holds is a constant"
    )


def test_the_remedy_for_a_global_number(monkeypatch):
    lifted = framelift.compile(of_global, backend="eager")
    lifted(X)
    monkeypatch.setitem(globals(), "FACTOR", 7)
    lifted(X)
    (why,) = lifted.framelift.why_recompiled()
    assert why.endswith("; pass the number as an argument: under dynamic=True that is symbolic from the first call on")
