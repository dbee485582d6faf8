"""What `functools.lru_cache` makes of a function: the real cache answers, at each call of the captured code too.

A cached function runs once for the same arguments, and gives the same object each time: neither its body nor what it
gives
may become part of a graph. So its real cache is asked where its arguments are known, during the capture, and again
by the guards of each later call.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Value
from framelift_guards import AttributeSource, CallSource, Is, Source

from ..evaluation import is_plain
from ..handler import Answer, Arguments, Keywords, Tracking
from ..reasons import UnsupportedCall
from ..variable import (
    NEW,
    NOT_CONSTANT,
    BoundMethodVariable,
    ObjectVariable,
    ReferenceVariable,
    Variable,
)
from .identity import IdentityHandler


class CachedFunctionHandler(IdentityHandler):
    """`functools._lru_cache_wrapper`."""

    kind: ClassVar[type] = type(functools.lru_cache(maxsize=1)(lambda: None))
    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        if source.local_root is not None:  # another one in each call, perhaps: it is called for real
            return super().wrap(domain, value, source)
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def bind(self, domain: Tracking, descriptor: Variable, owner: Variable) -> Answer:
        return Value(BoundMethodVariable(descriptor, owner))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, ReferenceVariable)
        if name in {"__name__", "__qualname__", "__doc__", "__module__", "__wrapped__"}:
            assert variable.source is not None
            return Value(domain.wrap(getattr(variable.value, name), AttributeSource(variable.source, name)))
        return super().get_attribute(domain, variable, name)

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        assert isinstance(variable, ReferenceVariable)
        assert variable.source is not None
        function = variable.value
        values = [_known(domain, arg) for arg in args]
        keywords = {name: _known(domain, arg) for name, arg in kwargs.items()}
        if any(value is NOT_CONSTANT for value in (*values, *keywords.values())):
            return Break(UnsupportedCall(_name(function), "it is cached, and not all its arguments are known"))
        if domain.effects.is_pending() and not is_hit(function, tuple(values), keywords):
            return Break(UnsupportedCall(_name(function), "it is cached, and may depend on what changed before it"))
        for arg in (*args, *kwargs.values()):
            if isinstance(arg, ObjectVariable):
                domain.guard(arg.source, Is(arg.value))
        try:
            result = function(*values, **keywords)
        except Exception as error:  # noqa: BLE001 - the program's own: it is raised in the program
            return domain.raise_native(error)
        again = _caller(tuple(values), keywords)
        return Value(domain.wrap(result, CallSource(again, variable.source, "(...)")))


def is_hit(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a cache is known to hold the result of a call (Modules/_functoolsmodule.c, lru_cache_make_key).

    >>> cached = functools.cache(str)
    >>> cached(1), is_hit(cached, (1,), {}), is_hit(cached, (2,), {})
    ('1', True, False)
    """
    if kwargs or function.cache_parameters()["typed"]:
        return False
    key = args[0] if len(args) == 1 and type(args[0]) in (int, str) else args
    found = (part for part in gc.get_referents(function) if type(part) is dict and part is not function.__dict__)
    return any(key in cache for cache in found)


def _known(domain: Tracking, variable: Variable) -> Any:
    """Return the very object of an argument, if it existed before or has no identity, else NOT_CONSTANT."""
    if isinstance(variable, ReferenceVariable | ObjectVariable):
        return NOT_CONSTANT if variable.value is NEW or variable.source is None else variable.value
    value = domain.as_constant(variable)
    return value if value is NOT_CONSTANT or is_plain(value) else NOT_CONSTANT


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", "a cached function"))


def _caller(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], object]:
    """Return the function that calls what it is given with these arguments."""

    def call(function: Any) -> object:
        return function(*args, **kwargs)

    return call


HANDLERS = {CachedFunctionHandler.kind: CachedFunctionHandler()}
