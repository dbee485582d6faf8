"""Print what this Python says of its opcodes, as JSON. It runs on any CPython from 3.8, and needs nothing else.

python3.14 opcode_table.py > 3.14.json
"""

import dis
import json
import opcode
import sys

HIGHEST_ARGUMENT = 8


def effects(op, jump):
    """The stack effect for small arguments; None where `dis` refuses one."""
    found = []
    for argument in range(HIGHEST_ARGUMENT):
        try:
            found.append(dis.stack_effect(op, argument, jump=jump))
        except ValueError:
            try:
                return [dis.stack_effect(op, None, jump=jump)]
            except ValueError:
                return None
    return found if len(set(found)) > 1 else found[:1]


def caches():
    """The units of inline cache of each opcode, by name: where dis keeps them differs from version to version."""
    entries = getattr(dis, "_inline_cache_entries", None)
    if entries is None:
        return {}
    if hasattr(entries, "items"):
        return dict(entries)
    return {opcode.opname[op]: size for op, size in enumerate(entries) if size}


def table():
    """The version, its opcodes, and the tables that arguments are looked up in."""
    jumps = set(dis.hasjrel) | set(dis.hasjabs)
    sizes = caches()
    opcodes = {}
    for name, op in sorted(dis.opmap.items()):
        # Pseudo-instructions are the compiler's own; instrumented ones stand for others while sys.monitoring is on.
        if op > 255 or name.startswith("INSTRUMENTED_") or name == "CACHE":
            continue
        opcodes[name] = {
            "argument": op in getattr(dis, "hasarg", ()) if hasattr(dis, "hasarg") else op >= dis.HAVE_ARGUMENT,
            "jumps": "absolute" if op in dis.hasjabs else "relative" if op in jumps else None,
            "effect": effects(op, False),
            "effect when it jumps": effects(op, True) if op in jumps else None,
            "caches": sizes.get(name, 0),
            "selects": [
                kind
                for kind in ("const", "name", "local", "free", "compare", "exc")
                if op in getattr(dis, "has" + kind, ())
            ],
        }
    tables = {
        "comparisons": list(dis.cmp_op),
        "binary operators": [symbol for _, symbol in getattr(opcode, "_nb_ops", ())],
        "intrinsics of one operand": list(getattr(opcode, "_intrinsic_1_descs", ())),
        "intrinsics of two operands": list(getattr(opcode, "_intrinsic_2_descs", ())),
        "special methods": [str(method) for method in getattr(opcode, "_special_method_names", ())],
        "common constants": [repr(constant) for constant in getattr(opcode, "_common_constants", ())],
    }
    by_name = hasattr(getattr(dis, "_inline_cache_entries", None), "items")
    return {"python": list(sys.version_info[:2]), "opcodes": opcodes, "tables": tables, "caches by name": by_name}


if __name__ == "__main__":
    json.dump(table(), sys.stdout, indent=1)
    print()
