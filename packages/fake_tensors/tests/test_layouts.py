"""Memory formats: results on channels last, and on transposed and strided arguments, lie as eager lays them."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from metadata import concrete

from framelift_fake_tensors import FakeMode, PropagationCache
from framelift_symbolic_shapes import ShapeEnv

CONVOLUTIONS = {
    1: (F.conv1d, F.conv_transpose1d), 2: (F.conv2d, F.conv_transpose2d), 3: (F.conv3d, F.conv_transpose3d),
}  # fmt: skip
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def channels_last(tensor):
    if tensor.dim() == 3:
        return tensor.mT.contiguous().mT
    return tensor.contiguous(memory_format=LAST[tensor.dim() - 2])


def outcome(function, arguments):
    """Where the elements of the results lie, or the type of the error."""
    try:
        result = function(*arguments)
    except RuntimeError as error:
        return type(error)
    return [tuple(map(concrete, one.stride())) for one in (result if isinstance(result, tuple) else (result,))]


def faked(arguments, dynamic, device=None):
    mode = FakeMode(ShapeEnv(), cache=PropagationCache())
    fakes = [mode.fake(one, dynamic=dynamic) if isinstance(one, torch.Tensor) else one for one in arguments]
    return lambda function: with_mode(mode, function, fakes, device)


def with_mode(mode, function, fakes, device):
    with mode:
        if device is not None:
            fakes = [one.to(device) if isinstance(one, torch.Tensor) else one for one in fakes]
        return outcome(function, fakes)


@pytest.mark.parametrize(("dtype", "dynamic"), [
    (torch.float32, False), (torch.float32, True), (torch.float64, False), (torch.bfloat16, False),
])  # fmt: skip
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_convolutions_keep_the_channels_where_eager_does(dims, dtype, dynamic):
    for batch, groups, kernel, image_is_last, weight_is_last in itertools.product(
        (1, 3), (1, 2, 4), (1, 3), (False, True), (False, True)
    ):
        for transposed, function in enumerate(CONVOLUTIONS[dims]):
            image = torch.ones(batch, 4, *[7, 6, 5][:dims], dtype=dtype)
            channels = (4, 8 // groups) if transposed else (8, 4 // groups)
            weight = torch.ones(*channels, *[kernel] * dims, dtype=dtype)
            image = channels_last(image) if image_is_last else image
            weight = channels_last(weight) if weight_is_last else weight

            def run(image, weight, function=function, groups=groups):
                return function(image, weight, stride=2, groups=groups)

            case = (batch, groups, kernel, image_is_last, weight_is_last, function.__name__)
            assert faked((image, weight), dynamic)(run) == outcome(run, (image, weight)), case


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions(dims):
    for image_is_last, weight_is_last, transposed in itertools.product((False, True), repeat=3):
        image, weight = torch.ones(3, 4, *[7, 6, 5][:dims]), torch.ones(4, 4, *[3] * dims)
        image = channels_last(image) if image_is_last else image
        weight = channels_last(weight) if weight_is_last else weight
        result = CONVOLUTIONS[dims][transposed](image, weight)

        def run(gradient, image, weight, dims=dims, transposed=transposed):
            options = [1] * dims, [0] * dims, [1] * dims, transposed, [0] * dims, 1
            return torch.ops.aten.convolution_backward(gradient, image, weight, [4], *options, [True] * 3)

        arguments = (torch.ones_like(result), image, weight)
        assert faked(arguments, False)(run) == outcome(run, arguments), (image_is_last, weight_is_last, transposed)


def test_a_device_that_does_not_exist_keeps_channels_last_but_for_doubles():
    image, weight = channels_last(torch.ones(1, 4, 6, 6)), torch.ones(8, 4, 3, 3)
    assert faked((image, weight), False, "cuda")(F.conv2d) == [(128, 1, 32, 8)]
    assert faked((image.double(), weight.double()), False, "cuda")(F.conv2d) == [(128, 16, 4, 1)]
    with torch.backends.cudnn.flags(enabled=False):
        assert faked((image, weight), False, "cuda")(F.conv2d) == [(128, 16, 4, 1)]


def test_without_names_of_torch_channels_stay_last(monkeypatch):
    import framelift_fake_tensors.convolution as convolution

    monkeypatch.setattr(convolution, "_select_backend", None)
    image, weight = channels_last(torch.ones(2, 4, 6, 6)), torch.ones(8, 4, 3, 3)
    for arguments in ((image, weight), (image.contiguous(), weight)):
        assert faked(arguments, False)(F.conv2d) == outcome(F.conv2d, arguments)


def lain_out(shape):
    """Tensors of a shape that lie in memory in several ways."""
    turned = tuple(reversed(range(len(shape))))
    wide = torch.ones(*[2 * extent for extent in shape])
    yield torch.ones(shape)
    yield torch.ones(shape).permute(turned).contiguous().permute(turned)
    yield wide[tuple([slice(None, None, 2)] * len(shape))]


@pytest.mark.parametrize("function", [torch.Tensor.view, torch.reshape])
def test_views_with_dimensions_of_one_element(function):
    for shape in itertools.product((1, 2, 3), repeat=3):
        extents = [extent for extent in shape if extent != 1]
        wanted = {
            order for order in itertools.permutations([*extents, 1, 1]) if [n for n in order if n != 1] == extents
        }
        for size, tensor in itertools.product([*wanted, (-1, 1), (1, -1)], lain_out(shape)):

            def run(tensor, size=size):
                return function(tensor, size)

            assert faked((tensor,), True)(run) == outcome(run, (tensor,)), (shape, tensor.stride(), size)


def test_einsum_of_one_batch():
    def run(one, other):
        return torch.einsum("aij,ajk->aik", one, other)

    arguments = torch.ones(1, 2, 3), torch.ones(1, 3, 4)
    assert faked(arguments, True)(run) == outcome(run, arguments) == [(8, 4, 1)]


@pytest.mark.parametrize("function", [torch.add, torch.mul, torch.eq, torch.sub, torch.maximum, lambda x, y: x + 1])
def test_results_without_elements(function):
    for shape, other in itertools.product([(0, 1), (3, 0, 1), (0, 3), (0, 1, 2)], [(1,), (1, 1), ()]):
        arguments = torch.ones(shape), torch.ones(other)
        assert faked(arguments, False)(function) == outcome(function, arguments), (shape, other)


def test_rms_norm_of_nothing():
    def run(rows, weight):
        return F.rms_norm(rows, (1,), weight)

    arguments = torch.ones(0, 1), torch.ones(1)
    assert faked(arguments, False)(run) == outcome(run, arguments) == [(1, 0)]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", ["add", "floor_divide", "copysign", "fmod", "heaviside", "floor", "trunc"])
def test_a_number_as_a_tensor_beside_what_is_transposed(name, dynamic):
    def run(one, other):
        if name in ("floor", "trunc"):
            return torch.div(one, other, rounding_mode=name)
        return getattr(torch, name)(one, other)

    for other in (torch.ones(()), torch.ones(5), torch.ones(1, 1)):
        for arguments in ((torch.ones(5, 10).t(), other), (other, torch.ones(5, 10).t())):
            assert faked(arguments, dynamic)(run) == outcome(run, arguments), (other.shape, arguments[0].stride())


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_view_starts_where_its_base_does(dynamic):
    part = torch.ones(40)[5:15]
    for number, other in enumerate((part, part.view(2, 5), part[2:8])):
        mode = FakeMode(ShapeEnv())
        fake = mode.fake(other, dynamic=dynamic)
        for call in (lambda x: x[1:], lambda x: x.as_strided((2,), (1,)), lambda x: x.reshape(-1)[3:]):
            with mode:
                result = call(fake)
            assert concrete(result.storage_offset()) == call(other).storage_offset(), number
