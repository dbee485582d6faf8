"""Trees of modules: the very next call after any change sees it, with and without the accelerator."""

import gc
import weakref

import pytest
from guards_hostile import Hostile, HostileDict, HostileStr, UserCodeRan
from guards_modules import Module, Other, guards_on, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framelift_guards import Dispatcher, GuardSet, Scope

pytestmark = pytest.mark.usefixtures("way")


def deepest(root):
    return root._modules["last"]._modules["deep"]._modules["deeper"]._modules["deepest"]


def as_it_was(module):
    """An object that is what the module was, which only its identity tells apart."""
    copy = Module.__new__(type(module))
    copy.__dict__ = dict(module.__dict__)
    return copy


MISSES = {
    "another class": lambda m: setattr(m, "__class__", Other),
    "another __dict__ that lacks something": lambda m: setattr(m, "__dict__", {"training": True}),
    "another __dict__ with one more": lambda m: setattr(m, "__dict__", {**m.__dict__, "forward": 1}),
    "another __dict__ with another value": lambda m: setattr(m, "__dict__", {**m.__dict__, "training": False}),
    "an emptied __dict__": lambda m: m.__dict__.clear(),
    "forward in the instance": lambda m: setattr(m, "forward", None),
    "training off": lambda m: setattr(m, "training", False),
    "training of another type": lambda m: setattr(m, "training", 1),
    "a float of another type": lambda m: setattr(m, "scale", 1),
    "a float of another sign": lambda m: setattr(m, "scale", -0.5),
    "a deleted attribute": lambda m: delattr(m, "scale"),
    "a hook": lambda m: m._forward_hooks.update({1: print}),
    "a hook in a plain dictionary": lambda m: m._forward_pre_hooks.update({1: print}),
    "hooks replaced": lambda m: setattr(m, "_forward_hooks", [print]),
    "a parameter replaced": lambda m: m._parameters.update(weight=object()),
    "a parameter deleted": lambda m: m._parameters.clear(),
    "a parameter moved to attributes": lambda m: setattr(m, "weight", m._parameters.pop("weight")),
    "a parameter of a name that is an attribute": lambda m: m._parameters.update(scale=1),
    "parameters of another type": lambda m: setattr(m, "_parameters", HostileDict(m._parameters)),
    "no parameters": lambda m: setattr(m, "_parameters", None),
    "one more module": lambda m: m._modules.update(more=Module()),
    "modules of another type": lambda m: setattr(m, "_modules", type("Modules", (dict,), {})(m._modules)),
    "_modules deleted": lambda m: delattr(m, "_modules"),
}
HITS = {
    "nothing": lambda m: None,
    "another __dict__ that is alike": lambda m: setattr(m, "__dict__", dict(m.__dict__)),
    "the same attribute again": lambda m: setattr(m, "training", True),
    "an equal float": lambda m: setattr(m, "scale", float("0.5")),
    "an attribute that nobody reads": lambda m: setattr(m, "note", Hostile()),
    "many attributes that nobody reads": lambda m: m.__dict__.update({f"note{n}": n for n in range(100)}),
    "a buffer that nobody reads": lambda m: m._buffers.update(b=1),
    "a hook that was removed": lambda m: (m._forward_hooks.update({1: print}), m._forward_hooks.clear()),
    "hooks replaced by no hooks": lambda m: setattr(m, "_forward_hooks", {}),
    "parameters replaced by alike": lambda m: setattr(m, "_parameters", dict(m._parameters)),
    "modules replaced by alike": lambda m: setattr(m, "_modules", dict(m._modules)),
    "a parameter replaced and put back": lambda m: m._parameters.update(weight=m._parameters.pop("weight")),
}
PLACES = {"root": lambda root: root, "middle": lambda root: root._modules["middle"], "deepest": deepest}


def dispatcher_for(root, count=4):
    """A dispatcher that has been called, so that all that is kept from call to call is kept."""
    guards = GuardSet(guards_on(root))
    dispatcher = Dispatcher.for_parameters(["self"], lambda scope: "miss")
    dispatcher.add(guards, lambda self: "hit")
    assert [dispatcher.function(root) for _ in range(count)] == ["hit"] * count
    return dispatcher, guards


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", MISSES)
def test_the_next_call_after_a_change_misses(change, place):
    root = tree()
    dispatcher, guards = dispatcher_for(root)
    MISSES[change](PLACES[place](root))
    assert dispatcher.function(root) == "miss"
    assert dispatcher.function(root) == "miss"
    assert guards.first_failure(Scope({"self": root})) is not None


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", HITS)
def test_what_changes_nothing_that_is_guarded_does_not_miss(change, place):
    root = tree()
    dispatcher, _ = dispatcher_for(root)
    HITS[change](PLACES[place](root))
    assert [dispatcher.function(root) for _ in range(4)] == ["hit"] * 4


def test_a_submodule_may_be_replaced_by_one_that_is_alike():
    root = tree()
    dispatcher, _ = dispatcher_for(root)
    root._modules["middle"] = as_it_was(root._modules["middle"])
    assert dispatcher.function(root) == "hit"
    root._modules["middle"]._modules["one"].training = False
    assert dispatcher.function(root) == "miss"


