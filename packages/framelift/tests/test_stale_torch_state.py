"""Every way to read what torch keeps for the whole process or a tensor, times every way to change that."""

from __future__ import annotations

import contextlib
import types

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody writes it
from changes_in_place import stale
from torch import nn
from torch.autograd import graph
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

X = torch.linspace(-1, 1, 9).reshape(3, 3)


def world():
    """Return tensors that a program reads."""
    return types.SimpleNamespace(
        leaf=torch.ones(3, requires_grad=True), plain=torch.tensor([1.0, 2.0, 3.0]), square=torch.ones(3, 3),
        layer=nn.Linear(3, 3), whole=torch.arange(3), generator=torch.Generator().manual_seed(3),
    )  # fmt: skip


def within(region, compute):
    def read(w, x):
        with region():
            y = compute(w, x)
        return y, y.dtype, y.requires_grad, (x * w.leaf).requires_grad

    return read


def gradient(w, x):
    w.leaf.grad = None
    y = (x * w.leaf).sum()
    if y.requires_grad:
        y.backward()
    return y, w.leaf.grad


READS = {
    "operation": lambda w, x: x.sin(),
    "product": lambda w, x: x @ w.square,
    "layer": lambda w, x: w.layer(x),
    "history": lambda w, x: ((x * w.leaf).requires_grad, w.leaf.is_leaf, w.leaf.detach() * x),
    "gradient": gradient,
    "new": lambda w, x: (torch.ones(3), torch.tensor([1.5]), torch.arange(3.0), torch.full((2,), 1.5)),
    "division": lambda w, x: w.whole / 2,
    "modes": lambda w, x: (x * 1, torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    "autocast": lambda w, x: (x * 1, torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
    "autocast's cache": lambda w, x: (x * 1, torch.is_autocast_cache_enabled()),
    "default dtype": lambda w, x: (x * 1, torch.get_default_dtype(), str(torch.get_default_device())),
    "determinism": lambda w, x: (x * 1, torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()),
    "flags": lambda w, x: (x * 1, torch.backends.cudnn.enabled, torch.get_float32_matmul_precision()),
    "no_grad": within(torch.no_grad, lambda w, x: x * w.leaf),
    "enable_grad": within(torch.enable_grad, lambda w, x: x * w.leaf),
    "autocast region": within(lambda: torch.autocast("cpu", dtype=torch.bfloat16), lambda w, x: w.layer(x)),
    "random": lambda w, x: (torch.rand(3), F.dropout(x, 0.5)),
    "generator": lambda w, x: torch.rand(3, generator=w.generator),
    "item": lambda w, x: x * w.plain[1].item(),
    "metadata": lambda w, x: (x * 1, w.plain.shape, w.plain.stride(), w.square.stride(), w.plain.dtype),
    "kind": lambda w, x: (x * 1, type(w.plain).__name__, w.square.is_conj(), w.square.is_neg(), w.square.layout),
    "sum": lambda w, x: w.plain.sum() + w.square.sum(),
    "view": lambda w, x: w.square.view(-1) * 2,
}


class Triples(TorchFunctionMode):
    def __torch_function__(self, function, kinds, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        return found * 3 if function in (torch.Tensor.sin, torch.ones, F.softmax) else found


class Doubles(TorchDispatchMode):
    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        return found * 2 if function is torch.ops.aten.sin.default else found


def entered(make):
    def change(w):
        stack = contextlib.ExitStack()
        stack.enter_context(make())
        return stack.close

    return change


def put(write, value, read):
    def change(w):
        before = read()
        write(value)
        return lambda: write(before)

    return change


def for_cpu(write):
    return lambda value: write("cpu", value)


def tripled(gradient):
    return gradient * 3


CHANGES = {
    "no_grad": entered(torch.no_grad),
    "grad mode": put(torch.set_grad_enabled, False, torch.is_grad_enabled),
    "inference": entered(torch.inference_mode),
    "autocast": entered(lambda: torch.autocast("cpu")),
    "autocast to half": entered(lambda: torch.autocast("cpu", dtype=torch.float16)),
    "autocast without cache": entered(lambda: torch.autocast("cpu", cache_enabled=False)),
    "autocast's dtype": put(for_cpu(torch.set_autocast_dtype), torch.float16, lambda: torch.get_autocast_dtype("cpu")),
    "default dtype": put(torch.set_default_dtype, torch.float64, torch.get_default_dtype),
    "default device": put(torch.set_default_device, "meta", lambda: None),
    "device region": entered(lambda: torch.device("meta")),
    "determinism": put(torch.use_deterministic_algorithms, True, torch.are_deterministic_algorithms_enabled),
    "threads": put(torch.set_num_threads, 2, torch.get_num_threads),
    "precision": put(torch.set_float32_matmul_precision, "medium", torch.get_float32_matmul_precision),
    "function mode": entered(Triples),
    "dispatch mode": entered(Doubles),
    "cudnn": put(
        lambda value: setattr(torch.backends.cudnn, "enabled", value), False, lambda: torch.backends.cudnn.enabled
    ),
    "hooks on saved tensors": entered(lambda: graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t)),
    "seed": lambda w: torch.manual_seed(99) and None,
    "a generator's seed": lambda w: w.generator.manual_seed(77) and None,
    "a leaf that is frozen": lambda w: w.leaf.requires_grad_(requires_grad=False),
    "no leaf": lambda w: setattr(w, "leaf", w.leaf * 1),
    "a hook": lambda w: w.leaf.register_hook(tripled).remove,
    "set": lambda w: w.plain.set_(torch.ones(5)),
    "resized": lambda w: w.plain.resize_(2),
    "other data": lambda w: setattr(w.plain, "data", torch.ones(2, 2)),
    "other memory": lambda w: w.plain.untyped_storage().resize_(64),
    "transposed": lambda w: w.square.copy_(X).t_(),
    "other strides": lambda w: w.square.as_strided_((3, 3), (0, 1)),
    "filled": lambda w: w.square.fill_(4),
    "a view": lambda w: setattr(w, "plain", torch.arange(6.0)[::2]),
    "shared memory": lambda w: setattr(w, "square", w.plain.expand(3, 3)),
    "a parameter": lambda w: setattr(w, "plain", nn.Parameter(w.plain)),
    "whole numbers": lambda w: setattr(w, "plain", w.whole),
    "negated": lambda w: setattr(w, "square", torch._neg_view(w.square)),
    "conjugated": lambda w: setattr(w, "square", torch.ones(3, 3, dtype=torch.complex64).conj()),
    "sparse": lambda w: setattr(w, "square", w.square.to_sparse()),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", READS)
def test_the_call_after_any_change(read):
    wrong, mattered = stale(READS[read], CHANGES, world, X)
    assert wrong == []
    assert mattered
