"""The text of a code object, word for word."""

from __future__ import annotations

import textwrap

from framelift_bytecode_interp import listing


def guarded(xs, k):
    total = 0
    for x in xs:
        if x is None:
            continue
        total += x[k]
    return total


def test_a_listing_shows_lines_depths_arguments_and_live_variables() -> None:
    namespace: dict = {}
    exec("def f(a, b):\n    a = -a\n    return b", namespace)
    assert listing(namespace["f"].__code__) == textwrap.dedent(
        """\
        f
          line index depth instruction  live
             1     0     0 RESUME 0     a, b
             2     1     0 LOAD_FAST a  a, b
                   2     1 UNARY_OP '-' b
                   3     1 STORE_FAST a b
             3     4     0 LOAD_FAST b  b
                   5     1 RETURN_VALUE"""
    )


def test_jumps_are_to_indexes_and_handlers_are_listed() -> None:
    namespace: dict = {}
    exec("def f(x):\n    try:\n        return g(x)\n    except E:\n        return 0", namespace)
    text = listing(namespace["f"].__code__)
    assert "PUSH_EXC_INFO" in text
    assert " at depth 0\n" in text
    assert text.endswith("at depth 1, with the position")
    assert listing(guarded.__code__).count("FOR_ITER") == 1
