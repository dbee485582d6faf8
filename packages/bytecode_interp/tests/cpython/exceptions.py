"""CPython's tests that end differently when they are interpreted, with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why a test may differ.

    Args:
        reason: in a few words.
        run: whether it is run at all: a test that changes what the interpreter itself stands on is not.
    """

    reason: str
    run: bool = True


TRACING = Exempt("sys.settrace sees the lines of calls only: other instructions run in no frame of CPython's")
OBJECTS = Exempt("counts, or compares the addresses of, all objects of the process: the interpreter's are among them")
REPLACED = Exempt("replaces a builtin by one that refuses what the interpreter itself calls it with", run=False)
WATCHED = Exempt("passes; but sys.setprofile, by which 3.11 is watched, merges a class body's cells into its namespace")
SNAPSHOT = Exempt("the f_locals of a hosting frame are those of when it was asked for")
LONG = Exempt("ten million iterations", run=False)

EXEMPT = {
    "test.test_descr.ClassPropertiesAndMethods.test_cycle_through_dict": OBJECTS,
    "test.test_descr.ClassPropertiesAndMethods.test_slots": OBJECTS,
    "test.test_functools.TestLRUC.test_lru_reentrancy_with_len": REPLACED,
    "test.test_functools.TestLRUPy.test_lru_reentrancy_with_len": REPLACED,
    "test.test_genexps.__test__.doctests": OBJECTS,
    "test.test_itertools.RegressionTests.test_long_chain_of_empty_iterables": LONG,
    "test.test_listcomps.ListComprehensionTest.test_frame_locals": SNAPSHOT,
    "test.test_super.TestSuper.test_various___class___pathologies": WATCHED,
    "test.test_patma.TestTracing.test_default_capture": TRACING,
    "test.test_patma.TestTracing.test_default_wildcard": TRACING,
    "test.test_patma.TestTracing.test_no_default": TRACING,
    "test.test_patma.TestTracing.test_only_default_capture": TRACING,
    "test.test_patma.TestTracing.test_only_default_wildcard": TRACING,
    "test.test_patma.TestTracing.test_unreachable_code": TRACING,
}
"""By the test's name."""

NATIVE: dict[str, str] = {}
"""Functions of the tests that run natively, by a part of `FILE:LINE NAME`, with the reason."""
