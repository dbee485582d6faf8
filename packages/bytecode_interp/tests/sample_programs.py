"""Ordinary functions, by topic, that must do the same interpreted as they do natively.

Each takes a list to log to, and returns something comparable or raises.
"""

# ruff: noqa: E501, F401, F821, PLE0704, PLE1132, PLC3002, PTH119
from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import functools
import itertools
import sys
from collections import defaultdict, namedtuple


def arithmetic(log):
    a, b = 17, 5
    log += [a + b, a - b, a * b, a / b, a // b, a % b, a**b, a & b, a | b, a ^ b, a << b, a >> b, -a, +a, ~a, not a]
    a += 1
    a -= 2
    a *= 3
    a //= 4
    a %= 7
    a **= 2
    a |= 8
    return a, a < b, a <= b, a == b, a != b, a > b, a >= b, 1 < a < 100 < 200, a is b, a is not b


def short_circuits(log):
    def say(value):
        log.append(value)
        return value

    return [
        say(0) or say(2),
        say(1) and say(0) and say(3),
        not say([]),
        say(1) if say(0) else say("else"),
        0 or {} or (),
    ]


def loops(log):
    total = 0
    for i in range(10):
        if i == 3:
            continue
        if i == 7:
            break
        total += i
    else:
        log.append("never")
    while total > 0:
        total -= 5
    else:
        log.append("done")
    for _ in []:
        pass
    else:
        log.append("empty")
    return total, i


def displays(log):
    first, second = [1, 2], {"a": 1}
    return (
        [*first, 3, *range(2)],
        (*first, 0),
        {*first, 5},
        {**second, "b": 2, **{"c": 3}},
        {1: 2, 3: 4},
        {"k": first, "l": second},
        first[0],
        first[-1:],
        [1, 2, 3, 4, 5][1:4:2],
        {1, 2, 3},
        [],
        {},
        (),
    )


def slices_stored(log):
    values = list(range(10))
    values[2:4] = [20, 30, 40]
    del values[0], values[1:3]
    values[::2] = [0] * len(values[::2])
    values[1] += 5
    return values


def comprehensions(log):
    k = 3
    pairs = [(x, y) for x in range(3) for y in range(x) if x != y]
    squares = {x: x * k for x in range(3)}
    lazy = (x + k for x in range(3))
    nested = [[y for y in range(x)] for x in range(3)]
    x = "outer"
    shadowed = [x for x in range(2)]
    captured = [f() for f in [lambda: i for i in range(3)]]
    return pairs, squares, {c for c in "hello" if c > "e"}, list(lazy), nested, shadowed, x, captured


def unpacking(log):
    a, b = 1, 2
    a, b = b, a
    (c, d), *e = [(3, 4), 5, 6]
    *f, g = "xyz"
    h, *i, j = range(5)
    for k, (m, *n) in [(1, (2, 3, 4))]:
        log.append((k, m, n))
    return a, b, c, d, e, f, g, h, i, j


def unpacking_too_few(log):
    a, b, c = iter([1, 2])
    return a


def unpacking_too_many(log):
    a, b = range(5)
    return a


def unpacking_with_star_too_few(log):
    a, *b, c = [1]
    return a


def unpacking_an_int(log):
    a, b = 5
    return a


def f_strings(log):
    x, width = 3.14159, 8
    return f"{x}", f"{x!r}", f"{x:.2f}", f"{x!s:>{width}}|", f"{'é'!a}", f"{x=}", "{}", f"{width:{'0'}{3}d}"


def calls(log):
    def everything(a, b=2, /, c=3, *args, d, e=5, **kwargs):
        return a, b, c, args, d, e, kwargs

    values, keywords = [1, 2, 3, 4], {"d": 6, "x": 7}
    return (
        everything(1, d=4),
        everything(1, 2, 3, 4, 5, d=4, z=1),
        everything(*values, **keywords),
        everything(0, *values, e=1, **keywords),
        everything(1, c=9, d=1, **{"a": 5}),
        max(*values, key=lambda v: -v),
        "{a}{b}".format(a=1, **{"b": 2}),
        functools.partial(everything, 1, d=2)(3),
        sorted([3, 1, 2], key=lambda v: -v, reverse=True),
    )


def call_errors(log):
    def one(a):
        return a

    def keyword(a, *, k):
        return a, k

    values = 5

    def positional(a, b, /, c=1):
        return a

    attempts = [
        lambda: one(),
        lambda: one(1, 2),
        lambda: one(1, a=2),
        lambda: one(b=1),
        lambda: keyword(1),
        lambda: keyword(1, 2, k=3),
        lambda: keyword(),
        lambda: positional(a=1, b=2),
        lambda: positional(1),
        lambda: positional(1, 2, 3, 4),
        lambda: one(*5),
        lambda: one(**5),
        lambda: one(**{1: 2}),
        lambda: one(a=1, **{"a": 2}),
        lambda: (lambda: 0)(1),
        lambda: values(),
        lambda: {**5},
        lambda: [*5],
    ]
    for attempt in attempts:
        try:
            attempt()
        except TypeError as error:
            log.append(str(error).split(". Did you mean")[0])


def closures(log):
    counts = []

    def counter(start):
        n = start

        def increment(by=1):
            nonlocal n
            n += by
            return n

        def forget():
            nonlocal n
            del n

        return increment, forget, lambda: n

    increment, forget, read = counter(5)
    counts += [increment(), increment(10), read()]
    forget()
    try:
        read()
    except NameError as error:
        counts.append((type(error).__name__, str(error)))
    return counts


def unbound_locals(log):
    try:
        log.append(later)
    except UnboundLocalError as error:
        log.append(str(error))
    later = 1
    del later
    try:
        del later
    except UnboundLocalError as error:
        log.append(str(error))
    try:
        nowhere_defined
    except NameError as error:
        log.append((str(error), error.name))


GLOBAL = 1


def global_statements(log):
    global GLOBAL, GLOBAL_NEW
    before = GLOBAL
    GLOBAL = 5
    GLOBAL_NEW = 7
    del GLOBAL_NEW
    try:
        GLOBAL_NEW
    except NameError as error:
        log.append(str(error))
    after, GLOBAL = GLOBAL, before
    return before, after


def fibonacci_recursion(log):
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(12)


def deep_recursion(log):
    def down(n):
        return 0 if n == 0 else 1 + down(n - 1)

    return down(900)


def endless_recursion(log):
    def down(n):
        return down(n + 1)

    try:
        down(0)
    except RecursionError as error:
        return str(error).startswith("maximum recursion depth exceeded")


def try_else_finally(log):
    def run(kind):
        try:
            log.append("try")
            if kind == 1:
                raise KeyError("k")
            if kind == 2:
                return "returned"
            if kind == 3:
                raise TypeError("t")
        except (KeyError, IndexError) as error:
            log.append(repr(error))
        else:
            log.append("else")
        finally:
            log.append("finally")
        return "end"

    results = []
    for kind in range(4):
        try:
            results.append(run(kind))
        except TypeError as error:
            results.append(str(error))
    return results


def finally_overrides(log):
    def run():
        for i in range(3):
            try:
                return i
            finally:
                if i < 2:
                    continue
                log.append(i)

    return run()


def chained_exceptions(log):
    try:
        try:
            {}["a"]
        except KeyError as error:
            raise ValueError("from key") from error
    except ValueError as error:
        log.append((repr(error.__cause__), repr(error.__context__), error.__suppress_context__))
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            int("x")
    except ValueError as error:
        log.append((repr(error.__cause__), repr(error.__context__), error.__suppress_context__))
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            raise KeyError from None
    except KeyError as error:
        log.append((repr(error.__cause__), repr(error.__context__), error.__suppress_context__))


def reraise(log):
    def inner():
        try:
            raise OSError(2, "gone")
        except OSError:
            log.append(sys.exc_info()[0].__name__)
            raise

    try:
        inner()
    except OSError as error:
        log.append(error.errno)
        try:
            raise
        except OSError as again:
            log.append(again is error)
    log.append(sys.exc_info())


def bare_raise_without_exception(log):
    raise


def raise_non_exception(log):
    raise 5


def raise_bad_cause(log):
    raise ValueError from 5


def catching_non_exception(log):
    try:
        raise ValueError(1)
    except 5:
        pass


def exception_variable_is_deleted(log):
    try:
        raise ValueError(1)
    except ValueError as error:
        pass
    return error


def nested_uncaught(log):
    def a():
        return b() + 1

    def b():
        try:
            return c()
        finally:
            log.append("b")

    def c():
        raise LookupError("deep")

    return a()


def assertion(log):
    assert 1 == 1, "fine"
    value = 5
    assert value == 4, f"value is {value}"


def exception_groups(log):
    def run(errors):
        try:
            raise ExceptionGroup("group", errors)
        except* ValueError as group:
            log.append(("values", [repr(e) for e in group.exceptions]))
        except* (TypeError, KeyError) as group:
            log.append(("others", [repr(e) for e in group.exceptions]))
            raise RuntimeError("new") from None

    for errors in ([ValueError(1)], [ValueError(1), OSError(2)], [TypeError(1), OSError(2), ValueError(3)]):
        try:
            run(errors)
        except BaseException as error:
            log.append(repr(error))
            log.append(repr(getattr(error, "exceptions", None)))
    try:
        raise ValueError("naked")
    except* ValueError as group:
        log.append(repr(group))


class Manager:
    def __init__(self, log, name, swallow=False):
        self.log, self.name, self.swallow = log, name, swallow

    def __enter__(self):
        self.log.append(("enter", self.name))
        return self.name

    def __exit__(self, kind, error, traceback):
        self.log.append(("exit", self.name, kind and kind.__name__, traceback is not None))
        return self.swallow


def with_statements(log):
    with Manager(log, "a") as a, Manager(log, "b"):
        log.append(a)
    with Manager(log, "c", swallow=True):
        raise ValueError("swallowed")
    for i in range(3):
        with Manager(log, i):
            if i == 1:
                break
    try:
        with Manager(log, "d"), Manager(log, "e"):
            {}["missing"]
    except KeyError:
        log.append("caught")
    with contextlib.suppress(ZeroDivisionError):
        1 / 0
    return "end"


def with_without_manager(log):
    class OnlyEnter:
        def __enter__(self):
            return 1

    for thing in (5, OnlyEnter()):
        try:
            with thing:
                pass
        except TypeError as error:
            log.append(str(error))


def generators(log):
    def count(n):
        try:
            for i in range(n):
                sent = yield i
                log.append(sent)
        finally:
            log.append("closed")
        return "result"

    def delegate(n):
        result = yield from count(n)
        log.append(result)
        yield "after"

    results = [list(count(2)), list(delegate(2))]
    generator = count(5)
    results += [next(generator), generator.send("x"), generator.send("y")]
    generator.close()
    thrown = delegate(5)
    next(thrown)
    try:
        thrown.throw(KeyError("in"))
    except KeyError as error:
        results.append(repr(error))
    try:
        next(thrown)
    except StopIteration as stop:
        results.append(stop.value)
    unfinished = count(3)
    next(unfinished)
    del unfinished
    return results


def generator_catches(log):
    def resilient():
        while True:
            try:
                got = yield "ready"
            except ValueError as error:
                got = repr(error)
            log.append(got)

    def wrapper():
        yield from resilient()

    generator = wrapper()
    results = [next(generator), generator.send(1), generator.throw(ValueError("v")), generator.send(2)]
    try:
        generator.throw(TypeError("t"))
    except TypeError as error:
        results.append(str(error))
    return results


def generator_raises_stop_iteration(log):
    def broken():
        yield 1
        raise StopIteration(5)

    return list(broken())


def yield_from_iterables(log):
    def flatten(tree):
        for node in tree:
            if isinstance(node, list):
                yield from flatten(node)
            else:
                yield node

    def from_others():
        got = yield from [1, 2]
        log.append(got)
        yield from "ab"
        yield from (x * x for x in range(3))

    return list(flatten([1, [2, [3, [4]], 5]])), list(from_others())


class Base:
    registry: list = []
    count: int = 0

    def __init_subclass__(cls, **keywords):
        cls.registry.append((cls.__name__, keywords))

    def __init__(self, x=1):
        self.x = x

    def method(self, y):
        return self.x + y

    @classmethod
    def make(cls, x):
        return cls(x)

    @staticmethod
    def static(x):
        return x * 2

    @property
    def doubled(self):
        return self.x * 2

    @doubled.setter
    def doubled(self, value):
        self.x = value // 2


def classes(log):
    Base.registry.clear()

    class Child(Base, flag=True):
        """A docstring."""

        kind = "child"
        alias = kind + "!"

        def method(self, y):
            return super().method(y) * 10, __class__.__name__

        def captured(self):
            def inner():
                return super(Child, self).method(1)

            return inner()

    child = Child.make(5)
    child.doubled = 40
    child.extra = 1
    del child.extra
    try:
        child.extra
    except AttributeError as error:
        log.append(str(error))
    return (
        child.method(1),
        child.captured(),
        child.doubled,
        Child.static(4),
        Child.alias,
        Child.__doc__,
        Child.__qualname__,
        Child.__module__,
        Base.registry,
        [base.__name__ for base in Child.__mro__],
    )


def metaclasses(log):
    class Meta(type):
        @classmethod
        def __prepare__(mcs, name, bases, **keywords):
            log.append(("prepare", name, keywords))
            return {"prepared": True}

        def __new__(mcs, name, bases, namespace, **keywords):
            namespace["order"] = [key for key in namespace if not key.startswith("__")]
            return super().__new__(mcs, name, bases, namespace)

        def __init__(cls, name, bases, namespace, **keywords):
            super().__init__(name, bases, namespace)

        def __call__(cls, *args):
            log.append(("call", args))
            return super().__call__(*args)

    class Made(metaclass=Meta, option=1):
        b = 2
        a = 1

        def __init__(self, value):
            self.value = value

    return Made(3).value, Made.order, Made.prepared, type(Made).__name__


def class_scopes(log):
    x = "enclosing"

    class Scope:
        y = x
        x = "class"
        z = x
        values = [i for i in range(3)]

        def method(self):
            return x

    class Loop:
        for i in range(3):
            locals()[f"v{i}"] = i
        total = sum((v0, v1, v2))  # noqa: F821

    return Scope.y, Scope.z, Scope.values, Scope().method(), Loop.total


def annotations(log):
    def annotated(a: int, b: "str" = "x", *args: float, k: bool = True) -> list:
        local: int = 5
        return local

    class Annotated:
        field: int
        other: "str" = "x"

    return (
        annotated.__annotations__,
        Annotated.__annotations__,
        annotated(1),
        annotated.__defaults__,
        annotated.__kwdefaults__,
    )


def decorators(log):
    def logged(prefix):
        def decorate(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                log.append((prefix, args, kwargs))
                return function(*args, **kwargs)

            return wrapper

        return decorate

    @logged("one")
    @logged("two")
    def add(a, b=1):
        """Add."""
        return a + b

    return add(1), add(1, b=5), add.__name__, add.__doc__


def library_classes(log):
    Point = namedtuple("Point", "x y")

    @dataclasses.dataclass(order=True)
    class Item:
        name: str
        price: float = 1.0
        tags: list = dataclasses.field(default_factory=list)

    class Color(enum.Enum):
        RED = 1
        BLUE = enum.auto()

    counts = defaultdict(int)
    for letter in "mississippi":
        counts[letter] += 1
    point = Point(1, y=2)._replace(x=5)
    items = sorted([Item("b"), Item("a", 2.0, ["t"])])
    return point, items == sorted(items), repr(items[0]), Color(2).name, [c.name for c in Color], dict(counts)


def special_methods(log):
    class Vector:
        def __init__(self, *parts):
            self.parts = parts

        def __add__(self, other):
            return Vector(*(a + b for a, b in zip(self.parts, other.parts)))

        def __radd__(self, other):
            return self if other == 0 else NotImplemented

        def __iadd__(self, other):
            log.append("iadd")
            return self + other

        def __eq__(self, other):
            return isinstance(other, Vector) and self.parts == other.parts

        def __hash__(self):
            return hash(self.parts)

        def __getitem__(self, index):
            return self.parts[index]

        def __len__(self):
            return len(self.parts)

        def __bool__(self):
            log.append("bool")
            return any(self.parts)

        def __contains__(self, item):
            return item in self.parts

        def __iter__(self):
            return iter(self.parts)

        def __call__(self, scale=2):
            return Vector(*(part * scale for part in self.parts))

        def __format__(self, spec):
            return f"<{spec}>"

        def __repr__(self):
            return f"Vector{self.parts}"

        def __getattr__(self, name):
            if name == "magic":
                return 42
            raise AttributeError(name)

    v = Vector(1, 2)
    v += Vector(3, 4)
    return (
        repr(v),
        repr(sum([v, v])),
        v == Vector(4, 6),
        v[0],
        v[-1:],
        len(v),
        "yes" if v else "no",
        not Vector(0),
        6 in v,
        [*v],
        repr(v(3)),
        f"{v:spec} {v!r:>15}",
        {v: 1}[Vector(4, 6)],
        v.magic,
    )


def pattern_matching(log):
    @dataclasses.dataclass
    class Point:
        x: int
        y: int

    class Weekday(enum.Enum):
        MONDAY = 1

    def describe(value):
        match value:
            case 0 | 1:
                return "small"
            case int(n) if n > 100:
                return "big", n
            case str() as text:
                return "text", text
            case []:
                return "empty"
            case [x]:
                return "one", x
            case [first, *rest, last] if first != last:
                return first, rest, last
            case {"kind": "a", "value": v, **others}:
                return "mapping", v, others
            case {}:
                return "any mapping"
            case Point(0, y=y):
                return "on the axis", y
            case Point(x=x, y=y):
                return "point", x, y
            case Weekday.MONDAY:
                return "monday"
            case None:
                return "none"
            case float() | bytes():
                return "builtin"
            case _:
                return "else"

    subjects = [0, 1, 5, 500, "x", [], [1], [1, 2, 3], (4, 4), {"kind": "a", "value": 1, "z": 2}, {"q": 1}, Point(0, 3)]
    subjects += [Point(1, 2), Weekday.MONDAY, None, 2.5, b"b", {1}, range(0), True, -1]
    return [describe(subject) for subject in subjects]


def pattern_errors(log):
    class Odd:
        __match_args__ = ("a",)
        a = 1

    for value in (1,):
        try:
            match Odd():
                case Odd(1, 2):
                    pass
        except TypeError as error:
            log.append(str(error))
        try:
            match value:
                case log.missing():
                    pass
        except AttributeError as error:
            log.append(str(error))


def walrus(log):
    if (n := len([1, 2, 3])) > 2:
        log.append(n)
    return [y := 1, y**2], [last := x for x in range(4)], last


def imports(log):
    import collections.abc
    import os.path as p
    from math import pi
    from math import sqrt as root

    try:
        from math import nothing_like_this
    except ImportError as error:
        log.append((str(error), error.name, error.path, getattr(error, "name_from", None)))
    try:
        import no_such_module_at_all
    except ModuleNotFoundError as error:
        log.append(str(error))
    return p.basename("/a/b"), round(pi, 3), root(9), collections.abc.__name__


def frame_reading(log):
    a, b = 1, 2
    names = sorted(locals())
    values = eval("a + b")
    here = vars()["a"]
    known = "frame_reading" in globals()
    return names, values, here, known, eval("[x + a for x in c]", {"c": [1], "a": 10})


def iterators(log):
    class Countdown:
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return self

        def __next__(self):
            if self.n == 0:
                raise StopIteration
            self.n -= 1
            return self.n

    class Sequence:
        def __getitem__(self, index):
            if index > 2:
                raise IndexError
            return index * 10

    results = [list(Countdown(3)), [x for x in Sequence()]]
    iterator = iter([1, 2, 3])
    for x in iterator:
        results.append((x, next(iterator, None)))
    results.append(list(zip(range(3), itertools.count(5))))
    results.append(list(map(lambda v: v + 1, filter(None, [0, 1, 2]))))
    results.append(dict(enumerate("ab", start=1)))
    for not_iterable in (5, None):
        try:
            for _ in not_iterable:
                pass
        except TypeError as error:
            log.append(str(error))
    return results


def coroutines(log):
    class Resource:
        async def __aenter__(self):
            await asyncio.sleep(0)
            log.append("aenter")
            return self

        async def __aexit__(self, *details):
            log.append(("aexit", details[0] and details[0].__name__))
            return True

    async def numbers(n):
        try:
            for i in range(n):
                await asyncio.sleep(0)
                yield i
        finally:
            log.append("numbers closed")

    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    async def main():
        results = [await add(1, 2), *(await asyncio.gather(add(1, 1), add(2, 2)))]
        async for i in numbers(3):
            results.append(i)
        results += [x * 2 async for x in numbers(2) if x]
        async with Resource() as resource:
            results.append(type(resource).__name__)
            raise ValueError("swallowed")
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.001)
        except asyncio.TimeoutError:
            results.append("timeout")
        return results

    return asyncio.run(main())


def deleted_things(log):
    values, mapping = [1, 2, 3], {"a": 1}
    del values[0], mapping["a"]
    x = y = 5
    del x
    try:
        print(x)
    except UnboundLocalError as error:
        log.append(str(error))
    return values, mapping, y


def lambda_defaults(log):
    functions = [lambda x, i=i: x + i for i in range(3)]
    return [f(10) for f in functions], (lambda *a, **k: (a, k))(1, b=2), (lambda: (yield))().__class__.__name__


def many_constants_and_jumps(log):
    # More than 256 constants and a body that needs EXTENDED_ARG for its jumps.
    total = 0
    namespace = {}
    body = "\n".join(f"        total += {i}.5 if flag else {i}" for i in range(400))
    exec(f"def big(flag):\n    total = 0\n    for _ in range(2):\n{body}\n    return total", namespace)
    return namespace["big"](True), namespace["big"](False), total


PROGRAMS = [
    function
    for name, function in sorted(globals().items())
    if callable(function) and getattr(function, "__module__", None) == __name__ and not isinstance(function, type)
]
