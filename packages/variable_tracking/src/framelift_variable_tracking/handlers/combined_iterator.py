"""`zip`, `enumerate`, `map` and `filter`: iterators of iterators.

What they know is their inner iterators (and enumerate's number), so that a new one is made again as CPython makes it.
An existing one shows its parts by `__reduce__`. Those that call the user's code advance in a polyfill's frame, so that
a break in the middle loses nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from framelift_bytecode_interp import Enter, Value
from framelift_guards import CallSource, Equals, Source, TupleItemSource, TypeIs

from ..effects import expression
from ..emitter import Emitter
from ..evaluation import native_error
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import iteration as polyfills
from ..variable import ConstantVariable, Variable
from .container import changed
from .iterator import IteratorHandler, IteratorVariable


def parts_of(iterator: Any) -> tuple[Any, ...]:
    """Return what an iterator was made of, each inner iterator at its present position.

    >>> inner = iter([1])
    >>> parts_of(zip(inner))[0] is inner
    True
    """
    return tuple(iterator.__reduce__()[1])


def shape_of(iterator: Any) -> tuple[int, bool]:
    """Return the number of parts, and whether it is a strict zip."""
    state = iterator.__reduce__()
    return len(state[1]), len(state) > 2


def advance(iterator: Any, steps: int) -> None:
    """Take items from an iterator."""
    for _ in range(steps):
        next(iterator, None)


class CombinedIteratorVariable(IteratorVariable):
    """A zip, map or filter.

    Args:
        cls: its type.
        iterators: the inner iterators.
        function: of map and filter.
        strict: of zip.
    """

    __slots__ = ("function", "iterators", "strict")

    def __init__(
        self,
        cls: type,
        iterators: tuple[Variable, ...],
        function: Variable | None = None,
        *,
        strict: bool = False,
        source: Source | None = None,
    ) -> None:
        self.cls = cls
        self.source = source
        self.iterators = iterators
        self.function = function
        self.strict = strict


class EnumerateVariable(IteratorVariable):
    """An enumerate.

    Args:
        iterator: the inner iterator.
        number: the next number.
        steps: how many items were taken from an existing one.
    """

    __slots__ = ("iterator", "number", "steps")

    def __init__(self, iterator: Variable, number: int, source: Source | None = None) -> None:
        self.cls = enumerate
        self.source = source
        self.iterator = iterator
        self.number = number
        self.steps = 0


def _immediate(domain: Tracking, variable: Variable) -> bool:
    handler = domain.handler_of(variable)
    return isinstance(handler, IteratorHandler) and handler.immediate(domain, variable)


def combined(cls: type, function: Variable | None, iterators: Sequence[Variable], *, strict: bool) -> Variable:
    """Return the variable of `cls(*iterators)`; its parts are iterators already."""
    return CombinedIteratorVariable(cls, tuple(iterators), function, strict=strict)


def _iterators(domain: Tracking, iterables: Sequence[Variable]) -> list[Variable] | Answer | None:
    """Return `iter` of each, or what stopped it; None when a frame has to be entered for one."""
    found: list[Variable] = []
    for iterable in iterables:
        answer = domain.get_iter(iterable)
        if isinstance(answer, Enter):
            return None
        if not isinstance(answer, Value):
            return answer
        found.append(answer.value)
    return found


def _words(domain: Tracking, function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Answer:
    """Raise the TypeError of a call with wrong arguments, in CPython's words."""
    try:
        function(*[() for _ in args], **dict.fromkeys(kwargs, ()))
    except TypeError as error:
        if not kwargs or "keyword argument" in str(error):
            return native_error(domain, error)
    return domain.unsupported(Variable(type(function)), "construction")


