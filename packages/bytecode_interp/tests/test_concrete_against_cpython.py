"""Interpreted functions do what CPython does with them: results, effects, exceptions, traceback lines."""

from __future__ import annotations

import inspect
import types

import pytest
from observation import observe
from sample_programs import PROGRAMS

from framelift_bytecode_interp import ConcreteDomain, HostedDomain, interpret


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("domain", [ConcreteDomain, HostedDomain])
def test_a_program_does_the_same_interpreted(program, domain) -> None:
    assert observe(interpret(program, domain())) == observe(program)


def test_each_nested_python_call_is_interpreted() -> None:
    def leaf(x):
        return x + 1

    def branch(x):
        return leaf(x) + leaf(x)

    counting = interpret(branch)
    counting(1)
    shallow = counting.instructions_executed
    assert shallow > 3 * 5


def test_generators_coroutines_and_functions_keep_their_types_and_names() -> None:
    def make():
        def generator():
            yield 1

        async def coroutine():
            return 1

        async def asynchronous():
            yield 1

        return generator(), coroutine(), asynchronous()

    generator, coroutine, asynchronous = interpret(make)()
    assert inspect.isgenerator(generator)
    assert inspect.iscoroutine(coroutine)
    assert inspect.isasyncgen(asynchronous)
    assert [thing.__name__ for thing in (generator, coroutine, asynchronous)] == [
        "generator",
        "coroutine",
        "asynchronous",
    ]
    coroutine.close()


def test_type_parameters_are_made() -> None:
    namespace: dict = {"log": []}
    source = (
        "def run(log):\n"
        "    def first[T: int, *Ts, **P](x: T) -> T:\n        return x\n"
        "    class Box[T]:\n        def get(self) -> T: return 1\n"
        "    type Alias[V] = list[V]\n"
        "    return ([p.__name__ for p in first.__type_params__], first.__type_params__[0].__bound__,\n"
        "            [p.__name__ for p in Box.__type_params__], Box[int]().get(), Alias.__name__,\n"
        "            repr(Alias.__value__))\n"
    )
    try:
        exec(source, namespace)
    except SyntaxError:
        pytest.skip("this Python has no type parameters")
    assert observe(interpret(namespace["run"])) == observe(namespace["run"])


def test_traceback_entries_survive_a_function_that_needs_no_stack() -> None:
    # CPython pushes onto the stack of a generator that it closes; a stand-in of this function once had none.
    def reraises():
        raise  # noqa: PLE0704

    for _ in range(100):
        with pytest.raises(RuntimeError, match="No active exception") as raised:
            interpret(reraises)()
        assert raised.traceback[-1].name == "reraises"


def test_a_coroutine_by_decorator_leaves_other_generators_as_they_are() -> None:
    def make():
        @types.coroutine
        def awaitable():
            yield 1

        def generator():
            yield 1

        return awaitable(), generator()

    awaitable, generator = interpret(make)()
    assert inspect.isawaitable(awaitable)
    assert not inspect.isawaitable(generator)
