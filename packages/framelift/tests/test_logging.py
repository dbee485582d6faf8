"""Messages of `logging`: those that nobody gets are no break, all others are logged as in eager code, once."""

from __future__ import annotations

import logging

import pytest
import torch

import framelift
from framelift.testing import CompileCounter

LOGGER = logging.getLogger("framelift.test_logging")


@pytest.fixture
def messages(monkeypatch):
    found = []

    class Kept(logging.Handler):
        def emit(self, record):
            found.append((record.levelname, record.getMessage(), record.funcName, record.lineno, record.filename))

    monkeypatch.setattr(LOGGER, "handlers", [Kept()])
    monkeypatch.setattr(LOGGER, "propagate", False)
    LOGGER.setLevel(logging.INFO)
    yield found
    LOGGER.setLevel(logging.NOTSET)


def talks(x):
    LOGGER.debug("a detail of %s", "x")
    y = x.sin()
    LOGGER.log(logging.DEBUG, "another")
    if LOGGER.isEnabledFor(logging.DEBUG):
        y = y + 100
    LOGGER.info("news of %d", 3)
    LOGGER.warning("a warning")
    return y + 1


def quiet(x):
    LOGGER.debug("a detail of %s", "x")
    if LOGGER.isEnabledFor(logging.INFO):
        x = x + 1
    return x.sin()


def test_messages_are_those_of_eager_code(messages):
    x = torch.ones(2)
    expected = talks(x)
    told = list(messages)
    assert [message for _, message, *_ in told] == ["news of 3", "a warning"]
    compiled = framelift.compile(talks, backend="eager")
    for _ in range(3):
        messages.clear()
        torch.testing.assert_close(compiled(x), expected)
        assert messages == told
    assert len(compiled.framelift.breaks) == 2


def test_a_level_that_is_off_is_no_break_until_it_is_on(messages):
    counter = CompileCounter()
    compiled = framelift.compile(quiet, backend=counter)
    x = torch.ones(2)
    torch.testing.assert_close(compiled(x), quiet(x))
    assert not compiled.framelift.breaks
    assert not messages
    LOGGER.setLevel(logging.DEBUG)
    messages.clear()
    compiled(x)
    assert [message for _, message, *_ in messages] == ["a detail of x"]
    LOGGER.setLevel(logging.WARNING)
    messages.clear()
    torch.testing.assert_close(compiled(x), x.sin())
    assert not messages


@pytest.mark.parametrize("change", ["disabled", "manager"])
def test_loggers_that_are_switched_off_later(messages, change, monkeypatch):
    compiled = framelift.compile(talks, backend="eager")
    x = torch.ones(2)
    compiled(x)
    messages.clear()
    try:
        if change == "disabled":
            monkeypatch.setattr(LOGGER, "disabled", True)
        else:
            logging.disable(logging.CRITICAL)
        compiled(x)
        assert not messages
    finally:
        logging.disable(logging.NOTSET)
