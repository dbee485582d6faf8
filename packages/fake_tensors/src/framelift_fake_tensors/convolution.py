"""In which memory format a convolution lays its result out.

torch chooses a backend for each convolution (mkldnn, cuDNN, its own loops), and the backend decides: most keep channels
last where the input or the weight has them so. Meta kernels know of no device, and so of no backend. Therefore torch is
asked, on the fakes, which backend it would choose (`_select_conv_backend`), and what that one does
(`determine_backend_memory_format`, both of aten/src/ATen/native/Convolution.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch._C
from torch._ops import OpOverload
from torch._prims_common import suggest_memory_format

from framelift_fake_tensors.tensor import FakeTensor, make_fake

__all__ = ["format_of_convolution"]

_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_aten = torch.ops.aten
_FORWARD = frozenset(
    [
        _aten.convolution.default,
        _aten._convolution.default,
        _aten._convolution.deprecated,
        _aten.convolution_overrideable.default,
    ]
)
_BACKWARD = _aten.convolution_backward.default
# Both are private; without them channels stay last, which is what torch's backends do but for a few.
_select_backend = getattr(torch._C, "_select_conv_backend", None)
_format_of_backend = getattr(torch._C, "_conv_determine_backend_memory_format", None)


def format_of_convolution(operator: OpOverload, args: Sequence[Any]) -> torch.memory_format | None:
    """Return the memory format of the results of a convolution, or of its gradients; `None` where it is contiguous.

    With symbolic sizes the choice may depend on them, and then it is guarded.

    Args:
        operator: any operator; all but convolutions have no such format.
        args: its arguments, fakes among them.

    >>> format_of_convolution(torch.ops.aten.add.Tensor, ()) is None
    True
    """
    if operator in _FORWARD:
        image, weight, bias = args[:3]
        options, sizes_of_bias = args[3:9], None
    elif operator is _BACKWARD:
        image, weight, bias = args[1], args[2], None
        options, sizes_of_bias = args[4:10], args[3]
    else:
        return None
    if not isinstance(image, FakeTensor) or not isinstance(weight, FakeTensor) or image.dim() != weight.dim():
        return None
    if image.dim() == 3:
        image, weight, options = _with_rows(image, weight, options)
    last = _LAST.get(image.dim())
    if last is None or last not in (suggest_memory_format(image), suggest_memory_format(weight)):
        return None
    if image.device.type != "cpu" or _select_backend is None or _format_of_backend is None:
        # cuDNN keeps channels last, but for doubles (aten/src/ATen/native/ConvUtils.h); so do its like.
        is_kept = torch.float64 not in (image.dtype, weight.dtype) and torch._C._get_cudnn_enabled()
        return last if is_kept or image.device.type not in ("cpu", "cuda") else None
    backend = _select_backend(image, weight, bias, *options, sizes_of_bias)
    return last if _format_of_backend(image, weight, backend) is last else None


def _with_rows(
    lines: FakeTensor, weight: FakeTensor, options: Sequence[Any]
) -> tuple[FakeTensor, FakeTensor, tuple[Any, ...]]:
    """Return a convolution of lines as one of images of one row: torch computes it so, on contiguous lines."""
    stride, padding, dilation, transposed, output_padding, groups = options
    _, channels, length = lines.size()
    return (
        _with_row(lines, (channels * length, length, 1)),
        _with_row(weight, weight.stride()),
        ([1, *stride], [0, *padding], [1, *dilation], transposed, [0, *output_padding], groups),
    )


def _with_row(fake: FakeTensor, stride: Sequence[Any]) -> FakeTensor:
    first, second, length = fake.size()
    strides = (stride[0], stride[1], length * stride[2], stride[2])
    return make_fake(
        fake.fake_mode, fake.memory, (first, second, 1, length), strides, fake.storage_offset(), fake.dtype, fake.device
    )
