"""Check plans: guards as steps that the C accelerator walks, for those that it can decide.

What it cannot decide stays in generated Python, and so does the whole of what a plan checks: a plan that does not find
that everything holds leaves the question to Python. So a plan may be quick and narrow: it looks only at exact built-in
types, and never asks a stranger.
"""

from __future__ import annotations

import builtins
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType

from framelift_guards.accelerator import Plan, PlanMaker
from framelift_guards.guard import Guard
from framelift_guards.lookup import has_ordinary_dict
from framelift_guards.predicates import (
    BoolIs,
    CodeIs,
    Contains,
    DictKeys,
    Equals,
    Falsy,
    HasAttribute,
    Is,
    IsNone,
    IsNot,
    LacksAttribute,
    LacksKey,
    Length,
    NotSameObject,
    Predicate,
    SameObject,
    TypeIs,
    WeakIs,
)
from framelift_guards.reference import Reference
from framelift_guards.roots import (
    BuiltinSource,
    ConstantSource,
    FreeVariableSource,
    GlobalSource,
    NamespaceSource,
)
from framelift_guards.source import (
    AttributeSource,
    ClassAttributeSource,
    DictItemSource,
    InstanceDictSource,
    ItemSource,
    ListItemSource,
    Source,
    TupleItemSource,
    TypeSource,
)


class Kind(IntEnum):
    """What a step does; the numbers are those of ``native/plan.h``."""

    INSTANCE_DICT = 0
    ITEM = 1
    LACKS = 2
    KEYS = 3
    TUPLE_ITEM = 4
    LIST_ITEM = 5
    CELL = 6
    REFERENT = 7
    TYPE = 8
    CLASS_ATTRIBUTE = 9
    CLASS_STATIC = 10
    CLASS_LACKS = 11
    TYPE_IS = 12
    IS = 13
    IS_NOT = 14
    EQUALS = 15
    CODE_IS = 16
    FALSY = 17
    LENGTH = 18
    SAME = 19
    DIFFERENT = 20


_ATOMS = (int, str, bytes, float, bool, type(None))
_SIZED = (dict, OrderedDict, list, tuple, set, frozenset, str, bytes)


class PlanBuilder:
    """Collects the guards that a plan can decide.

    Args:
        known_type: gives the exact type that code before the plan has established for a source, if any.
        is_input: tells which sources are locals by the time that the plan runs.
    """

    def __init__(self, known_type: Callable[[Source], type | None], is_input: Callable[[Source], bool]) -> None:
        self.inputs: list[Source] = []
        """The sources that are handed in, in order."""
        self.outputs: list[Source | tuple[Source, ...]] = []
        """The sources whose values are handed out, in order; those of a tuple as a tuple."""
        self.guards: list[Guard] = []
        """The guards that the plan checks."""
        self._known_type = known_type
        self._is_input = is_input
        self._types: dict[Source, type] = {}
        self._constants: list[object] = []
        self._places: dict[int, int] = {}
        # A slot is known by its place among those of its sort until it is known how many inputs there are.
        self._slots: dict[Source, tuple[str, int]] = {}
        self._steps: list[tuple[Kind, tuple[str, int], object]] = []
        self._produced = 0

    def add(self, guard: Guard) -> bool:
        """Take a guard in, and tell whether the plan can decide it."""
        predicate, source = guard.predicate, guard.source
        rule = PREDICATES.get(type(predicate))
        if rule is None or source is None or self.slot(source) is None or not rule(self, source, predicate):
            return False
        if isinstance(predicate, TypeIs) and predicate.expected is not None:
            self._types[source] = predicate.expected
        self.guards.append(guard)
        return True

    def __contains__(self, source: Source) -> bool:
        slot = self._slots.get(source)
        return slot is not None and slot[0] == "produced"

    def slot(self, source: Source) -> tuple[str, int] | None:
        """Return the slot that holds the value of a source, if a plan can find it."""
        path = []
        for step in source.ancestors():
            path.append(step)
            if step in self._slots or self._is_input(step):
                break
        for step in reversed(path):
            if step in self._slots:
                continue
            if self._is_input(step):
                self._slots[step] = ("input", len(self.inputs))
                self.inputs.append(step)
                continue
            rule = SOURCES.get(type(step))
            slot = None if rule is None else rule(self, step)
            if slot is None:
                return None
            self._slots[step] = slot
        return self._slots[source]

    def type_of(self, source: Source) -> type | None:
        """Return the exact type that the value of a source is known to have."""
        return self._types.get(source) or self._known_type(source)

    def constant(self, value: object) -> tuple[str, int]:
        """Return the slot of a constant."""
        place = self._places.setdefault(id(value), len(self._constants))
        if place == len(self._constants):
            self._constants.append(value)
        return "constant", place

    def produce(self, kind: Kind, subject: tuple[str, int], argument: object) -> tuple[str, int]:
        """Add a step that produces a value, and return its slot."""
        self._steps.append((kind, subject, argument))
        self._produced += 1
        return "produced", self._produced - 1

    def require(self, kind: Kind, source: Source, argument: object = None) -> bool:
        """Add a step that checks a value that has a slot."""
        self._steps.append((kind, self._slots[source], argument))
        return True

    def make(self, maker: PlanMaker) -> Plan:
        """Return the plan."""
        constants = tuple(self._constants)
        first = {"input": 0, "constant": len(self.inputs), "produced": len(self.inputs) + len(constants)}

        def number(slot: tuple[str, int]) -> int:
            return first[slot[0]] + slot[1]

        steps = tuple(
            [
                (int(kind), number(subject), number(argument) if kind >= Kind.SAME else argument)  # type: ignore[arg-type]
                for kind, subject, argument in self._steps
            ]
        )
        outputs = tuple(
            [
                tuple([number(self._slots[source]) for source in output])
                if isinstance(output, tuple)
                else number(self._slots[output])
                for output in self.outputs
            ]
        )
        return maker(len(self.inputs), constants, steps, outputs)


