"""`nn.Module`: ordinary objects, whose members and whose call have short cuts.

An attribute may be in `_parameters`, `_buffers` or `_modules`, and a call is `forward` wherever no hook is set. torch's
own Python says the same (`Module.__getattr__`, `Module._call_impl`), and is what is interpreted in all other cases; the
short cuts save a hundred interpreted instructions a module.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

import torch

from framelift_bytecode_interp import Result, Value
from framelift_guards import DictItemSource, Falsy, InstanceDictSource, Source
from framelift_variable_tracking import (
    NEW,
    Answer,
    Arguments,
    CallContext,
    ConstantVariable,
    DictVariable,
    InstanceHandler,
    Keywords,
    ObjectVariable,
    SymbolicDomain,
    Tracking,
    Variable,
)

from .tensor import session_of

__all__ = ["MODULE_RULES", "ModuleHandler", "call_module"]

_MEMBERS = ("_parameters", "_buffers", "_modules")
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
_GLOBAL_HOOKS = (
    "_global_forward_pre_hooks", "_global_forward_hooks", "_global_backward_pre_hooks", "_global_backward_hooks",
    "_global_forward_hooks_always_called",
)  # fmt: skip
# What the short cuts stand for: a program may patch them.
_GETATTR = torch.nn.Module.__getattr__
_CALL_IMPL = torch.nn.Module._call_impl
_MODULE_OF_MODULES: Any = sys.modules[torch.nn.Module.__module__]


class ModuleHandler(InstanceHandler):
    """Instances of `nn.Module` and of its subclasses."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        session_of(domain).modules.add(source)
        return super().wrap(domain, value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        # Asked where neither the instance dictionary nor the class has the attribute, before `__getattr__` is.
        found = _member(domain, variable, name)
        return super().get_attribute(domain, variable, name) if found is None else Value(found)


def _member(domain: Tracking, variable: Variable, name: str) -> Variable | None:
    assert isinstance(domain, SymbolicDomain)
    if not isinstance(variable, ObjectVariable) or variable.value is NEW:
        return None
    fallback = domain.find(variable.cls, "__getattr__")
    if fallback is None or fallback[1] is not _GETATTR:
        return None
    domain.class_attribute(variable.cls, "__getattr__")  # guarded: a class may get one of its own
    for members in _MEMBERS:
        table = domain.read_field(variable, members)
        if not isinstance(table, DictVariable) or table.cls is not dict:
            return None
        key = ConstantVariable(name)
        present = domain.handler_of(table).contains(domain, table, key)
        if not isinstance(present, Value) or not isinstance(present.value, ConstantVariable):
            return None
        if present.value.value:
            item = domain.handler_of(table).get_item(domain, table, key)
            return item.value if isinstance(item, Value) else None
    return None


def _has_hooks(domain: SymbolicDomain, module: ObjectVariable) -> bool:
    """Tell, guarded, whether a hook would run; True when that cannot be told."""
    namespace = domain.globals_of(_MODULE_OF_MODULES.__dict__)
    tables = [domain.read_global(namespace, name) for name in _GLOBAL_HOOKS]
    domain.read_field(module, "forward")  # asked in any case, and it is first: the rest rely on what it guards
    tables += [domain.read_field(module, name) for name in _HOOKS if not _is_unset(domain, module, name)]
    for table in tables:
        if not isinstance(table, DictVariable):
            return True
        answer = domain.handler_of(table).truth(domain, table)
        if not isinstance(answer, Value) or answer.value:
            return True
    return False


def _is_unset(domain: SymbolicDomain, module: ObjectVariable, name: str) -> bool:
    """Tell, by the one guard that `Module._call_impl` would need, whether a table of hooks is empty.

    A model of a hundred layers has four hundred of them, so wrapping each as a dictionary was rejected.
    """
    if module.source is None or module.value is NEW or name in module.fields:
        return False
    table = object.__getattribute__(module.value, "__dict__").get(name)
    if type(table) not in (OrderedDict, dict) or table:
        return False
    domain.guard(DictItemSource(InstanceDictSource(module.source), name), Falsy())
    return True


def call_module(domain: Tracking, module: Variable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
    """`module(*args, **kwargs)`: `forward` where no hook is set, else what torch does."""
    assert isinstance(domain, SymbolicDomain)
    if isinstance(module, ObjectVariable) and _calls_as_torch_does(domain, module.cls):
        if not _has_hooks(domain, module):
            forward = domain.get_attribute(module, "forward")
            if isinstance(forward, Value):
                return domain.call(domain.frame, forward.value, args, kwargs)
        whole = domain.reference(_CALL_IMPL)
        return domain.call(domain.frame, whole, (module, *args), kwargs)
    implementation = domain.get_attribute(module, "_call_impl")
    if not isinstance(implementation, Value):
        return implementation
    return domain.call(domain.frame, implementation.value, args, kwargs)


def _calls_as_torch_does(domain: SymbolicDomain, cls: type) -> bool:
    """Tell, guarded, whether a class leaves `_call_impl` to torch."""
    domain.class_attribute(cls, "_call_impl")
    found = domain.find(cls, "_call_impl")
    return found is not None and found[1] is _CALL_IMPL


def _module_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return call_module(domain, args[0], args[1:], kwargs)


MODULE_RULES = {torch.nn.Module.__call__: _module_rule}
"""The rule of a module's call, by torch's function for it."""
