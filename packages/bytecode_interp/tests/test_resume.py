"""Frames go on natively after a break: by value, by exception, and by executing the instruction natively.

The cases are those in which a naive continuation goes wrong; each is compared with running through.
"""

# ruff: noqa: PLC3002
from __future__ import annotations

import inspect
import sys
import traceback
import types

import pytest
from observation import observe
from stopping import native, op, perform, stopped

from framelift_bytecode_interp import (
    NULL,
    UNBOUND,
    ConcreteDomain,
    NativeFrame,
    Raise,
    ResumeError,
    Value,
    continue_natively,
    decode,
    interpret,
    native_generator,
    resumption,
)


class Manager:
    def __init__(self, log):
        self.log = log

    def __enter__(self):
        self.log.append("enter")
        return self

    def __exit__(self, *details):
        self.log.append(("exit", details[0] and details[0].__name__))
        return False


def in_with(log, x):
    with Manager(log) as manager:
        y = op(x) + 1
    return y, type(manager).__name__


def in_for_with_values_below(log, xs):
    total = 0
    for x in xs:
        total = total + (lambda v: v + 1)(op(x))
    return total


def in_nested_for(log, n):
    return [[op(i) + j for j in range(i)] for i in range(n)], [k for k in range(op(1))][:3]


def in_handler(log, x):
    try:
        raise KeyError(x)
    except KeyError as error:
        try:
            y = op(x)
            log.append((sys.exc_info()[0].__name__, sys.exception() is error, y))
            raise
        finally:
            log.append("finally")


def in_nested_handlers(log, x):
    try:
        raise KeyError(x)
    except KeyError:
        try:
            raise ValueError(x)
        except ValueError:
            log.append((op(x), repr(sys.exception())))
        log.append((op(x), repr(sys.exception())))
    return repr(sys.exception()), op(x)


def in_finally(log, x):
    try:
        return 1 // (x - 1)
    finally:
        log.append(op(x))


def in_try_else(log, x):
    try:
        y = op(x)
    except ValueError as error:
        log.append(repr(error))
        y = -1
    else:
        log.append("else")
    finally:
        log.append("finally")
    return y


def in_comprehension(log, xs, k):
    i = "outer"
    result = [op(i) + k for i in xs]
    return result, i, {x: op(x) for x in xs}, {op(x) for x in xs}


def with_cells(log, x):
    n = 0

    def increment():
        nonlocal n
        n += 1
        return n

    y = op(x)
    increment()
    n += y
    return n, increment()


def without_locals(log):
    return inner_without_locals()


def inner_without_locals():
    return op(1) + op(2)


def in_conditions(log, a, b):
    if op(a) < op(b) or not op(a):
        log.append("first")
    while op(a) > 5:
        a = a - 1
    x = op(a) if op(b) else None
    return op(a) is None, op(b) is not None, op(b) not in [op(a)], x, 0 < op(b) < 100 < op(b)


def in_displays(log, a):
    first, *rest, (last, _) = [op(a), *range(op(1)), (op(a), op(a))]
    return f"{op(a)!r:>{op(1)}} {op(a):x}", {"a": op(a), **{"b": op(a)}}, rest[op(0) : op(1)], first, last, (*[op(a)],)


def in_stores(log, a):
    box = types.SimpleNamespace(x=1)
    box.x = op(a)
    box.x += op(a)
    values = [0] * 3
    values[1] = op(a)
    values[0:1] = [op(a)]
    del values[op(0)]
    return box.x, values


def in_calls(log, a):
    def f(*args, **kwargs):
        return args, kwargs

    return f(op(a), *[op(a)], k=op(a), **{"l": op(a)}), f(op(a), k=op(1)), "{}".format(op(a)), max(op(a), 5)


def at_depth(log, x):
    def innermost():
        try:
            return op(x) if x else 0
        finally:
            log.append("innermost")

    def middle():
        with Manager(log):
            return [innermost()]

    for i in (1, 2):
        try:
            result = middle()
        except ValueError as error:
            result = error.args
        finally:
            log.append("outer")
    return result, i


def at_depth_in_special_methods(log, x):
    class Number:
        def __init__(self, value):
            self.value = op(value)

        def __call__(self, other):
            return Number(self.value + op(other)).value

    with Manager(log):
        return [Number(x)(y) for y in (1, 2)], sorted([3, 1], key=lambda v: -v)


def at_depth_in_a_handler(log, x):
    def reraises():
        y = op(x)
        log.append((y, repr(sys.exception())))
        raise  # noqa: PLE0704

    try:
        raise LookupError("outer")
    except LookupError:
        reraises()


def at_depth_in_an_iterator(log, n):
    class Steps:
        def __init__(self):
            self.left = n

        def __iter__(self):
            return self

        def __next__(self):
            self.left -= 1
            if op(self.left) < 0:
                raise StopIteration
            return self.left

    return [x for x in Steps()]


