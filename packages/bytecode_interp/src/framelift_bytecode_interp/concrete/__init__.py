"""The domain of real objects: an interpreter of Python that is tested against CPython itself."""

from __future__ import annotations

from .domain import ConcreteDomain
from .hosted import HostedDomain
from .interpret import InterpretedFunction, interpret

__all__ = ["ConcreteDomain", "HostedDomain", "InterpretedFunction", "interpret"]
