"""Iterators made in a captured function are of their own types, where they stand, and share what they take from."""

import itertools
import warnings
from itertools import (
    accumulate,
    chain,
    combinations,
    combinations_with_replacement,
    compress,
    count,
    cycle,
    dropwhile,
    filterfalse,
    groupby,
    islice,
    pairwise,
    permutations,
    product,
    repeat,
    starmap,
    takewhile,
    tee,
    zip_longest,
)  # fmt: skip

import pytest
import torch

import framelift


class Indexed:
    """A sequence by `__getitem__` alone."""

    def __init__(self, size):
        self.size = size

    def __getitem__(self, index):
        if index >= self.size:
            raise IndexError
        return index * 10

    def __len__(self):
        return self.size


def add(one, other):
    return one + other


MAKERS = {
    "accumulate": lambda xs: accumulate(xs),
    "accumulate, initial": lambda xs: accumulate(xs, add, initial=3),
    "calls": lambda xs: iter(iter(xs).__next__, 3),
    "chain": lambda xs: chain(xs, "ab", xs),
    "chain of an iterator": lambda xs: chain.from_iterable(iter([xs, xs])),
    "combinations": lambda xs: combinations(xs, 2),
    "combinations_with_replacement": lambda xs: combinations_with_replacement(xs, 2),
    "compress": lambda xs: compress(xs, [1, 0, 1, 1]),
    "count": lambda xs: count(0.5, 2),
    "cycle": lambda xs: cycle(xs),
    "dropwhile": lambda xs: dropwhile(lambda x: x < 2, xs),
    "enumerate": lambda xs: enumerate(xs, 3),
    "filter": lambda xs: filter(lambda x: x > 1, xs),
    "filterfalse": lambda xs: filterfalse(None, xs),
    "group": lambda xs: next(groupby(xs, lambda x: x // 3))[1],
    "groupby": lambda xs: groupby(xs, lambda x: x // 2),
    "indexed": lambda xs: iter(Indexed(4)),
    "islice": lambda xs: islice(xs, 1, None, 2),
    "islice, stop": lambda xs: islice(xs, 3),
    "map": lambda xs: map(add, xs, xs),
    "pairwise": lambda xs: pairwise(xs),
    "permutations": lambda xs: permutations(xs, 2),
    "product": lambda xs: product(xs, "ab"),
    "product, repeat": lambda xs: product(xs, repeat=2),
    "repeat": lambda xs: repeat(3, 4),
    "reversed": lambda xs: reversed(Indexed(4)),
    "starmap": lambda xs: starmap(add, zip(xs, xs)),
    "takewhile": lambda xs: takewhile(lambda x: x < 2, xs),
    "tee": lambda xs: tee(xs)[1],
    "zip": lambda xs: zip(xs, xs, strict=True),
    "zip_longest": lambda xs: zip_longest(xs, "ab", fillvalue=0),
}
if hasattr(itertools, "batched"):
    MAKERS["batched"] = lambda xs: itertools.batched(xs, 3)


def plain(item):
    if isinstance(item, tuple):
        return tuple(map(plain, item))
    return list(item) if type(item).__name__ == "_grouper" else item


def rest(iterator):
    return type(iterator), [plain(item) for item in islice(iterator, 6)]


def advanced(make, taken):
    def program(tensor):
        iterator = make([0, 1, 2, 3])
        for _ in range(taken):
            next(iterator, None)
        return iterator, tensor + taken

    return program


def interrupted(make):
    def program(tensor):
        iterator, found = make([0, 1, 2, 3]), []
        for item in iterator:
            framelift.graph_break()
            found.append(plain(item))
            if len(found) > 4:
                break
        return iterator, found, tensor + 1

    return program


@pytest.mark.parametrize("name", MAKERS)
def test_an_iterator_is_returned_where_it_stands(name):
    for taken in (0, 1, 3, 9):
        program = advanced(MAKERS[name], taken)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            iterator, tensor = framelift.compile(program, backend="eager", fullgraph=True)(torch.ones(2))
        assert rest(iterator) == rest(program(torch.ones(2))[0])
        assert tensor.tolist() == [1 + taken] * 2


@pytest.mark.parametrize("name", MAKERS)
def test_an_iterator_goes_on_after_breaks(name):
    program = interrupted(MAKERS[name])
    iterator, found, _ = framelift.compile(program, backend="eager", recompile_limit=50)(torch.ones(2))
    expected = program(torch.ones(2))
    assert (rest(iterator), found) == (rest(expected[0]), expected[1])


def test_iterators_share_what_they_take_from():
    def program(tensor):
        source = iter(range(20))
        sliced, mapped, paired, summed = islice(source, 2, None), map(str, source), pairwise(source), accumulate(source)
        one, other = tee(source)
        found = [next(sliced), next(mapped), next(paired), next(summed), next(one), tensor + 1]
        framelift.graph_break()
        return found[:5], next(other), next(sliced), next(mapped), next(paired), next(summed), next(source)

    assert framelift.compile(program, backend="eager")(torch.ones(1)) == program(torch.ones(1))


def test_a_group_and_its_groupby_go_on_together():
    def program(tensor):
        groups = groupby([1, 1, 1, 2, 2, 3], lambda x: tensor.ndim * x)
        _, group = next(groups)
        next(group)
        return groups, group

    def use(groups, group):
        first = next(group)
        key, following = next(groups)
        return first, list(group), key, list(following), [key for key, _ in groups]

    assert use(*framelift.compile(program, backend="eager")(torch.ones(1))) == use(*program(torch.ones(1)))


def test_a_break_inside_of_what_an_iterator_calls():
    def broken(one, other):
        framelift.graph_break()
        return one + other

    def program(tensor):
        sums, found = accumulate([1, 2, 3, 4], broken), []
        for item in sums:
            found.append(tensor * item)
            if item == 6:
                break
        return (
            found,
            next(sums),
            list(starmap(broken, [(1, 2)])),
            list(takewhile(lambda x: broken(x, 1) < 3, [0, 1, 2])),
        )

    found, expected = framelift.compile(program, backend="eager")(torch.ones(1)), program(torch.ones(1))
    assert ([x.item() for x in found[0]], *found[1:]) == ([x.item() for x in expected[0]], *expected[1:])
