"""CONTRIBUTING names one file for each kind of change; making it there, and nowhere else, works.

Each test makes the change in a copy of the package that CONTRIBUTING names, and runs a program that needs it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KINDS = ["a Python type", "a CPython", "a torch function", "a backend", "a comptime call", "a guard"]


def rows(root):
    """The table of CONTRIBUTING: the kind of change, and the first file or folder that it names."""
    (section,) = re.findall(
        r"^## Where a change goes\n(.*?)^## ", (root / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL
    )
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {kind: re.findall(r"`(packages/[\w./]*|[a-z]+\.(?:py|toml))`", place) for kind, place in cells[2:]}


def place_of(root, kind):
    (found,) = (paths[0] for name, paths in rows(root).items() if name.startswith(kind))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_change_has_a_place(root, kind):
    assert place_of(root, kind)


def test_each_place_of_a_change_exists(root):
    paths = [path for found in rows(root).values() for path in found]
    assert len(paths) >= len(KINDS)
    assert [path for path in paths if not (root / path).exists()] == []


class Copy:
    """A copy of one package, and the place in it that CONTRIBUTING names."""

    def __init__(self, root: Path, place: str, folder: Path) -> None:
        _, name, _, package, *inner = Path(place).parts
        shutil.copytree(
            root / "packages" / name / "src" / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
        self.folder = folder
        self.place = folder / package / Path(*inner)

    def run(self, program: str) -> str:
        """Run a program against the copy, from a file: what is captured needs source."""
        path = self.folder / "program.py"
        path.write_text(program)
        environment = {**os.environ, "PYTHONPATH": f"{self.folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(path)], env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copy(root, tmp_path):
    return lambda kind: Copy(root, place_of(root, kind), tmp_path)


DURATION_HANDLER = '''
"""`datetime.timedelta`: constants."""

from __future__ import annotations

import datetime
from typing import Any

from framelift_guards import Is, Source

from ..evaluation import evaluate
from ..handler import Answer, Tracking
from ..variable import ConstantVariable, Variable
from .constant import ConstantHandler


class DurationHandler(ConstantHandler):
    """Durations, known by identity."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ConstantVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        return evaluate(domain, getattr, variable.value, name)


