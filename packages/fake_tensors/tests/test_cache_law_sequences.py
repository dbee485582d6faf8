"""Law: a program gives the same, step by step, from a cache that others filled and from none.

Here the relations between arguments and the state of the process change from step to step, the storage too, and what
autograd recorded is looked at only at the end, in a state of its own.
"""

import contextlib
import math
import operator
import warnings

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_fake_tensors import FakeMode, FakeTensor, FakeTensorError, PropagationCache

CACHE = PropagationCache()  # one for all examples, so that each finds what others left


class NoCache(PropagationCache):
    def put(self, key, recipe):
        pass


@contextlib.contextmanager
def setting(get, put, value):
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


def filling(value):
    module = torch.utils.deterministic
    return setting(
        lambda: module.fill_uninitialized_memory, lambda now: setattr(module, "fill_uninitialized_memory", now), value
    )


def switch(get, put):
    return lambda value: setting(get, put, value)


def autocast(kind, dtype):
    return lambda value: torch.autocast(kind, dtype=dtype, enabled=value)


def strategy(value):
    module = torch.backends.opt_einsum
    return setting(
        lambda: module.strategy, lambda now: setattr(module, "strategy", now), "greedy" if value else "optimal"
    )


cuda = torch.backends.cuda
SWITCHES = [
    switch(torch.is_grad_enabled, torch.set_grad_enabled),
    torch.inference_mode,
    switch(cuda.flash_sdp_enabled, cuda.enable_flash_sdp),
    switch(cuda.mem_efficient_sdp_enabled, cuda.enable_mem_efficient_sdp),
    switch(cuda.math_sdp_enabled, cuda.enable_math_sdp),
    switch(cuda.cudnn_sdp_enabled, cuda.enable_cudnn_sdp),
    switch(torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled),
    switch(torch._C._get_cudnn_enabled, torch._C._set_cudnn_enabled),
    switch(torch._C._get_cudnn_deterministic, torch._C._set_cudnn_deterministic),
    switch(torch._C._get_cudnn_benchmark, torch._C._set_cudnn_benchmark),
    switch(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    filling,
    strategy,
    lambda value: torch.autograd._force_original_view_tracking(value),
    autocast("cpu", torch.bfloat16),
    autocast("cpu", torch.float16),
    autocast("cuda", torch.bfloat16),
    autocast("cuda", torch.float16),
    lambda value: setting(torch.get_default_dtype, torch.set_default_dtype, torch.float64 if value else torch.float16),
    lambda value: torch.device("cuda" if value else "meta"),
]
STATES = st.lists(st.tuples(st.sampled_from(SWITCHES), st.booleans()), max_size=2)


@contextlib.contextmanager
def state(chosen):
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for make, value in chosen:
            stack.enter_context(make(value))
        yield


def base_of(dtype, device):
    return torch.ones(64, dtype=dtype, device=device)


# How a tensor of two dimensions lies in a memory of 64 elements, or in one of its own.
LAYOUTS = [
    lambda memory: memory[:16].view(4, 4),
    lambda memory: memory[:16].view(4, 4).t(),
    lambda memory: memory[16:32].view(4, 4),
    lambda memory: memory[15:31].view(4, 4),
    lambda memory: memory[::2][:16].view(4, 4),
    lambda memory: memory[:4].expand(4, 4),
    lambda memory: memory[:1].expand(4, 4),
    lambda memory: memory[:32].view(4, 8)[:, :4],
    lambda memory: memory[:4].view(1, 4),
    lambda memory: memory[:4].view(4, 1),
    lambda memory: memory[:16].view(2, 2, 2, 2).contiguous(memory_format=torch.channels_last),
    lambda memory: memory[:16].view(2, 2, 2, 2),
    lambda memory: memory[:0].view(0, 4),
    lambda memory: memory[0],
    lambda memory: memory.clone()[:16].view(4, 4),
    lambda memory: memory[:16].clone().view(4, 4),
    lambda memory: memory[:16].view(4, 4).clone(),
    lambda memory: memory[:16].view(4, 4).clone().t(),
    lambda memory: torch.nn.Parameter(memory[:16].view(4, 4)),
    lambda memory: memory[:16].clone().view(torch.int32)[:16].view(4, -1).view(memory.dtype),
]
MEMORIES = st.tuples(
    st.sampled_from([torch.float32, torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.complex64]),
    st.sampled_from(["cpu", "cpu", "cuda"]),
)
TENSORS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(LAYOUTS), st.sampled_from(["", "", "leaf", "result", "detached"])),
    min_size=2, max_size=4,
)  # fmt: skip


