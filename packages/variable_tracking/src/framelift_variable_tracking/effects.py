"""The effect log: what captured code did to objects that existed before, in program order.

Effects that store into the same place one after another are one effect, at the position of the first. A deletion in
between is kept, since it decides where the place comes in the order of an instance's dictionary.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import Any

from framelift_guards import Namespace

from .emitter import Emitter
from .variable import NEW, CellVariable, Variable


class Effect:
    """One mutation, to be replayed after the graph.

    Args:
        target: the object that is changed.
        place: which part of it; effects on the same place replace each other.
    """

    __slots__ = ("place", "target")
    replaces = True
    """Whether this effect makes an earlier one of the same place superfluous."""

    def __init__(self, target: object, place: Hashable) -> None:
        self.target = target
        self.place = place

    def replay(self, emitter: Emitter) -> None:
        """Add the statements that do this effect; values come from `emitter.value`."""
        raise NotImplementedError

    def is_pending(self) -> bool:
        """Tell whether the real object is in another state than the program sees: not if a change was taken back."""
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.target!r} {self.place!r}>"


def expression(value: ast.expr) -> ast.stmt:
    """Return `value` as a statement."""
    return ast.Expr(value)


class SetAttribute(Effect):
    """`object.__setattr__(target, name, value)`: the instance dictionary, past any `__setattr__`."""

    __slots__ = ("name", "value")

    def __init__(self, target: Variable, name: str, value: Variable) -> None:
        super().__init__(target, ("attribute", name))
        self.name = name
        self.value = value

    def is_pending(self) -> bool:
        """Compare by identity, so that no code of the program runs."""
        real = getattr(self.target, "value", NEW)
        if real is NEW or type(real).__dictoffset__ == 0:
            return True
        known = object.__getattribute__(real, "__dict__").get(self.name, NEW)
        return known is NEW or known is not getattr(self.value, "value", None)

    def replay(self, emitter: Emitter) -> None:
        target, value = emitter.value(_variable(self.target)), emitter.value(self.value)
        store = object.__setattr__ if not issubclass(_variable(self.target).cls, type) else type.__setattr__
        emitter.effect(expression(emitter.call(store, target, emitter.constant(self.name, "name"), value)))


class DeleteAttribute(Effect):
    """`object.__delattr__(target, name)`."""

    __slots__ = ("name",)
    replaces = False

    def __init__(self, target: Variable, name: str) -> None:
        super().__init__(target, ("attribute", name))
        self.name = name

    def replay(self, emitter: Emitter) -> None:
        target = emitter.value(_variable(self.target))
        delete = object.__delattr__ if not issubclass(_variable(self.target).cls, type) else type.__delattr__
        emitter.effect(expression(emitter.call(delete, target, emitter.constant(self.name, "name"))))


def set_slot(target: object, owner: type, name: str, value: object) -> None:
    """Store into the slot that `owner` defines."""
    owner.__dict__[name].__set__(target, value)


def delete_slot(target: object, owner: type, name: str) -> None:
    """Empty the slot that `owner` defines."""
    owner.__dict__[name].__delete__(target)


class SetSlot(Effect):
    """A store into `__slots__` member or another C-level data descriptor."""

    __slots__ = ("name", "owner", "value")

    def __init__(self, target: Variable, owner: type, name: str, value: Variable) -> None:
        super().__init__(target, ("slot", owner, name))
        self.owner = owner
        self.name = name
        self.value = value

    def replay(self, emitter: Emitter) -> None:
        target, value = emitter.value(_variable(self.target)), emitter.value(self.value)
        owner, name = emitter.constant(self.owner, "owner"), emitter.constant(self.name, "name")
        emitter.effect(expression(emitter.call(set_slot, target, owner, name, value)))


class DeleteSlot(Effect):
    """Empties a slot."""

    __slots__ = ("name", "owner")
    replaces = False

    def __init__(self, target: Variable, owner: type, name: str) -> None:
        super().__init__(target, ("slot", owner, name))
        self.owner = owner
        self.name = name

    def replay(self, emitter: Emitter) -> None:
        target = emitter.value(_variable(self.target))
        owner, name = emitter.constant(self.owner, "owner"), emitter.constant(self.name, "name")
        emitter.effect(expression(emitter.call(delete_slot, target, owner, name)))


class StoreGlobal(Effect):
    """A store into a module's dictionary."""

    __slots__ = ("name", "value")

    def __init__(self, namespace: Namespace, name: str, value: Variable) -> None:
        super().__init__(namespace, ("global", name))
        self.name = name
        self.value = value

    def replay(self, emitter: Emitter) -> None:
        value = emitter.value(self.value)
        emitter.effect(ast.Assign([_global(self.target, self.name, emitter, ast.Store())], value))


