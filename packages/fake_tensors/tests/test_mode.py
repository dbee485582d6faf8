"""What a mode makes of real tensors, and what it does beside telling metadata."""

import gc
import operator
import os
import pickle
import weakref

import pytest
import torch
import torch.nn.functional as F

from framelift_fake_tensors import (
    DataAccessError,
    DataDependentError,
    FakeMode,
    FakeTensor,
    ForeignTensorError,
    NoMetaKernelError,
    PropagationError,
    UnsupportedTensorError,
    process_state,
)
from framelift_symbolic_shapes import ShapeEnv


@pytest.fixture
def mode():
    return FakeMode()


@pytest.fixture
def x(mode):
    return mode.fake(torch.ones(2, 3), name="x")


def test_a_fake_shows_its_size_only(mode):
    weight = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    assert repr(mode.fake(weight, name="x")) == "FakeTensor(..., size=(2, 3), dtype=torch.float64, requires_grad=True)"
    assert repr(mode.fake(torch.ones(2, device="meta"), name="m")) == "FakeTensor(..., device='meta', size=(2,))"
    assert str(mode.fake(torch.ones(2), name="y")) == "FakeTensor(..., size=(2,))"
    assert f"{mode.fake(torch.ones(()), name='z')}" == "FakeTensor(..., size=())"


def test_a_symbolic_fake_shows_its_symbols():
    mode = FakeMode(ShapeEnv())
    fake = mode.fake(torch.ones(2), name="L['x']", dynamic=True)
    assert repr(fake) == "FakeTensor(..., size=(s77,))"
    assert str(fake.shape[0]) == "s77"
    assert repr(mode.propagate(torch.mul, (fake, 2), {})) == "FakeTensor(..., size=(s77,))"


def test_a_parameter_stays_a_parameter(mode):
    fake = mode.fake(torch.nn.Parameter(torch.ones(2)), name="p")
    assert isinstance(fake, torch.nn.Parameter)
    assert isinstance(fake, FakeTensor)
    assert fake.requires_grad
    assert not isinstance(mode.propagate(torch.mul, (fake, 2), {}), torch.nn.Parameter)


def test_one_tensor_has_one_fake(mode):
    real = torch.ones(2)
    assert mode.fake(real, name="x") is mode.fake(real, name="y")


def test_a_mode_keeps_no_tensor_alive(mode):
    real = torch.ones(2)
    mode.fake(real, name="x")
    reference = weakref.ref(real)
    del real
    gc.collect()
    assert reference() is None


def test_tensors_that_share_memory_have_fakes_that_do(mode):
    real = torch.ones(4)
    first, second, other = (mode.fake(t, name="t") for t in (real, real[1:], torch.ones(4)))
    assert first.memory is second.memory
    assert first.memory is not other.memory


def test_a_tensor_with_history_has_a_fake_with_history(mode):
    fake = mode.fake(torch.ones(2, requires_grad=True) * 2, name="x")
    assert fake.requires_grad
    assert not fake.is_leaf


@pytest.mark.parametrize("device", ["cuda", "mps", "meta"])
def test_devices_need_not_exist(mode, device):
    zeros = mode.propagate(torch.zeros, (2, 3), {"device": device, "requires_grad": True})
    expected = torch.zeros(1, device="meta").device if device == "meta" else torch.device(device, 0)
    assert zeros.device == expected
    product = mode.propagate(torch.mul, (zeros, 2), {})
    assert product.device == expected
    assert product.requires_grad
    assert not product.is_leaf
    assert mode.propagate(torch.sum, (product,), {}).requires_grad
    assert not mode.propagate(torch.Tensor.detach, (product,), {}).requires_grad


def test_tensors_on_different_devices_do_not_mix(mode, x):
    there = mode.propagate(torch.zeros, (2, 3), {"device": "cuda"})
    with pytest.raises(PropagationError, match="Expected all tensors to be on the same device"):
        mode.propagate(torch.add, (x, there), {})
    scalar = mode.fake(torch.tensor(2.0), name="s")
    assert mode.propagate(torch.mul, (there, scalar), {}).device.type == "cuda"


@pytest.mark.parametrize("operation", [
    lambda x: x.tolist(), lambda x: x.numpy(), lambda x: x.data_ptr(), lambda x: pickle.dumps(x),
])  # fmt: skip
def test_data_is_refused_by_name(x, operation):
    with pytest.raises(DataAccessError, match="only metadata"):
        operation(x)


@pytest.mark.parametrize(("function", "make"), [
    (torch.Tensor.item, lambda: torch.ones(())),
    (bool, lambda: torch.ones(())),
    (int, lambda: torch.ones((), dtype=torch.int64)),
    (torch.nonzero, lambda: torch.ones(3)),
    (torch.unique, lambda: torch.ones(3)),
])  # fmt: skip
def test_what_depends_on_data_says_so(mode, function, make):
    with pytest.raises(DataDependentError, match="depends on the data"):
        mode.propagate(function, (mode.fake(make(), name="x"),), {})


def test_an_index_with_a_mask_depends_on_data(mode, x):
    mask = mode.propagate(operator.gt, (x, 0), {})
    with pytest.raises(DataDependentError, match="aten.index.Tensor"):
        mode.propagate(operator.getitem, (x, mask), {})


def test_the_error_of_a_call_is_the_cause(mode, x):
    with pytest.raises(PropagationError, match="matmul raised RuntimeError") as caught:
        mode.propagate(torch.matmul, (x, x), {})
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(PropagationError) as caught:
        mode.propagate(torch.add, (x,), {})
    assert isinstance(caught.value.__cause__, TypeError)


