"""The registry: which handler knows a type, which rule knows a function. An immutable value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .handler import FunctionRule, TypeHandler


class Registry:
    """Handlers of types and rules of functions.

    Args:
        types: handlers by exact type; the one of `object` is the last resort.
        functions: rules by callable; callables are compared by identity.
        pure: callables that may be evaluated during the capture when all their arguments are known.
        unguarded: objects that are assumed never to change: no guard is made for them.
        trusted_modules: top-level names of packages whose functions, classes and modules need no guards.

    >>> class Anything(TypeHandler):
    ...     covers_subclasses = True
    >>> registry = Registry({object: Anything()})
    >>> registry.handler_for(int) is registry.types[object]
    True
    """

    __slots__ = ("_functions", "pure", "trusted_modules", "types", "unguarded")

    def __init__(
        self,
        types: Mapping[type, TypeHandler],
        functions: Mapping[Any, FunctionRule] | None = None,
        *,
        pure: Iterable[Callable[..., Any]] = (),
        unguarded: Iterable[object] = (),
        trusted_modules: Iterable[str] = (),
    ) -> None:
        cls: Any
        handler: Any
        for cls, handler in types.items():
            if not isinstance(cls, type) or not isinstance(handler, TypeHandler):
                raise TypeError(f"a registry maps types to TypeHandler instances, not {cls!r} to {handler!r}")
        if object not in types:
            raise ValueError("a registry must have a handler for `object`, the last resort; extend default_registry()")
        self.types: Mapping[type, TypeHandler] = dict(types)
        self._functions: dict[int, tuple[object, FunctionRule]] = {
            id(function): (function, rule) for function, rule in (functions or {}).items()
        }
        pure, unguarded = tuple(pure), tuple(unguarded)
        self.pure: Mapping[int, object] = {id(function): function for function in pure}
        self.unguarded: Mapping[int, object] = {id(value): value for value in unguarded}
        self.trusted_modules: frozenset[str] = frozenset(trusted_modules)

    def extend(
        self,
        types: Mapping[type, TypeHandler] | None = None,
        functions: Mapping[Any, FunctionRule] | None = None,
        *,
        pure: Iterable[Callable[..., Any]] = (),
        unguarded: Iterable[object] = (),
        trusted_modules: Iterable[str] = (),
    ) -> Registry:
        """Return a registry with these entries as well; they win over those of the same key."""
        mine = {**self.types, **(types or {})}
        made = Registry(
            mine,
            functions,
            pure=(*self.pure.values(), *pure),  # type: ignore[arg-type]
            unguarded=(*self.unguarded.values(), *unguarded),
            trusted_modules=(*self.trusted_modules, *trusted_modules),
        )
        made._functions = {**self._functions, **made._functions}
        return made

    def handler_for(self, cls: type) -> TypeHandler:
        """Return the handler of instances of `cls`: by exact type, then by MRO where handlers cover subclasses."""
        handler = self.types.get(cls)
        if handler is not None:
            return handler
        for base in type.__dict__["__mro__"].__get__(cls):
            handler = self.types.get(base)
            if handler is not None and handler.covers_subclasses:
                return handler
        return self.types[object]

    def rule_for(self, function: object) -> FunctionRule | None:
        """Return the rule of a callable, if it has one."""
        entry = self._functions.get(id(function))
        return None if entry is None else entry[1]

    def trusts(self, module_name: str) -> bool:
        """Tell whether a module belongs to a package whose attributes need no guards."""
        return module_name.partition(".")[0] in self.trusted_modules
