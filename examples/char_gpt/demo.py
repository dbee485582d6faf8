"""Train and sample a character-level GPT twice, eager and lifted, and compare the two.

    python examples/char_gpt/demo.py [--steps 300] [--characters 240]

Both runs start from the same seed. They must give the same losses (to 1e-5) and sample the same text, and the lifted
forward must be one graph without a break; otherwise the exit status is 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from model import GPT, Config, sample
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import framelift

CORPUS = Path(__file__).with_name("constitution.txt")
BATCH = 16
SEED = 1787
OPERATIONS = {"call_function", "call_method", "call_module"}


class Corpus:
    """A text as numbered characters, and random batches of it."""

    def __init__(self, text: str) -> None:
        self.alphabet = sorted(set(text))
        number = {character: index for index, character in enumerate(self.alphabet)}
        self.characters = torch.tensor([number[character] for character in text])

    def batch(self, context: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs and targets, each of shape (BATCH, context)."""
        starts = torch.randint(len(self.characters) - context, (BATCH, 1), generator=generator)
        window = self.characters[starts + torch.arange(context + 1)]
        return window[:, :-1], window[:, 1:]

    def text(self, characters: torch.Tensor) -> str:
        return "".join(self.alphabet[index] for index in characters.tolist())


@dataclasses.dataclass(frozen=True)
class Forward:
    """What the lifted forward came to, at one point of a run."""

    graphs: int
    operations: int
    guards: int
    breaks: int

    @classmethod
    def of(cls, model: Any) -> Forward:
        view = model.framelift
        return cls(
            graphs=len(view.graphs),
            operations=sum(node.op in OPERATIONS for graph in view.graphs for node in graph.graph.nodes),
            guards=len(view.guards()),
            breaks=len(view.breaks),
        )

    def since(self, before: Forward) -> Forward:
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(before)
        return Forward(*(now - then for now, then in zip(mine, theirs, strict=True)))


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: the loss of each step, the seconds of each step, the sampled text; and what was lifted, if it was."""

    losses: list[float]
    seconds: list[float]
    text: str
    training: Forward | None
    sampling: Forward | None


def run(
    corpus: Corpus, steps: int, characters: int, lift: Callable[[GPT], Any] | None, advance: Callable[[float], None]
) -> Run:
    """Train a model from the seed, then sample from it; `lift` turns the model into what is called."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    config = Config(vocabulary=len(corpus.alphabet))
    model = GPT(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    called = model if lift is None else lift(model)

    losses, seconds = [], []
    called.train()
    for _ in range(steps):
        inputs, targets = corpus.batch(config.context, generator)
        start = time.perf_counter()
        _, loss = called(inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
        advance(losses[-1])
    training = None if lift is None else Forward.of(called)

    called.eval()
    prompt = corpus.characters[None, : config.context]
    text = corpus.text(sample(called, prompt, characters, config.context, generator)[0])
    sampling = None if training is None else Forward.of(called).since(training)
    return Run(losses, seconds, text[config.context :], training, sampling)


def differences(eager: Run, lifted: Run) -> list[str]:
    """Return what is not as it must be, as sentences."""
    found = []
    worst = max(abs(a - b) for a, b in zip(eager.losses, lifted.losses, strict=True))
    if worst > 1e-5:
        found.append(f"losses must agree to 1e-5, but differ by {worst:.2e}")
    if eager.text != lifted.text:
        found.append("sampled texts must be equal, but differ")
    for name, forward in (("training", lifted.training), ("sampling", lifted.sampling)):
        if forward is not None and (forward.graphs, forward.breaks) != (1, 0):
            found.append(
                f"the forward in {name} must be one graph without a break, but is {forward.graphs} graphs"
                f" with {forward.breaks} breaks"
            )
    return found


def report(console: Console, eager: Run, lifted: Run) -> None:
    """Print the sampled text and the table of what was lifted and what it cost."""
    console.print(Panel(Text(lifted.text), title="sampled by the lifted model", title_align="left"))
    table = Table("", "eager", "lifted", title="A character-level GPT", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    runs = (eager, lifted)
    table.add_row("loss, first step", *(f"{run.losses[0]:.6f}" for run in runs))
    table.add_row("loss, last step", *(f"{run.losses[-1]:.6f}" for run in runs))
    for name, forward in (("training", lifted.training), ("sampling", lifted.sampling)):
        if forward is not None:
            for field, count in dataclasses.asdict(forward).items():
                table.add_row(f"{field}, {name}", "", str(count))
    table.add_row("time of the first step", *(f"{run.seconds[0] * 1e3:.1f} ms" for run in runs))
    table.add_row("time of a step, median", *(f"{statistics.median(run.seconds[1:]) * 1e3:.1f} ms" for run in runs))
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=300, help="training steps of each run, at least 2")
    parser.add_argument("--characters", type=int, default=240, help="characters to sample")
    options = parser.parse_args()
    if options.steps < 2:
        parser.error(f"--steps must be at least 2, but is {options.steps}")

    console = Console()
    corpus = Corpus(CORPUS.read_text(encoding="ascii"))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    runs = []
    with Progress(*columns, TextColumn("loss {task.fields[loss]:.3f}"), console=console) as progress:
        for name, lift in (("eager", None), ("lifted", lambda model: framelift.compile(model, backend="eager"))):
            task = progress.add_task(f"train and sample, {name:6}", total=options.steps, loss=float("nan"))
            runs.append(
                run(
                    corpus,
                    options.steps,
                    options.characters,
                    lift,
                    lambda loss, task=task: progress.update(task, advance=1, loss=loss),
                )
            )
    eager, lifted = runs
    report(console, eager, lifted)
    problems = differences(eager, lifted)
    for problem in problems:
        console.print(f"[red]✗[/red] {problem}")
    if not problems:
        console.print("[green]✓[/green] losses and sampled text are equal; the forward is one graph without a break")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
