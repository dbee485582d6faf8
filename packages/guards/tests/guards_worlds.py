"""Worlds of nested objects, the guards that say all there is to say of one, an independent picture of it, and changes.

Two worlds with the same picture are the same to a program that reads all of it and asks no more than type, value,
order and which containers are one object. So the guards of a world hold exactly as long as its picture stays.
"""

import struct
from collections import OrderedDict

from guards_hostile import Hostile
from hypothesis import strategies as st

from framelift_guards import (
    DictItemSource,
    DictKeys,
    Distinct,
    Equals,
    Guard,
    InstanceDictSource,
    Length,
    ListItemSource,
    LocalSource,
    SameObject,
    SlotSource,
    TupleItemSource,
    TypeIs,
    UserLine,
)

LINE = UserLine("model.py", 7, "forward")
NAMES = ["a", "b", "class", "None", "def", "", "it's", '"', "\n", "\ud800", "{x}", "__class__", "é", "a b", "x\0y"]


class Thing:
    """An ordinary object, whose attributes are named anyhow."""


class HostileThing(Hostile):
    """One that fails whoever asks it anything."""


class Slotted:
    """One without a dictionary."""

    __slots__ = ("first", "second")


class Names(dict):
    """A dictionary of a class of the user's."""


MAPPINGS = (dict, OrderedDict, Names)
KEYS = [*NAMES, 0, 1, True, 1.0, -0.0, None, (1, "a"), b"a", 10**30]
ATOMS = [
    0, 1, -1, True, False, None, 0.0, -0.0, 1.0, float("nan"), float("inf"), 10**30, 1j, complex(0.0, -0.0), "", "a",
    "it's", "\n", "\ud800", b"", b"a", ..., range(2), (), (1,), (True,), (0.0, (-0.0,)), "x" * 300,
]  # fmt: skip


def put(thing, name, value):
    """Set an attribute, past any method of the user's."""
    object.__getattribute__(thing, "__dict__")[name] = value


def _made(kind, parts):
    if kind in (list, tuple):
        return kind(parts)
    if kind in MAPPINGS:
        return kind(zip(KEYS, parts, strict=False))
    thing = object.__new__(kind)
    if kind is Slotted:
        thing.first, thing.second = (*parts, None, None)[:2]
        return thing
    for name, part in zip(NAMES, parts, strict=False):
        put(thing, name, part)
    return thing


KINDS = [list, tuple, *MAPPINGS, Thing, HostileThing, Slotted]


class Plan:
    """How to make a value: Hypothesis must not look at the value itself, which may be hostile."""

    def __init__(self, kind, parts):
        self.kind, self.parts = kind, parts

    def make(self):
        """Return the value, new each time."""
        if self.kind is None:
            return self.parts
        return _made(self.kind, [part.make() for part in self.parts])

    def __repr__(self):
        return f"{self.kind and self.kind.__name__}{self.parts!r}"


atoms = st.sampled_from(ATOMS).map(lambda value: Plan(None, value))
plans = st.recursive(
    atoms,
    lambda inner: st.builds(Plan, st.sampled_from(KINDS), st.lists(inner, max_size=4)),
    max_leaves=12,
)


def members(value):
    """Return what a container holds, as pairs of a name and a value; `None` for what is no container."""
    kind = type(value)
    if kind in (list, tuple):
        return list(enumerate(value))
    if kind in MAPPINGS:
        return list((OrderedDict if kind is OrderedDict else dict).items(value))
    if kind in (Thing, HostileThing):
        return list(object.__getattribute__(value, "__dict__").items())
    if kind is Slotted:
        return [("first", value.first), ("second", value.second)]
    return None


def picture(value, seen=None):
    """Return what a world is, as data that compares as it should."""
    seen = {} if seen is None else seen
    parts = members(value)
    if parts is None or type(value) is tuple and not any(members(part) is not None for _, part in parts):
        return type(value).__name__, exact(value)
    if type(value) is not tuple:
        if id(value) in seen:
            return "again", seen[id(value)]
        seen[id(value)] = len(seen)
    return type(value).__name__, [(exact(name), picture(part, seen)) for name, part in parts]


def exact(value):
    kind = type(value)
    if kind is tuple:
        return "tuple", tuple([exact(part) for part in value])
    if kind is float:
        return "float", "nan" if value != value else struct.pack("d", value)
    if kind is complex:
        return "complex", exact(value.real), exact(value.imag)
    return kind.__name__, repr(value)


