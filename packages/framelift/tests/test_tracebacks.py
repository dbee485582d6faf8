"""The traceback of an exception is eager's: where it was raised, which object it is, and what a program makes of it."""

from __future__ import annotations

import contextlib
import sys
import traceback

import pytest
import torch

import framelift


@contextlib.contextmanager
def within():
    try:
        yield
    finally:
        framelift.graph_break()


class Keeps:
    """A region that swallows an exception and tells what it saw of it."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, found):
        self.seen = found is error.__traceback__, found is sys.exc_info()[2], len(traceback.extract_tb(found))
        return True


def raised_in_two_regions(x):
    with within(), within():
        x.relu_()


def raised_after_a_break(x):
    framelift.graph_break()
    with within(), torch.enable_grad(), contextlib.suppress(KeyError), within():
        x.relu_()


def kept(x):
    region = Keeps()
    with region:
        raise ValueError
    return region.seen


def kept_of_an_operation(x):
    region = Keeps()
    with region:
        torch.cat([x, 5])
    return region.seen


def one_object(x):
    try:
        raise KeyError
    except KeyError as error:
        return error.__traceback__ is sys.exc_info()[2]


def another_object_once_raised_again(x):
    try:
        raise KeyError
    except KeyError as error:
        before = error.__traceback__
        try:
            raise error
        except KeyError as again:
            return before is again.__traceback__, error is again, error.__traceback__ is again.__traceback__


def raised_again_by_an_operation(x):
    try:
        torch.cat([x, 5])
    except TypeError as error:
        before = error.__traceback__
        try:
            raise error
        except TypeError as again:
            return before is again.__traceback__, before is None


def taken_away(x):
    try:
        raise KeyError
    except KeyError as error:
        return error.with_traceback(None).__traceback__


def of_another_exception(x):
    try:
        raise KeyError
    except KeyError as error:
        raise ValueError(2).with_traceback(error.__traceback__) from None


def of_an_operations_exception(x):
    try:
        torch.cat([x, 5])
    except TypeError as error:
        raise ValueError(2).with_traceback(error.__traceback__) from None


PROGRAMS = [
    raised_in_two_regions, raised_after_a_break, kept, kept_of_an_operation, one_object,
    another_object_once_raised_again, raised_again_by_an_operation, taken_away, of_another_exception,
    of_an_operations_exception,
]  # fmt: skip


def outcome(function):
    x = torch.ones(2, requires_grad=True)
    try:
        return function(x)
    except Exception as error:
        entries = traceback.extract_tb(error.__traceback__)[1:]
        own = [(entry.name, entry.lineno) for entry in entries if entry.filename == __file__]
        return type(error), str(error), own


@pytest.mark.parametrize("function", PROGRAMS)
def test_it_is_eagers(function):
    lifted = framelift.compile(function, backend="eager")
    assert [outcome(lifted) for _ in range(2)] == [outcome(function)] * 2
