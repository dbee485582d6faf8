"""Law: a frame that stops before any instruction, and goes on natively, does what it would have done.

Frames stop at a limit of instructions, so at each instruction of a program in turn. What is not resumable there is
refused by name, and `resume_points` says so beforehand. An exception in the place of the instruction's outcome is
compared with the interpreter's own going on, which is compared with CPython elsewhere.
"""

from __future__ import annotations

import base64
import bisect
import colorsys
import copy
import csv
import datetime as dt
import difflib
import fnmatch
import fractions
import heapq
import html
import inspect
import json.decoder
import json.encoder
import ntpath
import posixpath
import re
import shlex
import statistics
import string
import textwrap
import tokenize
import urllib.parse
from pathlib import Path

import pytest
from generated_programs import compiled, programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observation import observe
from sample_programs import PROGRAMS
from stopping import native, perform

from framelift_bytecode_interp import (
    Break,
    ConcreteDomain,
    Interpreter,
    Raise,
    Return,
    Value,
    continue_natively,
    decode,
    eager_operation,
    native_generator,
    resume_points,
)
from framelift_bytecode_interp.concrete.calls import FRAME_FUNCTIONS

SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
HELPERS = {(Path(__file__).name, name) for name in ("run", "drive", "<lambda>")} | {("stopping.py", "perform")}


class Failure(Exception):
    """Raised in the place of an instruction's outcome."""


def stop(program, args, count):
    """The interpreter of a program's frames after `count` instructions, or None if it ended before.

    Only its own frames stop: those of generators run on interpreters of their own.
    """
    domain = ConcreteDomain()
    interpreter = Interpreter(domain, limit=count)
    finish = interpreter.run([domain.enter(program, args, {}).frame])
    return interpreter if isinstance(finish, Break) else None


def refusal(frames, *, outcome):
    """Why frames can't go on natively, as `resume_points` and the frames' kinds say; None if they can."""
    for frame in frames:
        if frame.code.raw.co_flags & SUSPENDS:
            return "the frame of a generator"
        if not frame.code.raw.co_flags & inspect.CO_NEWLOCALS or frame.namespace is not None:
            return "the frame of a class body"
    point = resume_points(frames[-1].code)[frames[-1].index]
    if outcome:
        return None if point.takes_outcome else point.reason or "it has no outcome"
    return point.reason


def users(observed):
    (ended, *rest), log = observed
    if ended == "raised":
        error, lines = rest
        rest = [error, [line for line in lines if line[:2] not in HELPERS]]
    return ended, rest, log


def makes_a_class(frames):
    """Whether one of the frames interprets what `__build_class__` does, which natively is C code."""
    return any(frame.function_name == "build_class" for frame in frames)


def length_of(program, args):
    domain = ConcreteDomain()
    interpreter = Interpreter(domain)
    interpreter.run([domain.enter(program, args, {}).frame])
    return interpreter.instructions_executed


def reads_its_frame(frame, operation):
    """Whether the instruction calls what asks for its caller's frame, so must be executed in it."""
    if not frame.instruction.opname.startswith("CALL") and frame.instruction.opname != "LOAD_SUPER":
        return False
    function, _, _ = operation.resolve(frame.globals, frame.builtins, operation.operands(frame.stack))
    return id(function) in FRAME_FUNCTIONS


def check_running(program, count, make_args=lambda log: (log,)):
    """Stop, and let CPython run the instruction and the rest; whether that could be done."""
    interpreter = stop(program, make_args([]), count)
    if interpreter is None or makes_a_class(interpreter.frames) or refusal(interpreter.frames, outcome=False):
        return False

    def run(log):
        return continue_natively(native(stop(program, make_args(log), count).frames))

    assert users(observe(run)) == users(observe(lambda log: program(*make_args(log)))), interpreter.top
    return True


def check_outcome(program, count, make_args=lambda log: (log,)):
    """Stop, execute the instruction outside of its frame, and give the frame what that gave."""
    interpreter = stop(program, make_args([]), count)
    if interpreter is None or makes_a_class(interpreter.frames) or refusal(interpreter.frames, outcome=True):
        return False
    frame = interpreter.top
    operation = eager_operation(frame.instruction)
    if operation is None or reads_its_frame(frame, operation):
        return False

    def run(log):
        frames = stop(program, make_args(log), count).frames
        return continue_natively(native(frames), perform(frames[-1]))

    assert users(observe(run)) == users(observe(lambda log: program(*make_args(log)))), interpreter.top
    return True


