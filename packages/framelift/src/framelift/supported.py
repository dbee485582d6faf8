"""Refuses a CPython or a torch that framelift was not made for, by name, when it is imported."""

from __future__ import annotations

import platform

import torch

from .errors import UnsupportedVersionError

__all__ = ["check_versions"]

PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_TORCH = (2, 11)


def check_versions(python: str | None = None, torch_version: str | None = None) -> None:
    """Raise unless both versions are supported.

    Args:
        python: version of CPython; the running one when left out.
        torch_version: version of torch; the installed one when left out.

    Raises:
        UnsupportedVersionError: one of them is not.

    >>> check_versions("3.11.7", "2.13.0+cpu")
    """
    python = platform.python_version() if python is None else python
    if ".".join(python.split(".")[:2]) not in PYTHONS:
        raise UnsupportedVersionError(
            "CPython", f"must be one of {', '.join(PYTHONS)}", python, "run framelift with a supported CPython"
        )
    found = torch.__version__ if torch_version is None else torch_version
    major, minor = (int(part) for part in found.split("+")[0].split(".")[:2])
    if (major, minor) < OLDEST_TORCH:
        raise UnsupportedVersionError(
            "torch", f"must be {OLDEST_TORCH[0]}.{OLDEST_TORCH[1]} or newer", found, "upgrade torch"
        )
