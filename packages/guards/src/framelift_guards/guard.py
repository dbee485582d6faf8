"""Guards: a source, a predicate, and the user's line that caused it; and ordered sets of them."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from framelift_guards.declared import must_be, require_declared
from framelift_guards.interruption import is_interruption
from framelift_guards.plain import show
from framelift_guards.predicates import Predicate, PredicateError
from framelift_guards.predicates.base import kept
from framelift_guards.serialisation import guards_from_json, guards_to_json
from framelift_guards.source import Scope, Source


@dataclass(frozen=True)
class UserLine:
    """The line of the user's program that made a guard necessary.

    Args:
        filename: path of the file.
        line: line number, from 1.
        function: name of the function.
        text: the line itself, if known.
        use: what the line does with the guarded value, as a clause. Lines that differ only in this are equal.

    >>> str(UserLine("/home/me/model.py", 31, "forward"))
    'model.py:31'
    """

    filename: str
    line: int
    function: str = ""
    text: str = ""
    use: str = field(default="relies on it", compare=False)

    def __post_init__(self) -> None:
        require_declared(self)

    def __str__(self) -> str:
        return f"{PurePath(self.filename).name}:{self.line}"


@dataclass(frozen=True)
class Guard:
    """A predicate over a source, with the line of the user's program that caused it.

    Args:
        source: where the value comes from; ``None`` for a guard on global state.
        predicate: what must hold.
        user_line: who needs it. Guards that differ only in this are equal.

    >>> from framelift_guards import Equals, LocalSource
    >>> print(Guard(LocalSource("n"), Equals(3)))
    L['n'] == 3
    """

    source: Source | None
    predicate: Predicate
    user_line: UserLine | None = None

    def __post_init__(self) -> None:
        require_declared(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Guard):
            return NotImplemented
        return self.source == other.source and self.predicate == other.predicate

    def __hash__(self) -> int:
        return hash((self.source, self.predicate))

    @property
    def kind(self) -> str:
        """The kind of the guard: ``TYPE_MATCH``, ``TENSOR_MATCH``, and so on."""
        return self.predicate.kind

    @property
    def name(self) -> str:
        """The name of the source; empty for a guard without one."""
        return "" if self.source is None else self.source.name

    @property
    def spelling(self) -> str:
        """The source as the user's program writes it; empty for a guard without one."""
        return "" if self.source is None else self.source.spelling

    def check(self, scope: Scope) -> bool:
        """Tell whether the guard holds; it does not when its source cannot be fetched.

        Raises:
            PredicateError: a predicate of the user's raised.
        """
        try:
            return self.predicate.check(None if self.source is None else self.source.fetch(scope), scope)
        except PredicateError:
            raise
        except Exception as error:
            if is_interruption(error):
                raise
            return False

    def failure(self, scope: Scope) -> Failure | None:
        """Return why the guard does not hold, or ``None`` when it does."""
        remedy = None
        try:
            value = None if self.source is None else self.source.fetch(scope)
            reason = self.predicate.explain(self.spelling, value, scope)
            if reason is not None:
                remedy = self.predicate.remedy(self.spelling, value, scope)
        except Exception as error:
            if is_interruption(error):
                raise
            reason = f"{self.predicate.describe(self.spelling)} held, now it cannot be checked: {_error_text(error)}"
            remedy = kept(self.spelling) if self.spelling else None
        return None if reason is None else Failure(self, reason, remedy)

    def __str__(self) -> str:
        return self.predicate.describe(self.name)


@dataclass(frozen=True)
class Failure:
    """Why a guard failed: expected, found, the user's line and a remedy, in one line of text."""

    guard: Guard
    reason: str
    remedy: str | None = None

    def __str__(self) -> str:
        line = "" if self.guard.user_line is None else f" ({self.guard.user_line} {self.guard.user_line.use})"
        remedy = "" if self.remedy is None else f"; {self.remedy}"
        return " ".join(f"{self.reason}{line}{remedy}".splitlines())


class GuardSet:
    """Guards in the order in which they were added, each once; those that run a user's function come last.

    >>> from framelift_guards import Equals, LocalSource
    >>> guards = GuardSet([Guard(LocalSource("n"), Equals(3), UserLine("model.py", 7))])
    >>> print(guards.first_failure(Scope({"n": 4})))
    n was 3, is 4 (model.py:7 relies on it); keep n as it was between calls
    """

    def __init__(self, guards: Iterable[Guard] = ()) -> None:
        self._guards: dict[Guard, Guard] = {}
        self._last: dict[Guard, Guard] = {}
        for guard in guards:
            self.add(guard)

    def add(self, guard: Guard) -> bool:
        """Add a guard, and tell whether it was new; of equal guards the first one's line is kept."""
        if not issubclass(type(guard), Guard):
            raise TypeError(must_be("an item of a GuardSet", "Guard", guard))
        guards = self._last if guard.predicate.runs_user_code else self._guards
        if guard in guards:
            return False
        guards[guard] = guard
        return True

    def check(self, scope: Scope) -> bool:
        """Tell whether all guards hold."""
        return all(guard.check(scope) for guard in self)

    def first_failure(self, scope: Scope) -> Failure | None:
        """Return why the first guard that fails does so, or ``None`` when all hold."""
        for guard in self:
            failure = guard.failure(scope)
            if failure is not None:
                return failure
        return None

    def to_json(self, function: types.FunctionType | None = None) -> str:
        """Return the guards as JSON: values, shapes and types as they are called, code by its hash; no pickle.

        Args:
            function: the function that is guarded, for guards on its free variables.

        Raises:
            NotSerialisable: a guard is about an object that only its identity tells, or calls a function of the
                user's; the error has the guard, the object and why.

        >>> from framelift_guards import Equals, LocalSource, TypeIs
        >>> guards = GuardSet([Guard(LocalSource("n"), TypeIs(int)), Guard(LocalSource("n"), Equals(3))])
        >>> GuardSet.from_json(guards.to_json()) == guards
        True
        """
        return guards_to_json(self, function)

    @classmethod
    def from_json(cls, text: str, function: types.FunctionType | None = None) -> GuardSet:
        """Return the guards that :meth:`to_json` wrote, in this process or another.

        Classes and functions are found by name in modules that have been imported; nothing is imported, and nothing
        that the text names is called, but functions that are marked as readers, and a few of Python's that compute.

        Args:
            text: the JSON.
            function: the function that is guarded, for guards on its free variables.

        Raises:
            UnreadableGuards: the text is not that, or it is about what does not exist here.
        """
        return cls(guards_from_json(text, Guard, UserLine, function))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GuardSet):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Guard]:
        yield from self._guards
        yield from self._last

    def __len__(self) -> int:
        return len(self._guards) + len(self._last)

    def __contains__(self, guard: object) -> bool:
        return guard in self._guards or guard in self._last


def _error_text(error: Exception) -> str:
    # Printing an exception may run the user's code: its arguments are shown as values are.
    return f"{type(error).__name__}({', '.join(show(argument) for argument in error.args)})"