def test_the_order_of_modules_is_seen():
    root = tree()
    dispatcher, _ = dispatcher_for(root)
    root._modules["first"] = root._modules.pop("first")
    assert dispatcher.function(root) == "miss"


def test_two_trees_in_turn():
    one, two = tree(), tree()
    dispatcher, _ = dispatcher_for(one)
    dispatcher.add(guards_on(two), lambda self: "other")
    for _ in range(20):
        assert (dispatcher.function(one), dispatcher.function(two)) == ("hit", "other")
    deepest(two).training = False
    assert (dispatcher.function(one), dispatcher.function(two)) == ("hit", "miss")


def test_nothing_is_kept_alive():
    root = tree()
    dispatcher, _ = dispatcher_for(root)
    gone = [weakref.ref(PLACES[place](root)) for place in PLACES]
    other = Module()
    root._modules["last"] = other
    assert dispatcher.function(root) == "miss"
    assert gone[2]() is None
    del root
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3
    assert dispatcher.function(other) == "miss"


def test_what_takes_the_place_of_the_dead_is_not_taken_for_them():
    root = tree()
    dispatcher, guards = dispatcher_for(root)
    for _ in range(200):  # memory is given out again at once, often at the same address
        root._modules["middle"] = None
        fresh = Module(one=Module(), two=Module())
        root._modules["middle"] = fresh
        assert dispatcher.function(root) == ("hit" if guards.check(Scope({"self": root})) else "miss") == "miss"


def test_a_class_that_died():
    kind = type("Kind", (Module,), {})
    root = Module(child=kind())
    dispatcher, _ = dispatcher_for(root)
    root._modules["child"].__class__ = Module
    del kind
    gc.collect()
    assert dispatcher.function(root) == "miss"


def test_a_collection_of_garbage_during_a_call():
    root = tree()
    dispatcher, _ = dispatcher_for(root)

    class Garbage:
        def __del__(self):
            deepest(root).training = not deepest(root).training

    before = gc.get_threshold()
    try:
        gc.set_threshold(1)
        for _ in range(50):
            garbage = Garbage()
            garbage.itself = garbage
            del garbage
            dispatcher.function(root)
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert dispatcher.function(root) == ("hit" if deepest(root).training else "miss")


def test_strange_keys_are_asked_no_more_often_than_a_look_up_asks():
    class Key:
        asked = 0

        def __hash__(self):
            return hash("forward")

        def __eq__(self, other):
            Key.asked += 1
            return NotImplemented

    root = tree()
    dispatcher, _ = dispatcher_for(root)
    root.__dict__[Key()] = 1
    Key.asked = 0
    assert dispatcher.function(root) == "hit"
    assert Key.asked > 0
    root = tree()
    dispatcher, _ = dispatcher_for(root)
    root.__dict__[HostileStr("forward")] = 1
    with pytest.raises(UserCodeRan):
        dispatcher.function(root)


def test_a_key_that_changes_what_is_being_looked_at():
    root = tree()
    dispatcher, _ = dispatcher_for(root)

    class Key:
        def __hash__(self):
            return hash("weight")

        def __eq__(self, other):
            root._modules.clear()
            root._parameters.clear()
            gc.collect()
            return False

    root._parameters.clear()
    root.__dict__[Key()] = 1
    assert [dispatcher.function(root) for _ in range(3)] == ["miss"] * 3


def test_a_key_that_calls_the_function_itself():
    root, other = tree(), tree()
    dispatcher, _ = dispatcher_for(root)

    class Key:
        busy = False

        def __hash__(self):
            return hash("forward")

        def __eq__(self, other_key):
            if not Key.busy:
                Key.busy = True
                assert dispatcher.function(other) == "miss"
                Key.busy = False
            return False

    root.__dict__[Key()] = 1
    for _ in range(4):
        assert dispatcher.function(root) == "hit"
        assert dispatcher.function(other) == "miss"


def test_hooks_that_only_their_own_methods_can_tell():
    class Hooks:
        def __init__(self, count):
            self.count = count

        def __len__(self):
            return self.count

    root = tree()
    dispatcher, _ = dispatcher_for(root)
    root._forward_hooks = Hooks(0)
    assert [dispatcher.function(root) for _ in range(3)] == ["hit"] * 3
    root._forward_hooks.count = 1
    assert dispatcher.function(root) == "miss"


steps = st.tuples(st.sampled_from([*MISSES, *HITS]), st.sampled_from(sorted(PLACES)), st.booleans())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=6))
def test_a_call_agrees_with_the_guards_whatever_happens(history):
    root = tree()
    dispatcher, guards = dispatcher_for(root, count=2)
    for change, place, fresh in history:
        try:
            {**MISSES, **HITS}[change](PLACES[place](root))
        except (AttributeError, KeyError, TypeError, UserCodeRan):
            pass  # an earlier change left nothing to change
        expected = "hit" if guards.check(Scope({"self": root})) else "miss"
        assert [dispatcher.function(root) for _ in range(3)] == [expected] * 3
        if fresh:
            assert dispatcher.function(tree()) == "miss"