class DeleteGlobal(Effect):
    """A deletion from a module's dictionary."""

    __slots__ = ("name",)
    replaces = False

    def __init__(self, namespace: Namespace, name: str) -> None:
        super().__init__(namespace, ("global", name))
        self.name = name

    def replay(self, emitter: Emitter) -> None:
        emitter.effect(ast.Delete([_global(self.target, self.name, emitter, ast.Del())]))


def _global(namespace: Any, name: str, emitter: Emitter, context: ast.expr_context) -> ast.expr:
    return ast.Subscript(emitter.constant(namespace.variables, "G"), emitter.constant(name, "name"), context)


class StoreCell(Effect):
    """A store into a cell that existed before: `nonlocal`."""

    __slots__ = ("value",)

    def __init__(self, cell: CellVariable, value: Variable) -> None:
        super().__init__(cell, "content")
        self.value = value

    def replay(self, emitter: Emitter) -> None:
        cell, value = emitter.value(_variable(self.target)), emitter.value(self.value)
        emitter.effect(ast.Assign([ast.Attribute(cell, "cell_contents", ast.Store())], value))


class DeleteCell(Effect):
    """Empties a cell that existed before."""

    __slots__ = ()
    replaces = False

    def __init__(self, cell: CellVariable) -> None:
        super().__init__(cell, "content")

    def replay(self, emitter: Emitter) -> None:
        cell = emitter.value(_variable(self.target))
        emitter.effect(ast.Delete([ast.Attribute(cell, "cell_contents", ast.Del())]))


class Content(Effect):
    """The content of a list, dict, set, deque, ... changed: at the end it is what the variable says.

    The handler's `refill` does it.
    """

    __slots__ = ()

    def __init__(self, target: Variable) -> None:
        super().__init__(target, "content")

    def replay(self, emitter: Emitter) -> None:
        emitter.refill(_variable(self.target))


def _variable(target: object) -> Variable:
    assert isinstance(target, Variable)
    return target


class EffectLog:
    """Effects in program order.

    >>> from framelift_variable_tracking import ConstantVariable
    >>> log, target = EffectLog(), Variable(object)
    >>> for number in range(3):
    ...     log.record(SetAttribute(target, "a", ConstantVariable(number)))
    >>> len(log), log.attribute(target, "a")
    (1, <ConstantVariable 2>)
    """

    __slots__ = ("_effects", "_last")

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._last: dict[tuple[int, Hashable], int] = {}

    def record(self, effect: Effect) -> None:
        """Add an effect, or put it in the place of the one that it replaces."""
        key = id(effect.target), effect.place
        position = self._last.get(key)
        if position is not None and effect.replaces and self._effects[position].replaces:
            self._effects[position] = effect
            return
        self._last[key] = len(self._effects)
        self._effects.append(effect)

    def attribute(self, target: Variable, name: str) -> Variable | None:
        """Return what the program last stored in the attribute `name`, or None when it stored nothing there."""
        position = self._last.get((id(target), ("attribute", name)))
        effect = None if position is None else self._effects[position]
        return effect.value if isinstance(effect, SetAttribute) else None

    def clear(self) -> None:
        """Forget the effects: they have been emitted."""
        self._effects.clear()
        self._last.clear()

    def is_pending(self) -> bool:
        """Tell whether existing objects are in another state than the program sees.

        >>> EffectLog().is_pending()
        False
        """
        return any(effect.is_pending() for effect in self._effects)

    def targets(self) -> list[Variable]:
        """Return the objects that were changed, each once."""
        return list({id(e.target): e.target for e in self._effects if isinstance(e.target, Variable)}.values())

    def replay(self, emitter: Emitter) -> None:
        """Add the statements that do all effects, in order."""
        for effect in self._effects:
            effect.replay(emitter)

    def __iter__(self) -> Iterator[Effect]:
        return iter(self._effects)

    def __len__(self) -> int:
        return len(self._effects)
