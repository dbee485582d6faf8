"""`Traced`: how a comptime call declares that a parameter is a value of the captured program."""

from __future__ import annotations

from typing import Annotated, Any

__all__ = ["Traced"]

Traced = Annotated[Any, "a value of the captured program: the context's method is given its ComptimeVar"]
"""The annotation of such a parameter; others are given the Python object, which must be known during the capture."""
