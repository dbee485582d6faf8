"""A break before any statement of a function changes nothing but the number of graphs."""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import textwrap
import warnings

import pytest
import test_values
import torch
from differential import check

import framelift


class _Insert(ast.NodeTransformer):
    """Inserts `brk()` before the n-th statement, counted over all nested bodies; `count` says how many there are."""

    def __init__(self, place):
        self.place = place
        self.count = 0

    def _body(self, statements):
        result = []
        for statement in statements:
            if not isinstance(statement, (ast.Nonlocal, ast.Global)):
                if self.count == self.place:
                    result.append(ast.Expr(ast.Call(ast.Name("brk", ast.Load()), [], [])))
                self.count += 1
            result.append(self.visit(statement))
        return result

    def generic_visit(self, node):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                setattr(node, field, self._body(statements))
        for handler in getattr(node, "handlers", ()):
            self.generic_visit(handler)
        for case in getattr(node, "cases", ()):
            case.body = self._body(case.body)
        return node


def _statements(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    counter = _Insert(None)
    counter.generic_visit(copy.deepcopy(tree).body[0])
    return counter.count


def broken_before(function, place, breaking):
    """Return the function with a call of `breaking` before its n-th statement."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    _Insert(place).generic_visit(tree.body[0])
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    namespace = {**vars(test_values), "brk": framelift.disable(breaking)}
    exec(compile(ast.fix_missing_locations(tree), test_values.__file__, "exec"), namespace)
    return namespace[function.__name__]


PLACES = [(function, place) for function in test_values.FUNCTIONS for place in range(_statements(function))]


def nothing():
    """Break, and return."""


def failing():
    """Break, and raise."""
    raise ValueError("from the broken call", 1)


@pytest.mark.parametrize("breaking", [nothing, failing])
@pytest.mark.parametrize(("function", "place"), PLACES, ids=[f"{f.__name__}-{n}" for f, n in PLACES])
def test_a_break_before_any_statement(function, place, breaking):
    check(broken_before(function, place, breaking), torch.arange(3.0), graphs=None)


def test_a_warning_with_a_stacklevel_names_the_caller_of_the_lifted_function():
    @framelift.compile(backend="eager")
    def warned(x):
        y = x + 1
        warnings.warn("look", stacklevel=2)
        return y * 2

    def caller():
        return warned(torch.ones(2))  # the caller's line

    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            caller()
        assert caught[0].filename == __file__
        assert "# the caller's line" in linecache.getline(__file__, caught[0].lineno)


def test_a_generator_dropped_inside_try_is_closed_when_eager_would():
    log = []

    def produce(x):
        try:
            yield x + 1
            yield x + 2
        finally:
            log.append("closed")

    def first(x):
        for value in produce(x):
            break
        log.append("after")
        return value

    first(torch.ones(2))
    expected = log.copy()
    log.clear()
    framelift.compile(first, backend="eager")(torch.ones(2))
    assert log == expected
