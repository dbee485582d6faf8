"""The registry of the Python language: the tables of handlers and rules, put together in one place.

It stands above `handlers` and `builtin_rules`, which may not know each other's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from . import handlers
from .builtin_rules import PURE, RULES
from .handler import FunctionRule, TypeHandler
from .operations.builtin_calls import adopt_payload, refill_payload
from .operations.operators import proceed
from .polyfills import protocols
from .registry import Registry

__all__ = ["default_registry"]

PROTOCOLS: Mapping[Any, FunctionRule] = {
    protocols.proceed: proceed,
    protocols.adopt_payload: adopt_payload,
    protocols.refill_payload: refill_payload,
}
"""Rules of the language's own protocols."""

TRUSTED = (
    "_collections_abc", "_weakrefset", "abc", "collections", "contextlib", "copy", "copyreg", "dataclasses", "enum",
    "functools", "inspect", "itertools", "keyword", "numbers", "operator", "reprlib", "types", "typing", "weakref",
)  # fmt: skip
"""Modules of the standard library whose functions and classes are taken to stay as they are."""

HANDLER_FILES: tuple[ModuleType, ...] = tuple(
    [import_module(f"{handlers.__name__}.{found.name}") for found in iter_modules(handlers.__path__)]
)
"""The files of `handlers`, in alphabetical order."""


def default_registry() -> Registry:
    """Return the registry of the Python language: every handler and rule of this package.

    >>> default_registry().handler_for(object).covers_subclasses
    True
    """
    types: dict[type, TypeHandler] = dict(_entries("HANDLERS"))
    rules: dict[Any, FunctionRule] = {**RULES, **dict(_entries("RULES")), **PROTOCOLS}
    return Registry(types, rules, pure=PURE, trusted_modules=TRUSTED)


def _entries(name: str) -> Iterator[tuple[Any, Any]]:
    """Yield the entries of the tables of this name, and see to it that no two files have one for the same key."""
    homes: dict[int, ModuleType] = {}
    for module in HANDLER_FILES:
        for key, value in getattr(module, name, {}).items():
            other = homes.setdefault(id(key), module)
            if other is not module:
                raise ValueError(f"{key!r} is in {name} of {other.__name__} and of {module.__name__}; remove one")
            yield key, value
