"""Struct sequences of `sys`, such as `sys.version_info`: tuples of C code with names for their items (structseq.c)."""

from __future__ import annotations

import sys
from typing import Any

from framelift_guards import Is, Source

from ..handler import Tracking
from ..variable import Variable
from .container import natives
from .tuple import TupleHandler, TupleVariable


class StructSequenceHandler(TupleHandler):
    """Struct sequences that show all of their items, each of which is plain data: they are constants."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return TupleVariable(tuple(natives(domain, tuple(tuple.__iter__(value)))), source, type(value))


HANDLERS = {
    type(value): StructSequenceHandler()
    for value in vars(sys).values()
    if isinstance(value, tuple) and getattr(type(value), "n_fields", None) == len(value)
}
