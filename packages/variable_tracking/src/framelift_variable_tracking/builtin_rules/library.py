"""Functions of other modules of the standard library: `re`, `os`, `collections`."""

from __future__ import annotations

import collections
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from framelift_bytecode_interp import Value

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..polyfills import containers
from .arguments import Parameters, evaluated, polyfilled, refuse, special


def _fspath(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return refuse(domain, os.fspath, args, kwargs)
    if args[0].python_type() in {str, bytes}:
        return Value(args[0])
    return _by_method(domain, context, args, kwargs)


_by_method = special(os.fspath, "__fspath__", "expected str, bytes or os.PathLike object, not {}".format)

_REGULAR: Final = (re.escape, re.findall, re.fullmatch, re.match, re.search, re.split, re.sub, re.subn)
_count_elements: Any = vars(collections)["_count_elements"]

RULES: Final[Mapping[Any, FunctionRule]] = {
    **{function: evaluated(function) for function in _REGULAR},
    os.fspath: _fspath,
    _count_elements: polyfilled(_count_elements, containers.count_elements, Parameters(2)),
}
"""The rules, by function."""
