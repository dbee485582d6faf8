"""Recompilations as data: what missed, why each specialisation that was there did not fit, and when."""

from __future__ import annotations

import collections
import dataclasses
import math
import re
from collections.abc import Sequence

from framelift_guards import AttributeSource, Equals, Failure, GlobalSource, InstanceDictSource

__all__ = ["Recompilation", "Trend", "advised", "trend"]


@dataclasses.dataclass(frozen=True, slots=True)
class Recompilation:
    """One capture of an entry point that had specialisations already, none of which fitted the call.

    Args:
        name: the entry point: the function, or its continuation after a break.
        where: the user's file and line of it.
        number: how many specialisations there were before.
        failures: the first guard that failed in each of those, in the order in which they were tried: the guard with
            its source, predicate and user line, what was expected and found, and a remedy where there is one.

    >>> import framelift, torch
    >>> f = framelift.compile(lambda x: x + 1, backend="eager", dynamic=False)
    >>> _ = f(torch.ones(2)), f(torch.ones(3))
    >>> (once,) = f.framelift.recompilations
    >>> print(once)
    recompiled <lambda>: x.size(0) was 2, is 3 (<doctest framelift.recompilation.Recompilation[1]>:1 relies on it); mark_dynamic(x, 0) would avoid this
    """  # noqa: E501 - the line that a user sees

    name: str
    where: tuple[str, int] | None
    number: int
    failures: tuple[Failure, ...]

    @property
    def failure(self) -> Failure | None:
        """Why the specialisation that was made last did not fit: what changed since."""
        return self.failures[-1] if self.failures else None

    def __str__(self) -> str:
        why = "another thread was faster" if self.failure is None else str(self.failure)
        return f"recompiled {self.name}: {why}"


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """What kept failing, over all recompilations of an entry point.

    Args:
        failure: the last of the failures that were alike.
        count: how many of the misses were alike.
        misses: how many misses there were.
        values: what was expected or found, oldest first, as text; empty where the guard is not about one value.
    """

    failure: Failure
    count: int
    misses: int
    values: tuple[str, ...]

    def __str__(self) -> str:
        line = self.failure.guard.user_line
        if len(self.values) > 1:
            *earlier, last = self.values
            text = f"{_subject(self.failure)} was {', '.join(_shortened(earlier))}, and is {last}"
        else:
            text = self.failure.reason
        relies = "" if line is None else f" ({line} {line.use})"
        return f"{text}{relies}, in {self.count} of {self.misses} misses"

    def remedy(self, *, dynamic: bool | None) -> str:
        """Return what to change.

        Args:
            dynamic: what `compile` was asked.
        """
        if dynamic is False and _is_size(self.failure):
            return _NOT_STATIC  # one mark helps for one size: here many may vary
        return self.failure.remedy or "pass fewer different values"


def advised(failure: Failure, dynamic: bool | None) -> Failure:
    """Return a failure with the remedy that helps in what was compiled with `dynamic`.

    The guards know values; that a number or a size may become symbolic, and where from, is known here.

    >>> from framelift_guards import Equals, Guard, LocalSource, Scope
    >>> failure = Guard(LocalSource("n"), Equals(3)).failure(Scope({"n": 4}))
    >>> print(advised(failure, None).remedy)
    dynamic=True would make it symbolic from the first call on
    """
    source = failure.guard.source
    if source is None or not _is_number(failure):
        return failure
    if dynamic is False:
        at = ", when it is passed as an argument" if _is_held(failure) else ""
        return dataclasses.replace(failure, remedy=f"{_NOT_STATIC}{at}")
    if _is_held(failure):
        return dataclasses.replace(failure, remedy=f"pass the number as an argument, or keep it in a tensor{_CONSTANT}")
    if isinstance(source.root, GlobalSource):
        remedy = "pass the number as an argument: under dynamic=True that is symbolic from the first call on"
        return dataclasses.replace(failure, remedy=remedy)
    if dynamic is True or not math.isfinite(failure.guard.predicate.expected):  # type: ignore[attr-defined]
        return failure
    return dataclasses.replace(failure, remedy="dynamic=True would make it symbolic from the first call on")


_CONSTANT = ": one that a module holds is a constant"
_NOT_STATIC = "leave dynamic=False out: what varies becomes symbolic"


def _is_number(failure: Failure) -> bool:
    """Tell whether a number was found where another of its type was expected."""
    predicate = failure.guard.predicate
    if not isinstance(predicate, Equals) or type(predicate.expected) not in (int, float):
        return False
    return " of type " not in failure.reason


def _is_held(failure: Failure) -> bool:
    """Tell whether an object holds the number, rather than a variable or a container."""
    source = failure.guard.source
    return source is not None and any(
        isinstance(step, InstanceDictSource | AttributeSource) for step in source.ancestors()
    )


def _is_size(failure: Failure) -> bool:
    return failure.guard.kind == "TENSOR_MATCH" and ".size(" in failure.reason


def trend(recompilations: Sequence[Recompilation]) -> Trend | None:
    """Return what failed most often; None where nothing did.

    >>> trend([]) is None
    True
    """
    failed = [failure for one in recompilations for failure in one.failures]
    if not failed:
        return None
    (subject, _), *_ = collections.Counter(map(_subject, failed)).most_common(1)
    alike = [failure for failure in failed if _subject(failure) == subject]
    count = sum(any(_subject(failure) == subject for failure in one.failures) for one in recompilations)
    values = [text for failure in alike for text in _values(failure)]
    newest = [] if not values else [values[-1]]
    values = [*[text for text in dict.fromkeys(values) if text not in newest], *newest]
    return Trend(alike[-1], count, len(recompilations), tuple(values))


_WAS_IS = re.compile(r"(?P<subject>.*?) was (?P<expected>.*), is (?P<found>.*)", re.DOTALL)
_HELD = re.compile(r".* held, now (?P<subject>.*?) is (?P<found>.*)", re.DOTALL)
_SIZE = re.compile(r"\.(size|stride)\(\)\[(\d+)\]")


def _subject(failure: Failure) -> str:
    """Return what a failure is about: a value, however it was compared; or the guard where it is not about one."""
    found = _WAS_IS.fullmatch(failure.reason)
    sources = failure.guard.predicate.sources
    if found is None and len(sources) == 1:
        return _SIZE.sub(r".\1(\2)", sources[0].name)
    return str(failure.guard) if found is None else found["subject"]


def _values(failure: Failure) -> list[str]:
    found = _WAS_IS.fullmatch(failure.reason)
    if found is not None:
        return [found["expected"], found["found"]]
    found = _HELD.fullmatch(failure.reason) if len(failure.guard.predicate.sources) == 1 else None
    return [] if found is None else [found["found"]]


def _shortened(values: list[str], most: int = 8) -> list[str]:
    return values if len(values) <= most else [*values[: most - 1], f"{len(values) - most + 1} others"]
