"""Lists and tuples: the captured form does what plain Python does."""

from __future__ import annotations

import pytest
from container_lifting import agree, lift


def appended(xs):
    xs.append(1)
    xs.extend((2, 3))
    xs.insert(0, "first")
    return len(xs), xs[0], xs[-1]


def popped(xs):
    last = xs.pop()
    first = xs.pop(0)
    xs.remove(3)
    del xs[0]
    return last, first, xs


def sliced(xs):
    ys = xs[1:]
    xs[::2] = ["a"] * len(xs[::2])
    xs[1:1] = ys
    del xs[-2:]
    return ys, xs[::-1], xs * 2, 2 * xs, xs + ys


def aliased(xs):
    ys = [xs, xs]
    ys[0].append(5)
    return ys, ys[0] is ys[1], ys[0] is xs


def cyclic():
    xs = [1]
    xs.append(xs)
    return xs


def cyclic_through_tuple():
    xs = []
    pair = (xs, 1)
    xs.append(pair)
    return pair


def sorted_in_place(xs):
    xs.sort()
    ys = list(xs)
    ys.sort(key=lambda x: -x)
    ys.sort(key=lambda x: x % 2, reverse=True)
    return xs, ys


def sorted_words(xs):
    return sorted(xs, key=len), sorted(xs, reverse=True), sorted(xs, key=lambda w: (len(w), w))


def comprehension(xs):
    return [x * x for x in xs if x % 2], [(i, x) for i, x in enumerate(xs)], [a + b for a, b in zip(xs, xs[1:])]


def searched(xs):
    return 3 in xs, xs.index(3), xs.count(1), xs == [1, 2, 3], xs < [2], (1, 2) < (1, 3), 7 not in xs


def augmented(xs):
    ys = xs
    ys += [1]
    ys *= 2
    return ys is xs


def unpacked(xs):
    a, *rest = xs
    *start, b = xs
    (c, d), e = (xs[:2], 1)
    return a, rest, start, b, c, d, e, [*xs, *start], (*xs,)


def repeated_loop(xs):
    total = 0
    for x in xs:
        if x == 1:
            xs.append(10)
        total += x
    return total


def reversed_list(xs):
    return list(reversed(xs)), [*reversed(xs)], xs[::-1]


def from_generator(xs):
    return list(x + 1 for x in xs), tuple(x for x in xs), sum(x for x in xs)


def copies(xs):
    ys = xs.copy()
    ys.reverse()
    xs.clear()
    return ys, xs


def text(xs):
    return f"{xs} {tuple(xs)!r} {[]}"


@pytest.mark.parametrize(
    "function",
    [
        appended,
        popped,
        sliced,
        aliased,
        sorted_in_place,
        comprehension,
        searched,
        augmented,
        unpacked,
        repeated_loop,
        reversed_list,
        from_generator,
        copies,
        text,
    ],
)
def test_lists(function):
    agree(function, [1, 2, 3])


def test_sorting_words():
    agree(sorted_words, ["pear", "fig", "apple", "kiwi", "date"])


def test_cycles():
    made = lift(cyclic).run()
    assert made[1] is made
    pair = lift(cyclic_through_tuple).run()
    assert pair[0][0] is pair


def out_of_range(xs):
    return xs[10]


def wrong_index(xs):
    return xs["a"]


def pop_empty(xs):
    xs.clear()
    return xs.pop()


def missing(xs):
    return xs.index(99)


def wrong_sum(xs):
    return xs + (1,)


def wrong_count(xs):
    return xs.append(1, 2)


def assigned_tuple(xs):
    (1, 2)[0] = xs


def too_many(xs):
    a, b = xs


def unorderable(xs):
    return [1, "a", *xs].sort()


@pytest.mark.parametrize(
    "function",
    [
        out_of_range,
        wrong_index,
        pop_empty,
        missing,
        wrong_sum,
        wrong_count,
        assigned_tuple,
        too_many,
        unorderable,
    ],
)
def test_errors(function):
    agree(function, [1, 2, 3])


def caught(xs):
    try:
        xs[7]
    except IndexError as error:
        return str(error), xs


def test_an_error_is_caught():
    agree(caught, [1])


def first(xs):
    return xs[0]


def test_an_item_that_is_not_read_is_not_guarded():
    lifted = lift(first, [1, "x" * 100])
    assert {guard.source.name for guard in lifted.guards} == {"L['xs']", "L['xs'][0]"}


def stored(xs, ys):
    xs[0] = ys
    ys.append(xs)
    return xs


def test_what_is_stored_is_the_same_object():
    xs, ys = [1], [2]
    lifted = lift(stored, xs, ys)
    assert lifted.run(xs, ys) is xs
    assert xs[0] is ys
    assert ys[1] is xs


def untouched(xs, ys):
    xs.append(1)
    return ys


def test_an_object_that_did_not_change_is_not_replayed():
    assert "ys" in lift(untouched, [], [1]).source
    assert "setitem" not in lift(first, [1]).source


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def __eq__(self, other):
        return self.weight == other.weight

    def __lt__(self, other):
        return self.weight < other.weight

    __hash__ = None


def own_equality():
    xs = [Weighted(3), Weighted(1), Weighted(2)]
    xs.sort()
    found = Weighted(2) in xs, xs.index(Weighted(3)), xs.count(Weighted(1))
    xs.remove(Weighted(1))
    return [x.weight for x in xs], found, xs == [Weighted(2), Weighted(3)]


def test_equality_of_the_users():
    agree(own_equality)


def logged(log, x):
    log.append(x)
    log += [x]
    log.extend((1, 2))


def test_appending_relies_on_no_length():
    lifted = lift(logged, [], 5)
    log = [0, 0]
    lifted.run(log, 5)
    assert log == [0, 0, 5, 5, 1, 2]
    assert {guard.predicate.kind for guard in lifted.guards} == {"TYPE_MATCH", "EQUALS_MATCH"}
    agree(logged, [1], 2)


def one_stored(xs):
    xs[1] = "new"
    return len(xs)


def test_storing_an_item_reads_no_other():
    lifted = lift(one_stored, [1, 2, object()])
    assert {guard.source.name for guard in lifted.guards if guard.source.local_root} == {"L['xs']"}
    agree(one_stored, [1, 2, 3])


def swapped(xs):
    xs[0], xs[-1] = xs[-1], xs[0]
    xs.append(xs[0])


def shrunk(xs):
    xs.append(4)
    del xs[0]
    return xs[-1]


@pytest.mark.parametrize("function", [swapped, shrunk])
def test_stores_are_replayed(function):
    agree(function, [1, 2, 3])
