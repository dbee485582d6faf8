"""Bad input gets an error that says what was wrong and what to do; nothing is lost by it."""

import threading

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from framelift_fake_tensors import (
    DataDependentError,
    FakeMode,
    FakeTensor,
    ForeignSymbolError,
    ForeignTensorError,
    NestedModeError,
    NoMetaKernelError,
    PropagationCache,
    PropagationError,
    UnsupportedTensorError,
)
from framelift_symbolic_shapes import ShapeEnv


@pytest.fixture
def mode():
    return FakeMode(ShapeEnv(), cache=PropagationCache())


@pytest.fixture
def x(mode):
    return mode.fake(torch.ones(4, 3), name="L['x']", dynamic={0})


# ---- real tensors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [
    lambda x, real: (torch.add, (x, real), {}),
    lambda x, real: (torch.cat, ([x, real],), {}),
    lambda x, real: (torch.Tensor.add_, (real, x), {}),
    lambda x, real: (torch.add, (x, 1), {"out": real}),
])  # fmt: skip
def test_a_real_tensor_is_refused_and_the_flag_named(mode, x, call):
    real = torch.ones(4, 3)
    with pytest.raises(ForeignTensorError, match=r"a real tensor of shape \(4, 3\).*FakeMode\(allow_real=True\)"):
        mode.propagate(*call(x, real))
    assert torch.equal(real, torch.ones(4, 3))


def test_the_flag_takes_real_tensors_for_their_fakes():
    mode = FakeMode(allow_real=True)
    real, other = torch.ones(4, 3), torch.ones(3)
    x = mode.fake(torch.ones(4, 3))
    assert isinstance(mode.propagate(torch.add, (x, other), {}), FakeTensor)
    view = mode.propagate(torch.Tensor.view, (real, -1), {})
    assert view.memory is mode.fake(real).memory
    assert mode.propagate(torch.Tensor.add_, (real, x), {}) is mode.fake(real)
    with mode:
        assert isinstance(real + other, FakeTensor)
        real.mul_(3)
    assert torch.equal(real, torch.ones(4, 3))
    assert type(real + other) is torch.Tensor


def test_the_flag_lets_no_fake_of_another_mode_in():
    with pytest.raises(ForeignTensorError, match="another mode"):
        FakeMode(allow_real=True).propagate(torch.neg, (FakeMode().fake(torch.ones(2)),), {})


# ---- modes in modes --------------------------------------------------------------------------------------------------


def clean():
    return not torch._C._len_torch_dispatch_stack() and not torch._C._len_torch_function_stack()


@pytest.mark.parametrize("outer", [FakeMode, FakeTensorMode])
def test_a_mode_in_another_is_refused(mode, outer):
    with outer(), pytest.raises(NestedModeError, match="can't be entered inside"), mode:
        pass
    assert clean()
    assert not torch.compiler.is_compiling()
    with mode:
        assert isinstance(torch.ones(2), FakeTensor)


def test_a_mode_in_itself_is_one_mode(mode):
    with mode, mode:
        x = torch.ones(2)
    assert x.fake_mode is mode
    assert clean()


def test_another_mode_is_not_asked_in_the_middle(mode):
    with FakeMode(), pytest.raises(NestedModeError):
        mode.propagate(torch.zeros, (2,), {})


# ---- symbols ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [
    lambda x, symbol: (torch.zeros, (symbol,), {}),
    lambda x, symbol: (torch.zeros, ((2, symbol + 1),), {}),
    lambda x, symbol: (torch.Tensor.view, (x, symbol, 3), {}),
    lambda x, symbol: (torch.add, (x, symbol), {}),
    lambda x, symbol: (torch.full, ((2,), symbol), {}),
    lambda x, symbol: (torch.narrow, (x, 0, 0), {"length": symbol}),
])  # fmt: skip
def test_a_symbol_of_another_environment_is_refused(mode, x, call):
    other = FakeMode(ShapeEnv()).fake(torch.ones(4), name="L['x']", dynamic={0}).shape[0]
    assert str(other) == str(x.shape[0])  # only the environment tells them apart
    mode.propagate(*call(x, x.shape[0] * 1))  # whatever the cache may hold by now
    with pytest.raises(ForeignSymbolError, match="of another environment than the mode's"):
        mode.propagate(*call(x, other))
    torchs = FakeTensorMode(shape_env=TorchShapeEnv()).from_tensor(torch.ones(5), static_shapes=False).shape[0]
    with pytest.raises(ForeignSymbolError):
        mode.propagate(torch.zeros, (torchs,), {})


def test_a_mode_without_environment_takes_no_symbol(x):
    with pytest.raises(ForeignSymbolError, match=r"has no environment; make it with FakeMode\(shape_env\)"):
        FakeMode().propagate(torch.zeros, (x.shape[0],), {})


