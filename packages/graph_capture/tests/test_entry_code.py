"""Entry code is readable Python: fetch, graph, values, effects, and then the end."""

from __future__ import annotations

import textwrap

import pytest
import torch

from framelift_graph_capture import Continuation, FunctionCall, capture, default_registry
from framelift_guards import Dispatcher


class Holder:
    value = None


def captured(function, dynamic=False, **values):
    """Return the capture of a call."""
    return capture(FunctionCall(function), values, registry=default_registry(), dynamic=dynamic)


def opaque(x):
    return print(end="") or x


def linked(found, graph=None, continue_at=lambda continuation: continuation.run_positionally):
    """Return a function of the entry point's parameters that runs the capture where its guards hold."""
    dispatcher = Dispatcher.for_parameters(found.entry_point.parameters, lambda values: "miss")
    dispatcher.add(found.guards, found.entry(graph, continue_at), found.sources, found.together)
    return dispatcher.function


def test_effects_come_after_the_graph_and_before_the_return():
    def f(h, items, x):
        y = x * 2
        h.value = y
        items.append(y)
        return [y, items]

    found = captured(f, h=Holder(), items=[1], x=torch.ones(2))
    assert found.source() == textwrap.dedent("""\
        def f_entry(h, items, x):
            try:
                y, = graph(x)
            except Exception as error:
                failure = error
            else:
                made_list = [y, items]
                the_setattr(h, 'value', y)
                extend(items, [y])
                return made_list
            return graph_failed(failure, h, items, x)
        """)


def test_sizes_are_computed_from_the_inputs():
    found = captured(lambda x: x.size(0) * 2 + 1, dynamic=True, x=torch.ones(3))
    assert found.graph is None
    assert "2 * v + 1" in found.source()
    run = linked(found)
    assert (run(torch.ones(3)), run(torch.ones(5)), run(torch.ones(1))) == (7, 11, "miss")


def test_a_break_ends_in_one_of_two_continuations():
    def f(x):
        y = x + 1
        z = opaque(y)
        return z * y

    found = captured(f, x=torch.ones(2))
    assert found.break_.where[0] == __file__
    continuations = []

    def continue_at(continuation):
        continuations.append(continuation)
        return continuation.run_positionally

    assert linked(found, found.graph.forward, continue_at)(torch.ones(2)).tolist() == [4.0, 4.0]
    linked(captured(f, x=torch.ones(2)), found.graph.forward, continue_at)
    assert [(type(one), one.raised) for one in continuations] == [(Continuation, False), (Continuation, True)] * 2
    assert continuations[:2] == continuations[2:], "a break that is met again has the same continuations"
    assert continuations[0] != continuations[1]
    assert len(continuations[0].frames) == 2


def test_what_cannot_be_left_runs_eagerly_and_says_so():
    def f(x):
        def produce():
            yield opaque(x)

        return list(produce())

    found = captured(f, x=torch.ones(2))
    assert found.runs_eagerly
    assert found.break_.eager
    assert linked(found)(torch.ones(2))[0].tolist() == [1.0, 1.0]


def test_a_call_that_raises_is_left_to_python():
    def f(x):
        raise ValueError("as eager")

    assert captured(f, x=torch.ones(2)).runs_eagerly


def test_the_grad_mode_is_restored_when_the_graph_raises():
    def f(x):
        with torch.no_grad():
            return x * 2

    found = captured(f, x=torch.ones(2))

    def fail(*values):
        torch._C._set_grad_enabled(False)
        raise RuntimeError("in the graph")

    with pytest.warns(RuntimeWarning, match="in the graph"):
        linked(found, fail)(torch.ones(2))
    assert torch.is_grad_enabled()


def test_many_values_that_only_the_graph_needs_are_passed_on_as_they_come():
    tensors = [torch.full((2,), float(n)) for n in range(60)]

    def f(x, tensors):
        total = x
        for n, tensor in enumerate(tensors):
            total = total * 2 + tensor * n
        return total, tensors[0]

    found = captured(f, x=torch.ones(2), tensors=tensors)
    assert found.source() == textwrap.dedent("""\
        def f_entry(x, tensors, v, inputs):
            try:
                total_59, = apply(graph, inputs)
            except Exception as error:
                failure = error
            else:
                made_tuple = (total_59, v)
                return made_tuple
            return graph_failed(failure, x, tensors)
        """)
    run = linked(found, found.graph.forward)
    expected, first = f(torch.ones(2), tensors)
    result, same = run(torch.ones(2), tensors)
    assert torch.equal(result, expected)
    assert same is first
