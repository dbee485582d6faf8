"""Iterators and callables of the standard library that come in, change and go out of lifted functions."""

import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from driver import Broke, lift


def drained(value: Any) -> Any:
    """Return a value with iterators replaced by their type and what is left of them."""
    if isinstance(value, Iterator):
        return type(value), list(itertools.islice(value, 10))
    if isinstance(value, (tuple, list)):
        return type(value), [drained(item) for item in value]
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    return value


def made() -> Any:
    """Iterators that are made and partly consumed."""
    pairs = zip([1, 2, 3], "abc", strict=False)
    numbered = enumerate(["x", "y", "z"], 5)
    chained = itertools.chain([1, 2], (3,), "d")
    counted = itertools.count(1, 2)
    firsts = [next(pairs), next(numbered), next(chained), next(chained), next(chained), next(counted)]
    return firsts, pairs, numbered, chained, counted, itertools.repeat(4), itertools.repeat(4, 2)


def strict_zip() -> Any:
    return zip([1, 2], [3, 4], strict=True)


def mapped() -> Any:
    found = map(operator.neg, [1, 2, 3])
    return next(found), found, filter(None, [0, 1])


def partials(function: Any) -> Any:
    return function(3), functools.partial(function, 4, b=5), functools.partial(max, 1)


def getters() -> Any:
    return (
        operator.itemgetter(0, 1)("ab"),
        operator.itemgetter(1)((1, 2)),
        operator.methodcaller("split", ",")("a,b"),
    )


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (made, ()),
        (strict_zip, ()),
        (mapped, ()),
        (partials, (functools.partial(lambda a, b=2: (a, b), b=7),)),
        (getters, ()),
    ],
)
def test_what_is_made_goes_out(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    lifted = lift(function)
    for _ in range(2):
        assert drained(lifted(*args)) == drained(function(*args))


def take_one(iterator: Any) -> Any:
    return next(iterator)


@pytest.mark.parametrize(
    "make",
    [
        lambda: zip([1, 2], [3, 4], strict=False),
        lambda: enumerate(["a", "b", "c"]),
        lambda: zip(range(3), enumerate("abc"), strict=True),
        lambda: map(operator.neg, [1, 2]),
        lambda: filter(None, [0, 1, 0, 2]),
    ],
)
def test_existing_iterators_are_advanced(make: Callable[[], Any]) -> None:
    lifted = lift(take_one)
    for _ in range(2):
        mine, real = make(), make()
        next(mine)
        next(real)
        assert lifted(mine) == next(real)
        assert list(mine) == list(real)


def test_an_advanced_iterator_is_another_case() -> None:
    lifted = lift(take_one)
    numbered = enumerate(["a", "b", "c"])
    assert [lifted(numbered) for _ in range(3)] == [(0, "a"), (1, "b"), (2, "c")]
    with pytest.raises(StopIteration):
        lifted(numbered)


@pytest.mark.parametrize(
    ("getter", "owner"),
    [
        (operator.itemgetter(1), [1, 2]),
        (operator.itemgetter(1, 0), [1, 2]),
        (operator.attrgetter("real"), 3),
        (operator.attrgetter("real.imag", "real"), 3),
        (operator.methodcaller("upper"), "a"),
    ],
)
def test_existing_getters(getter: Any, owner: Any) -> None:
    def call(function: Any, value: Any) -> Any:
        return function(value)

    assert lift(call)(getter, owner) == getter(owner)


def test_partials_differ_by_their_arguments() -> None:
    def call(function: Any) -> Any:
        return function()

    lifted = lift(call)
    for number in range(3):
        assert lifted(functools.partial(max, number, 1)) == max(number, 1)
        assert lifted(functools.partial(divmod, 7, number + 1)) == divmod(7, number + 1)
    assert lifted(functools.partial(dict, a=1)) == {"a": 1}
    assert lifted(functools.partial(dict, b=1)) == {"b": 1}


def test_a_break_consumes_nothing() -> None:
    def printed(items: Any) -> Any:
        return list(map(print, items))

    items = iter([1, 2])
    with pytest.raises(Broke):
        lift(printed)(items)
    assert list(items) == [1, 2]


def test_registering_with_an_abstract_class_is_noticed() -> None:
    import abc

    class Base(abc.ABC):  # noqa: B024 - it needs no methods
        pass

    class Other:
        pass

    def check(value: Any) -> bool:
        return isinstance(value, Base)

    lifted = lift(check)
    assert lifted(Other()) is False
    Base.register(Other)
    assert lifted(Other()) is True
