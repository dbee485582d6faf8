"""`backward()` and `torch.autograd.grad` on fakes, from metadata alone.

What a gradient looks like follows from what it is the gradient of; all that is to be found is which leaves are reached.
So the graph is walked and no operator runs: torch's nodes where torch's autograd saw the call, histories where the
result came from the cache or is on a device that autograd can't handle.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from framelift_fake_tensors.errors import ForeignTensorError, UnsupportedTensorError
from framelift_fake_tensors.saved_tensors import free, is_freed, raise_as_eager, refuse_written
from framelift_fake_tensors.tensor import (
    FakeTensor,
    History,
    Memory,
    Mode,
    Node,
    ViewOf,
    make_fake,
    node_of,
)
from framelift_fake_tensors.user_functions import Applied

__all__ = ["GRADIENT_FUNCTIONS", "Gradients"]

_CPU = torch.device("cpu")


class Gradients:
    """Answers the functions of autograd that run a backward pass.

    Args:
        mode: the mode of the fakes.
        interception: hands the torch functions that a program calls to the mode.
    """

    def __init__(self, mode: Mode, interception: AbstractContextManager[Any]) -> None:
        self._mode = mode
        self._interception = interception
        self._watched: list[weakref.ref[FakeTensor]] = []

    def watch(self, fake: FakeTensor) -> None:
        """Call the hooks of a fake that is no leaf, as long as it lives, and keep its gradient if it asks for that."""
        self._watched.append(weakref.ref(fake))

    def backward(
        self,
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        grad_variables: Any = None,
        inputs: Any = None,
    ) -> None:
        """Do what `torch.autograd.backward` does: accumulate into `.grad` of the leaves."""
        outputs = _fakes(tensors, "torch.autograd.backward")
        given = grad_tensors if grad_tensors is not None else grad_variables
        self._refuse_what_eager_refuses(outputs, given)
        chosen = None if inputs is None else _fakes(inputs, "torch.autograd.backward")
        if chosen is not None and not chosen:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        reached = self._walk(outputs)
        self._free(reached, chosen, create_graph if retain_graph is None else retain_graph)
        targets = reached.leaves if chosen is None else [fake for fake in chosen if id(node_of(fake)) in reached.nodes]
        for fake in targets:
            self._accumulate(fake, outputs if create_graph else ())

    def tensor_backward(
        self,
        tensor: torch.Tensor,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Do what `Tensor.backward` does."""
        self.backward(tensor, gradient, retain_graph, create_graph, inputs=inputs)

    def grad(
        self,
        outputs: Any,
        inputs: Any,
        grad_outputs: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        only_inputs: bool = True,
        allow_unused: bool | None = None,
        is_grads_batched: bool = False,
        materialize_grads: bool = False,
    ) -> Any:
        """Do what `torch.autograd.grad` does: return the gradients of the inputs."""
        if is_grads_batched:
            raise UnsupportedTensorError("a batch of gradients (is_grads_batched)")
        names = list(inputs) if isinstance(inputs, dict) else None
        wanted = _fakes(inputs, "torch.autograd.grad")
        results = _fakes(outputs, "torch.autograd.grad")
        if not wanted:
            raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
        self._refuse_what_eager_refuses(results, grad_outputs)
        reached = self._walk(results)
        is_used = [fake.requires_grad and id(node_of(fake)) in reached.nodes for fake in wanted]
        if not all(is_used) and not allow_unused and not materialize_grads:
            self._complain_of_unused(wanted, is_used)
        self._free(reached, wanted, create_graph if retain_graph is None else retain_graph)
        found: list[FakeTensor | None] = []
        for fake, used in zip(wanted, is_used, strict=True):
            if used:
                found.append(self._gradient(fake, results if create_graph else ()))
            else:
                found.append(self._gradient(fake, ()) if materialize_grads else None)
        return tuple(found) if names is None else dict(zip(names, found, strict=True))

    def _walk(self, outputs: Iterable[FakeTensor]) -> _Reached:
        """Find the nodes that a backward pass reaches, and call the hooks of what is watched on the way."""
        reached = _Reached()
        waiting: list[Node] = [node_of(fake) for fake in outputs if fake.requires_grad]
        while waiting:
            node = waiting.pop()
            if id(node) in reached.nodes:
                continue
            reached.nodes[id(node)] = node
            if isinstance(node, FakeTensor) and node.stands_for is None:
                reached.leaves.append(node)
            following = self._following(node)
            reached.following[id(node)] = following
            waiting.extend(reversed(following))
        self._watched = [reference for reference in self._watched if reference() is not None]
        for reference in self._watched:
            fake = reference()
            if fake is not None and not fake.is_leaf and id(node_of(fake)) in reached.nodes:
                gradient = self._hooked(fake, ())
                if fake.retains_grad:
                    fake.grad = gradient
        return reached

    def _free(self, reached: _Reached, targets: Sequence[FakeTensor] | None, retains: bool) -> None:
        """Refuse to go by what another pass has freed, and free what this one goes by."""
        if targets is None:
            nodes = list(reached.nodes.values())
        else:
            nodes = reached.on_the_way_to([node_of(fake) for fake in targets if fake.requires_grad])
        if any(is_freed(node) for node in nodes):
            raise_as_eager()
        for node in nodes:
            refuse_written(node)
        for node in nodes if not retains else ():
            free(node)

    def _following(self, node: Node) -> list[Node]:
        if isinstance(node, FakeTensor):
            return [] if node.stands_for is None else [node.stands_for]
        if isinstance(node, ViewOf):
            return [node_of(node.base)] if node.base.requires_grad else []
        if isinstance(node, Applied):
            with self._interception:  # it is a program's, which a backward pass calls
                given = node.gradients(self._new)
            if len(given) != len(node.inputs):
                return list(node.inputs)
            return [each for each, gradient in zip(node.inputs, given, strict=True) if gradient is not None]
        if isinstance(node, History):
            return list(node.inputs)
        variable = getattr(node, "variable", None)  # of a leaf's node
        if isinstance(variable, FakeTensor):
            return [variable]
        following: list[Node] = [edge for edge, _ in node.next_functions if edge is not None]
        if hasattr(node, "_forward_cls") and hasattr(node, "_input_metadata"):
            # A user's function may have no gradient for an input, or run a backward pass of its own (checkpoints do).
            given = self._run_backward(node)
            if len(given) == len(following):
                following = [edge for edge, gradient in zip(following, given, strict=True) if gradient is not None]
        return following

    def _run_backward(self, node: Any) -> list[Any]:
        """Return what the backward of a user's function gives for the inputs that need it."""
        gradients = [self._new(each.shape, each.dtype, each.device) for each in node._input_metadata]
        with self._interception, torch.no_grad():
            given = node.apply(*gradients)
        given = given if isinstance(given, tuple) else (given,)
        needed = [*node.needs_input_grad, *[False] * len(given)]
        return [gradient for gradient, needs in zip(given, needed, strict=False) if needs]

    def _new(self, shape: Sequence[Any], dtype: torch.dtype, device: torch.device) -> FakeTensor:
        return make_fake(self._mode, Memory(), tuple(shape), _dense(shape), 0, dtype, device)

    def _refuse_what_eager_refuses(self, outputs: Sequence[FakeTensor], gradients: Any) -> None:
        """Let torch judge the arguments, on a graph of one node each: the errors are its own."""
        with torch.enable_grad():  # a function may run a backward pass in its own
            self._judge(outputs, gradients)

    def _judge(self, outputs: Sequence[FakeTensor], gradients: Any) -> None:
        given = (gradients,) if isinstance(gradients, torch.Tensor) or gradients is None else tuple(gradients)
        if gradients is None:
            given = (None,) * len(outputs)
        like = []
        for fake in outputs:
            leaf = make_fake(self._mode, Memory(), fake.size(), fake.stride(), 0, fake.dtype, _CPU, fake.requires_grad)
            like.append(leaf.clone() if fake.requires_grad else leaf)
        on_cpu = tuple(
            [
                make_fake(self._mode, Memory(), fake.size(), fake.stride(), 0, fake.dtype, _CPU)
                if isinstance(fake, FakeTensor)
                else fake
                for fake in given
            ]
        )
        torch.autograd.backward(like, on_cpu)

    def _complain_of_unused(self, wanted: Sequence[FakeTensor], is_used: Sequence[bool]) -> None:
        """Let torch complain, on a graph in which the same ones are used."""
        leaves = [
            make_fake(self._mode, Memory(), (), (), 0, torch.float32, _CPU, fake.requires_grad) for fake in wanted
        ]
        with torch.enable_grad():
            output = make_fake(self._mode, Memory(), (), (), 0, torch.float32, _CPU, True).clone()
            for leaf, used in zip(leaves, is_used, strict=True):
                if used:
                    output = output + leaf
            torch.autograd.grad(output, leaves)

    def _gradient(self, fake: FakeTensor, sources: Sequence[FakeTensor]) -> FakeTensor:
        # What is dense has gradients of its own layout, all else contiguous ones (torch's accumulate_grad.h).
        stride = fake.stride()
        if not fake.is_contiguous() and self._empty_like(fake, torch.preserve_format).stride() != stride:
            stride = self._empty_like(fake, torch.contiguous_format).stride()
        gradient = make_fake(
            self._mode, Memory(), fake.size(), stride, 0, fake.dtype, fake.device, requires_grad=bool(sources)
        )
        if sources:
            gradient.history = History((*[node_of(source) for source in sources], node_of(fake)))
        return gradient

    def _hooked(self, fake: FakeTensor, sources: Sequence[FakeTensor]) -> torch.Tensor:
        gradient: torch.Tensor = self._gradient(fake, sources)
        for hook in list((fake._backward_hooks or {}).values()):
            with self._interception:
                replaced = hook(gradient)
            if replaced is not None:
                gradient = replaced
        return gradient

    def _empty_like(self, fake: FakeTensor, memory_format: torch.memory_format) -> torch.Tensor:
        made: torch.Tensor = self._mode.propagate(torch.empty_like, (fake,), {"memory_format": memory_format})
        return made

    def _accumulate(self, fake: FakeTensor, sources: Sequence[FakeTensor]) -> None:
        gradient = self._hooked(fake, sources)
        if fake.grad is None or sources:
            fake.grad = gradient
        else:
            torch.autograd.graph.increment_version(fake.grad)
        for after in list((fake._post_accumulate_grad_hooks or {}).values()):
            with self._interception:
                after(fake)


