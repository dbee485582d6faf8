"""The binary operators on plain constants, and which of them give results that are too large to evaluate."""

from __future__ import annotations

from typing import Any

from framelift_bytecode_interp import Break

from .evaluation import LARGEST_RESULT, TEXTS, too_large, too_special, wide


def _huge_integer(op: str, left: int, right: int) -> bool:
    if op == "**":
        return right > 0 and abs(left) > 1 and left.bit_length() * right > LARGEST_RESULT
    if op == "<<":
        return left != 0 and right > LARGEST_RESULT
    return op == "*" and left.bit_length() + right.bit_length() > LARGEST_RESULT


def huge(op: str, left: Any, right: Any) -> bool:
    """Tell whether an operator on constants gives very many bits or characters.

    >>> huge("**", 10, 10**9), huge("<<", 1, 5), huge("*", "a", 10**9), huge("*", 2.0, 3)
    (True, False, True, False)
    """
    if isinstance(left, int) and isinstance(right, int):
        return _huge_integer(op, left, right)
    text, other = (left, right) if type(left) in TEXTS else (right, left)
    if type(text) not in TEXTS:
        return False
    if op == "*" and isinstance(other, int):
        return len(text) * other > LARGEST_RESULT
    return op == "+" and type(other) is type(text) and len(text) + len(other) > LARGEST_RESULT


def refused(op: str, left: Any, right: Any) -> Break | None:
    """Return the break of an operator that is not evaluated."""
    name = type(left).__name__
    if huge(op, left, right):
        return too_large(name, f"the operator {op!r}")
    if op == "%" and type(left) in TEXTS:
        template = left if isinstance(left, str) else left.decode("latin-1")
        if wide(template) or "*" in template:
            return too_special(name, "a width that is given by an argument of '%'")
    return None
