"""`explain` tells what became of a call: for people, for programs, whatever is explained, and without traces."""

from __future__ import annotations

import functools
import gc
import html
import io
import json
import sys
import warnings
import weakref

import pytest
import torch
from rich.console import Console

import framelift
from framelift import errors

X = torch.ones(3)


def break_between(x, n):
    y = x.sin() + n
    print("between")
    return torch.relu(y) * 2


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.linear(x).relu()


class Scaler:
    def __init__(self, factor=3):
        self.factor = factor

    def scale(self, x):
        return x * self.factor

    def __call__(self, x):
        return x * self.factor + 1


class Inherits(Scaler):
    pass


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_graphs_breaks_and_the_result(capsys):
    explanation = framelift.explain(break_between)(X, 2)
    assert capsys.readouterr().out == "between\n"
    assert torch.equal(explanation.result(), torch.relu(X.sin() + 2) * 2)
    assert [(graph.function, graph.operations, graph.runs) for graph in explanation.graphs] == [
        ("break_between", 2, 1),
        ("break_between_continued", 2, 1),
    ]
    (broke,) = explanation.breaks
    assert broke.code == "FL202"
    assert broke.where == (__file__, break_between.__code__.co_firstlineno + 2)
    assert explanation.where == (__file__, break_between.__code__.co_firstlineno)
    assert "torch.relu" in explanation.graphs[1].code
    assert (explanation.graph_count, explanation.graph_break_count, explanation.op_count) == (2, 1, 4)


def test_guards_name_source_predicate_line_and_cost():
    explanation = framelift.explain(break_between)(X, 2)
    found = {str(one.guard): one for one in explanation.guards}
    one = found["L['n'] == 2"]
    assert (one.guard.name, one.guard.kind, one.function) == ("L['n']", "EQUALS_MATCH", "break_between")
    assert one.guard.user_line.filename == __file__
    assert all(one.cost is not None and 0 <= one.cost < 0.01 for one in explanation.guards)
    assert 0 < explanation.guard_cost < 0.01


def test_the_stages_of_capture_are_timed():
    explanation = framelift.explain(break_between)(X, 2)
    stages = dict(explanation.stages)
    assert list(stages) == ["interpret", "emit", "backend", "link"]
    assert all(seconds > 0 for seconds in stages.values())
    assert explanation.capture_time == sum(stages.values())


def test_a_lifted_function_keeps_its_backend_and_tells_its_recompilations():
    counted = []

    def backend(gm, inputs):
        counted.append(gm)
        return gm.forward

    lifted = framelift.compile(lambda x, flag: x + flag, backend=backend, fullgraph=True)
    lifted(X, False), lifted(X, True)
    source, specialisations = lifted.framelift.source(), lifted.framelift.specialisations
    explanation = framelift.explain(lifted)(X, None or "no")
    assert len(counted) == 2  # adding a text breaks, or raises: no third graph
    assert [str(one.failure.guard) for one in explanation.recompilations] == ["L['flag'] is False", "L['flag'] is True"]
    assert [one.number for one in explanation.recompilations] == [1, 2]
    assert isinstance(explanation.outcome.error, TypeError)
    assert lifted.framelift.source() == source
    assert lifted.framelift.specialisations == specialisations
    assert len(framelift.explain(lifted)(X, True).recompilations) == 1
    assert len(counted) == 3


# ---- the share of operations -----------------------------------------------------------------------------------------


def operations(fn, *args):
    found = framelift.explain(fn)(*args).operations
    return found.in_graphs, found.outside


def test_all_in_one_graph():
    assert operations(lambda x: torch.nn.functional.linear(x, torch.ones(3, 3)).relu(), X) == (3, 0)


def test_the_operation_that_breaks_is_outside():
    assert operations(lambda x: x.sum().item() + x.shape[0], X) == (1, 1)


def test_what_a_break_calls_is_outside():
    def norm(x):
        return (x * x).sum().sqrt()

    @framelift.disable
    def quiet(x):
        assert x.size(0) == 3
        assert x.dtype is torch.float32
        return norm(x)

    assert operations(lambda x: quiet(x + 1) + 1, X) == (2, 3)


def test_a_graph_in_a_loop_counts_as_often_as_it_runs():
    def loop(x):
        for _ in range(3):
            x = x + 1
            framelift.graph_break()
        return x

    explanation = framelift.explain(loop)(X)
    assert (explanation.operations.in_graphs, explanation.operations.outside) == (3, 0)
    assert explanation.operations.share == 1.0


def test_parts_of_a_result_are_no_operations():
    assert operations(lambda x: x.unbind()[1] + 1, X) == (2, 0)


def test_without_operations_there_is_no_share():
    assert framelift.explain(lambda x: 1)(X).operations.share is None


def test_a_lifted_function_that_a_break_calls_is_left_as_it_was():
    inner = framelift.compile(lambda x: x * 2, backend="eager")
    inner(X)

    def outer(x):
        return framelift.disable(inner)(x) + 1

    assert framelift.explain(outer)(X).result()[0] == 3
    assert len(inner.framelift.specialisations) == 1


