"""Modules without memory: a copy of a module whose tensors are fakes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch

__all__ = ["fake_module"]


def fake_module(
    module: torch.nn.Module, fake: Callable[[torch.Tensor, str], torch.Tensor], name: str
) -> torch.nn.Module:
    """Return a deep copy of `module` in which every tensor is replaced by its fake.

    Args:
        module: the module; it is left as it is.
        fake: makes the fake of a tensor, given how a user would write it; the same one for the same tensor.
        name: how a user would write the module.
    """
    # `copy.deepcopy` takes what the memo holds in place of a copy: tied parameters stay tied, and nothing is copied
    # that holds data. It keeps what it copied alive in a list under the memo's own id, and so does this.
    memo: dict[int, Any] = {}
    for tensor, path in _tensors(module, name, set()):
        memo[id(tensor)] = fake(tensor, path)
    return copy.deepcopy(module, memo)


def _tensors(value: Any, path: str, seen: set[int]) -> Iterator[tuple[torch.Tensor, str]]:
    if isinstance(value, torch.Tensor):
        yield value, path
        return
    if not isinstance(value, (torch.nn.Module, dict, list, tuple)) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.nn.Module):
        for attribute, held in vars(value).items():
            if attribute in ("_parameters", "_buffers", "_modules"):
                for name, part in held.items():
                    yield from _tensors(part, f"{path}.{name}", seen)
            else:
                yield from _tensors(held, f"{path}.{attribute}", seen)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _tensors(part, f"{path}[{key!r}]", seen)
    else:
        for index, part in enumerate(value):
            yield from _tensors(part, f"{path}[{index}]", seen)
