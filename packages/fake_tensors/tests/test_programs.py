"""Small programs that look at what a tensor is leave the same to be seen with fakes as for real.

Each runs for real, and three times in a mode: what the first run leaves in the cache must serve the others.
"""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from framelift_fake_tensors import FakeMode, PropagationCache

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def told(value):
    if isinstance(value, torch.Tensor):
        return (
            isinstance(value, nn.Parameter), tuple(value.shape), value.stride(), value.storage_offset(), value.dtype,
            value.device.type, value.requires_grad, value.is_leaf, value._is_view(), value.is_contiguous(),
        )  # fmt: skip
    if isinstance(value, (tuple, list)):
        return [told(item) for item in value]
    return value


def outcome(function):
    try:
        return told(function())
    except Exception as error:  # which one is what is compared
        return type(error), str(error)[:100]


@program
def view_storage_same():
    x = torch.ones(4, 4)
    y = x[1:]
    return x.untyped_storage()._cdata == y.untyped_storage()._cdata


@program
def storage_is_set_to():
    x = torch.ones(4, 4)
    y = x[1:].view(-1)
    return x.is_set_to(y), x.is_set_to(x)


@program
def storage_nbytes():
    x = torch.ones(4, 4)[1:]
    return x.untyped_storage().nbytes(), x.untyped_storage().size()


@program
def storage_typed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ones(4, 4).storage().size()


@program
def storage_resize():
    x = torch.ones(4, 4)
    x.untyped_storage().resize_(0)
    return x.untyped_storage().nbytes()


@program
def base_identity():
    x = torch.ones(4)
    y = x.view(2, 2)
    z = y[0]
    return y._base is x, z._base is x, z._is_view()


@program
def t_():
    x = torch.ones(2, 3)
    x.t_()
    return x


@program
def transpose_():
    x = torch.ones(2, 3, 4)
    x.transpose_(0, 2)
    return x


@program
def squeeze_():
    x = torch.ones(2, 1, 4)
    x.squeeze_(1)
    return x


@program
def unsqueeze_():
    x = torch.ones(2, 4)
    y = x.unsqueeze_(0)
    return x, y is x


@program
def swapaxes_():
    x = torch.ones(2, 3)
    x.swapaxes_(0, 1)
    return x


@program
def swapdims_():
    x = torch.ones(2, 3)
    x.swapdims_(0, 1)
    return x


@program
def resize_():
    x = torch.ones(2, 3)
    x.resize_(4, 5)
    return x


@program
def resize_as_():
    x = torch.ones(2, 3)
    x.resize_as_(torch.ones(6))
    return x


@program
def resize_grow_view():
    x = torch.ones(4)
    y = x[2:]
    y.resize_(6)
    return y, x


@program
def set_tensor():
    x = torch.ones(2)
    y = torch.ones(3, 4)
    x.set_(y)
    return x, x.untyped_storage()._cdata == y.untyped_storage()._cdata


@program
def set_storage():
    x = torch.ones(2)
    y = torch.ones(12)
    x.set_(y.untyped_storage(), 1, (2, 3), (3, 1))
    return x


@program
def set_empty():
    x = torch.ones(2)
    x.set_()
    return x


@program
def set_same_meta():
    x = torch.ones(2)
    y = torch.ones(2)
    x.set_(y)
    z = y.view(1, 2)
    return x.untyped_storage()._cdata == z.untyped_storage()._cdata


@program
def data_set():
    x = torch.ones(2, requires_grad=True)
    x.data = torch.ones(3, 4, dtype=torch.float32)
    return x


@program
def data_set_dtype():
    x = torch.ones(2)
    x.data = torch.ones(3, dtype=torch.float64)
    return x


@program
def data_get():
    x = torch.ones(2, requires_grad=True) * 2
    return x.data


@program
def data_get_mut():
    x = torch.ones(2, requires_grad=True)
    x.data.add_(1)
    return x


@program
def requires_grad_set():
    x = torch.ones(2)
    x.requires_grad = True
    y = x * 2
    return x, y


@program
def requires_grad_int():
    x = torch.ones(2, dtype=torch.int64)
    x.requires_grad_()
    return x


@program
def requires_grad_nonleaf():
    x = torch.ones(2, requires_grad=True) * 2
    x.requires_grad_(False)
    return x


@program
def detach_():
    x = torch.ones(2, requires_grad=True) * 2
    x.detach_()
    return x


@program
def detach_view():
    x = (torch.ones(4, requires_grad=True) * 2).view(2, 2)
    x.detach_()
    return x


@program
def as_strided_():
    x = torch.ones(6)
    x.as_strided_((2, 2), (1, 2), 1)
    return x


@program
def channels_last():
    return torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last)


@program
def deep():
    x = torch.ones(2, 3, requires_grad=True).t().detach()
    return copy.deepcopy(x)


