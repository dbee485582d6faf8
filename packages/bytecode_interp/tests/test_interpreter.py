"""What the interpreter promises about frames, breaks, completions, limits and its own frame stack."""

from __future__ import annotations

import sys

import pytest
from stopping import Stopping, op, stopped

from framelift_bytecode_interp import (
    HANDLERS,
    NULL,
    OPCODES,
    Break,
    ConcreteDomain,
    Enter,
    Frame,
    InstructionLimit,
    Interpreter,
    Jump,
    NotInterpretableError,
    Push,
    Raise,
    Return,
    Unwind,
    Value,
    completion_of,
    decode,
    handler_table,
    interpret,
)


def run(domain, function, *args, **options):
    interpreter = Interpreter(domain, **options)
    return interpreter.run([domain.enter(function, args, {}).frame]), interpreter


def outer(x):
    y = middle(x) + 1
    return y


def middle(x):
    try:
        return [inner(x)]
    finally:
        x = None


def inner(x):
    return 100 + op(x)


def test_a_break_leaves_each_frame_before_its_instruction() -> None:
    finish, interpreter = run(Stopping(), outer, 1)
    assert finish == Break("op")
    assert [frame.function_name for frame in interpreter.frames] == ["outer", "middle", "inner"]
    assert [frame.instruction.opname for frame in interpreter.frames] == ["CALL"] * 3
    top = interpreter.top
    assert top.stack[0] == 100
    assert set(top.stack[1:]) == {NULL, op, 1}
    assert top.completion is None
    waiting = interpreter.frames[1]
    assert isinstance(waiting.completion, Push)
    assert waiting.stack[: -waiting.completion.pops] == []
    assert [frame.back for frame in interpreter.frames] == [None, *interpreter.frames[:-1]]


def test_lines_and_names_of_a_stopped_frame() -> None:
    top = stopped(outer, (1,))[-1]
    assert (top.line, top.function_name, top.filename) == (inner.__code__.co_firstlineno + 1, "inner", __file__)
    assert top.local("x") == 1
    with pytest.raises(KeyError, match="inner has no variable 'y'; it has x"):
        top.local("y")


def test_a_rebuilt_stack_of_frames_goes_on_with_a_result() -> None:
    rebuilt = [
        Frame.at(
            frame.code,
            frame.index,
            list(frame.locals),
            list(frame.stack),
            globals=frame.globals,
            builtins=frame.builtins,
            completion=frame.completion,
        )
        for frame in stopped(outer, (1,))
    ]
    domain = Stopping()
    with pytest.raises(TypeError):
        raise Interpreter(domain).run(rebuilt, Value(5)).exception


def test_going_on_after_a_break_gives_the_value_to_the_breaking_instruction() -> None:
    def simple(x):
        return 1 + op(x)

    interpreter = Interpreter(Stopping())
    frames = stopped(simple, (1,))
    assert interpreter.run(frames, Value(5)) == Return(6)


def test_a_rebuilt_frame_must_fit_its_code() -> None:
    code = decode(inner.__code__)
    with pytest.raises(ValueError, match=r"inner has 1 slots \(x\), not 2"):
        Frame.at(code, 0, [1, 2], [], globals={}, builtins={})
    with pytest.raises(ValueError, match="inner has instructions 0 to .*, not 999"):
        Frame.at(code, 999, [1], [], globals={}, builtins={})


def test_the_limit_breaks_before_the_next_instruction() -> None:
    finish, interpreter = run(ConcreteDomain(), op, 3, limit=2)
    assert finish == Break(InstructionLimit(2))
    assert interpreter.instructions_executed == 2
    assert interpreter.top.index == 2
    assert Interpreter(ConcreteDomain()).run(interpreter.frames) == Return(30)


def test_a_900_deep_recursion_needs_no_host_stack() -> None:
    def down(n):
        return 0 if n == 0 else 1 + down(n - 1)

    deepest = []

    class Measuring(ConcreteDomain):
        def identical(self, left, right):
            return super().identical(left, right)

        def compare(self, op, left, right):
            depth, frame = 0, sys._getframe()
            while frame is not None:
                depth, frame = depth + 1, frame.f_back
            deepest.append(depth)
            return super().compare(op, left, right)

    finish, _ = run(Measuring(), down, 900)
    assert finish == Return(900)
    assert len(deepest) == 901
    assert len(set(deepest)) == 1


def test_the_depth_limit_raises_recursion_error_in_the_caller() -> None:
    def down(n):
        try:
            return down(n + 1)
        except RecursionError:
            return n

    assert run(ConcreteDomain(), down, 1, depth_limit=20)[0] == Return(20)


def test_an_outcome_carried_through_c_code_arrives() -> None:
    class Reading(ConcreteDomain):
        def get_item(self, container, key):
            raise Unwind(Break("through C"))

        def next(self, iterator):
            raise Unwind(Raise(StopIteration()))

    def reads(x):
        for _ in x:
            return "not reached"
        return x[0]

    finish, interpreter = run(Reading(), reads, [1])
    assert finish == Break("through C")
    assert interpreter.top.instruction.opname == "BINARY_SUBSCR"
    assert interpreter.top.stack == [[1], 0]


