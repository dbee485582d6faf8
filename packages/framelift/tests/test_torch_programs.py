"""Programs of torch: all that is seen of them is what eager execution shows."""
# The programs are odd on purpose:
# ruff: noqa: F507, F601, FLY002, ICN001, PLC3002

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.parametrize
from observation import compare
from torch import nn

X = torch.arange(6.0).reshape(2, 3)
PROGRAMS = []


def program(*arguments, broken=False):
    """Add a program with its arguments; `broken`: it takes more than one graph, or none."""

    def add(function):
        PROGRAMS.append(pytest.param(function, arguments, broken, id=function.__name__))
        return function

    return add


I = torch.arange(96.0).reshape(1, 2, 6, 8) / 10
V = torch.arange(12.0).reshape(3, 4) / 10
L1 = torch.tensor([0, 2, 1])


@program(I)
def convs(x):
    w = torch.ones(3, 2, 3, 3) / 5
    return (
        F.conv2d(x, w, padding=1),
        F.conv_transpose2d(x, torch.ones(2, 3, 2, 2)),
        F.conv1d(x[0], torch.ones(3, 6, 3)),
        F.max_pool2d(x, 2),
        F.avg_pool2d(x, 2, ceil_mode=True),
        F.adaptive_avg_pool2d(x, (2, 3)),
        F.adaptive_max_pool2d(x, 2),
        F.max_pool2d(x, 2, return_indices=True),
        F.lp_pool2d(x, 2, 2),
        F.unfold(x, 2),
        F.pad(x, (1, 1, 0, 2), "reflect"),
        F.pad(x, (1, 2), value=3.0),
        F.interpolate(x, scale_factor=2),
        F.interpolate(x, size=(3, 4), mode="bilinear"),
        F.pixel_shuffle(torch.ones(1, 4, 2, 2), 2),
        F.grid_sample(x, torch.zeros(1, 2, 2, 2), align_corners=False),
        F.affine_grid(torch.ones(1, 2, 3), (1, 1, 2, 2), align_corners=True),
    )


@program(V, broken=True)
def acts(x):
    return [
        f(x - 0.5)
        for f in (
            F.relu,
            F.gelu,
            F.silu,
            F.elu,
            F.selu,
            F.celu,
            F.leaky_relu,
            F.softplus,
            F.softsign,
            F.tanhshrink,
            F.hardtanh,
            F.hardswish,
            F.hardsigmoid,
            F.logsigmoid,
            F.mish,
            F.relu6,
            F.hardshrink,
            F.softshrink,
            torch.sigmoid,
            torch.tanh,
        )
    ] + [
        F.glu(x),
        F.softmax(x, -1),
        F.log_softmax(x, 0),
        F.softmin(x, 1),
        F.prelu(x, torch.tensor([0.2])),
        F.rrelu(x),
        F.threshold(x, 0.3, 9.0),
        F.gumbel_softmax(x),
        F.dropout(x, 0.5),
        F.alpha_dropout(x, 0.5, True),
        F.normalize(x),
        F.layer_norm(x, (4,)),
        F.rms_norm(x, (4,)),
        F.local_response_norm(x[None], 2),
        F.one_hot(torch.tensor([0, 2])),
        F.relu(x.clone(), inplace=True),
    ]


@program(V, broken=True)
def losses(x):
    t = L1
    return (
        F.cross_entropy(x, t),
        F.cross_entropy(x, t, label_smoothing=0.1, reduction="none"),
        F.nll_loss(x, t),
        F.mse_loss(x, x * 2),
        F.l1_loss(x, x + 1),
        F.smooth_l1_loss(x, x + 1),
        F.huber_loss(x, x + 2),
        F.binary_cross_entropy(torch.sigmoid(x), (x > 0.5).float()),
        F.binary_cross_entropy_with_logits(x, (x > 0.5).float()),
        F.cosine_similarity(x, x + 1),
        F.cosine_embedding_loss(x, x + 1, torch.ones(3)),
        F.triplet_margin_loss(x, x + 1, x * 2),
        F.margin_ranking_loss(x[0], x[1], torch.ones(4)),
        F.hinge_embedding_loss(x, torch.ones(3, 4)),
        F.poisson_nll_loss(x, x),
        F.gaussian_nll_loss(x, x, torch.ones(3, 4)),
        F.multi_margin_loss(x, t),
        F.soft_margin_loss(x, torch.ones(3, 4)),
        F.pairwise_distance(x, x + 1),
        F.multilabel_soft_margin_loss(x, (x > 0.5).float()),
    )


