"""The insides of functions that torch calls for the program: `vmap(f)`, `grad(f)`, `checkpoint(f, x)`, `cond(p, f, g)`.

Such a function is interpreted once, on the variables that it would get, and what that records is moved into a graph of
its own: a function of what stood for its arguments, and of everything else that it read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.fx

from framelift_bytecode_interp import Break, Enter, Interpreter, Return
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Arguments,
    DictVariable,
    Keywords,
    ListVariable,
    ObjectVariable,
    SymbolicDomain,
    Tracking,
    TupleVariable,
    UnsupportedCall,
    Variable,
)

from .applied import apply
from .session import Session
from .torch_state import read_state, restored_state
from .variables import TensorVariable

__all__ = ["Body", "assemble", "parameter", "skeleton", "tensors_in", "trace"]


class Body:
    """A function's inside, as nodes that are still in the outer graph.

    Args:
        session: the capture.
        mark: where in the graph the inside begins.
        parameters: the tensors that stand for its arguments.
        result: the variable of what the function returned.
    """

    def __init__(self, session: Session, mark: Any, parameters: Sequence[TensorVariable], result: Variable) -> None:
        self._session = session
        self._mark = mark
        self._parameters = [variable.node for variable in parameters]
        self.result = result

    def nodes(self) -> list[torch.fx.Node]:
        """Return the nodes, those that stand for arguments among them."""
        return self._session.recorder.recorded_since(self._mark)

    def pull_out(self, outputs: Any) -> tuple[torch.fx.GraphModule, list[torch.fx.Node]]:
        """Take the inside out of the outer graph.

        Args:
            outputs: what the graph is to return: nodes and constants, in containers or not.

        Returns:
            the graph, and the nodes of the outer one that it takes after its parameters.
        """
        recorder = self._session.recorder
        inside = dict.fromkeys(recorder.recorded_since(self._mark))
        read: dict[torch.fx.Node, None] = {}
        for node in inside:
            read.update(dict.fromkeys(node.all_input_nodes))
        torch.fx.node.map_arg(outputs, read.setdefault)
        free = [node for node in read if node not in inside]
        graph = torch.fx.Graph()
        copies = {node: graph.placeholder(node.name) for node in (*self._parameters, *free) if node is not None}
        for node in inside:
            if node not in copies:
                copies[node] = graph.node_copy(node, copies.__getitem__)
                copies[node].meta.pop("example_value", None)
        graph.output(torch.fx.node.map_arg(outputs, copies.__getitem__))
        recorder.take_back(self._mark)
        return torch.fx.GraphModule({}, graph, class_name="Body"), free


def trace(
    domain: Tracking,
    session: Session,
    function: Variable,
    args: Arguments,
    kwargs: Keywords,
    *,
    parameters: Callable[[], Sequence[TensorVariable]] = tuple,
    rearranged: Callable[[Sequence[TensorVariable]], tuple[Arguments, Keywords]] | None = None,
    grad: bool | None = None,
    writes: bool = False,
) -> Body | Break:
    """Interpret a call of `function`, and leave what it records at the end of the graph, to be pulled out.

    What it did to Python objects stays done, as it is when torch calls it once. So a call that can't be finished leaves
    nothing that a graph could go on from: the whole captured call runs eagerly.

    Args:
        domain: where it is interpreted.
        session: the capture.
        function: what is called.
        args: its arguments.
        kwargs: its arguments by name.
        parameters: makes the tensors that stand for arguments.
        rearranged: gives the arguments in which these stand, instead of `args` and `kwargs`.
        grad: whether gradients are recorded inside; None: as outside.
        writes: whether it may write to tensors from outside.
    """
    outer = domain.interpreter
    assert outer is not None
    assert isinstance(domain, SymbolicDomain)
    mark = session.recorder.mark()
    made = parameters()
    if rearranged is not None:
        args, kwargs = rearranged(made)
    entered = domain.polyfill(apply, function, *domain.pack(args, kwargs))
    assert isinstance(entered, Enter)
    versions = session.versions()
    inner: Interpreter[Variable] = Interpreter(outer.domain, count=outer.count)
    entered.frame.back = domain.frame
    domain.interpreter = inner
    try:
        with restored_state():
            if grad is not None:
                torch._C._set_grad_enabled(grad)
            before = read_state()
            outcome = inner.run([entered.frame])
            kept = read_state() == before
    finally:
        domain.interpreter = outer
    unwritten = writes or all(fake._version == version for fake, version in versions)
    if isinstance(outcome, Return) and kept and unwritten:
        return Body(session, mark, made, outcome.value)
    session.recorder.take_back(mark)
    session.gave_up = True
    if isinstance(outcome, Break):
        return outcome
    why = "it raises" if kept and unwritten else "it writes to a tensor, or to torch's state"
    return Break(UnsupportedCall("a function that torch calls", why))


def parameter(session: Session, fake: torch.Tensor, cls: type = torch.Tensor) -> TensorVariable:
    """Return a tensor that stands for an argument, of which only the fake is known."""
    node = session.recorder.graph.call_function(_argument, ())
    node.meta["example_value"] = fake
    return session.adopt(TensorVariable(cls, node=node, fake=fake))


def _argument() -> None:
    """Stand for an argument until the graph that has it as a parameter is made."""
    raise AssertionError("the graph of a function's inside has parameters")


# ---- arguments as trees ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf:
    """A variable in a tree of Python containers."""

    variable: Variable


def skeleton(domain: Tracking, variable: Variable) -> Any:
    """Return the lists, tuples and dicts of a variable as real ones, with a `Leaf` for all else."""
    if isinstance(variable, ListVariable) and variable.cls is list:
        return [skeleton(domain, item) for item in domain.sequence(variable) or ()]
    if isinstance(variable, TupleVariable) and variable.cls is tuple:
        return tuple([skeleton(domain, item) for item in domain.sequence(variable) or ()])
    if isinstance(variable, DictVariable) and variable.cls is dict:
        names = [domain.as_constant(key.variable) for key in variable.items]
        if NOT_CONSTANT not in names:
            return {name: skeleton(domain, item) for name, item in zip(names, variable.items.values(), strict=True)}
    return Leaf(variable)


def assemble(domain: Tracking, tree: Any) -> Variable:
    """Return the variable of a tree."""
    if isinstance(tree, Leaf):
        return tree.variable
    if isinstance(tree, dict):
        made: Any = domain.build_map(
            [domain.constant(name) for name in tree], [assemble(domain, item) for item in tree.values()]
        )
        return made.value  # type: ignore[no-any-return]
    items = [assemble(domain, item) for item in tree]
    made = domain.build_list(items) if isinstance(tree, list) else domain.build_tuple(items)
    return made.value  # type: ignore[no-any-return]


def tensors_in(domain: Tracking, variable: Variable) -> list[TensorVariable]:
    """Return the tensors that a program finds in a value: in containers, and in attributes of new objects."""
    found: dict[TensorVariable, None] = {}
    seen: set[Variable] = set()
    waiting = [variable]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, TensorVariable):
            found[one] = None
        elif isinstance(one, DictVariable):
            waiting.extend(one.items.values())
        elif isinstance(one, (ListVariable, TupleVariable)):
            waiting.extend(domain.sequence(one) or ())
        elif isinstance(one, ObjectVariable):
            waiting.extend(item for item in one.fields.values() if isinstance(item, Variable))
            if one.payload is not None:
                waiting.append(one.payload)
    return list(found)
