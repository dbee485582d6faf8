"""Guards on tensors and on torch's state as JSON."""

import json

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from framelift_guards import (  # noqa: E402
    Guard,
    GuardSet,
    LocalSource,
    NotSerialisable,
    Scope,
    UnreadableGuards,
)
from framelift_guards.torch import (  # noqa: E402
    DeviceEquals,
    TensorMatch,
    default_device,
    global_state_guards,
    size_source,
    stride_source,
    torch_function_state,
)

X = LocalSource("x")


class Subclass(torch.Tensor):
    pass


def again(guards):
    return GuardSet.from_json(guards.to_json())


tensors = st.builds(
    lambda sizes, dtype, transposed, grad, kind: _made(sizes, dtype, transposed=transposed, grad=grad, kind=kind),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["Tensor", "Parameter", "Subclass", "sparse", "meta"]),
)


def _made(sizes, dtype, *, transposed, grad, kind):
    made = torch.zeros(sizes, dtype=dtype, device="meta" if kind == "meta" else "cpu")
    if transposed and len(sizes) > 1:
        made = made.transpose(0, 1)
    if kind == "sparse":
        return made.to_sparse()
    grad = grad and (dtype.is_floating_point or dtype.is_complex)
    if kind == "Parameter":
        return torch.nn.Parameter(made, requires_grad=grad)
    if kind == "Subclass":
        return made.as_subclass(Subclass)
    return made.requires_grad_(grad)


@given(tensors, tensors, st.sets(st.integers(0, 2)))
def test_law_tensors(one, other, dynamic):
    guards = GuardSet([Guard(X, TensorMatch.of(one, dynamic=dynamic)), Guard(X, TensorMatch.of(other))])
    read = again(guards)
    assert read == guards
    for now in (one, other, 3, one.dtype):
        scope = Scope({"x": now})
        assert [guard.check(scope) for guard in read] == [guard.check(scope) for guard in guards]
        assert str(read.first_failure(scope)) == str(guards.first_failure(scope))


def test_the_state_of_torch():
    guards = GuardSet(global_state_guards())
    text = guards.to_json()
    assert again(guards) == guards
    with torch.no_grad(), torch.autocast("cpu"):
        inside = GuardSet(global_state_guards())
        read = GuardSet.from_json(text)
        assert read == guards != inside
        assert str(read.first_failure(Scope({}))) == str(guards.first_failure(Scope({})))
        assert "grad mode was True, is False" in str(read.first_failure(Scope({})))
        assert again(inside) == inside
        assert again(inside).check(Scope({}))
    assert read.check(Scope({}))
    assert not GuardSet.from_json(inside.to_json()).check(Scope({}))


def test_devices_sizes_and_strides():
    guards = GuardSet(
        [
            Guard(X, DeviceEquals(torch.device("cuda", 1))),
            Guard(size_source(X, 1), DeviceEquals(torch.device("cpu"))),
            Guard(stride_source(X, 0), DeviceEquals(torch.device("meta"))),
        ]
    )
    assert again(guards) == guards


def test_a_default_device_is_a_value_and_a_mode_is_an_object():
    with torch.device("meta"):
        guard = Guard(None, default_device())
        assert again(GuardSet([guard])) == GuardSet([guard])
        assert again(GuardSet([guard])).check(Scope({}))

    class Mode(torch.overrides.TorchFunctionMode):
        pass

    with Mode() as mode:
        guard = Guard(None, torch_function_state())
    with pytest.raises(NotSerialisable) as raised:
        GuardSet([guard]).to_json()
    assert raised.value.subject is mode


def test_what_another_torch_would_not_know():
    text = GuardSet([Guard(X, TensorMatch.of(torch.zeros(2)))]).to_json()
    with pytest.raises(UnreadableGuards, match="this torch has no float7"):
        GuardSet.from_json(text.replace("float32", "float7"))
    state = GuardSet(global_state_guards())
    data = json.loads(state.to_json())
    with pytest.raises(UnreadableGuards, match="this version reads other state for GRAD_MODE"):
        GuardSet.from_json(json.dumps(data).replace("grad mode", "a mode"))
