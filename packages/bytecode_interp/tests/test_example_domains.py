"""Two small domains over the same interpreter: what they say of a program is what can be worked out by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observation import observe
from sample_programs import PROGRAMS

from framelift_bytecode_interp import OPERATIONS, ConcreteDomain, interpret


def example(name):
    path = Path(__file__).parents[1] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CountingDomain = example("counting").CountingDomain
taint = example("taint")


# ---- counting ----


def summed(values):
    total = 0
    for value in values:
        if value > 1:
            total += value * value
    return total


def test_each_operation_is_counted_by_its_kind() -> None:
    domain = CountingDomain()
    assert interpret(summed, domain)([1, 2, 3]) == 13
    counts = {name: count for (_, name), count in domain.counts.items()}
    assert counts.pop("truth") in {3, 6}  # 3.13 makes a bool first, and then tests it
    counts.pop("constant", None)
    assert counts == {
        "store_local": 1 + 3 + 2,
        "get_iter": 1,
        "next": 4,
        "is_stop_iteration": 1,
        "compare": 3,
        "binary": 2,
        "inplace": 2,
    }
    assert {kind for kind, _ in domain.counts} == {"names", "containers", "operators", "exceptions"}


def test_the_kinds_hold_every_operation_of_a_domain_once() -> None:
    names = [name for kind in OPERATIONS.values() for name in kind]
    assert len(names) == len(set(names))
    assert all(callable(getattr(ConcreteDomain, name)) for name in names)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_counting_changes_nothing_so_shortcuts_and_general_handlers_agree(program) -> None:
    # Each operation is overridden, so no shortcut is used.
    assert observe(interpret(program, CountingDomain())) == observe(program)


# ---- taint ----


def read():
    return 7


def read_text():
    return "secret"


def run(function, *args):
    domain = taint.TaintDomain({read: "number", read_text: "text"})
    result = interpret(function, domain)(*args)
    return taint.strip(result)


class Box:
    def __init__(self, content):
        self.content = content
        self.label = "box"

    def double(self):
        return self.content * 2


def shown(value, *, times=1):
    return f"<{value}>" * times


FLOWS = [
    (lambda: read() + 1, 8, {"number"}),
    (lambda: 3, 3, set()),
    (lambda: -read() < 3, True, {"number"}),
    (lambda: [1, read()][0], 1, set()),
    (lambda: [1, read()][1], 7, {"number"}),
    (lambda: sum([1, read()]), 8, {"number"}),
    (lambda: f"{read()}{read_text()}", "7secret", {"number", "text"}),
    (lambda: read_text()[0].upper(), "S", {"text"}),
    (lambda: shown(read_text(), times=2), "<secret><secret>", {"text"}),
    (lambda: shown(1, times=2), "<1><1>", set()),
    (lambda: Box(read()).double(), 14, {"number"}),
    (lambda: Box(read()).label, "box", set()),
    (lambda: {read_text(): 1}["secret"], 1, set()),
    (lambda: [character for character in read_text()][0], "s", {"text"}),
    (lambda: {"a": read()}.get("a"), 7, {"number"}),
    (lambda: len(read_text()), 6, {"text"}),
    (lambda: ",".join(["a", *[read_text()]]), "a,secret", {"text"}),
    (lambda: sorted([read(), 3]), [3, 7], {"number"}),
    (lambda: 1 if read() else 0, 1, set()),  # an implicit flow
]


@pytest.mark.parametrize(("flow", "value", "sources"), FLOWS)
def test_what_derives_from_a_source_is_marked_and_nothing_else(flow, value, sources) -> None:
    assert run(flow) == (value, frozenset(sources))
    assert flow() == value


def test_marks_go_through_unpacking_stores_and_generators() -> None:
    def program():
        first, *_ = read_text()
        items = []
        items.append(read())
        items += [1]
        owner = Box(None)
        owner.content = items[0]

        def generate():
            for item in items:
                yield item + 1

        found = [item for item in generate()]
        return first, found[0], found[1], owner.content

    domain = taint.TaintDomain({read: "number", read_text: "text"})
    assert [taint.strip(item) for item in interpret(program, domain)()] == [
        ("s", frozenset({"text"})),
        (8, frozenset({"number"})),
        (2, frozenset()),
        (7, frozenset({"number"})),
    ]


@given(st.lists(st.integers(-9, 9), max_size=6), st.sets(st.integers(0, 5)))
def test_marked_values_compute_what_plain_ones_do(values, at) -> None:
    def program(values):
        total, seen = 1, {}
        for index, value in enumerate(values):
            seen[value] = seen.get(value, 0) + index
            total = total * value - len(values) if value > 0 else total ^ value
        return total, sorted(seen), str(total)

    given = [taint.marked(value, frozenset({"x"})) if index in at else value for index, value in enumerate(values)]
    result = interpret(program, taint.TaintDomain({}))(given)
    assert taint.strip(result)[0] == program(values)
