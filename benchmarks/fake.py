"""Propagation of fake tensors beside torch's own `FakeTensorMode`: operators, first and repeated, and a whole GPT-2.

Both modes are entered, and the program calls torch as it always does. Repeated calls find the same metadata in either's
cache; before a first one, both caches are emptied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from timing import Figure, Row, interleaved, timed
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from framelift_fake_tensors import FakeMode, PropagationCache

ROUNDS = 9
FIRSTS = 9
WIDTH, HEADS, LAYERS, WORDS = 768, 12, 12, 50257
Call = Callable[[], object]


class Block(nn.Module):
    """A block of GPT-2: attention and a perceptron, each behind a normalisation and around a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(WIDTH)
        self.projections = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.before_perceptron = nn.LayerNorm(WIDTH)
        self.perceptron = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.1)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        parts = self.projections(self.before_attention(x)).split(WIDTH, dim=2)
        query, key, value = (part.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2) for part in parts)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=0.1, is_causal=True)
        x = x + self.attended(found.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.perceptron(self.before_perceptron(x))


class GPT2(nn.Module):
    """GPT-2 in its small size, with tied words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(1024, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.last = nn.LayerNorm(WIDTH)

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words) + self.positions(torch.arange(words.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.last(x), self.words.weight)


def operators() -> dict[str, Call]:
    """The operators' calls; made inside a mode, they are on its fakes."""
    x, y, weight, bias = torch.randn(8, 64), torch.randn(8, 64), torch.randn(64, 64), torch.randn(64)
    query = torch.randn(2, 4, 16, 32)
    return {
        "add": lambda: torch.add(x, y),
        "mm": lambda: torch.mm(x, weight),
        "softmax": lambda: torch.softmax(x, -1),
        "linear": lambda: F.linear(x, weight, bias),
        "layer_norm": lambda: F.layer_norm(x, (64,), bias, bias),
        "scaled_dot_product_attention": lambda: F.scaled_dot_product_attention(query, query, query, is_causal=True),
        "add_, in place": lambda: x.add_(y),
    }


def entered(mode: Any, call: Call) -> Call:
    def inside() -> object:
        with mode:
            return call()

    return inside


@contextlib.contextmanager
def sharing_a_round(mode: Any, calls: int, call: Call) -> Iterator[Call]:
    """A call that is made many times inside of one entry of the mode, as a program does."""

    def many() -> None:
        with mode:
            for _ in range(calls):
                call()

    yield many


def repeated(ours: FakeMode, theirs: Any, pairs: dict[str, tuple[Call, Call]]) -> list[Row]:
    rows = []
    calls = 20
    for name, (one, other) in pairs.items():
        with sharing_a_round(ours, calls, one) as first, sharing_a_round(theirs, calls, other) as second:
            taken = interleaved([first, second], ROUNDS)
        figures = [Figure.of([seconds / calls for seconds in each]) for each in taken]
        rows.append(Row(f"{name}, repeated", *figures, "≤ 0.1"))
    return rows


def first(ours: FakeMode, theirs: Any, pairs: dict[str, tuple[Call, Call]]) -> list[Row]:
    rows = []
    for name, (one, other) in pairs.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(FIRSTS):
            ours.cache.clear()
            FakeTensorMode.cache_clear()
            seconds[0].append(timed(entered(ours, one)))
            seconds[1].append(timed(entered(theirs, other)))
        rows.append(Row(f"{name}, first", *map(Figure.of, seconds), "≤ 1"))
    return rows


def measure() -> list[Row]:
    torch.set_num_threads(1)
    ours, theirs = FakeMode(cache=PropagationCache()), FakeTensorMode()
    with ours:
        our_calls, our_model = operators(), GPT2()
        our_words = torch.zeros(2, 64, dtype=torch.int64)
    with theirs:
        their_calls, their_model = operators(), GPT2()
        their_words = torch.zeros(2, 64, dtype=torch.int64)
    assert result_shape(ours, our_model, our_words) == result_shape(theirs, their_model, their_words)
    pairs = {name: (call, their_calls[name]) for name, call in our_calls.items()}
    rows = repeated(ours, theirs, pairs) + first(ours, theirs, pairs)
    for name, context in (("", contextlib.nullcontext), (", without grad", torch.no_grad)):
        with context():
            taken = interleaved(
                [entered(ours, lambda: our_model(our_words)), entered(theirs, lambda: their_model(their_words))], ROUNDS
            )
        rows.append(Row(f"GPT-2 of 12 layers, forward{name}", *map(Figure.of, taken), "≤ 0.2"))
    return rows


def result_shape(mode: Any, model: nn.Module, words: Tensor) -> tuple[int, ...]:
    with mode:
        return tuple(model(words).shape)
