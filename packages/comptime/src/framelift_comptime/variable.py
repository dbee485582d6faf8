"""`ComptimeVar`: what a comptime function sees of one value of the captured frame."""

from __future__ import annotations

from typing import Any

import torch.fx

from framelift_graph_capture import Session, SymbolicNumberVariable, TensorVariable
from framelift_variable_tracking import NOT_CONSTANT, Variable

from .errors import ComptimeError
from .printing import variable_text

__all__ = ["ComptimeVar"]


class ComptimeVar:
    """A value of the captured frame, at compile time.

    Args:
        session: the capture.
        variable: the value.
    """

    def __init__(self, session: Session, variable: Variable) -> None:
        self._session = session
        self._variable = variable

    def as_proxy(self) -> Any:
        """Return an fx proxy: what is computed with it becomes part of the graph.

        Raises:
            ComptimeError: the value is not in the graph.
        """
        if not self.is_proxy():
            raise self._wrong("as_proxy()", "is for values in the graph: tensors and symbolic numbers")
        node, _ = self._session.lower(self._variable)
        return torch.fx.Proxy(node, torch.fx.proxy.GraphAppendingTracer(self._session.recorder.graph))

    def is_proxy(self) -> bool:
        """Say whether the value is in the graph."""
        return isinstance(self._variable, (TensorVariable, SymbolicNumberVariable))

    def as_fake(self) -> Any:
        """Return the fake tensor, or the symbolic number.

        Raises:
            ComptimeError: the value has none.
        """
        if not self.is_proxy():
            raise self._wrong("as_fake()", "is for tensors and symbolic numbers")
        return self._session.lower(self._variable)[1]

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes of a tensor, or one of them."""
        fake = self.as_fake()
        return fake.size() if dim is None else fake.size(dim)

    def python_type(self) -> type:
        """Return the Python type that the program sees."""
        return self._variable.python_type()

    def is_python_constant(self) -> bool:
        """Say whether the value is known."""
        return self._session.domain.as_constant(self._variable) is not NOT_CONSTANT

    def as_python_constant(self) -> Any:
        """Return the known value.

        Raises:
            ComptimeError: the value is not known at compile time.
        """
        value = self._session.domain.as_constant(self._variable)
        if value is NOT_CONSTANT:
            raise self._wrong("as_python_constant()", "is for values known at compile time")
        return value

    def is_dynamic(self) -> bool:
        """Say whether the value is a number that depends on sizes."""
        return isinstance(self._variable, SymbolicNumberVariable)

    def force_static(self) -> None:
        """Specialise a symbolic number, or every size of a tensor, with a guard."""
        fake = self.as_fake() if self.is_proxy() else None
        for number in fake.size() if isinstance(fake, torch.Tensor) else (fake,):
            if isinstance(number, torch.SymInt):
                int(number)

    def _wrong(self, call: str, rule: str) -> ComptimeError:
        return ComptimeError(
            f"ComptimeVar.{call}", rule, repr(self), "check is_proxy() or is_python_constant()", self._session.where()
        )

    def __repr__(self) -> str:
        return variable_text(self._session, self._variable)
