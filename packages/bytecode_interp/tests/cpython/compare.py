"""Runs CPython's own test modules natively and interpreted, and compares what becomes of each test.

Usage: compare.py [--unwatched] [--time SECONDS] [--table FILE] [-k PART]... [-v] [MODULE...]

It fails if a test ends differently that `exceptions.EXEMPT` does not name, or if a function of the tests ran natively
that `exceptions.NATIVE` does not name. `--table` writes this Python's section of a Markdown file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exceptions import EXEMPT, NATIVE

MODULES = """test_grammar test_scope test_generators test_coroutines test_asyncgen test_exceptions test_except_star
test_exception_group test_patma test_with test_unpack_ex test_extcall test_keywordonlyarg test_positional_only_arg
test_augassign test_contextlib test_dict test_list test_super test_descr test_decorators test_listcomps test_genexps
test_named_expressions test_fstring test_class test_iter test_enum test_dataclasses test_functools test_collections
test_opcodes test_yield_from test_type_params test_raise test_unpack test_setcomps test_dictcomps test_bool
test_property test_global test_richcmp test_binop test_index test_metaclass test_genericclass test_contextlib_async
test_itertools test_set""".split()
"""What is run by default; those that a Python doesn't have are left out."""

PYTHON = ".".join(map(str, sys.version_info[:2]))


def is_there(module: str) -> bool:
    """Whether this Python ships a test module: some distributions leave the `test` package out."""
    try:
        return importlib.util.find_spec(f"test.{module}") is not None
    except ModuleNotFoundError:
        return False


def run(module: str, mode: str, limit: float, *selected: str) -> list[dict[str, Any]]:
    """The report of a run; its last entry says how it ended."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "report"
        worker = Path(__file__).with_name("worker.py")
        command = [sys.executable, "-X", "faulthandler", str(worker), module, mode, str(report), *selected]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=limit, cwd=folder, check=False
            )
            end = {"exit": done.returncode, "errors": done.stderr[-3000:]}
        except subprocess.TimeoutExpired:
            end = {"exit": "timeout", "errors": ""}
        entries = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    return [*entries, end]


@dataclass
class Comparison:
    """What became of a module's tests.

    Args:
        module: its name.
        tests: how many ran natively.
        different: by name, the outcomes natively and interpreted, and the text of the latter.
        hosted: how often an interpreted function of the tests started (where a Python tells only once, how many did).
        native: the functions of the tests that ran natively.
        ended: why the interpreted run ended early, or nothing.
    """

    module: str
    tests: int = 0
    different: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    hosted: int = 0
    native: list[str] = field(default_factory=list)
    ended: str = ""

    @property
    def surprising(self) -> list[str]:
        """The tests that differ without a known reason."""
        return [name for name in self.different if name not in EXEMPT]

    @property
    def surprisingly_native(self) -> list[str]:
        """The functions that ran natively without a known reason."""
        return [name for name in self.native if not any(part in name for part in NATIVE)]

    @property
    def ok(self) -> bool:
        """Whether all that differs is known."""
        return not (self.surprising or self.surprisingly_native or self.ended)


def compare(module: str, limit: float, *selected: str, watched: bool = True) -> Comparison:
    """Run a module's tests both ways."""
    natively = run(module, "native", limit, *selected)
    interpreted = run(module, "watched" if watched else "interpreted", limit, *selected)
    expected = {entry["test"]: entry["outcome"] for entry in natively if "test" in entry}
    found = {entry["test"]: entry for entry in interpreted if "test" in entry}
    made = Comparison(module, len(expected))
    for name, outcome in expected.items():
        entry = found.get(name, {"outcome": "missing", "text": ""})
        if entry["outcome"] != outcome:
            made.different[name] = outcome, entry["outcome"], entry["text"]
    for entry in interpreted:
        if "native" in entry:
            made.hosted, made.native = entry["hosted"], entry["native"]
    if not any("ended" in entry for entry in interpreted):
        started = [entry["started"] for entry in interpreted if "started" in entry]
        made.ended = f"{interpreted[-1]['exit']} in {started[-1:]}\n{interpreted[-1]['errors']}"
    return made


def show(made: Comparison, *, whole: bool) -> None:
    """Print a comparison."""
    equal = made.tests - len(made.different)
    print(
        f"{made.module}: {made.tests} tests, {equal} equal, {len(made.surprising)} differ without a reason", flush=True
    )
    if made.surprisingly_native:
        print(f"  native: {made.surprisingly_native}")
    if made.ended:
        print(f"  ended early: {made.ended}")
    missing = [name for name in made.surprising if made.different[name][1] == "missing"]
    if missing:
        print(f"  missing: {len(missing)}, from {missing[0]} on")
    for name in made.surprising:
        wanted, got, text = made.different[name]
        if got != "missing":
            print(f"  {name}: {wanted} -> {got}")
            print("      " + (text if whole else text[-300:]).strip().replace("\n", "\n      "))


def table(comparisons: list[Comparison]) -> str:
    """This Python's section."""
    tests = sum(made.tests for made in comparisons)
    different = sum(len(made.different) for made in comparisons)
    version = ".".join(map(str, sys.version_info[:3]))
    share = 100 * (tests - different) / tests
    lines = [
        f"## CPython {version}",
        "",
        f"{tests} tests of {len(comparisons)} modules; {tests - different} end as natively: {share:.2f} %.",
        "",
        "| module | tests | equal | differ |",
        "|---|---|---|---|",
    ]
    lines += [f"| {m.module} | {m.tests} | {m.tests - len(m.different)} | {len(m.different)} |" for m in comparisons]
    lines += ["", "| test that differs | natively | interpreted | reason |", "|---|---|---|---|"]
    for made in comparisons:
        for name, (wanted, got, _) in made.different.items():
            exempt = EXEMPT.get(name)
            shown = "not run" if exempt is not None and not exempt.run else got
            reason = "not known" if exempt is None else exempt.reason
            lines.append(f"| {name.removeprefix('test.')} | {wanted} | {shown} | {reason} |")
    natives = Counter(name for made in comparisons for name in made.native)
    lines += ["", "| function that ran natively | reason |", "|---|---|"]
    for name in natives:
        reason = next((reason for part, reason in NATIVE.items() if part in name), "not known")
        lines.append(f"| {name} | {reason} |")
    return "\n".join(lines) + "\n"


def write(path: Path, section: str) -> None:
    """Put this Python's section into the file."""
    begin, end = f"<!-- {PYTHON} -->\n", f"<!-- end of {PYTHON} -->\n"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = f"{begin}{section}{end}"
    if begin in text:
        text = text[: text.index(begin)] + made + text[text.index(end) + len(end) :]
    else:
        text += made
    path.write_text(text, encoding="utf-8")


def main() -> int:
    """Compare, and say whether all is as known."""
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--unwatched", action="store_true")
    parser.add_argument("--time", type=float, default=900)
    parser.add_argument("--table", type=Path)
    parser.add_argument("-k", action="append", default=[])
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    modules = [module for module in options.modules or MODULES if is_there(module)]
    if not modules:
        print(f"nothing to run: this Python {PYTHON} ships no `test` package")
        return 0
    comparisons = []
    for module in modules:
        made = compare(module, options.time, *options.k, watched=not options.unwatched)
        show(made, whole=options.v)
        comparisons.append(made)
        if options.table is not None:
            write(options.table, table(comparisons))
    return 0 if all(made.ok for made in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
