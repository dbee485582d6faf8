"""Tensors without data: what a torch call would return, told from metadata alone."""

from framelift_fake_tensors.cache import PropagationCache
from framelift_fake_tensors.errors import (
    DataAccessError,
    DataDependentError,
    FakeTensorError,
    ForeignSymbolError,
    ForeignTensorError,
    NestedModeError,
    NoMetaKernelError,
    PropagationError,
    UnsupportedTensorError,
)
from framelift_fake_tensors.layers import Layer, measure_layers
from framelift_fake_tensors.mode import FakeMode
from framelift_fake_tensors.tensor import FakeTensor

__all__ = [
    "DataAccessError",
    "DataDependentError",
    "FakeMode",
    "FakeTensor",
    "FakeTensorError",
    "ForeignSymbolError",
    "ForeignTensorError",
    "Layer",
    "NestedModeError",
    "NoMetaKernelError",
    "PropagationCache",
    "PropagationError",
    "UnsupportedTensorError",
    "measure_layers",
]
