"""The predicate on tensors: its readings agree, by torch's compiled check and without it."""

import gc
import subprocess
import sys
import weakref

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from framelift_guards import (  # noqa: E402
    Dispatcher,
    Expression,
    Guard,
    LocalSource,
    Scope,
    TypeIs,
    accelerator,  # noqa: E402
)
from framelift_guards.torch import (  # noqa: E402
    DeviceEquals,
    TensorMatch,
    global_state_guards,
    native,
    size_source,
    storage_offset_source,
    stride_source,
)
from framelift_guards.torch import tensor as tensor_module  # noqa: E402


class Wrapper(torch.Tensor):
    """A subclass whose overrides must not run in a check."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise AssertionError(f"{func} ran")


ONE_TYPE = "pass objects of one type, or lift a function for each type"


@pytest.fixture(params=["images", "compiled", "pure"], autouse=True)
def _check(request, monkeypatch):
    """By the memory of tensors, however few, by torch's check alone, and by neither."""
    if request.param == "images":
        if accelerator.make_images is None:
            pytest.skip("the accelerator is not installed")
        monkeypatch.setattr(tensor_module, "_MANY", 1)
    else:
        monkeypatch.setattr(accelerator, "make_images", None)
    if request.param == "pure":
        monkeypatch.setattr(native, "tensor_guards", None)
        monkeypatch.setattr(native, "global_state_guard", None)


def dispatcher_of(*predicates):
    names = [f"x{index}" for index in range(len(predicates))]
    dispatcher = Dispatcher.for_parameters(names, lambda scope: False)
    guards = [Guard(LocalSource(name), predicate) for name, predicate in zip(names, predicates, strict=True)]
    dispatcher.add([*guards, *global_state_guards()], lambda *tensors: True)
    return dispatcher


def holds(predicate, value, fitting=None):
    """Return what check, generated code (before and after a call that fits) and explanation say, all the same."""
    dispatcher = dispatcher_of(predicate)
    guard, scope = Guard(LocalSource("x0"), predicate), Scope({"x0": value})
    said = [predicate.check(value, scope), guard.failure(scope) is None, dispatcher.function(value)]
    if fitting is not None:
        assert dispatcher.function(fitting) is True
        said += [dispatcher.function(value), dispatcher.function(value)]
    assert len(set(said)) == 1, said
    return said[0]


def tensor(shape=(2, 3), dtype=torch.float32, grad=False, layout="contiguous", kind="plain"):
    made = torch.zeros(shape, dtype=dtype)
    if layout == "transposed" and len(shape) > 1:
        made = torch.zeros((*shape[:-2], shape[-1], shape[-2]), dtype=dtype).transpose(-1, -2)
    elif layout == "strided" and shape:
        made = torch.zeros((*shape[:-1], 2 * shape[-1]), dtype=dtype)[..., ::2]
    elif layout == "expanded" and shape:
        made = torch.zeros((1, *shape[1:]), dtype=dtype).expand(shape)
    if kind == "conjugate" and dtype.is_complex:
        made = made.conj()
    elif kind == "parameter":
        made = torch.nn.Parameter(made, requires_grad=grad and dtype.is_floating_point)
    elif kind == "subclass":
        made = made.as_subclass(Wrapper)
    elif kind == "inference":
        with torch.inference_mode():
            return made.clone()
    with torch._C.DisableTorchFunction():
        return made.requires_grad_(grad and (dtype.is_floating_point or dtype.is_complex))


descriptions = st.builds(  # of tensors: Hypothesis must not print a tensor that no method may be called on
    dict,
    shape=st.sampled_from([(), (1,), (2,), (2, 3), (3, 2), (1, 3), (2, 1), (2, 3, 4), (0, 3)]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.int64, torch.complex64]),
    grad=st.booleans(),
    layout=st.sampled_from(["contiguous", "transposed", "strided", "expanded"]),
    kind=st.sampled_from(["plain", "plain", "plain", "parameter", "conjugate", "subclass", "inference"]),
)


@settings(max_examples=200, deadline=None)
@given(descriptions, descriptions, st.sets(st.integers(0, 2)))
def test_the_readings_agree(example, other, dynamic):
    dynamic = [dim for dim in dynamic if dim < len(example["shape"])]
    example, other = tensor(**example), tensor(**other)
    predicate = TensorMatch.of(example, dynamic)
    assert holds(predicate, example, fitting=example)
    expected = not list(predicate.differences(other))
    assert holds(predicate, other, fitting=example) is expected


