"""Functions that stand for others: of their kind (generator, coroutine), or in Python where they are written in C.

`inspect` tells the kind by flags of the code, so a plain function that returns what the original returns would not do:
frameworks choose by the kind how to call it. What is lifted runs inside, from the first step on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

__all__ = ["calling", "of_same_kind"]

__framelift_hidden__ = True


def calling(fn: Any) -> Callable[..., Any]:
    """Return a Python function that calls `fn`, whose own call is written in C: a builtin, a `functools.partial`.

    It has what `fn` has beyond its call: the `cache_clear` of a `functools.lru_cache`.

    >>> calling(max)(1, 2)
    2
    >>> calling(functools.lru_cache(len)).cache_info().hits
    0
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    for name in vars(type(fn)):
        if not name.startswith("_"):
            setattr(call, name, getattr(fn, name))
    return functools.update_wrapper(call, fn)


def of_same_kind(original: Callable[..., Any], lifted: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the kind of `original` (generator, coroutine, async generator) that runs `lifted`.

    Args:
        original: the user's function.
        lifted: what is called with its arguments and returns what it returns; itself the answer for a plain function.

    >>> def numbers():
    ...     yield 1
    >>> same = of_same_kind(numbers, lambda: numbers())
    >>> inspect.isgeneratorfunction(same), list(same())
    (True, [1])
    """
    if inspect.isasyncgenfunction(original):

        async def asynchronous_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            inner: AsyncGenerator[Any, Any] = lifted(*args, **kwargs)
            try:
                value = await anext(inner)
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as error:  # noqa: BLE001 - what is thrown in is the inner one's
                        value = await inner.athrow(error)
                    else:
                        value = await inner.asend(sent)
            except StopAsyncIteration:
                return

        return _named_after(original, asynchronous_generator)
    if inspect.iscoroutinefunction(original):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            return await lifted(*args, **kwargs)

        return _named_after(original, coroutine)
    if inspect.isgeneratorfunction(original):

        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            return (yield from lifted(*args, **kwargs))

        return _named_after(original, generator)
    return lifted


def _named_after(original: Callable[..., Any], made: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the metadata of the original; what it returns asks its code for a name."""
    code, own = made.__code__, original.__code__
    made.__code__ = code.replace(co_name=own.co_name, co_qualname=own.co_qualname)
    return functools.wraps(original)(made)
