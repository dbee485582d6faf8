"""Programs that Hypothesis writes: functions over a few variables, with objects, loops, exceptions and mutations."""

from __future__ import annotations

import linecache
import warnings
from typing import Any

from hypothesis import strategies as st


class Node:
    """What programs make and change."""

    total = 0
    label = "node"

    def __init__(self, value, *rest):
        self.value = value
        self.rest = list(rest)

    def add(self, item):
        self.rest.append(item)
        return self

    @property
    def size(self):
        return len(self.rest)

    def __eq__(self, other):
        return isinstance(other, Node) and self.value == other.value

    __hash__ = None

    def __len__(self):
        return len(self.rest)

    def __getitem__(self, index):
        return self.rest[index]

    def __add__(self, other):
        if isinstance(other, Node):
            return Node(self.value, *self.rest, *other.rest)
        return NotImplemented

    def __radd__(self, other):
        return ("radd", other, self.value)


class Special(Node):
    label = "special"

    def add(self, item):
        super().add(item)
        self.last = item
        return self

    def __getattr__(self, name):
        if name == "last":
            return None
        raise AttributeError(name)


class Stack(list):
    limit = 3

    def push(self, item):
        if len(self) >= self.limit:
            raise OverflowError(item)
        self.append(item)


VARIABLES = ("a", "b", "c", "n")
names = st.sampled_from(VARIABLES)
numbers = st.integers(-3, 4).map("({})".format)

atoms = st.one_of(
    names,
    numbers,
    st.sampled_from(["(None)", "(True)", "('s')", "('')", "(1.5)", "[]", "{}", "()", "[1, 2]", "{'k': 1}", "('text')"]),
)


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} + {p[1]})"),
        two.map(lambda p: f"({p[0]} * {p[1]})"),
        two.map(lambda p: f"({p[0]} == {p[1]})"),
        two.map(lambda p: f"({p[0]} < {p[1]})"),
        two.map(lambda p: f"({p[0]} and {p[1]})"),
        two.map(lambda p: f"[{p[0]}, {p[1]}]"),
        two.map(lambda p: f"({p[0]}, *[{p[1]}])"),
        two.map(lambda p: f"{{'k': {p[0]}, 'z': {p[1]}}}"),
        two.map(lambda p: f"{p[0]}[{p[1]}]"),
        two.map(lambda p: f"Node({p[0]}, {p[1]})"),
        two.map(lambda p: f"Special({p[0]}).add({p[1]})"),
        two.map(lambda p: f"(lambda x, y=2, *z: (x, y, z))({p[0]}, {p[1]})"),
        two.map(lambda p: f"({p[0]} if {p[1]} else n)"),
        inner.map(lambda e: f"Stack([{e}])"),
        inner.map(lambda e: f"len({e})"),
        inner.map(lambda e: f"{e}.value"),
        inner.map(lambda e: f"{e}.size"),
        inner.map(lambda e: f"{e}.last"),
        inner.map(lambda e: f"type({e}).__name__"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"[x for x in {e}]"),
        inner.map(lambda e: f"getattr({e}, 'total', 7)"),
        inner.map(lambda e: f"isinstance({e}, (Node, int))"),
        inner.map(lambda e: f"sorted({e})"),
        inner.map(lambda e: f"list(made({e}))"),
    )


expressions = st.recursive(atoms, _expressions, max_leaves=5)


@st.composite
def statements(draw: Any, depth: int = 2) -> list[str]:
    """The lines of a block."""
    kind = draw(st.integers(0, 15 if depth else 9))
    e, f, v = draw(expressions), draw(expressions), draw(names)
    simple = [
        [f"{v} = {e}"],
        [f"{v}.value = {e}"],
        [f"{v}.append({e})"],
        [f"{v}[{f}] = {e}"],
        [f"{v} += {e}"],
        [f"out.append({e})"],
        [f"{v}.push({e})"],
        [f"del {v}.value"],
        [f"{v}, n = {e}"],
        [f"counter({e})"],
    ]
    if kind < len(simple):
        return simple[kind]
    body = [line for _ in range(draw(st.integers(1, 3))) for line in draw(statements(depth=depth - 1))]
    block = [f"    {line}" for line in body]
    return [
        [f"if {e}:", *block, "else:", f"    {v} = {f}"],
        [f"for n in {e}:", *block],
        ["try:", *block, "except (TypeError, KeyError, AttributeError) as error:", "    out.append(str(error))"],
        ["try:", *block, "finally:", "    out.append('finally')"],
        [f"with manager(out, {e}) as {v}:", *block],
        ["try:", f"    raise ValueError({e})", "except ValueError as error:", *block, f"    {v} = error"],
    ][kind - len(simple)]


PRELUDE = """
def made(x):
    for item in x:
        got = yield item
    return x

class manager:
    def __init__(self, out, value):
        self.out = out
        self.value = value
    def __enter__(self):
        self.out.append("enter")
        return self.value
    def __exit__(self, kind, value, trace):
        self.out.append(kind and kind.__name__)
        return kind is IndexError
"""

serial = iter(range(10**9))


@st.composite
def programs(draw: Any) -> Any:
    """A function `program(a, b, c)` and its text."""
    lines = [line for _ in range(draw(st.integers(1, 5))) for line in draw(statements())]
    result = draw(expressions)
    text = "\n".join(
        [
            PRELUDE,
            "def program(a, b, c):",
            "    out, n = [], 2",
            "    def counter(by):",
            "        nonlocal n",
            "        n = by",
            *[f"    {line}" for line in lines],
            f"    return out, a, b, c, n, {result}",
        ]
    )
    filename = f"program_{next(serial)}.py"
    scope = {"Node": Node, "Special": Special, "Stack": Stack, "__name__": "generated"}
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the programs are odd on purpose
        exec(compile(text, filename, "exec"), scope)
    return scope["program"], text


def values() -> list[Any]:
    """Kinds of arguments, made anew by each call."""
    return [1, 0, "s", None, [1, 2], {"k": [3]}, (1, [2]), Node(1, 2), Special(0), Stack([1]), 2.5]


arguments = st.tuples(*[st.integers(0, len(values()) - 1)] * 3)