# ---- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [
    (-1,), (2, -3), (2**62, 4), (2**63 - 1,), (2**32, 2**32), (2**61,),
])  # fmt: skip
@pytest.mark.parametrize("factory", [torch.zeros, torch.empty, torch.ones, torch.rand])
def test_sizes_are_refused_as_eager_refuses_them(mode, factory, size):
    with pytest.raises(RuntimeError) as real:
        factory(size, device="cpu" if min(size) < 0 else "meta")
    with pytest.raises(PropagationError) as caught:
        mode.propagate(factory, (size,), {})
    assert str(caught.value.__cause__).partition("\n")[0] == str(real.value).partition("\n")[0]


def test_symbolic_sizes_are_refused_too(mode, x):
    rows = x.shape[0]
    for size in ((-rows,), (rows * 2**62,), (rows * 2**40, 2**30)):
        with pytest.raises(PropagationError, match="overflow|non-negative|negative dimension"):
            mode.propagate(torch.zeros, (size,), {})


def test_results_that_are_too_large(mode):
    one = mode.fake(torch.ones(4))
    for function, args in (
        (torch.Tensor.expand, (mode.fake(torch.ones(1)), 2**62, 8)),
        (torch.Tensor.repeat, (one, 2**62)),
        (torch.empty_strided, ((2,), (-1,))),
    ):
        with pytest.raises(PropagationError, match="overflow"):
            mode.propagate(function, args, {})


# ---- arguments of fake -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tensor", "arguments", "kind", "words"), [
    ("x", {}, TypeError, "a tensor or a module, not a str"),
    (None, {}, TypeError, "not a NoneType"),
    (torch.ones(2), {"dynamic": {5}}, IndexError, "names dimension 5, and t0 has 1"),
    (torch.ones(()), {"dynamic": [0]}, IndexError, "names dimension 0"),
    (torch.ones(2), {"dynamic": "x"}, TypeError, "not 'x'"),
    (torch.ones(2), {"dynamic": 1}, TypeError, "not 1"),
    (torch.ones(2).to_sparse(), {}, UnsupportedTensorError, "layout torch.sparse_coo"),
])  # fmt: skip
def test_arguments_of_fake(mode, tensor, arguments, kind, words):
    with pytest.raises(kind, match=words):
        mode.fake(tensor, **arguments)


def test_arguments_of_a_mode():
    with pytest.raises(TypeError, match="not a int"):
        FakeMode(3)
    with pytest.raises(TypeError, match="has no environment"):
        FakeMode().fake(torch.ones(2), dynamic={0})
    with pytest.raises(TypeError, match="give it a ShapeEnv"):
        FakeMode(unbacked=True)


# ---- operators -------------------------------------------------------------------------------------------------------


def test_an_operator_without_a_meta_kernel_says_how_to_register_one(mode, x):
    with torch.library._scoped_library("framelift_bad_input", "DEF") as library:
        library.define("opaque(Tensor x) -> Tensor")
        library.impl("opaque", lambda x: x.clone(), "CPU")
        operator = torch.ops.framelift_bad_input.opaque
        with pytest.raises(NoMetaKernelError, match=r"framelift_bad_input.opaque.*torch\.library\.register_fake"):
            mode.propagate(operator, (x,), {})
        torch.library.register_fake("framelift_bad_input::opaque", torch.empty_like, lib=library)
        assert mode.propagate(operator, (x,), {}).shape == x.shape


# ---- threads and calls within calls ----------------------------------------------------------------------------------


def test_only_the_threads_in_a_mode_are_compiling(mode):
    inside, leave, seen = threading.Event(), threading.Event(), []

    def other():
        seen.append(torch.compiler.is_compiling())
        with FakeMode():
            seen.append(bool(torch.compiler.is_compiling()))
            inside.set()
            leave.wait(20)
        seen.append(torch.compiler.is_compiling())

    thread = threading.Thread(target=other)
    with mode:
        thread.start()
        assert inside.wait(20)
        assert torch.compiler.is_compiling()
    assert not torch.compiler.is_compiling()  # the other thread still is in its mode
    leave.set()
    thread.join(20)
    assert [bool(one) for one in seen] == [False, True, False]
    assert torch.compiler.is_compiling() is False


def test_a_call_propagated_in_the_middle_of_another(mode, x):
    def outer(value):
        value.add_(1)
        inner = mode.propagate(torch.mul, (value, 2), {})
        with pytest.raises(DataDependentError):
            mode.propagate(torch.nonzero, (inner,), {})
        return mode.propagate(inner_call, (inner,), {})

    def inner_call(value):
        return mode.propagate(torch.add, (value, value), {}).sum(0)

    for _ in range(2):
        assert mode.propagate(outer, (x,), {}).shape == (3,)
    assert clean()
