"""Handlers of built-in types, one file each, and the table of them."""

from __future__ import annotations

from ..handler import TypeHandler
from ..registry import Registry


def default_registry() -> Registry:
    """Return the registry of the Python language: every handler and rule of this package.

    >>> default_registry().handler_for(object).covers_subclasses
    True
    """
    types: dict[type, TypeHandler] = {}
    return Registry(types)
