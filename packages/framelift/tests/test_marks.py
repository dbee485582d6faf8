"""Marks on sizes: framelift's and torch's, what they do, and what is said when they cannot hold."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import framelift
from framelift.errors import MarkError
from framelift.testing import CompileCounter


def marked(*shape, dim=0, **limits):
    x = torch.ones(*shape)
    framelift.mark_dynamic(x, dim, **limits)
    return x


def lifted_with_counter(function, **options):
    counter = CompileCounter()
    return framelift.compile(function, backend=counter, **options), counter


@pytest.mark.parametrize("dynamic", [None, False, True])
def test_a_marked_size_is_symbolic_from_the_start(dynamic):
    f, counter = lifted_with_counter(lambda x: x * 2, dynamic=dynamic)
    f(marked(4, 3)), f(torch.ones(9, 3)), f(torch.ones(5, 3))
    assert counter.frame_count == 1


def test_negative_and_several_dimensions():
    x = torch.ones(4, 3)
    framelift.mark_dynamic(x, [0, -1])
    f, counter = lifted_with_counter(lambda x: x * 2)
    f(x), f(torch.ones(9, 8))
    assert counter.frame_count == 1


def test_a_range_is_a_guard():
    f, counter = lifted_with_counter(lambda x: x * 2)
    f(marked(4, 3, min=2, max=8)), f(torch.ones(8, 3))
    assert counter.frame_count == 1
    f(torch.ones(9, 3))
    assert counter.frame_count == 2
    assert "x.size(0) <= 8 held, now x.size(0) is 9" in f.framelift.why_recompiled()[0]


def test_a_range_spares_decisions():
    def f(x):
        return x * 2 if x.size(0) <= 64 else x

    lifted, counter = lifted_with_counter(f)
    lifted(marked(4, max=64)), lifted(torch.ones(64))
    assert counter.frame_count == 1


def decides_on_4(x):
    if x.size(0) == 4:
        return x + 1
    return x - 1


def decides_on_6(x):
    if x.size(0) > 6:
        return x + 1
    return x - 1


def line_of(function):
    return f"({__file__}:{function.__code__.co_firstlineno + 1})"


def test_a_marked_size_that_is_specialised():
    with pytest.raises(MarkError) as caught:
        framelift.compile(decides_on_4, backend="eager")(marked(4, 3))
    assert str(caught.value) == (
        "x.size(0) was marked dynamic, but is specialised to 4; make that line work for any size (what it has to "
        f"equal there needs the mark, too), or use maybe_mark_dynamic instead {line_of(decides_on_4)}"
    )


def test_a_marked_size_that_is_decided_upon_without_a_range():
    f, counter = lifted_with_counter(decides_on_6)
    assert f(marked(4))[0] == 0
    assert f(torch.ones(9))[0] == 2
    assert counter.frame_count == 2


def test_a_range_that_is_cut():
    with pytest.raises(MarkError) as caught:
        framelift.compile(decides_on_6, backend="eager")(marked(4, min=2, max=10))
    assert str(caught.value) == (
        "x.size(0) was marked to be from 2 to 10, but is limited by x.size(0) <= 6; mark it with max=6, or make that "
        f"line do the same for all of these sizes {line_of(decides_on_6)}"
    )


def test_a_later_tensor_out_of_its_range():
    f = framelift.compile(lambda x: x * 2, backend="eager")
    x = marked(4, min=2, max=8)
    f(x)
    x.resize_(9)
    with pytest.raises(MarkError, match=r"x.size\(0\) must be at most 8, but is 9; widen the range"):
        f(x)


@pytest.mark.parametrize("fullgraph", [False, True])
def test_a_mark_that_a_torch_function_breaks(fullgraph):
    f = framelift.compile(lambda x, y: x + y, backend="eager", fullgraph=fullgraph)
    with pytest.raises(MarkError, match=r"x.size\(0\) was marked dynamic, but is specialised to 4"):
        f(marked(4, 3), torch.ones(4, 3))
    assert f(marked(4, 3), marked(4, 3)).shape == (4, 3)


@pytest.mark.parametrize("size", [0, 1])
def test_sizes_0_and_1_cannot_stay_free(size):
    f = framelift.compile(lambda x: x * 2, backend="eager")
    with pytest.raises(MarkError, match=f"but is {size}, and sizes 0 and 1 are always specialised"):
        f(marked(size))


def test_a_size_that_may_be_dynamic():
    x = torch.ones(4)
    framelift.maybe_mark_dynamic(x, 0)
    f, counter = lifted_with_counter(decides_on_6)
    f(x), f(torch.ones(5))
    assert counter.frame_count == 1
    f, counter = lifted_with_counter(decides_on_4)
    assert f(x)[0] == 2
    assert f(torch.ones(5))[0] == 0
    one = torch.ones(1)
    framelift.maybe_mark_dynamic(one, 0)
    assert f(one) == 0


def test_a_static_size():
    x = torch.ones(4, 3)
    framelift.mark_static(x, 0)
    f, _ = lifted_with_counter(lambda x: x * 2, dynamic=True)
    f(x)
    shape = f.framelift.graphs[0].graph.find_nodes(op="placeholder")[0].meta["example_value"].shape
    assert [type(size) for size in shape] == [int, torch.SymInt]


def test_a_static_size_outlives_change():
    f, counter = lifted_with_counter(lambda x: x * 2)
    for n in (3, 4, 5, 6):
        x = torch.ones(n)
        framelift.mark_static(x)
        f(x)
    assert counter.frame_count == 4


def test_mark_static_in_a_capture_specialises():
    def function(x):
        framelift.mark_static(x, 0)
        return x * 2

    f, counter = lifted_with_counter(function, dynamic=True)
    f(torch.ones(3, 4)), f(torch.ones(3, 5)), f(torch.ones(4, 5))
    assert counter.frame_count == 2


def test_mark_static_decorates_a_module_class():
    @framelift.mark_static
    class Plain(torch.nn.Module):
        def forward(self, x):
            return x

    assert framelift.compile(Plain(), backend="eager")(torch.ones(2)).shape == (2,)


def test_mark_dynamic_in_a_capture_runs_between_graphs():
    def function(x):
        framelift.mark_dynamic(x, 0)
        return x * 2

    f, counter = lifted_with_counter(function)
    f(torch.ones(3)), f(torch.ones(4))
    assert counter.frame_count == 1
    assert f.framelift.breaks[0].explanation == "framelift.mark_dynamic() asks for a graph break"


def test_mark_unbacked_says_what_to_do():
    with pytest.raises(MarkError, match="use mark_dynamic: the size stays free"):
        framelift.mark_unbacked(torch.ones(4), 0)


BAD_MARKS = {
    "mark_dynamic(t, 2) must name a dimension of the tensor, but is out of range for shape (2, 3); pass a number from "
    "-2 to 1": lambda: marked(2, 3, dim=2),
    "mark_dynamic(t, -3) must name a dimension of the tensor, but is out of range for shape (2, 3); pass a number from "
    "-2 to 1": lambda: marked(2, 3, dim=-3),
    "mark_dynamic(t, 0, min=5, max=3) must be a range of sizes, but is an empty one; swap min and max": lambda: marked(
        2, 3, min=5, max=3
    ),
    "mark_dynamic(t, 0, min=5, max=None) must be a range that holds the size of the tensor, but is about a size of 2; "
    "widen the range": lambda: marked(2, 3, min=5),
    "mark_dynamic(t, dim) takes an int or several, but is True; pass the number of a dimension": lambda: marked(
        2, dim=True
    ),
    "mark_dynamic(t, dim) takes an int or several, but is 'x'; pass the number of a dimension": lambda: marked(
        2, dim="x"
    ),
    "mark_dynamic(t, …) takes a tensor, but is of type list; mark the tensors that it holds": lambda: (
        framelift.mark_dynamic([torch.ones(2)], 0)
    ),
    "mark_dynamic(t, 0, min=…) takes an int of at least 0, or None, but is 'a'; pass the size that is the limit": (
        lambda: marked(2, min="a")
    ),
    "mark_dynamic(t, 0) must name a dimension of the tensor, but is out of range for shape (); a 0-d tensor has no "
    "size to mark": lambda: framelift.mark_dynamic(torch.tensor(1.0), 0),
    "mark_static(t, …) takes a tensor, but is of type int; mark the tensors that it holds": lambda: (
        framelift.mark_static(5)
    ),
    "maybe_mark_dynamic(t, 7) must name a dimension of the tensor, but is out of range for shape (2,); pass a number "
    "from -1 to 0": lambda: framelift.maybe_mark_dynamic(torch.ones(2), 7),
}


@pytest.mark.parametrize("text", BAD_MARKS)
def test_marks_that_cannot_be(text):
    with pytest.raises(MarkError) as caught:
        BAD_MARKS[text]()
    assert str(caught.value) == text


WITH_TORCH = """
import torch, torch._dynamo.testing
import framelift
from framelift.testing import CompileCounter

