"""Graph, stack depth and liveness, against `dis`, CPython's own bounds and what runs show."""

from __future__ import annotations

import pytest
from corpus import standard_library
from observation import observe
from sample_programs import PROGRAMS

from framelift_bytecode_interp import (
    ENTRY,
    HANDLERS,
    UNBOUND,
    ConcreteDomain,
    ControlFlowGraph,
    HandlerTable,
    Interpreter,
    Return,
    control_flow,
    decode,
    dominators,
    interpret,
    live_locals,
    liveness,
    reaching_stores,
    resume_points,
    stack_depths,
    stack_shapes,
)
from framelift_bytecode_interp.reaching import STORES
from framelift_bytecode_interp.stack_shape import Handled

CODES = standard_library(25)


def test_the_stack_never_grows_beyond_what_the_compiler_computed() -> None:
    for code in CODES:
        depths = [depth for depth in stack_depths(decode(code)) if depth is not None]
        # LOAD_EXIT and a converted format with a specification use an entry more than the one instruction they
        # stand for shows, never more than the compiler's own reserve.
        assert max(depths) <= code.co_stacksize + 1


def test_handlers_find_the_depth_that_their_table_entry_says() -> None:
    for code in CODES:
        decoded = decode(code)
        depths = stack_depths(decoded)
        for entry in decoded.handlers:
            depth = depths[entry.target]
            assert depth is None or depth == entry.depth + entry.lasti + 1


def test_blocks_partition_the_instructions_and_lead_to_blocks() -> None:
    for code in CODES:
        graph = ControlFlowGraph.of(decode(code))
        starts = {block.start for block in graph.blocks}
        assert [block.start for block in graph.blocks] == [0, *(block.end for block in graph.blocks[:-1])]
        assert graph.blocks[-1].end == len(decode(code))
        for block in graph.blocks:
            assert starts.issuperset((*block.successors, *block.handlers))
            assert graph.block_at(block.end - 1) is block


def test_reachable_blocks_are_those_with_a_stack_shape() -> None:
    for code in CODES:
        shapes = stack_shapes(decode(code))
        graph = control_flow(decode(code))
        assert graph.reachable() == {block.start for block in graph.blocks if shapes[block.start] is not None}


def test_a_handler_body_has_the_previous_exception_on_its_stack() -> None:
    def handles(x: int) -> int:
        try:
            return 1 // x
        except ZeroDivisionError:
            return x + 1

    code = decode(handles.__code__)
    addition = next(i.index for i in code if i.opname == "BINARY_OP" and i.arg == "+")
    shape = stack_shapes(code)[addition]
    assert shape is not None
    assert [isinstance(entry, Handled) for entry in shape] == [True, False, False]


def names_live_at(function: object, opname: str) -> set[str]:
    code = decode(function.__code__)  # type: ignore[attr-defined]
    at = next(i.index for i in code if i.opname == opname)
    return {code.slot_names[slot] for slot in live_locals(code, at)}


def test_a_variable_that_is_not_read_again_is_dead() -> None:
    def function(a, b):
        c = a + b
        return c * 2

    assert names_live_at(function, "BINARY_OP") == set()


def test_what_a_handler_reads_is_live_in_its_try_body() -> None:
    def function(a, b):
        try:
            c = a()
        except ValueError:
            c = b
        return c

    assert names_live_at(function, "CALL") == {"b"}


def test_variables_of_a_loop_are_live_around_it() -> None:
    def function(xs, k):
        total = 0
        for x in xs:
            total = total + x * k
        return total

    assert names_live_at(function, "FOR_ITER") == {"k", "total"}


def test_all_variables_are_live_where_the_frame_is_read_by_name() -> None:
    def function(a, b):
        c = a + b
        return locals()

    assert names_live_at(function, "BINARY_OP") == {"a", "b", "c"}


class Forgetful(ConcreteDomain):
    """Unbinds each variable that is dead, at each binding of a local."""

    def store_local(self, frame, name, value):
        live = live_locals(frame.code, frame.index + 1)
        for slot, content in enumerate(frame.locals):
            if slot not in live and content is not UNBOUND:
                frame.locals[slot] = UNBOUND
        return value


