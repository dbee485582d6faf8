"""What exceptions refer to (context, cause, traceback) is what Python makes it, however the capture met them."""

import traceback

import pytest
import torch

import framelift


def described(error):
    """Return the chain of an exception."""
    found = []
    while error is not None and len(found) < 9:
        found.append((type(error).__name__, str(error), type(error.__cause__).__name__, error.__suppress_context__))
        error = error.__context__
    return found


def lines(error):
    return [(entry.name, entry.lineno) for entry in traceback.extract_tb(error.__traceback__)]


def made(cls, *args):
    framelift.graph_break()
    return cls(*args)


def raising_while_handling():
    try:
        [].pop()
    except IndexError:
        raise ValueError(1)  # noqa: B904 - the context is what is looked at


def context_of_an_inner_frame(x):
    try:
        raise KeyError
    except KeyError:
        try:
            raising_while_handling()
        except ValueError as error:
            return described(error)


def thrown_into_a_generator(x):
    def generator():
        try:
            yield 1
        except KeyError:
            raise ValueError  # noqa: B904

    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        suspended = generator()
        next(suspended)
        try:
            suspended.throw(KeyError())
        except ValueError as error:
            return described(error)


def a_ring_of_contexts(x):
    one, other, new = KeyError(1), KeyError(2), ValueError(3)
    one.__context__, other.__context__ = other, one
    try:
        try:
            raise one
        except KeyError:
            raise new  # noqa: B904
    except ValueError as error:
        return described(error)[:4]


def existing_ones(x):
    one, other = made(OSError, "one"), made(ValueError, 2)
    try:
        try:
            raise one
        except OSError:
            raise other  # noqa: B904
    except ValueError as error:
        return described(error)


def a_cause_of_an_existing_one(x):
    one = made(OSError, "one")
    try:
        raise one from KeyError("cause")
    except OSError:
        pass
    framelift.graph_break()
    return described(one)


def reraised(x):
    def inner():
        try:
            raise SyntaxError("bad")
        except SyntaxError:
            raise

    try:
        inner()
    except SyntaxError as error:
        return lines(error), error.msg, str(error)


class Swallowing:
    def __enter__(self):
        return self

    def __exit__(self, cls, error, trace):
        self.lines = [(entry.name, entry.lineno) for entry in traceback.extract_tb(trace)]
        return True


def traceback_of_a_block(x):
    with Swallowing() as block:
        raising_while_handling()
    return block.lines


def what_exceptions_keep(x):
    found = []
    for error in (SystemExit(3), OSError(2, "no"), ImportError("q"), UnicodeDecodeError("utf8", b"a", 0, 1, "r")):
        found += [type(error).__name__, str(error), error.args, getattr(error, "code", None), repr(error)]
    return [*found, ModuleNotFoundError("z", name="z").name, OSError(2, "no", "file").filename]


PROGRAMS = [
    context_of_an_inner_frame, thrown_into_a_generator, a_ring_of_contexts, existing_ones, a_cause_of_an_existing_one,
    reraised, traceback_of_a_block, what_exceptions_keep,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_links(program):
    assert framelift.compile(program, backend="eager")(torch.ones(1)) == program(torch.ones(1))


def test_exceptions_that_keep_more_than_their_arguments_are_captured():
    def program(x):
        try:
            raise SystemExit(3)
        except SystemExit as error:
            return x + error.code

    assert framelift.compile(program, backend="eager", fullgraph=True)(torch.ones(1)).item() == 4