CASES = [
    (in_with, (1,)),
    (in_for_with_values_below, ([1, 2, 3],)),
    (in_nested_for, (3,)),
    (in_handler, (1,)),
    (in_nested_handlers, (1,)),
    (in_finally, (1,)),
    (in_try_else, (1,)),
    (in_comprehension, ([1, 2], 5)),
    (with_cells, (3,)),
    (without_locals, ()),
    (in_conditions, (3, 1)),
    (in_displays, (7,)),
    (in_stores, (2,)),
    (in_calls, (2,)),
    (at_depth, (3,)),
    (at_depth_in_special_methods, (3,)),
    (at_depth_in_a_handler, (3,)),
    (at_depth_in_an_iterator, (3,)),
]


def breaks(function, args):
    """How often `op` is called."""
    count = 0
    while isinstance(stopped(function, ([], *args), count), list):
        count += 1
    return count


def all_breaks():
    for function, args in CASES:
        for skip in range(breaks(function, args)):
            yield pytest.param(function, args, skip, id=f"{function.__name__}-{skip}")


BREAKS = list(all_breaks())


@pytest.mark.parametrize(("function", "args", "skip"), BREAKS)
def test_going_on_with_the_value_equals_running_through(function, args, skip) -> None:
    def broken(log):
        frames = stopped(function, (log, *args), skip)
        return continue_natively(native(frames), perform(frames[-1]))

    assert users(observe(broken)) == users(observe(function, *args))


@pytest.mark.parametrize(("function", "args", "skip"), BREAKS)
def test_executing_the_instruction_natively_equals_running_through(function, args, skip) -> None:
    def broken(log):
        return continue_natively(native(stopped(function, (log, *args), skip)))

    assert users(observe(broken)) == users(observe(function, *args))


class RaisingLater:
    """`op` that answers `skip` times, then raises, once."""

    def __init__(self, skip):
        self.left = skip

    def __call__(self, x):
        self.left -= 1
        if self.left == -1:
            raise self.error()
        return x * 10

    @staticmethod
    def error():
        error = ValueError("from op")
        error.__cause__ = OSError("its cause")
        return error


@pytest.mark.parametrize(("function", "args", "skip"), BREAKS)
def test_going_on_with_an_exception_equals_running_through(function, args, skip, monkeypatch) -> None:
    def broken(log):
        frames = stopped(function, (log, *args), skip)
        return continue_natively(native(frames), Raise(RaisingLater.error()))

    got = observe(broken)
    monkeypatch.setitem(globals(), "op", RaisingLater(skip))
    assert users(got) == users(observe(function, *args))


def users(observed):
    """What was observed, without the traceback entries of this test's own helpers."""
    (ended, *rest), log = observed
    if ended == "raised":
        helpers = {"broken", "__call__"}
        error, lines = rest
        rest = [error, [line for line in lines if line[1] not in helpers]]
    return ended, rest, log


def test_the_traceback_names_the_users_lines_at_each_depth() -> None:
    frames = stopped(at_depth, ([], 3))
    with pytest.raises(TypeError) as raised:
        continue_natively(native(frames), Raise(TypeError("t")))
    entries = traceback.extract_tb(raised.value.__traceback__)
    ours = [(entry.name, entry.line) for entry in entries if entry.filename == __file__][1:]
    assert ours == [
        ("at_depth", "result = middle()"),
        ("middle", "return [innermost()]"),
        ("innermost", "return op(x) if x else 0"),
    ]


def test_a_resumed_callee_sees_the_users_frames_below_it() -> None:
    def callee(x):
        op(x)
        frame, names = sys._getframe(), []
        while frame.f_code is not test_a_resumed_callee_sees_the_users_frames_below_it.__code__:
            names.append((frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno))
            frame = frame.f_back
        return names

    def caller(x):
        with Manager([]):
            y = callee(x)
        return y

    names = continue_natively(native(stopped(caller, (1,))), Value(1))
    assert names[:2] == [("callee", 4), ("caller", 2)]


def test_local_variables_are_in_the_frame_of_the_traceback() -> None:
    frames = stopped(in_with, ([], 3))
    with pytest.raises(TypeError) as raised:
        continue_natively(native(frames), Raise(TypeError("t")))
    last = list(traceback.walk_tb(raised.value.__traceback__))[-1][0]
    assert last.f_locals["x"] == 3


def test_the_context_of_an_exception_raised_in_a_handler_is_the_handled_one() -> None:
    error = ValueError("in op")
    frames = stopped(in_handler, ([], 1))
    with pytest.raises(ValueError, match="in op"):
        continue_natively(native(frames), Raise(error))
    assert isinstance(error.__context__, KeyError)


def test_an_exceptions_own_chain_is_kept() -> None:
    own = OSError("own context")
    error = ValueError("in op")
    error.__context__ = own
    with pytest.raises(ValueError, match="in op"):
        continue_natively(native(stopped(in_handler, ([], 1))), Raise(error))
    assert error.__context__ is own
    assert isinstance(own.__context__, KeyError)


