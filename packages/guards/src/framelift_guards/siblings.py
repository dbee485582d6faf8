"""Many items of one container, checked at once: for each guard a statement of its own would be slow to compile."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from framelift_guards.codegen import Builder
from framelift_guards.guard import Guard
from framelift_guards.plain import ATOMS
from framelift_guards.predicates import Equals
from framelift_guards.roots import GlobalSource, NamespaceSource
from framelift_guards.source import DictItemSource, ItemSource, ListItemSource, Source, TupleItemSource

_MANY = 32
"""How many guards of items of one container are many."""

_ITEMS: dict[type[Source], tuple[type, ...]] = {
    DictItemSource: (dict,),
    ListItemSource: (list,),
    TupleItemSource: (tuple,),
    ItemSource: (dict, list, tuple),
}
"""Of which exact types the items of a source are found without anybody's code."""


@dataclass(frozen=True)
class Siblings:
    """Guards that items of one container equal numbers, strings and the like.

    Args:
        container: where it comes from.
        kind: its exact type.
        guards: two and more of them, each of another item.

    >>> from framelift_guards import LocalSource
    >>> xs = LocalSource("xs")
    >>> holds = Siblings(xs, list, [Guard(ListItemSource(xs, index), Equals(index)) for index in range(40)]).check()
    >>> holds(list(range(40))), holds([0, True, *range(2, 40)])
    (True, False)
    """

    container: Source
    kind: type
    guards: Sequence[Guard]

    def check(self) -> Callable[[object], bool]:
        """Return the check of the container's value; where an item is not there, it raises."""
        kind = self.kind
        items: Any = operator.itemgetter(*[_key(guard.source) for guard in self.guards])
        expected = tuple([guard.predicate.expected for guard in self.guards])  # type: ignore[attr-defined]
        types = tuple(map(type, expected))

        def siblings(container: object) -> bool:
            if type(container) is not kind:
                return False
            found = items(container)
            # Of the same exact types, these compare without the user's code.
            return all(map(operator.is_, map(type, found), types)) and found == expected

        return siblings

    def condition(self, builder: Builder) -> ast.expr:
        """Return the expression of the check."""
        return ast.Call(builder.constant(self.check(), "siblings_match"), [builder.fetch(self.container)], [])


def gathered(guards: Iterable[Guard], known_type: Callable[[Source], type | None]) -> Iterator[Guard | Siblings]:
    """Yield the guards in order, but those of many items of one container together, in the place of the first.

    Args:
        guards: the guards.
        known_type: gives the exact type that is known of a source by the time that the first of its items is checked.

    >>> from framelift_guards import LocalSource
    >>> xs = LocalSource("xs")
    >>> guards = [Guard(ListItemSource(xs, index), Equals(index)) for index in range(40)]
    >>> [type(one).__name__ for one in gathered(guards, {xs: list}.get)]
    ['Siblings']
    """
    guards = list(guards)
    groups: dict[Source, list[Guard]] = {}
    for guard in guards:
        container = _container(guard)
        if container is not None:
            groups.setdefault(container, []).append(guard)
    many = {container: group for container, group in groups.items() if len(group) >= _MANY}
    kinds: dict[Source, type | None] = {}
    for guard in guards:
        container = _container(guard) if many else None
        if container is None or container not in many:
            yield guard
        elif container not in kinds:
            kind = kinds[container] = dict if isinstance(container, NamespaceSource) else known_type(container)
            fits = [
                one
                for one in many[container]
                if one.source is not None and kind in _ITEMS.get(type(one.source), (dict,))
            ]
            if kind is None or len(fits) < len(many[container]):
                kinds[container] = None
                yield guard
            else:
                yield Siblings(container, kind, fits)
        elif kinds[container] is None:
            yield guard


def _container(guard: Guard) -> Source | None:
    """Return what holds the guarded item, if the guard is of a kind that is gathered."""
    predicate, source = guard.predicate, guard.source
    if type(predicate) is not Equals or type(predicate.expected) not in ATOMS:
        return None
    if type(source) is GlobalSource:
        return NamespaceSource(source.namespace)
    return source.parent if source is not None and type(source) in _ITEMS else None


def _key(source: Source | None) -> Any:
    return source.variable if isinstance(source, GlobalSource) else source.key  # type: ignore[union-attr]
