"""A small transformer, forward and training, by eager, framelift and torch.compile: results compared, and times.

python benchmarks/accelerator.py [--device cuda] [--rounds 20] [--modes default reduce-overhead]

On an accelerator it is large enough to keep the device busy for a while; on a CPU it is small. Both compilers hand
graphs to Inductor, so what differs is what is around them. It ends with 1 if a result is not that of eager, if a
compiled function was compiled twice, or if CUDA graphs were asked for and not replayed as often as by torch.compile.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import functools
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

import framelift


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the model and its inputs are."""

    words: int
    width: int
    heads: int
    layers: int
    batch: int
    length: int


SIZES = {"cpu": Size(64, 32, 2, 2, 2, 8), "accelerator": Size(8192, 512, 8, 8, 8, 256)}


class Block(nn.Module):
    """Attention and a perceptron, each behind a normalisation and around a shortcut."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.before_attention = nn.LayerNorm(size.width)
        self.projections = nn.Linear(size.width, 3 * size.width)
        self.attended = nn.Linear(size.width, size.width)
        self.before_perceptron = nn.LayerNorm(size.width)
        self.perceptron = nn.Sequential(
            nn.Linear(size.width, 4 * size.width), nn.GELU(), nn.Linear(4 * size.width, size.width)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.projections(self.before_attention(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        found = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attended(found.transpose(1, 2).reshape(batch, length, width))
        return x + self.perceptron(self.before_perceptron(x))


class Transformer(nn.Module):
    """A language model with positions learnt, and a buffer that training writes to."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.words = nn.Embedding(size.words, size.width)
        self.positions = nn.Embedding(size.length, size.width)
        self.blocks = nn.ModuleList([Block(size) for _ in range(size.layers)])
        self.last = nn.LayerNorm(size.width)
        self.register_buffer("places", torch.arange(size.length))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, words: Tensor) -> Tensor:
        if self.training:
            self.seen.add_(1)
        x = self.words(words) + self.positions(self.places)
        for block in self.blocks:
            x = block(x)
        return self.last(x) @ self.words.weight.t()


def loss_of(model: nn.Module, words: Tensor) -> Tensor:
    found = model(words)
    return nn.functional.cross_entropy(found[:, :-1].flatten(0, 1), words[:, 1:].flatten())


@torch.compiler.disable
def outside(x: Tensor) -> Tensor:
    return x


def with_a_break(x: Tensor) -> Tensor:
    y = x.sin() * 2
    return outside(y).cos() + y


Compile = Callable[..., Any]


@dataclasses.dataclass
class Subject:
    """One tool's compilation of the two functions, over models of its own."""

    name: str
    compile: Compile
    model: Transformer
    trained: Transformer
    device: torch.device
    static: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.forward = self.compile(self.model)
        self.loss = self.compile(loss_of)
        self.broken = self.compile(with_a_break)
        self.optimizer = torch.optim.SGD(self.trained.parameters(), lr=0.01, momentum=0.9)

    def infer(self, words: Tensor) -> Tensor:
        with torch.no_grad():
            return self.forward(words)  # type: ignore[no-any-return]

    def train(self, words: Tensor) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss: Tensor = self.loss(self.trained, words)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def subjects(mode: str, size: Size, device: torch.device) -> list[Subject]:
    torch.manual_seed(0)
    model = Transformer(size).to(device)
    tools: dict[str, Compile] = {
        "eager": lambda fn: fn,
        "framelift": lambda fn: framelift.compile(fn, mode=mode),
        "torch.compile": lambda fn: torch.compile(fn, mode=mode),
    }
    return [
        Subject(name, tool, copy.deepcopy(model).eval(), copy.deepcopy(model).train(), device)
        for name, tool in tools.items()
    ]


# ---- checks ---------------------------------------------------------------------------------------------------------