def made(memories, chosen):
    bases = [base_of(*memory) for memory in memories]
    tensors = []
    for position, layout, kind in chosen:
        tensor, device = layout(bases[position % len(bases)]), memories[position % len(bases)][1]
        # Of a device that is not here, autograd records no more than what requires grad.
        if device == "cuda":
            tensor = tensor.detach()
        elif kind and (tensor.is_floating_point() or tensor.is_complex()):
            if kind == "leaf":
                tensor = tensor.detach().requires_grad_()
            elif kind == "result":
                tensor = tensor.detach().requires_grad_() * 1
            else:
                tensor = tensor.detach()
        tensors.append(tensor)
    return tensors


NUMBERS = st.sampled_from(
    [0, 1, 2, -1, 3, True, False, 0.0, -0.0, 1.0, 2.0, 0.5, math.nan, math.inf, 1j, 1 + 0j, -1.0, 2**40]
)

# Calls of two tensors and a number.
CALLS = [
    lambda x, y, n: x + y,
    lambda x, y, n: x * n,
    lambda x, y, n: n - x,
    lambda x, y, n: x**n,
    lambda x, y, n: torch.add(x, y, alpha=n),
    lambda x, y, n: torch.where(x > 0, x, n),
    lambda x, y, n: torch.full((2, 3), n),
    lambda x, y, n: torch.full_like(x, n),
    lambda x, y, n: torch.arange(n, n + 3),
    lambda x, y, n: torch.tensor(n),
    lambda x, y, n: x[n],
    lambda x, y, n: x[None, ..., n],
    lambda x, y, n: x.sum(n),
    lambda x, y, n: x.sum(0, n),
    lambda x, y, n: torch.result_type(x, n),
    lambda x, y, n: torch.result_type(x, y),
    lambda x, y, n: torch.mm(x, y),
    lambda x, y, n: torch.matmul(x, y),
    lambda x, y, n: F.linear(x, y),
    lambda x, y, n: F.linear(x, y, y[0]),
    lambda x, y, n: torch.addmm(x, y, x, beta=n),
    lambda x, y, n: torch.softmax(x, n),
    lambda x, y, n: F.layer_norm(x, (4,), y[0], y[0]),
    lambda x, y, n: F.scaled_dot_product_attention(x[None, None], y[None, None], x[None, None]),
    lambda x, y, n: torch.einsum("ij,jk,kl->il", x, y, x),
    lambda x, y, n: F.batch_norm(x, None, None, y[0], y[0], True),
    lambda x, y, n: F.conv2d(x.view(1, 1, 4, 4), y.view(1, 1, 4, 4)),
    lambda x, y, n: torch.broadcast_tensors(x, y),
    lambda x, y, n: torch.cat([x, y]),
    lambda x, y, n: torch.stack([x, y, x], n),
    lambda x, y, n: torch._foreach_add([x, y], n),
    lambda x, y, n: torch._foreach_mul_([x, y], n),
    lambda x, y, n: x.view(-1),
    lambda x, y, n: x.view(2, -1),
    lambda x, y, n: x.reshape(-1),
    lambda x, y, n: x.t(),
    lambda x, y, n: x.t().reshape(-1),
    lambda x, y, n: x.contiguous(),
    lambda x, y, n: x.contiguous(memory_format=torch.channels_last),
    lambda x, y, n: x.to(memory_format=torch.channels_last),
    lambda x, y, n: x.clone(memory_format=torch.contiguous_format),
    lambda x, y, n: x.clone(),
    lambda x, y, n: x.to(torch.get_default_dtype()),
    lambda x, y, n: x.to(y),
    lambda x, y, n: x.to(y.device),
    lambda x, y, n: x.expand_as(y),
    lambda x, y, n: x.detach(),
    lambda x, y, n: x.data,
    lambda x, y, n: x.split(2),
    lambda x, y, n: x.unbind(),
    lambda x, y, n: x.chunk(2, -1),
    lambda x, y, n: x.as_strided((4, 2), (4, 1)),
    lambda x, y, n: x.as_strided((2, 2), (1, 1), 20),
    lambda x, y, n: x.as_strided((5, 5), (1, 1), 40),
    lambda x, y, n: torch.as_strided_scatter(x, y[:2, :2], (2, 2), (8, 1), 8),
    lambda x, y, n: torch.as_strided_copy(x, (2, 2), (30, 1)),
    lambda x, y, n: x.view(torch.int16),
    lambda x, y, n: x.view(torch.float64),
    lambda x, y, n: x.real,
    lambda x, y, n: x.conj(),
    lambda x, y, n: x.mT,
    lambda x, y, n: x.squeeze(),
    lambda x, y, n: x.diagonal(),
    lambda x, y, n: x.unfold(0, 2, 1),
    lambda x, y, n: torch.empty_like(x),
    lambda x, y, n: torch.zeros(2),
    lambda x, y, n: torch.empty(2, 3),
    lambda x, y, n: torch.linspace(0, 1, 3),
    lambda x, y, n: x.new_zeros(3),
    lambda x, y, n: x.new_tensor([n]),
    lambda x, y, n: torch.max(x, 0),
    lambda x, y, n: torch.std_mean(x, 0),
    lambda x, y, n: x.cumsum(0),
    lambda x, y, n: x.index_select(0, y[0].long()),
    lambda x, y, n: x[y[0].long()],
    lambda x, y, n: F.relu(x, inplace=True),
    lambda x, y, n: F.dropout(x, 0.5, training=n),
    lambda x, y, n: F.embedding(y.long(), x),
    lambda x, y, n: F.interpolate(x[None], scale_factor=2.0),
    lambda x, y, n: F.interpolate(x[None, None], scale_factor=2.0, mode="bicubic"),
    lambda x, y, n: F.pad(x[None, None], (1, 1), mode="reflect"),
    lambda x, y, n: F.mse_loss(x, y),
    lambda x, y, n: F.gelu(x),
    lambda x, y, n: x.is_shared(),
    lambda x, y, n: torch.is_same_size(x, y),
    lambda x, y, n: torch._C._is_alias_of(x, y),
    lambda x, y, n: x.is_set_to(y),
    # in place
    lambda x, y, n: x.add_(y),
    lambda x, y, n: x.mul_(n),
    lambda x, y, n: operator.iadd(x, y),
    lambda x, y, n: x.copy_(y),
    lambda x, y, n: x.zero_(),
    lambda x, y, n: x.fill_(n),
    lambda x, y, n: x.requires_grad_(),
    lambda x, y, n: x.requires_grad_(False),
    lambda x, y, n: x.t_(),
    lambda x, y, n: x.unsqueeze_(0),
    lambda x, y, n: x.squeeze_(),
    lambda x, y, n: x.resize_(2, 2),
    lambda x, y, n: x.resize_(10, 10),
    lambda x, y, n: x.resize_as_(y),
    lambda x, y, n: x.as_strided_((2, 2), (1, 1)),
    lambda x, y, n: x.detach_(),
    lambda x, y, n: x.set_(y),
    lambda x, y, n: x.transpose_(0, 1),
    lambda x, y, n: x.__setitem__(n, y[0]) or x,
    lambda x, y, n: x.__setitem__((slice(None), 0), n) or x,
    lambda x, y, n: x.index_put_((y[0].long(),), x[0]),
    lambda x, y, n: torch.add(x, y, out=x),
    lambda x, y, n: torch.mm(x, x, out=y),
    lambda x, y, n: torch.add(x, 1, out=torch.empty(0)),
    lambda x, y, n: x.masked_fill_(y.bool(), n),
    lambda x, y, n: x.addmm_(y, y),
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(range(len(CALLS))), st.integers(0, 9), st.integers(0, 9), NUMBERS, STATES),
    min_size=1, max_size=4,
)  # fmt: skip


