"""The running CPython's version file. This is the only module of the project that reads `sys.version_info`.

To support a new CPython: add its file to this folder, `v314.py` for 3.14, and run the tests; the stack-effect and
target tests name each instruction whose rule is missing or wrong.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from ..errors import UnsupportedPythonError
from .raw import CallLayout, RawInstruction, Target, Version

__all__ = ["VERSION", "CallLayout", "RawInstruction", "Target", "Version", "version_for"]

# Found by their names, and only the one of the running CPython is imported: it imports what only that one has.
_FILES: Final = {
    (int(found[1]), int(found[2])): module.name
    for module in iter_modules(__path__)
    if (found := re.fullmatch(r"v(\d)(\d+)", module.name)) is not None
}


def version_for(python: tuple[int, int], implementation: str = "cpython") -> Version:
    """The version file of a CPython.

    Raises:
        UnsupportedPythonError: there is none; the message names the versions that have one.
    """
    name = _FILES.get(python)
    if name is None or implementation != "cpython":
        known = ", ".join(f"{major}.{minor}" for major, minor in sorted(_FILES))
        raise UnsupportedPythonError(
            f"framelift_bytecode_interp knows the bytecode of CPython {known}; "
            f"this is {implementation} {python[0]}.{python[1]}: run one of those, or add a file to _cpython"
        )
    version: Version = import_module(f"{__name__}.{name}").VERSION
    return version


VERSION: Final = version_for(sys.version_info[:2], sys.implementation.name)
"""What depends on the running CPython."""