class Checks:
    """What was checked, and what failed."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, what: str, holds: bool, found: object = "") -> None:
        self.failed += not holds
        print(f"  {'ok  ' if holds else 'FAIL'} {what} {found}".rstrip())

    def equal(self, what: str, expected: Tensor, found: Tensor) -> None:
        off = ((expected - found).abs().max() / expected.abs().max().clamp(min=1e-6)).item()
        self(what, off < 1e-3, f"(off by {off:.1e})")


@contextlib.contextmanager
def static_inputs() -> Iterator[list[int]]:
    """Note how many inputs AOTAutograd is told to be static, for each graph."""
    counts: list[int] = []
    module: Any = importlib.import_module("torch._functorch.aot_autograd")
    original = module._try_get_metadata_from_dynamo

    def noting(*args: Any, **kwargs: Any) -> Any:
        sources, static = original(*args, **kwargs)
        counts.append(len(static))
        return sources, static

    module._try_get_metadata_from_dynamo = noting
    try:
        yield counts
    finally:
        module._try_get_metadata_from_dynamo = original


@contextlib.contextmanager
def replays() -> Iterator[list[int]]:
    """Count replays of CUDA graphs."""
    count = [0]
    original = torch.cuda.CUDAGraph.replay

    def counting(graph: Any) -> None:
        count[0] += 1
        original(graph)

    torch.cuda.CUDAGraph.replay = counting  # type: ignore[method-assign]
    try:
        yield count
    finally:
        torch.cuda.CUDAGraph.replay = original  # type: ignore[method-assign]


def parameters(tool: Subject) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in tool.trained.parameters()])


def check(mode: str, tools: list[Subject], batches: list[Tensor]) -> int:
    checks = Checks()
    reference, *compiled = tools
    static, replayed = {}, {}
    expected = torch.stack([reference.infer(words) for words in batches])
    losses = torch.stack([reference.train(words) for words in batches])
    for tool in compiled:
        with static_inputs() as counts, replays() as count:
            checks.equal(f"{tool.name}: forward", expected, torch.stack([tool.infer(one).clone() for one in batches]))
            steps = torch.stack([tool.train(one).clone() for one in batches])
            checks.equal(f"{tool.name}: losses of {len(batches)} training steps", losses, steps)
            broken = torch.stack([tool.broken(one.float()).clone() for one in batches])
            checks.equal(f"{tool.name}: a function with a break", with_a_break(torch.stack(batches).float()), broken)
            checks.equal(f"{tool.name}: parameters", parameters(reference), parameters(tool))
            checks(f"{tool.name}: a buffer that training writes", tool.trained.seen.item() == len(batches))
        static[tool.name], replayed[tool.name] = counts, count[0]
    lifted = compiled[0]
    checks("framelift: one graph each", len(lifted.loss.framelift.graphs) == len(lifted.forward.framelift.graphs) == 1)
    checks("static inputs of each graph", static["framelift"] == static["torch.compile"], static)
    if mode == "reduce-overhead" and reference.device.type == "cuda":
        checks("replays of CUDA graphs", replayed["framelift"] >= replayed["torch.compile"] > 0, replayed)
        checks.failed += memory_grows(lifted, batches[0])
    return checks.failed


def memory_grows(tool: Subject, words: Tensor) -> bool:
    """Tell whether call after call needs more memory: CUDA graphs that are recorded again and again would."""
    taken = []
    for _ in range(3):
        for _ in range(20):
            tool.infer(words)
            tool.train(words)
        torch.cuda.synchronize()
        taken.append(torch.cuda.memory_reserved())
    grows = taken[2] > taken[1] > taken[0]
    print(f"  {'FAIL' if grows else 'ok  '} memory is steady over 60 steps {[f'{one >> 20} MiB' for one in taken]}")
    return grows


# ---- times ----------------------------------------------------------------------------------------------------------


def synchronize(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def timed(call: Callable[[], object], batch: int, device: torch.device) -> float:
    synchronize(device)
    start = time.perf_counter()
    for _ in range(batch):
        call()
    synchronize(device)
    return (time.perf_counter() - start) / batch


def measure(mode: str, tools: list[Subject], words: Tensor, rounds: int) -> list[list[str]]:
    rows = []
    for what in ("infer", "train"):
        calls = [functools.partial(getattr(tool, what), words) for tool in tools]
        for call in calls:
            timed(call, 3, tools[0].device)
        seconds: list[list[float]] = [[] for _ in calls]
        for _ in range(rounds):
            for call, taken in zip(calls, seconds, strict=True):
                taken.append(timed(call, 5, tools[0].device))
        medians = [statistics.median(one) * 1e3 for one in seconds]
        least = [min(one) * 1e3 for one in seconds]
        name = {"infer": "forward", "train": "training step"}[what]
        for tool, median, minimum in zip(tools, medians, least, strict=True):
            rows.append([mode, name, tool.name, f"{minimum:.3f}", f"{median:.3f}", f"{medians[0] / median:.2f}"])
    return rows


def show(rows: list[list[str]]) -> None:
    heading = ["mode", "what", "tool", "least ms", "median ms", "times eager"]
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    for row in (heading, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    found = torch.accelerator.current_accelerator(check_available=True)
    parser.add_argument("--device", default="cpu" if found is None else found.type)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--modes", nargs="+", default=["default", "reduce-overhead"])
    options = parser.parse_args()
    device = torch.device(options.device)
    size = SIZES["cpu" if device.type == "cpu" else "accelerator"]
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    print(f"{name}, CPython {sys.version.split()[0]}, torch {torch.__version__}, {size}")
    torch.manual_seed(1)
    batches = [torch.randint(size.words, (size.batch, size.length), device=device) for _ in range(6)]
    failed, rows = 0, []
    for mode in options.modes:
        print(mode)
        tools = subjects(mode, size, device)
        failed += check(mode, tools, batches)
        rows += measure(mode, tools, batches[0], options.rounds)
    print()
    show(rows)
    print(f"\n{failed} checks failed" if failed else "\nall checks passed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