SourceRule = Callable[[PlanBuilder, Source], tuple[str, int] | None]
PredicateRule = Callable[[PlanBuilder, Source, Predicate], bool]


def _base(plan: PlanBuilder, source: Source) -> tuple[str, int]:
    assert source.parent is not None
    slot = plan.slot(source.parent)
    assert slot is not None  # the path was taken up to here
    return slot


def _global(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, GlobalSource)
    return plan.produce(Kind.ITEM, plan.constant(source.namespace.variables), source.variable)


def _namespace(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, NamespaceSource)
    return plan.constant(source.namespace.variables)


def _builtin(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, BuiltinSource)
    return plan.produce(Kind.ITEM, plan.constant(builtins.__dict__), source.variable)


def _free_variable(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, FreeVariableSource)
    return plan.produce(Kind.CELL, plan.constant(source.cell), None)


def _constant(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, ConstantSource)
    slot = plan.constant(source.value.held)
    return plan.produce(Kind.REFERENT, slot, None) if source.value.weak else slot


def _dict_item(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, DictItemSource)
    return plan.produce(Kind.ITEM, _base(plan, source), source.key) if type(source.key) is str else None


def _tuple_item(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, TupleItemSource | ItemSource)
    return plan.produce(Kind.TUPLE_ITEM, _base(plan, source), source.key) if _is_index(source.key) else None


def _list_item(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, ListItemSource | ItemSource)
    return plan.produce(Kind.LIST_ITEM, _base(plan, source), source.key) if _is_index(source.key) else None


def _item(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, ItemSource)
    known = plan.type_of(source.base)
    if known is dict and type(source.key) is str:
        return plan.produce(Kind.ITEM, _base(plan, source), source.key)
    if known is tuple:
        return _tuple_item(plan, source)
    return _list_item(plan, source) if known is list else None


def _instance_dict(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, InstanceDictSource)
    known = plan.type_of(source.base)
    if known is None or not has_ordinary_dict(known):
        return None
    return plan.produce(Kind.INSTANCE_DICT, _base(plan, source), None)


