"""A lock that does not stay locked for ever in a process that was forked while another thread held it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator


class ForkSafeLock:
    """A re-entrant lock, open in every new process.

    A forked child has one thread, the one that forked; a lock that another thread held at that moment is never let go
    there. So each process has a lock of its own, made at first use. What the lock guards must be whole at any moment
    in the sense that a child may find it as it was while another thread was at work: old or new, never in between.
    (`os.register_at_fork` was rejected: it keeps what is registered for the life of the process.)

    >>> lock = ForkSafeLock()
    >>> with lock.held(), lock.held():
    ...     print("twice")
    twice
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.RLock] = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of this process."""
        with self._locks.setdefault(os.getpid(), threading.RLock()):
            yield
