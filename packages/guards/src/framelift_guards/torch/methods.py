"""A predicate on what a class of tensors itself binds: programs do patch ``torch.Tensor.sin``.

Most methods of tensors are those of ``torch._C.TensorBase``, which is written in C and cannot be changed; a patch puts
an attribute of that name in front. So one question to the class's own dictionary answers for all of them.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from framelift_guards import accelerator
from framelift_guards.codegen import Builder
from framelift_guards.plain import show
from framelift_guards.predicates.base import both, compare
from framelift_guards.reference import Reference
from framelift_guards.source import Scope

from .state import FAMILY, StatePredicate

_SHOWN = 3


@dataclass(frozen=True, eq=False, repr=False)
class TensorMethods(StatePredicate):
    """A class's own dictionary binds these names as it did; use :meth:`of`.

    Args:
        cls: the class, which is held strongly: one of torch's.
        absent: names that are not in it, sorted.
        present: what the other names are bound to.

    >>> print(TensorMethods.of(torch.Tensor, ["sin", "cos"]).describe(""))
    torch.Tensor has no cos, sin of its own
    """

    cls: type[torch.Tensor]
    absent: tuple[str, ...]
    present: dict[str, Reference]
    kind = "TENSOR_METHODS"
    family = FAMILY

    @classmethod
    def of(cls, owner: type[torch.Tensor], names: Iterable[str]) -> TensorMethods:
        """Return the predicate on what ``owner`` binds now.

        Args:
            owner: the class.
            names: the attributes that the program asks its instances for.
        """
        known = sorted(set(names))
        own = owner.__dict__
        present = {name: _reference(own[name]) for name in known if name in own}
        return cls(owner, tuple([name for name in known if name not in own]), present)

    def _parts(self) -> tuple[Hashable, ...]:
        return self.cls, self.absent, tuple(self.present.items())

    @classmethod
    def made_from(cls, *ingredients: Any) -> TensorMethods:
        owner, absent, present = ingredients
        return cls(owner, absent, {name: _reference(value) for name, value in present.items()})

    def _difference(self) -> tuple[str, str, str] | None:
        """Return the first name that is bound to something else: the name, what it was bound to, and to what it is."""
        own = self.cls.__dict__
        for name in self.absent:
            if name in own:
                return name, "torch's", show(own[name])
        for name, reference in self.present.items():
            if name not in own or not reference.refers_to(own[name]):
                was = show(reference.get()) if reference.alive else "an object that no longer exists"
                return name, was, show(own[name]) if name in own else "torch's"
        return None

    def holds(self) -> bool:
        """Tell whether the class binds what it did."""
        return self._difference() is None

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds()

    def questions(self, builder: Builder) -> Sequence[accelerator.Question]:
        return [(self.holds, (), True, self.cls)]

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        own = self.cls.__dict__
        conditions: list[ast.expr] = []
        if self.absent:
            # A view of the keys asks once for each name; a set would ask for each key of the class.
            conditions.append(builder.call(own.keys().isdisjoint, builder.constant(self.absent, "methods")))
        for name, reference in self.present.items():
            if reference.weak:  # a dead one gives None, which the class may have been given
                conditions.append(compare(reference.to_ast(builder, name), ast.IsNot(), ast.Constant(None)))
            found = ast.Subscript(builder.constant(own, self.cls.__name__), ast.Constant(name), ast.Load())
            conditions.append(compare(found, ast.Is(), reference.to_ast(builder, name)))
        return both(*conditions) if conditions else ast.Constant(True)

    def describe(self, name: str) -> str:
        said = [f"has no {_some(self.absent)} of its own"] if self.absent else []
        said += [f"has the {_some(tuple(self.present))} that it had"] if self.present else []
        return f"{self._title} {' and '.join(said)}" if said else f"{self._title} is as it was"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        difference = self._difference()
        if difference is None:
            return None
        attribute, expected, found = difference
        return f"{self._title}.{attribute} was {expected}, is {found}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return "patch classes of torch before the first call"

    @property
    def _title(self) -> str:
        return f"torch.{self.cls.__name__}" if self.cls.__module__ == "torch" else self.cls.__name__


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _reference(value: object) -> Reference:
    # What torch itself defines lives as long as torch does; a patch of the user's is his to drop.
    return Reference(value, strong=str(getattr(value, "__module__", "torch")).partition(".")[0] == "torch")