@program
def deep_leaf():
    x = torch.ones(2, 3, requires_grad=True)
    y = copy.deepcopy(x)
    return y, y is x


@program
def deep_nonleaf():
    return copy.deepcopy(torch.ones(2, requires_grad=True) * 2)


@program
def shallow():
    x = torch.ones(2, requires_grad=True)
    y = copy.copy(x)
    return y, y is x


@program
def shallow_param():
    x = nn.Parameter(torch.ones(2))
    y = copy.copy(x)
    return y


@program
def buffer():
    b = nn.Buffer(torch.ones(2))
    return isinstance(b, nn.Buffer), b.persistent


@program
def buffer_reg():
    m = nn.Module()
    m.b = nn.Buffer(torch.ones(2))
    return list(m.state_dict()), "b" in dict(m.named_buffers())


@program
def param_of():
    p = nn.Parameter(torch.ones(2))
    return p, p.data, isinstance(p.data, nn.Parameter), (p * 1)


@program
def param_norg():
    return nn.Parameter(torch.ones(2), requires_grad=False)


@program
def param_detach():
    p = nn.Parameter(torch.ones(2))
    return (
        isinstance(p.detach(), nn.Parameter),
        isinstance(p.clone(), nn.Parameter),
        isinstance(copy.deepcopy(p), nn.Parameter),
    )


@program
def grad_attr():
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.ones(2)
    return x.grad


@program
def grad_bad():
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.ones(3)
    return x.grad


@program
def version():
    x = torch.ones(2)
    x.add_(1)
    x.mul_(2)
    y = x.view(1, 2)
    y.add_(1)
    return x._version, y._version


@program
def output_nr():
    a, b = (torch.ones(4, requires_grad=True) * 2).split(2)
    return a.output_nr, b.output_nr


@program
def type_s():
    return torch.ones(2).type(), torch.ones(2).int().type(), torch.ones(2).type(torch.float64)


@program
def layout():
    return (
        torch.ones(2).layout,
        torch.ones(2).is_sparse,
        torch.ones(2).is_quantized,
        torch.ones(2).is_mkldnn,
        torch.ones(2).is_meta,
        torch.ones(2).is_cuda,
        torch.ones(2).is_cpu,
    )


@program
def iterate():
    return [t for t in torch.ones(3, 2)]


@program
def length():
    return len(torch.ones(3, 2))


@program
def len0():
    return len(torch.ones(()))


@program
def contains():
    x = torch.ones(3)
    return x in [x]


@program
def hashing():
    x = torch.ones(3)
    return {x: 1}[x]


@program
def dimorder():
    return torch.ones(2, 3, 4, 5).contiguous(memory_format=torch.channels_last).dim_order()


@program
def shape_t():
    return (
        type(torch.ones(2, 3).shape).__name__,
        torch.ones(2, 3).shape.numel(),
        torch.ones(2, 3).nbytes,
        torch.ones(2, 3).itemsize,
    )


@program
def isinst():
    return (
        isinstance(torch.ones(2), torch.Tensor),
        torch.is_tensor(torch.ones(2)),
        isinstance(torch.ones(2), torch.FloatTensor),
        isinstance(torch.ones(2), torch.LongTensor),
    )


@program
def T_():
    return torch.ones(2, 3).T, torch.ones(2, 3).mT, torch.ones(2, 3).H, torch.ones(2, 3, dtype=torch.complex64).mH


@program
def conj():
    x = torch.ones(2, dtype=torch.complex64).conj()
    return x, x.is_conj(), x.resolve_conj().is_conj(), x.imag, x.real, x.imag.is_neg()


@program
def real_imag():
    x = torch.ones(2, dtype=torch.complex64)
    return x.real, x.imag, torch.view_as_real(x), torch.view_as_complex(torch.ones(3, 2))


@program
def viewdtype():
    return (
        torch.ones(4).view(torch.int32),
        torch.ones(4, dtype=torch.int16).view(torch.int32),
        torch.ones(4).view(torch.int8),
    )


@program
def pin():
    return torch.ones(2).is_pinned()


@program
def shared():
    return torch.ones(2).is_shared()


@program
def fwd():
    x = torch.ones(3)
    x[0] = 2
    x[1:] = torch.zeros(2)
    x[:, None][0]
    return x


@program
def iadd_leaf():
    x = torch.ones(3, requires_grad=True)
    x += 1
    return x


@program
def iadd_view_leaf():
    x = torch.ones(3, requires_grad=True)
    x[0].add_(1)
    return x


@program
def split_inplace():
    x = torch.ones(4, requires_grad=True) * 1
    a, b = x.split(2)
    a.add_(1)
    return a


@program
def nograd_view_inplace():
    x = torch.ones(4, requires_grad=True) * 1
    with torch.no_grad():
        v = x.view(2, 2)
    v.add_(1)
    return v


