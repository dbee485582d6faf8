"""The running CPython's version file. This is the only module of the project that reads `sys.version_info`.

To support a new CPython: add its file, add it to `_FILES`, and run the tests; the stack-effect and target tests name
each instruction whose rule is missing or wrong.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from ..errors import UnsupportedPythonError
from .raw import CallLayout, RawInstruction, Target, Version

__all__ = ["VERSION", "CallLayout", "RawInstruction", "Target", "Version", "version_for"]

# Named, not imported here: a version file imports what only its own CPython has.
_FILES: Final = {(3, 11): "v311", (3, 12): "v312", (3, 13): "v313"}


def version_for(python: tuple[int, int], implementation: str = "cpython") -> Version:
    """The version file of a CPython.

    Raises:
        UnsupportedPythonError: there is none; the message names the versions that have one.
    """
    name = _FILES.get(python)
    if name is None or implementation != "cpython":
        known = ", ".join(f"{major}.{minor}" for major, minor in _FILES)
        raise UnsupportedPythonError(
            f"framelift_bytecode_interp knows the bytecode of CPython {known}; "
            f"this is {implementation} {python[0]}.{python[1]}: run one of those, or add a file to _cpython"
        )
    version: Version = import_module(f"{__name__}.{name}").VERSION
    return version


VERSION: Final = version_for(sys.version_info[:2], sys.implementation.name)
"""What depends on the running CPython."""
