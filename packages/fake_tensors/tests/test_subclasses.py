"""Subclasses of Tensor and Parameter keep their type, methods and what they intercept; others are refused by name."""

import contextlib
import copy

import pytest
import torch
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

from framelift_fake_tensors import FakeMode, FakeTensor, UnsupportedTensorError
from framelift_symbolic_shapes import ShapeEnv


class Plain(torch.Tensor):
    def doubled(self):
        return self * 2


class Logged(torch.Tensor):
    log = []  # noqa: RUF012

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.log.append((func.__name__, cls.__name__, sorted(kind.__name__ for kind in types)))
        return super().__torch_function__(func, types, args, kwargs or {})


class Refusing(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.add:
            raise ValueError("this class does not add")
        return NotImplemented if func is torch.sub else super().__torch_function__(func, types, args, kwargs or {})


class Meters(nn.Parameter):
    def unit(self):
        return "m"


@pytest.fixture(params=["entered", "outside"])
def faked(request):
    """What runs a program, given what makes its tensors, on fakes: in the mode or outside of it."""
    mode = FakeMode()

    def run_on_fakes(run):
        with mode if request.param == "entered" else contextlib.nullcontext():
            return run(mode.fake)

    return run_on_fakes


def real(tensor):
    return tensor


PLAIN, LOGGED, REFUSING = (torch.ones(2, 3).as_subclass(kind) for kind in (Plain, Logged, Refusing))
PARAMETER = Meters(torch.ones(2, 3))
LAYER = nn.Linear(3, 2)
LAYER.weight = PARAMETER


def told(result):
    return type(result).__name__, isinstance(result, Plain), tuple(result.shape), result.stride()


def test_a_subclass_without_a_function_of_its_own_stays_through_calls(faked):
    def run(make):
        x = make(PLAIN)
        results = [x, x + 1, x.t(), x[0], x.doubled(), torch.matmul(x, x.t()), x.sum(), *x.max(0), *x.split(1)]
        return [told(result) for result in results], x.T.is_contiguous()

    assert faked(run) == run(real)


def test_a_function_of_its_own_is_asked_as_eager_asks_it(faked):
    def run(make):
        x = make(LOGGED)
        Logged.log.clear()
        y = torch.matmul(x, x.t()).relu_()
        y.add_(1)
        torch.cat([y, y])
        assert y.shape == (2, 2)
        return list(Logged.log), isinstance(y, Logged)

    assert faked(run) == run(real)


def test_what_it_refuses_is_refused(faked):
    def run(make):
        x = make(REFUSING)
        with pytest.raises(ValueError, match="does not add"):
            torch.add(x, x)
        with pytest.raises(TypeError, match="__torch_function__"):
            torch.sub(x, x)
        return isinstance(x * 2, Refusing)

    assert faked(run) == run(real)


def test_as_subclass_and_autograd(faked):
    leaf = torch.ones(2, 3, requires_grad=True)

    def run(make):
        y = (make(leaf) * 2).as_subclass(Plain)
        z = y.sum()
        return [(type(t).__name__, t.requires_grad, t.is_leaf, t.grad_fn is None) for t in (y, z)]

    assert faked(run) == run(real)


def test_parameters_and_buffers(faked):
    buffer = nn.Buffer(torch.ones(2))

    def run(make):
        x, b = make(PARAMETER), make(buffer)
        copied = copy.deepcopy(x)
        return [
            (isinstance(p, Meters), isinstance(p, nn.Parameter), p.unit(), p.requires_grad) for p in (x, copied)
        ], [isinstance(t, nn.Parameter) for t in (x * 2, b)], isinstance(b, nn.Buffer)  # fmt: skip

    assert faked(run) == run(real)
    layer = FakeMode().fake(LAYER)
    assert isinstance(layer.weight, Meters)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_attributes_come_along():
    x = torch.ones(2).as_subclass(Plain)
    x.label, x.scale = "speed", torch.ones(3)
    fake = FakeMode().fake(x)
    assert (fake.label, fake.scale.shape, type(fake.scale)) == ("speed", (3,), FakeTensor)
    assert copy.deepcopy(fake).label == copy.copy(fake).label == "speed"


def test_a_fake_of_a_subclass_has_no_data_and_symbols_for_sizes():
    fake = FakeMode(ShapeEnv()).fake(PLAIN, name="L['x']", dynamic={0})
    assert str(fake.doubled().shape[0]) == "s77"
    assert isinstance(fake, FakeTensor)
    assert repr(fake) == "FakeTensor(..., size=(s77, 3))"


def test_wrappers_are_wrapped_again(faked):
    outer = TwoTensor(torch.ones(2, 3), torch.ones(2, 3)).requires_grad_()

    def run(make):
        x = make(outer)
        y = torch.relu(x @ x.t())
        return [(type(t), t.shape, t.stride(), t.requires_grad, t.is_leaf) for t in (x, y, x[0])]

    assert faked(run) == run(real)
    mode = FakeMode()
    fake = mode.fake(outer)
    assert type(fake.a) is type((fake * 2).a) is FakeTensor
    assert mode.fake(outer) is fake


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested:UserWarning")
def test_jagged_tensors_are_wrappers(faked):
    outer = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)], layout=torch.jagged)
    assert faked(lambda make: type(make(outer).values())) is FakeTensor
    assert faked(lambda make: type((make(outer) * 2).values())) is FakeTensor


def dispatching():
    class Dispatching(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    return torch.Tensor._make_subclass(Dispatching, torch.ones(2))


def clashing():
    return torch.ones(2).as_subclass(type("Clashing", (torch.Tensor,), {"memory": 3}))


def clashing_attribute():
    x = torch.ones(2).as_subclass(Plain)
    x.history = []
    return x


def final():
    def refuse(cls):
        raise TypeError("this class is final")

    class Final(torch.Tensor):
        pass

    Final.__init_subclass__ = classmethod(refuse)
    return torch.ones(2).as_subclass(Final)


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning", "ignore:The PyTorch API of nested:UserWarning")
@pytest.mark.parametrize(("build", "words"), [
    (dispatching, "type Dispatching, which has a __torch_dispatch__ of its own and no __tensor_flatten__"),
    (clashing, "type Clashing, whose attribute 'memory'"),
    (clashing_attribute, "attribute 'history'"),
    (final, "this class is final"),
    (lambda: nn.LazyLinear(4).weight, "no shape yet: run the lazy module"),
    (lambda: nn.LazyLinear(4), "no shape yet: run the lazy module"),
    (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "nested sizes"),
])  # fmt: skip
def test_others_are_refused_by_name(build, words):
    with pytest.raises(UnsupportedTensorError, match=words):
        FakeMode().fake(build())


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_a_subclass_made_of_data_that_is_not_there():
    with FakeMode():
        with pytest.raises(UnsupportedTensorError, match="use as_subclass"):
            nn.LazyLinear(4)
        with pytest.raises(UnsupportedTensorError, match="use as_subclass"):
            torch.Tensor._make_subclass(Plain, torch.ones(2))
        assert isinstance(torch.ones(2).detach().as_subclass(Plain), Plain)