@program(V, broken=True)
def embed(x):
    return (
        F.embedding(L1, x),
        F.embedding_bag(L1, x, torch.tensor([0, 2])),
        F.linear(x, torch.ones(2, 4)),
        F.bilinear(x, x, torch.ones(2, 4, 4)),
        torch.einsum("ij,kj->ik", x, x),
        torch.tensordot(x, x, dims=([1], [1])),
        torch.addmm(torch.zeros(3, 3), x, x.T),
        torch.baddbmm(torch.zeros(1, 3, 3), x[None], x.T[None]),
        torch.cdist(x, x),
        torch.outer(x[0], x[1]),
        torch.kron(x, x),
        torch.linalg.norm(x),
        torch.linalg.solve(torch.eye(3), x),
        torch.linalg.qr(x),
        torch.linalg.svd(x),
        torch.linalg.inv(torch.eye(2) * 2),
        torch.fft.fft(x),
        torch.fft.rfft2(x),
    )


@program(V)
def idx(x):
    y = x.clone()
    y[1] = 0
    y[:, 2] += 1
    y[x > 0.5] = 9
    y[torch.tensor([0, 2]), torch.tensor([1, 3])] = -1
    y[..., 0] = x[..., 1]
    y.index_add_(0, L1, x)
    y.scatter_(1, torch.tensor([[0], [1], [2]]), 5.0)
    y.masked_fill_(x < 0.2, 7)
    y.index_copy_(0, torch.tensor([0]), x[1:2])
    z = x.gather(1, torch.tensor([[0, 1], [2, 3], [0, 0]]))
    return (
        y,
        z,
        x.take(torch.tensor([0, 5])),
        x.index_select(1, torch.tensor([3, 0])),
        torch.where(x > 0.5, x, 0.0),
        x[[0, 2]],
        x[:, [1, 1]],
        x[None, :, None],
        x[-1, -1],
        x[1:, ::2],
        x.diagonal(),
        x.tril(),
        x.roll(1),
        x.flip(0),
        x.rot90(),
        torch.take_along_dim(x, torch.tensor([[0], [1], [0]]), 1),
        x.put(torch.tensor([0]), torch.tensor([9.0])),
        x.scatter_add(0, torch.zeros(1, 4, dtype=torch.long), x[:1]),
    )


@program(V, broken=True)
def shapes(x):
    return (
        x.unflatten(1, (2, 2)),
        x.flatten(),
        x.chunk(2, 1),
        x.split([1, 2]),
        x.tensor_split(2),
        torch.cat([x, x]),
        torch.stack([x, x], 1),
        torch.hstack([x, x]),
        x.repeat(2, 1),
        x.repeat_interleave(2, 0),
        x.tile(2),
        x.expand(2, 3, 4),
        x.permute(1, 0),
        x.movedim(0, 1),
        x.squeeze(),
        x.unsqueeze(-1),
        x.view(-1),
        x.reshape(2, 6),
        x.unbind(),
        torch.meshgrid(x[0], x[1], indexing="ij"),
        torch.broadcast_tensors(x, x[:1]),
        torch.atleast_3d(x),
        torch.block_diag(x, x),
        torch.cartesian_prod(x[0], x[1]),
        torch.combinations(x[0]),
        x.as_strided((2, 2), (1, 2)),
        x.swapaxes(0, 1),
        x.ravel(),
        x.narrow(0, 1, 1),
        x.select(0, 1),
        torch.column_stack([x, x]),
    )


@program(V, broken=True)
def reds(x):
    return (
        x.sum(),
        x.mean(0),
        x.max(1),
        x.min(),
        x.argmax(),
        x.var(),
        x.std(0, unbiased=False),
        x.prod(),
        x.cumsum(0),
        x.cumprod(1),
        x.cummax(0),
        x.logsumexp(1),
        x.norm(),
        x.median(),
        x.mode(),
        x.any(),
        x.all(),
        x.topk(2),
        x.sort(descending=True),
        x.argsort(),
        x.kthvalue(2),
        x.quantile(0.5),
        x.aminmax(),
        torch.var_mean(x),
        x.count_nonzero(),
        torch.histc(x, 3),
        torch.bincount(L1),
        torch.searchsorted(x[0], x[1]),
        torch.bucketize(x, x[0]),
        x.diff(),
        x.trapz(),
        torch.unique(L1),
        L1.tolist(),
        torch.isclose(x, x),
        torch.equal(x, x),
        torch.allclose(x, x),
    )


