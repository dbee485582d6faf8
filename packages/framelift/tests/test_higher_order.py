"""Torch's functions of functions: one graph, and what eager execution gives; what they refuse is refused eagerly."""

from __future__ import annotations

import functools
import warnings

import pytest
import torch
import torch.nn.functional as F
from observation import compare
from torch import nn
from torch._higher_order_ops import while_loop
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp, vmap
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

import framelift
from framelift.testing import same

PROGRAMS = []


def program(*arguments, broken=False):
    """Add a program with its arguments; `broken`: it runs eagerly as a whole."""

    def add(function):
        PROGRAMS.append(pytest.param(function, arguments, broken, id=function.__name__))
        return function

    return add


X = torch.arange(6.0).reshape(2, 3) / 3
XG = (torch.arange(6.0).reshape(2, 3) / 3).requires_grad_()
LIN = nn.Linear(3, 2)
SEQ = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))


@program(XG)
def ck_mod(x):
    return checkpoint(SEQ, x, use_reentrant=False).sum()


@program(XG)
def ck_drop(x):
    return checkpoint(lambda y: F.dropout(y, 0.5), x, use_reentrant=False)


@program(XG)
def ck_tuple(x):
    a, b = checkpoint(lambda y, k=2: (y * k, {"a": y.sin(), "b": 3}), x, use_reentrant=False, k=3)
    return a + b["a"] * b["b"]


@program(XG)
def ck_none(x):
    return checkpoint(lambda y, m: y if m is None else y * m, x, None, use_reentrant=False) + 1


@program(XG, broken=True)
def ck_list(x):
    out = []

    def g(y):
        out.append(y.sin())
        return y * 2

    return checkpoint(g, x, use_reentrant=False), out


@program(XG)
def ck_cnt(x):
    out = [0]

    def g(y):
        out[0] += 1
        out.append("a")
        return y * 2

    return checkpoint(g, x, use_reentrant=False), out


@program(XG)
def ck_inplace(x):
    z = torch.zeros(2, 3)

    def g(y):
        z.add_(1)
        return y * 2

    return checkpoint(g, x, use_reentrant=False), z


@program(XG)
def ck_seq(x):
    return checkpoint_sequential(SEQ, 2, x, use_reentrant=False)


@program(XG)
def ck_nest(x):
    return checkpoint(lambda y: checkpoint(torch.sin, y, use_reentrant=False) * 2, x, use_reentrant=False)


@program(XG)
def ck_ng(x):
    def g(y):
        with torch.no_grad():
            z = y * 2
        return z + y

    return checkpoint(g, x, use_reentrant=False)


@program(XG, broken=True)
def r_ck_raise(x):
    def g(y):
        raise ValueError("no")

    return checkpoint(g, x, use_reentrant=False)


@program(X, X)
def vm_dims(x, y):
    return vmap(lambda a, b: a @ b, in_dims=(0, None))(x, y.T), vmap(lambda a, b: a * b, (1, 0), 1)(x, y.T)


@program(X)
def vm_dict(x):
    return vmap(lambda d: {"r": d["a"] * d["b"].sum()}, in_dims=({"a": 0, "b": None},))({"a": x, "b": x})


@program(X)
def vm_kw(x):
    return vmap(lambda a, s=2.0: a * s)(x, s=3.0)


@program(X)
def vm_nested(x):
    return vmap(vmap(lambda a: a * 2))(x), vmap(vmap(torch.mul, (None, 0)), (0, None))(x[0], x[1])


@program(X)
def vm_grad(x):
    return vmap(grad(lambda r, w: (r * w).sum().sin()), in_dims=(0, None))(x, x[0])


@program(X, broken=True)
def r_vm_bad(x):
    return vmap(lambda a: a, in_dims=3)(x)


@program(X, broken=True)
def r_vm_bad2(x):
    return vmap(lambda a: a, in_dims=None)(x)


@program(X, broken=True)
def r_vm_item(x):
    return vmap(lambda a: a.item())(x[0])


