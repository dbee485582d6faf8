"""Functions of other modules of the standard library: `re`, `os`, `sys`, `inspect`, `collections`."""

from __future__ import annotations

import collections
import inspect
import os
import re
import sys
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

from framelift_bytecode_interp import Break, Value
from framelift_guards import CallSource, ConstantSource

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..polyfills import containers
from ..reasons import UnsupportedCall
from ..variable import NEW, BoundMethodVariable, FunctionVariable
from .arguments import Parameters, evaluated, polyfilled, refuse, special


def _fspath(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return refuse(domain, os.fspath, args, kwargs)
    if args[0].python_type() in {str, bytes}:
        return Value(args[0])
    return _by_method(domain, context, args, kwargs)


_by_method = special(os.fspath, "__fspath__", "expected str, bytes or os.PathLike object, not {}".format)


def _signature(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`inspect.signature` of an existing function: what it is made from is guarded, so it is a constant."""
    target = args[0] if len(args) == 1 and not kwargs else None
    bound = isinstance(target, BoundMethodVariable) and target.cls is types.MethodType
    if isinstance(target, BoundMethodVariable):
        target = target.function
    while isinstance(target, FunctionVariable) and target.value is not NEW:
        handler = domain.handler_of(target)
        own, wrapped = [handler.get_attribute(domain, target, name) for name in ("__signature__", "__wrapped__")]
        if isinstance(own, Value):
            break
        if isinstance(wrapped, Value):
            target = wrapped.value
            continue
        domain.defaults_of(target)
        domain.kwdefaults_of(target)
        function: Any = types.MethodType(target.value, None.__class__) if bound else target.value
        return Value(domain.reference(inspect.signature(function, follow_wrapped=False), "signature"))
    return Break(UnsupportedCall("inspect.signature", "what it is asked about is no existing function"))


def _exc_info(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if args or kwargs:
        return refuse(domain, sys.exc_info, args, kwargs)
    handled = context.frame.topmost_handled()
    if handled is None:
        return domain.build_tuple([domain.constant(None)] * 3)
    return domain.build_tuple(list(domain.exception_details(handled)))


def _exception(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if args or kwargs:
        return refuse(domain, sys.exception, args, kwargs)
    handled = context.frame.topmost_handled()
    return Value(domain.constant(None) if handled is None else handled)


def read_state(function: Callable[[], object]) -> object:
    """Call a function of the interpreter that says how it is set."""
    return function()


def _setting(function: Callable[[], object]) -> FunctionRule:
    """Return the rule of a function that reads a setting of the interpreter, which is guarded."""
    source = CallSource(read_state, ConstantSource(f"{function.__module__}.{function.__qualname__}", function), "()")

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        return refuse(domain, function, args, kwargs) if args or kwargs else Value(domain.wrap(function(), source))

    return rule


_SETTINGS: Final = (
    os.getpid, sys.getdefaultencoding, sys.getrecursionlimit, sys.getswitchinterval, threading.get_ident,
)  # fmt: skip
_REGULAR: Final = (re.escape, re.findall, re.fullmatch, re.match, re.search, re.split, re.sub, re.subn)
_count_elements: Any = vars(collections)["_count_elements"]

RULES: Final[Mapping[Any, FunctionRule]] = {
    **{function: evaluated(function) for function in _REGULAR},
    **{function: _setting(function) for function in _SETTINGS},
    inspect.signature: _signature,
    sys.exc_info: _exc_info,
    sys.exception: _exception,
    os.fspath: _fspath,
    _count_elements: polyfilled(_count_elements, containers.count_elements, Parameters(2)),
}
"""The rules, by function."""
