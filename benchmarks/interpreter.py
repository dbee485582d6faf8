"""Interpreting Python: five programs over real objects, beside CPython; and decoding, beside `dis`.

`framelift_bytecode_interp` alone is measured: its `ConcreteDomain`, with all calls of Python functions interpreted. The
cost of an instruction is the time divided by the count of interpreted instructions. Blocks of instructions are compiled
when they have run sixty times, so each program runs a hundred times before it is measured, as many times natively.

python benchmarks/interpreter.py --profile richards    shows where the time of a program goes
"""

from __future__ import annotations

import argparse
import cProfile
import dataclasses
import dis
import pstats
import types
from collections.abc import Iterator
from pathlib import Path

import programs
from timing import Figure, Row, interleaved

from framelift_bytecode_interp import ConcreteDomain, interpret
from framelift_bytecode_interp._cpython import VERSION
from framelift_bytecode_interp.decoding import decode_as

ROUNDS = 30
WARM_UP = 100
TARGET = "≤ 50"


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


def library() -> list[types.CodeType]:
    """The code objects of a module of the standard library."""
    path = Path(dataclasses.__file__)
    return list(code_objects(compile(path.read_bytes(), str(path), "exec")))


def measure() -> list[Row]:
    rows = []
    for name, function, args in programs.CASES:
        interpreted = interpret(function, ConcreteDomain())
        if interpreted(*args) != function(*args):
            raise AssertionError(f"{name} gives something else interpreted")
        for _ in range(WARM_UP):
            interpreted(*args), function(*args)
        ours, native = interleaved([lambda: interpreted(*args), lambda: function(*args)], ROUNDS)  # noqa: B023
        rows.append(Row(name, Figure.of(ours), Figure.of(native), TARGET))
    codes = library()
    ours, native = interleaved(
        [
            lambda: [decode_as(code, VERSION) for code in codes],
            lambda: [list(dis.get_instructions(code)) for code in codes],
        ],
        ROUNDS,
    )
    rows.append(Row("decoding a module's code (beside dis)", Figure.of(ours), Figure.of(native)))
    return rows


def growth(rows: list[Row]) -> list[tuple[str, float]]:
    """Seconds an interpreted instruction, and a decoded one."""
    counts = {}
    for name, function, args in programs.CASES:
        interpreted = interpret(function, ConcreteDomain())
        interpreted(*args)
        counts[name] = interpreted.instructions_executed
    decoded = sum(len(decode_as(code, VERSION)) for code in library())
    return [(row.case, row.framelift.minimum / counts.get(row.case, decoded)) for row in rows]


def profile(name: str) -> None:
    (case,) = [case for case in programs.CASES if case[0] == name]
    interpreted = interpret(case[1], ConcreteDomain())
    for _ in range(WARM_UP):
        interpreted(*case[2])
    with cProfile.Profile() as profiler:
        for _ in range(10):
            interpreted(*case[2])
    pstats.Stats(profiler).sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", choices=[case[0] for case in programs.CASES])
    chosen = parser.parse_args().profile
    if chosen is not None:
        profile(chosen)
    else:
        found = measure()
        for row, (_, seconds) in zip(found, growth(found), strict=True):
            ratio = row.framelift.minimum / row.torch.minimum
            print(f"{row.case:40} {ratio:6.1f} times, {seconds * 1e9:6.0f} ns an instruction")
