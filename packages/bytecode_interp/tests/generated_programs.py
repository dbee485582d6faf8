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
    class Manager:
        def __init__(self, swallow):
            self.swallow = swallow
        def __enter__(self):
            say('enter')
            return self.swallow
        def __exit__(self, *details):
            say(details[0])
            return self.swallow
    a = b = c = 1
    for _ in range(2):
"""


def describe(value):
    """A text that is the same in both runs."""
    text = repr(value)
    return text if " at 0x" not in text else type(value).__name__


@st.composite
def programs(draw):
    body = draw(st.lists(statements(), min_size=1, max_size=5))
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
