"""The tools for a new CPython: the table of this one, differences, and a stub that refuses what has no rule yet."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest

import framelift_bytecode_interp._cpython as cpython
from framelift_bytecode_interp._cpython import VERSION
from framelift_bytecode_interp.decoding import DecodeError, decode_as

TOOLS = Path(__file__).parents[1] / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = json.loads(json.dumps(tool("opcode_table").table()))
new_cpython = tool("new_cpython")


def test_the_table_of_this_python_names_each_opcode_that_has_a_rule() -> None:
    assert TABLE["python"] == list(VERSION.python)
    assert set(VERSION.rules) <= set(TABLE["opcodes"])
    assert {name: facts["caches"] for name, facts in TABLE["opcodes"].items() if facts["caches"]} == {
        name: size for name, size in VERSION.caches.items() if name in TABLE["opcodes"]
    }
    assert TABLE["opcodes"]["POP_TOP"] == {
        "argument": False,
        "jumps": None,
        "effect": [-1],
        "effect when it jumps": None,
        "caches": 0,
        "selects": [],
    }


def next_python():
    """A table of a Python that doesn't exist: an opcode less, one more, one changed, an intrinsic more."""
    table = copy.deepcopy(TABLE)
    table["python"] = [VERSION.python[0], VERSION.python[1] + 1]
    del table["opcodes"]["LOAD_ASSERTION_ERROR"]
    table["opcodes"]["LOAD_SMALL_INT"] = {**table["opcodes"]["COPY"], "effect": [1]}
    table["opcodes"]["GET_LEN"]["effect"] = [0]
    table["tables"]["intrinsics of two operands"].append("INTRINSIC_NEW")
    return table


def test_what_is_removed_added_and_changed_is_listed() -> None:
    assert new_cpython.differences(TABLE, TABLE) == []
    place = len(TABLE["tables"]["intrinsics of two operands"])
    assert new_cpython.differences(TABLE, next_python()) == [
        "removed   LOAD_ASSERTION_ERROR",
        "added     LOAD_SMALL_INT: an argument; effect +1",
        "changed   GET_LEN, effect: [1] -> [0]",
        f"table     intrinsics of two operands, {place}: None -> INTRINSIC_NEW",
    ]


def test_a_stub_keeps_the_rules_of_what_stays_and_refuses_the_rest() -> None:
    text = new_cpython.stub(TABLE, next_python())
    module = types.ModuleType(f"{cpython.__name__}.v_next")
    module.__package__ = cpython.__name__
    exec(compile(text, "v_next.py", "exec"), module.__dict__)
    version = module.VERSION
    assert version.python == (VERSION.python[0], VERSION.python[1] + 1)
    assert set(version.rules) == set(VERSION.rules) - {"LOAD_ASSERTION_ERROR"} | {"LOAD_SMALL_INT"}
    for name in ("LOAD_SMALL_INT", "GET_LEN"):
        with pytest.raises(LookupError, match=f"{name} has no rule yet"):
            version.rules[name](None)
    namespace: dict = {}
    exec("def matches(x):\n    match x:\n        case [a]: return a\n\ndef plain(x):\n    return x + 1", namespace)
    assert [i.opname for i in decode_as(namespace["plain"].__code__, version)] == [
        i.opname for i in decode_as(namespace["plain"].__code__, VERSION)
    ]
    with pytest.raises(DecodeError, match=r"GET_LEN .* is corrupt: GET_LEN has no rule yet"):
        decode_as(namespace["matches"].__code__, version)


def test_an_interpreter_and_its_saved_table_are_the_same(tmp_path, capsys) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(TABLE), encoding="utf-8")
    assert new_cpython.read_table(sys.executable) == new_cpython.read_table(str(saved))
    assert new_cpython.main(["diff", str(saved), str(saved)]) == 0
    version = ".".join(map(str, VERSION.python))
    assert capsys.readouterr().out == f"{version} -> {version}\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-such-python", "is no program"),
        ("missing.json", "can't be read"),
        ("broken.json", "is no JSON"),
        ("other.json", "is no table of opcodes"),
    ],
)
def test_what_is_no_interpreter_and_no_table_is_refused(tmp_path, monkeypatch, capsys, source, message) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert new_cpython.main(["diff", source, source]) == 2
    assert message in capsys.readouterr().err


def test_the_checklist_names_files_that_exist() -> None:
    text = (TOOLS.parent / "NEW_CPYTHON.md").read_text(encoding="utf-8")
    package = TOOLS.parent / "src" / "framelift_bytecode_interp"
    for name in ("_cpython/raw.py", "splice.py", "concrete/tracebacks.py"):
        assert name.removeprefix("_cpython/") in text
        assert (package / name).is_file()
    for word in text.replace("`", " ").replace(",", " ").split():
        if word.startswith("test_"):
            assert (TOOLS.parent / "tests" / f"{word}.py").is_file(), word
