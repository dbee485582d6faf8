"""Lift models of the `transformers` library as they are, and compare each with itself, run eagerly.

    python examples/library_model/demo.py [--backend eager]

Weights are random and configurations small: nothing is downloaded. Each forward must be one graph, its outputs and
gradients those of eager execution, and greedy decoding must choose the same tokens; otherwise the exit status is 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import transformers
from rich.console import Console
from rich.table import Table

import framelift

VOCABULARY, WIDTH, LAYERS, HEADS = 96, 32, 2, 4
BATCH, LENGTH = 2, 12
SEED = 1787


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, and the keyword arguments of one call."""

    name: str
    make: Callable[[], Any]
    arguments: dict[str, Any]


def gpt2() -> Any:
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=64,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=HEADS,
        bos_token_id=0,
        eos_token_id=0,
        loss_type="ForCausalLM",
    )
    return transformers.GPT2LMHeadModel(config)


def bert() -> Any:
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=64,
    )
    return transformers.BertForMaskedLM(config)


def llama() -> Any:
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=64,
    )
    return transformers.LlamaForCausalLM(config)


def cases() -> Iterator[Case]:
    torch.manual_seed(SEED)
    ids = torch.randint(1, VOCABULARY, (BATCH, LENGTH))
    mask = torch.ones_like(ids)
    mask[1, LENGTH // 2 :] = 0  # the second text is shorter
    for name, make in (("GPT-2", gpt2), ("BERT", bert), ("Llama", llama)):
        yield Case(name, make, {"input_ids": ids})
        yield Case(f"{name}, masked, with labels", make, {"input_ids": ids, "attention_mask": mask, "labels": ids})


@dataclasses.dataclass(frozen=True)
class Result:
    """What one case came to."""

    graphs: int
    breaks: int
    operations: int
    seconds: float
    difference: float

    @property
    def right(self) -> bool:
        return self.graphs == 1 and not self.breaks and self.difference < 1e-5


def gradients(model: Any, arguments: dict[str, Any]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the logits of one call, and the gradients of all parameters."""
    model.zero_grad()
    output = model(**arguments)
    (output.logits.sum() if "labels" not in arguments else output.loss).backward()
    return output.logits.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


def compare(case: Case, backend: str) -> Result:
    torch.manual_seed(SEED)
    model = case.make().eval()
    lifted = framelift.compile(model, backend=backend, fullgraph=True)
    began = time.perf_counter()
    logits, grads = gradients(lifted, case.arguments)
    seconds = time.perf_counter() - began
    expected, expected_grads = gradients(model, case.arguments)
    pairs = zip([logits, *grads], [expected, *expected_grads], strict=True)
    graphs = lifted.framelift.graphs
    return Result(
        len(graphs),
        len(lifted.framelift.breaks),
        sum(node.op in {"call_function", "call_method"} for graph in graphs for node in graph.graph.nodes),
        seconds,
        max(float((mine - theirs).abs().max()) for mine, theirs in pairs),
    )


@torch.no_grad()
def decode(model: Any, ids: torch.Tensor, count: int) -> list[int]:
    """Return the tokens that greedy decoding adds."""
    for _ in range(count):
        chosen = model(input_ids=ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, chosen], dim=1)
    return [int(token) for token in ids[0, -count:]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="eager", help="any backend that framelift.compile takes")
    parser.add_argument("--tokens", type=int, default=6, help="how many to decode")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    console = Console()
    table = Table(title=f"transformers {transformers.__version__}, unchanged")
    for column in ("model", "graphs", "breaks", "operations", "first call, s", "largest difference"):
        table.add_column(column, justify="left" if column == "model" else "right")
    right = True
    for case in cases():
        result = compare(case, options.backend)
        right &= result.right
        shown = f"{result.seconds:.2f}", f"{result.difference:.1e}"
        table.add_row(case.name, str(result.graphs), str(result.breaks), str(result.operations), *shown)
    console.print(table)
    model = gpt2().eval()
    start = torch.randint(1, VOCABULARY, (1, 4))
    lifted = framelift.compile(model, backend=options.backend, fullgraph=True, dynamic=True)
    tokens, expected = decode(lifted, start, options.tokens), decode(model, start, options.tokens)
    sizes = len(lifted.framelift.graphs)
    console.print(f"greedy decoding: {tokens}, eager: {expected}; {sizes} graph for {options.tokens} lengths")
    return 0 if right and tokens == expected else 1


if __name__ == "__main__":
    sys.exit(main())
