"""A Hypothesis strategy for programs: statements of each kind, nested, that log what they see."""

from __future__ import annotations

import textwrap
import warnings

from hypothesis import strategies as st

NAMES = ["a", "b", "c"]
names = st.sampled_from(NAMES)


def expressions():
    leaves = st.one_of(
        names,
        st.sampled_from(
            ["0", "1", "2", "-1", "None", "True", "'s'", "[]", "[1, 2]", "(1, 'x')", "{'k': 1}", "xs", "2.5"]
        ),
    )

    def grow(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from("+ - * // % < <= == != is in & | and or".split()), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
            st.tuples(st.sampled_from(["not ", "-", "~"]), inner).map(lambda parts: f"({parts[0]}{parts[1]})"),
            st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
            st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
            st.tuples(inner, inner).map(lambda p: f"say({p[0]}, k={p[1]})"),
            st.tuples(inner, inner).map(lambda p: f"[({p[0]}, i) for i in {p[1]} if i]"),
            st.tuples(inner, inner).map(lambda p: f"{{**{{'z': {p[0]}}}, 'y': {p[1]}}}"),
            st.tuples(inner, inner).map(lambda p: f"f'{{{p[0]}!r:>4}}{{{p[1]}}}'"),
            st.tuples(inner, inner).map(lambda p: f"(lambda q, *r: (q, r, a))(*[{p[0]}, {p[1]}])"),
            inner.map(lambda e: f"list(gen({e}))"),
            inner.map(lambda e: f"helper({e})"),
        )

    return st.recursive(leaves, grow, max_leaves=8)


EXPRESSIONS = expressions()


def indented(lines):
    return textwrap.indent("\n".join(lines), "    ")


def matching(parts):
    subject, first, second = parts
    return f"match {subject}:\n    case [a, *b]:\n{indented([first])}\n    case int() | None:\n{indented([second])}"


def statements():
    simple = st.one_of(
        st.tuples(names, EXPRESSIONS).map(lambda p: f"{p[0]} = {p[1]}"),
        st.tuples(names, st.sampled_from("+ - * |".split()), EXPRESSIONS).map(lambda p: f"{p[0]} {p[1]}= {p[2]}"),
        EXPRESSIONS.map(lambda e: f"say({e})"),
        EXPRESSIONS.map(lambda e: f"a, *b = {e}"),
        EXPRESSIONS.map(lambda e: f"(a, b), c = {e}, 3"),
        names.map(lambda n: f"del {n}"),
        EXPRESSIONS.map(lambda e: f"return describe({e})"),
        st.sampled_from(["raise ValueError('v')", "raise KeyError", "raise", "pass", "if a: break", "if b: continue"]),
        EXPRESSIONS.map(lambda e: f"xs[0] = {e}"),
        EXPRESSIONS.map(lambda e: f"assert {e}, a"),
    )

    def grow(inner):
        block = st.lists(inner, min_size=1, max_size=3).map(indented)
        return st.one_of(
            st.tuples(EXPRESSIONS, block, block).map(lambda p: f"if {p[0]}:\n{p[1]}\nelse:\n{p[2]}"),
            st.tuples(names, EXPRESSIONS, block, block).map(lambda p: f"for {p[0]} in {p[1]}:\n{p[2]}\nelse:\n{p[3]}"),
            st.tuples(block, block).map(
                lambda p: f"try:\n{p[0]}\nexcept (ValueError, TypeError) as a:\n    say(repr(a))\n{p[1]}"
            ),
            st.tuples(block, block, block).map(
                lambda p: f"try:\n{p[0]}\nexcept KeyError:\n{p[1]}\nfinally:\n    say('finally')\n{p[2]}"
            ),
            st.tuples(block, st.booleans()).map(lambda p: f"with Manager({p[1]}) as b:\n{p[0]}"),
            st.tuples(EXPRESSIONS, block, block).map(
                lambda p: (
                    f"match {p[0]}:\n    case [a, *b]:\n{indented([p[1]])}\n    case int() | None:\n{indented([p[2]])}"
                )
            ),
            block.map(lambda b: f"def nested(c):\n    nonlocal a\n{b}\nsay(nested(1))"),
        )

    return st.recursive(simple, grow, max_leaves=12)


BASES = ["", "Base", "Base, metaclass=Meta", "metaclass=Meta, k=2"]


