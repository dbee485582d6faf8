"""A table of common torch calls: what is called, and how its arguments are made."""

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

CALLS = []


@dataclasses.dataclass(frozen=True)
class Call:
    name: str
    function: Callable[..., Any]
    make: Callable[[], tuple[Any, ...]]
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)


def f(*size, grad=False, dtype=torch.float32):
    return torch.ones(size, dtype=dtype, requires_grad=grad)


def i(*size, high=2):
    return torch.arange(torch.Size(size).numel()).reshape(size) % high


def b(*size):
    return i(*size).bool()


def call(function, make, name=None, **kwargs):
    label = name or getattr(function, "__name__", str(function))
    taken = {each.name for each in CALLS}
    number = 1
    unique = label
    while unique in taken:
        number += 1
        unique = f"{label}_{number}"
    CALLS.append(Call(unique, function, make, kwargs))


T = torch.Tensor

# pointwise
POINTWISE = [
    torch.abs, torch.neg, torch.exp, torch.log, torch.sqrt, torch.rsqrt, torch.sin, torch.cos, torch.tanh,
    torch.sigmoid, torch.erf, torch.floor, torch.round, torch.sign, torch.reciprocal, torch.square, torch.isnan,
    torch.isfinite, torch.logical_not, F.relu, F.gelu, F.silu, F.elu, F.leaky_relu, F.softplus, F.hardtanh, F.mish,
    F.logsigmoid,
]  # fmt: skip
for unary in POINTWISE:
    call(unary, lambda: (f(4, 6, grad=True),))
for binary in (
    torch.add, torch.sub, torch.mul, torch.div, torch.pow, torch.maximum, torch.minimum, torch.fmod, torch.atan2,
    operator.add, operator.mul, operator.sub, operator.truediv, operator.pow, torch.floor_divide, torch.remainder,
):  # fmt: skip
    call(binary, lambda: (f(4, 6, grad=True), f(4, 6)))
for compare in (torch.eq, torch.ne, torch.lt, torch.ge, operator.gt, operator.le):
    call(compare, lambda: (f(4, 6, grad=True), f(4, 6)))
call(torch.add, lambda: (f(4, 6), 2), "add_number")
call(torch.add, lambda: (i(4, 6), 2.5), "add_promotes")
call(torch.mul, lambda: (f(4, 1, 6), f(5, 1)), "mul_broadcast")
call(torch.add, lambda: (f(4, 6), f(6, dtype=torch.float64)), "add_double")
call(torch.add, lambda: (f(4, 6), f(dtype=torch.float64)), "add_scalar_tensor")
call(operator.sub, lambda: (1.5, f(4, 6)), "rsub")
call(T.__radd__, lambda: (f(4, 6), 1), "radd")
call(operator.and_, lambda: (b(4, 6), b(4, 6)))
call(operator.invert, lambda: (b(4, 6),))
call(operator.neg, lambda: (f(4, 6),))
call(torch.clamp, lambda: (f(4, 6, grad=True), 0.0, 1.0))
call(torch.clamp, lambda: (f(4, 6),), "clamp_min", min=0.5)
call(torch.where, lambda: (b(4, 6), f(4, 6, grad=True), f(4, 6)))
call(torch.where, lambda: (b(4, 6), f(4, 6), 0.0), "where_number")
call(torch.lerp, lambda: (f(4, 6), f(4, 6), 0.5))
call(torch.addcmul, lambda: (f(4, 6), f(4, 6), f(4, 6)))
call(T.masked_fill, lambda: (f(4, 6, grad=True), b(4, 6), 0.0))
call(T.type_as, lambda: (f(4, 6), i(4, 6)))

# reductions
for reduce in (torch.sum, torch.mean, torch.prod, torch.amax, torch.amin, torch.argmax, torch.argmin, torch.logsumexp):
    call(reduce, lambda: (f(4, 6, grad=True), 1), f"{reduce.__name__}_dim")
    call(reduce, lambda: (f(4, 6, grad=True), 0, True), f"{reduce.__name__}_keepdim")
for reduce in (torch.sum, torch.mean, torch.prod, torch.max, torch.min, torch.all, torch.any, torch.std, torch.var):
    call(reduce, lambda: (f(4, 6, grad=True),), f"{reduce.__name__}_all")
call(torch.max, lambda: (f(4, 6, grad=True), 1), "max_dim")
call(torch.median, lambda: (f(4, 6), 1), "median_dim")
call(torch.var_mean, lambda: (f(4, 6, grad=True), 1))
call(torch.sum, lambda: (f(4, 6, 3), (0, 2)), "sum_dims")
call(torch.norm, lambda: (f(4, 6, grad=True),))
call(torch.linalg.vector_norm, lambda: (f(4, 6, grad=True),))
call(torch.cumsum, lambda: (f(4, 6, grad=True), 1))
call(torch.cumprod, lambda: (f(4, 6), 0))
call(torch.sum, lambda: (b(4, 6),), "sum_bool")
call(T.count_nonzero, lambda: (i(4, 6),))

