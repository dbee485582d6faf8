"""Binding the arguments of a call to a frame's locals, with CPython's errors (Python/ceval.c, initialize_locals)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .domain import Domain
from .frame import UNBOUND
from .instruction import Code
from .outcome import Raise, Result, Value

V = TypeVar("V")


def bind_arguments(
    domain: Domain[V],
    code: Code,
    defaults: Sequence[V],
    kwdefaults: Mapping[str, V],
    args: Sequence[V],
    kwargs: Mapping[str, V],
    name: str | None = None,
) -> Result[Any]:
    """Make the locals of a new frame.

    Args:
        domain: makes the tuple of `*args`, the dict of `**kwargs`, and TypeErrors.
        code: of the function.
        defaults: of the last positional parameters.
        kwdefaults: of keyword-only parameters.
        args: positional arguments.
        kwargs: keyword arguments, in order.
        name: the function's, for errors; by default its code's qualified name.

    Returns:
        `Value` of the list of locals, cells not made yet, or `Raise` of the TypeError that CPython words.
    """
    if len(args) == code.positional and not kwargs:
        return Value([*args, *code.unbound])
    slots: list[Any] = [UNBOUND] * len(code.slot_names)
    return _bind(domain, code, name or code.raw.co_qualname, slots, defaults, kwdefaults, args, kwargs)


def _bind(
    domain: Domain[V],
    code: Code,
    name: str,
    slots: list[Any],
    defaults: Sequence[V],
    kwdefaults: Mapping[str, V],
    args: Sequence[V],
    kwargs: Mapping[str, V],
) -> Result[Any]:
    raw = code.raw
    count, named = raw.co_argcount, raw.co_argcount + raw.co_kwonlyargcount
    given = min(len(args), count)
    slots[:given] = args[:given]
    if raw.co_flags & inspect.CO_VARARGS:
        packed = domain.build_tuple(list(args[count:]))
        if not isinstance(packed, Value):
            return packed
        slots[named] = packed.value
    problem, extra = _bind_keywords(code, slots, kwargs)
    if raw.co_flags & inspect.CO_VARKEYWORDS and problem is None:
        built = domain.build_map([domain.constant(key) for key in extra], list(extra.values()))
        if not isinstance(built, Value):
            return built
        slots[named + bool(raw.co_flags & inspect.CO_VARARGS)] = built.value
    if problem is None and len(args) > count and not raw.co_flags & inspect.CO_VARARGS:
        problem = _too_many(code, slots, len(args), len(defaults))
    if problem is None:
        required = count - len(defaults)
        problem = _missing("positional", [code.slot_names[i] for i in range(required) if slots[i] is UNBOUND])
        for at in range(max(required, 0), count):
            if slots[at] is UNBOUND:
                slots[at] = defaults[at - required]
    if problem is None:
        for at in range(count, named):
            if slots[at] is UNBOUND:
                slots[at] = kwdefaults.get(code.slot_names[at], UNBOUND)
        problem = _missing("keyword-only", [code.slot_names[i] for i in range(count, named) if slots[i] is UNBOUND])
    if problem is not None:
        return Raise(domain.new_exception(TypeError, f"{name}() {problem}"))
    return Value(slots)


def _bind_keywords(code: Code, slots: list[Any], kwargs: Mapping[str, V]) -> tuple[str | None, dict[str, V]]:
    """Store keyword arguments; the problem, if there is one, and those that no parameter takes."""
    raw = code.raw
    named = raw.co_argcount + raw.co_kwonlyargcount
    by_keyword = {code.slot_names[at]: at for at in range(raw.co_posonlyargcount, named)}
    collects = raw.co_flags & inspect.CO_VARKEYWORDS
    extra: dict[str, V] = {}
    for keyword, value in kwargs.items():
        at = by_keyword.get(keyword)
        if at is not None:
            if slots[at] is not UNBOUND:
                return f"got multiple values for argument '{keyword}'", extra
            slots[at] = value
        elif collects:
            extra[keyword] = value
        else:
            positional = [other for other in code.slot_names[: raw.co_posonlyargcount] if other in kwargs]
            if positional:
                listed = ", ".join(positional)
                return f"got some positional-only arguments passed as keyword arguments: '{listed}'", extra
            return f"got an unexpected keyword argument '{keyword}'", extra
    return None, extra


def _too_many(code: Code, slots: list[Any], given: int, defaults: int) -> str:
    raw = code.raw
    count = raw.co_argcount
    keyword_only = sum(slots[at] is not UNBOUND for at in range(count, count + raw.co_kwonlyargcount))
    takes = f"from {count - defaults} to {count}" if defaults else f"{count}"
    plural = "s" if defaults or count != 1 else ""
    if keyword_only:
        given_plural, keyword_plural = "s" if given != 1 else "", "s" if keyword_only != 1 else ""
        were = (
            f"{given} positional argument{given_plural} (and {keyword_only} keyword-only argument{keyword_plural}) were"
        )
    else:
        were = f"{given} was" if given == 1 else f"{given} were"
    return f"takes {takes} positional argument{plural} but {were} given"


def _missing(kind: str, names: list[str]) -> str | None:
    if not names:
        return None
    quoted = [f"'{missing}'" for missing in names]
    if len(quoted) == 1:
        listed = quoted[0]
    elif len(quoted) == 2:
        listed = " and ".join(quoted)
    else:
        listed = f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return f"missing {len(quoted)} required {kind} argument{'s' if len(quoted) > 1 else ''}: {listed}"