def check_exception(program, count, make_args=lambda log: (log,)):
    """Stop, and give the frame an exception: natively, and to the interpreter."""
    interpreter = stop(program, make_args([]), count)
    if interpreter is None or makes_a_class(interpreter.frames) or refusal(interpreter.frames, outcome=True):
        return False

    def run(log):
        return continue_natively(native(stop(program, make_args(log), count).frames), Raise(Failure()))

    def drive(log):
        stopped = stop(program, make_args(log), count)
        again = Interpreter(stopped.domain)
        finish = again.run(stopped.frames, Raise(Failure()))
        if isinstance(finish, Raise):
            raise finish.exception
        return finish.value

    assert users(observe(run)) == users(observe(drive)), interpreter.top
    return True


CHECKS = [check_running, check_outcome, check_exception]


def spread(length, most):
    """Up to `most` numbers below `length`, the same ones each time, of every remainder of small divisors."""
    return range(length) if length <= most else [number * length // most for number in range(most)]


APART = {
    "many_constants_and_jumps": "it is long, and has nothing of its own to resume",
    "generators": "when a generator that it drops is closed depends on who else holds the frame",
    "endless_recursion": "how deep it gets is another number natively",
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_goes_on_from_any_instruction(program) -> None:
    if program.__name__ in APART:
        pytest.skip(APART[program.__name__])
    if "asyncio" in program.__code__.co_names:
        pytest.skip("an event loop that is stopped in its middle keeps its thread; see the coroutines below")
    most = 60 if program.__name__ == "class_scopes" else 24  # it is mostly the body of a class
    done = 0
    for number, count in enumerate(spread(length_of(program, ([],)), most)):
        done += CHECKS[number % 3](program, count)
    assert done


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 400), st.sampled_from(CHECKS))
def test_a_generated_program_goes_on_from_any_instruction(source, count, check) -> None:
    program = compiled(source)
    if program is not None:
        check(program, count)


# ---- the standard library's pure functions ----


def encoded(document):
    iterate = json.encoder._make_iterencode(
        {}, None, json.encoder.py_encode_basestring_ascii, None, float.__repr__, ": ", ", ", True, False, False
    )
    return "".join(iterate(document, 0))


def ratio(a, b):
    return difflib.SequenceMatcher(None, a, b).ratio()


def wrapped(text, width):
    return textwrap.wrap(text, width)


def split(text):
    return list(shlex.shlex(text, posix=True))


def compared(a, b):
    return list(difflib.unified_diff(a, b, lineterm=""))


def sniffed(text):
    return csv.Sniffer().sniff(text).delimiter


def fraction(text):
    return str(fractions.Fraction(text) * 3 / 7)


def formatted(text, *args):
    return string.Formatter().format(text, *args)


LIBRARY = [
    (wrapped, ("the quick brown fox  jumps over the lazy dog", 11)),
    (textwrap.dedent, ("   a\n     b\n\n   c",)),
    (split, ('a \'b c\' "d\\"e" # no\nf',)),
    (shlex.quote, ("it's",)),
    (fnmatch.translate, ("*.[!a-c]py?",)),
    (ratio, ("abcdef", "abxcdf")),
    (compared, (["a", "b", "c"], ["a", "x", "c", "d"])),
    (encoded, ({"a": [1, 2.5, None], "b": {"c": "d\n"}},)),
    (json.decoder.py_scanstring, ('a\\u00e9b"', 0)),
    (base64.b32encode, (b"hello",)),
    (colorsys.rgb_to_hls, (0.2, 0.4, 0.9)),
    (copy.deepcopy, ({"a": [1, (2, {3})], "b": {}},)),
    (statistics.median_grouped, ([1, 2, 2, 3, 4, 4, 4, 5],)),
    (statistics.quantiles, ([1, 2, 3, 5, 8, 13],)),
    (fraction, ("3/8",)),
    (html.unescape, ("&lt;a&#233;&nosuch;",)),
    (ntpath.normpath, ("c:/a/../b/./c",)),
    (posixpath.relpath, ("/a/b/c", "/a/d")),
    (posixpath.commonpath, (["/a/b/c", "/a/b/d", "/a/b"],)),
    (urllib.parse.urlsplit, ("http://u:p@host:80/path;x?q=1#f",)),
    (urllib.parse.parse_qsl, ("a=1&b=%20c&d",)),
    (urllib.parse.urljoin, ("http://a/b/c", "../d?e")),
    (string.capwords, ("the quick fox",)),
    (formatted, ("{0!r:>6} {1[0]}", "x", [3])),
    (sniffed, ("a;b;c\n1;2;3\n",)),
    (re._parser.parse, ("(?P<a>x+)|[b-d]{2,3}?",)),
    (tokenize.detect_encoding, (iter([b"# -*- coding: utf-8 -*-\n"]).__next__,)),
    (heapq.nsmallest, (3, [5, 1, 4, 2, 3])),
    (list, ()),
    (bisect.insort, ([1, 2, 3], 2)),
    (dt.date.isoformat, (dt.date(2024, 2, 29),)),
]
LIBRARY = [(function, args) for function, args in LIBRARY if inspect.isfunction(function)]


