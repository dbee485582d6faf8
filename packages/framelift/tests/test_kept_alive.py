"""What a program used dies when the program lets go of it, at once: no cache of ours keeps it, and no cycle of ours.

The collector of cycles is off throughout. Where what is used makes a cycle of its own (a class does), it is collected
once before the answer is asked for.
"""

from __future__ import annotations

import contextlib
import gc
import types
import weakref

import pytest
import torch

import framelift

MODES = ["checked", framelift.Sampled(every=2), framelift.Frozen()]


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Let torch import what it imports when it first needs it, which leaves frames of the importing call behind."""
    for function in (times, times_after_a_break, error_from_a_break):
        with contextlib.suppress(RuntimeError):
            framelift.compile(function, backend="eager")(torch.ones(2), Box(scale=2))


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Box:
    """Something that a program reads."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def times(x, box):
    return x * box.scale


def times_after_a_break(x, box):
    y = x + box.scale
    framelift.graph_break()
    return y * box.scale


def times_or_error(x, box):
    y = x * box.scale
    if box.wrong:
        raise ValueError(box.scale)
    return y


def times_or_wrong(x, box):
    y = x * box.scale
    if box.scale == 2:
        raise Wrong(box)
    return y


def fails_to_broadcast(x, box):
    return (x * box.scale).reshape(7, 7)


def error_from_a_break(x, box):
    y = x * box.scale
    framelift.graph_break()
    return y.reshape(7, 7)


def wrong_after_breaks(x, box):
    framelift.graph_break()
    try:
        framelift.graph_break()
        raise Wrong(box)
    finally:
        framelift.graph_break()


def wrong_through_a_handler(x, box):
    try:
        wrong_after_breaks(x, box)
    except Wrong:
        framelift.graph_break()
        raise


def lifted(function, mode):
    return framelift.compile(function, backend="eager", guards=mode, dynamic=False)


def calls(function, shapes=((2,), (2,), (3,), (4,))):
    """Call with new objects each time, so that there are hits and recompiles; return weak references to all of them."""
    references = []
    for shape in shapes:
        x, box = torch.ones(shape), Box(scale=2, wrong=False)
        result = function(x, box)
        references += [weakref.ref(one) for one in (x, box, result)]
    return references


def dead(references):
    return [reference() for reference in references if reference() is not None] == []


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("function", [times, times_after_a_break, times_or_error])
def test_arguments_and_results(function, mode):
    ours = lifted(function, mode)
    references = calls(ours)
    assert dead(references)
    assert len(ours.framelift.specialisations) >= 3


class Wrong(ValueError):
    """An exception that a weak reference can refer to."""


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("function", [times_or_error, fails_to_broadcast, error_from_a_break])
def test_exceptions_and_the_frames_of_their_tracebacks(function, mode):
    ours = lifted(function, mode)
    references = []
    for size in (2, 2, 3):
        x, box = torch.ones(size), Box(scale=2, wrong=True)
        with contextlib.suppress(ValueError, RuntimeError):
            ours(x, box)
        references += [weakref.ref(x), weakref.ref(box)]
        del x, box
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("function", [times_or_wrong, wrong_after_breaks, wrong_through_a_handler])
def test_exceptions_of_the_programs_own(function, mode):
    ours = lifted(function, mode)
    references = []
    for size in (2, 2, 3):
        try:
            ours(torch.ones(size), Box(scale=2))
        except Wrong as error:
            references.append(weakref.ref(error))
    assert len(references) == 3
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_modules_and_what_they_hold(mode):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    ours = lifted(model, mode)
    called = lifted(lambda model, x: model(x), mode)
    for shape in ((1, 2), (1, 2), (4, 2)):
        ours(torch.ones(shape))
        called(model, torch.ones(shape))
    references = [weakref.ref(one) for one in (model, model[0], model[0].weight)]
    del model, ours
    gc.collect()  # a lifted module and its methods refer to one another
    assert dead(references)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    called(model, torch.ones(1, 2))
    reference = weakref.ref(model)
    del model
    assert reference() is None


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_closures_and_functions(mode):
    ours = lifted(lambda x, function: function(x) + 1, mode)
    references = []
    for size in (2, 2, 3):
        box, tensor = Box(scale=2), torch.ones(size)

        def helper(x, box=box, *, tensor=tensor):
            return x * box.scale + tensor

        ours(torch.ones(size), helper)
        references += [weakref.ref(one) for one in (box, tensor, helper)]
        del box, tensor, helper
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_function_itself_and_what_it_closes_over(mode):
    box, tensor = Box(scale=2), torch.ones(2)

    def make(box, tensor):
        return lambda x: x * box.scale + tensor

    function = make(box, tensor)
    ours = lifted(function, mode)
    for size in (2, 2, 1):
        ours(torch.ones(size))
    references = [weakref.ref(one) for one in (function, box, tensor)]
    del function, box, tensor, ours
    gc.collect()  # a lifted function, its dispatcher and its specialisations refer to one another
    assert dead(references)


class Base:
    def scaled(self, x):
        return x * 2


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_classes(mode):
    ours = lifted(lambda x, box: box.scaled(x) + len(type(box).__mro__), mode)
    references = []
    for size in (2, 2, 3):

        class Derived(Base):
            def scaled(self, x):
                return super().scaled(x) + 1

        ours(torch.ones(size), Derived())
        references.append(weakref.ref(Derived))
        del Derived
    gc.collect()  # a class is a cycle
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_python_modules(mode):
    module = types.ModuleType("gone")
    exec("K = 3\nclass A: z = 4\na = A()\ndef f(x): return x + K + a.z", module.__dict__)  # noqa: S102
    ours = lifted(module.f, mode)
    for size in (2, 2, 3):
        ours(torch.ones(size))
    references = [weakref.ref(one) for one in (module, module.A, module.a, module.f)]
    del module, ours
    gc.collect()  # the variables of a module and its functions refer to one another
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_failed_capture(mode):
    def refusing(graph, example_inputs):
        raise RuntimeError("no")

    ours = framelift.compile(times, backend=refusing, guards=mode)
    references = []
    for _ in range(2):
        x, box = torch.ones(2), Box(scale=2)
        with pytest.raises(framelift.errors.FrameliftError):
            ours(x, box)
        references += [weakref.ref(x), weakref.ref(box)]
        del x, box
    gc.collect()  # pytest's record of an exception and its frames are a cycle
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_capture_that_only_breaks(mode):
    def opaque(x, box):
        return x.tolist(), box.scale

    ours = lifted(opaque, mode)
    references = []
    for size in (2, 2, 3):
        x, box = torch.ones(size), Box(scale=2)
        ours(x, box)
        references += [weakref.ref(x), weakref.ref(box)]
        del x, box
    assert dead(references)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_was_cleared(mode):
    held = Box(scale=3)
    ours = lifted(lambda x: x * held.scale, mode)
    for size in (2, 2, 3):
        ours(torch.ones(size))
    graphs = [weakref.ref(one) for one in ours.framelift.graphs]
    assert graphs
    ours.framelift.clear()
    gc.collect()  # a graph and its module refer to one another
    assert dead(graphs)