def plain(extent):
    return str(extent)


def told(value, pool):
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [told(item, pool) for item in value]
    if not isinstance(value, FakeTensor):
        return type(value), str(value)
    inference = value.is_inference()
    return (
        tuple(map(plain, value.shape)), tuple(map(plain, value.stride())), plain(value.storage_offset()), value.dtype,
        value.device, value.requires_grad, inference, value.is_conj(), value.is_neg(), type(value), value.memory.nbytes,
        isinstance(value, torch.nn.Parameter),
        [(value is one, value.memory is one.memory) for one in pool if isinstance(one, FakeTensor)],
    )  # fmt: skip


def recorded(value):
    """What autograd tells of a tensor; of a device that is not here, it records no more than what requires grad."""
    if value.is_inference() or value.device.type != "cpu":
        return value.requires_grad
    try:
        node = value.grad_fn
        return (
            value.is_leaf, type(node).__name__, value._is_view(), value.output_nr, value._version,
            node and [edge is None for edge, _ in node.next_functions],
        )  # fmt: skip
    except RuntimeError as error:
        return type(error), str(error)


def flat(value):
    return [value] if isinstance(value, FakeTensor) else [
        item for item in value if isinstance(item, FakeTensor)
    ] if isinstance(value, (list, tuple)) else []  # fmt: skip


