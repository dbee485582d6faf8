"""Functions, closures, generators, context managers and exceptions. (PYTEST_DONT_REWRITE: `assert` is a case.)"""

from __future__ import annotations

import contextlib
import functools
import sys

import pytest
from comparison import check
from driver import lift

from framelift_variable_tracking import ReconstructionError

GLOBAL = 5
SETTINGS = {"depth": 2}


def closures(x):
    def counter(step=1):
        nonlocal x
        x += step
        return x

    first = counter()
    return counter(2), counter(step=3), first, x


def returns_closure(x):
    items = [x]

    def inner(y, z=items, *rest, k=3, **named):
        return x, y, z, rest, k, named, items

    inner.label = "made"
    return inner, items


def shared_cells(x):
    def get():
        return x

    def put(value):
        nonlocal x
        x = value

    put(x + 1)
    return get, put


def recursive(n):
    def fact(k):
        return 1 if k <= 1 else k * fact(k - 1)

    return fact(n), fact


def arguments(x):
    def f(a, b=2, *args, c, d=4, **kwargs):
        return a, b, args, c, d, kwargs

    return f(x, c=1), f(1, 2, 3, 4, c=5, e=6), f(*[1, 2], **{"c": 3, "z": 4}), f(b=1, a=2, c=3)


def missing_argument(x):
    def f(a, b, *, c):
        return a

    return f(x)


def unexpected_argument(x):
    return (lambda a: a)(x, b=3)  # noqa: PLC3002 - it is the case


def defaults_are_shared(x):
    def f(item, into=[]):
        into.append(item)
        return into

    first = f(x)
    return f(2), first is f(3)


def global_read(x):
    return x + GLOBAL + SETTINGS["depth"]


def lambdas(x):
    return [f(x) for f in (lambda a: a + 1, lambda a: a * 2)], (lambda *a, **k: (a, k))(1, b=2)  # noqa: PLC3002


def decorated(x):
    def twice(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs) * 2

        return wrapper

    @twice
    def g(a):
        """Doc."""
        return a + 1

    return g(x), g.__name__, g.__doc__, g.__wrapped__(x), g


def function_attributes(x):
    def f():
        return f.count

    f.count = x
    f.count += 1
    return f(), f.__name__, f.__qualname__, hasattr(f, "nope"), f.__defaults__


def comprehensions(n):
    return [i * n for i in range(3)], {i: n for i in range(2)}, {i % 2 for i in range(n)}, sum(i for i in range(n))


def numbers(n):
    for i in range(n):
        got = yield i
        if got:
            yield got * 10
    return "done"


def generators(n):
    g = numbers(n)
    first = next(g)
    sent = g.send(5)
    rest = list(g)
    again = next(g, "over")
    try:
        next(g)
    except StopIteration as stop:
        value = stop.value
    return first, sent, rest, again, value


def delegating(n):
    def outer():
        result = yield from numbers(n)
        yield result

    return list(outer()), tuple(outer())


def throwing(n):
    log = []

    def gen():
        try:
            yield 1
        except ValueError as error:
            log.append(str(error))
            yield 2
        finally:
            log.append("closed")

    g = gen()
    next(g)
    got = g.throw(ValueError("thrown"))
    g.close()
    g.close()
    return got, log, list(g)


def escaping_generators(n):
    started, fresh, done = numbers(n), (i * n for i in range(n)), numbers(0)
    next(started, None)
    list(done)
    return [started, fresh, done]


def unpacking(n):
    a, b, *c = numbers(n)
    (d, e), f = (1, 2), 3
    *g, h = [1]
    return a, b, c, d, e, f, g, h


def unpack_too_many(n):
    a, b = numbers(n)
    return a


def catches(x):
    log = []
    try:
        try:
            [1][x]
        except IndexError as error:
            log.append(("index", str(error)))
            raise KeyError("inner") from error
        finally:
            log.append("finally")
    except (ValueError, KeyError) as error:
        log.append(
            (type(error).__name__, error.args, type(error.__cause__).__name__, error.__context__ is error.__cause__)
        )
    else:
        log.append("else")
    return log


class Problem(Exception):
    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


class Plain(ValueError):
    pass


def raises_own(x):
    raise Problem("text", x)


def raises_class(x):
    raise Plain


def raises_from(x):
    try:
        int("z" * x)
    except ValueError:
        raise RuntimeError("outer") from None


def returns_exception(x):
    try:
        raise Problem("a", [x])
    except Problem as error:
        error.note = "kept"
        error.add = error
        return error, str(error), repr(error), error.code


def implicit_context(x):
    try:
        try:
            1 // x
        except ZeroDivisionError:
            undefined_name  # noqa: B018
    except NameError as error:
        return error.__context__, str(error)


def reraises(x):
    log = []
    try:
        try:
            raise ValueError(x)
        except ValueError:
            log.append("seen")
            raise
    except ValueError as error:
        return error, log


def bad_raise(x):
    raise x


