"""Built-in functions that iterate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from framelift_bytecode_interp import Value

from ..classes import mro_of, name_of, namespace_of
from ..evaluation import NUMBERS, evaluate, plain, scalars
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..handlers.combined_iterator import EnumerateVariable, combined
from ..polyfills import iteration as polyfills
from ..polyfills import iterators
from ..variable import ConstantVariable, ReferenceVariable, Variable
from .arguments import Parameters, polyfilled, refuse


def known(function: Callable[..., Any], otherwise: FunctionRule) -> FunctionRule:
    """Return the rule that evaluates `function` on an iterable whose items are all constants, at once."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if len(args) == 1 and not kwargs:
            items = domain.sequence(args[0])
            values = None if items is None else scalars(items)
            if values is not None:
                return evaluate(domain, function, values)
        return otherwise(domain, context, args, kwargs)

    return rule


def _iter(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) == 1 and not kwargs:
        return domain.get_iter(args[0])
    if len(args) == 2 and not kwargs:
        return domain.polyfill(iterators.calls, *args)
    return refuse(domain, iter, args, kwargs)


def _next(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) == 1 and not kwargs:
        return domain.next(args[0])
    if len(args) == 2 and not kwargs:
        return domain.polyfill(polyfills.next_, *args)
    return refuse(domain, next, args, kwargs)


def _extreme(
    function: Callable[..., Any], polyfill: Callable[..., Any], with_default: Callable[..., Any]
) -> FunctionRule:
    """Return the rule of min or max."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if not args or not kwargs.keys() <= {"key", "default"} or (len(args) > 1 and "default" in kwargs):
            return refuse(domain, function, args, kwargs)
        iterable: Variable = args[0]
        if len(args) > 1:
            values = None if kwargs else scalars(args)
            if values is not None:
                return evaluate(domain, function, *values)
            packed = domain.build_tuple(args)
            iterable = packed.value  # type: ignore[union-attr]
        key = kwargs.get("key", ConstantVariable(None))
        if "default" in kwargs:
            return domain.polyfill(with_default, iterable, key, kwargs["default"])
        return domain.polyfill(polyfill, iterable, key)

    return known(function, rule)


def _sum(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    bound = Parameters(1, {"start": 0}).bind(domain, args, kwargs)
    if bound is None:
        return refuse(domain, sum, args, kwargs)
    items, start = domain.sequence(bound[0]), plain(domain, bound[1])
    if type(start) not in NUMBERS:
        return domain.polyfill(polyfills.sum_, *bound)
    if items is None:
        return domain.polyfill(polyfills.sum_of_iterator, *bound)
    # Floats in a row are added as Python does it (since 3.12 with compensation), up to the first other value.
    split = next((at for at, item in enumerate(items) if plain_type(item) not in NUMBERS), len(items))
    total = evaluate(domain, sum, [plain(domain, item) for item in items[:split]], start)
    if split == len(items) or not isinstance(total, Value):
        return total
    rest = domain.build_tuple(items[split:])
    return domain.polyfill(polyfills.sum_, rest.value, total.value) if isinstance(rest, Value) else rest


def plain_type(variable: Variable) -> type | None:
    """Return the type of a constant, else None."""
    return variable.cls if isinstance(variable, ConstantVariable) else None


def _order(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    bound = Parameters(1, keywords={"key": None, "reverse": False}).bind(domain, args, kwargs)
    return refuse(domain, sorted, args, kwargs) if bound is None else domain.polyfill(polyfills.sorted_, *bound)


def _combined(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    cls, function, packed, strict = args
    iterators = domain.sequence(packed)
    assert isinstance(cls, ReferenceVariable)
    assert isinstance(strict, ConstantVariable)
    assert iterators is not None
    part = None if cls.value is zip else function
    return Value(combined(cls.value, part, iterators, strict=strict.value))


def _enumerated(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    iterator, number = args
    assert isinstance(number, ConstantVariable)
    return Value(EnumerateVariable(iterator, number.value))


def _reversed(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return refuse(domain, reversed, args, kwargs)
    cls = args[0].python_type()
    found = [namespace_of(base)["__reversed__"] for base in mro_of(cls) if "__reversed__" in namespace_of(base)]
    if found and found[0] is not None:
        bound = domain.special_method(args[0], "__reversed__")
        return domain.call(context.frame, bound.value, (), {}) if isinstance(bound, Value) else bound
    has_items = any("__getitem__" in namespace_of(base) for base in mro_of(cls))
    if found or not has_items or issubclass(cls, dict):
        return domain.raise_error(TypeError, f"{name_of(cls)!r} object is not reversible")
    return domain.polyfill(iterators.backwards, args[0])


RULES: Final[Mapping[Any, FunctionRule]] = {
    all: polyfilled(all, polyfills.all_, Parameters(1)),
    any: polyfilled(any, polyfills.any_, Parameters(1)),
    sum: _sum,
    min: _extreme(min, polyfills.min_, polyfills.min_or),
    max: _extreme(max, polyfills.max_, polyfills.max_or),
    sorted: known(sorted, _order),
    iter: _iter,
    reversed: _reversed,
    polyfills.combined: _combined,
    polyfills.enumerated: _enumerated,
    next: _next,
}
"""The rules, by function."""
