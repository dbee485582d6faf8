"""What the reconstruction of values and the replay of effects ask of whoever writes the generated code."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Protocol

from framelift_guards import Source

from .variable import Variable


class Emitter(Protocol):
    """Writes entry code in three phases: all values are fetched and made, all effects are done, iterators are placed.

    The first two keep `x.a, x.b = x.b, x.a` right: what an effect stores was fetched before any effect was done. An
    iterator comes last, since CPython puts none beyond the end that its list has at that moment.
    `CodeEmitter` is the one in this package; a recorder of graphs extends it by values that a graph computes.
    """

    def fetch(self, source: Source) -> ast.expr:
        """Return an expression for the value of `source` at the start of the call; evaluated once."""
        ...

    def constant(self, value: object, hint: str = "constant") -> ast.expr:
        """Return an expression for a host object that the generated namespace holds."""
        ...

    def value(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`: always the same object for the same variable.

        Raises:
            ReconstructionError: it can't be made again.
        """
        ...

    def key(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`, whose hash is about to be asked: by then it is filled."""
        ...

    def filled(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`, a container whose content is about to be read."""
        ...

    def under_way(self, state: Variable) -> bool:
        """Tell whether a frame that runs has this variable among its locals."""
        ...

    def content(self, payload: Variable) -> ast.expr:
        """Return an expression for a plain container with the content of an instance of a Python subclass.

        What can't be in it at once, being part of a cycle, is added to the instance itself when all objects exist.
        """
        ...

    def statement(self, statement: ast.stmt) -> None:
        """Add a statement to the phase of values."""
        ...

    def effect(self, statement: ast.stmt) -> None:
        """Add a statement to the phase of effects."""
        ...

    def place(self, statement: ast.stmt) -> None:
        """Add a statement to the phase in which iterators are placed."""
        ...

    def temporary(self, expression: ast.expr, hint: str = "value") -> ast.Name:
        """Bind `expression` to a new name in the phase of values, and return the name."""
        ...

    def call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.Call:
        """Return a call of the host function `function`."""
        ...

    def refill(self, variable: Variable) -> None:
        """Make the content of an existing object that of `variable`, in the phase of effects."""
        ...
