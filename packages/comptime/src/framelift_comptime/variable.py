"""`ComptimeVar`: what a comptime function sees of one value of the captured frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch.fx

from framelift_graph_capture import Session, SymbolicNumberVariable, TensorVariable
from framelift_variable_tracking import NOT_CONSTANT, ListVariable, TupleVariable, Variable

from .errors import CaptureEndedError, ComptimeArgumentError, ComptimeError, a_or_an
from .printing import variable_text
from .watch import Watch

__all__ = ["ComptimeVar", "is_symbolic", "variable_in"]


class ComptimeVar:
    """A value of the captured frame, at compile time.

    Of a tensor its metadata is known, and not its data; a number may depend on sizes that differ from call to call.
    It can be used until the capture ends, and only looked at: it has nothing to assign to.

    Args:
        session: the capture.
        variable: the value.

    >>> from framelift_comptime import RULES, TYPES, comptime
    >>> from framelift_graph_capture import FunctionCall, capture, default_registry
    >>> def look(ctx):
    ...     x, n = ctx.get_local("x"), ctx.get_local("n")
    ...     print(x, x.size(0), x.python_type().__name__, n.as_python_constant(), n.is_dynamic())
    >>> def f(x):
    ...     n = 3
    ...     comptime(look)
    ...     return x * n
    >>> registry = default_registry().extend(types=TYPES, functions=RULES)
    >>> _ = capture(FunctionCall(f), {"x": torch.ones(2)}, registry=registry, dynamic=None)
    FakeTensor(..., size=(2,)) 2 Tensor 3 False
    """

    __slots__ = ("_session", "_variable")

    def __init__(self, session: Session, variable: Variable) -> None:
        self._session = session
        self._variable = variable

    def as_proxy(self) -> Any:
        """Return an fx proxy: what is computed with it becomes part of the graph.

        For a list or tuple with tensors or symbolic numbers in it, return a list or tuple with proxies for those.

        Raises:
            ComptimeError: the value is not in the graph.
        """
        self._check_open("as_proxy()")
        if not self.is_proxy():
            raise self._wrong("as_proxy()", "is for values in the graph: tensors and symbolic numbers", "is_proxy()")
        graph = self._session.recorder.graph
        self._session.companion(Watch).lend_graph(graph)
        tracer = torch.fx.proxy.GraphAppendingTracer(graph)
        lowered, _ = self._session.lower(self._variable)
        return _map_nodes(lowered, lambda node: torch.fx.Proxy(node, tracer))

    def is_proxy(self) -> bool:
        """Say whether `as_proxy()` would succeed: the value is in the graph, or is a list or tuple of such values."""
        self._check_open("is_proxy()")
        return self._in_graph(self._variable) and all(
            self._in_graph(item) or self._known(item) for item in self._items(self._variable)
        )

    def as_fake(self) -> Any:
        """Return the fake tensor, or the symbolic number: it has the metadata, and no data. It must not be changed.

        Raises:
            ComptimeError: the value has none.
        """
        self._check_open("as_fake()")
        if not self._session.is_symbolic(self._variable):
            raise self._wrong("as_fake()", "is for tensors and symbolic numbers", "is_proxy()")
        fake = self._session.lower(self._variable)[1]
        if isinstance(fake, torch.Tensor):
            self._session.companion(Watch).lend(fake)
        return fake

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes of a tensor, or that of one dimension; a size may be a symbolic number.

        Raises:
            ComptimeError: the value is not a tensor.
        """
        self._check_open("size()")
        if not isinstance(self._variable, TensorVariable):
            raise self._wrong("size()", "is for tensors", "python_type()")
        fake = self._session.lower(self._variable)[1]
        return fake.size() if dim is None else fake.size(dim)

    def python_type(self) -> type:
        """Return the Python type that the program sees."""
        return self._variable.python_type()

    def is_python_constant(self) -> bool:
        """Say whether `as_python_constant()` would succeed: the value is known."""
        self._check_open("is_python_constant()")
        return self._known(self._variable)

    def as_python_constant(self) -> Any:
        """Return the known value; a container comes as a copy.

        Raises:
            ComptimeError: the value is not known at compile time.
        """
        self._check_open("as_python_constant()")
        value = self._session.domain.as_constant(self._variable)
        if value is NOT_CONSTANT:
            raise self._wrong("as_python_constant()", "is for values known at compile time", "is_python_constant()")
        return value

    def is_dynamic(self) -> bool:
        """Say whether the value is a number that depends on sizes; a tensor is not, though its sizes may be."""
        variable = self._variable
        return isinstance(variable, SymbolicNumberVariable) and is_symbolic(variable.value)

    def force_static(self) -> None:
        """Specialise a symbolic number, or every size of a tensor, with a guard. What is constant stays as it is.

        Raises:
            ComptimeError: it is something else, or a number that only the run will tell.
        """
        self._check_open("force_static()")
        if self._session.is_symbolic(self._variable):
            for number in self._numbers():
                if number.node.hint is None:
                    raise self._wrong("force_static()", "needs a number that is known in this call", "is_dynamic()")
                _PLAIN[type(number)](number)
        elif not self._known(self._variable):
            raise self._wrong("force_static()", "is for numbers, tensors and constants", "python_type()")

    def has_dynamic_part(self) -> bool:
        """Say whether the value is a number that depends on sizes, or a tensor with such a size."""
        self._check_open("has_dynamic_part()")
        return bool(self._numbers())

    def _numbers(self) -> list[Any]:
        if isinstance(self._variable, SymbolicNumberVariable):
            numbers = [self._variable.value]
        elif isinstance(self._variable, TensorVariable):
            numbers = list(self._session.lower(self._variable)[1].size())
        else:
            numbers = []
        return [number for number in numbers if is_symbolic(number)]

    def _items(self, variable: Variable) -> Sequence[Variable]:
        return self._session.items(variable) if isinstance(variable, (ListVariable, TupleVariable)) else ()

    def _in_graph(self, variable: Variable) -> bool:
        return self._session.is_symbolic(variable) or any(self._in_graph(item) for item in self._items(variable))

    def _known(self, variable: Variable) -> bool:
        return self._session.domain.as_constant(variable) is not NOT_CONSTANT

    def _check_open(self, call: str) -> None:
        if self._session.closed:
            raise CaptureEndedError(
                f"ComptimeVar.{call}", "must be called while the frame is captured", "called after its capture ended",
                "take what is needed (sizes, constants, text) out of it inside of the comptime function",
            )  # fmt: skip

    def _wrong(self, call: str, rule: str, ask: str) -> ComptimeError:
        remedy = f"ask {ask} first"
        return ComptimeError(f"ComptimeVar.{call}", rule, f"{self!r}", remedy, self._session.where())

    def __repr__(self) -> str:
        return variable_text(self._session, self._variable)


def is_symbolic(value: Any) -> bool:
    """Say whether a value is a symbolic number that still depends on sizes: `force_static` settles it.

    >>> is_symbolic(3)
    False
    """
    return isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)) and not value.node.is_constant()


def variable_in(session: Session, value: object, call: str) -> Variable:
    """Return the variable of a `ComptimeVar`.

    Args:
        session: the capture that it must belong to.
        value: what should be one.
        call: what was called, for the message.

    Raises:
        ComptimeArgumentError: it is something else, or of another capture.
    """
    if not isinstance(value, ComptimeVar):
        raise ComptimeArgumentError(
            call, "takes a ComptimeVar", f"given {a_or_an(type(value).__name__)}", "get it by ctx.get_local(name)",
            session.where(),
        )  # fmt: skip
    if value._session is not session:
        raise ComptimeArgumentError(
            call, "takes a ComptimeVar of this capture", "given one of another capture", "get it by this ctx",
            session.where(),
        )  # fmt: skip
    return value._variable


_PLAIN: dict[type, Callable[[Any], object]] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}


def _map_nodes(tree: Any, function: Any) -> Any:
    return torch.fx.node.map_arg(tree, function) if not isinstance(tree, torch.fx.Node) else function(tree)