@program(X)
def vm_rand(x):
    return vmap(lambda a: a + torch.rand(3), randomness="different")(x)


@program(X, broken=True)
def r_vm_rand(x):
    return vmap(lambda a: a + torch.rand(3))(x)


@program(X)
def vm_shape(x):
    return vmap(lambda a: a * a.shape[0] + a.dim() + a.size(0))(x)


@program(X)
def vm_inpl(x):
    def g(a):
        b = a.clone()
        b.add_(1)
        b[0] = 3
        return b

    return vmap(g)(x)


@program(X)
def vm_chunk(x):
    return vmap(lambda a: a * 2, chunk_size=1)(x)


@program(X)
def vm_part(x):
    return functools.partial(vmap, in_dims=1)(lambda a: a.sum())(x)


@vmap
def decorated(a):
    return a.sum() * 2


@program(X)
def vm_dec(x):
    return decorated(x)


VG = vmap(grad(lambda r: r.sin().sum()))


@program(X)
def vm_glob(x):
    return VG(x)


@program(X)
def gr_arg(x):
    return grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, x + 1), grad(lambda a, b: (a * b).sum(), argnums=1)(
        x, x + 1
    )


@program(X)
def gr_aux(x):
    return grad(lambda a: ((a**2).sum(), {"y": a * 2}), has_aux=True)(x)


@program(X)
def gr_val(x):
    return grad_and_value(lambda a: (a**2).sum())(x)


@program(X)
def gr_dict(x):
    ps = {k: v.detach() for k, v in LIN.named_parameters()}

    def loss(ps, x):
        return functional_call(LIN, ps, (x,)).pow(2).sum()

    return grad(loss)(ps, x)


@program(X)
def gr_persample(x):
    ps = {k: v.detach() for k, v in LIN.named_parameters()}

    def loss(ps, x):
        return functional_call(LIN, ps, (x.unsqueeze(0),)).pow(2).sum()

    return vmap(grad(loss), in_dims=(None, 0))(ps, x)


@program(X)
def gr_ng(x):
    with torch.no_grad():
        return grad(lambda a: (a**3).sum())(x)


@program(X)
def gr_ng2(x):
    def g(a):
        with torch.no_grad():
            b = a**2
        return (a - b).sum()

    return grad(g)(x)


@program(X)
def gr_gr(x):
    return grad(grad(torch.sin))(x[0, 1]), grad(grad(grad(lambda t: t**4)))(x[1, 1])


@program(XG)
def gr_outer(x):
    w = x * 2
    return grad(lambda a: (a * w).sum())(x.detach()).sum() + w.sum()


@program(X, broken=True)
def r_gr_nonscalar(x):
    return grad(torch.sin)(x)


@program(X)
def gr_reqs(x):
    seen = []

    def g(a):
        seen.append((a.requires_grad, torch.is_grad_enabled()))
        return (a**2).sum()

    return grad(g)(x), seen


@program(X)
def jv2(x):
    return jvp(lambda a, b: (a * b, a), (x, x + 1), (x, x)), jvp(lambda a: (a.sin(), a * 2), (x,), (x,), has_aux=True)


@program(X)
def vj2(x):
    (o1, o2), f, aux = vjp(lambda a, b: ((a * b, a.sin()), {"k": a}), x, x + 1, has_aux=True)
    return o1, o2, f((x, x)), aux


@program(X)
def jr2(x):
    return (
        jacrev(lambda a, b: (a * b).sum(1), argnums=(0, 1))(x, x),
        jacfwd(lambda a: a**2)(x[0]),
        hessian(lambda a: (a**3).sum())(x[0]),
    )


@program(X)
def jr3(x):
    return vmap(jacrev(lambda a: a**2))(x), vmap(hessian(lambda a: (a**3).sum()))(x)


MS = [nn.Linear(3, 2) for _ in range(2)]


@program(X)
def ens2(x):
    ps = {k: torch.stack([dict(m.named_parameters())[k] for m in MS]) for k in ("weight", "bias")}
    return vmap(lambda p, x: functional_call(MS[0], p, (x,)), in_dims=(0, None))(ps, x)


