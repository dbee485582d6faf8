"""The commands: `show` and `run`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..concrete import ConcreteDomain, interpret
from ..decoding import decode
from ..domain import Domain
from ..dot import dot
from ..errors import BytecodeError
from ..frame import Frame
from ..handlers import HANDLERS, Handler, HandlerTable
from ..instruction import Code, Instruction
from ..listing import handler_lines, instruction_text, listing_rows
from ..outcome import Outcome
from ..resume import resume_points
from .svg import svg
from .target import Target, TargetError, check_arguments, parse_arguments

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Look at the bytecode of a function, and interpret it.",
)

_DRAWINGS: Final = {".dot": dot, ".svg": svg}


def fail(error: Exception) -> typer.Exit:
    """Say what is wrong, and end with status 2."""
    Console(stderr=True, soft_wrap=True).print(f"[red]error:[/red] {escape(str(error))}")
    return typer.Exit(2)


def instruction_table(code: Code) -> Table:
    """The canonical instructions with lines, stack depth, live variables, and where a frame can be resumed."""
    table = Table(title=escape(f"{code.raw.co_qualname} ({code.filename})"), box=None, title_justify="left")
    for heading in ("line", "index", "depth"):
        table.add_column(heading, justify="right")
    for heading in ("instruction", "live", "resumed"):
        table.add_column(heading, no_wrap=True)
    for row, point in zip(listing_rows(code), resume_points(code), strict=True):
        resumed = [word for word, holds in (("run", point.runs), ("outcome", point.takes_outcome)) if holds]
        table.add_row(
            "" if row.line is None else str(row.line),
            str(row.index),
            "-" if row.depth is None else str(row.depth),
            escape(row.text),
            escape(", ".join(row.live)),
            " ".join(resumed) or f"no: {point.reason}",
            style="dim" if row.depth is None else None,
        )
    return table


def draw(code: Code, path: Path) -> None:
    """Write the control-flow graph to a file, as its suffix says.

    Raises:
        TargetError: the suffix is unknown, or the file can't be written.
    """
    drawing = _DRAWINGS.get(path.suffix)
    if drawing is None:
        raise TargetError(f"{path} must end in {' or '.join(_DRAWINGS)}")
    try:
        path.write_text(drawing(code), encoding="utf-8")
    except OSError as error:
        raise TargetError(f"{path} can't be written: {error.strerror}") from error


@app.command()
def show(
    target: Annotated[str, typer.Argument(metavar="FILE:FUNCTION", help="For example program.py:Class.method.")],
    cfg: Annotated[Path | None, typer.Option(help="Draw the control-flow graph to this .svg or .dot file.")] = None,
) -> None:
    """Print a function's canonical instructions with lines, stack depth and live variables; the file is not run."""
    try:
        code = decode(Target.parse(target).code())
        console = Console(soft_wrap=True, highlight=False)
        table = instruction_table(code)
        console.print(table, width=max(console.width, console.measure(table).maximum))
        for line in handler_lines(code):
            console.print(f"exceptions in {escape(line)}")
        if cfg is not None:
            draw(code, cfg)
            console.print(f"the graph is in {escape(str(cfg))}")
    except (TargetError, BytecodeError) as error:
        raise fail(error) from error


def brief(entry: Any, width: int = 40) -> str:
    """An entry of the stack as text that fits in a line."""
    try:
        text = repr(entry)
    except Exception as error:  # noqa: BLE001 - a hostile __repr__ must not end the trace
        text = f"<{type(entry).__name__}, whose __repr__ raises {type(error).__name__}>"
    return text if len(text) <= width else f"{text[: width - 1]}…"


def tracing(console: Console) -> Mapping[str, Handler]:
    """Handlers that first print the frame that they step."""

    def traced(handler: Handler) -> Handler:
        def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
            depth = sum(1 for _ in frame.chain()) - 1
            stack = ", ".join(brief(entry) for entry in frame.stack)
            place = f"{frame.function_name}:{frame.line}"
            text = instruction_text(frame.code, instruction)
            console.print(f"{'  ' * depth}{place} {instruction.index:4} {text:30} [{stack}]", markup=False)
            return handler(frame, instruction, domain)

        return step

    return {opname: traced(handler) for opname, handler in HANDLERS.items()}


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    target: Annotated[str, typer.Argument(metavar="FILE:FUNCTION", help="A function of the module, or a method.")],
    args: Annotated[list[str] | None, typer.Argument(help="Python literals, and name=literal.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Print each instruction and the stack before it.")] = False,
) -> None:
    """Run a file, then interpret one of its functions, and print what it returns."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        function = Target.parse(target).load()
        positional, named = parse_arguments(args or [])
        check_arguments(function, positional, named)
        domain = ConcreteDomain()
        if trace:
            domain.handlers = HandlerTable(tracing(console))
        interpreted = interpret(function, domain)
    except (TargetError, BytecodeError) as error:
        raise fail(error) from error
    result = interpreted(*positional, **named)
    console.print(f"{result!r}  ({interpreted.instructions_executed} instructions)", markup=False)


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m framelift_bytecode_interp", windows_expand_args=os.name == "nt")
