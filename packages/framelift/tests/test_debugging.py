"""A debugger steps from a call through dispatcher and entry code into resumed frames, and finds their text."""

from __future__ import annotations

import bdb
import linecache
import pathlib
import sys
import traceback

import torch

import framelift

X = torch.ones(3)


@framelift.disable
def ask(answers):
    return answers.pop()


def asks(x, answers):
    y = x.sin()
    answer = ask(answers)
    z = y * 2
    return z, answer


class Asking(torch.nn.Module):
    def forward(self, x, answers):
        y = x.cos()
        answer = ask(answers)
        return y * 2, answer


class Stepper(bdb.Bdb):
    """Steps through everything, and notes the lines of this file and of generated code."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def user_line(self, frame):
        file = frame.f_code.co_filename
        if file == __file__ or file.startswith("/framelift-generated/"):
            text = linecache.getline(file, frame.f_lineno).strip()
            self.lines.append((file, frame.f_code.co_name, frame.f_lineno, text))
        self.set_step()


def steps_of(function, *args):
    stepper, tracing = Stepper(), sys.gettrace()
    try:
        result = stepper.runcall(function, *args)
    finally:
        sys.settrace(tracing)
    return result, stepper.lines


def call(lifted, answers):
    return lifted(X, answers)


def in_order(wanted, lines):
    """The lines, each of which must come after the one before it."""
    remaining = iter(lines)
    return [next((line for line in remaining if (line[1], line[3]) == one), one) for one in wanted]


def test_every_line_has_its_text_and_the_generated_ones_are_those_of_source():
    lifted = framelift.compile(asks, backend="eager")
    lifted(X, [1]), call(lifted, [1])
    (_, answer), lines = steps_of(call, lifted, [1])
    assert answer == 1
    source = lifted.framelift.source().splitlines()
    for file, _, number, text in lines:
        assert text, (file, number)
        if file == __file__:
            assert text == pathlib.Path(__file__).read_text().splitlines()[number - 1].strip()
        else:
            assert text in [line.strip() for line in source]
    wanted = [
        ("call", "return lifted(X, answers)"),
        ("asks", "run = entry"),
        ("asks_entry", "y, = graph(x)"),
        ("ask", "return answers.pop()"),
        ("asks_continued", "run = entry"),
        ("asks_continued_entry", "z, = graph(y)"),
    ]
    assert [(name, text) for _, name, _, text in in_order(wanted, lines)] == wanted


def step_into_resumed(lifted, function, wanted):
    lifted(X, [1])
    with framelift.set_stance("eager_on_recompile"):  # another answer: the frame goes on as it is
        (_, answer), lines = steps_of(call, lifted, ["other"])
    assert answer == "other"
    steps = in_order([(function.__name__, text) for text in wanted], lines)
    first = function.__code__.co_firstlineno
    assert all(file == __file__ and first < number for file, _, number, _ in steps)
    assert [text for _, _, _, text in steps] == wanted


def test_a_resumed_function_is_stepped_through_at_its_own_lines():
    step_into_resumed(framelift.compile(asks, backend="eager"), asks, ["z = y * 2", "return z, answer"])


def test_a_resumed_module_is_stepped_through_at_its_own_lines():
    step_into_resumed(framelift.compile(Asking(), backend="eager"), Asking.forward, ["return y * 2, answer"])


def test_a_breakpoint_in_generated_code():
    lifted = framelift.compile(asks, backend="eager")
    lifted(X, [1])
    code = lifted.__code__
    text = "run = entry"
    (number,) = [at for at, line in enumerate(linecache.getlines(code.co_filename), 1) if line.strip() == text]
    hit = []

    class Breaker(bdb.Bdb):
        def user_line(self, frame):
            if self.break_here(frame):
                hit.append((frame.f_code.co_name, frame.f_lineno, frame.f_locals["answers"]))
            self.set_continue()

    breaker, tracing = Breaker(), sys.gettrace()
    assert breaker.set_break(code.co_filename, number) is None
    try:
        breaker.runcall(lifted, X, [1])
    finally:
        sys.settrace(tracing)
        breaker.clear_all_breaks()
    assert hit == [("asks", number, [])]  # the list as it is now, after the call


def test_a_traceback_shows_the_line_of_an_entry_point_s_graph():
    def fails(x):
        return x.reshape(2)

    lifted = framelift.compile(lambda x: fails(x + 1), backend="eager")
    try:
        lifted(X)
    except RuntimeError:
        assert "return x.reshape(2)" in traceback.format_exc()


def test_source_is_python_for_every_kind_of_lifted_thing():
    class Holder:
        def method(self, x, *rest, by=1, **more):
            y = x + by
            framelift.graph_break()
            return y * 2

        def __call__(self, x):
            return x + 1

    function = framelift.compile(asks, backend="eager")
    method = framelift.compile(Holder().method, backend="eager")
    callable_ = framelift.compile(Holder(), backend="eager")
    module = framelift.compile(Asking(), backend="eager")
    sources = {
        function: "def asks(x, answers, *extra, **named_extra)",
        method: "def method(self, x, *rest, by, **more)",
        callable_: "def __call__(self, x, *extra, **named_extra)",
        module: "def forward(self, x, answers, *extra, **named_extra)",
    }
    for lifted, signature in sources.items():
        assert signature in lifted.framelift.source()  # before the first call there is a dispatcher
    function(X, [1]), method(X, 2, by=3, other=4), callable_(X), module(X, [1])
    for lifted, signature in sources.items():
        text = lifted.framelift.source()
        compile(text, "source", "exec")
        assert signature in text
        assert "graph(" in text
    assert "def asks_continued(outcome, y" in function.framelift.source()
