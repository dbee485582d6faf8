"""A domain that counts what a program does: each operation of the domain, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import OPERATIONS, ConcreteDomain


def _counted(kind: str, name: str) -> Callable[..., Any]:
    operation = getattr(ConcreteDomain, name)

    def count(self: Any, *operands: Any) -> Any:
        self.counts[kind, name] += 1
        return operation(self, *operands)

    return count


class _Counts(ConcreteDomain):
    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, str]] = Counter()


CountingDomain = type(
    "CountingDomain", (_Counts,), {name: _counted(kind, name) for kind, names in OPERATIONS.items() for name in names}
)
"""Values are the objects themselves; `counts` says how often each operation was asked, by (kind, name)."""