def sample(n):
    primes, k = [], 0
    for i in range(2, n):
        for p in primes:
            if i % p == 0:
                break
        else:
            primes.append(i)
            k = k + i
        try:
            d = 10 // (i - 5)
            e = d + 1
        except ZeroDivisionError as error:
            e = len(str(error))
        finally:
            k = k + 1
        k = k + e
    return primes, k


def test_unbinding_dead_variables_changes_nothing() -> None:
    domain = Forgetful()
    assert Interpreter(domain).run([domain.enter(sample, (30,), {}).frame]) == Return(sample(30))
    assert len(liveness(decode(sample.__code__))) == len(decode(sample.__code__))


# ---- against what runs do ----


def watched(watch):
    """The handlers, each called after `watch(frame)`."""

    def watching(handler):
        def step(frame, instruction, domain):
            watch(frame)
            return handler(frame, instruction, domain)

        return step

    return {opname: watching(handler) for opname, handler in HANDLERS.items()}


def run_watched(program, watch):
    domain = ConcreteDomain()
    domain.handlers = HandlerTable(watched(watch))
    observe(interpret(program, domain))


QUICK = [program for program in PROGRAMS[::5] if program.__name__ != "many_constants_and_jumps"]


@pytest.mark.parametrize("program", QUICK, ids=lambda program: program.__name__)
def test_stack_depths_stores_and_dominators_are_what_runs_show(program) -> None:
    last_stores: dict = {}
    visited: dict = {}

    def watch(frame):
        code, index = frame.code, frame.index
        assert len(frame.stack) == stack_depths(code)[index]
        stores = last_stores.setdefault(id(frame), (frame, dict.fromkeys(range(len(code.slot_names)), ENTRY)))[1]
        reaching = reaching_stores(code, index)
        for slot, store in stores.items():
            assert store in reaching[slot]
        if code.instructions[index].opname in STORES:
            stores[code.instructions[index].arg] = index
        start = control_flow(code).block_at(index).start
        seen = visited.setdefault(id(frame), (frame, set()))[1]
        seen.add(start)
        assert seen.issuperset(dominators(code).chain(start))

    run_watched(program, watch)
    assert visited


def test_a_block_dominates_another_if_that_can_not_be_reached_without_it() -> None:
    for code in CODES:
        graph = control_flow(decode(code))
        if len(graph.blocks) > 25:
            continue
        tree = dominators(decode(code))
        reachable = reached(graph, None)
        assert set(tree.immediate) == reachable - {0}
        for removed in reachable:
            without = reached(graph, removed)
            for start in reachable:
                assert tree.dominates(removed, start) == (start not in without)


def reached(graph, removed):
    following = {block.start: (*block.successors, *block.handlers) for block in graph.blocks}
    found: set[int] = set()
    waiting = [0]
    while waiting:
        start = waiting.pop()
        if start not in found and start != removed:
            found.add(start)
            waiting.extend(following[start])
    return found


def test_the_stores_of_a_loop_and_of_a_handler_reach_its_end() -> None:
    def function(xs):
        try:
            found = 1
            for found in xs:  # noqa: B007
                pass
        except TypeError:
            found = 2
        return found

    code = decode(function.__code__)
    slot = code.slot_of("found")
    first = function.__code__.co_firstlineno
    returns = [i.index for i in code if i.opname == "RETURN_VALUE"]
    lines = {code.instructions[store].line - first for at in returns for store in reaching_stores(code, at)[slot]}
    assert lines == {2, 3, 6}


def test_an_unreachable_instruction_has_no_stores() -> None:
    for code in CODES[::8]:
        decoded = decode(code)
        for index, shape in enumerate(stack_shapes(decoded)):
            assert bool(reaching_stores(decoded, index)) == (shape is not None and bool(decoded.slot_names))


def test_resume_points_say_why_an_instruction_is_none() -> None:
    for code in CODES:
        for point, instruction in zip(resume_points(decode(code)), decode(code), strict=True):
            assert (point.runs or point.takes_outcome) == (point.reason is None)
            assert not point.takes_outcome or instruction.completion is not None
