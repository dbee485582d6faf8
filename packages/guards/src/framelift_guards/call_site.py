"""How a call under way was written, as the instructions of its caller tell it."""

from __future__ import annotations

import dis
import types

__all__ = ["names_given"]


def names_given(caller: types.FrameType) -> tuple[str, ...]:
    """Return the names by which the call that a frame is in the midst of gives arguments.

    A callee cannot tell `f(1)` from `f(a=1)`. It is answered for calls that are written out; for `f(**named)`, and for
    a call by C code, there are no names.

    Args:
        caller: the frame that calls.

    >>> import sys
    >>> def called(first, second):
    ...     return names_given(sys._getframe(1))
    >>> called(1, second=2)
    ('second',)
    >>> called(1, 2), called(1, **{"second": 2})
    ((), ())
    """
    before = now = None
    for instruction in dis.get_instructions(caller.f_code):
        if instruction.offset > caller.f_lasti:
            break
        if instruction.opname not in _BETWEEN:
            before, now = now, instruction
    if before is None or before.arg is None or now is None or (now.opname, before.opname) not in _WITH_NAMES:
        return ()
    names: tuple[str, ...] = caller.f_code.co_consts[before.arg]
    return names


_BETWEEN = ("EXTENDED_ARG", "PRECALL", "CACHE")
_WITH_NAMES = (("CALL", "KW_NAMES"), ("CALL_KW", "LOAD_CONST"))
"""A call, and what comes before it when it gives names: CPython 3.11 and 3.12 write it in one way, 3.13 in another."""
