"""Polyfills do what the C functions do: results, errors, and how much of their iterables they take."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelift_variable_tracking.polyfills import arithmetic, iteration, iterators, numbers
from framelift_variable_tracking.polyfills import functools as functional
from framelift_variable_tracking.polyfills import itertools as polyfills

ITEMS = st.lists(st.integers(-3, 3), max_size=5)
BOUNDS = st.none() | st.integers(-1, 7)


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return a result, an iterator's first 40 items, or the type and text of an exception."""
    try:
        result = function(*args, **kwargs)
        return list(itertools.islice(result, 40)) if isinstance(result, Iterator) else result
    except Exception as error:  # noqa: BLE001 - errors are compared
        return type(error), str(error)


def taken(function: Callable[[Iterable[int]], Any], items: list[int]) -> tuple[Any, list[int]]:
    """Return the outcome and what is left of the items."""
    iterator = iter(items)
    return outcome(function, iterator), list(iterator)


@given(ITEMS, BOUNDS, BOUNDS, BOUNDS)
def test_islice(items: list[int], start: int | None, stop: int | None, step: int | None) -> None:
    assert taken(lambda it: polyfills.islice(it, start, stop, step), items) == taken(
        lambda it: itertools.islice(it, start, stop, step), items
    )
    assert taken(lambda it: polyfills.islice_stop(it, stop), items) == taken(
        lambda it: itertools.islice(it, stop), items
    )


@given(st.lists(ITEMS, max_size=3), st.integers(-1, 2))
def test_product_and_zips(pools: list[list[int]], repeat: int) -> None:
    assert outcome(polyfills.product, tuple(pools), repeat) == outcome(itertools.product, *pools, repeat=repeat)
    assert outcome(polyfills.zip_longest, tuple(pools), 9) == outcome(itertools.zip_longest, *pools, fillvalue=9)
    assert outcome(polyfills.chain, tuple(pools)) == outcome(itertools.chain, *pools)
    assert outcome(polyfills.chain_from_iterable, pools) == outcome(itertools.chain.from_iterable, pools)


@pytest.mark.parametrize("name", ["combinations", "combinations_with_replacement", "permutations"])
@given(items=ITEMS, length=st.integers(-1, 6))
def test_selections(name: str, items: list[int], length: int) -> None:
    assert outcome(getattr(polyfills, name), items, length) == outcome(getattr(itertools, name), items, length)


@pytest.mark.parametrize("name", ["takewhile", "dropwhile", "filterfalse"])
@given(items=ITEMS)
def test_predicates(name: str, items: list[int]) -> None:
    def positive(number: int) -> bool:
        return number > 0

    mine, real = getattr(polyfills, name), getattr(itertools, name)
    assert taken(lambda it: mine(positive, it), items) == taken(lambda it: real(positive, it), items)


@given(ITEMS, ITEMS)
def test_others(items: list[int], selectors: list[int]) -> None:
    assert outcome(polyfills.pairwise, items) == outcome(itertools.pairwise, items)
    assert outcome(polyfills.compress, items, selectors) == outcome(itertools.compress, items, selectors)
    assert outcome(polyfills.cycle, items) == outcome(itertools.cycle, items)
    assert outcome(polyfills.accumulate, items, None, None) == outcome(itertools.accumulate, items)
    assert outcome(polyfills.accumulate, items, max, 1) == outcome(itertools.accumulate, items, max, initial=1)
    assert outcome(polyfills.starmap, pow, [(2, 3)]) == outcome(itertools.starmap, pow, [(2, 3)])
    assert outcome(polyfills.count, 1, 0.5) == outcome(itertools.count, 1, 0.5)


