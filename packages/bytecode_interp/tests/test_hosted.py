"""What CPython can see of a hosted function is what it sees of the function itself."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import signal
import sys
import traceback
import types
import warnings

import pytest

from framelift_bytecode_interp import HostedDomain, decode, interpret
from framelift_bytecode_interp.concrete.calls import never


def both(function, *args):
    """What the function gives natively and interpreted."""
    return function(*args), interpret(function)(*args)


def test_c_code_calls_what_interpreted_code_made_and_that_is_interpreted() -> None:
    def program():
        class Key:
            def __init__(self, value):
                self.value = value

            def __hash__(self):
                return hash(self.value)

            def __eq__(self, other):
                return self.value == other.value

        return sorted([3, 1, 2], key=lambda x: -x), len({Key(1): 1, Key(1): 2, Key(2): 3}), max([1, 5], key=str)

    native, interpreted = both(program)
    assert native == interpreted
    seen = set()
    codes = [program.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    run = interpret(program)
    sys.setprofile(
        lambda frame, event, _: seen.add(frame.f_code) if event == "call" and frame.f_code in codes else None
    )
    try:
        run()
    finally:
        sys.setprofile(None)
    assert seen.isdisjoint(codes)


def test_frames_show_names_lines_and_globals() -> None:
    def inner():
        frame = sys._getframe()
        names = [(f.f_code.co_name, f.f_lineno) for f in (frame, frame.f_back)]  # as it was when it was got
        return names[1], names[0][0], frame.f_globals is globals(), type(frame)

    def outer():
        return inner()

    native, interpreted = both(outer)
    assert native == interpreted


def test_the_local_variables_of_the_current_frame() -> None:
    def program(a):
        b = a + 1
        cell = 3

        def use():
            return cell

        return dict(inspect.currentframe().f_locals) | {"use": use()}, sorted(locals())

    native, interpreted = both(program, 1)
    assert native == interpreted


def test_a_traceback_keeps_the_variables() -> None:
    def fails(a):
        b = [a]
        raise ValueError(b)

    def seen(function):
        with pytest.raises(ValueError, match="7") as raised:
            function(7)
        frame = raised.value.__traceback__.tb_next
        while frame.tb_next is not None:
            frame = frame.tb_next
        return dict(frame.tb_frame.f_locals), frame.tb_lineno, frame.tb_frame.f_lineno, frame.tb_frame.f_code.co_name

    assert seen(fails) == seen(interpret(fails))


def test_sys_exception_in_what_is_called_and_in_generators() -> None:
    def program():
        def handled():
            return type(sys.exception()).__name__

        def generator():
            try:
                raise KeyError
            except KeyError:
                yield handled()
                yield handled()
            yield handled()

        found = []
        try:
            raise ValueError
        except ValueError:
            found.append(handled())
            for name in generator():
                found += [name, handled()]
        return found, handled()

    native, interpreted = both(program)
    assert native == interpreted


def test_warnings_name_the_caller() -> None:
    def old():
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    def caller():
        old()

    def seen(function):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function()
        return [(str(w.message), w.filename, w.lineno) for w in caught]

    assert seen(caller) == seen(interpret(caller))


def test_recursion_is_limited_as_natively() -> None:
    def depth(n):
        try:
            return depth(n + 1)
        except RecursionError:
            return n

    native, interpreted = both(depth, 0)
    assert abs(native - interpreted) < 30

    def endless(n):
        return endless(n + 1)

    with pytest.raises(RecursionError, match="maximum recursion depth exceeded") as raised:
        interpret(endless)(0)
    assert len(traceback.extract_tb(raised.value.__traceback__)) > 500


def test_an_interrupt_comes_between_instructions_and_can_be_handled() -> None:
    def program():
        log = []
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            for i in itertools.count():
                log.append(i)
        except KeyboardInterrupt as interrupt:
            return "interrupted", interrupt.__traceback__.tb_lineno, len(log) > 0
        finally:
            log.append("cleaned up")

    def interrupt(_number, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(5):
            word, line, some = interpret(program)()
            assert word == "interrupted"
            assert some
            assert line - program.__code__.co_firstlineno in {4, 5}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_generators_are_cpythons_own() -> None:
    def generator():
        try:
            got = yield 1
            yield from [got, 2]
        finally:
            yield 3

    made = interpret(generator)()
    assert isinstance(made, types.GeneratorType)
    assert inspect.getgeneratorstate(made) == inspect.GEN_CREATED
    assert next(made) == 1
    assert made.gi_frame.f_lineno == generator.__code__.co_firstlineno + 2
    assert made.send("x") == "x"
    assert made.gi_yieldfrom is not None
    assert made.throw(ValueError("thrown")) == 3
    with pytest.raises(ValueError, match="thrown"):
        next(made)
    assert inspect.getgeneratorstate(made) == inspect.GEN_CLOSED


def test_asynchronous_code_by_a_real_loop() -> None:
    async def program():
        async def numbers(count):
            for i in range(count):
                await asyncio.sleep(0)
                yield i

        class Manager:
            async def __aenter__(self):
                await asyncio.sleep(0)
                return [i async for i in numbers(3) if i]

            async def __aexit__(self, *details):
                return details[0] is ValueError

        async with Manager() as found:
            raise ValueError
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0, i)) for i in range(3)]
        return found, [task.result() for task in tasks]

    assert asyncio.run(program()) == asyncio.run(interpret(program)())


def test_signatures_and_code_attributes_are_the_functions_own() -> None:
    def function(a, /, b: int = 1, *args, c, d=2, **kwargs) -> str:
        """Documented."""

    hosted = HostedDomain().hosted_function(function)
    assert inspect.signature(hosted) == inspect.signature(function)
    for name in ("co_name", "co_qualname", "co_varnames", "co_names", "co_flags", "co_firstlineno", "co_filename"):
        assert getattr(hosted.__code__, name) == getattr(function.__code__, name)
    assert hosted.__doc__ == function.__doc__
    assert HostedDomain().hosted_function(hosted) is hosted


def test_the_same_code_is_hosted_by_the_same_code() -> None:
    domain = HostedDomain()

    def make():
        def inner():
            return 1

        return inner

    first, second = domain.hosted_function(make)(), domain.hosted_function(make)()
    assert first.__code__ is second.__code__
    assert domain.is_hosting(first.__code__)


def test_a_changed_function_is_hosted_anew() -> None:
    def helper():
        return 1

    def caller():
        return helper()

    run = interpret(caller)
    assert run() == 1
    helper.__code__ = (lambda: 2).__code__
    assert run() == 2


def test_class_bodies_with_metaclasses_and_modules() -> None:
    domain = HostedDomain(never)
    source = """
class Meta(type):
    @classmethod
    def __prepare__(mcls, name, bases, **kwargs):
        return {"prepared": kwargs}
    def __new__(mcls, name, bases, namespace, **kwargs):
        return super().__new__(mcls, name, bases, namespace)
class Made(metaclass=Meta, key=1):
    x: int = 2
    def who(self): return __class__
result = Made.prepared, Made.__annotations__, Made().who() is Made, [x for x in range(3)], exec("y = 4"), y
"""
    code = compile(source, "program.py", "exec")
    native, interpreted = {"__name__": "m"}, {"__name__": "m"}
    exec(code, native)
    exec(domain.hosted_code(code), interpreted)
    assert native["result"] == interpreted["result"]
    assert domain.is_hosting(interpreted["Made"].who.__code__)
    assert domain.count.executed > len(decode(code).instructions)


def test_a_dropped_argument_dies_at_once() -> None:
    def program(log):
        class Dies:
            def __del__(self):
                log.append("died")

        thing = Dies()
        del thing
        log.append("deleted")
        return log

    assert program([]) == interpret(program)([]) == ["died", "deleted"]
