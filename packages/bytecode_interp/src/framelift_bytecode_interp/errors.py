"""The named errors of this package."""

from __future__ import annotations


class BytecodeError(Exception):
    """What this package raises about code objects that it can't treat; the message names code and instruction."""


class UnsupportedPythonError(BytecodeError, ImportError):
    """The running CPython has no version file."""


class DecodeError(BytecodeError):
    """A code object holds something that the version file does not know, or that is corrupt."""


class UnsupportedInstructionError(BytecodeError):
    """An instruction that the interpreter does not interpret was reached."""


class ResumeError(BytecodeError):
    """A frame can't be resumed natively at the given instruction."""


class NotInterpretableError(BytecodeError, TypeError):
    """A Python function was needed."""