def _type(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    return plan.produce(Kind.TYPE, _base(plan, source), None)


def _attribute(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, AttributeSource)
    if not _is_plain_class(source.base):
        return None
    return plan.produce(Kind.CLASS_ATTRIBUTE, _base(plan, source), source.attr)


def _class_attribute(plan: PlanBuilder, source: Source) -> tuple[str, int] | None:
    assert isinstance(source, ClassAttributeSource)
    if not (isinstance(source.base, TypeSource) or _is_plain_class(source.base)):
        return None
    return plan.produce(Kind.CLASS_STATIC, _base(plan, source), source.attr)


def _is_plain_class(source: Source) -> bool:
    """Tell whether a source is a class that is known beforehand, whose metaclass is `type`."""
    return isinstance(source, ConstantSource) and source.value.alive and type(source.value.get()) is type


def _is_index(key: object) -> bool:
    return type(key) is int and 0 <= key < 1 << 31


SOURCES: Mapping[type[Source], SourceRule] = MappingProxyType(
    {
        AttributeSource: _attribute,
        BuiltinSource: _builtin,
        ClassAttributeSource: _class_attribute,
        ConstantSource: _constant,
        DictItemSource: _dict_item,
        FreeVariableSource: _free_variable,
        GlobalSource: _global,
        InstanceDictSource: _instance_dict,
        ItemSource: _item,
        ListItemSource: _list_item,
        NamespaceSource: _namespace,
        TupleItemSource: _tuple_item,
        TypeSource: _type,
    }
)
"""How a plan finds the value of a source, by the source's class; locals are handed in."""


def _type_is(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, TypeIs)
    return plan.require(Kind.TYPE_IS, source, predicate.reference.held)


def _is(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, Is)
    return _identity(plan, Kind.IS, source, predicate.reference)


def _is_not(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, IsNot)
    return _identity(plan, Kind.IS_NOT, source, predicate.reference)


def _identity(plan: PlanBuilder, kind: Kind, source: Source, reference: Reference) -> bool:
    if type(reference.held) is weakref.ref and not reference.weak:
        return False  # a step would take it for a reference to what is expected
    return plan.require(kind, source, reference.held)


def _singleton(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, IsNone | BoolIs)
    return plan.require(Kind.IS, source, predicate.expected)


def _equals(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, Equals)
    return type(predicate.expected) in _ATOMS and plan.require(Kind.EQUALS, source, predicate.expected)


def _code_is(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, CodeIs)
    return plan.require(Kind.CODE_IS, source, predicate.code)


def _has_attribute(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, HasAttribute)
    if not _is_plain_class(source):
        return False
    if isinstance(predicate, LacksAttribute):
        return plan.require(Kind.CLASS_LACKS, source, predicate.attr)
    return plan.slot(AttributeSource(source, predicate.attr)) is not None


def _falsy(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    return plan.require(Kind.FALSY, source)


def _length(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, Length)
    known = plan.type_of(source)
    # An ordered dictionary has the length of the dictionary that it is.
    ways = (None, dict) if known is OrderedDict else (None, known)
    if known not in _SIZED or predicate.via not in ways:
        return False
    return plan.require(Kind.LENGTH, source, predicate.expected)


def _keys(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, DictKeys)
    keys = tuple([key.reference.get() for key in predicate.keys if key.plain])
    if len(keys) != len(predicate.keys) or any(type(key) is not str for key in keys):
        return False
    return plan.require(Kind.KEYS, source, keys)


def _contains(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, Contains)
    key = predicate.key.reference.get() if predicate.key.plain else None
    if predicate.via is not dict or type(key) is not str:
        return False
    if isinstance(predicate, LacksKey):
        return plan.require(Kind.LACKS, source, key)
    return plan.slot(DictItemSource(source, key)) is not None


def _same(plan: PlanBuilder, source: Source, predicate: Predicate) -> bool:
    assert isinstance(predicate, SameObject)
    other = plan.slot(predicate.other)
    kind = Kind.DIFFERENT if isinstance(predicate, NotSameObject) else Kind.SAME
    return other is not None and plan.require(kind, source, other)


PREDICATES: Mapping[type[Predicate], PredicateRule] = MappingProxyType(
    {
        BoolIs: _singleton,
        CodeIs: _code_is,
        Contains: _contains,
        DictKeys: _keys,
        Equals: _equals,
        Falsy: _falsy,
        HasAttribute: _has_attribute,
        Is: _is,
        IsNone: _singleton,
        IsNot: _is_not,
        LacksAttribute: _has_attribute,
        LacksKey: _contains,
        Length: _length,
        NotSameObject: _same,
        SameObject: _same,
        TypeIs: _type_is,
        WeakIs: _is,
    }
)
"""How a plan checks a predicate, by the predicate's class; it answers whether it can."""
