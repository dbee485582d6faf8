"""What `framelift` offers: every name is there, documented, and found by `import framelift` alone."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import framelift

NAMES = [
    "allow_in_graph", "assume_constant_result", "compile", "comptime", "disable", "errors", "explain", "graph_break",
    "is_compiling", "list_backends", "mark_dynamic", "mark_static", "maybe_mark_dynamic", "register_backend", "reset",
    "set_stance",
]  # fmt: skip


def test_the_names():
    assert set(NAMES) <= set(framelift.__all__)
    assert sorted(framelift.__all__) == list(framelift.__all__)


@pytest.mark.parametrize("name", framelift.__all__)
def test_each_is_documented_with_an_example(name):
    value = getattr(framelift, name)
    text = inspect.getdoc(value) or ""
    assert text
    assert inspect.ismodule(value) or name == "comptime" or ">>>" in text


def test_lazy_ones_are_attributes_from_the_start():
    code = (
        "import framelift; framelift.testing.CompileCounter, framelift.explain; from framelift import *; explain, reset"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="module 'framelift' has no attribute 'nope'"):
        framelift.nope  # noqa: B018


@pytest.mark.parametrize("name", framelift.errors.__all__)
def test_each_error_has_a_code_or_is_a_base_and_is_documented(name):
    error = getattr(framelift.errors, name)
    assert issubclass(error, Exception)
    assert error.__doc__


def test_registered_backends_are_listed_and_used():
    seen = []

    def mine(gm, inputs):
        seen.append(gm)
        return gm.forward

    framelift.register_backend("mine of test_exports", mine)
    assert "mine of test_exports" in framelift.list_backends()
    framelift.compile(lambda x: x + 1, backend="mine of test_exports")(__import__("torch").ones(1))
    assert len(seen) == 1
    with pytest.raises(ValueError, match="must be new"):
        framelift.register_backend("eager", mine)
    with pytest.raises(TypeError, match="must be callable"):
        framelift.register_backend("other", 3)