@program
def inf_tensor():
    with torch.inference_mode():
        x = torch.ones(2)
    x.add_(1)
    return x


@program
def inf_save():
    with torch.inference_mode():
        x = torch.ones(2)
    return torch.ones(2, requires_grad=True) * x


@program
def copy_bcast():
    x = torch.ones(3, 4)
    x.copy_(torch.ones(4))
    return x


@program
def copy_bad():
    x = torch.ones(3, 4)
    x.copy_(torch.ones(5))
    return x


@program
def neg_size():
    return torch.ones(-1)


@program
def neg_view():
    return torch.ones(4).view(-2)


@program
def huge():
    return torch.empty(2**62, 2**3)


@program
def huge2():
    return torch.empty(2**40, 2**40)


@program
def empty_strided_bad():
    return torch.empty_strided((2, 3), (1,))


@program
def new_tensor():
    x = torch.ones(2, dtype=torch.float64)
    return x.new_tensor([1, 2]), x.new_zeros(3), x.new_full((2,), 1), x.new_empty(1), x.new_ones(2, dtype=torch.int32)


@program
def tensor_list():
    return (
        torch.tensor([[1, 2], [3, 4]]),
        torch.tensor(1.5),
        torch.tensor([True]),
        torch.as_tensor([1.0]),
        torch.asarray([1, 2]),
    )


@program
def fromnumpy():
    return torch.from_numpy(np.ones((2, 3))), torch.tensor(np.ones(3)), torch.as_tensor(np.ones(2, dtype=np.float32))


@program
def frombuf():
    return torch.frombuffer(bytearray(8), dtype=torch.int32)


@program
def type_as():
    return torch.ones(2).type_as(torch.ones(2, dtype=torch.int32))


@program
def to_same():
    x = torch.ones(2)
    return x.to(torch.float32) is x, x.to("cpu") is x, x.float() is x, x.contiguous() is x, x.cpu() is x, x.to(x) is x


@program
def apply_module():
    m = nn.Linear(2, 3)
    m = m.double().half().to(torch.bfloat16)
    return m.weight, m.bias


@program
def lstate():
    m = nn.Linear(2, 3)
    sd = nn.Linear(2, 3).state_dict()
    m.load_state_dict(sd)
    return m.weight


@program
def lstate_assign():
    m = nn.Linear(2, 3)
    sd = nn.Linear(2, 3, dtype=torch.float64).state_dict()
    m.load_state_dict(sd, assign=True)
    return m.weight


@program
def swap():
    a = torch.ones(2)
    b = torch.ones(3)
    torch.utils.swap_tensors(a, b)
    return a, b


@program
def weight_norm():
    m = torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    return m(torch.ones(1, 2)), m.weight


@program
def spectral():
    m = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3))
    return m(torch.ones(1, 2))


@program
def functional_call():
    m = nn.Linear(2, 3)
    return torch.func.functional_call(m, {"weight": torch.zeros(3, 2)}, (torch.ones(1, 2),))


@program
def vmap():
    return torch.func.vmap(lambda a: a * 2)(torch.ones(3, 2))


@program
def fgrad():
    return torch.func.grad(lambda a: (a * 2).sum())(torch.ones(3))


@program
def jvp():
    return torch.func.jvp(lambda a: a * 2, (torch.ones(3),), (torch.ones(3),))


@program
def ckpt():
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(lambda a: a * 2, x, use_reentrant=False)
    y.sum().backward()
    return y, x.grad


@program
def ckpt_re():
    w = torch.ones(3, requires_grad=True)
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(lambda a: a * w, x, use_reentrant=True)
    y.sum().backward()
    return y, x.grad, w.grad


class Fn(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a)
        return a * b

    @staticmethod
    def backward(ctx, g):
        return g * 2, None


@program
def customfn():
    a = torch.ones(3, requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    y = Fn.apply(a, b)
    y.sum().backward()
    return y, a.grad, b.grad


@program
def retain():
    a = torch.ones(3, requires_grad=True)
    y = a * 2
    y.retain_grad()
    y.sum().backward()
    return y.grad


@program
def rng():
    g = torch.Generator().manual_seed(1)
    return torch.randn(2, generator=g), torch.Generator().initial_seed()


@program
def seed():
    torch.manual_seed(3)
    return torch.rand(2), torch.get_rng_state().shape


class Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, factor, b):
        ctx.save_for_backward(a)
        count = torch.ones(3).int()
        ctx.mark_non_differentiable(count)
        return a * 2 * factor + b, count, a

    @staticmethod
    def backward(ctx, g, _count, of_a):
        (a,) = ctx.saved_tensors
        return g * a + of_a, None, None