# matrices
call(torch.matmul, lambda: (f(4, 6, grad=True), f(6, 5)))
call(torch.mm, lambda: (f(4, 6), f(6, 5)))
call(torch.bmm, lambda: (f(3, 4, 6), f(3, 6, 5)))
call(torch.matmul, lambda: (f(2, 3, 4, 6, grad=True), f(6, 5)), "matmul_broadcast")
call(torch.matmul, lambda: (f(4, 6), f(6)), "matmul_vector")
call(torch.addmm, lambda: (f(5), f(4, 6), f(6, 5)))
call(torch.einsum, lambda: ("bij,bjk->bik", f(3, 4, 6), f(3, 6, 5)))
call(torch.outer, lambda: (f(4), f(6)))
call(torch.dot, lambda: (f(4), f(4)))
call(torch.tensordot, lambda: (f(4, 6), f(6, 5), 1))
call(operator.matmul, lambda: (f(4, 6), f(6, 5)))
call(torch.baddbmm, lambda: (f(3, 4, 5), f(3, 4, 6), f(3, 6, 5)))
call(torch.tril, lambda: (f(4, 6, grad=True),))
call(torch.triu, lambda: (f(4, 6), 1))
call(torch.diagonal, lambda: (f(4, 6, grad=True),))
call(torch.diag, lambda: (f(4),))
call(torch.trace, lambda: (f(4, 4),))

# layers
call(F.linear, lambda: (f(4, 6), f(5, 6, grad=True), f(5, grad=True)))
call(F.linear, lambda: (f(2, 4, 6), f(5, 6, grad=True)), "linear_3d")
call(F.layer_norm, lambda: (f(4, 6, grad=True), (6,), f(6), f(6)))
call(F.group_norm, lambda: (f(4, 6, 5), 2))
call(F.batch_norm, lambda: (f(4, 6, 5, 5), f(6), f(6)), training=True)
call(F.batch_norm, lambda: (f(4, 6), f(6), f(6), f(6, grad=True), f(6)), "batch_norm_eval")
call(F.rms_norm, lambda: (f(4, 6, grad=True), (6,)))
call(F.embedding, lambda: (i(4, 5), f(10, 6, grad=True)))
call(F.dropout, lambda: (f(4, 6, grad=True), 0.5))
call(F.dropout, lambda: (f(4, 6, grad=True), 0.5, False), "dropout_eval")
call(F.softmax, lambda: (f(4, 6, grad=True), -1))
call(F.log_softmax, lambda: (f(4, 6), 1))
call(F.softmax, lambda: (f(4, 6), -1), "softmax_dtype", dtype=torch.float64)
call(F.conv2d, lambda: (f(2, 3, 8, 9), f(4, 3, 3, 3, grad=True), f(4)))
call(F.conv2d, lambda: (f(2, 3, 8, 9), f(4, 3, 3, 3)), "conv2d_stride", stride=2, padding=1)
call(F.conv1d, lambda: (f(2, 3, 9), f(4, 3, 3)))
call(F.conv_transpose2d, lambda: (f(2, 3, 8, 9), f(3, 4, 3, 3)))
call(F.max_pool2d, lambda: (f(2, 3, 8, 9, grad=True), 2))
call(F.avg_pool2d, lambda: (f(2, 3, 8, 9), 2))
call(F.adaptive_avg_pool2d, lambda: (f(2, 3, 8, 9), 1))
call(F.interpolate, lambda: (f(2, 3, 8, 9),), scale_factor=2.0)
call(F.scaled_dot_product_attention, lambda: (f(2, 4, 8, 6, grad=True), f(2, 4, 8, 6), f(2, 4, 8, 6)), is_causal=True)
call(F.scaled_dot_product_attention, lambda: (f(2, 4, 8, 6), f(2, 4, 8, 6), f(2, 4, 8, 6), b(8, 8)), "sdpa_mask")
call(
    F.scaled_dot_product_attention, lambda: (f(2, 4, 8, 6), f(2, 4, 8, 6), f(2, 4, 8, 6)), "sdpa_dropout", dropout_p=0.1
)
call(F.cross_entropy, lambda: (f(4, 6, grad=True), i(4)))
call(F.cross_entropy, lambda: (f(4, 6, grad=True), i(4)), "cross_entropy_none", reduction="none")
call(F.nll_loss, lambda: (f(4, 6, grad=True), i(4)))
call(F.mse_loss, lambda: (f(4, 6, grad=True), f(4, 6)))
call(F.l1_loss, lambda: (f(4, 6), f(4, 6)))
call(F.smooth_l1_loss, lambda: (f(4, 6), f(4, 6)))
call(F.binary_cross_entropy_with_logits, lambda: (f(4, 6, grad=True), f(4, 6)))
call(F.kl_div, lambda: (f(4, 6), f(4, 6)), reduction="batchmean")
call(F.one_hot, lambda: (i(4, 5), 7))
call(F.pad, lambda: (f(4, 6, grad=True), (1, 2)))
call(F.pad, lambda: (f(2, 3, 8, 9), (1, 1, 1, 1)), "pad_reflect", mode="reflect")
call(F.normalize, lambda: (f(4, 6, grad=True),))
call(F.cosine_similarity, lambda: (f(4, 6), f(4, 6)))
call(F.glu, lambda: (f(4, 6),))
call(F.unfold, lambda: (f(2, 3, 8, 9), 3))
call(F.pixel_shuffle, lambda: (f(2, 8, 3, 5), 2))

