"""Conditions that only data decides: taken both ways, and refused where the answers make a difference."""

import pytest
import torch
from metadata import describe

from framelift_fake_tensors import DataDependentError, FakeMode, PropagationError
from framelift_symbolic_shapes import ShapeEnv

X = torch.tensor([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]])
WEIGHTS = torch.tensor([1, 2, 1])


def propagated(function, *tensors, dynamic=False, unbacked=True):
    env = ShapeEnv()
    mode = FakeMode(env, unbacked=unbacked)
    return mode.propagate(function, tuple(mode.fake(tensor, dynamic=dynamic) for tensor in tensors), {}), env


def checked(x):
    if (x < 0).any():
        raise ValueError("negative")
    return x + 1


def branches(x):
    return x.sum(0) if x.sum() > 0 else x


def same(x):
    return x * 2 if x.sum() > 0 else x * 3


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(
    ("function", "tensors"),
    [
        (torch.cov, (X,)),
        (lambda x, w: torch.cov(x, fweights=w), (X, WEIGHTS)),
        (torch.corrcoef, (X,)),
        (lambda x: torch.istft(x, 4), (torch.ones(3, 5, dtype=torch.complex64),)),
        (lambda x: torch.nn.functional.gaussian_nll_loss(x, x, x), (X,)),
        (checked, (X,)),
        (same, (X,)),
    ],
)
def test_what_does_not_depend_on_the_answers_is_the_result(function, tensors, dynamic):
    fake, env = propagated(function, *tensors, dynamic=dynamic)
    assert describe(fake, []) == describe(function(*tensors), [])
    assert not env.runtime_assertions
    assert env.arbiter is None


@pytest.mark.parametrize(
    ("function", "tensors"),
    [
        (branches, (X,)),
        (torch.equal, (X, X)),
        (torch.allclose, (X, X)),
        (lambda x: torch.tensor(3).item() if x.sum() > 0 else 4, (X,)),
        (lambda x: x.add_(1) if x.sum() > 0 else x.add_(2), (X,)),
        (torch.tensor_split, (X, torch.tensor([1]))),
        (lambda x: [x for _ in range(20) if x.sum() > 0], (X,)),
    ],
)
def test_what_depends_on_the_answers_is_refused(function, tensors):
    with pytest.raises(DataDependentError):
        propagated(function, *tensors)


def test_what_raises_whatever_the_answers_raises():
    def function(x):
        raise ValueError("positive" if x.sum() > 0 else "negative")

    with pytest.raises(PropagationError, match="ValueError"):
        propagated(function, X)


def test_without_unbacked_symbols_nothing_is_tried():
    with pytest.raises(DataDependentError, match="aten.equal"):
        propagated(torch.cov, X, unbacked=False)


def test_the_truth_of_a_bool_is_a_symbol():
    truth, _env = propagated(torch.Tensor.item, torch.tensor(True))
    assert isinstance(truth, torch.SymBool)


@pytest.mark.parametrize("kind", [torch.float32, torch.complex64])
@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize(
    "shapes", [((2, 5, 3), (2, 5)), ((3, 5), (3, 2)), ((2, 3, 3), (1, 3, 4)), ((0, 5, 3), (0, 5, 2))]
)
def test_least_squares_need_no_data_unless_the_rank_decides(shapes, driver, kind):
    generator = torch.Generator().manual_seed(0)
    matrix, other = (torch.rand(shape, generator=generator).to(kind) for shape in shapes)

    def function(one, two):
        return tuple(torch.linalg.lstsq(one, two, driver=driver))

    if driver in ("gelsd", "gelss") and shapes[0][-2] > shapes[0][-1]:
        with pytest.raises(DataDependentError):
            propagated(function, matrix, other, unbacked=False)
    else:
        fake, _env = propagated(function, matrix, other, unbacked=False)
        real = function(matrix, other)
        assert [(one.shape, one.stride(), one.dtype) for one in fake] == [(o.shape, o.stride(), o.dtype) for o in real]


def test_the_longest_target_of_a_ctc_loss():
    logs, targets = torch.zeros(50, 2, 20), torch.ones(10, dtype=torch.long)
    (loss, alpha), _env = propagated(
        lambda x, t: torch._ctc_loss(x, t, [50, 50], [7, 3]), logs, targets, unbacked=False
    )
    assert (loss.shape, alpha.shape) == ((2,), (2, 50, 15))