def test_a_mode_of_the_user_s_is_seen_as_ever():
    class Doubling(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            return result * 2 if func is torch.Tensor.add else result

    def f(x):
        with Doubling():
            return x.add(1)

    assert torch.equal(framelift.explain(f)(X).result(), f(X))


# ---- whatever is explained -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (Linear(), None),
        (Scaler().scale, 3),
        (Scaler(), 4),
        (Inherits(2), 3),
        (framelift.compile(Scaler().scale, backend="eager"), 3),
        (framelift.compile(Inherits(4), backend="eager"), 5),
        (staticmethod(lambda x: x - 1), 0),
    ],
)
def test_what_can_be_captured(fn, expected):
    explanation = framelift.explain(fn)(X)
    assert len(explanation.graphs) == 1
    assert explanation.not_captured == ()
    assert expected is None or explanation.result()[0] == expected


def test_a_lifted_module():
    module = Linear()
    lifted = framelift.compile(module, backend="eager")
    lifted(torch.ones(2, 3))
    explanation = framelift.explain(lifted)(torch.ones(2, 3).double().float())
    assert explanation.recompilations == ()
    assert explanation.name == "Linear"
    assert torch.equal(explanation.result(), module(torch.ones(2, 3)))
    with torch.no_grad():
        (coming,) = framelift.explain(lifted)(torch.ones(2, 3)).recompilations
    assert "grad mode" in str(coming)
    assert len(lifted.framelift.specialisations) == 1


@pytest.mark.parametrize(
    ("fn", "args", "result", "kind"),
    [(dict, (), {}, "a class"), (Scaler, (), None, "a class")],
)
def test_what_is_not_python_code_is_called_and_says_so(fn, args, result, kind):
    explanation = framelift.explain(fn)(*args)
    (reason,) = explanation.not_captured
    assert reason.code == "FL301"
    assert kind in reason.explanation
    assert kind in str(explanation)
    assert result is None or explanation.result() == result


@pytest.mark.parametrize(
    ("fn", "args", "graphs"),
    [(torch.sin, (X,), 1), (functools.partial(torch.add, X), (X,), 1), (len, ([1, 2],), 0), (str.upper, ("a",), 0)],
)
def test_what_is_written_in_c_is_called_from_python(fn, args, graphs):
    explanation = framelift.explain(fn)(*args)
    assert len(explanation.graphs) == graphs
    assert explanation.not_captured == explanation.breaks == ()
    assert repr(explanation.result()) == repr(fn(*args))


def test_a_coroutine_function():
    async def compute(x):
        return x + 1

    explanation = framelift.explain(compute)(X)
    running = explanation.result()
    with pytest.raises(StopIteration) as stopped:
        running.send(None)
    assert stopped.value.value[0] == 2
    (broke,) = explanation.breaks
    assert broke.eager
    assert "a coroutine" in str(explanation)


def test_a_generator_function():
    def produce(x):
        yield x + 1

    explanation = framelift.explain(produce)(X)
    assert next(explanation.result())[0] == 2
    (broke,) = explanation.breaks
    assert broke.eager
    assert "generator" in broke.explanation


@pytest.mark.skipif(torch.__version__ < "2.12", reason="its guards refuse the mode in which operations are counted")
def test_what_torch_compile_returned():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch._dynamo warns when it is imported
        compiled = torch.compile(lambda x: x + 1, backend="eager")
        explanation = framelift.explain(compiled)(X)
    assert explanation.result()[0] == 2
    assert [broke.code for broke in explanation.breaks] == ["FL115"]


