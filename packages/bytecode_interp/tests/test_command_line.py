"""The commands `show` and `run`: what they print and draw, and what they say of bad input."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("grandalf")

from typer.testing import CliRunner

from framelift_bytecode_interp import control_flow, decode, dot
from framelift_bytecode_interp.command_line.app import app
from framelift_bytecode_interp.command_line.svg import svg

PROGRAM = '''
"""A program."""
import os

def total(items, *, start=0):
    for item in items:
        try:
            start += item
        except TypeError:
            continue
    return start

def outer():
    def inner(x):
        return x
    return inner

def plain(x):
    return x + 1

class Shape:
    def area(self):
        return '<&>"'

getcwd = os.getcwd
'''


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def invoke(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_show_prints_lines_depths_live_variables_and_resume_points(program) -> None:
    shown = invoke("show", f"{program}:plain")
    assert shown.exit_code == 0
    rows = [line.split() for line in shown.output.splitlines()]
    assert ["line", "index", "depth", "instruction", "live", "resumed"] in rows
    assert next(row for row in rows if "BINARY_OP" in row)[:4] == ["3", "2", "BINARY_OP", "'+'"]
    assert next(row for row in rows if "LOAD_FAST" in row) == ["19", "1", "0", "LOAD_FAST", "x", "x", "run"]


@pytest.mark.parametrize("name", ["total", "outer.inner", "outer.<locals>.inner", "Shape.area", "Shape"])
def test_functions_are_found_by_their_qualified_names(program, name) -> None:
    shown = invoke("show", f"{program}:{name}")
    assert shown.exit_code == 0, shown.output
    assert name.rpartition(".")[2] in shown.output


def test_showing_a_function_does_not_run_its_file(tmp_path) -> None:
    path = tmp_path / "explosive.py"
    path.write_text("def f(): pass\nraise SystemExit('it ran')\n", encoding="utf-8")
    assert invoke("show", f"{path}:f").exit_code == 0


def test_the_graph_is_drawn_as_its_suffix_says(program, tmp_path) -> None:
    for suffix in ("svg", "dot"):
        path = tmp_path / f"out.{suffix}"
        assert invoke("show", f"{program}:total", "--cfg", path).exit_code == 0
        assert "BINARY_OP" in path.read_text() or "INPLACE_OP" in path.read_text()
    refused = invoke("show", f"{program}:total", "--cfg", tmp_path / "out.png")
    assert refused.exit_code == 2
    assert "must end in .dot or .svg" in refused.output
    refused = invoke("show", f"{program}:total", "--cfg", tmp_path / "no" / "out.svg")
    assert refused.exit_code == 2
    assert "can't be written: No such file or directory" in refused.output


def test_an_svg_has_a_box_for_each_block_and_a_path_for_each_edge(program) -> None:
    namespace: dict = {}
    exec(compile(PROGRAM, str(program), "exec"), namespace)
    for function in (namespace["total"], namespace["plain"], namespace["Shape"].area):
        code = decode(function.__code__)
        graph = control_flow(code)
        blocks = [block for block in graph.blocks if block.start in graph.reachable()]
        root = ET.fromstring(svg(code))  # noqa: S314 - our own
        space = "{http://www.w3.org/2000/svg}"
        assert len(root.findall(f"{space}rect")) == len(blocks)
        edges = sum(len(block.successors) + len(block.handlers) for block in blocks)
        assert len(root.findall(f"{space}path")) == edges


def test_boxes_do_not_overlap(program) -> None:
    namespace: dict = {}
    exec(compile(PROGRAM, str(program), "exec"), namespace)
    root = ET.fromstring(svg(decode(namespace["total"].__code__)))  # noqa: S314 - our own
    boxes = [
        tuple(float(box.get(name)) for name in ("x", "y", "width", "height"))
        for box in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    for place, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[place + 1 :]:
            beside = x + width <= other_x or other_x + other_width <= x
            assert beside or y + height <= other_y or other_y + other_height <= y


def test_dot_quotes_what_the_program_says() -> None:
    namespace: dict = {}
    exec("def f():\n    return 'a\"b\\\\\\n'", namespace)
    text = dot(decode(namespace["f"].__code__))
    assert text.count('\\"') == 1
    assert len(text.splitlines()) == 4


def test_run_prints_the_result_and_how_many_instructions_it_took(program) -> None:
    result = invoke("run", f"{program}:total", "[1, 2, 'x']", "start=4")
    assert result.exit_code == 0
    assert result.output.startswith("7  (")
    assert result.output.endswith("instructions)\n")


def test_a_trace_shows_each_instruction_and_the_stack_before_it(program) -> None:
    lines = invoke("run", "--trace", f"{program}:plain", "-5").output.splitlines()
    addition = next(line for line in lines if "BINARY_OP" in line)
    assert addition.split() == ["plain:19", "3", "BINARY_OP", "'+'", "[-5,", "1]"]
    assert lines[-1].startswith("-4  (")
    assert len(lines) == int(lines[-1].split("(")[1].split()[0]) + 1


BAD = [
    (["show", "program.py"], "must be FILE:FUNCTION"),
    (["show", "missing.py:f"], "missing.py is no file"),
    (["show", "{folder}:f"], "is a folder"),
    (
        ["show", "{program}:nothing"],
        "has no function 'nothing'; it has Shape, Shape.area, outer, outer.inner, plain, total",
    ),
    (["show", "{broken}:f"], "broken.py:2: SyntaxError: invalid syntax"),
    (["show", "{null}:f"], "null"),
    (["run", "{program}:nothing"], "has no 'nothing' once it has run"),
    (["run", "{program}:getcwd"], "is a builtin_function_or_method, not a Python function"),
    (["run", "{program}:Shape"], "is a type, not a Python function"),
    (["run", "{program}:plain", "x y"], "argument 'x y' is no Python literal"),
    (["run", "{program}:plain"], "plain(x) does not take these arguments: missing a required argument: 'x'"),
    (["run", "{program}:plain", "1", "y=2"], "got an unexpected keyword argument 'y'"),
    (["run", "{raising}:f"], "running it raised ZeroDivisionError: division by zero"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_named(program, tmp_path, arguments, message) -> None:
    paths = {"program": program, "folder": tmp_path}
    for name, content in {"broken": b"x = 1\nx y\n", "null": b"\0", "raising": b"1/0\ndef f(): pass\n"}.items():
        paths[name] = tmp_path / f"{name}.py"
        paths[name].write_bytes(content)
    result = invoke(*(argument.format(**paths) for argument in arguments))
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_what_the_program_raises_is_the_programs_own_traceback(tmp_path) -> None:
    path = tmp_path / "fails.py"
    path.write_text("def f(x):\n    return 1 / x\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        invoke("run", f"{path}:f", "0")


def test_without_the_extra_the_message_says_what_to_install(tmp_path) -> None:
    script = textwrap.dedent(
        """
        import runpy, sys
        sys.modules["typer"] = None
        runpy.run_module("framelift_bytecode_interp", run_name="__main__")
        """
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert (
        'needs typer, which is not installed: python -m pip install "framelift-bytecode-interp[cli]"' in result.stderr
    )


def test_the_module_runs_as_a_program(program) -> None:
    command = [sys.executable, "-m", "framelift_bytecode_interp", "run", f"{program}:plain", "1"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("2  (")
