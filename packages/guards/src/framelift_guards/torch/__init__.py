"""Guards on tensors and on torch's global state; needs the extra ``framelift-guards[torch]``."""

from __future__ import annotations

from .methods import TensorMethods
from .state import (
    OBSERVER,
    Stack,
    default_device,
    deterministic_algorithms,
    global_state,
    global_state_guards,
    grad_mode,
    saved_tensors_hooks,
    torch_function_state,
)
from .tensor import DeviceEquals, TensorMatch, size_source, storage_offset_source, stride_source

__all__ = [
    "OBSERVER",
    "DeviceEquals",
    "Stack",
    "TensorMatch",
    "TensorMethods",
    "default_device",
    "deterministic_algorithms",
    "global_state",
    "global_state_guards",
    "grad_mode",
    "saved_tensors_hooks",
    "size_source",
    "storage_offset_source",
    "stride_source",
    "torch_function_state",
]
