"""Predicates: what must hold of a value, as frozen data. Those about tensors are in ``framelift_guards.torch``."""

from __future__ import annotations

from .attribute import HasAttribute, LacksAttribute
from .base import Discriminant, Family, Member, Predicate
from .container import Contains, DictKeys, IteratorState, LacksKey, Length
from .custom import PredicateError, Satisfies
from .equality import Equals
from .expression import Expression
from .identity import (
    BoolIs,
    CodeHashIs,
    CodeIs,
    Distinct,
    Is,
    IsNone,
    IsNot,
    NotSameObject,
    SameObject,
    TypeIs,
    WeakIs,
)
from .truth import Falsy

__all__ = [
    "BoolIs",
    "CodeHashIs",
    "CodeIs",
    "Contains",
    "DictKeys",
    "Discriminant",
    "Distinct",
    "Equals",
    "Expression",
    "Falsy",
    "Family",
    "HasAttribute",
    "Is",
    "IsNone",
    "IsNot",
    "IteratorState",
    "LacksAttribute",
    "LacksKey",
    "Length",
    "Member",
    "NotSameObject",
    "Predicate",
    "PredicateError",
    "SameObject",
    "Satisfies",
    "TypeIs",
    "WeakIs",
]