@pytest.mark.parametrize("value", [None, 5, [], "x", object(), torch.Tensor, torch.Size([2, 3])], ids=repr)
def test_what_is_no_tensor_fails(value):
    assert not holds(TensorMatch.of(tensor()), value, fitting=tensor())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shape": (2, 4)}, "x.size(1) was 3, is 4; mark_dynamic(x, 1) would avoid this"),
        ({"shape": (2, 3, 1)}, "x.dim() was 2, is 3; keep x.dim() as it was between calls"),
        (
            {"dtype": torch.float64},
            "x.dtype was torch.float32, is torch.float64; x.to(torch.float32) before the call would avoid this",
        ),
        ({"grad": True}, "x.requires_grad was False, is True; keep x.requires_grad as it was between calls"),
        ({"layout": "transposed"}, "x.stride(0) was 3, is 1; x.contiguous() before the call would avoid this"),
        ({"kind": "parameter"}, f"type(x) was Tensor, is Parameter; {ONE_TYPE}"),
        ({"kind": "subclass"}, f"type(x) was Tensor, is Wrapper; {ONE_TYPE}"),
    ],
)
def test_a_difference_is_found_and_told(change, reason):
    predicate, other = TensorMatch.of(tensor()), tensor(**change)
    assert not holds(predicate, other, fitting=tensor())
    assert str(Guard(LocalSource("x"), predicate).failure(Scope({"x": other}))) == reason


def test_a_device_is_compared():
    predicate, other = TensorMatch.of(tensor()), tensor().to("meta")
    assert not holds(predicate, other, fitting=tensor())
    assert holds(TensorMatch.of(other), torch.zeros(2, 3, device="meta"), fitting=other)
    assert predicate.explain("x", other, Scope({})) == "x.device was cpu, is meta"


@pytest.mark.parametrize("change", ["resize_", "requires_grad_", "transpose_", "data"])
def test_a_change_in_place_is_seen_by_the_next_call(change):
    x = tensor()
    dispatcher = dispatcher_of(TensorMatch.of(x))
    assert dispatcher.function(x) is True
    assert dispatcher.function(x) is True
    {
        "resize_": lambda: x.resize_(3, 3),
        "requires_grad_": x.requires_grad_,
        "transpose_": lambda: x.transpose_(0, 1),
        "data": lambda: setattr(x, "data", torch.zeros(5)),
    }[change]()
    assert dispatcher.function(x) is False


def test_dynamic_sizes_free_the_strides_that_follow_from_them():
    predicate = TensorMatch.of(torch.zeros(2, 3, 4), dynamic=[1])
    assert predicate.shape == (2, None, 4)
    assert predicate.stride == (None, 4, 1)
    assert holds(predicate, torch.zeros(2, 7, 4), fitting=torch.zeros(2, 3, 4))
    assert not holds(predicate, torch.zeros(2, 7, 5), fitting=torch.zeros(2, 3, 4))
    assert not holds(predicate, torch.zeros(2, 8, 4)[:, :7], fitting=torch.zeros(2, 3, 4))
    transposed = TensorMatch.of(torch.zeros(3, 2).t(), dynamic=[0])
    assert holds(transposed, torch.zeros(3, 5).t(), fitting=torch.zeros(3, 2).t())
    assert not holds(transposed, torch.zeros(5, 3), fitting=torch.zeros(3, 2).t())
    slices = TensorMatch.of(torch.zeros(4, 6)[:, :3], dynamic=[0])
    assert slices.stride == (6, 1)
    assert holds(slices, torch.zeros(9, 6)[:, :3], fitting=torch.zeros(4, 6)[:, :3])


def test_sparse_tensors():
    sparse = torch.eye(3).to_sparse()
    predicate = TensorMatch.of(sparse)
    assert predicate.stride is None
    assert holds(predicate, torch.zeros(3, 3).to_sparse(), fitting=sparse)
    assert not holds(predicate, torch.eye(3), fitting=sparse)
    assert not holds(TensorMatch.of(torch.eye(3)), sparse, fitting=torch.eye(3))


