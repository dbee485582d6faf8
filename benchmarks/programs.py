"""Programs that are interpreted to see how fast: calls, floats, objects, generators and text, and much of each."""

from __future__ import annotations

import dataclasses
import json.encoder
import math
import re
from collections.abc import Callable, Iterator
from re import _compiler, _parser  # type: ignore[attr-defined]  # the pure Python that `re.compile` runs
from typing import Any


def fib(count: int) -> int:
    return count if count < 2 else fib(count - 1) + fib(count - 2)


def nbody(steps: int) -> float:
    """Planets that attract each other, as lists of floats."""
    bodies = [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47],
        [4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037],
        [8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011],
        [12.89, -15.11, -0.22, 1.08, 0.86, -0.01, 0.0017],
    ]
    for _ in range(steps):
        for index, first in enumerate(bodies):
            for second in bodies[index + 1 :]:
                dx = first[0] - second[0]
                dy = first[1] - second[1]
                dz = first[2] - second[2]
                magnitude = 0.01 / (dx * dx + dy * dy + dz * dz) ** 1.5
                pull = second[6] * magnitude
                first[3] -= dx * pull
                first[4] -= dy * pull
                first[5] -= dz * pull
                pull = first[6] * magnitude
                second[3] += dx * pull
                second[4] += dy * pull
                second[5] += dz * pull
        for body in bodies:
            body[0] += 0.01 * body[3]
            body[1] += 0.01 * body[4]
            body[2] += 0.01 * body[5]
    return math.fsum(body[0] for body in bodies)


@dataclasses.dataclass
class Packet:
    link: Packet | None
    ident: int
    kind: int
    datum: int = 0


class Task:
    """One task of a scheduler: the kind of program that Richards' benchmark is (objects, methods, linked lists)."""

    def __init__(self, ident: int, priority: int, scheduler: Scheduler) -> None:
        self.ident = ident
        self.priority = priority
        self.queue: Packet | None = None
        self.waiting = False
        self.scheduler = scheduler
        scheduler.tasks.append(self)

    def receive(self, packet: Packet) -> None:
        packet.link = None
        if self.queue is None:
            self.queue = packet
        else:
            last = self.queue
            while last.link is not None:
                last = last.link
            last.link = packet
        self.waiting = False

    def take(self) -> Packet | None:
        packet = self.queue
        if packet is not None:
            self.queue = packet.link
        return packet

    def runnable(self) -> bool:
        return self.queue is not None or not self.waiting

    def step(self) -> None:
        raise NotImplementedError(type(self).__name__)


class Worker(Task):
    def step(self) -> None:
        packet = self.take()
        if packet is None:
            self.waiting = True
            return
        packet.datum = (packet.datum * 7 + self.ident) % 1009
        self.scheduler.send(packet, self.scheduler.idents[(self.ident + packet.kind) % len(self.scheduler.idents)])


class Idler(Task):
    def __init__(self, ident: int, priority: int, scheduler: Scheduler) -> None:
        super().__init__(ident, priority, scheduler)
        self.control = 1

    def step(self) -> None:
        if self.control & 1:
            self.control = (self.control >> 1) ^ 0xD008
        else:
            self.control >>= 1
        self.waiting = False


class Scheduler:
    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.idents: list[int] = []
        self.sent = 0

    def send(self, packet: Packet, ident: int) -> None:
        self.sent += 1
        for task in self.tasks:
            if task.ident == ident:
                task.receive(packet)
                return

    def run(self, steps: int) -> int:
        for _ in range(steps):
            for task in self.tasks:
                if task.runnable():
                    task.step()
        return self.sent


def richards(steps: int) -> int:
    scheduler = Scheduler()
    Idler(0, 0, scheduler)
    for ident in range(1, 5):
        worker = Worker(ident, ident * 10, scheduler)
        scheduler.idents.append(ident)
        for kind in range(2):
            worker.receive(Packet(None, ident, kind, kind))
    return scheduler.run(steps)


DOCUMENT = {
    "name": "a document",
    "numbers": [*range(20), 1.5, -2.25, True, None],
    "nested": [{"key": f"value {index}", "list": [index, [index]], "text": 'quo"ted\n'} for index in range(6)],
}


def encode(document: Any) -> str:
    """`json.dumps` without its C code."""
    encoder = json.encoder.JSONEncoder()
    markers: dict[int, Any] = {}
    iterate: Callable[[Any, int], Iterator[str]] = json.encoder._make_iterencode(  # type: ignore[attr-defined]
        markers,
        encoder.default,
        json.encoder.py_encode_basestring_ascii,
        None,
        float.__repr__,
        ": ",
        ", ",
        True,
        False,
        False,  # type: ignore[attr-defined]
    )
    return "".join(iterate(document, 0))


PATTERN = r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])|[a-zA-Z_]\w*(?:\.[a-z]+)*?(?<!x)[^,;]{2,5}(foo|bar|baz)+$"


def compile_pattern(pattern: str) -> int:
    """What `re.compile` does in Python: parse and generate code."""
    parsed = _parser.parse(pattern, re.UNICODE.value)
    return len(_compiler._code(parsed, re.UNICODE.value))


PROGRAMS: dict[str, Callable[[], Any]] = {}


def program(name: str, function: Callable[..., Any], *args: Any) -> tuple[str, Callable[..., Any], tuple[Any, ...]]:
    return name, function, args


CASES = (
    program("fib", fib, 15),
    program("nbody", nbody, 20),
    program("richards", richards, 40),
    program("json encoding", encode, DOCUMENT),
    program("regex compilation", compile_pattern, PATTERN),
)
