"""Import statements in functions: modules that are there are looked up, all else is imported as Python does."""

from __future__ import annotations

import sys

import pytest
import torch
from differential import check

import framelift


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "framelift_imported"
    folder.mkdir()
    (folder / "__init__.py").write_text("there = 1\n")
    (folder / "later.py").write_text("value = 3\n")
    (folder / "lost.py").write_text("import framelift_no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(folder.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def test_a_submodule_that_is_not_imported_yet(package):
    def f(x):
        from framelift_imported import later, there

        return x + later.value + there

    assert framelift.compile(f, backend="eager")(torch.ones(1)).item() == 5


@pytest.mark.parametrize("of_a_package", [True, False])
def test_a_name_that_a_module_lacks(of_a_package):
    def from_a_module(x):
        try:
            from bisect import no_such_name  # noqa: F401
        except ImportError as error:
            return x + 1, str(error), error.name, error.path, type(error)

    def from_a_package(x):
        try:
            from collections import no_such_name  # noqa: F401
        except ImportError as error:
            return x + 1, str(error), error.name, error.path, type(error)

    check(from_a_package if of_a_package else from_a_module, torch.ones(2), graphs=None)


def test_a_submodule_that_raises(package):
    def f(x):
        try:
            from framelift_imported import lost  # noqa: F401
        except ModuleNotFoundError as error:
            return x + 1, str(error), error.name

    check(f, torch.ones(2), graphs=None)