@given(ITEMS, st.integers(1, 3))
def test_groups_and_tees(items: list[int], ahead: int) -> None:
    def half(number: int) -> int:
        return number // 2

    def grouped(groupby: Callable[..., Any]) -> list[Any]:
        return [(key, list(group)) for key, group in groupby(items, half)]

    def unread(groupby: Callable[..., Any]) -> list[Any]:
        return [(key, next(group)) for key, group in groupby(items, None)]

    def shared(tee: Callable[..., Any]) -> list[Any]:
        one, *others = tee(iter(items), 3)
        return [list(itertools.islice(one, ahead)), list(others[0]), list(one), list(others[1])]

    assert grouped(polyfills.groupby) == grouped(lambda items, key: itertools.groupby(items, key))
    assert unread(polyfills.groupby) == unread(lambda items, key: itertools.groupby(items, key))
    assert shared(polyfills.tee) == shared(itertools.tee)
    assert outcome(polyfills.tee, items, -1) == outcome(itertools.tee, items, -1)


@given(ITEMS)
def test_reductions(items: list[int]) -> None:
    assert outcome(functional.reduce, min, items) == outcome(functools.reduce, min, items)
    assert outcome(functional.reduce_from, min, items, 4) == outcome(functools.reduce, min, items, 4)
    assert outcome(iteration.sum_, items, 0) == outcome(sum, items)
    assert outcome(iteration.any_, items) == any(items)
    assert outcome(iteration.all_, items) == all(items)
    assert outcome(iteration.min_, items, abs) == outcome(min, items, key=abs)
    assert outcome(iteration.max_, items, abs) == outcome(max, items, key=abs)
    assert outcome(iteration.min_or, items, None, 8) == outcome(min, items, default=8)
    assert outcome(iteration.max_or, items, None, 8) == outcome(max, items, default=8)
    assert outcome(iteration.sorted_, items, abs, True) == outcome(sorted, items, key=abs, reverse=True)
    assert outcome(iterators.backwards, items) == outcome(reversed, items)


def all_of(step: Callable[[], Any]) -> Iterator[Any]:
    """Yield what repeated calls return, until StopIteration."""
    while True:
        try:
            yield step()
        except StopIteration:
            return


@given(st.lists(ITEMS, min_size=1, max_size=4), st.booleans())
def test_zip(pools: list[list[int]], strict: bool) -> None:
    iterators = tuple(map(iter, pools))
    others = tuple(map(iter, pools))
    step = iteration.zip_next_strict if strict else iteration.zip_next
    assert outcome(lambda: list(all_of(lambda: step(iterators)))) == outcome(lambda: list(zip(*others, strict=strict)))
    assert [list(it) for it in iterators] == [list(it) for it in others]


@given(ITEMS)
def test_map_and_filter(items: list[int]) -> None:
    iterator = iter(items)
    assert list(all_of(lambda: iteration.map_next(abs, (iterator,)))) == list(map(abs, items))
    iterator = iter(items)
    assert list(all_of(lambda: iteration.filter_next(None, iterator))) == list(filter(None, items))


def rich(**methods: object) -> object:
    """Return an object whose special methods return these values."""
    namespace = {f"__{name}__": (lambda self, *_, value=value: value) for name, value in methods.items()}
    return type("Rich", (), namespace)()


@pytest.mark.parametrize(
    ("polyfill", "original", "value"),
    [
        (numbers.int_of, int, rich(int=3)),
        (numbers.int_of, int, rich(index=4)),
        (numbers.int_of, int, rich(int="x")),
        (numbers.int_of, int, rich()),
        (numbers.float_of, float, rich(float=1.5)),
        (numbers.float_of, float, rich(float=1)),
        (numbers.float_of, float, rich(index=2)),
        (numbers.float_of, float, rich()),
        (numbers.bool_of, bool, rich(bool=False)),
        (numbers.bool_of, bool, rich(len=0)),
    ],
)
def test_numbers(polyfill: Callable[..., Any], original: Callable[..., Any], value: object) -> None:
    found, expected = outcome(polyfill, value), outcome(original, value)
    assert found == expected or found[0] is expected[0] is TypeError
    assert isinstance(found, tuple) == isinstance(expected, tuple)


@pytest.mark.parametrize("left", [1, 2.5, rich(divmod=1), rich(divmod=NotImplemented), rich()])
@pytest.mark.parametrize("right", [1, 2.5, rich(rdivmod=2), rich(rdivmod=NotImplemented), rich()])
def test_divmod(left: object, right: object) -> None:
    assert outcome(arithmetic.divmod_, left, right) == outcome(divmod, left, right)
