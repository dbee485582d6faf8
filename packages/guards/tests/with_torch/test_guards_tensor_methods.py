"""What a class of tensors binds: check, generated code, explanation and JSON agree on patches of all kinds."""

import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from framelift_guards import Dispatcher, Guard, GuardSet, Scope  # noqa: E402
from framelift_guards.torch import TensorMethods  # noqa: E402

NAMES = ["sin", "cos", "split", "shape"]


def readings(guard):
    """Return what the check says and what the generated code does, which must agree with the explanation."""
    dispatcher = Dispatcher.for_parameters([], lambda values: False)
    dispatcher.add([guard], lambda: True)
    held, failure = dispatcher.function(), guard.failure(Scope({}))
    assert guard.check(Scope({})) is held is (failure is None)
    return held, failure


@pytest.mark.parametrize("value", [lambda tensor: tensor, property(lambda tensor: 1), 5, 10**30, "text", None, len])
@pytest.mark.parametrize("name", NAMES)
def test_a_patch_is_seen_and_so_is_its_end(monkeypatch, name, value):
    guard = Guard(None, TensorMethods.of(torch.Tensor, NAMES))
    assert readings(guard)[0]
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, name, value, raising=False)
        held, failure = readings(guard)
        assert not held
        assert failure.reason.startswith(f"torch.Tensor.{name} was ")
        other = Guard(None, TensorMethods.of(torch.Tensor, NAMES))
        assert readings(other)[0]
        assert other != guard
    assert readings(guard)[0]
    assert not readings(other)[0]


def test_what_is_not_asked_for_may_change(monkeypatch):
    guard = Guard(None, TensorMethods.of(torch.Tensor, NAMES))
    monkeypatch.setattr(torch.Tensor, "tan", lambda tensor: tensor, raising=False)
    assert readings(guard)[0]


def test_a_patch_is_not_kept_alive(monkeypatch):
    def patch(tensor):
        return tensor

    monkeypatch.setattr(torch.Tensor, "sin", patch, raising=False)
    guard = Guard(None, TensorMethods.of(torch.Tensor, NAMES))
    reference = weakref.ref(patch)
    monkeypatch.undo()
    del patch
    gc.collect()
    assert reference() is None
    assert "an object that no longer exists" in readings(guard)[1].reason
    monkeypatch.setattr(torch.Tensor, "sin", None, raising=False)
    assert not readings(guard)[0]


def test_in_json():
    guards = GuardSet([Guard(None, TensorMethods.of(torch.nn.Parameter, ["sin", "__repr__"]))])
    assert GuardSet.from_json(guards.to_json()) == guards
    assert [str(guard) for guard in guards] == ["Parameter has no sin of its own and has the __repr__ that it had"]
