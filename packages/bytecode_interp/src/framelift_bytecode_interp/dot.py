"""A code object's control-flow graph in the DOT language, for Graphviz and what reads its files."""

from __future__ import annotations

from .graph import BasicBlock, control_flow
from .instruction import Code
from .listing import instruction_text


def block_lines(code: Code, block: BasicBlock) -> list[str]:
    """The instructions of a block, one line each, with the user's line where it changes."""
    lines = []
    previous: int | None = None
    for instruction in code.instructions[block.start : block.end]:
        if instruction.line != previous and instruction.line is not None:
            previous = instruction.line
            lines.append(f"line {previous}")
        lines.append(f"{instruction.index:5} {instruction_text(code, instruction)}")
    return lines


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def dot(code: Code) -> str:
    r"""The blocks that control can reach, as boxes, and the edges between them; those to handlers are dashed.

    Args:
        code: a decoded code object.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def identity(x):
        ...     return x
        >>> print(dot(decode(identity.__code__)))
        digraph "identity" {
          node [shape=box, fontname=monospace];
          0 [label="line 1\l    0 RESUME 0\lline 2\l    1 LOAD_FAST x\l    2 RETURN_VALUE\l"];
        }
    """
    graph = control_flow(code)
    reachable = graph.reachable()
    lines = [f'digraph "{_quoted(code.raw.co_qualname)}" {{', "  node [shape=box, fontname=monospace];"]
    for block in graph.blocks:
        if block.start in reachable:
            label = "".join(_quoted(line) + r"\l" for line in block_lines(code, block))
            lines.append(f'  {block.start} [label="{label}"];')
            lines += [f"  {block.start} -> {following};" for following in block.successors]
            lines += [f"  {block.start} -> {handler} [style=dashed];" for handler in block.handlers]
    return "\n".join([*lines, "}"])