@pytest.mark.parametrize(("function", "args"), LIBRARY, ids=lambda value: getattr(value, "__qualname__", ""))
def test_a_function_of_the_standard_library_goes_on_from_any_instruction(function, args) -> None:
    function(*args)  # what it caches, it has cached
    length = length_of(lambda log: repr(function(*args)), ([],))

    def program(log):
        return repr(function(*args))

    done = sum(CHECKS[number % 3](program, count) for number, count in enumerate(spread(length, 24)))
    assert done


# ---- generators and coroutines: their own frames stop, and become native generators ----


def delegates(log):
    def inner(n):
        try:
            for i in range(n):
                log.append((yield i))
        finally:
            log.append("inner finally")
        return n * 2

    try:
        got = yield from inner(2)
        with Manager(log):
            received = yield got
            if received == "two":
                raise ValueError(received)
    except ValueError as error:
        log.append(repr(error))
        yield [part for part in ("a", "b")]
    finally:
        log.append("finally")
    return log[-1]


class Manager:
    def __init__(self, log):
        self.log = log

    def __enter__(self):
        self.log.append("enter")

    def __exit__(self, *details):
        self.log.append(details[0])

    async def __aenter__(self):
        self.log.append("aenter")

    async def __aexit__(self, *details):
        self.log.append(details[0])


class Pause:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        return (yield self.value)


async def awaits(log):
    async def numbers():
        for i in range(2):
            log.append(await Pause(i))
            yield i

    async with Manager(log):
        found = [number async for number in numbers()]
        try:
            found.append(await Pause("x"))
            raise KeyError(found[-1])
        except KeyError as error:
            found.append(await Pause(str(error)))
    return found


def drive(generator, sent=("zero", "one", "two", "three", "four", "five", "six")):
    """All that a generator yields for what is sent, and what it returns or raises."""
    seen = []
    try:
        seen.append(generator.send(None))
        for value in sent:
            seen.append(generator.send(value))
    except StopIteration as stopped:
        seen.append(("returned", stopped.value))
    return seen


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # those of the frames that are left
@pytest.mark.parametrize("function", [delegates, awaits])
@pytest.mark.parametrize("by_outcome", [False, True])
def test_a_generator_goes_on_from_any_instruction(function, by_outcome) -> None:
    """It runs interpreted to its n-th instruction, over as many `send`s as that takes, and natively from there."""
    expected = observe(lambda log: drive(function(log)))
    done = refused = 0
    for count in range(2, 400):
        log = []
        seen = stopped_generator(function, log, count, by_outcome=by_outcome)
        if seen is None:
            break
        if seen == "refused":
            refused += 1
            continue
        assert (("returned", seen), log) == expected, count
        done += 1
    assert done > 25, (done, refused)


def stopped_generator(function, log, count, *, by_outcome):
    domain = ConcreteDomain()
    frame = domain.enter(function, (log,), {}).frame
    interpreter = Interpreter(domain, limit=count)
    interpreter.run([frame])  # to RETURN_GENERATOR
    seen = []
    sent = ["zero", "one", "two", "three", "four", "five", "six"]
    value = None
    while True:
        finish = interpreter.run([frame], Value(value))
        if isinstance(finish, Break):
            break
        if isinstance(finish, Return):
            return None
        seen.append(finish.value)
        value = sent.pop(0)
    if len(interpreter.frames) > 1:
        return "refused"  # it waits for a callee, whose frame is above a generator's
    point = resume_points(frame.code)[frame.index]
    at_yield = frame.instruction.opname in {"RETURN_GENERATOR", "YIELD_VALUE"}
    if by_outcome:
        operation = eager_operation(frame.instruction)
        if not point.takes_outcome or operation is None or at_yield:
            return "refused"
        generator = native_generator(native([frame])[0], perform(frame))
    else:
        if not point.runs or at_yield:
            return "refused"
        generator = native_generator(native([frame])[0])
    try:
        seen.append(generator.send(None))
        for value in sent:
            seen.append(generator.send(value))
    except StopIteration as stopped:
        seen.append(("returned", stopped.value))
    return seen


def test_what_can_not_be_resumed_is_said_beforehand() -> None:
    reasons = set()
    for program in PROGRAMS:
        code = decode(program.__code__)
        for point in resume_points(code):
            if point.reason is not None:
                reasons.add(point.reason)
    assert reasons == {"control can't reach it", "the frame is still being made"}