# shapes
call(T.view, lambda: (f(4, 6, grad=True), -1))
call(T.view, lambda: (f(4, 6), 2, 12), "view_sizes")
call(T.reshape, lambda: (f(4, 6).t(), -1))
call(torch.reshape, lambda: (f(4, 6, grad=True), (2, 2, 6)), "reshape_view")
call(torch.flatten, lambda: (f(2, 4, 6, grad=True), 1))
call(T.permute, lambda: (f(2, 4, 6, grad=True), 2, 0, 1))
call(T.transpose, lambda: (f(2, 4, 6, grad=True), 0, 1))
call(T.t, lambda: (f(4, 6, grad=True),))
call(getattr, lambda: (f(4, 6, grad=True), "T"))
call(getattr, lambda: (f(2, 4, 6), "mT"), "mT")
call(getattr, lambda: (f(4, 6, grad=True), "data"), "data")
call(T.squeeze, lambda: (f(4, 1, 6), 1))
call(T.squeeze, lambda: (f(4, 1, 6, 1),), "squeeze_all")
call(T.unsqueeze, lambda: (f(4, 6, grad=True), 1))
call(T.expand, lambda: (f(4, 1, 6, grad=True), -1, 5, -1))
call(T.expand_as, lambda: (f(6), f(4, 6)))
call(torch.broadcast_to, lambda: (f(6), (4, 6)))
call(T.repeat, lambda: (f(4, 6), 2, 3))
call(torch.repeat_interleave, lambda: (f(4, 6), 2, 1))
call(torch.tile, lambda: (f(4, 6), (2, 2)))
call(torch.cat, lambda: ([f(4, 6, grad=True), f(3, 6)], 0))
call(torch.stack, lambda: ([f(4, 6, grad=True), f(4, 6)], 1))
call(torch.hstack, lambda: ([f(4, 6), f(4, 5)],))
call(torch.split, lambda: (f(4, 6, grad=True), 2, 1))
call(torch.split, lambda: (f(4, 6), [1, 2, 3], 1), "split_sizes")
call(torch.chunk, lambda: (f(4, 6, grad=True), 3, 1))
call(torch.unbind, lambda: (f(4, 6), 0))
call(T.narrow, lambda: (f(4, 6), 1, 2, 3))
call(T.select, lambda: (f(4, 6, grad=True), 0, 1))
call(T.unfold, lambda: (f(4, 6), 1, 3, 2), "tensor_unfold")
call(torch.flip, lambda: (f(4, 6), (0,)))
call(torch.roll, lambda: (f(4, 6), 1, 0))
call(torch.movedim, lambda: (f(2, 4, 6), 0, 2))
call(torch.swapaxes, lambda: (f(2, 4, 6), 0, 2))
call(torch.unflatten, lambda: (f(4, 6), 1, (2, 3)))
call(torch.atleast_2d, lambda: (f(6),))
call(torch.meshgrid, lambda: (f(4), f(6)), indexing="ij")
call(T.as_strided, lambda: (f(4, 6), (2, 3), (1, 2)))
call(T.contiguous, lambda: (f(4, 6).t(),))
call(T.contiguous, lambda: (f(4, 6, grad=True),), "contiguous_same")
call(T.contiguous, lambda: (f(2, 3, 8, 9),), "channels_last", memory_format=torch.channels_last)
call(T.clone, lambda: (f(4, 6, grad=True).t(),))
call(T.detach, lambda: (f(4, 6, grad=True),))
call(T.to, lambda: (f(4, 6, grad=True), torch.float64))
call(T.to, lambda: (f(4, 6, grad=True), torch.float32), "to_same")
call(T.float, lambda: (i(4, 6),))
call(T.long, lambda: (f(4, 6),))
call(T.half, lambda: (f(4, 6, grad=True),))
call(T.view_as, lambda: (f(4, 6), f(6, 4)))
call(T.size, lambda: (f(4, 6),))
call(T.size, lambda: (f(4, 6), 1), "size_dim")
call(T.dim, lambda: (f(4, 6),))
call(T.numel, lambda: (f(4, 6),))
call(T.is_contiguous, lambda: (f(4, 6).t(),))
call(T.element_size, lambda: (f(4, 6),))
call(T.is_floating_point, lambda: (f(4, 6),))

