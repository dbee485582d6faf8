"""Tensors without dimensions where torch takes a number: it reads them, and no metadata depends on what it reads."""

from __future__ import annotations

from typing import Any

from framelift_fake_tensors.tensor import FakeTensor

__all__ = ["numbers_for_scalars"]

_FACTORS = ("alpha", "beta", "value")
"""Arguments of torch's functions that scale something (native_functions.yaml): `add(alpha=)`, `addcdiv(value=)`."""


def numbers_for_scalars(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments in which a number of the same kind stands for a fake that torch would read as a factor.

    >>> numbers_for_scalars({"alpha": 2})
    {'alpha': 2}
    """
    if kwargs and any(isinstance(kwargs.get(name), FakeTensor) for name in _FACTORS):
        return {name: _number(value) if name in _FACTORS else value for name, value in kwargs.items()}
    return kwargs


def _number(value: Any) -> Any:
    if not isinstance(value, FakeTensor) or value.dim():
        return value
    return 1j if value.is_complex() else 1.0 if value.is_floating_point() else 1
