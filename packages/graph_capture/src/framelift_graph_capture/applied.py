"""What is interpreted in place of torch's own code where torch calls a function of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__framelift_hidden__ = True

__all__ = ["apply", "grouped_tensors", "pull_back", "transformed", "vjp"]


def apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function: in a frame, so that all that belongs to a call happens in it."""
    return function(*args, **kwargs)


def run_transformed(
    transform: Any, options: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return `transform(function, **options)(*args, **kwargs)`; there is a rule for this function."""
    return transform(function, **options)(*args, **kwargs)


def transformed(transform: Any, options: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a transform makes of a function."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return run_transformed(transform, options, function, args, kwargs)

    return wrapper


def value_of(function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> Any:
    """Return what `torch.func.vjp` gives beside the function; there is a rule for this function."""
    raise NotImplementedError


def pull_back(function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool, cotangents: Any) -> Any:
    """Return the product of cotangents with the Jacobian; there is a rule for this function."""
    raise NotImplementedError


def vjp(function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> Any:
    """Return what `torch.func.vjp` does."""

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        return pull_back(function, primals, has_aux, cotangents)

    output = value_of(function, primals, has_aux)
    return (output[0], pull, output[1]) if has_aux else (output, pull)


def grouped_tensors(lists: list[list[Any]], with_indices: bool = False) -> dict[Any, Any]:
    """Return the items of lists grouped by device and dtype of the first list's, and their places if they are wanted.

    It is `torch._C._group_tensors_by_device_and_dtype`, whose groups have no order that torch promises.
    """
    groups: dict[Any, Any] = {}
    for place, tensor in enumerate(lists[0]):
        kind = tensor.device, tensor.dtype
        if kind not in groups:
            groups[kind] = [[] for _ in lists], []
        gathered, places = groups[kind]
        for items, group in zip(lists, gathered, strict=True):
            if items:
                group.append(items[place])
        if with_indices:
            places.append(place)
    return groups