@pytest.mark.parametrize("count", [1, 4, 16, 300])
def test_many_tensors_are_one_check(count):
    xs = [torch.zeros(2, index % 5 + 1) for index in range(count)]
    dispatcher = dispatcher_of(*map(TensorMatch.of, xs))
    for _ in range(3):
        assert dispatcher.function(*xs) is True
    for index in {0, count // 2, count - 1}:
        changed = [*xs[:index], torch.zeros(9, 9), *xs[index + 1 :]]
        assert dispatcher.function(*changed) is False
    if native.tensor_guards is not None:
        assert dispatcher.source().count("tensors_match(") == 1


def test_subclasses_and_dense_ones_mix_with_the_rest():
    xs = [tensor(), tensor(kind="subclass"), torch.zeros(4, 5), torch.eye(2).to_sparse()]
    predicates = [*map(TensorMatch.of, xs[:2]), TensorMatch.of(xs[2], [0, 1]), TensorMatch.of(xs[3])]
    dispatcher = dispatcher_of(*predicates)
    assert dispatcher.function(*xs) is True
    assert dispatcher.function(xs[0], xs[1], torch.zeros(8, 9), xs[3]) is True
    assert dispatcher.function(xs[0], xs[1], torch.zeros(9, 8).t(), xs[3]) is False
    assert dispatcher.function(xs[0], xs[0], xs[2], xs[3]) is False


def test_steps_from_a_tensor_come_after_its_check():
    x = LocalSource("x")
    size = size_source(x, 0)
    shape_guard = Expression(_parse("2 <= s0 < 10"), {"s0": size})
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: [one.reason for one in dispatcher.failures(scope)])
    dispatcher.add(
        [Guard(x, TensorMatch.of(torch.zeros(4, 3), [0])), *global_state_guards(), Guard(None, shape_guard)],
        lambda x: "hit",
    )
    assert dispatcher.function(torch.zeros(9, 3)) == "hit"
    assert dispatcher.function(torch.zeros(5, 3)) == "hit"
    assert dispatcher.function(torch.zeros(10, 3)) == ["2 <= x.size(0) < 10 held, now x.size(0) is 10"]

    class Imposter:
        def size(self):
            raise SystemExit

    assert dispatcher.function(Imposter())[0].startswith("type(x) was Tensor")
    assert (size.name, stride_source(x, 1).name) == ("L['x'].size()[0]", "L['x'].stride()[1]")
    assert storage_offset_source(x).fetch(Scope({"x": torch.zeros(5)[2:]})) == 2


def _parse(text):
    import ast

    return ast.parse(text, mode="eval").body


def test_a_tensor_behind_a_tensor_is_checked_after_it():
    x = LocalSource("x")
    example = torch.zeros(3, requires_grad=True)
    example.sum().backward()
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: False)
    dispatcher.add(
        [Guard(x, TensorMatch.of(example)), Guard(x.attribute("grad"), TensorMatch.of(example.grad))], lambda x: True
    )
    assert dispatcher.function(example) is True
    assert dispatcher.function(example) is True
    example.grad = None
    assert dispatcher.function(example) is False
    assert dispatcher.function(5) is False


def test_no_tensor_and_no_local_subclass_is_kept_alive():
    class Local(torch.Tensor):
        pass

    x, y = torch.zeros(3), torch.zeros(3).as_subclass(Local)
    dispatcher = dispatcher_of(TensorMatch.of(x), TensorMatch.of(y))
    assert dispatcher.function(x, y) is True
    assert dispatcher.function(x, y) is True
    dead = [weakref.ref(x), weakref.ref(y), weakref.ref(Local)]
    del x, y, Local
    gc.collect()
    assert [ref() for ref in dead] == [None, None, None]
    assert dispatcher.function(torch.zeros(3), torch.zeros(3)) is False


def test_a_module_of_many_parameters():
    from framelift_guards import DictItemSource, DictKeys, InstanceDictSource

    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(50)])
    self = LocalSource("self")
    modules = DictItemSource(InstanceDictSource(self), "_modules")
    guards = [Guard(self, TypeIs(torch.nn.Sequential)), Guard(modules, DictKeys(model._modules))]
    for key, module in model._modules.items():
        source = DictItemSource(modules, key)
        guards.append(Guard(source, TypeIs(torch.nn.Linear)))
        parameters = DictItemSource(InstanceDictSource(source), "_parameters")
        guards += [
            Guard(DictItemSource(parameters, name), TensorMatch.of(parameter))
            for name, parameter in module._parameters.items()
        ]
    dispatcher = Dispatcher.for_parameters(["self"], lambda scope: [str(one) for one in dispatcher.failures(scope)])
    dispatcher.add([*guards, *global_state_guards()], lambda self: "hit")
    for _ in range(3):
        assert dispatcher.function(model) == "hit"
    model[7].weight.requires_grad_(False)
    name = "self._modules['7'].weight.requires_grad"
    assert dispatcher.function(model) == [f"{name} was True, is False; keep {name} as it was between calls"]
    model[7].weight.requires_grad_(True)
    assert dispatcher.function(model) == "hit"
    model[3] = torch.nn.Linear(4, 4, bias=False)
    assert dispatcher.function(model) != "hit"
    model[3] = torch.nn.ReLU()
    assert dispatcher.function(model) != "hit"


def test_devices_are_compared_by_value():
    predicate = DeviceEquals(torch.device("cpu"))
    assert holds(predicate, torch.device("cpu"))
    assert predicate == DeviceEquals(torch.device("cpu")) != DeviceEquals(torch.device("cpu", 0))
    for other in (torch.device("meta"), torch.device("cpu", 0), "cpu", None):
        assert not holds(predicate, other)
    assert predicate.explain("d", "cpu", Scope({})) == "d was device(type='cpu'), is 'cpu'"


def test_torch_dynamo_is_not_imported():
    code = "import sys, framelift_guards.torch; sys.exit('torch._dynamo' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
