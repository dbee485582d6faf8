"""Objects that are made inside and are elements of sets or keys of dictionaries: their hash reads what they hold."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch

import framelift


@dataclasses.dataclass(frozen=True)
class Point:
    x: object
    y: object = ()


class Named:
    """Its hash reads an attribute of an object that it refers to."""

    def __init__(self, name, other=None):
        self.inner = SimpleNamespace(name=name)
        self.other = other

    def __hash__(self):
        return hash(self.inner.name)

    def __eq__(self, other):
        return isinstance(other, Named) and self.inner.name == other.inner.name


HOLDER = SimpleNamespace()


def in_a_set(x):
    HOLDER.kept = set()
    HOLDER.kept.add(Point(1, Point(2)))
    return x + 1


def in_a_frozenset(x):
    HOLDER.kept = frozenset([Point(1), Named("a")])
    return x + 1


def as_keys(x):
    HOLDER.kept = {Named("a"): 1, Named("b", [1]): {Point(3)}, Point(4): [Named("c")]}
    return x + 1


def beside_others(x):
    point, named = Point(1), Named("a")
    HOLDER.kept = [named, {point: named}, (frozenset([named]), [point]), {named, point}]
    return x + 1


def with_what_holds_it(x):
    holder = [1]
    holder.append((holder, frozenset([Named("a", holder)])))
    HOLDER.kept = len(holder), holder[1][1]
    return x + 1


def on_a_tensor(x):
    x.kept = {Point("a")}
    HOLDER.kept = x.kept
    return x + 1


def removed_again(x):
    HOLDER.kept = {Point(1), Point(2)}
    HOLDER.kept.discard(Point(2))
    del {Point(1): 1}[Point(1)]
    return x + 1


PROGRAMS = [
    in_a_set, in_a_frozenset, as_keys, beside_others, with_what_holds_it, on_a_tensor, removed_again
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_kept_is_found_by_its_hash(program):
    def run(function):
        HOLDER.__dict__.clear()
        assert torch.equal(function(torch.zeros(2)), torch.ones(2))
        return HOLDER.kept

    lifted = framelift.compile(program, backend="eager")
    for _ in range(3):
        kept, expected = run(lifted), run(program)
        assert _counted(kept) == _counted(expected)
        if program in (in_a_set, in_a_frozenset, as_keys, on_a_tensor, removed_again):
            assert kept == expected


def _counted(value):
    return len(value), type(value)


def test_mark_dynamic_inside():
    def program(x):
        torch._dynamo.mark_dynamic(x, 0)
        return x + 1

    import torch._dynamo

    assert torch.equal(framelift.compile(program, backend="eager")(torch.zeros(2)), torch.ones(2))
