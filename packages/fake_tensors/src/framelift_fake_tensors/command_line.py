"""The command: a table of what the layers of a model cost."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final

import torch
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from framelift_fake_tensors.errors import FakeTensorError
from framelift_fake_tensors.layers import Layer, measure_layers
from framelift_fake_tensors.mode import FakeMode
from framelift_fake_tensors.tensor import FakeTensor
from framelift_fake_tensors.user_line import line_of
from framelift_symbolic_shapes import ShapeEnv

__all__ = ["app", "main"]

app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

# A symbol needs an example, for programs that ask; one that is no power of two and divides nothing by accident.
_EXAMPLE: Final = 211
_LARGEST: Final = 2**63 - 1


class _BadInputError(ValueError):
    """What was typed means nothing."""


_TOLD: Final = (_BadInputError, FakeTensorError, ImportError, RuntimeError, TypeError)


def _factory(target: str) -> Any:
    module, _, path = target.partition(":")
    if not module or not path:
        raise _BadInputError(f"{target!r} names no factory; write MODULE:FACTORY, such as my_models:small")
    if os.getcwd() not in sys.path:  # noqa: PTH109 (as `python -m` does it)
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    if not all(part.isidentifier() for part in module.split(".")):
        raise _BadInputError(f"{module!r} is no name of a module; write MODULE:FACTORY, such as my_models:small")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        if not hasattr(found, name):
            raise _BadInputError(f"{module} has no {path}: {name} is not there")
        found = getattr(found, name)
    if not callable(found):
        raise _BadInputError(f"{target} is a {type(found).__name__}; a factory is called without arguments")
    return found


def _number(text: str) -> int:
    number = int(text)
    if number > _LARGEST:
        raise _BadInputError(f"{text} is no size; the largest that torch knows is {_LARGEST}")
    return number


def _size(text: str, env: ShapeEnv, symbols: dict[str, Any]) -> Any:
    if text.isdecimal():
        return _number(text)
    name, has_example, example = text.partition("=")
    if not name.isidentifier() or (has_example and (not example.isdecimal() or int(example) < 2)):
        raise _BadInputError(f"{text!r} is no size; write a number, a name such as s0, or with an example, s0=512")
    if name not in symbols:
        hint = _number(example) if example else _EXAMPLE + len(symbols)
        symbols[name] = env.create_symbol(name, hint, dynamic=True, origin=name, size=True, shared=False)
    known = symbols[name].node.hint
    if example and int(example) != known:
        raise _BadInputError(f"{name} is {known} in one place and {example} in another; one name is one size")
    return symbols[name]


def _input(text: str, device: torch.device, env: ShapeEnv, symbols: dict[str, Any]) -> torch.Tensor:
    sizes, _, kind = text.partition(":")
    dtype = getattr(torch, kind, None) if kind else torch.get_default_dtype()
    if not isinstance(dtype, torch.dtype):
        raise _BadInputError(f"{kind!r} is no dtype of torch, in the input {text!r}")
    parts = sizes.strip().removesuffix(",").split(",") if sizes.strip() else []
    shape = [_size(part.strip(), env, symbols) for part in parts]
    return torch.empty(shape, dtype=dtype, device=device)


def _amount(value: Any, names: Mapping[str, str], unit: str = "") -> str:
    if isinstance(value, torch.SymInt):
        return re.sub(r"\b[a-z]+\d+\b", lambda found: names.get(found[0], found[0]), str(value))
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.2f} {prefix}{unit}"
    return f"{value} {unit}".rstrip()


def _table(layers: list[Layer], depth: int, names: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    table.add_column("class", no_wrap=True)
    table.add_column("result", overflow="fold")
    for heading in ("parameters", "activations", "FLOPs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer in layers:
        level = layer.path.count(".") + 1 if layer.path else 0
        if level > depth:
            continue
        shapes = [f"({', '.join(_plain(size, names) for size in shape)})" for shape in layer.shapes]
        cells = (
            "  " * max(level - 1, 0) + (layer.path or "(model)"),
            layer.kind if layer.calls else f"{layer.kind}, not called",
            " ".join(shapes),
            _amount(layer.parameter_bytes, names, "B"),
            _amount(layer.activation_bytes, names, "B"),
            _amount(layer.flops, names),
        )
        table.add_row(*map(Text, cells))  # a name is no markup
    return table


def _plain(size: Any, names: Mapping[str, str]) -> str:
    return _amount(size, names) if isinstance(size, torch.SymInt) else str(size)


@app.command()
def layers(
    target: Annotated[str, typer.Argument(metavar="MODULE:FACTORY", help="what makes the model, called without data")],
    inputs: Annotated[
        list[str], typer.Option("--input", help="sizes, and a dtype: 8,s0,768 or 1,s0=512:int64; once an argument")
    ],
    device: Annotated[str, typer.Option(help="where the model would be; it need not exist here")] = "cpu",
    dtype: Annotated[str, typer.Option(help="the default dtype, of the model and of inputs")] = "float32",
    depth: Annotated[int, typer.Option(min=0, help="how many levels of layers are shown")] = 3,
) -> None:
    """Show the layers of a model with shapes, bytes and FLOPs, without allocating any of it."""
    try:
        _show(target, inputs, torch.device(device), dtype, depth)
    except Exception as error:  # whatever the model raised is told in a line, and where
        if line_of(error) is None and not isinstance(error, _TOLD):
            raise
        console = Console(stderr=True, soft_wrap=True)
        console.print(f"error: {_told(error, target)}", style="red", markup=False, emoji=False, highlight=False)
        raise typer.Exit(2) from error


def _told(error: Exception, target: str) -> str:
    """Return what is wrong in a line: what was typed, or what the program raised, and where it did."""
    where = line_of(error)
    if isinstance(error, (_BadInputError, FakeTensorError)) or where is None:
        return _first_line(error) or type(error).__name__
    return f"{target} raised {type(error).__name__}: {_first_line(error)} ({where})"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _show(target: str, inputs: list[str], device: torch.device, dtype: str, depth: int) -> None:
    make = _factory(target)
    default = getattr(torch, dtype, None)
    if not isinstance(default, torch.dtype):
        raise _BadInputError(f"{dtype!r} is no dtype of torch")
    if not default.is_floating_point:
        raise _BadInputError(f"{dtype!r} is no floating-point dtype, which the default is")
    env, symbols = ShapeEnv(), dict[str, Any]()
    mode = FakeMode(env)
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        with mode, device:
            model = make()
            if not isinstance(model, torch.nn.Module):
                raise _BadInputError(f"{target} made a {type(model).__name__}; a factory returns an nn.Module")
            given = [_input(text, device, env, symbols) for text in inputs]
        if any(not isinstance(tensor, FakeTensor) for tensor in (*model.parameters(), *model.buffers())):
            model = mode.fake(model)  # the factory returned one that had been made before
        with device:
            measured = measure_layers(mode, model, *given)
    finally:
        torch.set_default_dtype(before)
    names = {str(symbol): name for name, symbol in symbols.items()}
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a file has no edge
    console.print(_table(measured, depth, names))
    assumed = [_rename(guard, names) for guard in env.guards]
    if assumed:
        console.print(f"holds where {', '.join(dict.fromkeys(assumed))}", markup=False, highlight=False)


def _rename(guard: object, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[a-z]+\d+\b", lambda found: names.get(found[0], found[0]), str(guard))


def main() -> None:
    """Run the command."""
    app()
