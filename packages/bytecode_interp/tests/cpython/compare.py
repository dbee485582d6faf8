"""Runs CPython's own test modules natively and interpreted, and compares what becomes of each test.

Usage: compare.py [--watched] [--time SECONDS] [MODULE...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = """test_grammar test_scope test_generators test_coroutines test_asyncgen test_exceptions test_except_star
test_exception_group test_patma test_with test_unpack_ex test_extcall test_keywordonlyarg test_positional_only_arg
test_augassign test_contextlib test_dict test_list test_set test_super test_descr test_decorators test_listcomps
test_genexps test_named_expressions test_fstring test_class test_iter test_enum test_dataclasses test_functools
test_itertools test_collections test_opcodes test_yield_from""".split()


def run(module: str, mode: str, limit: float, *selected: str) -> list[dict]:
    """The report of a run; its last entry says how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        worker = Path(__file__).with_name("worker.py")
        command = [sys.executable, "-X", "faulthandler", str(worker), module, mode, str(report), *selected]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=folder, check=False)
            end = {"exit": done.returncode, "errors": done.stderr[-3000:]}
        except subprocess.TimeoutExpired:
            end = {"exit": "timeout", "errors": ""}
        entries = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    return [*entries, end]


def outcomes(report: list[dict]) -> dict[str, dict]:
    return {entry["test"]: entry for entry in report if "test" in entry}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--watched", action="store_true")
    parser.add_argument("--time", type=float, default=600)
    parser.add_argument("-k", action="append", default=[])
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    for module in options.modules or MODULES:
        natively = run(module, "native", options.time, *options.k)
        interpreted = run(module, "watched" if options.watched else "interpreted", options.time, *options.k)
        expected, found = outcomes(natively), outcomes(interpreted)
        different = {
            name: (entry["outcome"], found.get(name, {"outcome": "missing", "text": ""}))
            for name, entry in expected.items()
            if name not in found or found[name]["outcome"] != entry["outcome"]
        }
        print(f"{module}: {len(expected)} tests, {len(expected) - len(different)} equal", flush=True)
        for entry in interpreted:
            if "native" in entry:
                print(f"  hosted: {entry['hosted']}; native: {entry['native']}")
        if not any("ended" in entry for entry in interpreted):
            started = [entry["started"] for entry in interpreted if "started" in entry]
            print(f"  ended early: {interpreted[-1]['exit']} in {started[-1:]}\n{interpreted[-1]['errors']}")
        missing = [name for name, (_, got) in different.items() if got["outcome"] == "missing"]
        if missing:
            print(f"  missing: {len(missing)}, from {missing[0]} on")
        for name, (wanted, got) in different.items():
            if got["outcome"] == "missing":
                continue
            print(f"  {name}: {wanted} -> {got['outcome']}")
            text = got["text"] if options.v else got["text"][-300:]
            print("      " + text.strip().replace("\n", "\n      "))


if __name__ == "__main__":
    main()
