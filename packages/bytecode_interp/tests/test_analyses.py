"""Graph, stack depth and liveness, against `dis`, CPython's own bounds and what runs show."""

from __future__ import annotations

from corpus import standard_library

from framelift_bytecode_interp import (
    UNBOUND,
    ConcreteDomain,
    ControlFlowGraph,
    Interpreter,
    Return,
    control_flow,
    decode,
    live_locals,
    liveness,
    stack_depths,
    stack_shapes,
)
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
