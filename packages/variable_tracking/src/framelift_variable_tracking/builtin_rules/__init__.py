"""What a call of a built-in function means, one module a topic; `RULES` is the table of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..handler import FunctionRule
from . import copying, functional, iteration, library, logs, numbers, objects, operators

RULES: Final[Mapping[Any, FunctionRule]] = {
    **objects.RULES,
    **iteration.RULES,
    **numbers.RULES,
    **operators.RULES,
    **functional.RULES,
    **copying.RULES,
    **library.RULES,
    **logs.RULES,
}
"""The rules of built-in functions, and of classes whose calls are no plain construction."""

PURE: Final[tuple[Any, ...]] = ()
"""Functions that are evaluated on constants and have no rule of their own; those of this package all have one."""
