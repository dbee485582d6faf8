"""Code that can't be treated is refused by name, with instruction and line."""

from __future__ import annotations

import dataclasses
import dis
import types

import pytest
from corpus import standard_library
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_bytecode_interp import (
    BytecodeError,
    ConcreteDomain,
    DecodeError,
    Frame,
    HostedDomain,
    NativeFrame,
    NotInterpretableError,
    ResumeError,
    UnsupportedInstructionError,
    UnsupportedPythonError,
    decode,
    interpret,
    native_generator,
    stack_shapes,
)
from framelift_bytecode_interp._cpython import VERSION, version_for
from framelift_bytecode_interp.decoding import decode_as
from framelift_bytecode_interp.splice import table_entry


def sample(x):
    while x:
        x = x - 1
    return x


def test_an_unknown_python_is_refused_by_name() -> None:
    with pytest.raises(
        UnsupportedPythonError, match=r"knows the bytecode of CPython 3.11, 3.12, 3.13; this is cpython 3.99"
    ):
        version_for((3, 99))
    with pytest.raises(UnsupportedPythonError, match=r"this is pypy 3.11"):
        version_for((3, 11), "pypy")


def test_an_unknown_instruction_is_refused_with_its_place() -> None:
    rules = {name: rule for name, rule in VERSION.rules.items() if name != "BINARY_OP"}
    with pytest.raises(DecodeError, match=r"test_bad_code.py:\d+, sample, byte \d+: no rule for BINARY_OP"):
        decode_as(sample.__code__, dataclasses.replace(VERSION, rules=rules))


def test_a_name_out_of_range_is_refused() -> None:
    def reads(x):
        return x.attribute

    with pytest.raises(DecodeError, match="reads, byte .*LOAD_ATTR .* is corrupt"):
        decode(reads.__code__.replace(co_names=()))


def test_a_jump_out_of_the_code_is_refused() -> None:
    code = sample.__code__
    with pytest.raises(DecodeError, match="a jump to byte .*, outside of the code"):
        decode(code.replace(co_code=code.co_code[:-4] if len(code.co_code) > 40 else code.co_code[:8]))


def test_a_cut_exception_table_is_refused() -> None:
    def handles():
        try:
            return 1
        finally:
            print()

    table = handles.__code__.co_exceptiontable
    with pytest.raises(DecodeError, match="ends in the middle of an entry"):
        decode(handles.__code__.replace(co_exceptiontable=table[:-1]))


def test_a_stack_that_underflows_is_refused() -> None:
    code = sample.__code__
    pop = bytes([__import__("opcode").opmap["POP_TOP"], 0])
    with pytest.raises(DecodeError, match="POP_TOP at .* takes 1 entries of a stack of 0"):
        stack_shapes(decode(code.replace(co_code=code.co_code[:2] + pop + code.co_code[4:])))


def test_what_is_no_code_object_is_refused() -> None:
    with pytest.raises(DecodeError, match="not function: pass function.__code__"):
        decode(sample)


def test_the_place_of_a_corrupt_instruction_is_its_own_line() -> None:
    def reads(x):
        y = x
        return y.attribute

    line = reads.__code__.co_firstlineno + 2
    with pytest.raises(DecodeError, match=rf"test_bad_code.py:{line}, .*reads, byte .*LOAD_ATTR"):
        decode(reads.__code__.replace(co_names=()))


def test_a_variable_out_of_range_is_refused() -> None:
    at = next(i.offset for i in dis.get_instructions(sample) if i.opname.startswith("LOAD_FAST"))
    body = bytearray(sample.__code__.co_code)
    body[at + 1] = 7
    with pytest.raises(DecodeError, match="LOAD_FAST 7 is corrupt: there are 1 variables"):
        decode(sample.__code__.replace(co_code=bytes(body)))


def test_a_handler_out_of_the_code_is_refused() -> None:
    def handles():
        try:
            return sample(1)
        finally:
            sample(2)

    table = table_entry(0, 2, 2000, 0, lasti=False)
    with pytest.raises(DecodeError, match="its handler is at byte 2000, where no instruction begins"):
        decode(handles.__code__.replace(co_exceptiontable=table))


@pytest.mark.parametrize("function", [len, print, [].append, object(), int])
def test_what_has_no_bytecode_is_refused(function) -> None:
    with pytest.raises(NotInterpretableError, match="interpret takes a Python function or a method of one, not"):
        interpret(function)


@pytest.mark.parametrize("domain", [ConcreteDomain, HostedDomain])
def test_code_that_takes_more_than_there_is_is_refused_when_it_runs(domain) -> None:
    code = sample.__code__
    loads = [i for i in dis.get_instructions(code) if i.opname.startswith("LOAD_FAST")]
    body = bytearray(code.co_code)
    for load in loads:
        body[load.offset : load.offset + 2] = bytes([dis.opmap["POP_TOP"], 0])
    corrupt = types.FunctionType(code.replace(co_code=bytes(body)), {})
    with pytest.raises(UnsupportedInstructionError, match=r"sample, .*test_bad_code.py:\d+, before POP_TOP.*corrupt"):
        interpret(corrupt, domain())(1)


def test_a_frame_at_an_instruction_that_is_not_there_is_refused() -> None:
    code = decode(sample.__code__)
    with pytest.raises(ValueError, match=r"sample has instructions 0 to \d+, not 1000"):
        Frame.at(code, 1000, [1], [], globals={}, builtins={})


def test_an_instruction_that_cannot_be_resumed_is_refused_with_its_place() -> None:
    async def asynchronous():
        yield 1

    code = decode(asynchronous.__code__)
    at = next(i.index for i in code if i.opname == "YIELD_VALUE")
    with pytest.raises(ResumeError, match=r"test_bad_code.py.*asynchronous"):
        native_generator(NativeFrame(asynchronous.__code__, {}, at, [], []))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_corrupt_code_is_decoded_or_refused_by_name(data) -> None:
    """Whatever is wrong with arguments, instructions, constants, names or tables, the error is this package's."""
    code = data.draw(st.sampled_from([c for c in standard_library(4) if 8 < len(c.co_code) < 300]))
    instructions = [i for i in dis.get_instructions(code) if i.opname in VERSION.rules]
    body = bytearray(code.co_code)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(instructions))
        if data.draw(st.booleans()):
            body[place.offset + 1] = data.draw(st.integers(0, 255))
        else:  # one with as many caches: CPython itself writes beyond the end of a code object that ends in them
            caches = VERSION.caches.get(place.opname, 0)
            alike = [name for name in VERSION.rules if VERSION.caches.get(name, 0) == caches]
            body[place.offset] = dis.opmap[data.draw(st.sampled_from(alike))]
    table = bytearray(code.co_exceptiontable)
    if table and data.draw(st.booleans()):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    names = code.co_names[: data.draw(st.integers(0, len(code.co_names)))]
    try:
        decoded = decode(code.replace(co_code=bytes(body), co_exceptiontable=bytes(table), co_names=names))
        stack_shapes(decoded)
    except BytecodeError as error:
        assert code.co_name in str(error)  # noqa: PT017 - or there is none
