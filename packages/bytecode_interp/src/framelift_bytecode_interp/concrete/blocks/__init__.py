"""Blocks of instructions as functions, for code over real objects that runs often."""

from __future__ import annotations

from .block import Compiler
from .templates import usable_templates

__all__ = ["Compiler", "usable_templates"]
