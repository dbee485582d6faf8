"""A part of torch's op database, chosen by operator so that it stays fast; `nox -s op_db` runs all of it."""

import logging

import op_db
import pytest

OURS = {run: make for run, make in op_db.RUNS.items() if run[0] == "framelift"}
DATA_DEPENDENT = ("nonzero", "unique", "unique_consecutive", "masked_select", "bincount")


@pytest.fixture(scope="module")
def database():
    logging.disable(logging.ERROR)
    yield op_db.database()
    logging.disable(logging.NOTSET)


@pytest.mark.filterwarnings("ignore")  # samples use what torch deprecates
def test_every_fortieth_operator_is_as_eager(database):
    tallies = op_db.compare(database[::40], 2, OURS)
    wrong = {run: tally.causes for run, tally in tallies.items() if tally.share < 95}
    assert all(tally.causes.total() > 50 for tally in tallies.values())
    assert not wrong


@pytest.mark.filterwarnings("ignore")
def test_sizes_that_data_tells_are_symbols(database):
    chosen = [info for info in database if info.full_name in DATA_DEPENDENT]
    run = ("framelift", "symbolic")
    tally = op_db.compare(chosen, 2, {run: OURS[run]})[run]
    assert len(chosen) == len(DATA_DEPENDENT)
    assert tally.causes == {op_db.RIGHT: tally.causes.total()}
