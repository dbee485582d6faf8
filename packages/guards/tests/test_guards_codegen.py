import ast
import builtins
import concurrent.futures
import gc
import inspect
import linecache
import os
import textwrap
import traceback
import weakref

import pytest

from framelift_guards import Builder, GeneratedNamespace, compile_function
from framelift_guards.codegen import compile_late, lay_out

MODULES = ["argparse", "ast", "asyncio.base_events", "dataclasses", "functools", "inspect", "logging", "typing"]


def _functions(module):
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _lines(node):
    return [(type(inner).__name__, inner.lineno) for inner in ast.walk(node) if isinstance(inner, ast.stmt | ast.expr)]


def _comparable(node):
    """Tell whether every expression of the printed function is on one line, and none prints as another one."""
    return not any(
        isinstance(inner, ast.JoinedStr | ast.Match | ast.TryStar | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(inner, ast.Constant) and isinstance(inner.value, str) and "\n" in inner.value)
        for inner in ast.walk(node)
    )


@pytest.mark.parametrize("name", MODULES)
def test_lines_are_those_that_unparse_prints(name):
    import importlib

    seen = 0
    for function in _functions(importlib.import_module(name)):
        text = ast.unparse(function)
        (printed,) = ast.parse(text).body
        if not _comparable(printed):
            continue
        lay_out(function)
        if len(_lines(function)) == len(_lines(printed)):  # else unparse wrote something in another form
            assert _lines(function) == _lines(printed), text
            seen += 1
    assert seen > 5


def _definition(name="generated", body="return missing"):
    (function,) = ast.parse(f"def {name}(x):\n{textwrap.indent(body, '    ')}").body
    return function


def test_a_traceback_shows_the_generated_line():
    function = compile_function(_definition(body="y = x\nif y:\n    y = 1\nreturn y / 0"), GeneratedNamespace(["x"]))
    with pytest.raises(ZeroDivisionError) as caught:
        function(1)
    assert traceback.extract_tb(caught.tb)[-1].line == "return y / 0"
    assert inspect.getsource(function) == "def generated(x):\n    y = x\n    if y:\n        y = 1\n    return y / 0\n"


def test_the_text_is_forgotten_with_the_function():
    function = compile_function(_definition(), GeneratedNamespace())
    filename = function.__code__.co_filename
    assert filename in linecache.cache
    linecache.checkcache()
    assert linecache.getline(filename, 1) == "def generated(x):\n"
    del function
    gc.collect()
    assert linecache.getlines(filename) == []
    linecache.checkcache()
    assert filename not in linecache.cache


def test_text_may_be_forgotten_while_linecache_checks_its_files(monkeypatch):
    functions = [compile_function(_definition(), GeneratedNamespace()) for _ in range(2)]
    names = [function.__code__.co_filename for function in functions]
    for name in names:
        assert linecache.getline(name, 1)

    def stat(path, real=os.stat, **how):
        functions.clear()  # as a collector would that runs by then
        gc.collect()
        return real(path, **how)

    linecache.cache["/no/such/file.py"] = (1, 1.0, [], "/no/such/file.py")  # makes the check look for a file
    order = ["/no/such/file.py", *names]
    monkeypatch.setattr(linecache, "cache", {name: linecache.cache[name] for name in order})
    monkeypatch.setattr(os, "stat", stat)
    linecache.checkcache()
    assert not functions
    assert [linecache.getlines(name) for name in names] == [[], []]


def test_generated_code_sees_no_names_of_ours_and_has_builtins_for_the_c_code_that_it_calls():
    with pytest.raises(NameError, match="missing"):
        compile_function(_definition(), GeneratedNamespace())(1)
    assert GeneratedNamespace().globals["__builtins__"] is vars(builtins)


def test_defaults_in_the_ast_are_refused():
    (definition,) = ast.parse("def f(x=1): pass").body
    with pytest.raises(ValueError, match="f: defaults belong on the compiled function"):
        compile_function(definition, GeneratedNamespace())


def test_names_are_new_valid_and_one_for_each_object():
    namespace = GeneratedNamespace(["x", "x_1"])
    value = [1]
    assert namespace.name_of(value, "x") == "x_2"
    assert namespace.name_of(value, "y") == "x_2"
    assert namespace.name_of([1], "x") == "x_3"
    assert namespace.name_of([2], "class") == "c_class"
    assert namespace.name_of([3], "1 it's\n") == "c_1_it_s"
    assert namespace.name_of([4], "") == "c"
    namespace.drop(["x_2"])
    assert "x_2" not in namespace.globals
    assert namespace.name_of(value, "x") == "x_4"


@pytest.mark.parametrize(
    "value",
    [None, True, 5, -5, 1.5, -0.0, "it's\n", "\ud800", b"x", float("nan"), float("inf"), 10**100, "y" * 1000, (1,)],
)
def test_constants_come_out_as_they_went_in(value):
    namespace = GeneratedNamespace(["x"])
    definition = _definition()
    definition.body[0].value = Builder(namespace).constant(value)
    function = compile_function(definition, namespace)
    assert repr(function(0)) == repr(value)
    assert ast.unparse(definition)


def test_what_is_compiled_late_stays_one_function_and_binds_no_name():
    namespace = GeneratedNamespace(reserved=["x"])
    parameters = ast.arguments([], [ast.arg("x")], None, [], [], None, [])
    late = compile_late(ast.FunctionDef("late", parameters, [ast.Return(ast.Name("x", ast.Load()))], []), namespace)
    before, watched = set(namespace.globals), weakref.ref(late)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(late, range(8))) == list(range(8))
    assert (late(x := object()) is x, late.__kwdefaults__) == (True, {})
    assert set(namespace.globals) == before
    assert linecache.getline(late.__code__.co_filename, 2) == "    return x\n"
    with pytest.raises(TypeError):
        late(1, start=len)
    del late
    gc.collect()
    assert watched() is None
