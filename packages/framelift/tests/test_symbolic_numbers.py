"""Python's arithmetic on ints and floats that vary: values, types and exceptions are those of eager."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import framelift

INTS = [3, 4, 0, 1, -5]
FLOATS = [2.5, 3.5, 0.0, -1.5, -0.0, math.inf, math.nan, 1e300]


def caught(x, n):
    try:
        return x * (1 / n)
    except ZeroDivisionError:
        return x * 100


def handled_in_order(x, n):
    seen = []
    try:
        seen.append(x + 1)
        seen.append(math.sqrt(n))
    except ValueError as error:
        seen.append(str(error))
    return seen


EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "1 / n": lambda x, n: 1 / n,
    "n / 3": lambda x, n: (n / 3, n / 2.5),
    "7 // n": lambda x, n: (7 // n, 7.5 // n),
    "n // 0.1": lambda x, n: (n // 3, n // 0.1, n // -0.7),
    "n % 3": lambda x, n: (n % 3, n % -2.5),
    "7 % n": lambda x, n: 7 % n,
    "divmod": lambda x, n: (divmod(n, 3), divmod(17, n)),
    "n**2": lambda x, n: (n**2, n**0, n**1.0),
    "n**-1": lambda x, n: n**-1,
    "n**.5": lambda x, n: n**0.5,
    "2**n": lambda x, n: 2**n if abs(n) < 60 else 0,
    "n << 2": lambda x, n: (n << 2, n >> 1),
    "1 << n": lambda x, n: 1 << n if n < 60 else 0,
    "bits": lambda x, n: (n & 6, n | 1, n ^ 5, ~n),
    "signs": lambda x, n: (-n, +n, abs(n)),
    "round": lambda x, n: (round(n, 1), round(n)),
    "int": lambda x, n: int(n),
    "float": lambda x, n: (float(n), bool(n)),
    "comparisons": lambda x, n: (n > 2, n <= 3, n == 4, n != 4, n < 2.5, n >= 2.5, n == 2.5, 3 > n, n < math.inf),
    "chain": lambda x, n: 0 < n <= 3,
    "sqrt": lambda x, n: math.sqrt(n),
    "whole": lambda x, n: (math.floor(n), math.ceil(n), math.trunc(n)),
    "exp": lambda x, n: math.exp(n),
    "log": lambda x, n: (math.log(n), math.log2(n)),
    "sin": lambda x, n: (math.sin(n), math.atan(n)),
    "prod": lambda x, n: math.prod([n, 2, n]),
    "extremes": lambda x, n: (min(n, 3), max(n, 3), min(n, 3, 5), max([n, 3]), min((n, 0.5))),
    "sum": lambda x, n: sum([n, 2, n]),
    "types": lambda x, n: (isinstance(n, int), isinstance(n, bool), type(n), type(n + 1), type(n / 2)),
    "texts": lambda x, n: (str(n), f"{n:>5}", repr(n)),
    "keys": lambda x, n: ({n: 1}, n in (3, 4)),
    "identity": lambda x, n: (n is None, n == "a", n == None),  # noqa: E711
    "items": lambda x, n: [1, 2, 3, 4, 5][n],
    "repetition": lambda x, n: (n * "ab", [0] * n) if n < 9 else 0,
    "logic": lambda x, n: (not n, n and 5, n or 6),
    "attributes": lambda x, n: (n.real, n.imag, n.conjugate()),
    "is finite": lambda x, n: (math.isnan(n), math.isinf(n), math.isfinite(n), math.isfinite(n * 1e10)),
    "copysign": lambda x, n: math.copysign(1, n),
    "not itself": lambda x, n: n != n,  # noqa: PLR0124
    "complex": lambda x, n: complex(n, 1) + n,
    "caught": caught,
    "handled in order": handled_in_order,
    "tensor": lambda x, n: (x + n, x * n, x / n, n / (x + 1), x > n, x.long() * n),
    "powers": lambda x, n: (x**n, n**x if n > 0 else x),
    "filled": lambda x, n: (torch.full((2,), n), x.clone().fill_(n), torch.where(x > 1, x, n)),
    "a new tensor": lambda x, n: (torch.tensor(n), torch.tensor([n, 1])),
    "in place": lambda x, n: x.clone().add_(n, alpha=2),
    "a container": lambda x, n: {"n": n, "x": [x + n, (n,)]},
}


def same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left.isnan(), right.isnan()) and same(
            left.nan_to_num().tolist() if left.is_floating_point() else left.tolist(),
            right.nan_to_num().tolist() if right.is_floating_point() else right.tolist(),
        )  # fmt: skip
    if type(left) is not type(right):
        return False
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left), list(right)) and all(same(left[key], right[key]) for key in left)
    return repr(left) == repr(right)


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return "returned", function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, eager must raise the same
            return "raised", [type(error), str(error)]


@pytest.mark.parametrize("values", [INTS, FLOATS], ids=["int", "float"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_number_that_varies(name, values):
    function = EXPRESSIONS[name]
    x = torch.arange(3.0)
    lifted = framelift.compile(function, backend="eager", recompile_limit=64)
    for value in values:
        found, expected = outcome(lifted, x, value), outcome(function, x, value)
        assert same(found, expected), (value, found, expected)
    assert not lifted.framelift.capture_errors


@pytest.mark.parametrize("function", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_an_int_is_compared_with_a_float_as_the_real_numbers_they_are(function):
    lifted = framelift.compile(lambda x, n, f: (x + 1, function(n, f), function(f, n)), backend="eager",
                               recompile_limit=64)  # fmt: skip
    x = torch.ones(2)
    for number in (5, 6, 2**53 + 1, 2**53, -3):
        for bound in (5.5, 6.0, float(2**53), -3.0):
            assert lifted(x, number, bound)[1:] == (function(number, bound), function(bound, number))


def test_two_numbers_that_vary():
    def function(x, n, k):
        return x * (n // k) + n % k - max(n, k), n / k, divmod(n, k)

    lifted = framelift.compile(function, backend="eager")
    x = torch.ones(2)
    for n, k in ((7, 2), (8, 3), (9, -4), (100, 7), (3, 5)):
        assert same(lifted(x, n, k), function(x, n, k))
    assert len(lifted.framelift.graphs) == 2
    with pytest.raises(ZeroDivisionError):
        lifted(x, 3, 0)


def test_numbers_enter_the_graph_as_inputs():
    lifted = framelift.compile(lambda x, n, f: x * n + f, backend="eager")
    lifted(torch.ones(2), 3, 0.5), lifted(torch.ones(2), 4, 1.5)
    names = [node.name for node in lifted.framelift.graphs[1].graph.find_nodes(op="placeholder")]
    assert names == ["l_x_", "l_n_", "l_f_"]


def test_an_enormous_int():
    lifted = framelift.compile(lambda x, n: (x + 1, n + 1), backend="eager")
    for n in (3, 4, 10**40, 10**41, 5):
        assert lifted(torch.ones(2), n)[1] == n + 1
