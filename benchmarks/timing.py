"""Measuring two tools side by side in one process: interleaved batches, minimum and median, and their ratios."""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable, Sequence

BATCH_SECONDS = 0.002


@dataclasses.dataclass(frozen=True)
class Figure:
    """What repetitions of a measurement came to, in seconds."""

    minimum: float
    median: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Figure:
        return cls(min(seconds), statistics.median(seconds))

    @classmethod
    def of_difference(cls, seconds: Sequence[float], others: Sequence[float]) -> Figure:
        """Return what two interleaved measurements differ by.

        Minimum minus minimum: the least of the differences would be that of the most disturbed round. But the median of
        the differences round by round: what slows a round down slows both, and the difference of two medians of large
        numbers is mostly noise.
        """
        differences = [one - other for one, other in zip(seconds, others, strict=True)]
        return cls(min(seconds) - min(others), statistics.median(differences))


@dataclasses.dataclass(frozen=True)
class Row:
    """One case: what framelift took, what torch took, and the ratio that is aimed at."""

    case: str
    framelift: Figure
    torch: Figure
    target: str = ""


def interleaved(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Time each call, a batch of it a round, in turn, so that a busy moment of the machine hits all alike.

    It is the processor's time that counts: what other programs do meanwhile, on a busy machine, is not the call's.

    Returns, for each, the seconds a call in each round.
    """
    batches = [max(1, int(BATCH_SECONDS / once(call))) for call in calls]
    seconds: list[list[float]] = [[] for _ in calls]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for call, batch, taken in zip(calls, batches, seconds, strict=True):
                repeat = range(batch)
                start = time.process_time()
                for _ in repeat:
                    call()
                taken.append((time.process_time() - start) / batch)
    finally:
        gc.enable()
    return seconds


def once(call: Callable[[], object]) -> float:
    """Return about how many seconds a call takes, after it has been called a few times."""
    for _ in range(5):
        call()
    start = time.process_time()
    for _ in range(5):
        call()
    return (time.process_time() - start) / 5


def timed(call: Callable[[], object]) -> float:
    """Return the seconds of one call, with the garbage collector as users have it."""
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
