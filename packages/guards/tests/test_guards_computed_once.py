"""Attributes that are computed once hold nobody up."""

from __future__ import annotations

import threading

from framelift_guards.computed_once import computed_once


def test_one_instance_does_not_wait_for_another():
    entered, go_on = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, wait):
            self.wait = wait

        @computed_once
        def name(self):
            if self.wait:
                entered.set()
                go_on.wait(20)
            return "name"

    waiting = Slow(True)
    thread = threading.Thread(target=lambda: waiting.name)
    thread.start()
    try:
        assert entered.wait(20)
        assert Slow(False).name == "name"
    finally:
        go_on.set()
        thread.join(20)
    assert vars(waiting)["name"] == "name"
    assert type(Slow.name) is computed_once