@program(V)
def viewmut(x):
    a = x[0]
    b = x.view(-1)
    c = x.t()
    a.add_(1)
    b[3] = 100
    c[1, 2] = -5
    d = x.detach()
    d[2] = 8
    e = x.clone()
    f = e[1:]
    f.zero_()
    g = x.expand(2, 3, 4)
    h = a.reshape(2, 2)
    h.mul_(2)
    return a, b, c, d, e, f, g.sum(), h


@program(V, broken=True)
def datam(x):
    y = x.data
    y.add_(1)
    z = x.detach().requires_grad_()
    (z * z).sum()
    return x, y, z.requires_grad


@program(V)
def swaps(x):
    y = x.clone()
    y[0], y[1] = y[1].clone(), y[0].clone()
    z = x.clone()
    z.copy_(x * 3)
    w = torch.empty_like(x)
    w.fill_(3.0)
    v = torch.zeros(2, 2)
    return y, z, w


@program(V)
def outs(x):
    o = torch.zeros(3, 4)
    torch.sin(x, out=o)
    p = torch.empty(3)
    torch.sum(x, 1, out=p)
    q = torch.zeros(2, 3, 4)
    torch.stack([x, x], out=q)
    r = torch.empty(3, dtype=torch.long)
    torch.max(x, 1, out=(p, r))
    return o, p, q, r


@program(V, L1)
def scal(x, n):
    k = n.shape[0]
    y = x * k + k / 2 - k // 2**1
    return (
        y,
        x**k,
        torch.full((k,), k),
        torch.arange(k),
        x[: k - 1],
        x.new_zeros(k, 2),
        torch.zeros(k, k, dtype=x.dtype),
        k * 2.5,
        min(k, 2),
        max(x.shape),
        sum(x.shape),
        x.reshape(k, -1),
        range(k)[1],
        [0] * k,
        f"{k}",
        x.numel() / k,
        math_(k),
        k % 2 == 1,
        bool(k),
        float(k),
        int(k / 2),
        -k,
        abs(-k),
        k if k > 2 else 0,
        x.view(x.size(0), -1).size(),
    )


def math_(k):
    return math.sqrt(k), math.floor(k / 2), math.ceil(k / 2)


@program(V)
def dts(x):
    return (
        x.double(),
        x.half(),
        x.int(),
        x.bool(),
        x.to(torch.int8),
        x.type(torch.float64),
        x.to("cpu"),
        x.cpu(),
        x.to(x),
        x.type_as(L1),
        x.is_floating_point(),
        x.dtype.is_floating_point,
        torch.result_type(x, 1),
        torch.promote_types(torch.int8, torch.float32),
        torch.can_cast(torch.float, torch.int),
        x.element_size(),
        x.nbytes,
        x.itemsize,
        torch.finfo(x.dtype).eps,
        torch.iinfo(torch.int8).max,
        x.view(torch.int32),
        torch.get_default_dtype(),
        x.new_tensor([1, 2]),
        x.new_ones(2),
        torch.tensor([1, 2.5]),
        torch.tensor(3),
        torch.as_tensor([1]),
        torch.zeros_like(x, dtype=torch.int),
        x.contiguous().is_contiguous(),
        x.T.is_contiguous(),
        x.stride(),
        x.dim(),
        x.ndim,
        x.T.contiguous(memory_format=torch.contiguous_format),
        x.layout,
        x.device.type,
        x.requires_grad,
        x.is_leaf,
    )


@program(V)
def cplx(x):
    c = torch.complex(x, x + 1)
    return (
        c.real,
        c.imag,
        c.abs(),
        c.conj() * 2,
        torch.view_as_real(c),
        c * 1j,
        torch.polar(x, x),
        c.angle(),
        c.resolve_conj(),
        c.T @ c,
        c.H,
    )


@program(V)
def rnds(x):
    return (
        torch.rand(3),
        torch.randn_like(x),
        torch.randint(0, 5, (3,)),
        torch.randperm(4),
        torch.bernoulli(x.clamp(0, 1)),
        torch.normal(0.0, 1.0, (2,)),
        torch.multinomial(x.abs() + 0.1, 2),
        x.clone().uniform_(),
        x.clone().normal_(),
        F.dropout(x),
        nn.init.xavier_uniform_(torch.empty(2, 2)),
    )


@program(V, broken=True)
def seeds(x):
    torch.manual_seed(5)
    a = torch.rand(2)
    g = torch.Generator().manual_seed(3)
    b = torch.rand(2, generator=g)
    return a, b, torch.rand(1)


