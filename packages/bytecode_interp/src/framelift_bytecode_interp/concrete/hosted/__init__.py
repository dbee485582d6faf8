"""Interpreted functions in real frames: what CPython can see of a frame is a frame of its own."""

from __future__ import annotations

from .domain import HostedDomain

__all__ = ["HostedDomain"]
