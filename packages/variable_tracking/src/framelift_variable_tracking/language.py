"""The registry of the Python language: the tables of handlers and rules, put together in one place.

It stands above `handlers` and `builtin_rules`, which may not know each other's tables.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from .builtin_rules import PURE, RULES
from .handler import FunctionRule, TypeHandler
from .handlers import constants, containers, function
from .handlers.builtin import DescriptorOfCHandler
from .handlers.cell import CellHandler
from .handlers.class_ import ClassHandler
from .handlers.descriptor import DescriptorHandler, PropertyHandler
from .handlers.exception import ExceptionHandler, TracebackHandler
from .handlers.function import FunctionHandler
from .handlers.generator import GeneratorHandler
from .handlers.instance import InstanceHandler
from .handlers.instance_dict import InstanceDictHandler, InstanceDictionary
from .handlers.method import BuiltinMethodHandler, MethodHandler
from .handlers.module import ModuleHandler
from .handlers.super_ import SuperHandler, make_super
from .handlers.tuple_field import TUPLE_FIELD, TupleFieldHandler
from .operations.builtin_calls import adopt_payload, refill_payload
from .operations.operators import proceed
from .polyfills import protocols
from .registry import Registry

__all__ = ["default_registry"]

_DESCRIPTOR_OF_C = DescriptorOfCHandler()

OBJECTS: Mapping[type, TypeHandler] = {
    object: InstanceHandler(),
    type: ClassHandler(),
    super: SuperHandler(),
    property: PropertyHandler(),
    staticmethod: DescriptorHandler(),
    classmethod: DescriptorHandler(),
    BaseException: ExceptionHandler(),
    types.TracebackType: TracebackHandler(),
    types.FunctionType: FunctionHandler(),
    types.MethodType: MethodHandler(),
    types.BuiltinFunctionType: BuiltinMethodHandler(),
    types.MethodWrapperType: BuiltinMethodHandler(),
    types.WrapperDescriptorType: _DESCRIPTOR_OF_C,
    types.MethodDescriptorType: _DESCRIPTOR_OF_C,
    types.ClassMethodDescriptorType: _DESCRIPTOR_OF_C,
    types.GetSetDescriptorType: _DESCRIPTOR_OF_C,
    types.MemberDescriptorType: _DESCRIPTOR_OF_C,
    types.ModuleType: ModuleHandler(),
    types.CellType: CellHandler(),
    types.GeneratorType: GeneratorHandler(),
    InstanceDictionary: InstanceDictHandler(),
    TUPLE_FIELD: TupleFieldHandler(),
}
"""Objects, classes, functions, modules, exceptions, generators."""

PROTOCOLS: Mapping[Any, FunctionRule] = {
    super: make_super,
    protocols.proceed: proceed,
    protocols.adopt_payload: adopt_payload,
    protocols.refill_payload: refill_payload,
}
"""Rules of the language's own protocols."""

TRUSTED = (
    "_collections_abc", "_weakrefset", "abc", "collections", "contextlib", "copy", "copyreg", "dataclasses", "enum",
    "functools", "inspect", "itertools", "keyword", "numbers", "operator", "reprlib", "types", "typing", "weakref",
)  # fmt: skip
"""Modules of the standard library whose functions and classes are taken to stay as they are."""


def default_registry() -> Registry:
    """Return the registry of the Python language: every handler and rule of this package.

    >>> default_registry().handler_for(object).covers_subclasses
    True
    """
    types_: dict[type, TypeHandler] = {**OBJECTS, **containers.HANDLERS, **constants.HANDLERS}
    rules: dict[Any, FunctionRule] = {**RULES, **containers.RULES, **function.RULES, **PROTOCOLS}
    return Registry(types_, rules, pure=PURE, trusted_modules=TRUSTED)
