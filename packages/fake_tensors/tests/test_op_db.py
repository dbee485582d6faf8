"""A tenth of torch's op database, chosen by seed; `nox -s op_db` runs all of it."""

import logging
import random

import op_db
import pytest
import torch

OURS = {run: make for run, make in op_db.RUNS.items() if run[0] == "framelift"}
STATIC = ("framelift", "static")
REFUSED = ("raises UnsupportedTensorError: a fake tensor can stand for dense, strided tensors only",)
DATA_DEPENDENT = ("nonzero", "unique", "unique_consecutive", "masked_select", "bincount")


@pytest.fixture(scope="module")
def database():
    logging.disable(logging.ERROR)
    yield op_db.database()
    logging.disable(logging.NOTSET)


def unexpected(tally):
    """What is not right and has no good reason, with the operators."""
    good = (op_db.RIGHT, op_db.DEPENDS, *REFUSED)
    return {why: dict(tally.where[why]) for why in tally.causes if not why.startswith(good)}


@pytest.mark.filterwarnings("ignore")  # samples use what torch deprecates
def test_a_tenth_of_the_operators_is_as_eager(database):
    chosen = random.Random(0).sample(database, len(database) // 10)
    tallies = op_db.compare(chosen, 3, OURS)
    for tally in tallies.values():
        assert tally.causes.total() > 300
        assert tally.share_without_data > 97
        assert not unexpected(tally)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["channels_last", "transposed", "reversed"])
def test_functions_of_networks_lay_results_out_as_eager(database, layout):
    # Without grad max_pool1d has a kernel on the CPU that is for no subclass of Tensor; its results are contiguous.
    functions = [info for info in database if info.full_name.startswith("nn.functional.")]
    chosen = [info for info in functions if info.full_name != "nn.functional.max_pool1d"]
    tally = op_db.compare(chosen, 3, {STATIC: OURS[STATIC]}, layout=layout, dtypes=[torch.float32])[STATIC]
    assert tally.causes.total() > 300
    assert not unexpected(tally)


@pytest.mark.filterwarnings("ignore")
def test_sizes_that_data_tells_are_symbols(database):
    chosen = [info for info in database if info.full_name in DATA_DEPENDENT]
    run = ("framelift", "symbolic")
    tally = op_db.compare(chosen, 2, {run: OURS[run]})[run]
    assert len(chosen) == len(DATA_DEPENDENT)
    assert tally.causes == {op_db.RIGHT: tally.causes.total()}
