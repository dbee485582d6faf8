"""The mode entered: whole programs and modules without data."""

import copy

import pytest
import torch
from torch import nn

from framelift_fake_tensors import DataDependentError, FakeMode, FakeTensor, FakeTensorError, NestedModeError
from framelift_symbolic_shapes import ShapeEnv

HUGE = 10**9


@pytest.fixture
def mode():
    return FakeMode(ShapeEnv())


def test_what_is_built_inside_has_no_data(mode):
    with mode, torch.device("cuda"):
        layer = nn.Linear(HUGE, HUGE)
        made = [torch.ones(HUGE), torch.Tensor(2, HUGE), torch.tensor([1.0, 2.0]), torch.tensor(3)]
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf
    assert layer.weight.device == torch.device("cuda:0")
    assert [tuple(tensor.shape) for tensor in made] == [(HUGE,), (2, HUGE), (2,), ()]
    assert all(type(tensor) is FakeTensor for tensor in made)


def test_the_default_device_is_in_the_key(mode):
    found = []
    for device in ("cpu", "cuda", "meta", "cpu"):
        with torch.device(device), mode:
            found.append(torch.zeros(3).device.type)
        with mode, torch.device(device):
            found.append(torch.zeros(3).device.type)
    assert found == ["cpu", "cpu", "cuda", "cuda", "meta", "meta", "cpu", "cpu"]


@pytest.mark.parametrize("call", [
    lambda x: x[:, :1], lambda x: x[x > 0.0, None] if False else x[..., None], lambda x: x.t().contiguous(),
    lambda x: x.__setitem__(0, 1.0) or x, lambda x: x.new_empty(2, 3).copy_(x), lambda x: x.cpu().cuda(),
    lambda x: x.to("cuda"), lambda x: x.cuda(0), lambda x: x.cuda(device="cuda"), lambda x: torch.zeros_like(x),
    lambda x: torch.cat([x, x]), lambda x: torch.tensor([1.0], device="cuda"), lambda x: x.half().float(),
])  # fmt: skip
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_device_need_not_exist(mode, call, requires_grad):
    with torch.set_grad_enabled(requires_grad), mode:
        x = torch.zeros(2, 3, device="cuda", requires_grad=requires_grad) * 2
        there = call(x)
        here = call_on_cpu(call, requires_grad)
    assert (there.shape, there.stride(), there.dtype) == (here.shape, here.stride(), here.dtype)
    assert there.requires_grad == here.requires_grad
    assert there.device == torch.device("cuda:0")


def call_on_cpu(call, requires_grad):
    x = torch.zeros(2, 3, device="meta", requires_grad=requires_grad) * 2
    if any(name in ("cuda", "cpu") for name in call.__code__.co_names):
        return x.clone()
    return call(x)


def test_errors_are_eager_s(mode):
    with mode:
        x = torch.ones(2, 3)
        with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied") as caught:
            x @ x
        assert not isinstance(caught.value, FakeTensorError)
        with pytest.raises(DataDependentError):
            bool(x.sum() > 0)


def test_modes_do_not_nest_but_one_may_be_entered_again(mode):
    with mode:
        with mode:
            pass
        assert type(torch.ones(2)) is FakeTensor
        with pytest.raises(NestedModeError), FakeMode():
            pass
    assert type(torch.ones(2)) is torch.Tensor
    assert not torch.compiler.is_compiling()


def test_torch_s_own_mode_is_refused(mode):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), pytest.raises(NestedModeError, match="torch's"), mode:
        pass


def test_grad_mode_is_set_each_time(mode):
    with mode:
        for _ in range(3):
            with torch.no_grad():
                assert not torch.is_grad_enabled()
            assert torch.is_grad_enabled()


def test_a_module_keeps_what_it_shares(mode):
    first = nn.Linear(3, 4)
    module = nn.Sequential(first, nn.BatchNorm1d(4), nn.Linear(3, 4))
    module[2].weight = first.weight
    module.views = [first.weight.detach(), torch.ones(3)]
    fake = mode.fake(module)
    assert type(fake) is type(module)
    assert list(fake.state_dict()) == list(module.state_dict())
    assert fake[2].weight is fake[0].weight
    assert fake.views[0].memory is fake[0].weight.memory
    assert all(isinstance(value, FakeTensor) for value in [*fake.parameters(), *fake.buffers(), *fake.views])
    assert all(isinstance(value, nn.Parameter) for value in fake.parameters())
    assert type(module[0].weight) is nn.Parameter
    x = mode.fake(torch.ones(8, 3), dynamic=(0,))
    with mode:
        assert str(fake[1](fake[0](x)).shape) == f"torch.Size([{x.shape[0]}, 4])"
        fake.to(device="cuda", dtype=torch.float16)
    assert {str(value.device) for value in fake.parameters()} == {"cuda:0"}
    assert fake[2].weight.dtype is torch.float16


def test_what_is_copied_deeply_shares_with_its_like(mode):
    with mode:
        layer = nn.Linear(3, 4)
        layer.view = layer.weight.detach().view(-1)
        twin = copy.deepcopy(layer)
    assert isinstance(twin.weight, nn.Parameter)
    assert twin.view.memory is twin.weight.memory
    assert twin.weight.memory is not layer.weight.memory
    assert twin.weight.requires_grad


@pytest.mark.parametrize("make", [
    lambda: (nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, batch_first=True), 2), (2, 5, 16)),
    lambda: (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Flatten()), (2, 3, 8, 8)),
    lambda: (nn.GRU(4, 5), (3, 2, 4)),
])  # fmt: skip
def test_modules_give_what_they_give_for_real(mode, make):
    module, shape = make()
    expected = module(torch.randn(shape))
    for _ in range(2):
        with mode:
            module, shape = make()
            found = module(torch.randn(shape))
        for one, other in zip([found] if torch.is_tensor(found) else found,
                              [expected] if torch.is_tensor(expected) else expected, strict=True):  # fmt: skip
            assert (one.shape, one.stride(), one.requires_grad) == (other.shape, other.stride(), other.requires_grad)


def test_names_are_given_where_none_is(mode):
    x, y = mode.fake(torch.ones(4), dynamic=(0,)), mode.fake(torch.ones(5), dynamic=(0,))
    assert x.shape != y.shape


def test_which_arguments_share_memory_is_in_the_key(mode):
    with mode:
        a, b = torch.ones(2, 1), torch.ones(2, 1)
        torch.broadcast_tensors(a, a)
        first, second = torch.broadcast_tensors(a, b)
    assert first.memory is a.memory
    assert second.memory is b.memory


def test_views_made_without_autograd_may_be_written_to(mode):
    with mode:
        for _ in range(3):
            layer = nn.Embedding(10, 3, padding_idx=0)
            with torch.no_grad():
                row = layer.weight[0]
                row.fill_(0)
                row.add_(1)
                assert (row * 2).shape == (3,)
            assert layer.weight.is_leaf
            layer(torch.zeros(2, dtype=torch.int64)).sum().backward()
            assert layer.weight.grad.shape == (10, 3)
