"""`functools` and `itertools`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..handlers.lazy import make_count, make_repeat
from ..polyfills import functools as functional
from ..polyfills import itertools as polyfills
from ..variable import ConstantVariable
from .arguments import Parameters, breaking, polyfilled, refuse


def _reduce(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if kwargs or not 2 <= len(args) <= 3:
        return refuse(domain, functools.reduce, args, kwargs)
    return domain.polyfill(functional.reduce if len(args) == 2 else functional.reduce_from, *args)


def _islice(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if kwargs or not 2 <= len(args) <= 4:
        return refuse(domain, itertools.islice, args, kwargs)
    if len(args) == 2:
        return domain.polyfill(polyfills.islice_stop, *args)
    step = args[3] if len(args) == 4 else ConstantVariable(None)
    return domain.polyfill(polyfills.islice, *args[:3], step)


def _bound(function: Callable[..., Any], make: Callable[..., Answer], parameters: Parameters) -> FunctionRule:
    """Return the rule that binds the arguments and gives them to `make`."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        bound = parameters.bind(domain, args, kwargs)
        return refuse(domain, function, args, kwargs) if bound is None else make(domain, *bound)

    return rule


Entry = tuple[Callable[..., Any], Callable[..., Any], Parameters]
"""A function, its polyfill, and its parameters."""


def _entries() -> list[Entry]:
    return [
        (itertools.chain, polyfills.chain, Parameters(rest=True)),
        (itertools.cycle, polyfills.cycle, Parameters(1)),
        (itertools.groupby, polyfills.groupby, Parameters(1, {"key": None})),
        (itertools.tee, polyfills.tee, Parameters(1, {"n": 2})),
        (itertools.accumulate, polyfills.accumulate, Parameters(1, {"func": None}, {"initial": None})),
        (itertools.starmap, polyfills.starmap, Parameters(2)),
        (itertools.takewhile, polyfills.takewhile, Parameters(2)),
        (itertools.dropwhile, polyfills.dropwhile, Parameters(2)),
        (itertools.filterfalse, polyfills.filterfalse, Parameters(2)),
        (itertools.compress, polyfills.compress, Parameters(2)),
        (itertools.pairwise, polyfills.pairwise, Parameters(1)),
        (itertools.zip_longest, polyfills.zip_longest, Parameters(keywords={"fillvalue": None}, rest=True)),
        (itertools.product, polyfills.product, Parameters(keywords={"repeat": 1}, rest=True)),
        (itertools.combinations, polyfills.combinations, Parameters(2)),
        (
            itertools.combinations_with_replacement,
            polyfills.combinations_with_replacement,
            Parameters(2),
        ),
        (itertools.permutations, polyfills.permutations, Parameters(1, {"r": None})),
        *_newer_entries(),
    ]


def _newer_entries() -> Iterator[Entry]:
    """Yield what not every CPython has."""
    batched: Any = getattr(itertools, "batched", None)
    if batched is not None:
        strict = {"strict": False} if "strict" in (batched.__text_signature__ or "") else {}
        polyfill = polyfills.batched if strict else polyfills.batched_loosely
        yield batched, polyfill, Parameters(1, {"n": NotImplemented}, strict)


RULES: Final[Mapping[Any, FunctionRule]] = {
    **{function: polyfilled(function, polyfill, parameters) for function, polyfill, parameters in _entries()},
    functools.cache: breaking(functools.cache, "its cache is kept in C"),
    functools.lru_cache: breaking(functools.lru_cache, "its cache is kept in C"),
    functools.reduce: _reduce,
    functools.cached_property.__get__: polyfilled(
        functools.cached_property.__get__, functional.cached_property_get, Parameters(2, {"owner": None})
    ),
    itertools.count: _bound(itertools.count, make_count, Parameters(0, {"start": 0, "step": 1})),
    itertools.repeat: _bound(itertools.repeat, make_repeat, Parameters(1, {"times": NotImplemented})),
    itertools.islice: _islice,
}
"""The rules, by function."""
