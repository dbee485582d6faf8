"""Results whose size only data can tell: all else about them is that of the real result."""

import contextlib

import pytest
import torch

from framelift_fake_tensors import DataAccessError, DataDependentError, FakeMode, PropagationError
from framelift_symbolic_shapes import ShapeEnv


def fake_of(real):
    mode = FakeMode(ShapeEnv(), unbacked=True)
    return mode, mode.fake(real)


@pytest.mark.parametrize("function", [torch.unique, torch.unique_consecutive])
@pytest.mark.parametrize(
    ("shape", "dim"), [((5, 3, 4), 0), ((5, 3, 4), 1), ((5, 3, 4), -1), ((4, 3), 1), ((0, 3), 0), ((4, 1, 3, 2), 1)]
)
def test_slices_that_are_unique_lie_one_after_the_other(function, shape, dim):
    real = torch.zeros(shape).bernoulli()
    mode, fake = fake_of(real)
    expected = function(torch.arange(real.numel()).reshape(shape), dim=dim)  # all are unique: the greatest result
    result = mode.propagate(function, (fake,), {"dim": dim})
    others = [place for place in range(len(shape)) if place != dim % len(shape)]
    assert [result.shape[place] for place in others] == [shape[place] for place in others]
    assert result.stride() == expected.stride()


@pytest.mark.parametrize("function", [torch.unique, torch.unique_consecutive])
def test_there_are_no_unique_slices_of_nothing(function):
    real = torch.zeros(0, 3)
    mode, fake = fake_of(real)
    with pytest.raises(RuntimeError, match="0 sized dimensions, and they aren't selected") as expected:
        function(real, dim=1)
    with pytest.raises(PropagationError, match="0 sized dimensions") as raised:
        mode.propagate(function, (fake,), {"dim": 1})
    assert str(raised.value.__cause__) == str(expected.value).split("\n")[0]


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.tolist(),
        lambda x: x.numpy(),
        lambda x: x.sum().item(),
        lambda x: bool(x.sum()),
        lambda x: x.data_ptr(),
        lambda x: x.nonzero(),
    ],
)
def test_an_error_says_which_line_asked(ask, entered):
    mode = FakeMode()
    fake = mode.fake(torch.ones(3))
    with mode if entered else contextlib.nullcontext(), pytest.raises((DataAccessError, DataDependentError)) as raised:
        ask(fake)
    assert raised.value.where == f"{__file__}:{ask.__code__.co_firstlineno}"
    assert raised.value.where in str(raised.value)


ONES = torch.ones(3, 4)
COUNTS = torch.tensor([1, 0, 2])
BY_DATA = {
    "nonzero": (lambda x: torch.nonzero(x), ONES),
    "nonzero as a tuple": (lambda x: torch.nonzero(x, as_tuple=True)[1], ONES),
    "argwhere": (lambda x: torch.argwhere(x), ONES),
    "where": (lambda x: torch.where(x)[0], ONES),
    "unique": (lambda x: torch.unique(x), ONES),
    "unique with counts": (lambda x: torch.unique(x, return_counts=True)[1], ONES),
    "unique_consecutive": (lambda x: torch.unique_consecutive(x), ONES),
    "masked_select": (lambda x: torch.masked_select(x, x > 0), ONES),
    "mask": (lambda x: x[x > 0], ONES),
    "mask of rows": (lambda x: x[x[:, 0] > 0], ONES),
    "repeat_interleave": (lambda x: torch.repeat_interleave(x), COUNTS),
    "repeat_interleave of rows": (lambda x: torch.repeat_interleave(x, x, dim=0), COUNTS),
    "bincount": (lambda x: torch.bincount(x), COUNTS),
    "bincount with weights": (lambda x: torch.bincount(x, x.float(), minlength=5), COUNTS),
    "item": (lambda x: x.new_zeros(x[0].item()), COUNTS),
    "tolist": (lambda x: x.new_zeros(x.tolist()), COUNTS),
}


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("name", BY_DATA)
def test_unbacked_symbols_stand_for_what_data_decides(name, entered):
    function, real = BY_DATA[name]
    env = ShapeEnv()
    mode = FakeMode(env, unbacked=True)
    fake = mode.fake(real)
    before = set(env.symbols)
    with mode if entered else contextlib.nullcontext():
        result = function(fake)
    expected = function(real)
    new = set(env.symbols) - before
    assert new
    assert all(env.symbols[symbol].hint is None for symbol in new)
    assert any(isinstance(size, torch.SymInt) for size in result.shape)
    assert (result.dim(), result.dtype, result.device) == (expected.dim(), expected.dtype, expected.device)
    for size, known in zip(result.shape, expected.shape, strict=True):
        assert isinstance(size, torch.SymInt) or size == known


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("name", BY_DATA)
def test_without_them_an_error_says_so(name, entered):
    function, real = BY_DATA[name]
    mode = FakeMode()
    fake = mode.fake(real)
    with mode if entered else contextlib.nullcontext(), pytest.raises((DataAccessError, DataDependentError)) as raised:
        function(fake)
    assert raised.value.where == f"{__file__}:{function.__code__.co_firstlineno}"


