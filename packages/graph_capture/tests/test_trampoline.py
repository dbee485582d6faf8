"""What a breaking operation sees below it is the user's frames."""

from __future__ import annotations

import sys
import traceback
import warnings

import pytest

from framelift_bytecode_interp import EagerOperation
from framelift_graph_capture.tail_call import TailCall, drive
from framelift_graph_capture.trampoline import Operation, Position

HERE = [Position(__file__, "outer", 3, globals()), Position(__file__, "inner", 9, globals())]


def perform(handled, call, *operands, **keywords):
    operation = EagerOperation((), lambda namespace, builtins, operands: (call, operands, keywords), 0)
    return Operation(operation, HERE, globals())(handled, *operands)


@pytest.mark.parametrize(("level", "line"), [(1, 9), (2, 3)])
def test_warnings_name_the_user_line(level, line):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        perform(None, warnings.warn, "look", stacklevel=level)
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_tracebacks_show_the_user_frames_without_columns():
    with pytest.raises(ZeroDivisionError) as caught:
        perform(None, lambda: 1 // 0)
    entries = traceback.extract_tb(caught.value.__traceback__)
    assert [(one.name, one.lineno) for one in entries][-3:-1] == [("outer", 3), ("inner", 9)]
    assert entries[-2].colno is None


def test_the_handled_exception_is_current_and_unchanged():
    handled = KeyError("k")
    seen = perform(handled, sys.exc_info)
    assert seen[1] is handled
    assert handled.__traceback__ is None
    with pytest.raises(ZeroDivisionError) as caught:
        perform(handled, lambda: 1 // 0)
    assert caught.value.__context__ is handled


def test_a_chain_of_tail_calls_has_constant_depth():
    depths = set()

    def step(count):
        depths.add(len(traceback.extract_stack()))
        return TailCall(step, (count - 1,)) if count else "done"

    assert drive(step, 3000) == "done"
    assert len(depths) == 1
