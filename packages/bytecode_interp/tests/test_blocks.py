"""Blocks do what their instructions do one by one: results, effects, errors, and how many they were."""

from __future__ import annotations

import abc
import opcode
import types

import pytest
from generated_programs import compiled, programs
from hypothesis import HealthCheck, given, settings
from observation import observe
from sample_programs import PROGRAMS

from framelift_bytecode_interp import (
    ConcreteDomain,
    InstructionCount,
    InterpretedFunction,
    UnsupportedInstructionError,
    decode,
    interpret,
)
from framelift_bytecode_interp.concrete.blocks import Compiler, usable_templates
from framelift_bytecode_interp.concrete.shortcuts import usable_shortcuts
from framelift_bytecode_interp.handlers import HANDLERS

LARGE = 1 << 40


class Eager(ConcreteDomain):
    """Compiles each block the first time that it runs."""


def eager(domain: type[ConcreteDomain]) -> None:
    compiler = Compiler(usable_templates(domain, ConcreteDomain), threshold=0)
    domain.handlers = HANDLERS.specialised(usable_shortcuts(domain, ConcreteDomain), compiler)


eager(Eager)


def one_by_one(program) -> InterpretedFunction:
    """The program interpreted without blocks, as under any limit of instructions."""
    domain = ConcreteDomain()
    domain.count = InstructionCount(LARGE)
    return interpret(program, domain)


def same_instructions(program) -> None:
    blocks, single = interpret(program, Eager()), one_by_one(program)
    assert observe(blocks) == observe(single)
    assert blocks.instructions_executed == single.instructions_executed


APART = {"endless_recursion", "recursion_error_is_caught"}  # how deep it gets depends on the tests' own frames


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_takes_the_same_instructions(program) -> None:
    observe(program)  # what it imports and caches, it has imported and cached
    if program.__name__ not in APART and "asyncio" not in program.__code__.co_names:  # an event loop asks for the time
        same_instructions(program)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
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
    blocks, single = interpret(operands, Eager()), one_by_one(operands)
    for a in VALUES:
        for b in VALUES:
            assert blocks([], a, b) == single([], a, b) == operands([], a, b)
    assert blocks.instructions_executed == single.instructions_executed


def test_an_unbound_local_is_named_by_its_own_instruction() -> None:
    def unbound(log, condition):
        if condition:
            a = b = 1
        return a + b

    for condition in (True, False):
        expected = observe(unbound, condition)
        assert observe(interpret(unbound, Eager()), condition) == expected


def test_an_overridden_operation_is_never_left_out() -> None:
    class Silent(ConcreteDomain):
        def compare(self, op, left, right):
            return super().compare(op, right, left)

    eager(Silent)

    def less(a, b):
        return "less" if a < b else "not"

    assert interpret(less, Silent())(1, 2) == "not"


def test_blocks_are_compiled_when_they_ran_often() -> None:
    def loop(n):
        total = 0
        while total < n:
            total = total + 1
        return total

    run, code = interpret(loop, ConcreteDomain()), decode(loop.__code__)
    assert run(10) == 10
    blocks = ConcreteDomain.handlers.blocks[code]
    assert {block.__name__ for block in blocks} == {"block"}
    single = [block.__code__.co_filename for block in blocks]
    assert run(1000) == 1000
    assert sum(block.__code__.co_filename != file for block, file in zip(blocks, single, strict=True)) >= 1


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

    run, owner = interpret(get, Eager()), Owner()
    assert run(owner) == 1
    Owner.value = property(fails)
    with pytest.raises(error, match="on purpose") as caught:
        run(owner)
    assert asked == [owner]
    assert get.__name__ in [entry.name for entry in caught.traceback]
    Owner.value = 2
    assert run(owner) == 2


def test_assumptions_that_fail_are_given_up() -> None:
    def add(log, a, b):
        return a + b

    run = interpret(add, Eager())
    values = [1, 2.5, "a", [1], (2,), True]
    for _ in range(12):
        for a in values:
            for b in values:
                assert observe(run, a, b) == observe(add, a, b)