def bad_except(x):
    try:
        raise ValueError
    except x:
        return 1


def assertion(x):
    assert x > 1, f"x is {x}"
    return x


def unbound(x):
    if x:
        y = 1
    return y


def unbound_free(x):
    def f():
        return later

    if x:
        later = 2
    return f()


class Manager:
    def __init__(self, log, swallow):
        self.log = log
        self.swallow = swallow

    def __enter__(self):
        self.log.append("enter")
        return self

    def __exit__(self, kind, value, trace):
        self.log.append((kind, value, trace is None))
        return self.swallow


def with_statement(log, swallow):
    with Manager(log, swallow) as one, Manager(log, False):
        log.append(one.swallow)
        raise ValueError("in with")
    return "after"


@contextlib.contextmanager
def managed(log, swallow=False):
    log.append("in")
    try:
        yield 3
    except KeyError:
        log.append("caught")
        if not swallow:
            raise
    finally:
        log.append("out")


def context_manager(log, key):
    with managed(log, swallow=True) as value:
        log.append(value)
        {}[key]
    with contextlib.suppress(ZeroDivisionError):
        1 // 0
    with contextlib.nullcontext(5) as five:
        log.append(five)
    return log


def loops(n):
    out = []
    for i in range(n):
        if i == 1:
            continue
        if i == 5:
            break
        out.append(i)
    else:
        out.append("else")
    while n:
        n -= 1
    return out, n


def patterns(x):
    match x:
        case 0:
            return "zero"
        case [a, *rest]:
            return a, rest
        case {"k": v, **other}:
            return v, other
        case Manager(swallow=s):
            return s
        case str() as text if len(text) > 1:
            return text
        case int(n) | float(n):
            return n
        case _:
            return None


def walrus(x):
    return (y := x + 1) * y, [z for i in range(3) if (z := i * 2)]


def imports(x):
    import math
    import os.path as path
    from sys import maxsize

    return math.pi, path.sep, maxsize == sys.maxsize


def aliasing(x):
    inner = [x]
    outer = [inner, inner]
    inner.append(outer)
    pair = (inner, outer)
    return pair, outer, {"inner": inner}


def identity(x):
    a = [x]
    b = a
    c = [x]
    return a is b, a is c, a is not c, x is None, None is None, (a, c)[0] is a


def conditional(x):
    return ("a" if x > 1 else "b"), not x, x and 5, x or 7, 1 < x < 5, x in (1, 2)


def text(x):
    return f"{x!r:>4}|{x:03d}|{'q'}", "%d-%s" % (x, "a"), "{}:{k}".format(x, k=2), ",".join(str(i) for i in range(x))


N = (lambda: (3,), lambda: (0,))

CASES = [
    (closures, *N),
    (returns_closure, *N),
    (shared_cells, *N),
    (recursive, lambda: (5,)),
    (arguments, *N),
    (missing_argument, *N),
    (unexpected_argument, *N),
    (defaults_are_shared, *N),
    (global_read, *N),
    (lambdas, *N),
    (decorated, *N),
    (function_attributes, *N),
    (comprehensions, *N),
    (generators, lambda: (4,)),
    (delegating, *N),
    (throwing, *N),
    (unpacking, lambda: (4,), lambda: (1,)),
    (unpack_too_many, lambda: (4,), lambda: (1,), lambda: (2,)),
    (catches, *N),
    (raises_own, *N),
    (raises_class, *N),
    (raises_from, *N),
    (returns_exception, *N),
    (implicit_context, lambda: (0,)),
    (reraises, *N),
    (bad_raise, *N, lambda: (ValueError("given"),), lambda: (KeyError,)),
    (bad_except, *N, lambda: ((KeyError, ValueError),)),
    (assertion, *N),
    (unbound, *N),
    (unbound_free, *N),
    (with_statement, lambda: ([], False), lambda: ([], True)),
    (context_manager, lambda: ([], "k")),
    (loops, lambda: (3,), lambda: (9,)),
    (patterns, *N, lambda: ([1, 2],), lambda: ({"k": 1, "z": 2},), lambda: ("text",), lambda: (2.5,), lambda: (None,)),
    (patterns, lambda: (Manager([], 4),)),
    (walrus, *N),
    (imports, *N),
    (aliasing, *N),
    (identity, *N),
    (conditional, *N),
    (text, lambda: (3,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_as_cpython(case):
    function, *makers = case
    check(function, *makers)


def test_generators_that_escape_go_on_where_they_were():
    lifted = lift(escaping_generators)
    for n in (3, 0, 3):
        assert [list(one) for one in lifted(n)] == [list(one) for one in escaping_generators(n)]


def test_a_generator_dropped_inside_try_is_not_forgotten():
    log = []

    def gen():
        try:
            yield 1
        finally:
            log.append("closed")

    def drop(x):
        return next(gen()) + x

    with pytest.raises(ReconstructionError, match="dropped inside"):
        lift(drop)(1)
