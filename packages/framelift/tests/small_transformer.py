"""A small model written as real ones are: a configuration, blocks in a list, a mask, keyword arguments, a result."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys

import torch
from torch import nn

import framelift
from framelift_guards import GuardSet, Scope


class Activation(enum.Enum):
    RELU = "relu"
    GELU = "gelu"


@dataclasses.dataclass
class Configuration:
    width: int = 8
    heads: int = 2
    layers: int = 2
    words: int = 11
    rate: float = 0.0
    activation: Activation = Activation.GELU
    return_states: bool = False
    extra: dict = dataclasses.field(default_factory=lambda: {"scale": 0.5, 3: None, (1, "a"): -0.0})


ACTIVATIONS = {Activation.RELU: nn.functional.relu, Activation.GELU: nn.functional.gelu}


class Attention(nn.Module):
    def __init__(self, configuration):
        super().__init__()
        self.configuration = configuration
        self.project = nn.Linear(configuration.width, 3 * configuration.width)
        self.out = nn.Linear(configuration.width, configuration.width)
        self.register_buffer("mask", torch.tril(torch.ones(16, 16, dtype=torch.bool)), persistent=False)

    @property
    def size(self):
        return self.configuration.width // self.configuration.heads

    def forward(self, states, past=None):
        batch, length, width = states.shape
        parts = self.project(states).view(batch, length, 3, self.configuration.heads, self.size)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        weights = query @ key.transpose(-1, -2) * self.configuration.extra["scale"]
        weights = weights.masked_fill(~self.mask[:length, :length], float("-inf")).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, configuration):
        super().__init__()
        self.first, self.second = nn.LayerNorm(configuration.width), nn.LayerNorm(configuration.width)
        self.attention = Attention(configuration)
        self.dropout = nn.Dropout(configuration.rate)
        self.grow = nn.Linear(configuration.width, 2 * configuration.width)
        self.shrink = nn.Linear(2 * configuration.width, configuration.width)
        self.activate = ACTIVATIONS[configuration.activation]

    def forward(self, states):
        states = states + self.dropout(self.attention(self.first(states)))
        return states + self.shrink(self.activate(self.grow(self.second(states))))


@dataclasses.dataclass
class Result:
    scores: torch.Tensor
    states: tuple = ()


class SmallTransformer(nn.Module):
    def __init__(self, configuration=None):
        super().__init__()
        self.configuration = configuration = configuration or Configuration()
        self.embedding = nn.Embedding(configuration.words, configuration.width)
        self.blocks = nn.ModuleList([Block(configuration) for _ in range(configuration.layers)])
        self.head = nn.Linear(configuration.width, configuration.words, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words, scale=None, **options):
        states = self.embedding(words)
        every = [states]
        for index, block in enumerate(self.blocks):
            states = block(states)
            if self.configuration.return_states or options.get("return_states"):
                every.append(states)
            if scale is not None and index == 0:
                states = states * scale
        return Result(self.head(states), tuple(every[1:]))


def made():
    """Return the model, and words for it."""
    torch.manual_seed(0)
    return SmallTransformer().eval(), torch.arange(10).view(2, 5)


def changes(model, words):
    """Return arguments of calls, each after a change of the model."""
    model.train()
    yield (words,), {}
    model.eval()
    yield (words,), {}
    yield (words[:, :3],), {}
    yield (words.int(),), {}
    yield (words, 2.0), {}
    yield (words,), {"return_states": True}
    model.configuration.return_states = True
    yield (words,), {}
    model.configuration.return_states = 0
    yield (words,), {}
    model.configuration.return_states = False
    yield (words,), {}
    model.configuration.extra["scale"] = 1
    yield (words,), {}
    model.configuration.extra["scale"] = 0.5
    yield (words,), {}
    model.blocks[1].activate = nn.functional.relu
    yield (words,), {}
    model.blocks[1].activate = nn.functional.gelu
    yield (words,), {}
    model.blocks[0].first.eps = 1e-3
    yield (words,), {}
    model.blocks[0].first.eps = 1e-5
    yield (words,), {}
    model.head.weight = nn.Parameter(model.embedding.weight.detach().clone())
    yield (words,), {}
    model.head.weight = model.embedding.weight
    yield (words,), {}
    hook = model.blocks[0].attention.register_forward_hook(lambda module, args, output: output * 2)
    yield (words,), {}
    hook.remove()
    yield (words,), {}
    model.blocks.append(nn.Identity())
    yield (words,), {}


def verdicts(guards, lifted, words):
    """Return what guards of a lifted model say of each of these calls: that they hold, or why not."""
    said = []
    for args, options in changes(lifted, words):
        called = {"self": lifted, "words": args[0], "scale": args[1] if len(args) > 1 else None, "options": options}
        failure = guards.first_failure(Scope(called))
        assert guards.check(Scope(called)) is (failure is None)
        said.append(str(failure))
    return said


def main():
    """Print what the guards in the text that comes in say of this process's own model."""
    model, words = made()
    lifted = framelift.compile(model, backend="eager")
    guards = GuardSet.from_json(sys.stdin.read(), SmallTransformer.forward)
    json.dump(verdicts(guards, lifted, words), sys.stdout)


if __name__ == "__main__":
    from small_transformer import main as run  # under the name that the guards were written with

    run()