class Number(int):
    """An int in all but its type."""


class Reversing(int):
    def __add__(self, other):
        return "added"

    def __eq__(self, other):
        return "equal"

    __hash__ = int.__hash__


class Items(dict):
    def __missing__(self, key):
        return f"no {key}"


def operations(log, a, b):
    log.append(a + b)
    log.append(a == b)
    log.append(a in (b, 2))
    log.append({1: "one"}.get(b))
    log.append([7, 8, 9][b])
    log.append(Items({1: 2})[a])
    a += b
    return a


def test_subclasses_are_asked_for_what_they_define() -> None:
    run, values = interpret(operations, Eager()), [1, Number(2), Reversing(1), True]
    for _ in range(12):
        for a in values:
            for b in values:
                assert observe(run, a, b) == observe(operations, a, b)
    assert isinstance(one_by_one(operations)([], Reversing(1), 1), str)


def constructs(log, cls, *args):
    made = cls(*args)
    log.append(type(made).__name__)
    return vars(made)


class Plain:
    def __init__(self, *args):
        self.args = args


class Fixed:
    def __init__(self, a, b=2):
        self.a, self.b = a, b


class Answering:
    def __init__(self):
        return 1  # noqa: PLE0101 - what is refused


class Abstract(abc.ABC):
    def __init__(self, a):
        self.a = a

    @abc.abstractmethod
    def method(self): ...


@pytest.mark.parametrize("cls", [Plain, Fixed, Answering, Abstract])
@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3)], ids=len)
def test_instances_are_made_as_natively(cls, args) -> None:
    run = interpret(constructs, Eager())
    for _ in range(2):
        assert observe(run, cls, *args) == observe(constructs, cls, *args)


def delegates(log, items):
    def inner():
        for item in items:
            log.append((item, (yield item)))
        return "returned"

    def outer():
        log.append((yield from inner()))
        log.append((yield from items))
        raise LookupError(items)

    generator = outer()
    log.append(next(generator))
    for sent in items:
        log.append(generator.send(sent))
    return list(generator)


def test_generators_go_on_in_blocks() -> None:
    for items in ([], [1], [1, 2, 3]):
        assert observe(interpret(delegates, Eager()), items) == observe(delegates, items)


def test_an_operand_is_dropped_when_its_instruction_is_done() -> None:
    class Noted:
        def __init__(self, log, name):
            self.log, self.name, self.inner = log, name, [name]

        def __del__(self):
            self.log.append(f"end of {self.name}")

    def program(log):
        inner = Noted(log, "attribute").inner
        log.append("attribute loaded")
        Noted(log, "dropped")
        log.append("dropped")
        a = b = Noted(log, "named twice")
        a = None
        log.append("one name less")
        b = inner
        log.append("no name left")
        for name in ("x", "y"):
            item = Noted(log, name)
            log.append(item.name)
        first, second = Noted(log, "first"), Noted(log, "second")
        log.append("unpacked")
        second = first = None
        log.append("end")
        return a, b

    expected, found = [], []
    program(expected)
    run = interpret(program, Eager())
    run(found)
    assert found == expected


def test_a_frame_stops_between_the_instructions_of_a_block() -> None:
    def calls(log, items):
        total = 0
        for item in items:
            total += item
            try:
                log.append((total, len(items), [item][0] / (item - 2)))
            except ZeroDivisionError as error:
                log.append((total, error.__traceback__.tb_lineno))
        return total

    assert observe(interpret(calls, Eager()), [1, 2, 3]) == observe(calls, [1, 2, 3])


def test_corrupt_code_is_left_to_the_handlers() -> None:
    def sample(x):
        return x

    code = sample.__code__
    pop = bytes([opcode.opmap["POP_TOP"], 0])
    function = types.FunctionType(code.replace(co_code=code.co_code[:2] + pop + code.co_code[4:]), {})
    with pytest.raises(UnsupportedInstructionError, match="corrupt"):
        interpret(function, Eager())(1)