def whole_language():
    """Statements of every kind, those included that frames cannot be suspended in: classes, coroutines, groups."""

    def grow(inner):
        block = st.lists(inner, min_size=1, max_size=2).map(indented)
        return st.one_of(
            st.tuples(names, block, block).map(
                lambda p: f"{p[0]} = 0\nwhile ({p[0]} := count({p[0]})) < 3:\n{p[1]}\nelse:\n{p[2]}"
            ),
            st.tuples(block, st.sampled_from(["ValueError, 'of', 1", "KeyError, 2, None", "OSError, 3"])).map(
                lambda p: (
                    f"try:\n{p[0]}\n    raise ExceptionGroup('g', [TypeError(a), {p[1].split(',')[0]}()])\n"
                    f"except* TypeError as group:\n    say(len(group.exceptions))\n"
                    f"except* ({p[1].split(',')[0]}, LookupError):\n    say('rest')"
                )
            ),
            st.tuples(block, EXPRESSIONS).map(
                lambda p: f"try:\n{p[0]}\nexcept Exception as error:\n    raise RuntimeError({p[1]}) from error"
            ),
            st.tuples(block, st.booleans(), st.booleans()).map(
                lambda p: f"with Manager({p[1]}) as b, Manager({p[2]}):\n{p[0]}"
            ),
            st.tuples(
                EXPRESSIONS, st.sampled_from(["", "Base", "Base, metaclass=Meta", "metaclass=Meta, k=2"]), block
            ).map(
                lambda p: (
                    f"class Made({p[1]}):\n    attribute: int = {p[0]}\n    def method(self, *args, key=a):\n"
                    f"        say((__class__.__name__, args, key))\n{indented([p[2]])}\n"
                    "made = Made()\nsay(made.method(1, key=2))\nmade.attribute += 1\nsay(made.attribute)"
                )
            ),
            st.tuples(EXPRESSIONS, block).map(
                lambda p: (
                    f"def generator():\n    try:\n        got = yield {p[0]}\n        say(got)\n"
                    f"        yield from gen([got])\n{indented([p[1]])}\n    finally:\n        say('closed')\n"
                    "made = generator()\nsay(next(made))\nsay(made.send(b))\nmade.close()"
                )
            ),
            st.tuples(EXPRESSIONS, block).map(
                lambda p: (
                    f"async def coroutine():\n    async with Manager(False) as got:\n"
                    f"        say(await Waiting({p[0]}))\n        async for item in Waiting(2):\n"
                    f"            say([got, item, [w async for w in Waiting(1)]])\n"
                    f"{indented([p[1]])}\nsay(drive(coroutine()))"
                )
            ),
            st.tuples(EXPRESSIONS, block, block).map(
                lambda p: (
                    f"match {p[0]}:\n    case {{'z': a, **rest}} if a:\n{indented([p[1]])}\n"
                    f"    case str(b) | [b, _] | Point(x=b):\n        say(b)\n"
                    f"    case (1 | 2 | -1) as c:\n{indented([p[2]])}\n    case _:\n        say('none')"
                )
            ),
            st.tuples(EXPRESSIONS, EXPRESSIONS).map(
                lambda p: (
                    f"@decorated\ndef made(q, /, r={p[0]}, *, s=a, **rest):\n    global counted\n    counted = q\n"
                    f"    return q, r, s, rest\nsay(made({p[1]}, s=b, t=c))\nsay(counted)"
                )
            ),
            st.tuples(EXPRESSIONS, EXPRESSIONS).map(
                lambda p: (
                    f"import operator as op\nfrom math import floor\nsay(op.eq({p[0]}, {p[1]}))\n"
                    f"say({{i: floor(2.5) for i in range(2) if (c := i) < 2 != a}})\nsay({{*'ab'}} | {{c}})\ndel xs[:1]"
                )
            ),
            st.tuples(EXPRESSIONS, EXPRESSIONS).map(
                lambda p: f"point = Point()\npoint.x = {p[0]}\npoint.x += {p[1]}\nsay(0 < point.x <= 3)\ndel point.x"
            ),
        )

    return st.one_of(statements(), st.recursive(statements(), grow, max_leaves=6))


PRELUDE = """
def program(log):
    xs = [3, 0, 'e']
    def say(value, k=None):
        if len(log) > 200:
            raise SystemExit
        log.append((describe(value), describe(k)))
        return value
    def helper(value):
        try:
            return value + 1
        except TypeError:
            return [value]
    def gen(values):
        for value in values:
            got = yield (value, a)
        return got
    def count(value):
        return value + 1 if isinstance(value, int) else 3
    def decorated(function):
        say(function.__name__)
        return function
    class Base:
        def method(self, *args, key=None):
            return key
    class Meta(type):
        def __new__(cls, name, bases, body, k=1):
            say((name, k, sorted(body)))
            return super().__new__(cls, name, bases, body)
        def __init__(cls, name, bases, body, k=1):
            super().__init__(name, bases, body)
        @classmethod
        def __prepare__(cls, name, bases, k=1):
            return {'prepared': k}
    class Point:
        __match_args__ = ('x',)
    class Waiting:
        def __init__(self, value):
            self.value = self.left = value
        def __await__(self):
            got = yield ('wait', describe(self.value))
            return got
        def __aiter__(self):
            return self
        async def __anext__(self):
            if not isinstance(self.left, int) or self.left <= 0:
                raise StopAsyncIteration
            self.left -= 1
            return await Waiting(self.left)
    def drive(coroutine):
        sent = None
        while True:
            try:
                sent = say(coroutine.send(sent))
            except StopIteration as stopped:
                return stopped.value
    class Manager:
        def __init__(self, swallow):
            self.swallow = swallow
        def __enter__(self):
            say('enter')
            return self.swallow
        def __exit__(self, *details):
            say(details[0])
            return self.swallow
        async def __aenter__(self):
            return await Waiting('enter')
        async def __aexit__(self, *details):
            say(details[0])
            return await Waiting(None) is None
    a = b = c = 1
    for _ in range(2):
"""


def describe(value):
    """A text that is the same in both runs."""
    text = repr(value)
    return text if " at 0x" not in text else type(value).__name__


@st.composite
def programs(draw, kinds=None):
    """Programs of statements that frames can be suspended in, or of the kinds that are given."""
    body = draw(st.lists(statements() if kinds is None else kinds, min_size=1, max_size=5))
    return PRELUDE + textwrap.indent("\n".join(body), "        ") + "\n    return describe((a, b, c, xs))\n"


def compiled(source):
    """The function `program` of a source text, or None where CPython refuses the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = compile(source, "program.py", "exec")
        except SyntaxError:
            return None  # `nonlocal a` where `a` was used first, and their like
    namespace = {"describe": describe}
    exec(code, namespace)
    return namespace["program"]