def guards_of(value, source, seen=None):
    """Return guards that say all of a world; `seen` collects the sources of the containers that have an identity."""
    seen = {} if seen is None else seen
    guards, waiting = [], [(value, source)]
    while waiting:
        value, source = waiting.pop(0)
        parts = members(value)
        if parts is None or type(value) is tuple and not any(members(part) is not None for _, part in parts):
            guards.append(Guard(source, Equals(value), LINE))
            continue
        if type(value) is not tuple and id(value) in seen:
            guards.append(Guard(source, SameObject(seen[id(value)][1]), LINE))
            continue
        if type(value) is not tuple:
            seen[id(value)] = value, source
        guards += [Guard(source, TypeIs(type(value)), LINE), *_shape(value, source)]
        waiting += [(part, _step(value, source, name)) for name, part in parts]
    found = tuple([source for _, source in seen.values()])
    return [*guards, Guard(None, Distinct(found), LINE)] if len(found) > 1 else guards


def _shape(value, source):
    kind = type(value)
    if kind in (list, tuple):
        return [Guard(source, Length(len(value), via=kind), LINE)]
    if kind in MAPPINGS:
        return [Guard(source, DictKeys(value if kind is not Names else list(dict.keys(value))), LINE)]
    if kind is Slotted:
        return []
    fields = InstanceDictSource(source)
    return [Guard(fields, TypeIs(dict), LINE), Guard(fields, DictKeys([name for name, _ in members(value)]), LINE)]


def _step(value, source, name):
    kind = type(value)
    if kind is list:
        return ListItemSource(source, name)
    if kind is tuple:
        return TupleItemSource(source, name)
    if kind in MAPPINGS:
        return DictItemSource(source, name)
    if kind is Slotted:
        return SlotSource(source, Slotted, name)
    return DictItemSource(InstanceDictSource(source), name)


WORLD = LocalSource("world")


def containers(value):
    """Return the containers of a world that can be changed, each once, outermost first."""
    found, waiting = {}, [value]
    while waiting:
        value = waiting.pop(0)
        parts = members(value)
        if parts is None or id(value) in found:
            continue
        if type(value) is not tuple:
            found[id(value)] = value
        waiting += [part for _, part in parts]
    return list(found.values())


def mapping_of(value):
    """Return the dictionary behind a container, with the class whose methods say what its order is."""
    if type(value) in (Thing, HostileThing):
        return object.__getattribute__(value, "__dict__"), dict
    return value, OrderedDict if type(value) is OrderedDict else dict


def change(world, where, how, what, new):
    """Change one container of a world.

    Args:
        world: the outermost value.
        where: which container, an index.
        how: what to do with it, an index.
        what: which of its parts, an index.
        new: the value to put there.
    """
    found = containers(world)
    if not found:
        return
    target = found[where % len(found)]
    if how % 5 == 4:  # an alias, or a cycle
        new = found[what % len(found)]
    if type(target) is Slotted:
        setattr(target, ("first", "second")[what % 2], new)
    elif type(target) is list:
        _change_list(target, how % 5, what, new)
    else:
        _change_mapping(*mapping_of(target), how % 5, what, new, KEYS if type(target) in MAPPINGS else NAMES)


def _change_list(target, how, what, new):
    if how == 0 or not target:
        target.insert(what % (len(target) + 1), new)
    elif how == 1:
        del target[what % len(target)]
    elif how == 2:
        target.reverse()
    else:
        target[what % len(target)] = new


def _change_mapping(target, kind, how, what, new, names):
    keys = list(kind.keys(target))
    if how == 0 or not keys:
        kind.__setitem__(target, names[what % len(names)], new)
    elif how == 1:
        kind.__delitem__(target, keys[what % len(keys)])
    elif how == 2:  # to the end
        key = keys[what % len(keys)]
        part = kind.__getitem__(target, key)
        kind.__delitem__(target, key)
        kind.__setitem__(target, key, part)
    else:
        kind.__setitem__(target, keys[what % len(keys)], new)


changes = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 19), st.integers(0, 20), plans), min_size=1, max_size=4)
"""Arguments of `change`, but for the world; a value is made anew for each."""