GRADIENT_FUNCTIONS: dict[Any, str] = {
    torch.Tensor.backward: "tensor_backward",
    torch.autograd.backward: "backward",
    torch.autograd.grad: "grad",
}
"""Functions of torch, and the method of `Gradients` that answers each."""


class _Reached:
    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}  # by id, and kept alive by being here
        self.leaves: list[FakeTensor] = []
        self.following: dict[int, list[Node]] = {}

    def on_the_way_to(self, targets: Iterable[Node]) -> list[Node]:
        """Return the nodes that lead to a target, which are those that torch runs; not the target itself."""
        before: dict[int, list[int]] = {}
        for known, following in self.following.items():
            for node in following:
                before.setdefault(id(node), []).append(known)
        waiting: list[int] = [known for node in targets for known in before.get(id(node), ())]
        seen: set[int] = set()
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting += before.get(here, ())
        return [node for known, node in self.nodes.items() if known in seen]


def _dense(size: Sequence[Any]) -> list[Any]:
    stride, strides = 1, []
    for extent in reversed(size):
        strides.append(stride)
        stride = stride * extent
    return strides[::-1]


def _fakes(values: Any, function: str) -> list[FakeTensor]:
    if isinstance(values, torch.Tensor):
        values = [values]
    elif isinstance(values, dict):
        values = values.values()
    fakes: list[FakeTensor] = []
    for value in values:
        if not isinstance(value, FakeTensor):
            raise ForeignTensorError(function, f"a {type(value).__name__} that is no fake tensor")
        fakes.append(value)
    return fakes