class Object:
    """A user's object, in a domain whose truth and iteration are Python code."""

    def __init__(self, truth):
        self.truth = truth


def truth_in_python(thing):
    return op(thing.truth) > 5


def items_in_python(thing):
    return (thing.truth, op(thing.truth))


class Polyfilled(Stopping):
    """Truth and unpacking of `Object` enter Python."""

    def truth(self, value):
        return self.enter(truth_in_python, (value,), {}) if isinstance(value, Object) else super().truth(value)

    def unpack(self, value, count):
        if isinstance(value, Object):
            return self.enter(items_in_python, (value,), {})
        return super().unpack(value, count)


def branches_and_unpacks(x):
    if x:
        a, b = x
        return [a, b] if not x or x else None
    return "false"


@pytest.mark.parametrize(("truth", "expected"), [(1, [1, 10]), (0, "false")])
def test_a_test_that_enters_python_can_break_inside(truth, expected) -> None:
    domain = Polyfilled()
    interpreter = Interpreter(domain)
    finish = interpreter.run([domain.enter(branches_and_unpacks, (Object(truth),), {}).frame])
    breaks = 0
    while isinstance(finish, Break):
        breaks += 1
        argument = interpreter.top.stack[-1]
        finish = interpreter.run(list(interpreter.frames), Value(op(argument)))
    assert finish == Return(expected)
    assert breaks == (1 if not truth else 4)


class Suspended:
    """A generator of a domain that resumes frames on the interpreter's own stack."""

    def __init__(self, frame):
        self.frame = frame


class Inlining(Stopping):
    def make_generator(self, frame):
        return Value(Suspended(frame))

    def get_iter(self, value):
        return Value(value) if isinstance(value, Suspended) else super().get_iter(value)

    def get_yield_from_iter(self, frame, value):
        return self.get_iter(value)

    def next(self, iterator):
        return self.send(iterator, None)

    def send(self, receiver, value):
        if isinstance(receiver, Suspended):
            return Enter(receiver.frame, delivering=Value(value))
        return super().send(receiver, value)


def counts(n):
    for i in range(n):
        got = yield op(i)
        assert got is None
    return "result"


def passes_on(n):
    result = yield from counts(n)
    yield result


def consumes(n):
    seen = []
    for x in passes_on(n):
        seen.append(x)
    return seen


def test_generators_run_on_the_interpreters_own_stack() -> None:
    domain = Inlining()
    interpreter = Interpreter(domain)
    finish = interpreter.run([domain.enter(consumes, (2,), {}).frame])
    names = []
    while isinstance(finish, Break):
        names.append([frame.function_name for frame in interpreter.frames])
        finish = interpreter.run(list(interpreter.frames), Value(op(interpreter.top.stack[-1])))
    assert finish == Return([0, 10, "result"])
    assert names == [["consumes", "passes_on", "counts"]] * 2


def test_an_exception_of_an_inlined_generator_reaches_its_consumer() -> None:
    def fails():
        yield 1
        raise StopIteration("not allowed")

    def watches():
        try:
            for _ in fails():
                pass
        except RuntimeError as error:
            return str(error), repr(error.__cause__)

    assert run(Inlining(), watches)[0] == Return(("generator raised StopIteration", "StopIteration('not allowed')"))


def test_a_function_that_is_not_python_is_refused_by_name() -> None:
    with pytest.raises(NotInterpretableError, match="not <built-in function len>"):
        interpret(len)


def test_running_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        Interpreter(ConcreteDomain()).run([])


def test_a_value_for_an_instruction_without_result_is_refused() -> None:
    domain = ConcreteDomain()
    with pytest.raises(ValueError, match="waits for no value: RESUME has no result"):
        Interpreter(domain).run([domain.new_frame(op, [1])], Value(1))
    with pytest.raises(ValueError, match=r"instruction 0 \(RESUME 0\) has no result"):
        completion_of(decode(op.__code__).instructions[0])


def test_a_handler_table_must_have_each_instruction_once() -> None:
    assert set(HANDLERS) == set(OPCODES)
    some = {"NOP": HANDLERS["NOP"]}
    with pytest.raises(ValueError, match="these have two: NOP"):
        handler_table(HANDLERS, some)
    with pytest.raises(ValueError, match="missing: .*BINARY_OP.*not canonical: NOT_AN_OPCODE"):
        handler_table({"NOT_AN_OPCODE": HANDLERS["NOP"]})


def test_a_handler_can_be_replaced_without_touching_the_table() -> None:
    domain = ConcreteDomain()
    handlers = {**HANDLERS, "NOP": lambda frame, instruction, domain: Jump(frame.index + 1)}
    assert Interpreter(domain, handlers=handlers).run([domain.new_frame(op, [2])]) == Return(20)


def test_functions_that_a_policy_excludes_run_natively() -> None:
    def calls():
        return sys._getframe(0).f_code.co_name, helper()

    def helper():
        return type(sys._getframe(0)).__name__

    domain = ConcreteDomain(enters=lambda function: function.__name__ != "helper")
    assert interpret(calls, domain)() == ("calls", "frame")
    assert interpret(calls, ConcreteDomain())() == ("calls", "FrameView")
    assert interpret(calls)() == ("calls", "frame")  # a real one, which hosts the interpreted function
