"""What a new CPython changes in its bytecode, and the stub of a version file for it; see NEW_CPYTHON.md.

    python new_cpython.py diff OLD NEW
    python new_cpython.py stub OLD NEW > ../src/framelift_bytecode_interp/_cpython/v314.py

OLD and NEW are interpreters (python3.14) or tables that opcode_table.py printed (3.14.json). The stub takes the rules
of OLD, which must have a version file, for what has not changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

TABLE_SCRIPT = Path(__file__).with_name("opcode_table.py")
NOT_RUN = {"CACHE", "EXTENDED_ARG", "ENTER_EXECUTOR", "EXIT_INIT_CHECK", "INTERPRETER_EXIT", "RESERVED"}
"""Opcodes that need no rule: the decoder folds them in, or they never occur in a code object."""


class ToolError(Exception):
    """An interpreter or a table that can't be read."""


def read_table(source: str) -> dict[str, Any]:
    """The table of an interpreter, or a saved one.

    Raises:
        ToolError: it is neither.
    """
    if source.endswith(".json"):
        try:
            found = json.loads(Path(source).read_text(encoding="utf-8"))
        except OSError as error:
            raise ToolError(f"{source} can't be read: {error.strerror}") from error
        except ValueError as error:
            raise ToolError(f"{source} is no JSON: {error}") from error
    else:
        if shutil.which(source) is None:
            raise ToolError(f"{source} is no program: give a Python interpreter, or a table in a .json file")
        run = subprocess.run([source, str(TABLE_SCRIPT)], capture_output=True, text=True, check=False)
        if run.returncode:
            raise ToolError(f"{source} {TABLE_SCRIPT.name} failed: {run.stderr.strip()}")
        found = json.loads(run.stdout)
    if not isinstance(found, dict) or not {"python", "opcodes", "tables"} <= found.keys():
        raise ToolError(f"{source} is no table of opcodes: make it with {TABLE_SCRIPT.name}")
    return found


def described(opcode: dict[str, Any]) -> str:
    """An opcode's facts in a line."""
    facts = ["an argument" if opcode["argument"] else "no argument", f"effect {shown(opcode['effect'])}"]
    if opcode["jumps"]:
        facts.append(f"jumps ({opcode['jumps']}), then effect {shown(opcode['effect when it jumps'])}")
    if opcode["selects"]:
        facts.append(f"selects {', '.join(opcode['selects'])}")
    if opcode["caches"]:
        facts.append(f"{opcode['caches']} units of cache")
    return "; ".join(facts)


def shown(effects: list[int] | None) -> str:
    """The stack effect: one number, or those for the arguments 0, 1, 2, ..."""
    if effects is None:
        return "unknown"
    return f"{effects[0]:+}" if len(effects) == 1 else f"by argument {', '.join(f'{effect:+}' for effect in effects)}"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What NEW removes, adds and changes, one line each."""
    before, after = old["opcodes"], new["opcodes"]
    lines = [f"removed   {name}" for name in sorted(before.keys() - after.keys())]
    lines += [f"added     {name}: {described(after[name])}" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        # The size of a cache needs no rule: `dis` gives it to the decoder.
        changed = [fact for fact in before[name] if before[name][fact] != after[name][fact] and fact != "caches"]
        lines += [f"changed   {name}, {fact}: {before[name][fact]} -> {after[name][fact]}" for fact in changed]
    for title, entries in new["tables"].items():
        known = old["tables"].get(title, [])
        for place in range(max(len(known), len(entries))):
            was = known[place] if place < len(known) else None
            now = entries[place] if place < len(entries) else None
            if was != now:
                lines.append(f"table     {title}, {place}: {was} -> {now}")
    return lines


def identifier(name: str) -> str:
    return f"_{name.lower()}"


def stub(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The text of a version file that takes the rules of OLD; each rule that is still to be written refuses."""
    before, after = old["opcodes"], new["opcodes"]
    previous, python = "v{}{}".format(*old["python"]), tuple(new["python"])
    added = [name for name in sorted(after.keys() - before.keys()) if name not in NOT_RUN]
    changed = [
        name
        for name in sorted(before.keys() & after.keys())
        if any(before[name][fact] != after[name][fact] for fact in before[name] if fact != "caches")
        and name not in NOT_RUN
    ]
    removed = sorted(before.keys() - after.keys())
    imports = ["from dis import _inline_cache_entries  # type: ignore[attr-defined]"]
    if new["caches by name"]:
        imports = ["from collections.abc import Mapping", *imports, "from typing import Final, cast"]
        caches = 'cast("Mapping[str, int]", _inline_cache_entries)'
    else:
        imports += ["from opcode import opname", "from typing import Final"]
        caches = "{opname[op]: size for op, size in enumerate(_inline_cache_entries) if size}"
    lines = [
        f'"""CPython {python[0]}.{python[1]}: to be written (NEW_CPYTHON.md). Replace the rules that refuse."""',
        "",
        "from __future__ import annotations",
        "",
        *imports,
        "",
        "from .raw import Part, RawInstruction, Version",
        f"from .{previous} import VERSION as _PREVIOUS",
        "",
    ]
    for name in (*added, *changed):
        what = "added" if name in added else f"changed; it was: {described(before[name])}"
        lines += [
            "",
            f"def {identifier(name)}(raw: RawInstruction) -> list[Part]:",
            f'    """{name} ({what}). Now: {described(after[name])}."""',
            f'    raise LookupError("{name} has no rule yet")',
            "",
        ]
    lines += [
        "",
        f"_REMOVED: Final = frozenset({set(removed)!r})"
        if removed
        else "_REMOVED: Final[frozenset[str]] = frozenset()",
        "",
        "VERSION: Final = Version(",
        f"    python={python!r},",
        "    prefixes=_PREVIOUS.prefixes - _REMOVED,",
        "    null_first=_PREVIOUS.null_first,",
        f"    caches={caches},",
        "    yields=_PREVIOUS.yields,",
        "    rules={",
        "        **{name: rule for name, rule in _PREVIOUS.rules.items() if name not in _REMOVED},",
        *(f'        "{name}": {identifier(name)},' for name in sorted((*added, *changed))),
        "    },",
        ")",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Opcode differences between two Pythons, and the stub of a version file."
    )
    parser.add_argument("command", choices=["diff", "stub"])
    parser.add_argument("old", help="an interpreter, or a .json table of one")
    parser.add_argument("new", help="the same, of the newer one")
    options = parser.parse_args(arguments)
    try:
        old, new = read_table(options.old), read_table(options.new)
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.command == "stub":
        print(stub(old, new), end="")
    else:
        names = ["{}.{}".format(*table["python"]) for table in (old, new)]
        print("\n".join([f"{names[0]} -> {names[1]}", *differences(old, new)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