# indexing
call(operator.getitem, lambda: (f(4, 6, grad=True), 0))
call(operator.getitem, lambda: (f(4, 6, grad=True), (slice(None), slice(1, 4))), "getitem_slice")
call(operator.getitem, lambda: (f(4, 6), (slice(None, None, 2), None, -1)), "getitem_mixed")
call(operator.getitem, lambda: (f(4, 6), (Ellipsis, 0)), "getitem_ellipsis")
call(operator.getitem, lambda: (f(4, 6, grad=True), i(3)), "getitem_tensor")
call(operator.getitem, lambda: (f(4, 6), (slice(None), i(3))), "getitem_slice_tensor")
call(operator.getitem, lambda: (f(4, 6), [0, 1]), "getitem_list")
call(torch.index_select, lambda: (f(4, 6, grad=True), 1, i(3)))
call(torch.gather, lambda: (f(4, 6, grad=True), 1, i(4, 3)))
call(torch.scatter, lambda: (f(4, 6), 1, i(4, 3), f(4, 3)))
call(T.index_add, lambda: (f(4, 6), 0, i(3), f(3, 6)))
call(torch.take_along_dim, lambda: (f(4, 6), i(4, 6), 1))
call(torch.topk, lambda: (f(4, 6, grad=True), 2))
call(torch.sort, lambda: (f(4, 6, grad=True),))
call(torch.argsort, lambda: (f(4, 6),))
call(torch.searchsorted, lambda: (f(6), f(4)))

# factories and random
call(torch.zeros, lambda: (4, 6))
call(torch.ones, lambda: ((4, 6),), dtype=torch.int32)
call(torch.full, lambda: ((4, 6), 2.5))
call(torch.arange, lambda: (7,))
call(torch.arange, lambda: (1, 7, 0.5), "arange_step")
call(torch.linspace, lambda: (0, 1, 5))
call(torch.eye, lambda: (4,))
call(torch.tensor, lambda: ([[1, 2], [3, 4]],))
call(torch.zeros_like, lambda: (f(4, 6, grad=True).t(),))
call(torch.empty_like, lambda: (f(4, 6),), dtype=torch.int64)
call(torch.randn, lambda: (4, 6))
call(torch.rand_like, lambda: (f(4, 6),))
call(torch.randint, lambda: (0, 5, (4, 6)))
call(torch.randperm, lambda: (7,))
call(torch.multinomial, lambda: (f(4, 6), 2))
call(torch.bernoulli, lambda: (f(4, 6),))
call(torch.normal, lambda: (f(4, 6), f(4, 6)))
call(T.new_zeros, lambda: (f(4, 6), (2, 3)))
call(torch.tril_indices, lambda: (4, 6))

# in place
call(T.add_, lambda: (f(4, 6), 1))
call(T.mul_, lambda: (f(4, 6), f(6)))
call(operator.iadd, lambda: (f(4, 6), f(4, 6)))
call(T.zero_, lambda: (f(4, 6),))
call(T.fill_, lambda: (f(4, 6), 2.0))
call(T.copy_, lambda: (f(4, 6), f(6)))
call(T.clamp_, lambda: (f(4, 6), 0, 1))
call(T.masked_fill_, lambda: (f(4, 6), b(4, 6), 0.0))
call(T.index_add_, lambda: (f(4, 6), 0, i(3), f(3, 6)))
call(T.scatter_, lambda: (f(4, 6), 1, i(4, 3), 1.0))
call(T.t_, lambda: (f(4, 6),))
call(T.unsqueeze_, lambda: (f(4, 6), 0))
call(T.squeeze_, lambda: (f(4, 1, 6),))
call(T.transpose_, lambda: (f(4, 6), 0, 1))
call(T.resize_, lambda: (f(4, 6), 2, 3))
call(T.requires_grad_, lambda: (f(4, 6),))
call(T.detach_, lambda: (f(4, 6),))
call(F.relu, lambda: (f(4, 6),), "relu_inplace", inplace=True)
call(T.normal_, lambda: (f(4, 6),))
call(operator.setitem, lambda: (f(4, 6), 0, 1.0))
call(operator.setitem, lambda: (f(4, 6), (slice(None), 1), f(4)), "setitem_tensor")
call(operator.setitem, lambda: (f(4, 6), b(4, 6), 0.0), "setitem_mask")
