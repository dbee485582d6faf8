"""What varies becomes symbolic: how many graphs a sequence of calls makes, and that each call does what eager does.

The numbers are those of `torch.compile` (2.13), or lower.
"""

from __future__ import annotations

import functools
import gc
import math
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch

import framelift
from framelift.testing import CompileCounter


def filled(*shape: int) -> torch.Tensor:
    return torch.arange(float(math.prod(shape))).reshape(shape) + 1


class Holder:
    def __init__(self, value: Any) -> None:
        self.value = value


class Scaled(torch.nn.Module):
    def __init__(self, count: Any, size: int = 3) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("offset", filled(size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.count + self.offset.sum()


def graph_counts(function: Callable[..., Any], calls: list[tuple[Any, ...]], **options: Any) -> list[int]:
    """Call a function with each of the arguments, compare with eager, and return how many graphs there were by then."""
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter, **options)
    counts = []
    for arguments in calls:
        torch.testing.assert_close(lifted(*arguments), function(*arguments), equal_nan=True)
        counts.append(counter.frame_count)
    assert not lifted.framelift.capture_errors, lifted.framelift.capture_errors
    assert not lifted.framelift.breaks
    return counts


PROGRAMS: dict[str, tuple[Callable[..., Any], list[tuple[Any, ...]], list[int]]] = {
    "a size": (lambda x: x + 1, [(filled(n),) for n in (2, 3, 4, 9)], [1, 2, 2, 2]),
    "one size after another": (
        lambda x: x + 1, [(filled(*s),) for s in ((2, 3), (4, 3), (4, 5), (6, 7))], [1, 2, 3, 3]
    ),
    "a size as a value": (lambda x: x + x.size(0), [(filled(n),) for n in (2, 3, 4)], [1, 2, 2]),
    "1 first": (lambda x: x * 2, [(filled(n),) for n in (1, 3, 4, 1, 0)], [1, 2, 2, 2, 3]),
    "1 and 0 later": (lambda x: x * 2, [(filled(n),) for n in (4, 3, 1, 0, 7)], [1, 2, 3, 4, 4]),
    "another number of dimensions": (
        lambda x: x.sum(), [(filled(*s),) for s in ((2, 3), (2, 3, 4), (5, 6, 7), (5, 6))], [1, 2, 2, 3]
    ),
    "sizes that stay equal": (lambda x, y: x + y, [(filled(n), filled(n)) for n in (2, 3, 4, 5)], [1, 2, 2, 2]),
    "sizes that were equal": (
        lambda x, y: (x + 1, y + 1), [(filled(n), filled(m)) for n, m in ((2, 2), (3, 3), (4, 5), (8, 8))], [1, 2, 2, 2]
    ),
    "an int": (lambda x, n: x * n, [(filled(2), n) for n in (5, 6, 7, 8)], [1, 2, 2, 2]),
    "an int that is 0 or 1 later": (lambda x, n: x * n, [(filled(2), n) for n in (5, 6, 1, 0, -3)], [1, 2, 2, 2, 2]),
    "an int that is 1 first": (lambda x, n: x * n, [(filled(2), n) for n in (1, 6, 0, 7, 1)], [1, 2, 2, 2, 2]),
    "a float": (lambda x, f: x * f, [(filled(2), f) for f in (0.5, 0.6, 0.7, 1.0, 0.0)], [1, 2, 2, 2, 2]),
    "an infinite float": (
        lambda x, f: x * f, [(filled(2), f) for f in (0.5, 0.6, math.inf, math.nan, math.nan, 0.7)], [1, 2, 3, 4, 4, 4]
    ),
    "a decision about an int": (
        lambda x, n: x * n if n > 4 else x - n, [(filled(2), n) for n in (5, 6, 3, 9)], [1, 2, 3, 3]
    ),
    "an int of an object": (lambda x, h: x * h.value, [(filled(2), Holder(n)) for n in (4, 5, 6, 7)], [1, 2, 2, 2]),
    "a float of an object": (
        lambda x, h: x * h.value, [(filled(2), Holder(f)) for f in (0.4, 0.5, 0.6)], [1, 2, 2]
    ),
    "an int of a module": (lambda x, m: m(x), [(filled(2), Scaled(n)) for n in (4, 5, 6, 7)], [1, 2, 3, 4]),
    "a float of a module": (lambda x, m: m(x), [(filled(2), Scaled(f)) for f in (0.4, 0.5, 0.6)], [1, 2, 2]),
    "a buffer": (lambda x, m: m(x), [(filled(2), Scaled(2, n)) for n in (4, 5, 6, 7)], [1, 2, 2, 2]),
    "ints of a list": (lambda x, a: x * a[0] + a[1], [(filled(2), [n, n + 1]) for n in (4, 5, 6)], [1, 2, 2]),
    "tensors of a list": (
        lambda a: a[0].sum() + a[1].sum(), [([filled(n), filled(n + 1)],) for n in (2, 3, 4)], [1, 2, 2]
    ),
    "tensors of a dict": (lambda a: a["a"] + 1, [({"a": filled(n)},) for n in (2, 3, 4)], [1, 2, 2]),
    "a tensor of an object": (lambda h: h.value + 1, [(Holder(filled(n)),) for n in (2, 3, 4)], [1, 2, 2]),
    "an int as a size": (lambda x, n: torch.ones(n) + x.sum(), [(filled(2), n) for n in (5, 6, 7)], [1, 2, 2]),
    "a float as a size": (lambda x, f: torch.ones(int(f)), [(filled(2), f) for f in (4.0, 5.0, 6.5)], [1, 2, 2]),
    "an int unrolled": (
        lambda x, n: sum(x + i for i in range(n)), [(filled(2), n) for n in (2, 3, 4, 3)], [1, 2, 3, 3]
    ),
    "numbers returned": (
        lambda x, n: (x + 1, n * 2 + 1, n / 3, n // 2, n % 3, -n), [(filled(2), n) for n in (2, 3, 4)], [1, 2, 2]
    ),
    "sizes of a view": (
        lambda x: x.view(x.shape[0], 2, -1).transpose(1, 2), [(filled(n, 6),) for n in (2, 3, 4)], [1, 2, 2]
    ),
    "the root of a size": (
        lambda x: x / math.sqrt(x.size(-1)), [(filled(2, n),) for n in (4, 9, 16)], [1, 2, 2]
    ),
    "strides of a transposed tensor": (lambda x: x + 1, [(filled(n, m).t(),) for n, m in ((2, 4), (3, 9), (5, 7))],
                                       [1, 2, 2]),
    "strides of a slice": (lambda x: x + 1, [(filled(4, n)[:, :3],) for n in (8, 9, 10)], [1, 2, 2]),
    "strides and sizes of a slice": (
        lambda x: x.reshape(-1), [(filled(4, n)[:, :m],) for n, m in ((8, 3), (9, 4), (10, 5), (11, 7))], [1, 2, 2, 2]
    ),
    "a growing slice": (lambda x: x + 1, [(filled(4, 8)[:, :n],) for n in (3, 4, 5)], [1, 2, 2]),
    "parity of a size": (
        lambda x: x.view(-1, 2) if x.size(0) % 2 == 0 else x, [(filled(n),) for n in (4, 6, 8)], [1, 2, 2]
    ),
    "the larger size": (
        lambda x, y: torch.ones(max(x.size(0), y.size(0))),
        [(filled(n), filled(m)) for n, m in ((2, 5), (3, 6), (7, 4), (8, 9))], [1, 2, 2, 2],
    ),
    "joined tensors": (
        lambda x, y: torch.cat([x, y]) * 2, [(filled(n), filled(m)) for n, m in ((2, 5), (3, 6), (7, 4))], [1, 2, 2]
    ),
    "products of matrices": (
        lambda x, y: x @ y, [(filled(a, b), filled(b, c)) for a, b, c in ((2, 3, 4), (3, 5, 4), (4, 6, 7), (7, 8, 9))],
        [1, 2, 3, 3],
    ),
    "broadcasting": (
        lambda x, y: x + y, [(filled(*s), filled(n)) for s, n in (((2, 3), 3), ((3, 3), 3), ((4, 5), 5))], [1, 2, 3]
    ),
    "a float as a limit": (
        lambda x, f: x.clamp(min=f) * f**2, [(filled(2), f) for f in (0.1, 0.5, 0.6, 0.7)], [1, 2, 2, 2]
    ),
    "an int as a power": (lambda x, n: x**n, [(filled(2), n) for n in (2, 3, 4, 5)], [1, 2, 2, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_varies_is_symbolic_from_its_second_value_on(name):
    function, calls, expected = PROGRAMS[name]
    assert graph_counts(function, calls) == expected


@pytest.mark.parametrize("name", list(PROGRAMS)[::2])
def test_all_is_symbolic_from_the_start_where_asked(name):
    function, calls, expected = PROGRAMS[name]
    assert graph_counts(function, calls, dynamic=True)[-1] <= expected[-1] + 1


@pytest.mark.parametrize("name", list(PROGRAMS)[::4])
def test_nothing_is_symbolic_where_asked(name):
    function, calls, expected = PROGRAMS[name]
    assert graph_counts(function, calls, dynamic=False)[-1] >= expected[-1]


@pytest.mark.parametrize(
    ("function", "calls", "expected"),
    [
        (lambda x: x + 1, [(filled(n),) for n in (2, 3, 4)], [1, 1, 1]),
        (lambda x: x + 1, [(filled(n),) for n in (1, 3, 4)], [1, 2, 2]),
        (lambda x, n: x + n, [(filled(n), n) for n in (2, 3, 4, 1, 0)], [1, 1, 1, 2, 3]),
        (lambda x, n: x + n, [(filled(2), n) for n in (1, 4, 0)], [1, 1, 1]),
        (lambda x, f: x + f, [(filled(2), f) for f in (3.0, 4.5, 0.0)], [1, 1, 1]),
        (lambda x, y: (x + 1, y + 1), [(filled(n), filled(m)) for n, m in ((3, 3), (4, 4), (4, 5), (6, 7))],
         [1, 1, 2, 2]),
    ],
)  # fmt: skip
def test_dynamic_true(function, calls, expected):
    assert graph_counts(function, calls, dynamic=True) == expected


def test_a_counter_of_a_closure_and_a_global_one():
    def make():
        count = 0

        def count_up(x):
            nonlocal count
            count += 1
            return x * count

        return count_up

    counter = CompileCounter()
    function, lifted = make(), framelift.compile(make(), backend=counter)
    for _ in range(6):
        assert torch.equal(lifted(torch.ones(2)), function(torch.ones(2)))
    assert counter.frame_count == 2


def test_what_varied_before_a_break_and_after_it():
    def function(x):
        y = x + 1
        framelift.graph_break()
        return y * x.size(0)

    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter)
    for n in (2, 3, 4, 5):
        assert torch.equal(lifted(filled(n)), function(filled(n)))
    assert counter.frame_count == 4


def test_functions_keep_apart_what_they_saw():
    def make(backend):
        return framelift.compile(lambda x: x + 1, backend=backend)

    counter = CompileCounter()
    first, second = make(counter), make(counter)
    first(filled(2)), first(filled(3)), second(filled(4)), second(filled(4))
    assert [graph.graph.find_nodes(op="placeholder")[0].name for graph in counter.graphs] == ["l_x_"] * 3
    second.framelift.clear()
    second(filled(5)), second(filled(5))
    assert len(second.framelift.graphs) == 1


def test_what_was_seen_keeps_nothing_alive():
    lifted = framelift.compile(lambda h, x: h.value + x, backend="eager")
    holder, x = Holder(filled(3)), filled(3)
    references = [weakref.ref(one) for one in (holder, holder.value, x)]
    lifted(holder, x)
    lifted(Holder(filled(4)), filled(4))
    del holder, x
    gc.collect()
    assert [reference() for reference in references] == [None, None, None]


def test_training_with_sizes_that_vary():
    layer = torch.nn.Linear(4, 2)
    step = framelift.compile(lambda x: torch.relu(layer(x)).sum(), backend="eager")
    for n in (2, 3, 5):
        x = filled(n, 4)
        layer.zero_grad()
        step(x).backward()
        found = layer.weight.grad.clone()
        layer.zero_grad()
        torch.relu(layer(x)).sum().backward()
        assert torch.equal(found, layer.weight.grad)
    assert len(step.framelift.graphs) == 2


def test_aliased_arguments_whose_sizes_vary():
    def function(x, y):
        y.add_(1)
        return x * 2

    lifted = framelift.compile(function, backend="eager")
    for n in (4, 5, 6):
        x, other = filled(n), filled(n)
        assert torch.equal(lifted(x, x[1:3]), function(other, other[1:3]))
        assert torch.equal(x, other)


def test_a_partial_s_number():
    counter = CompileCounter()
    lifted = framelift.compile(lambda x, n: x * n, backend=counter)
    for n in (3, 4, 5):
        assert torch.equal(functools.partial(lifted, n=n)(filled(2)), filled(2) * n)
    assert counter.frame_count == 2


def test_what_a_function_never_reads_is_not_guarded():
    counter = CompileCounter()

    @framelift.compile(backend=counter)
    def function(x, name, n=3, *, flag=False):
        n = 4
        return x * n

    for name, n, flag in (("a", 1, True), ("b", 2.5, False), ("c", None, None), ("d", "e", 7)):
        assert torch.equal(function(filled(2), name, n, flag=flag), filled(2) * 4)
    assert counter.frame_count == 1


def test_what_is_read_by_a_closure_or_through_locals_is_guarded():
    @framelift.compile(backend="eager")
    def closed_over(x, name):
        def longer():
            return x + len(name)

        return longer()

    @framelift.compile(backend="eager")
    def looks(x, name):
        return x + len(locals()["name"])

    for name in ("a", "bc", "def"):
        assert torch.equal(closed_over(filled(2), name), filled(2) + len(name))
        assert torch.equal(looks(filled(2), name), filled(2) + len(name))