HANDLERS = {datetime.timedelta: DurationHandler()}
'''


def test_a_python_type_is_one_new_file(copy):
    pytest.importorskip("framelift", reason="framelift is not installed here")
    here = copy("a Python type")
    program = """
import datetime, torch, framelift

def in_seconds(x, duration):
    return x * duration.seconds

lifted = framelift.compile(in_seconds, backend="eager")
print(lifted(torch.ones(1), datetime.timedelta(seconds=3)).item(), len(lifted.framelift.breaks))
"""
    assert here.run(program) != "3.0 0\n"
    (here.place / "duration.py").write_text(DURATION_HANDLER)
    assert here.run(program) == "3.0 0\n"


def test_a_cpython_is_one_new_file(copy):
    pytest.importorskip("framelift_bytecode_interp", reason="framelift is not installed here")
    here = copy("a CPython")
    major, minor, *_ = sys.version_info  # noqa: TID251 - the test stands in for another version
    text = (here.place / f"v{major}{minor}.py").read_text()
    assert f"python=({major}, {minor})" in text
    (here.place / "v399.py").write_text(text.replace(f"python=({major}, {minor})", "python=(3, 99)"))
    program = """
import sys
sys.version_info = (3, 99, 0, "final", 0)
import framelift_bytecode_interp as interp
print([one.opname for one in interp.decode((lambda: 1).__code__).instructions])
"""
    assert "RETURN" in here.run(program)


def test_a_torch_function_is_one_line(copy):
    pytest.importorskip("framelift", reason="framelift is not installed here")
    here = copy("a torch function")
    program = """
import torch, framelift

@framelift.compile(backend="eager", fullgraph=True)
def hard(x):
    return torch.nn.functional.hardswish(x)

hard(torch.ones(2))
print([type(node.target).__name__ for node in hard.framelift.graphs[0].graph.nodes if node.op == "call_function"])
"""
    assert here.run(program) == "['builtin_function_or_method']\n"
    text = here.place.read_text()
    assert text.count("_LISTED = (\n") == 1
    here.place.write_text(text.replace("_LISTED = (\n", '_LISTED = (\n    "nn.functional.hardswish",\n'))
    assert here.run(program) == "['function']\n"


def test_a_backend_is_an_entry_point_of_its_own_distribution(copy):
    pytest.importorskip("framelift", reason="framelift is not installed here")
    here = copy("a backend")
    (here.folder / "counting.py").write_text(
        "def compile_graph(gm, example_inputs):\n    print('a graph')\n    return gm.forward\n"
    )
    information = here.folder / "counting-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[framelift.backends]\ncounting = counting:compile_graph\n")
    program = """
import torch, framelift
print("counting" in framelift.list_backends())
print(framelift.compile(lambda x: x + 1, backend="counting")(torch.zeros(1)).item())
"""
    assert here.run(program) == "True\na graph\n1.0\n"


def test_a_comptime_call_is_a_pair_of_methods_in_one_file(copy):
    pytest.importorskip("framelift", reason="framelift is not installed here")
    here = copy("a comptime call")
    (path,) = here.place.glob("pausing.py")
    context = """
    def doze(self) -> None:
        \"\"\"Sleep a little.\"\"\"
        self.sleep(0)
        print("dozed")
"""
    call = """
    @staticmethod
    def doze() -> None:
        \"\"\"Sleep a little at compile time.\"\"\"
"""
    text = path.read_text()
    text = text.replace("    def breakpoint(self)", f"{context.lstrip(chr(10))}\n    def breakpoint(self)", 1)
    text = text.replace(
        "    @staticmethod\n    def breakpoint()", f"{call.lstrip(chr(10))}\n    @staticmethod\n    def breakpoint()"
    )
    path.write_text(text)
    program = """
import torch, framelift
from framelift import comptime

@framelift.compile(backend="eager", fullgraph=True)
def by_call(x):
    comptime.doze()
    return x + 1

@framelift.compile(backend="eager", fullgraph=True)
def by_context(x):
    comptime(lambda ctx: ctx.doze())
    return x + 1

by_call(torch.ones(1))
by_context(torch.ones(1))
comptime.doze()
"""
    assert here.run(program) == "dozed\ndozed\n"


PREDICATE = '''
"""A predicate on the parity of a number."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..codegen import Builder
from ..source import Scope
from .base import Predicate


@dataclass(frozen=True, eq=False, repr=False)
class Even(Predicate):
    """The value is an even number."""

    kind = "EVEN"

    def check(self, value: object, scope: Scope) -> bool:
        return value % 2 == 0

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.Compare(ast.BinOp(value, ast.Mod(), ast.Constant(2)), [ast.Eq()], [ast.Constant(0)])

    def describe(self, name: str) -> str:
        return f"{name} % 2 == 0"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{name} was even, is {value}"
'''


def test_a_guard_is_one_new_file(copy):
    pytest.importorskip("framelift_guards", reason="framelift is not installed here")
    here = copy("a guard")
    (here.place / "parity.py").write_text(PREDICATE)
    program = """
from framelift_guards import Dispatcher, Guard, LocalSource
from framelift_guards.predicates.parity import Even

def half(n):
    return n / 2

def missed(scope):
    print(*dispatcher.failures(scope))
    return half(**scope)

dispatcher = Dispatcher(half, missed)
dispatcher.add([Guard(LocalSource("n"), Even())], lambda n: n // 2)
print(dispatcher.function(4), dispatcher.function(3))
"""
    assert here.run(program) == "n was even, is 3; keep n as it was between calls\n2 1.5\n"
