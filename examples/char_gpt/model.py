"""A character-level GPT in ordinary PyTorch: nothing in this file knows that it will be lifted."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclasses.dataclass(frozen=True)
class Config:
    """The size of a model: `context` is the longest sequence that it reads, in characters."""

    vocabulary: int
    context: int = 64
    layers: int = 3
    heads: int = 4
    width: int = 96
    dropout: float = 0.1


class CausalSelfAttention(nn.Module):
    """Each position looks at itself and at what came before it, with several heads."""

    mask: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.project_in = nn.Linear(config.width, 3 * config.width)
        self.project_out = nn.Linear(config.width, config.width)
        self.dropout_attention = nn.Dropout(config.dropout)
        self.dropout_output = nn.Dropout(config.dropout)
        self.register_buffer("mask", torch.ones(config.context, config.context, dtype=torch.bool).tril())

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.project_in(x).split(width, dim=2)
        q = q.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        k = k.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        v = v.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        scores = scores.masked_fill(~self.mask[:length, :length], float("-inf"))
        weights = self.dropout_attention(F.softmax(scores, dim=-1))
        mixed = (weights @ v).transpose(1, 2).reshape(batch, length, width)
        return self.dropout_output(self.project_out(mixed))


class Block(nn.Module):
    """Attention, then a two-layer perceptron, each around a residual connection and behind a layer norm."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = CausalSelfAttention(config)
        self.norm_perceptron = nn.LayerNorm(config.width)
        self.perceptron = nn.Sequential(
            nn.Linear(config.width, 4 * config.width),
            nn.GELU(),
            nn.Linear(4 * config.width, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_attention(x))
        return x + self.perceptron(self.norm_perceptron(x))


class GPT(nn.Module):
    """Predict the next character at each position.

    `forward(characters, targets)` takes integer tensors of shape (batch, length) and returns the logits, of shape
    (batch, length, vocabulary), and, where there are targets, the mean cross-entropy in nats a character.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.characters = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.apply(self._initialise)
        self.head.weight = self.characters.weight  # tied, as in GPT-2

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, characters: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        _, length = characters.shape
        if length > self.config.context:
            raise ValueError(f"a sequence must be at most {self.config.context} characters long, but has {length}")
        positions = torch.arange(length, device=characters.device)
        x = self.dropout(self.characters(characters) + self.positions(positions))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@torch.no_grad()
def sample(model: nn.Module, characters: Tensor, count: int, context: int, generator: torch.Generator) -> Tensor:
    """Return `characters`, of shape (batch, length), with `count` sampled ones appended to each row."""
    for _ in range(count):
        logits, _ = model(characters[:, -context:])
        probabilities = F.softmax(logits[:, -1] / 0.8, dim=-1)
        characters = torch.cat([characters, torch.multinomial(probabilities, 1, generator=generator)], dim=1)
    return characters
