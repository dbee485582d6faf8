"""Law: an answer from the cache equals one that was computed, whatever changes of the call or the process between."""

import contextlib
import warnings

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_fake_tensors import FakeMode, FakeTensor, FakeTensorError, PropagationCache

CACHE = PropagationCache()  # one for all examples, so that each finds what others left


@contextlib.contextmanager
def setting(get, put, value):
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


def determinism(kind):
    return setting(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, kind)


def filling(value):
    deterministic = torch.utils.deterministic
    return setting(
        lambda: deterministic.fill_uninitialized_memory,
        lambda filled: setattr(deterministic, "fill_uninitialized_memory", filled),
        value,
    )


def tracking(value):
    return torch.autograd._force_original_view_tracking(not value)


SWITCHES = [
    (torch.backends.cuda.flash_sdp_enabled, torch.backends.cuda.enable_flash_sdp),
    (torch.backends.cuda.mem_efficient_sdp_enabled, torch.backends.cuda.enable_mem_efficient_sdp),
    (torch.backends.cuda.math_sdp_enabled, torch.backends.cuda.enable_math_sdp),
    (torch.backends.cuda.cudnn_sdp_enabled, torch.backends.cuda.enable_cudnn_sdp),
    (torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled),
    (torch._C._get_cudnn_enabled, torch._C._set_cudnn_enabled),
]


STATES = st.tuples(
    st.sampled_from([contextlib.nullcontext, torch.no_grad, torch.inference_mode]),
    st.sampled_from([None, torch.bfloat16, torch.float16]),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([None, "cpu", "cuda", "meta"]),
    st.sampled_from(["default", "warn", "error"]),
    st.sampled_from([filling, tracking]).flatmap(lambda kind: st.tuples(st.just(kind), st.booleans())) | st.none(),
    st.none() | st.tuples(st.sampled_from(SWITCHES), st.booleans()),
    st.sampled_from(["cpu", "cuda"]),
)


@contextlib.contextmanager
def state(grad, autocast, dtype, device, deterministic, other, switched, place):
    with contextlib.ExitStack() as stack:
        stack.enter_context(setting(torch.get_default_dtype, torch.set_default_dtype, dtype))
        stack.enter_context(determinism(deterministic))
        if switched is not None:
            (get, put), value = switched
            stack.enter_context(setting(get, put, value))
        if other is not None:
            kind, value = other
            stack.enter_context(kind(value))
        if device is not None:
            stack.enter_context(torch.device(device))
        if autocast is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `cuda` may not be here
                stack.enter_context(torch.autocast(place, dtype=autocast))
        stack.enter_context(grad())
        yield


def tensors(mode, requires_grad, kind, transposed, shared):
    first = torch.ones(4, 4, dtype=kind, device="cpu")
    first = first.t() if transposed else first
    second = first if shared == "object" else first.view(4, 4) if shared == "memory" else torch.ones(4, 4, dtype=kind)
    first.requires_grad_(requires_grad and shared != "memory")
    return mode.fake(first), mode.fake(second)


CALLS = [
    lambda x, y: torch.add(x, y),
    lambda x, y: torch.mm(x, y),
    lambda x, y: F.linear(x, y),
    lambda x, y: torch.softmax(x, -1),
    lambda x, y: F.layer_norm(x, (4,)),
    lambda x, y: F.scaled_dot_product_attention(x[None, None], y[None, None], y[None, None]),
    lambda x, y: torch.broadcast_tensors(x, y),
    lambda x, y: torch.zeros(2),
    lambda x, y: torch.arange(3.0),
    lambda x, y: torch.full((2,), 1.5),
    lambda x, y: x.view(-1),
    lambda x, y: x.to(torch.get_default_dtype()),
    lambda x, y: x.contiguous(),
    lambda x, y: x * 2.0,
    lambda x, y: x.expand_as(y),
    lambda x, y: x.detach().add_(y),
    lambda x, y: (x * 2).mul_(3).add_(y),
    lambda x, y: F.linear(x[None], y),
    lambda x, y: torch.einsum("ij,jk,kl->il", x, y, x),
    lambda x, y: torch.max(x, 0),
    lambda x, y: torch.std_mean(x, 0),
    lambda x, y: x.t().split(2),
    lambda x, y: F.multi_head_attention_forward(
        x[:, None], x[:, None], x[:, None], 4, 2, x.repeat(3, 1), None, None, None, False, 0.0, y, None
    ),
    lambda x, y: F.conv2d(x[None, None], y[None, None]),
    lambda x, y: x.cumsum(0).clone().index_put_((torch.zeros(2, dtype=torch.int64, device="cpu"),), y[0]),
]


def told(result, arguments):
    if isinstance(result, (tuple, list)):
        return [told(item, arguments) for item in result]
    assert type(result) is FakeTensor
    return (
        result.shape, result.stride(), result.storage_offset(), result.dtype, result.device, result.requires_grad,
        result.is_leaf, result.is_inference(), result._is_view(), result.output_nr, type(result.grad_fn).__name__,
        None if result.is_inference() else result._version,
        [(result is one, result.memory is one.memory) for one in arguments],
    )  # fmt: skip


def answer(cache, call, chosen, make):
    mode = FakeMode(cache=cache)
    arguments = tensors(mode, *make)
    try:
        with mode, state(*chosen):
            result = call(*arguments)
    except (RuntimeError, FakeTensorError) as error:
        return type(error), str(error)
    return told(result, arguments)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(CALLS),
    STATES,
    st.tuples(st.booleans(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]), st.booleans(),
              st.sampled_from(["no", "object", "memory"])),
)  # fmt: skip
def test_a_cached_answer_is_an_uncached_one(call, chosen, make):
    expected = answer(PropagationCache(maxsize=0), call, chosen, make)
    assert answer(CACHE, call, chosen, make) == expected  # from what another example left, or computed
    assert answer(CACHE, call, chosen, make) == expected  # a hit, where the call can be cached
