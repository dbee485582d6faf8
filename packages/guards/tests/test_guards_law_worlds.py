"""Law: the guards that say all of a world hold exactly as long as the world is what it was, whatever changes.

Check, generated code and explanation are three readings of one truth, in generated Python and in the accelerator.
"""

import contextlib

import pytest
from guards_worlds import WORLD, change, changes, guards_of, picture, plans
from hypothesis import given

from framelift_guards import Dispatcher, GuardSet, Scope, accelerator, block, compiler


@contextlib.contextmanager
def checked_by(way):
    """Generate each check as Python, or as a plan of the accelerator's however small."""
    with pytest.MonkeyPatch.context() as patch:
        if way == "python":
            patch.setattr(accelerator, "make_plan", None)
        else:
            for module in (block, compiler):
                patch.setattr(module, "WORTHWHILE", 1)
        yield


WAYS = ["python"] + (["accelerator"] if accelerator.make_plan is not None else [])


@pytest.mark.parametrize("way", WAYS)
@given(plans, changes)
def test_law_guards_hold_as_long_as_the_picture_stays(way, plan, steps):
    world = plan.make()
    guards = GuardSet(guards_of(world, WORLD))
    before = picture(world)
    with checked_by(way):
        dispatcher = Dispatcher.for_parameters(["world"], lambda values: "miss")
        dispatcher.add(guards, lambda world: "hit")
    assert dispatcher.function(world) == "hit"
    for where, how, what, new in steps:
        change(world, where, how, what, new.make())
        same = picture(world) == before
        assert (dispatcher.function(world) == "hit") is same
        failure = guards.first_failure(Scope({"world": world}))
        assert guards.check(Scope({"world": world})) is same
        assert (failure is None) is same
        if failure is not None:
            text = str(failure)
            assert len(text.splitlines()) == 1
            assert "(model.py:7 relies on it)" in text
            assert " is " in text or " are " in text or "it cannot be checked" in text
            assert text.isprintable()


@given(plans, plans)
def test_law_another_world_fits_exactly_if_it_looks_the_same(plan, other):
    world, twin, third = plan.make(), plan.make(), other.make()
    guards = GuardSet(guards_of(world, WORLD))
    dispatcher = Dispatcher.for_parameters(["world"], lambda values: "miss")
    dispatcher.add(guards, lambda world: "hit")
    assert dispatcher.function(twin) == "hit"
    assert (dispatcher.function(third) == "hit") is (picture(third) == picture(world))
