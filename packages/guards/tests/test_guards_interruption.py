"""What interrupts a check is for the program, not a guard that does not hold."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading

import pytest

from framelift_guards import Equals, Guard, LocalSource, Scope, is_interruption


class Stop(Exception):
    """What is raised from outside."""


class Waits:
    """Being asked for an item, it waits until something interrupts it."""

    def __init__(self, begin):
        self.begin = begin

    def __getitem__(self, index):
        self.begin()
        while True:
            pass


def test_an_exception_of_another_thread_passes_a_check():
    entered, outcomes = threading.Event(), []
    guard = Guard(LocalSource("x").item(0), Equals(1))

    def checks(method):
        try:
            outcomes.append(method(Scope({"x": Waits(entered.set)})))
        except Stop as error:
            outcomes.append(is_interruption(error))

    for method in (guard.check, guard.failure):
        entered.clear()
        thread = threading.Thread(target=checks, args=(method,))
        thread.start()
        entered.wait()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stop))
        thread.join(60)
    assert outcomes == [True, True]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_exception_of_a_handler_passes_a_check():
    def handler(number, frame):
        raise Stop("with arguments")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(Stop):
            Guard(LocalSource("x").item(0), Equals(1)).check(
                Scope({"x": Waits(lambda: signal.raise_signal(signal.SIGUSR1))})
            )
    finally:
        signal.signal(signal.SIGUSR1, before)


def raises(error):
    raise error


def stops():
    raise Stop


@pytest.mark.parametrize(
    "fails", [stops, lambda: raises(Stop()), lambda: next(iter(())), lambda: [].pop(), lambda: {}["key"], lambda: 1 / 0]
)
def test_what_a_program_raises_is_none(fails):
    with pytest.raises(Exception) as found:  # noqa: PT011 - each its own
        fails()
    assert not is_interruption(found.value)
