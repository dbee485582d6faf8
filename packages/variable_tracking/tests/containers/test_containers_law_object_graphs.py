"""Law: a captured program leaves the same graph of objects as plain Python, aliases and cycles included."""

from __future__ import annotations

import copy

from comparison import canonical
from driver import Broke, capture, entry_code
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_guards import Scope


def run(program, pool):
    """Interpret a small language over a pool of containers."""
    log = []
    for op, a, b, c in program:
        x, y = pool[a % len(pool)], pool[b % len(pool)]
        try:
            if op == "put":
                x[c] = y
            elif op == "number":
                x[c] = c
            elif op == "get":
                log.append(x[c])
            elif op == "append":
                x.append(y)
            elif op == "extend":
                x.extend(list(y))
            elif op == "delete":
                del x[c]
            elif op == "pop":
                log.append(x.pop())
            elif op == "insert":
                x.insert(c, y)
            elif op == "reverse":
                x.reverse()
            elif op == "clear":
                x.clear()
            elif op == "update":
                x.update(y)
            elif op == "setdefault":
                log.append(x.setdefault(c, y))
            elif op == "popitem":
                log.append(x.popitem())
            elif op == "length":
                log.append([len(x), bool(y), c in x])
            elif op == "same":
                log.append(x is y)
            elif op == "add":
                x.add(c)
            elif op == "discard":
                x.discard(c)
            elif op == "copy":
                pool.append(x.copy())
            elif op == "tuple":
                log.append((x, y, c))
            elif op == "slice":
                x[c:] = [y, c]
            elif op == "sum":
                pool.append(x + y)
            elif op == "iterate":
                log.append([len(log) for item in x])
            elif op == "iterator":
                it = iter(x)
                log.append(next(it, None))
        except Exception as error:
            log.append(type(error).__name__)
            log.append(str(error))
    return log


OPS = (
    "put number get append extend delete pop insert reverse clear update setdefault popitem length same add discard "
    "copy tuple slice sum iterate iterator"
).split()

programs = st.lists(
    st.tuples(st.sampled_from(OPS), st.integers(0, 4), st.integers(0, 4), st.integers(-2, 3)), min_size=1, max_size=8
)


@st.composite
def pools(draw):
    kinds = st.sampled_from(["list", "dict", "set"])
    pool = []
    for kind in draw(st.lists(kinds, min_size=1, max_size=4)):
        numbers = draw(st.lists(st.integers(0, 3), max_size=3))
        pool.append({"list": list, "dict": dict.fromkeys, "set": set}[kind](numbers))
    if draw(st.booleans()):
        pool.append(pool[0])
    if type(pool[0]) is list and draw(st.booleans()):
        pool[0].append(pool[-1])
    return pool


@settings(max_examples=150, deadline=None)
@given(programs, pools())
def test_law(program, pool):
    native, lifted = copy.deepcopy(pool), copy.deepcopy(pool)
    expected = run(program, native)
    values = {"program": program, "pool": lifted}
    try:
        captured = capture(run, values)
    except Broke:
        return
    failure = captured.guards.first_failure(Scope(values))
    assert failure is None, failure
    found = entry_code(captured, ("program", "pool"))(program, lifted)
    assert canonical([found, lifted]) == canonical([expected, native])