class BN(nn.Module):
    def __init__(s):
        super().__init__()
        torch.manual_seed(0)
        s.bn = nn.BatchNorm1d(4)
        s.d = nn.Dropout(0.5)
        s.l = nn.Linear(4, 4)
        s.step = 0
        s.hist = []
        s.e = nn.Embedding(5, 4)

    def forward(s, x):
        s.step += 1
        s.hist.append(s.step)
        s.last = x.sum()
        if s.training:
            x = s.d(x)
        if s.step > 2:
            x = x * 10
        return s.bn(s.l(x)) + s.e(torch.tensor([1]))


@program(V, BN())
def mods(x, m):
    r = m(x)
    m.eval()
    r2 = m(x)
    m.train()
    return r, r2, m.bn.running_mean, m.bn.num_batches_tracked, m.training, m.hist, m.last


@program(V, BN(), broken=True)
def modparams(x, m):
    with torch.no_grad():
        for n, p in m.named_parameters():
            p.mul_(0.5)
    return (
        m(x),
        sum(p.numel() for p in m.parameters()),
        list(m.state_dict())[:2],
        [type(k).__name__ for k in m.modules()],
        m.l.weight.shape,
        dict(m.named_children()).keys(),
        next(m.parameters()).device,
        m.l.in_features,
        repr(m.l),
        len(list(m.buffers())),
        hasattr(m, "zz"),
        getattr(m, "l") is m.l,
    )


@program(V, BN())
def modset(x, m):
    m.l.weight.data.fill_(0.1)
    m.new = m.l
    m.flag = 3
    m.bn.eps = 0.5
    return m(x), m.flag


@program(V, broken=True)
def optim(x):
    w = nn.Parameter(torch.ones(4))
    return (x * w).sum(), w


@program(V)
def assertsd(x):
    torch._assert(x.shape[0] == 3, "bad")
    torch._check(x.size(0) > 1)
    assert x.ndim == 2
    return x + 1


@program(V)
def lists(x):
    acc = []
    for i, r in enumerate(x):
        acc.append(r * i)
    st = torch.stack(acc)
    d = {i: r for i, r in enumerate(x.unbind())}
    return (
        st,
        d,
        torch.cat([v[None] for v in d.values()]),
        sum(acc),
        max(acc, key=lambda t: t.shape[0]) is acc[0],
        [*x],
        *x.unbind(),
    )


@program(V)
def foreach(x):
    l = [x.clone(), x + 1]
    torch._foreach_add_(l, 1.0)
    r = torch._foreach_mul(l, [2.0, 3.0])
    torch.relu_(l[0])
    return l, r


@program(V)
def isn(x):
    return (
        x is x,
        x is not None,
        x == x,
        x != 0,
        (x == None),
        id(x) == id(x),
        isinstance(x, torch.Tensor),
        type(x) is torch.Tensor,
        torch.is_tensor(x),
        callable(x.sum),
        x.sum.__name__,
        hasattr(x, "foo"),
        x.__class__.__name__,
        getattr(x, "shape"),
        {x: 1}[x],
        bool(x.shape),
    )


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * x * k

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x * ctx.k, None


class Symmetric(nn.Module):
    def forward(s, X):
        return X.triu() + X.triu(1).transpose(-1, -2)


class Adding(torch.overrides.TorchFunctionMode):
    def __torch_function__(s, f, types, args=(), kwargs=None):
        return torch.mul(*args) if f is torch.add else f(*args, **(kwargs or {}))


def P(*s):
    return torch.arange(float(torch.Size(s).numel())).reshape(s).div(10).requires_grad_()


def symmetric():
    torch.manual_seed(0)
    layer = nn.Linear(3, 3)
    nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


@program(X, nn.LSTM(3, 4, 2, batch_first=True), nn.GRU(3, 4), nn.RNN(3, 4, nonlinearity="relu"))
def rnns(x, l, g, r):
    y, (h, c) = l(x[None])
    return y, h, c, g(x[None])[0], r(x)[0]


@program(X, nn.LSTMCell(3, 4), nn.GRUCell(3, 4))
def cells(x, l, g):
    h = None
    for _ in range(3):
        h = l(x, h)
    return h, g(x)


@program(torch.randn(2, 5, 8), nn.MultiheadAttention(8, 2, batch_first=True))
def mha(x, m):
    return m(x, x, x), m(x, x, x, need_weights=False, attn_mask=torch.triu(torch.ones(5, 5, dtype=torch.bool), 1))


@program(
    torch.randn(2, 5, 8), nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0), 2)
)
def tenc(x, m):
    return m(x)


@program(torch.randn(2, 5, 8), nn.Transformer(8, 2, 1, 1, 16, batch_first=True, dropout=0.0))
def transf(x, m):
    return m(x, x)


@program(X, broken=True)
def vmap1(x):
    return torch.vmap(lambda a: a * 2 + a.sum())(x), torch.func.vmap(torch.dot)(x, x)


