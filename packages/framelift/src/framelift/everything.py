"""What concerns all lifted functions of the process at once: `reset`, and the stance that `set_stance` takes.

It is the one place that knows of them all, by weak references, and only for this: a capture neither reads nor changes
anything here, and a call that a specialisation fits never comes by.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from framelift_guards import ForkSafeLock
from framelift_guards.plain import show

from .errors import ConfigurationError

__all__ = ["STANCES", "Everything", "current_stance", "everything", "reset", "set_stance"]

STANCES = ("default", "force_eager", "eager_on_recompile", "fail_on_recompile")
"""The stances; torch's others decide how something is compiled, which is `compile`'s affair here."""


class LiftedThing(Protocol):
    """What is asked of a lifted function or module."""

    def clear(self) -> None:
        """Forget all captures."""

    def suspend(self, suspended: bool) -> None:
        """Let calls run eagerly from now on, or captured again."""


class Everything:
    """The lifted functions and modules that are alive, and the stance towards them."""

    def __init__(self) -> None:
        self.stance = "default"
        self._lock = ForkSafeLock()
        self._things: weakref.WeakSet[LiftedThing] = weakref.WeakSet()

    def add(self, thing: LiftedThing) -> None:
        """Know of one more for as long as it lives."""
        with self._lock.held():
            self._things.add(thing)
        thing.suspend(self.stance == "force_eager")

    def all(self) -> list[LiftedThing]:
        """Return those that are alive."""
        with self._lock.held():
            return list(self._things)

    def take(self, stance: str) -> None:
        """Take a stance."""
        self.stance = stance
        for thing in self.all():
            thing.suspend(stance == "force_eager")


everything = Everything()


def current_stance() -> str:
    """Return the stance that holds: framelift's, or else torch's, where the program has imported `torch._dynamo`."""
    if everything.stance != "default":
        return everything.stance
    frames = sys.modules.get("torch._dynamo.eval_frame")
    stance = getattr(getattr(frames, "_stance", None), "stance", "default")
    return stance if stance in STANCES else "default"


def reset() -> None:
    """Forget every capture of every lifted function and module: their next calls capture again.

    Calls that are under way finish with what they started. Nothing is kept alive for the sake of this function.

    >>> import framelift, torch
    >>> f = framelift.compile(lambda x: x + 1, backend="eager")
    >>> _ = f(torch.ones(2))
    >>> framelift.reset()
    >>> f.framelift.specialisations
    []
    """
    for thing in everything.all():
        thing.clear()


class set_stance:  # noqa: N801 - the name that users of torch.compiler know
    """Change how lifted functions are run: at once, in a `with` block, or in a function that it decorates.

    It holds for all threads of the process, as with `torch.compiler.set_stance`, and costs calls nothing while it is
    `"default"`. torch's own stance is honoured where something would be captured; what is captured already runs.

    Args:
        stance: `"default"`: capture, and run what is captured; `"force_eager"`: run everything as it is;
            `"eager_on_recompile"`: run what is captured, and all else as it is; `"fail_on_recompile"`: run what is
            captured, and raise `RecompilationError` where something would have to be.

    Raises:
        ConfigurationError: there is no such stance.

    >>> import framelift, torch
    >>> f = framelift.compile(lambda x: x + 1, backend="eager")
    >>> with framelift.set_stance("force_eager"):
    ...     _ = f(torch.ones(2))
    >>> f.framelift.specialisations
    []
    """

    def __init__(self, stance: str = "default", **unsupported: Any) -> None:
        if unsupported:
            raise ConfigurationError(
                f"set_stance({next(iter(unsupported))}=)", "is torch.compile's", show(next(iter(unsupported.values()))),
                "give compile(backend=) the backend; guards are always checked",
            )  # fmt: skip
        if stance not in STANCES:
            raise ConfigurationError(
                "set_stance(stance)", f"must be one of {', '.join(STANCES)}", show(stance), "choose one of them"
            )
        self._stance = stance
        self._before = everything.stance
        everything.take(stance)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs `function` in this stance."""
        everything.take(self._before)
        stance = self._stance

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with set_stance(stance):
                return function(*args, **kwargs)

        return inside

    def __enter__(self) -> None:
        everything.take(self._stance)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        everything.take(self._before)
