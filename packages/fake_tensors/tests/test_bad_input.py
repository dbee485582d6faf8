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
    FakeTensorError,
    ForeignSymbolError,
    ForeignTensorError,
    NestedModeError,
    NoMetaKernelError,
    PropagationCache,
    PropagationError,
    UnsupportedTensorError,
    measure_layers,
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
    with outer(), pytest.raises(NestedModeError, match="can't work inside"), mode:
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
    with pytest.raises(
        ForeignSymbolError, match=r"has no environment \(.* asks\); give it that of the symbol: FakeMode\(shape_env\)"
    ):
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
    (torch.ones(2), {"name": 3}, TypeError, "name is a str, as a user would write the tensor, not 3"),
    (torch.ones(2), {"dynamic": {"a"}}, TypeError, "dynamic names dimensions by int, not 'a'"),
    (torch.ones(2), {"dynamic": [0.0]}, TypeError, "dynamic names dimensions by int, not 0.0"),
    (torch.ones(2), {"dynamic": [True]}, TypeError, "dynamic names dimensions by int, not True"),
    (torch.ones(2), {"dynamic": {0: 3}}, TypeError, "dynamic maps dimensions to a Freedom each, not to 3"),
    (torch.ones(2), {"dynamic_strides": 1}, TypeError, "dynamic_strides is a collection of dimensions, not 1"),
    (torch.ones(2), {"dynamic_strides": {5}}, IndexError, "dynamic_strides names dimension 5, and t0 has 1"),
    (torch.ones(2), {"origin": 3}, TypeError, "origin is a function of a kind and a dimension, not 3"),
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
    with pytest.raises(TypeError, match="a stride of t0 shall be a symbol"):
        FakeMode().fake(torch.ones(2, 2), dynamic_strides={0})
    with pytest.raises(TypeError, match="give it a ShapeEnv"):
        FakeMode(unbacked=True)
    with pytest.raises(TypeError, match="not a torch.fx.experimental.symbolic_shapes.ShapeEnv"):
        FakeMode(TorchShapeEnv())
    with pytest.raises(TypeError, match="a PropagationCache as cache, not a int"):
        FakeMode(cache=3)
    with pytest.raises(TypeError, match="allow_real of FakeMode is True or False, not 'no'"):
        FakeMode(allow_real="no")
    with pytest.raises(ValueError, match="an int, 0 or more, not -1"):
        PropagationCache(-1)


def test_a_stride_is_counted_from_the_end_too(mode):
    rows = mode.fake(torch.ones(4, 6)[:, ::2], dynamic_strides={-2}).stride()[0]
    assert isinstance(rows, torch.SymInt)


def test_arguments_of_measure_layers(mode):
    with pytest.raises(TypeError, match="takes a FakeMode first, not a Linear"):
        measure_layers(torch.nn.Linear(2, 2), torch.ones(2, 2))
    with pytest.raises(TypeError, match="takes a module after the mode, not a int"):
        measure_layers(mode, 3)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("call", [
    torch.mm, torch.matmul, torch.nn.functional.linear, lambda a, b: torch.addmm(a, a, b),
    lambda a, b: torch.mv(a, b[0]), lambda a, b: torch.nn.functional.conv1d(a[None], b[None]),
    lambda a, b: torch.bmm(a[None], b[None]),
])  # fmt: skip
def test_products_of_several_dtypes_are_refused_on_every_device(mode, call, device, dynamic):
    a, b = mode.fake(torch.ones(4, 4), dynamic=dynamic), mode.fake(torch.ones(4, 4).bfloat16(), dynamic=dynamic)
    large = mode.fake(torch.ones(1).expand(2**20, 2**20))
    with mode:
        assert call(a.to(device), a.to(device)).device.type == device
        for one, other in ((a, b), (b, a), (large, large.bfloat16())):
            with pytest.raises(RuntimeError, match="dtype|scalar type|should be the same"):
                call(one.to(device), other.to(device))


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


# ---- whole texts: what, the rule, the value, the line that asked, what to do -----------------------------------------

TEXTS = {}


def text(expected):
    def add(function):
        TEXTS[function.__name__] = function, expected
        return function

    return add


class Given:
    """What the programs below work on."""

    def __init__(self):
        self.env = ShapeEnv()
        self.mode = FakeMode(self.env, cache=PropagationCache())
        self.x = self.mode.fake(torch.ones(4, 3), name="L['x']", dynamic={0})
        self.real = torch.ones(4, 3)
        self.other = FakeMode(ShapeEnv())
        self.foreign = self.other.fake(torch.ones(4, 3), name="L['x']", dynamic={0})


@text("aten.add.Tensor received a real tensor of shape (4, 3) (HERE asks); "
      "make a fake of it with FakeMode.fake first, or let the mode do so: FakeMode(allow_real=True).")  # fmt: skip
def a_real_tensor(given):
    with given.mode:
        given.x + given.real


@text("aten.sum.default received a real tensor of shape (4, 3) (HERE asks); "
      "make a fake of it with FakeMode.fake first, or let the mode do so: FakeMode(allow_real=True).")  # fmt: skip
def a_real_tensor_alone(given):
    given.mode.propagate(torch.sum, (given.real,), {})


@text("an assignment to Tensor.data received a real tensor (HERE asks); "
      "make a fake of it with FakeMode.fake of this mode first.")  # fmt: skip