@program(X)
def cond2(x):
    y = x * 2
    return torch.cond(x.sum() > 100, lambda t: (t + y, t.sum()), lambda t: (t - y, t.mean()), (x,))


@program(X)
def cond_py(x):
    return torch.cond(x.shape[0] > 1, lambda t: t.sin(), lambda t: t.cos(), (x,))


@program(X)
def cond_cl(x):
    return torch.cond((x > 0).all(), lambda: x.sin(), lambda: x.cos())


@program(XG)
def cond_g(x):
    return torch.cond((x > 0).all(), lambda t: t.sin(), lambda t: t.cos(), (x,))


@program(XG)
def cond_nest(x):
    return torch.cond(
        (x > 0).all(),
        lambda t: t.sin(),
        lambda t: torch.cond(t.sum() > 0, lambda q: q * 2, lambda q: q * 3, (t,)),
        (x,),
    )


class CM(nn.Module):
    def __init__(s):
        super().__init__()
        s.a = nn.Linear(3, 3)
        s.b = nn.Linear(3, 3)

    def forward(s, x):
        return torch.cond(x.sum() > 0, s.a, s.b, (x,))


CHOICE = CM()


@program(X)
def module_of_cond(x):
    return CHOICE(x)


@pytest.fixture(autouse=True, scope="module")
def _torch_warns_of_itself():
    # Torch makes its decompositions for forward gradients by torch.jit.script, once; and Dynamo, which compiles
    # its eager `cond`, tells once that CPython 3.13.0 is slow for it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CHOICE(X)
        jvp(lambda x: (x.sin(), x * 2), (X,), (X,), has_aux=True)
        yield


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(("function", "arguments", "broken"), PROGRAMS)
def test_as_eager(function, arguments, broken, dynamic):
    lifted, counter = compare(function, arguments, dynamic=dynamic, reset=lambda: None)
    assert (counter.frame_count, len(lifted.framelift.breaks)) == ((0, 1) if broken else (1, 0))


@pytest.mark.parametrize(("function", "arguments", "broken"), PROGRAMS)
def test_compilers_trace_it(function, arguments, broken):
    if broken:
        return
    torch.manual_seed(0)
    expected = function(*arguments)
    torch.manual_seed(0)
    assert same(framelift.compile(function, backend="aot_eager", fullgraph=True)(*arguments), expected)


def counted(n, x, w):
    k = w + 1

    def goes_on(i, y):
        return (i < n) & (y.sum() < 1000)

    def step(i, y):
        return i + 1, y * k

    return while_loop(goes_on, step, (torch.zeros((), dtype=torch.int64), x))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_loop_is_one_graph(backend):
    lifted = framelift.compile(counted, backend=backend, fullgraph=True)
    for n in (0, 1, 3, 50):
        x, w = torch.arange(1.0, 4.0), torch.ones(3)
        expected_i, expected = 0, x
        while expected_i < n and expected.sum() < 1000:
            expected_i, expected = expected_i + 1, expected * (w + 1)
        i, y = lifted(torch.tensor(n), x, w)
        assert i.item() == expected_i
        assert torch.equal(y, expected)
        assert y is not x
        assert y.data_ptr() != x.data_ptr()


def test_a_loop_with_side_effects_or_of_other_shapes_is_left_alone():
    log = []

    def noting(x):
        def step(y):
            log.append(1)
            return (y + 1,)

        return while_loop(lambda y: y.sum() < 9, step, (x,))

    lifted = framelift.compile(noting, backend="eager", fullgraph=True)
    with pytest.raises(framelift.errors.FrameliftError, match="changes what existed before"):
        lifted(torch.zeros(3))


def test_a_loop_with_gradients_is_left_alone():
    w = torch.ones(3, requires_grad=True)
    lifted = framelift.compile(counted, backend="eager", fullgraph=True)
    with pytest.raises(framelift.errors.FrameliftError, match="gradients"):
        lifted(torch.tensor(2), torch.ones(3), w)