@program(X, broken=True)
def fgrad(x):
    return torch.func.grad(lambda a: (a**2).sum())(x), torch.func.vjp(torch.sin, x)[0]


@program(X, broken=True)
def cond1(x):
    return torch.cond(x.sum() > 3, lambda a: a + 1, lambda a: a - 1, (x,))


@program(X)
def afn2(x):
    return Square.apply(x, 2) + 1


@program(X, symmetric())
def param(x, l):
    return l(x), l.weight


@program(X, nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)))
def wn(x, l):
    return l(x)


@program(X, nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)))
def orth(x, l):
    return l(x)


@program(
    X,
    nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.ReLU()}),
    nn.ParameterList([nn.Parameter(torch.ones(3)), nn.Parameter(torch.zeros(3))]),
    nn.ParameterDict({"z": nn.Parameter(torch.ones(3))}),
)
def containers(x, d, pl, pd):
    for k, m in d.items():
        x = m(x)
    for p in pl:
        x = x + p
    return (
        x * pd["z"],
        list(d),
        len(pl),
        "a" in d,
        list(pd.keys()),
        pl[0] * 2,
        pl[-1],
        [n for n, _ in d.named_children()],
    )


@program(X, nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.LayerNorm(3), nn.GELU()), broken=True)
def seqm(x, m):
    return m(x), m[1].running_mean, m[0](x), len(m), m[1:3](x)


@program(X, broken=True)
def tryin(x):
    try:
        x.view(7)
    except RuntimeError as e:
        x = x + 1
        s = str(e)
    finally:
        x = x * 2
    return x, s


@program(X, broken=True)
def ctxs(x):
    with torch.no_grad():
        a = x * 2
    with torch.set_grad_enabled(False):
        b = x * 3
    with torch.enable_grad():
        c = x.clone().requires_grad_() * 2
    with torch.autocast("cpu", dtype=torch.bfloat16):
        d = x @ x.T
    return a, b, c, d, torch.is_grad_enabled()


@program(X, broken=True)
def infm(x):
    with torch.inference_mode():
        y = x * 2
    return y.clone(), y.is_inference()


@program(X, broken=True)
def devctx(x):
    with torch.device("cpu"):
        y = torch.ones(2)
    return x.sum() + y


@program(X, broken=True)
def tfmode(x):
    with Adding():
        return torch.add(x, x), x - 1


@program(X, broken=True)
def sizes(x):
    s = x.shape
    return (
        s + (1,),
        s[::-1],
        s.numel(),
        tuple(s),
        list(s),
        s[0] * s[1],
        x.size() == torch.Size([2, 3]),
        len(s),
        3 in s,
        s.index(3),
        s.count(2),
        *s,
        isinstance(s, tuple),
        torch.Size([1, 2]),
    )


@program(P(2, 3), broken=True)
def grads(x):
    y = (x * x).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    z = x.detach()
    w = z.requires_grad_()
    return g, w.requires_grad, z is w, x.is_leaf, y.requires_grad


@program(P(2, 3), broken=True)
def bwd(x):
    (x * 2).sum().backward()
    return x.grad * 2


@program(P(2, 3), broken=True)
def reqg(x):
    y = x.detach().clone()
    y.requires_grad = True
    (y**2).sum().backward()
    return y.grad


@program(X)
def outarg(x):
    o = torch.empty(2, 3)
    r = torch.add(x, 1, out=o)
    torch.mul(x, 2, out=x)
    return r is o, o, x


@program(X)
def outresize(x):
    o = torch.empty(0)
    torch.add(x, 1, out=o)
    return o


@program(X)
def inplace(x):
    v = x[0]
    v.add_(1)
    x[:, 1] = 7
    x[1:].mul_(2)
    y = x.view(-1)
    y[2] = -1
    x.t()[0] = 9
    z = x.unsqueeze(0)
    z += 1
    w = x.expand(2, 2, 3)
    return v, x, y, w


@program(X)
def inplace2(x):
    x += 1
    x -= 2
    x *= 3
    x /= 2
    x //= 1
    x **= 2
    x %= 5
    return x


@program(X)
def script(x):
    return x + (1 if torch.jit.is_scripting() else 2), torch.cuda.is_available(), torch.backends.mps.is_available()


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(("function", "arguments", "broken"), PROGRAMS)
def test_all_that_is_seen(function, arguments, broken, dynamic):
    lifted, counter = compare(function, arguments, dynamic=dynamic, reset=lambda: None)
    if not broken and dynamic is None:
        assert not lifted.framelift.breaks, [str(one) for one in lifted.framelift.breaks]
