"""Calls that the cache answered, so described that they can be run again on other tensors of the same metadata.

A hit runs nothing, and so makes no node of autograd. Most are never looked at; for one that is, the call is run once
more, in the state of the process that it was cached in, on stand-ins for what it was computed from: what it was
computed from may be gone or changed by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from framelift_fake_tensors.global_state import Snapshot
from framelift_fake_tensors.tensor import FakeTensor, History, Memory, Mode, Node, fakes_in, make_fake

__all__ = ["FromCall", "Repetition"]


class _Place:
    """Where a fake was among the arguments."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Repetition:
    """A call without its tensors.

    Args:
        fakes: the fakes among the arguments, in order; one that is given twice is there twice.
        function: the torch function.
        args: positional arguments.
        kwargs: keyword arguments.
    """

    def __init__(
        self, fakes: Sequence[FakeTensor], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        places = {id(fake): _Place(position) for position, fake in reversed(list(enumerate(fakes)))}
        self.function = function
        self._args = tuple([_without(value, places) for value in args])
        self._kwargs = {name: _without(value, places) for name, value in kwargs.items()}
        self._inputs = [
            (tuple(fake.size()), fake.stride(), fake.storage_offset(), fake.dtype, fake.device) for fake in fakes
        ]
        self._requires_grad = [fake.requires_grad for fake in fakes]
        self._state = Snapshot()

    def run(
        self,
        mode: Mode,
        nodes: Sequence[Node],
        run: Callable[..., Any],
        written: Mapping[int, FakeTensor],
    ) -> Any:
        """Return what the call gives on stand-ins.

        Args:
            mode: the mode of the fakes.
            nodes: the nodes of the inputs that require grad, in order.
            run: runs a torch function on fakes, without the cache.
            written: what is given in place of a stand-in, by position.
        """
        following = iter(nodes)
        inputs = []
        for position, metadata in enumerate(self._inputs):
            node = next(following) if self._requires_grad[position] else None
            if position in written:
                inputs.append(written[position])
            elif (
                isinstance(node, FakeTensor)
                and node.stands_for is None
                and node.requires_grad
                and _metadata(node) == metadata
            ):
                inputs.append(node)  # a leaf that is as it was
            else:
                inputs.append(make_fake(mode, Memory(), *metadata, requires_grad=node is not None))
                inputs[-1].stands_for = node
        args = tuple([_with(value, inputs) for value in self._args])
        kwargs = {name: _with(value, inputs) for name, value in self._kwargs.items()}
        with torch.enable_grad(), self._state.restored():
            return run(self.function, args, kwargs)


def _metadata(fake: FakeTensor) -> tuple[Any, ...]:
    return tuple(fake.size()), fake.stride(), fake.storage_offset(), fake.dtype, fake.device


def _without(value: Any, places: Mapping[int, _Place]) -> Any:
    if isinstance(value, FakeTensor):
        return places[id(value)]
    if type(value) in (tuple, list):
        return type(value)([_without(item, places) for item in value])
    if type(value) is slice:
        return slice(_without(value.start, places), _without(value.stop, places), _without(value.step, places))
    return value


def _with(value: Any, inputs: Sequence[FakeTensor]) -> Any:
    if type(value) is _Place:
        return inputs[value.position]
    if type(value) in (tuple, list):
        return type(value)([_with(item, inputs) for item in value])
    if type(value) is slice:
        return slice(_with(value.start, inputs), _with(value.stop, inputs), _with(value.step, inputs))
    return value


class FromCall(History):
    """The history of a result that the cache gave.

    Args:
        inputs: the nodes of what it was computed from.
        call: the call that gave it.
        place: which of the fakes in the call's result it is; for one that was written to, of the arguments.
        is_base: whether it is what that result is a view of.
        is_written: whether it is an argument, that the call wrote to.
    """

    __slots__ = ("call", "is_base", "is_written", "place")

    def __init__(
        self,
        inputs: tuple[Node, ...],
        call: Repetition,
        place: int,
        is_base: bool = False,
        is_written: bool = False,
    ) -> None:
        super().__init__(inputs)
        self.call = call
        self.place = place
        self.is_base = is_base
        self.is_written = is_written

    def again(self, mode: Mode, fake: FakeTensor, run: Callable[..., Any]) -> FakeTensor | None:
        """Return a result of the call that can take the place of `fake`; nothing, if it gives another one now."""
        found: list[FakeTensor] = list(fakes_in((self.call.run(mode, self.inputs, run, {}),)))
        known = found[self.place]
        result: FakeTensor = known._base if self.is_base else known
        return known if _metadata(result) == _metadata(fake) and result.requires_grad else None