def a_real_tensor_as_data(given):
    with given.mode:
        given.x.data = given.real


@text("aten.add.Tensor received a fake tensor of another mode (HERE asks); "
      "make a fake of it with FakeMode.fake of this mode first.")  # fmt: skip
def a_fake_of_another_mode(given):
    given.x + given.foreign


@text("FakeMode.fake received a fake tensor of this mode (HERE asks); use it as it is.")
def a_fake_of_a_fake(given):
    given.mode.fake(given.x)


@text("FakeMode.fake received a fake tensor of another mode (HERE asks); make it of the real tensor.")
def a_fake_of_a_foreign_fake(given):
    given.mode.fake(given.foreign)


@text("a FakeMode can't work inside another FakeMode, since a tensor belongs to one mode (HERE asks); "
      "leave that one first, or use it for both.")  # fmt: skip
def a_mode_of_another_environment(given):
    with given.mode, given.other:
        pass


@text("a FakeMode can't work inside another FakeMode, since a tensor belongs to one mode (HERE asks); "
      "leave that one first, or use it for both.")  # fmt: skip
def a_mode_of_the_same_environment(given):
    with given.mode, FakeMode(given.env):
        pass


@text("a FakeMode can't work inside torch's FakeTensorMode, since a tensor belongs to one mode (HERE asks); "
      "leave that one first, or use it for both.")  # fmt: skip
def a_mode_of_torch(given):
    with FakeTensorMode(), given.mode:
        pass


@text("zeros received s77, of another environment than the mode's (HERE asks); make it with the same ShapeEnv.")
def a_symbol_of_another_environment(given):
    with given.mode:
        torch.zeros(given.foreign.shape[0])


@text("zeros received s77, and the mode has no environment (HERE asks); "
      "give it that of the symbol: FakeMode(shape_env).")  # fmt: skip
def a_symbol_without_an_environment(given):
    FakeMode(cache=PropagationCache()).propagate(torch.zeros, (given.x.shape[0] + 0,), {})


@text("framelift_texts.opaque.default has no meta kernel, so its result can't be told from metadata (HERE asks); "
      'register one with torch.library.register_fake("framelift_texts::opaque").')  # fmt: skip
def a_custom_operator(given):
    with torch.library._scoped_library("framelift_texts", "DEF") as library:
        library.define("opaque(Tensor x) -> Tensor")
        library.impl("opaque", lambda x: x.clone(), "CPU")
        given.mode.propagate(torch.ops.framelift_texts.opaque, (given.x,), {})


@text("apply_() needs the data of a tensor, and a fake tensor has only metadata (HERE asks); "
      "use its shape, stride, dtype and device, or call this on the real tensor.")  # fmt: skip
def a_function_of_each_element(given):
    given.x.apply_(lambda value: value)


@text("Tensor.map_() needs the data of a tensor, and a fake tensor has only metadata (HERE asks); "
      "use its shape, stride, dtype and device, or call this on the real tensor.")  # fmt: skip
def a_function_of_each_pair(given):
    given.mode.propagate(torch.Tensor.map_, (given.x, given.x, max), {})


@text("a fake tensor can stand for dense, strided tensors only; this one has layout torch.sparse_coo (HERE asks).")
def a_sparse_tensor(given):
    given.mode.fake(given.real.to_sparse())


@text("a fake tensor can stand for dense, strided tensors only; this one has layout torch.sparse_coo (HERE asks).")
def a_sparse_result(given):
    with given.mode:
        given.x.to_sparse()


@text("a fake tensor can stand for dense, strided tensors only; this one has quantised elements (HERE asks).")
def a_quantised_result(given):
    with given.mode:
        torch.quantize_per_tensor(given.x, 0.1, 0, torch.quint8)


@text("a fake tensor can stand for dense, strided tensors only; this one has nested sizes (HERE asks).")
def a_nested_result(given):
    with given.mode:
        torch._nested_tensor_from_tensor_list([torch.ones(2, 3), torch.ones(1, 3)])


@text("aten._pack_padded_sequence.default depends on the data of a tensor: what it returns, or its shape, "
      "can't be told from metadata (HERE asks).")  # fmt: skip
def lengths_that_are_data(given):
    with given.mode:
        torch._C._VariableFunctions._pack_padded_sequence(given.x[:, None], torch.ones(1, dtype=torch.int64), False)


@text("aten._local_scalar_dense.default depends on the data of a tensor: what it returns, or its shape, "
      "can't be told from metadata (HERE asks).")  # fmt: skip
def an_item(given):
    with given.mode:
        given.x.sum().item()


@text("numpy() needs the data of a tensor, and a fake tensor has only metadata (HERE asks); "
      "use its shape, stride, dtype and device, or call this on the real tensor.")  # fmt: skip
def an_array(given):
    with given.mode:
        given.x.numpy()


@pytest.mark.parametrize("name", TEXTS)
def test_a_whole_text(name):
    program, expected = TEXTS[name]
    with pytest.raises(FakeTensorError) as caught:
        program(Given())
    first = program.__code__.co_firstlineno
    lines = {line for _, _, line in program.__code__.co_lines() if line is not None}
    where = caught.value.where
    assert where is not None
    file, _, line = where.rpartition(":")
    assert file == __file__
    assert int(line) in lines - {first}
    assert str(caught.value).replace(where, "HERE") == expected
