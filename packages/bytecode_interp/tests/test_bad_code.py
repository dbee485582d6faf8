"""Code that can't be treated is refused by name, with instruction and line."""

from __future__ import annotations

import dataclasses

import pytest

from framelift_bytecode_interp import DecodeError, UnsupportedPythonError, decode, stack_shapes
from framelift_bytecode_interp._cpython import VERSION, version_for
from framelift_bytecode_interp.decoding import decode_as


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
