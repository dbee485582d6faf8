"""A predicate that the user wrote: any function of the value."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Self

from ..codegen import Builder
from ..declared import must_be
from ..plain import show
from ..source import Scope
from .base import Predicate


class PredicateError(Exception):
    """A predicate of the user's raised; what it raised is the cause.

    >>> try:
    ...     Satisfies(lambda n: 1 / n, text="invertible").check(0, Scope({}))
    ... except PredicateError as error:
    ...     print(error, "|", repr(error.__cause__))
    the predicate 'invertible' of a guard must answer for <int> 0, but raised ZeroDivisionError | \
ZeroDivisionError('division by zero')
    """


@dataclass(frozen=True, eq=False, repr=False)
class Satisfies(Predicate):
    """A function of the user's answers for the value as it did before: it is true of it, or not.

    It runs at each call, after every other guard of the specialisation was found to hold, so it sees only values like
    the one that was captured; it must be free of side effects. What it raises is an error (`PredicateError`), never a
    miss. It is held strongly, with all that it refers to.

    Args:
        function: takes the value; its result is tested for truth.
        text: what to call it in messages; the function's name and line when left out.
        answer: what it must answer.

    >>> def is_even(n):
    ...     return n % 2 == 0
    >>> from framelift_guards import Guard, LocalSource
    >>> even = Guard(LocalSource("n"), Satisfies(is_even, text="is_even"))
    >>> print(even, "|", even.failure(Scope({"n": 3})).reason)
    is_even(L['n']) | n satisfied is_even, now it is 3
    """

    kind = "LAMBDA_GUARD"
    runs_user_code = True

    function: Callable[[object], object]
    text: str
    place: str
    answer: bool

    def __init__(self, function: Callable[..., object], text: str | None = None, *, answer: bool = True) -> None:
        if not callable(function):
            raise TypeError(f"Satisfies needs a function of the value, not {show(function)}; pass a callable")
        if text is not None and type(text) is not str:
            raise TypeError(must_be("Satisfies.text", "str | None", text))
        if type(answer) is not bool:
            raise TypeError(must_be("Satisfies.answer", "bool", answer))
        object.__setattr__(self, "function", function)
        name, place = _label(function) if text is None else (text, "")
        object.__setattr__(self, "text", name)
        object.__setattr__(self, "place", place)
        object.__setattr__(self, "answer", answer)

    def ingredients(self) -> None:
        return None

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        raise TypeError("Satisfies calls a function of the user's, which no data stands for")

    def _parts(self) -> tuple[Hashable, ...]:
        function = self.function
        if type(function) is types.MethodType:  # made anew by each `instance.method`
            return id(function.__self__), id(function.__func__), self.answer
        return id(function), self.answer

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds(value)

    def holds(self, value: object) -> bool:
        """Ask the function, and tell whether its answer is the one that it must give.

        Raises:
            PredicateError: it raised.
        """
        try:
            answer = bool(self.function(value))
        except Exception as error:
            kind = type.__getattribute__(type(value), "__qualname__")
            shown = show(value)
            what = shown if shown.startswith("<") else f"<{kind}> {shown}"
            subject = f"the predicate {self.text!r}{self.place} of a guard"
            raise PredicateError(f"{subject} must answer for {what}, but raised {type(error).__name__}") from error
        return answer is self.answer

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.Call(builder.constant(self.holds, "satisfies"), [value], [])

    def describe(self, name: str) -> str:
        return f"{'' if self.answer else 'not '}{self.text}({name}){self.place}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.holds(value):
            return None
        did = "satisfied" if self.answer else "did not satisfy"
        return f"{name} {did} {self.text}{self.place}, now it is {show(value)}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        answer = "satisfies" if self.answer else "does not satisfy"
        return f"pass a value that {answer} {self.text}, or lift a function for each answer"


def _label(function: object) -> tuple[str, str]:
    plain = function.__func__ if type(function) is types.MethodType else function
    if type(plain) is not types.FunctionType:
        name = getattr(plain, "__qualname__", None)
        return name if type(name) is str else type.__getattribute__(type(plain), "__qualname__"), ""
    code = plain.__code__
    return plain.__name__, f" ({PurePath(code.co_filename).name}:{code.co_firstlineno})"
