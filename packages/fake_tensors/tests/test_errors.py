"""Errors are eager's: programs that raise do so on fakes, with the type and the first line of the message."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from framelift_fake_tensors import FakeMode, PropagationCache

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def outcome(run):
    try:
        run()
    except Exception as error:  # which one is what is compared
        return type(error), str(error).partition("\n")[0]
    return None


@program
def expanded_inplace():
    torch.ones(1, 3).expand(4, 3).add_(1)


@program
def expanded_copy():
    torch.ones(1, 3).expand(4, 3).copy_(torch.ones(4, 3))


@program
def expanded_fill():
    torch.ones(1).expand(4).fill_(2)


@program
def expanded_zero():
    torch.ones(1).expand(4).zero_()


@program
def expanded_mul():
    x = torch.ones(1).expand(4)
    x *= 2


@program
def expanded_setitem():
    x = torch.ones(1).expand(4)
    x[0] = 2
    return x


@program
def expanded_setall():
    x = torch.ones(1).expand(4)
    x[:] = 2
    return x


@program
def expanded_scatter():
    torch.ones(1).expand(4).scatter_(0, torch.tensor([0]), torch.ones(1))


@program
def expanded_index_put():
    torch.ones(1).expand(4).index_put_((torch.tensor([0]),), torch.ones(1))


@program
def expanded_indexadd():
    torch.ones(1).expand(4).index_add_(0, torch.tensor([0]), torch.ones(1))


@program
def expanded_maskedfill():
    torch.ones(1).expand(4).masked_fill_(torch.ones(4).bool(), 1)


@program
def expanded_out():
    torch.add(torch.ones(4), 1, out=torch.ones(1).expand(4))


@program
def expanded_relu():
    F.relu(torch.ones(1).expand(4), inplace=True)


@program
def expanded_normal():
    torch.ones(1).expand(4).normal_()


@program
def overlap_partial():
    x = torch.ones(6)
    x[1:].add_(x[:-1])


@program
def overlap_copy():
    x = torch.ones(6)
    x[1:].copy_(x[:-1])
    return x


@program
def overlap_mul_t():
    x = torch.ones(3, 3)
    x.mul_(x.t())


@program
def overlap_out():
    x = torch.ones(6)
    torch.add(x[1:], 1, out=x[:-1])


@program
def strided_oob():
    torch.ones(4).as_strided((3, 3), (3, 1))


@program
def strided_oob2():
    torch.ones(4).as_strided((2,), (1,), 3)


@program
def strided_neg():
    torch.ones(4).as_strided((2,), (-1,), 3)


@program
def strided_neg_size():
    torch.ones(4).as_strided((-2,), (1,))


@program
def strided_neg_off():
    torch.ones(4).as_strided((2,), (1,), -1)


@program
def strided_mismatch():
    torch.ones(4).as_strided((2, 2), (1,))


@program
def strided_inplace():
    torch.ones(4).as_strided_((3, 3), (3, 1))


@program
def set_oob():
    x = torch.ones(2)
    x.set_(torch.ones(4).untyped_storage(), 2, (3,), (1,))
    return x


@program
def set_dtype():
    torch.ones(2).set_(torch.ones(2).int())


@program
def backward_twice_retain():
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@program
def backward_twice_linear():
    x = torch.ones(2, requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def grad_twice_create():
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    g.sum().backward()
    return x.grad


@program
def backward_nonscalar():
    (torch.ones(2, requires_grad=True) * 2).backward()


@program
def backward_nograd():
    torch.ones(1).sum().backward()


@program
def backward_shape():
    (torch.ones(2, requires_grad=True) * 2).backward(torch.ones(3))


@program
def grad_unused():
    x = torch.ones(2, requires_grad=True)
    z = torch.ones(2, requires_grad=True)
    torch.autograd.grad((x * 2).sum(), z)


@program
def grad_of_nograd():
    torch.autograd.grad((torch.ones(2, requires_grad=True) * 2).sum(), torch.ones(2))


@program
def leaf_inplace():
    torch.ones(2, requires_grad=True).add_(1)


@program
def leaf_inplace_view():
    torch.ones(2, requires_grad=True)[0].add_(1)


@program
def leaf_setitem():
    x = torch.ones(2, requires_grad=True)
    x[0] = 1


@program
def leaf_out():
    torch.add(torch.ones(2), 1, out=torch.ones(2, requires_grad=True))


@program
def out_requires():
    torch.add(torch.ones(2, requires_grad=True), 1, out=torch.ones(2))


@program
def view_nograd_inplace():
    x = torch.ones(2, requires_grad=True) * 1
    with torch.no_grad():
        v = x.view(2)
    v.mul_(2)


@program
def view_nograd_base():
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        v = x.view(2)
    v.mul_(2)


@program
def multi_view_inplace():
    x = torch.ones(4, requires_grad=True) * 1
    a, b = x.split(2)
    a.add_(1)


@program
def unbind_inplace():
    x = torch.ones(4, requires_grad=True) * 1
    x.unbind(0)[0].add_(1)


@program
def chunk_inplace_nograd():
    x = torch.ones(4, requires_grad=True) * 1
    with torch.no_grad():
        a, b = x.chunk(2)
    a.add_(1)


@program
def saved_modified_data():
    x = torch.ones(2, requires_grad=True)
    w = torch.ones(2)
    y = (x * w).sum()
    w.data.add_(1)
    y.backward()
    return x.grad


@program
def requires_grad_int():
    torch.ones(2).int().requires_grad_()


@program
def requires_grad_false_nonleaf():
    (torch.ones(2, requires_grad=True) * 2).requires_grad_(False)


@program
def requires_grad_attr():
    x = torch.ones(2, requires_grad=True) * 2
    x.requires_grad = False


@program
def retain_grad_no():
    torch.ones(2).retain_grad()


@program
def deepcopy_nonleaf():
    copy.deepcopy(torch.ones(2, requires_grad=True) * 2)


@program
def detach_inplace_view():
    (torch.ones(2, requires_grad=True) * 1).view(2).detach_()


@program
def inference_inplace():
    with torch.inference_mode():
        x = torch.ones(2)
    x.add_(1)
    return 1


@program
def inference_requires():
    with torch.inference_mode():
        x = torch.ones(2)
    x.requires_grad_()


@program
def inference_save():
    with torch.inference_mode():
        x = torch.ones(2)
    torch.ones(2, requires_grad=True) * x


@program
def inference_version():
    with torch.inference_mode():
        x = torch.ones(2)
    return x._version


@program
def resize_grad():
    torch.ones(2, requires_grad=True).resize_(3)


@program
def set_data_type():
    x = torch.ones(2, requires_grad=True)
    x.data = torch.ones(2).int()


@program
def grad_assign_shape():
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.ones(3)


@program
def grad_assign_dtype():
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.ones(2).double()


@program
def grad_assign_type():
    x = torch.ones(2, requires_grad=True)
    x.grad = 3


@program
def matmul_shape():
    torch.ones(2, 3) @ torch.ones(2, 3)


@program
def matmul_dtype():
    torch.ones(2, 3) @ torch.ones(3, 2).double()


@program
def broadcast():
    torch.ones(2, 3) + torch.ones(4)


@program
def inplace_broadcast():
    torch.ones(3).add_(torch.ones(2, 3))


@program
def inplace_dtype():
    torch.ones(3).int().add_(1.5)


@program
def inplace_dtype2():
    x = torch.ones(3).int()
    x /= 2


@program
def view_bad():
    torch.ones(2, 3).view(4)


@program
def view_stride():
    torch.ones(2, 3).t().view(6)


@program
def reshape_bad():
    torch.ones(2, 3).reshape(-1, 4)


@program
def view_two():
    torch.ones(4).view(-1, -1)


@program
def index_oob():
    torch.ones(3)[5]


@program
def index_dim():
    torch.ones(3)[0, 0]


@program
def select_dim():
    torch.ones(3).select(2, 0)


@program
def index_float():
    torch.ones(3)[torch.ones(2)]


@program
def cat_shape():
    torch.cat([torch.ones(2, 3), torch.ones(2, 4)])


@program
def cat_empty():
    torch.cat([])


@program
def stack_shape():
    torch.stack([torch.ones(2), torch.ones(3)])


@program
def linear_shape():
    F.linear(torch.ones(2, 3), torch.ones(4, 5))


@program
def conv_channels():
    F.conv2d(torch.ones(1, 3, 5, 5), torch.ones(2, 4, 3, 3))


@program
def conv_small():
    F.conv2d(torch.ones(1, 3, 2, 2), torch.ones(2, 3, 3, 3))


@program
def conv_dtype():
    F.conv2d(torch.ones(1, 3, 5, 5), torch.ones(2, 3, 3, 3).double())


@program
def pool_small():
    F.max_pool2d(torch.ones(1, 1, 1, 1), 3)


@program
def embedding_float():
    F.embedding(torch.ones(2), torch.ones(3, 4))


@program
def bn_one():
    F.batch_norm(torch.ones(1, 3), torch.zeros(3), torch.ones(3), training=True)


@program
def ln_shape():
    F.layer_norm(torch.ones(2, 3), (4,))


@program
def ce_shape():
    F.cross_entropy(torch.ones(2, 3), torch.ones(4).long())


@program
def dropout_p():
    F.dropout(torch.ones(2), 2.0)


@program
def squeeze_dim():
    torch.ones(2).squeeze(3)


@program
def transpose_dim():
    torch.ones(2, 3).transpose(0, 4)


@program
def permute_dims():
    torch.ones(2, 3).permute(0, 0)


@program
def permute_len():
    torch.ones(2, 3).permute(0)


@program
def expand_bad():
    torch.ones(2, 3).expand(4, 3)


@program
def repeat_bad():
    torch.ones(2, 3).repeat(2)


@program
def sum_dim():
    torch.ones(2).sum(3)


@program
def mean_int():
    torch.ones(2).int().mean()


@program
def softmax_int():
    torch.ones(2).int().softmax(0)


@program
def zeros_neg():
    torch.zeros(-1)


@program
def empty_neg():
    torch.empty(2, -3)


@program
def zeros_overflow():
    torch.zeros(2**63)


@program
def arange_bad():
    torch.arange(5, 0)


@program
def arange_zero():
    torch.arange(0, 5, 0)


@program
def narrow_bad():
    torch.ones(3).narrow(0, 2, 5)


@program
def unfold_bad():
    torch.ones(3).unfold(0, 5, 1)


@program
def split_bad():
    torch.ones(3).split([1, 1])


@program
def chunk_zero():
    torch.ones(3).chunk(0)


@program
def gather_dims():
    torch.ones(3, 3).gather(0, torch.zeros(2).long())


@program
def gather_dtype():
    torch.ones(3).gather(0, torch.zeros(2))


@program
def scatter_dtype():
    torch.ones(3).scatter(0, torch.zeros(2).long(), torch.ones(2).double())


@program
def where_shape():
    torch.where(torch.ones(2).bool(), torch.ones(3), torch.ones(4))


@program
def bool_many():
    bool(torch.ones(2))


@program
def item_many():
    torch.ones(2).item()


@program
def int_many():
    int(torch.ones(2))


@program
def bad_kw():
    torch.add(torch.ones(2), 1, foo=2)


@program
def none_arg():
    torch.add(torch.ones(2), None)


@program
def len0():
    len(torch.tensor(1.0))


@program
def iter0():
    list(torch.tensor(1.0))


@program
def t_3d():
    torch.ones(2, 3, 4).t()


@program
def cholesky_sq():
    torch.linalg.cholesky(torch.ones(2, 3))


@program
def solve_shape():
    torch.linalg.solve(torch.ones(2, 2), torch.ones(3, 2))


@program
def einsum_bad():
    torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(4, 2))


@program
def mse_shape():
    F.nll_loss(torch.ones(2, 3), torch.ones(2))


@program
def lstm_shape():
    nn.LSTM(3, 4)(torch.ones(5, 2, 7))


@program
def to_bad():
    torch.ones(2).to("foo")


@program
def dtype_bad():
    torch.ones(2).to(dtype=3)


@program
def view_dtype():
    torch.ones(3, dtype=torch.int16).view(torch.int32)


@program
def bitand_float():
    torch.ones(2) & torch.ones(2)


@program
def shift_neg():
    torch.ones(2).bool() - torch.ones(2).bool()


@program
def neg_bool():
    -torch.ones(2).bool()


@program
def clamp_none():
    torch.ones(2).clamp()


@program
def quantile_dtype():
    torch.ones(2).int().quantile(0.5)


@program
def complex_relu():
    torch.ones(2).cfloat().relu()


@program
def complex_lt():
    torch.ones(2).cfloat() < 1


@program
def sdpa_shape():
    F.scaled_dot_product_attention(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 5), torch.ones(1, 2, 3, 5))


@program
def randperm_neg():
    torch.randperm(-1)


@program
def linspace_neg():
    torch.linspace(0, 1, -1)


@program
def eye_neg():
    torch.eye(-1)


@program
def full_none():
    torch.full((2,), None)


@program
def unflatten_bad():
    torch.ones(6).unflatten(0, (4, 2))


@program
def flatten_bad():
    torch.ones(2, 3).flatten(1, 0)


@program
def movedim_bad():
    torch.ones(2, 3).movedim(0, 5)


@program
def roll_bad():
    torch.ones(2, 3).roll((1, 1), (0,))


@program
def diag_bad():
    torch.ones(2, 3, 4).diag()


@program
def addmm_shape():
    torch.addmm(torch.ones(2), torch.ones(2, 3), torch.ones(3, 4))


@program
def bmm_dim():
    torch.bmm(torch.ones(2, 3), torch.ones(3, 4))


@program
def dot_dim():
    torch.dot(torch.ones(2, 2), torch.ones(2))


@program
def out_dtype():
    torch.add(torch.ones(2), 1.5, out=torch.ones(2).int())


@program
def foreach_len():
    torch._foreach_add([torch.ones(2)], [torch.ones(2), torch.ones(2)])


@program
def module_missing():
    nn.Linear(2, 3)(torch.ones(4))


@program
def a_mask_of_another_shape():
    torch.ones(3)[torch.ones(2).bool()]


@program
def inference_view_inplace():
    with torch.inference_mode():
        x = torch.ones(2)
    x.view(2)[0].add_(1)


@program
def backward_twice():
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


@program
def backward_of_what_shares_a_part():
    x = torch.ones(2, requires_grad=True)
    h = x * x
    h.sum().backward()
    (h * 2).sum().backward()


@program
def backward_of_what_shares_its_own_result():
    x = torch.ones(2, requires_grad=True)
    h = x.exp()
    h.sum().backward()
    h.mean().backward()


@program
def backward_twice_of_one_function_of_several_nodes():
    x = torch.ones(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, torch.ones(2, 3))
    loss.backward()
    loss.backward()


@program
def grad_twice():
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    torch.autograd.grad(y, x)
    torch.autograd.grad(y, x)


@program
def grad_of_what_is_in_the_middle_leaves_the_rest():
    x = torch.ones(2, requires_grad=True)
    h = x * x
    y = (h + 1).sum()
    torch.autograd.grad(y, h)
    y.backward()


@program
def grad_of_what_is_in_the_middle_frees_the_way():
    x = torch.ones(2, requires_grad=True)
    h = x * x
    y = (h * h).sum()
    torch.autograd.grad(y, h)
    y.backward()


@program
def backward_for_some_inputs():
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    a, b = x * x, w * w
    y = (a + b).sum()
    y.backward(inputs=[x])
    b.sum().backward()
    a.sum().backward()


@program
def a_loop_that_builds_its_graph_each_time():
    layer = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 1))
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        layer(torch.ones(2, 3)).sum().backward()
        optimiser.step()


@program
def a_loop_that_keeps_its_state():
    cell, state = nn.GRUCell(3, 3), torch.zeros(1, 3)
    for _ in range(3):
        state = cell(torch.ones(1, 3), state)
        state.sum().backward()


@program
def a_loop_that_detaches_its_state():
    cell, state = nn.GRUCell(3, 3), torch.zeros(1, 3)
    for _ in range(3):
        state = cell(torch.ones(1, 3), state.detach())
        state.sum().backward()


@program
def two_losses_retained():
    x = torch.ones(2, requires_grad=True)
    h = x.sigmoid()
    h.sum().backward(retain_graph=True)
    h.mean().backward()


@program
def gradients_of_gradients():
    x = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
    h.sum().backward()


@program
def views_and_sums_save_nothing():
    x = torch.ones(2, 3, requires_grad=True)
    y = (x.t()[0] + 1).view(2, 1).sum()
    y.backward()
    y.backward()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_errors_are_eager_s(name):
    run = PROGRAMS[name]
    expected = outcome(run)
    with FakeMode(cache=PropagationCache()):
        assert outcome(run) == expected
        assert outcome(run) == expected  # what the first run left in the cache changes nothing