def graphs(mark, *calls, **options):
    x = torch.ones(4, 3)
    mark(x)
    counter = CompileCounter()
    f = framelift.compile(lambda x: x * 2, backend=counter, **options)
    f(x)
    for call in calls:
        f(call)
    return counter.frame_count

d = torch._dynamo.decorators
five, nine = torch.ones(5, 3), torch.ones(9, 3)
print(graphs(lambda x: d.mark_dynamic(x, 0), five, nine))
print(graphs(lambda x: d.mark_dynamic(x, 0, min=2, max=8), five, nine))
print(graphs(lambda x: d.maybe_mark_dynamic(x, 0), five, nine))
print(graphs(lambda x: d.mark_static(x), five, nine, dynamic=True))
print(graphs(lambda x: d.mark_unbacked(x, 0), five, nine))
x = torch.ones(4, 3)
framelift.mark_dynamic(x, 0, min=2, max=8)
d.mark_dynamic(x, 1)
d.mark_static(x, 1)
counter = torch._dynamo.testing.CompileCounter()
f = torch.compile(lambda x: x * 2, backend=counter)
f(x), f(torch.ones(5, 7))
print(counter.frame_count)
"""


def test_torch_s_own_marks_and_torch_with_ours():
    """In a process of its own: importing `torch._dynamo` warms up what other tests look at."""
    done = subprocess.run([sys.executable, "-c", WITH_TORCH], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "2", "1", "2", "1", "1"]


def test_marking_does_not_import_dynamo():
    program = (
        "import framelift, torch, sys; framelift.mark_dynamic(torch.ones(3), 0); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