def test_a_resumed_function_does_not_keep_its_state_alive() -> None:
    class Watched:
        pass

    def drops(x):
        import weakref

        watch = weakref.ref(x)
        op(1)
        del x
        return watch()

    (frame,) = native(stopped(drops, (Watched(),)))
    run = resumption(frame, Value(1))
    del frame
    assert run() is None


# Generators


def yielding(log, xs):
    got = []
    try:
        for x in xs:
            try:
                sent = yield x * 2
            except ValueError as error:
                got.append(repr(error))
                sent = "caught"
            got.append(sent)
    finally:
        log.append("closed")
    return got


def delegating(log, xs):
    result = yield from yielding(log, xs)
    return ["delegated", *result]


def remade(function, log, steps=1):
    """A generator that was advanced interpreted, remade natively."""
    kept = []

    class Keeping(ConcreteDomain):
        def make_generator(self, frame):
            kept.append(frame)
            return super().make_generator(frame)

    def start():
        generator = function(log, iter([1, 2, 3]))
        for _ in range(steps):
            next(generator)
        return generator

    alive = interpret(start, Keeping())()
    frame = kept[0]
    copy = NativeFrame(
        frame.code.raw, frame.globals, frame.index, list(frame.locals), list(frame.stack), frame.completion
    )
    return native_generator(copy), alive


def drain(generator):
    try:
        while True:
            generator.send("x")
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize("function", [yielding, delegating])
def test_a_remade_generator_goes_on_after_send(function) -> None:
    generator, alive = remade(function, [])
    assert generator.send("S") == 4
    assert drain(generator)[-3:] == ["S", "x", "x"]
    assert alive is not None


@pytest.mark.parametrize("function", [yielding, delegating])
def test_throwing_into_a_remade_generator_reaches_its_handlers(function) -> None:
    generator, _alive = remade(function, [])
    assert generator.throw(ValueError("v")) == 4
    assert "caught" in drain(generator)


@pytest.mark.parametrize("function", [yielding, delegating])
def test_closing_a_remade_generator_runs_finally(function) -> None:
    log = []
    generator, _alive = remade(function, log)
    generator.close()
    assert log == ["closed"]


def test_a_generator_that_has_not_started_is_remade_unstarted() -> None:
    generator, _alive = remade(yielding, [], steps=0)
    with pytest.raises(TypeError, match="just-started"):
        generator.send("early")
    assert next(generator) == 2


def test_a_remade_generator_is_a_generator_of_the_users_name() -> None:
    generator, _alive = remade(yielding, [])
    assert inspect.isgenerator(generator)
    assert (generator.__name__, generator.gi_code.co_filename) == ("yielding", __file__)


# Refusals


def test_a_generators_frame_in_a_chain_is_refused_by_name() -> None:
    code = yielding.__code__
    with pytest.raises(ResumeError, match="yielding.*native_generator"):
        continue_natively([NativeFrame(code, globals(), 0, [UNBOUND] * 5)], Value(1))


def test_a_class_body_is_refused_by_name() -> None:
    namespace = {"op": op}
    code = next(c for c in compile("class C:\n    x = op(1)\n", "f.py", "exec").co_consts if hasattr(c, "co_code"))
    at = next(i.index for i in decode(code) if i.opname == "CALL")
    stack = [NULL] * decode(code).instructions[at].arg.pops
    with pytest.raises(ResumeError, match=r"f.py:2, C, .*only frames of functions"):
        continue_natively([NativeFrame(code, namespace, at, [], stack)], Value(1))


def test_a_stack_of_the_wrong_depth_is_refused_with_instruction_and_line() -> None:
    code = decode(in_with.__code__)
    at = next(i for i in code if i.opname == "STORE_FAST" and code.slot_names[i.arg] == "y")
    with pytest.raises(ResumeError, match=rf"{at.line}, in_with, instruction {at.index} .*has 2 entries, not 0"):
        continue_natively([NativeFrame(in_with.__code__, globals(), at.index, [UNBOUND] * len(code.slot_names))])


def test_a_frame_that_hides_what_it_handles_is_refused() -> None:
    frames = native(stopped(in_handler, ([], 1)))
    frames[-1].handled = None
    with pytest.raises(ResumeError, match="give NativeFrame its `handled`"):
        continue_natively(frames, Value(1))


class Doubles:
    def scaled(self, factor):
        return factor * 2


class DoublesAndOne(Doubles):
    def scaled(self, factor):
        factor = opaque(factor)
        return super().scaled(factor) + 1


def opaque(value):
    return value


def test_super_without_arguments_finds_the_first_argument_of_a_resumed_frame():
    function = DoublesAndOne.scaled
    code = decode(function.__code__)
    call = next(one for one in code.instructions if one.opname == "CALL")
    locals_ = [{"self": DoublesAndOne(), "factor": 3}.get(name, UNBOUND) for name in code.slot_names]
    locals_[-1] = function.__closure__[0]
    frame = NativeFrame(
        code=function.__code__,
        globals=globals(),
        index=call.index,
        locals=locals_,
        stack=[NULL] * call.completion.pops,
    )
    assert continue_natively([frame], Value(3)) == 7
