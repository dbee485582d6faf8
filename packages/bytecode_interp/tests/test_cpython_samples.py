"""Some of CPython's own test modules end interpreted as they do natively; `cpython/compare.py` runs all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).with_name("cpython")))

from compare import compare, is_there

SAMPLES = ["test_augassign", "test_with", "test_unpack_ex", "test_yield_from", "test_super", "test_except_star"]


@pytest.mark.parametrize("module", SAMPLES)
def test_a_module_of_cpythons_tests(module) -> None:
    if not is_there(module):
        pytest.skip("this Python ships no `test` package")
    made = compare(module, 120)
    assert made.tests
    assert made.ended == ""
    assert made.surprising == []
    assert made.surprisingly_native == []
    assert made.hosted > 10
