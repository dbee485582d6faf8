"""Steps of calls that enter Python several times, as Python that the interpreter enters."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, TypeAlias

Namespace: TypeAlias = Mapping[str, Any]


def run_class_body(function: types.FunctionType, namespace: Namespace) -> types.CellType | None:
    """Run a class body over a namespace. The interpreter knows this function by identity and enters the body."""
    raise NotImplementedError(f"{function.__qualname__} must be interpreted, over {type(namespace).__name__}")


def build_class(function: Any, name: str, /, *bases: Any, **keywords: Any) -> Any:
    """`__build_class__` (Python/bltinmodule.c), with the body interpreted."""
    resolved = types.resolve_bases(bases)
    metaclass, namespace, keywords = types.prepare_class(name, resolved, keywords)
    cell = run_class_body(function, namespace)
    if resolved is not bases:
        namespace["__orig_bases__"] = bases
    cls = metaclass(name, resolved, namespace, **keywords)
    if isinstance(cls, type) and isinstance(cell, types.CellType):
        try:
            content = cell.cell_contents
        except ValueError:
            raise RuntimeError(
                f"__class__ not set defining {name!r} as {cls!r}. Was __classcell__ propagated to type.__new__?"
            ) from None
        if content is not cls:
            raise TypeError(f"__class__ set to {content!r} defining {name!r} as {cls!r}")
    return cls


def construct(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`type.__call__` (Objects/typeobject.c)."""
    instance = cls.__new__(cls, *args, **kwargs)
    if type.__subclasscheck__(cls, type(instance)):  # by the real MRO, whatever a metaclass says
        result = type(instance).__init__(instance, *args, **kwargs)
        if result is not None:
            raise TypeError(f"__init__() should return None, not '{type(result).__name__}'")
    return instance