class InPlace(torch.autograd.Function):
    @staticmethod
    def forward(a):
        return a.mul_(2)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_dirty(inputs[0])

    @staticmethod
    def backward(ctx, g):
        return g


@program
def function_of_a_result():
    x = torch.ones(3, 4, requires_grad=True)
    y = Fn.apply(x * 1, x)
    y.sum().backward()
    return y, x.grad


@program
def function_of_several():
    x, b = torch.ones(3, 4, requires_grad=True), torch.ones(4, requires_grad=True)
    y = x * 1
    result, count, same = Kept.apply(y, 3, b)
    (result.sum() + same.sum()).backward()
    return result, count, same is y, x.grad, b.grad


@program
def function_in_place():
    x = torch.ones(3, 4, requires_grad=True)
    y = x * 1
    z = InPlace.apply(y)
    z.sum().backward()
    return z, z is y, x.grad


@program
def function_in_place_on_a_leaf():
    return InPlace.apply(torch.ones(3, requires_grad=True))


@program
def function_of_a_checkpoint():
    x, weight = torch.ones(3, 4, requires_grad=True), torch.ones(4, 4, requires_grad=True)
    y = checkpoint(lambda a: nn.functional.linear(a, weight), x * 2, use_reentrant=True)
    y.sum().backward()
    return y, x.grad, weight.grad


@program
def function_without_grad():
    with torch.no_grad():
        return Fn.apply(torch.ones(3, requires_grad=True), torch.ones(3))


@program
def a_saved_result_is_written_to():
    x = torch.ones(3, 4, requires_grad=True)
    y = x.sin().exp()
    y.add_(1)
    y.sum().backward()
    return x.grad


@program
def a_saved_argument_is_written_to():
    x = torch.ones(3, 4, requires_grad=True)
    y = x * 1
    z = y * y
    y.add_(1)
    z.sum().backward()
    return x.grad


@program
def a_saved_parameter_is_written_to():
    x, weight = torch.ones(3, 4), torch.ones(2, 4, requires_grad=True)
    y = nn.functional.linear(x.requires_grad_(), weight)
    with torch.no_grad():
        weight.mul_(2)
    y.sum().backward()
    return x.grad


@program
def what_is_not_saved_is_written_to():
    x = torch.ones(3, 4, requires_grad=True)
    y = nn.functional.relu(x * 2, inplace=True)
    z = y + 1
    y.mul_(1)
    z.sum().backward()
    return x.grad


@program
def data_of_what_is_saved_is_written_to():
    x, weight = torch.ones(3, 4, requires_grad=True), torch.ones(4, requires_grad=True)
    y = x * weight
    weight.data.mul_(2)
    y.sum().backward()
    return x.grad, weight.grad


@program
def jacobian():
    return torch.func.jacfwd(torch.sin)(torch.ones(3, 4)[0]), torch.func.hessian(lambda a: a.sum())(torch.ones(2, 2)[0])


@program
def tangents():
    x = torch.ones(3, 4)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        unpacked = torch.autograd.forward_ad.unpack_dual((dual.sin() * 2 + x) * x)
        return unpacked.primal.shape, unpacked.tangent


@program
def tangents_of_numbers():
    x = torch.ones(2, 3)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        unpacked = torch.autograd.forward_ad.unpack_dual(dual.sin() * x.sum() / 3)
        return unpacked.primal.shape, unpacked.tangent


@program
def products_with_numbers_forward():
    x = torch.ones(2, 3)
    return torch.func.jvp(lambda a: (a.sin(), a * 2), (x,), (x,), has_aux=True)


@program
def second_derivatives_of_a_batch():
    return torch.func.vmap(torch.func.hessian(lambda a: (a**3).sum()))(torch.ones(2, 3))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("function_")])
def test_a_function_of_a_user_may_be_applied_where_there_is_no_device(name):
    expected = outcome(PROGRAMS[name])
    cache = PropagationCache()
    for _ in range(3):
        with FakeMode(cache=cache), torch.device("cuda"):
            assert repr(outcome(PROGRAMS[name])).replace("'cuda'", "'cpu'") == repr(expected)


def test_functions_of_users_are_torch_s_outside_of_a_mode():
    before = vars(torch.autograd.Function)["apply"]
    with FakeMode():
        assert vars(torch.autograd.Function)["apply"] is not before
    assert vars(torch.autograd.Function)["apply"] is before


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_what_it_sees_for_real(name):
    expected = outcome(PROGRAMS[name])
    cache = PropagationCache()
    for _ in range(3):
        with FakeMode(cache=cache):
            assert outcome(PROGRAMS[name]) == expected


def test_a_program_sees_it_with_what_others_left_in_the_cache():
    cache = PropagationCache()
    for name, function in PROGRAMS.items():
        expected = outcome(function)
        with FakeMode(cache=cache):
            assert outcome(function) == expected, name
    assert cache.hits > cache.misses / 4