def outcome(cache, memories, chosen, steps, last):
    mode = FakeMode(cache=cache)
    with mode:
        try:
            pool = made(memories, chosen)
        except (RuntimeError, FakeTensorError) as error:
            return type(error), str(error)
        answers = []
        for call, first, second, number, chosen_state in steps:
            x, y = pool[first % len(pool)], pool[second % len(pool)]
            with state(chosen_state):
                try:
                    result = CALLS[call](x, y, number)
                except Exception as error:  # whatever it raises, it is to raise the same
                    answers.append((type(error), str(error)))
                    continue
            answers.append((told(result, pool), [told(one, pool) for one in pool]))
            pool += flat(result)[:3]
        with state(last):
            answers.append([recorded(one) for one in pool])
    return answers


PROGRAMS = st.tuples(st.lists(MEMORIES, min_size=1, max_size=2), TENSORS, STEPS, STATES)


@st.composite
def two_programs(draw):
    """A program, and one that differs from it in some of its tensors, numbers and states."""
    memories, tensors, steps, last = draw(PROGRAMS)
    one = memories, tensors, steps, last

    def changed(value, strategy):
        return draw(strategy) if draw(st.booleans()) else value

    other_steps = [
        (call, changed(x, st.integers(0, 9)), changed(y, st.integers(0, 9)), changed(n, NUMBERS), changed(s, STATES))
        for call, x, y, n, s in steps
    ]
    return one, (
        changed(memories, st.lists(MEMORIES, min_size=1, max_size=2)), changed(tensors, TENSORS), other_steps,
        changed(last, STATES),
    )  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(two_programs())
def test_what_another_program_left_in_the_cache_changes_nothing(programs):
    one, other = programs
    cache = PropagationCache()
    outcome(cache, *one)
    for program in (other, one, other):
        assert outcome(cache, *program) == outcome(NoCache(), *program)