@pytest.fixture
def positions():
    """An operator of a library whose result is as long as its data says."""

    @torch.library.custom_op("framelift_tests::positions", mutates_args=())
    def operator(x: torch.Tensor) -> torch.Tensor:
        return torch.nonzero(x)

    @operator.register_fake
    def fake(x):
        assert x.device.type != "meta"
        size = torch.library.get_ctx().new_dynamic_size(min=1, max=12)
        return x.new_empty((size, x.dim()), dtype=torch.int64)

    yield operator
    operator._lib._destroy()  # else torch would keep it for the whole process


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("dynamic", [False, True])
def test_the_fake_of_an_operator_asks_for_a_size(positions, entered, dynamic, device):
    env = ShapeEnv()
    mode = FakeMode(env, unbacked=True)
    x = mode.fake(torch.ones(3, 4), dynamic=dynamic)
    with mode:
        x = x.to(device)
    if entered:
        with mode:
            results = [positions(x), positions(x)]
    else:
        results = [mode.propagate(positions, (x,), {}) for _ in range(2)]
    first, second = [result.shape[0] for result in results]
    assert str(first) != str(second)  # each run tells its own
    assert results[0].shape[1] == 2
    assert results[0].device == x.device
    assert env.symbols[first.node.expr].hint is None
    assert bool(first >= 1)  # as the fake says: nothing is asked of the run
    assert torch.library.get_ctx.__module__ == "torch.library"


def test_without_symbols_such_an_operator_is_refused(positions):
    mode = FakeMode()
    with pytest.raises(DataDependentError, match=r"framelift_tests\.positions") as raised:
        positions(mode.fake(torch.ones(3)))
    assert raised.value.where.startswith(__file__)


def test_a_size_is_no_less_than_zero():
    from framelift_fake_tensors.custom import Context

    context = Context(lambda *_args, **_kwargs: pytest.fail("no symbol is made"))
    for low, high in [(-1, None), (3, 2), (None, None), (0, 2.5)]:
        with pytest.raises(ValueError, match="new_dynamic_size"):
            context.new_dynamic_size(min=low, max=high)


@pytest.mark.parametrize("entered", [False, True])
def test_lists_of_unbacked_numbers(entered):
    mode, fake = fake_of(torch.arange(6).reshape(2, 3))
    with mode if entered else contextlib.nullcontext():
        rows = fake.tolist()
    assert [len(row) for row in rows] == [3, 3]
    assert len({str(number) for row in rows for number in row}) == 6
    assert len(mode.propagate(torch.Tensor.tolist, (fake,), {})) == 2
    with pytest.raises(DataAccessError, match="tolist"):
        mode.fake(torch.ones(4), dynamic=True).tolist()  # a list has a length


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_packed_sequences_have_sizes_that_data_tells(device):
    mode = FakeMode(ShapeEnv(), unbacked=True)
    pack = torch.nn.utils.rnn.pack_padded_sequence
    with mode:
        x = torch.ones(3, 2, 4, device=device)
        packed = pack(x, torch.tensor([1, 3]), enforce_sorted=False)
        with pytest.raises(RuntimeError, match="Expected `len"):
            pack(x, torch.tensor([3]))
    total, features = packed.data.shape
    assert (total.node.hint, features, packed.data.device.type) == (None, 4, device)
    (steps,) = packed.batch_sizes.shape
    assert (steps.node.hint, packed.batch_sizes.dtype, packed.batch_sizes.device.type) == (None, torch.int64, "cpu")
    assert torch.nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2, 4), torch.tensor([3, 1])).data.shape == (4, 4)
