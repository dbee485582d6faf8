"""What checking a guard costs, measured on the code that is generated for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

from framelift_guards.dispatcher import Dispatcher
from framelift_guards.guard import Guard

__all__ = ["check_cost", "check_costs"]

_CALLS, _ROUNDS = 100, 5


def check_costs(guards: Iterable[Guard], arguments: Mapping[str, object]) -> list[float | None]:
    """Return what each guard's check costs by itself, in seconds: to fetch the value, and to look at it.

    Guards that are checked together share steps of their sources, so together they cost less than the sum; see
    `check_cost`. The figures are minima of several rounds, and mean something only beside each other.

    Args:
        guards: the guards; they hold of these arguments.
        arguments: the function's parameters by name.

    Returns:
        Seconds in the order of the guards; ``None`` for a guard that does not hold or cannot be checked here, and for
        one that runs a function of the user's, which is not to be called for the sake of a measurement.

    >>> from framelift_guards import Equals, LocalSource
    >>> (cost,) = check_costs([Guard(LocalSource("n"), Equals(3))], {"n": 3})
    >>> 0 <= cost < 0.001
    True
    """
    empty = _time_of((), arguments) or 0.0
    costs = [_time_of((guard,), arguments) for guard in guards]
    return [None if cost is None else max(0.0, cost - empty) for cost in costs]


def check_cost(guards: Iterable[Guard], arguments: Mapping[str, object]) -> float | None:
    """Return what checking all of these guards together costs, in seconds; see `check_costs`.

    >>> from framelift_guards import Equals, LocalSource
    >>> check_cost([Guard(LocalSource("n"), Equals(3))], {"n": 4}) is None
    True
    """
    cost, empty = _time_of(tuple(guards), arguments), _time_of((), arguments)
    return None if cost is None or empty is None else max(0.0, cost - empty)


def _time_of(guards: Sequence[Guard], arguments: Mapping[str, object]) -> float | None:
    if any(guard.predicate.runs_user_code for guard in guards):
        return None
    dispatcher = Dispatcher.for_parameters(arguments, _missed, name="check")
    dispatcher.add(guards, _matched)
    values = tuple(arguments.values())
    if not dispatcher.function(*values):
        return None
    return min(_round(dispatcher.function, values) for _ in range(_ROUNDS)) / _CALLS


def _matched(*values: object) -> bool:
    return True


def _missed(values: dict[str, object]) -> bool:
    return False


def _round(check: Callable[..., object], values: tuple[object, ...]) -> float:
    started = time.perf_counter()
    for _ in repeat(None, _CALLS):
        check(*values)
    return time.perf_counter() - started
