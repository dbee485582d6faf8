"""Decoding agrees with `dis` over code objects of the standard library."""

from __future__ import annotations

import dis
import itertools
import types

import pytest
from corpus import raw_instructions, standard_library

from framelift_bytecode_interp import OPCODES, Instruction, decode
from framelift_bytecode_interp._cpython import VERSION

CODES = standard_library(60)


def by_raw_instruction(code: types.CodeType) -> dict[int, list[Instruction]]:
    return {
        offset: list(group)
        for offset, group in itertools.groupby(decode(code).instructions, key=lambda instruction: instruction.offset)
    }


def raw_effect(instruction: dis.Instruction, *, jump: bool) -> int:
    argument = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
    effect = dis.stack_effect(instruction.opcode, argument, jump=jump)
    if instruction.opname == "CALL" and "PRECALL" in VERSION.prefixes:
        effect += dis.stack_effect(dis.opmap["PRECALL"], argument)
    return effect


def test_stack_effects_agree_for_each_raw_instruction() -> None:
    # Where they differ, dis describes the compiler's view: a generator's frame does get a value pushed by
    # RETURN_GENERATOR, SEND and FOR_ITER drop their iterator at the jump, and MAKE_FUNCTION of 3.13 takes the
    # operands of the SET_FUNCTION_ATTRIBUTE instructions that follow (a test of its own).
    apart = {"RETURN_GENERATOR", "MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE"}
    checked = 0
    for code in CODES:
        raw = raw_instructions(code)
        for offset, parts in by_raw_instruction(code).items():
            if raw[offset].opname in apart:
                continue
            ours = sum(OPCODES[part.opname].effect(part.arg, jump=False) for part in parts)
            assert ours == raw_effect(raw[offset], jump=False), (code, raw[offset], parts)
            checked += 1
    assert checked > 5_000


def test_stack_effects_of_function_making_agree_as_a_group() -> None:
    checked = 0
    for code in CODES:
        instructions = [i for i in dis.get_instructions(code) if i.opname not in {"CACHE", "EXTENDED_ARG"}]
        parts = by_raw_instruction(code)
        for place, instruction in enumerate(instructions):
            if instruction.opname != "MAKE_FUNCTION":
                continue
            group = [instruction]
            group += itertools.takewhile(lambda i: i.opname == "SET_FUNCTION_ATTRIBUTE", instructions[place + 1 :])
            ours = sum(OPCODES[part.opname].effect(part.arg, jump=False) for i in group for part in parts[i.offset])
            assert ours == sum(raw_effect(i, jump=False) for i in group)
            checked += 1
    assert checked > 500


def test_jump_effects_and_targets_agree() -> None:
    checked = 0
    for code in CODES:
        decoded = decode(code)
        raw = raw_instructions(code)
        for offset, parts in by_raw_instruction(code).items():
            instruction = raw[offset]
            if instruction.opcode not in dis.hasjrel and instruction.opcode not in dis.hasjabs:
                continue
            (part,) = parts
            target = part.arg[0] if part.opname == "SEND" else part.arg
            landing = instruction.argval
            if part.opname == "FOR_ITER":
                # An exhausted iterator is dropped, and the END_FOR at the target, which drops it, is skipped.
                skipped = [decoded.index_of_offset[landing]]
                while decoded.instructions[skipped[-1]].opname == "POP_TOP" and skipped[-1] < target:
                    skipped.append(skipped[-1] + 1)
                assert skipped[-1] == target
                assert raw[landing].opname == "END_FOR" or len(skipped) == 1
            else:
                assert target == decoded.index_of_offset[landing], (instruction, part)
                assert OPCODES[part.opname].effect(part.arg, jump=True) == raw_effect(instruction, jump=True)
            checked += 1
    assert checked > 2_000


def test_exception_tables_agree() -> None:
    checked = 0
    for code in CODES:
        decoded = decode(code)
        entries = dis.Bytecode(code).exception_entries
        for instruction in decoded:
            theirs = next((e for e in entries if e.start <= instruction.offset < e.end), None)
            ours = decoded.handler_at(instruction.index)
            assert (ours is None) == (theirs is None)
            if ours is None or theirs is None:
                continue
            target = decoded.index_of_offset[theirs.target]
            assert (ours.target, ours.depth, ours.lasti) == (target, theirs.depth, theirs.lasti)
            checked += 1
    assert checked > 1_000


def test_positions_agree() -> None:
    for code in CODES:
        raw = raw_instructions(code)
        for instruction in decode(code):
            theirs = raw[instruction.offset].positions
            assert theirs is not None
            assert instruction.positions == (theirs.lineno, theirs.end_lineno, theirs.col_offset, theirs.end_col_offset)


def test_each_raw_instruction_is_decoded_or_is_a_prefix() -> None:
    for code in CODES:
        raw = raw_instructions(code)
        skipped = {"CACHE", "EXTENDED_ARG", *VERSION.prefixes}
        expected = {offset for offset, instruction in raw.items() if instruction.opname not in skipped}
        assert set(by_raw_instruction(code)) == expected


def test_each_opcode_of_this_python_has_a_rule_or_never_occurs_in_code() -> None:
    internal = {
        "CACHE",
        "EXTENDED_ARG",
        "ENTER_EXECUTOR",
        "EXIT_INIT_CHECK",
        "INTERPRETER_EXIT",
        "RESERVED",
    }
    pseudo = {name for name, op in dis.opmap.items() if op > 255}
    instrumented = {name for name in dis.opmap if name.startswith("INSTRUMENTED_")}
    assert set(dis.opmap) - set(VERSION.rules) - VERSION.prefixes - internal - pseudo - instrumented == set()


def test_rules_name_only_opcodes_of_this_python() -> None:
    assert set(VERSION.rules) <= set(dis.opmap)


@pytest.mark.parametrize("code", [CODES[0]])
def test_decoding_twice_gives_the_same_object(code: types.CodeType) -> None:
    assert decode(code) is decode(code)