def test_an_operator_without_a_meta_kernel_is_named(mode):
    @torch.library.custom_op("framelift_tests::mystery", mutates_args=())
    def mystery(x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    fake = mode.fake(torch.ones(2), name="x")
    with pytest.raises(NoMetaKernelError, match=r"framelift_tests.*mystery.*register_fake"):
        mode.propagate(torch.ops.framelift_tests.mystery, (fake,), {})


def test_a_custom_operator_with_a_fake_is_propagated(mode):
    @torch.library.custom_op("framelift_tests::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x])

    @twice.register_fake
    def _(x):
        return x.new_empty([2 * x.shape[0], *x.shape[1:]])

    assert mode.propagate(torch.ops.framelift_tests.twice, (mode.fake(torch.ones(2, 3), name="x"),), {}).shape == (4, 3)


def test_real_and_foreign_tensors_are_refused(mode, x):
    with pytest.raises(ForeignTensorError, match="a real tensor"):
        mode.propagate(torch.add, (x, torch.ones(2, 3)), {})
    with pytest.raises(ForeignTensorError, match="another mode"):
        mode.propagate(torch.add, (x, FakeMode().fake(torch.ones(2, 3), name="y")), {})
    with pytest.raises(ForeignTensorError):
        mode.fake(x, name="x")


@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor:UserWarning")
@pytest.mark.parametrize("make", [
    lambda: torch.ones(2, 3).to_sparse(),
    lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
])  # fmt: skip
def test_unusual_tensors_are_refused(mode, make):
    with pytest.raises(UnsupportedTensorError):
        mode.fake(make(), name="x")


def test_a_fake_is_not_made_by_its_class():
    with pytest.raises(TypeError, match=r"FakeMode\.fake"):
        FakeTensor(torch.ones(2))


def test_random_state_is_left_alone(mode, x):
    before = torch.get_rng_state()
    for function, args in (
        (F.dropout, (x, 0.5)), (torch.rand_like, (x,)), (torch.randn, (2, 3)), (torch.bernoulli, (x,)),
        (torch.Tensor.normal_, (mode.propagate(torch.clone, (x,), {}),)), (torch.multinomial, (x, 1)),
        (torch.randperm, (5,)),
    ):  # fmt: skip
        mode.propagate(function, args, {})
    assert torch.equal(before, torch.get_rng_state())


def test_no_mode_is_left_behind(mode, x):
    for function, args in ((torch.add, (x, 1)), (torch.matmul, (x, x)), (torch.nonzero, (x,))):
        try:
            mode.propagate(function, args, {})
        except (PropagationError, DataDependentError):
            pass
        assert torch._C._len_torch_dispatch_stack() == 0
        assert torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is None
        assert torch.equal(torch.add(torch.ones(2), 1), torch.full((2,), 2.0))


def test_operators_on_fakes_work_without_propagate(x):
    assert (x + 1).shape == (2, 3)
    assert x.t().stride() == (1, 3)
    assert (x @ x.t()).shape == (2, 2)


def test_inference_mode(mode):
    with torch.inference_mode():
        fake = mode.propagate(torch.zeros, (2, 3), {})
        for _ in range(2):
            view = mode.propagate(torch.Tensor.view, (fake, -1), {})
            assert view.is_inference()
            assert view.memory is fake.memory


def test_autocast(mode):
    a, b = mode.fake(torch.ones(2, 3), name="a"), mode.fake(torch.ones(3, 4), name="b")
    assert mode.propagate(torch.matmul, (a, b), {}).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert mode.propagate(torch.matmul, (a, b), {}).dtype == torch.bfloat16
    assert mode.propagate(torch.matmul, (a, b), {}).dtype == torch.float32


def test_origins_come_back_with_the_symbols():
    env = ShapeEnv()
    mode = FakeMode(env)
    mode.fake(torch.ones(4, 6), name="L['x']", dynamic=lambda dim: dim == 0, origin=lambda kind, dim: (kind, dim))
    mode.fake(torch.ones(4, 5), name="L['y']", dynamic={0}, origin=lambda kind, dim: ("y", kind, dim))
    ((symbol, info),) = env.symbols.items()
    assert str(symbol) == "s77"
    assert info.origins == [("size", 0), ("y", "size", 0)]
    assert info.hint == 4


def test_strides_follow_symbolic_sizes():
    mode = FakeMode(ShapeEnv())
    fake = mode.fake(torch.ones(4, 6, 5).transpose(0, 1), name="L['x']", dynamic=True)
    assert [str(extent) for extent in fake.shape] == ["s77", "s27", "s53"]
    assert [str(extent) for extent in fake.stride()] == ["s53", "s53*s77", "1"]
    gaps = mode.fake(torch.ones(4, 8)[:, :6], name="L['y']", dynamic=True)
    assert gaps.stride() == (8, 1)


def test_what_was_pinned_is_told():
    mode = FakeMode(ShapeEnv())
    fake = mode.propagate(torch.clone, (mode.fake(torch.ones(4, 6), name="L['x']", dynamic=True),), {})
    mode.propagate(torch.Tensor.resize_, (fake, 2, 3), {})
    assert mode.record.pinned == {"aten.resize_.default"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads, which is the point
def test_a_fork_while_another_thread_enters_a_mode():
    with process_state.COMPILING.lock:
        child = os.fork()
        if not child:
            try:
                with FakeMode():
                    found = bool(torch.compiler.is_compiling())
                os._exit(0 if found and not torch.compiler.is_compiling() else 1)
            finally:
                os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