def test_a_function_whose_capture_fails(monkeypatch):
    seen = []

    def f(x):
        seen.append(1)
        return x + 1

    def fail(*args, **kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("framelift.specialiser.capture", fail)
    with pytest.warns(RuntimeWarning, match="FL103"):
        explanation = framelift.explain(f)(X)
    assert explanation.result()[0] == 2
    assert seen == [1]
    (reason,) = explanation.not_captured
    assert (reason.code, reason.where[0]) == ("FL103", __file__)
    assert "ZeroDivisionError: a bug" in str(reason)
    assert explanation.operations.share == 0.0


def test_a_part_that_is_beyond_the_recompile_limit():
    def loop(x):
        for name in "abcdefghij":
            x = x + len(name)
            ask(name)
        return x

    @framelift.disable
    def ask(name):
        return name

    with pytest.warns(RuntimeWarning, match="may have 8 specialisations"):
        explanation = framelift.explain(loop)(X)
    assert explanation.result()[0] == 11
    assert ["may have 8 specialisations" in one.explanation for one in explanation.not_captured] == [True]
    assert explanation.operations.outside > 0
    assert len(explanation.recompilations) == 7


def test_a_call_that_raises():
    seen = []

    def f(x):
        seen.append(1)
        raise KeyError("missing")

    explanation = framelift.explain(f)(X)
    assert seen == [1]
    with pytest.raises(KeyError, match="missing"):
        explanation.result()
    assert explanation.not_captured[0].code == "FL311"
    assert "raised KeyError" in str(explanation)
    assert json.loads(explanation.to_json())["raised"] == "KeyError('missing')"


def test_what_cannot_be_called():
    with pytest.raises(errors.ConfigurationError, match=r"explain\(3\) takes something that can be called"):
        framelift.explain(3)
    with pytest.raises(errors.UnknownBackendError):
        framelift.explain(len, backend="nope")


# ---- no traces -------------------------------------------------------------------------------------------------------


def test_the_function_is_as_before_and_nothing_is_kept_alive():
    def f(x):
        return x + 1

    before = dict(vars(f)), f.__code__
    tensor = torch.ones(3)
    explanation = framelift.explain(f)(tensor)
    assert (dict(vars(f)), f.__code__) == before
    gone = weakref.ref(f), weakref.ref(tensor)
    del explanation, f, tensor
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_it_is_a_value():
    explanation = framelift.explain(break_between)(X, 2)
    with pytest.raises(AttributeError):
        explanation.name = "other"
    assert repr(explanation) == "<Explanation of break_between: 2 graphs, 1 break>"


# ---- for people ------------------------------------------------------------------------------------------------------


def test_plain_text():
    text = str(framelift.explain(break_between)(X, 2))
    first, second, _, title, *_ = text.splitlines()
    assert first.startswith("break_between (test_explain.py:")
    assert first.endswith("): 2 graphs, 1 graph break, 24 guards, 0 recompilations")
    assert second == "4 of 4 torch operations in graphs (100 %)"
    assert title == "graphs"
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 110


def test_of_many_guards_the_costliest_are_shown():
    explanation = framelift.explain(lambda *xs: sum(xs))(*[torch.ones(1) for _ in range(60)])
    assert len(explanation.guards) > 60
    text = str(explanation)
    assert f"the 40 that cost most, of {len(explanation.guards)}" in text
    assert len(text.splitlines()) < 100
    assert len(json.loads(explanation.to_json())["guards"]) == len(explanation.guards)


def test_rich_prints_it_in_colour():
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=80)
    console.print(framelift.explain(break_between)(X, 2))
    assert "\x1b[" in console.file.getvalue()


HOSTILE = "a[red]b\x1b[31m<script>\ud800\n'\"]"


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __format__ = __hash__ = __eq__ = __repr__

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError("no attributes")


def test_hostile_texts_and_objects():
    def f(x, table, thing):
        return x + table[HOSTILE], thing

    f.__name__ = f.__qualname__ = HOSTILE
    explanation = framelift.explain(f)(X, {HOSTILE: 2.0}, Hostile())
    text = str(explanation)
    assert "\x1b" not in text
    assert "[red]" in text  # no markup
    page = explanation._repr_html_()
    assert "<script>" not in page
    assert html.escape("<script>") in page
    page.encode(), text.encode()
    data = explanation.to_json()
    assert json.loads(data)["function"] == HOSTILE.encode("utf-8", "backslashreplace").decode()
    data.encode("ascii")
    assert "hostile" not in data


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Hostile(), "\udfff", {"x": float("nan")}, b"\xff"])
def test_json_is_strict_whatever_is_returned_or_guarded(value):
    explanation = framelift.explain(lambda x, v: v)(X, value)
    data = json.loads(explanation.to_json(), parse_constant=refuse)
    assert data["schema"] == "framelift.explanation/1"
    assert json.loads(explanation.to_json(indent=2)) == data
    str(explanation), explanation._repr_html_()


def test_a_hostile_error():
    class Error(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    def f(x):
        raise Error(Hostile())

    explanation = framelift.explain(f)(X)
    assert json.loads(explanation.to_json())["raised"].endswith("Error(<Hostile>)")
    str(explanation)


def test_a_graph_that_leaves_the_grad_mode():
    def f(x):
        with torch.no_grad():
            return x * 2

    assert torch.equal(framelift.explain(f)(X).result(), X * 2)


def test_the_schema():
    data = json.loads(framelift.explain(break_between)(X, 2).to_json())
    assert list(data) == [
        "schema", "function", "where", "returned", "raised", "operations", "capture_seconds", "guard_check_seconds",
        "graphs", "breaks", "guards", "recompilations", "not_captured",
    ]  # fmt: skip
    assert list(data["graphs"][0]) == ["function", "where", "operations", "runs", "code"]
    assert list(data["breaks"][0]) == ["code", "explanation", "hint", "where", "stack", "runs_eagerly"]
    assert list(data["guards"][0]) == ["kind", "source", "predicate", "where", "function", "seconds"]


def test_importing_framelift_imports_nothing_heavy():
    import subprocess

    code = "import sys, framelift; sys.exit(bool({'rich', 'sympy', 'torch._dynamo'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
