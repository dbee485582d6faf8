"""`reset` and the stances reach every lifted function and module, at once, and keep none alive."""

from __future__ import annotations

import gc
import threading
import types
import warnings
import weakref

import pytest
import torch

import framelift
from framelift import errors
from framelift.testing import CompileCounter

X = torch.ones(3)


def broken(x):
    y = x + 1
    framelift.graph_break()
    return y * 2


@pytest.fixture
def lifted():
    counter = CompileCounter()
    found = types.SimpleNamespace(counter=counter, f=framelift.compile(broken, backend=counter))
    found.module = framelift.compile(torch.nn.Linear(3, 3), backend=counter)
    found.f(X), found.module(X)
    assert counter.frame_count == 3
    return found


# ---- reset -----------------------------------------------------------------------------------------------------------


def test_reset_forgets_functions_modules_and_continuations(lifted):
    framelift.reset()
    assert lifted.f.framelift.specialisations == lifted.module.framelift.specialisations == []
    assert lifted.f(X)[0] == 4
    lifted.module(X)
    assert lifted.counter.frame_count == 6


def test_reset_lets_go_of_graphs_and_constants(lifted):
    graph = weakref.ref(lifted.f.framelift.graphs[0])
    framelift.reset()
    lifted.counter.clear()
    gc.collect()
    assert graph() is None


def test_nothing_is_kept_alive_by_being_known():
    def f(x):
        return x + 1

    made = framelift.compile(f, backend="eager")
    made(X)
    gone = weakref.ref(f), weakref.ref(made), weakref.ref(made.framelift)
    del f, made
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]
    framelift.reset()


def test_clear_forgets_one(lifted):
    lifted.f.framelift.clear()
    assert lifted.f.framelift.specialisations == []
    assert len(lifted.module.framelift.specialisations) == 1


def test_reset_while_other_threads_call():
    lifted = framelift.compile(broken, backend="eager")
    wrong = []

    def call():
        for size in (2, 3) * 10:
            if lifted(torch.ones(size)).tolist() != [4.0] * size:
                wrong.append(size)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        framelift.reset()
    assert wrong == []


# ---- stances ---------------------------------------------------------------------------------------------------------


def test_force_eager_as_a_context(lifted):
    seen = []
    other = framelift.compile(lambda x: seen.append(torch.compiler.is_compiling()) or x + 1, backend="eager")
    with framelift.set_stance("force_eager"):
        assert lifted.f(X)[0] == 4
        other(X)
        late = framelift.compile(lambda x: x - 1, backend="eager")
        late(X)
    assert seen == [False]
    assert late.framelift.specialisations == []
    assert len(lifted.f.framelift.specialisations) == 2
    lifted.f(X), late(X), other(X)
    assert lifted.counter.frame_count == 3
    assert len(late.framelift.specialisations) == 1


def test_graphs_do_not_run_under_force_eager():
    runs = []

    def backend(gm, inputs):
        return lambda *args: runs.append(1) or gm(*args)

    f = framelift.compile(broken, backend=backend)
    f(X)
    with framelift.set_stance("force_eager"):
        f(X)
    f(X)
    assert len(runs) == 4


def test_fail_on_recompile(lifted):
    with framelift.set_stance("fail_on_recompile"):
        assert lifted.f(X)[0] == 4
        with pytest.raises(errors.RecompilationError, match=r"broken must be captured already.*x\.dtype"):
            lifted.f(X.double())
        with pytest.raises(errors.RecompilationError, match="called for the first time"):
            framelift.compile(broken, backend="eager")(X)
    assert lifted.f(X.double())[0] == 4


def test_eager_on_recompile(lifted):
    with framelift.set_stance("eager_on_recompile"):
        assert lifted.f(X.double())[0] == 4
        assert lifted.f(X)[0] == 4
    assert lifted.counter.frame_count == 3


def test_a_stance_as_a_decorator_and_as_a_call(lifted):
    @framelift.set_stance("fail_on_recompile")
    def strict():
        lifted.f(X.double())

    with pytest.raises(errors.RecompilationError):
        strict()
    lifted.f(X.double())
    strict()
    framelift.set_stance("fail_on_recompile")
    try:
        with framelift.set_stance("default"):
            lifted.f(X.half())
        with pytest.raises(errors.RecompilationError):
            lifted.f(X.bool())
    finally:
        framelift.set_stance("default")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stance": "eager"}, "must be one of default, force_eager"),
        ({"stance": "eager_then_compile"}, "must be one of default, force_eager"),
        ({"stance": 3}, "must be one of"),
        ({"force_backend": "eager"}, r"give compile\(backend=\)"),
        ({"skip_guard_eval_unsafe": True}, "guards are always checked"),
    ],
)
def test_what_is_no_stance(arguments, message):
    with pytest.raises(errors.ConfigurationError, match=message):
        framelift.set_stance(**arguments)


def test_torch_s_stance_is_honoured_where_something_would_be_captured(lifted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch._dynamo warns of when it is imported is not the subject
        stance = torch.compiler.set_stance("fail_on_recompile")
    with stance:
        assert lifted.f(X)[0] == 4
        with pytest.raises(errors.RecompilationError):
            lifted.f(X.double())
    torch.compiler.set_stance("default")
    assert lifted.f(X.double())[0] == 4


def test_explain_says_that_a_stance_is_in_force():
    with framelift.set_stance("force_eager"):
        explanation = framelift.explain(broken)(X)
    assert explanation.graphs == ()
    assert "set_stance('force_eager') is in force" in str(explanation)
