"""What a predicate is: one frozen datum with four readings."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

from framelift_guards.codegen import Builder
from framelift_guards.declared import require_declared
from framelift_guards.source import Scope, Source


@dataclass(frozen=True)
class Discriminant:
    """A question to a value whose answer tells apart predicates that exclude each other.

    Args:
        question: predicates with equal ones ask the same.
        answer: what the predicate needs for an answer; no other answer fits it.
        ask: from an expression that may be mentioned twice, the expression that asks. It must not run code of the
            value's, and give ``None``, or something that hashes without such code, whatever the value is.
    """

    question: Hashable
    answer: Hashable
    ask: Callable[[ast.expr, Builder], ast.expr] = field(compare=False, repr=False)


@dataclass(frozen=True, eq=False, repr=False)
class Predicate:
    """Something that must hold of a value. Its check, its generated code and its explanation must agree.

    A predicate never calls the value's own ``__eq__``, ``__hash__``, ``__getattr__`` or ``__class__`` unless that is
    what it is about: exact types and identities are compared first.
    """

    kind: ClassVar[str]
    """The name of the guard's kind, as Dynamo prints it."""

    uses: ClassVar[int] = 1
    """How often the generated code mentions the value; above 1 it is first bound to a local.

    Whatever the number, the value is fetched whenever the code runs: other checks may rely on that.
    """

    runs_user_code: ClassVar[bool] = False
    """Whether the check runs a function of the user's: it comes last, and what it raises is an error, not a miss."""

    family: ClassVar[Family | None] = None
    """Predicates of one family are compiled together, into one check over many sources."""

    def __post_init__(self) -> None:
        require_declared(self)

    def _parts(self) -> tuple[Hashable, ...]:
        """Return what identifies this predicate among those of its class."""
        return ()

    def __hash__(self) -> int:
        return hash((type(self), *self._parts()))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._parts() == self._parts()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.describe('it')}>"

    def ingredients(self) -> Sequence[object] | None:
        """Return what this is made of, for :meth:`made_from`; ``None`` where that is a function of the user's.

        Ingredients are plain data, classes, code, other objects by reference, sources, and lists, tuples and
        dictionaries by name of these.
        """
        return [getattr(self, one.name) for one in fields(self) if one.init]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Predicate:
        """Return what these ingredients make, with references replaced by the objects."""
        return cls(*ingredients)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The other sources that this predicate reads."""
        return ()

    @property
    def discriminant(self) -> Discriminant | None:
        """What may be asked to find this one among predicates that exclude each other, if there is something."""
        return None

    def check(self, value: object, scope: Scope) -> bool:
        """Tell whether the predicate holds of ``value`` now.

        Args:
            value: the value of the guard's source; ``None`` for a guard without source.
            scope: from which other sources are fetched.
        """
        raise NotImplementedError

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        """Return an expression that is true exactly when :meth:`check` is."""
        raise NotImplementedError

    def describe(self, name: str) -> str:
        """Return the rule as a sentence about the value called ``name``."""
        raise NotImplementedError

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        """Return what was expected and what was found, or ``None`` when the predicate holds."""
        raise NotImplementedError

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        """Return what the user can do so that the guard does not fail for what ``value`` shows, if there is something.

        Args:
            name: what the program calls the value; empty for a guard without source.
            value: the value that the predicate does not hold of.
            scope: from which other sources are fetched.
        """
        return kept(name) if name else None


def kept(name: str) -> str:
    """Return the remedy for what has no better one.

    >>> kept("self.training")
    'keep self.training as it was between calls'
    """
    return f"keep {name} as it was between calls"


@dataclass(frozen=True)
class Member:
    """One predicate of a family, with the expression for its value (``None`` without a source)."""

    predicate: Predicate
    value: ast.expr | None


class Family(Protocol):
    """Compiles predicates over many sources into one check."""

    def to_ast(self, members: Sequence[Member], builder: Builder) -> Sequence[ast.expr]:
        """Return expressions that are all true exactly when every member holds.

        The first runs before, and any other after, the first of every other family: where a check has to call a method
        of a value, the state that the method runs in has been checked by then.
        """


def both(*conditions: ast.expr) -> ast.expr:
    """Return the conjunction of ``conditions``."""
    return conditions[0] if len(conditions) == 1 else ast.BoolOp(ast.And(), list(conditions))


def either(*conditions: ast.expr) -> ast.expr:
    """Return the disjunction of ``conditions``."""
    return conditions[0] if len(conditions) == 1 else ast.BoolOp(ast.Or(), list(conditions))


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """Return the comparison ``left operator right``."""
    return ast.Compare(left, [operator], [right])


def is_exactly(value: ast.expr, kind: type, builder: Builder) -> ast.expr:
    """Return the expression ``type(value) is kind``."""
    return compare(builder.call(type, value), ast.Is(), builder.constant(kind, kind.__name__))


def again(value: ast.expr) -> ast.expr:
    """Return a second copy of an expression: two places of a tree must not share a node."""
    if isinstance(value, ast.Name):
        return ast.Name(value.id, ast.Load())
    if isinstance(value, ast.Constant):
        return ast.Constant(value.value)
    raise TypeError(f"only a name may be mentioned twice, not {ast.unparse(value)!r}: declare `uses` on the predicate")
