"""Instructions done at once are those done one by one: results, effects, errors, and how many they were."""

from __future__ import annotations

import pytest
from generated_programs import compiled, programs
from hypothesis import HealthCheck, given, settings
from observation import observe
from sample_programs import PROGRAMS

from framelift_bytecode_interp import (
    Advance,
    ConcreteDomain,
    InstructionCount,
    InterpretedFunction,
    decode,
    interpret,
)

LARGE = 1 << 40


def one_by_one(program) -> InterpretedFunction:
    """The program interpreted without fusions, as under any limit of instructions."""
    domain = ConcreteDomain()
    domain.count = InstructionCount(LARGE)
    return interpret(program, domain)


def same_instructions(program) -> None:
    fused, single = interpret(program, ConcreteDomain()), one_by_one(program)
    assert observe(fused) == observe(single)
    assert fused.instructions_executed == single.instructions_executed


APART = {"endless_recursion", "recursion_error_is_caught"}  # how deep it gets depends on the tests' own frames


@pytest.mark.parametrize("program", PROGRAMS[::2], ids=lambda program: program.__name__)
def test_a_program_takes_the_same_instructions(program) -> None:
    observe(program)  # what it imports and caches, it has imported and cached
    if program.__name__ not in APART and "asyncio" not in program.__code__.co_names:  # an event loop asks for the time
        same_instructions(program)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_a_generated_program_takes_the_same_instructions(source) -> None:
    program = compiled(source)
    if program is not None:
        same_instructions(program)


class Compared:
    def __lt__(self, other):
        return True

    def __getitem__(self, key):
        return key


def operands(log, a, b):
    found = []
    for operation in (
        lambda a, b: a + b,
        lambda a, b: a[b],
        lambda a, b: a < b,
        lambda a, b: "less" if a < b else "not",
        lambda a, b: "not" if not a < b else "less",
        lambda a, b: a + 1,
        lambda a, b: a[1],
        lambda a, b: "less" if a < 1 else "not",
        lambda a, b: a.real,
        lambda a, b: (a, b),
    ):
        try:
            found.append(operation(a, b))
        except Exception as error:
            found.append((type(error), str(error), error.__traceback__.tb_next.tb_lineno))
    return found


VALUES = [1, 2.5, "text", None, [3, 4], (5, 6), {1: 2}, Compared(), float("inf"), 0, True, b"ab"]


def test_each_operation_on_each_pair_of_types() -> None:
    fused, single = interpret(operands, ConcreteDomain()), one_by_one(operands)
    for a in VALUES:
        for b in VALUES:
            assert fused([], a, b) == single([], a, b) == operands([], a, b)
    assert fused.instructions_executed == single.instructions_executed


def test_an_unbound_local_is_named_by_its_own_instruction() -> None:
    def unbound(log, condition):
        if condition:
            a = b = 1
        return a + b

    for condition in (True, False):
        expected = observe(unbound, condition)
        assert observe(interpret(unbound, ConcreteDomain()), condition) == expected


def test_an_overridden_operation_is_never_fused_away() -> None:
    class Silent(ConcreteDomain):
        def compare(self, op, left, right):
            return super().compare(op, right, left)

    def less(a, b):
        return "less" if a < b else "not"

    assert interpret(less, Silent())(1, 2) == "not"


def test_fusions_are_used() -> None:
    def loop(n):
        total = 0
        while total < n:
            total = total + n
        return total

    steps = ConcreteDomain.handlers.fuse(decode(loop.__code__))
    single = ConcreteDomain.handlers.bind(decode(loop.__code__))
    different = sum(step is not other for (step, _), (other, _) in zip(steps, single, strict=True))
    assert different >= 2
    assert Advance(3, 2) == Advance(target=3, count=2)


@pytest.mark.parametrize("error", [AttributeError, ValueError])
def test_an_attribute_that_becomes_a_property_is_asked_once(error) -> None:
    class Owner:
        value = 1

    asked = []

    def fails(owner):
        asked.append(owner)
        raise error("on purpose")

    def get(owner):
        return owner.value

    run, owner = interpret(get, ConcreteDomain()), Owner()
    assert run(owner) == 1
    Owner.value = property(fails)
    with pytest.raises(error, match="on purpose") as caught:
        run(owner)
    assert asked == [owner]
    assert get.__name__ in [entry.name for entry in caught.traceback]
    Owner.value = 2
    assert run(owner) == 2