class CombinedIteratorHandler(IteratorHandler):
    """zip, map and filter."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        domain.guard(source, TypeIs(cls))
        shape = shape_of(value)
        domain.guard(CallSource(shape_of, source, ".__reduce__()"), Equals(shape))
        base = CallSource(parts_of, source, ".__reduce__()[1]")
        parts = [domain.wrap(part, TupleItemSource(base, at)) for at, part in enumerate(parts_of(value))]
        if cls is zip:
            return CombinedIteratorVariable(cls, tuple(parts), strict=shape[1], source=source)
        return CombinedIteratorVariable(cls, tuple(parts[1:]), parts[0], source=source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        strict = False
        if cls is zip and kwargs.keys() == {"strict"}:
            truth = domain.truth(kwargs["strict"])
            if not isinstance(truth, Value):
                return domain.unsupported(kwargs["strict"], "use as zip's strict")
            strict = bool(truth.value)
        elif kwargs:
            return _words(domain, cls, args, kwargs)
        if (cls is map and len(args) < 2) or (cls is filter and len(args) != 2):
            return _words(domain, cls, args, kwargs)
        function, iterables = (None, args) if cls is zip else (args[0], args[1:])
        found = _iterators(domain, iterables)
        if found is None:
            packed = domain.build_tuple(iterables)
            if not isinstance(packed, Value):
                return packed
            part = ConstantVariable(None) if function is None else function
            return domain.polyfill(
                polyfills.combine, domain.reference(cls), part, packed.value, ConstantVariable(strict)
            )
        return Value(combined(cls, function, found, strict=strict)) if isinstance(found, list) else found

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return (
            isinstance(variable, CombinedIteratorVariable)
            and variable.cls is zip
            and not variable.strict
            and bool(variable.iterators)
            and all(_immediate(domain, iterator) for iterator in variable.iterators)
        )

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, CombinedIteratorVariable):
            return super().next(domain, variable)
        if not variable.iterators:
            return domain.raise_error(StopIteration)
        if self.immediate(domain, variable):
            items: list[Variable] = []
            for iterator in variable.iterators:
                answer = domain.next(iterator)
                if not isinstance(answer, Value):
                    return answer
                items.append(answer.value)
            return domain.build_tuple(items)
        iterators = domain.build_tuple(variable.iterators)
        if not isinstance(iterators, Value):
            return iterators
        if variable.function is None:
            polyfill = polyfills.zip_next_strict if variable.strict else polyfills.zip_next
            return domain.polyfill(polyfill, iterators.value)
        if variable.cls is filter:
            return domain.polyfill(polyfills.filter_next, variable.function, variable.iterators[0])
        return domain.polyfill(polyfills.map_next, variable.function, iterators.value)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, CombinedIteratorVariable)
        parts = variable.iterators if variable.function is None else (variable.function, *variable.iterators)
        call = emitter.call(variable.cls, *map(emitter.value, parts))
        if variable.strict:
            call.keywords.append(ast.keyword("strict", emitter.constant(value=True)))
        return call


class EnumerateHandler(IteratorHandler):
    """enumerate."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(enumerate))
        base = CallSource(parts_of, source, ".__reduce__()[1]")
        iterator, number = parts_of(value)
        domain.guard(TupleItemSource(base, 1), Equals(number))
        return EnumerateVariable(domain.wrap(iterator, TupleItemSource(base, 0)), number, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        given = (*args, *[kwargs[name] for name in ("iterable", "start")[len(args) :] if name in kwargs])
        if not 1 <= len(given) <= 2 or len(given) != len(args) + len(kwargs):
            return _words(domain, cls, args, kwargs)
        start = given[1] if len(given) == 2 else ConstantVariable(0)
        number = start.value if isinstance(start, ConstantVariable) else domain.recorder.as_index(start)
        if not isinstance(number, int):
            return domain.unsupported(start, "use as the start of enumerate")
        found = _iterators(domain, given[:1])
        if found is None:
            return domain.polyfill(polyfills.enumerate_, given[0], ConstantVariable(int(number)))
        return Value(EnumerateVariable(found[0], int(number))) if isinstance(found, list) else found

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, EnumerateVariable) and _immediate(domain, variable.iterator)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, EnumerateVariable):
            return super().next(domain, variable)
        if variable.source is not None and not self.immediate(domain, variable):
            # Advancing it for real takes an item of its inner iterator, whose code would then run twice.
            return domain.unsupported(variable, "next() of an existing enumerate of an iterator with code of its own")
        # An existing enumerate is advanced before its inner iterator is put at a position, so it is recorded first.
        changed(domain, variable)
        number = ConstantVariable(variable.number)
        if self.immediate(domain, variable):
            answer = domain.next(variable.iterator)
            if not isinstance(answer, Value):
                return answer
            self._advance(variable)
            return domain.build_tuple([number, answer.value])
        self._advance(variable)
        return domain.polyfill(polyfills.enumerate_next, variable.iterator, number)

    @staticmethod
    def _advance(variable: EnumerateVariable) -> None:
        variable.number += 1
        variable.steps += 1

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, EnumerateVariable)
        number = emitter.constant(variable.number, "start")
        return emitter.call(enumerate, emitter.value(variable.iterator), number)

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, EnumerateVariable)
        steps = emitter.constant(variable.steps, "steps")
        emitter.effect(expression(emitter.call(advance, emitter.value(variable), steps)))


HANDLERS = {**dict.fromkeys((zip, map, filter), CombinedIteratorHandler()), enumerate: EnumerateHandler()}
