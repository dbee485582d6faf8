"""`copy.copy` and `copy.deepcopy`: polyfills, and what those ask of the domain."""

from __future__ import annotations

import copy
import types
from collections.abc import Mapping
from typing import Any, Final

from framelift_bytecode_interp import Break, Value
from framelift_guards import ConstantSource, Distinct

from ..classes import PAYLOADS, made_in_python, mro_of, name_of, namespace_of, native_base
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..handlers.address import AddressVariable, address_of
from ..handlers.container import HolderVariable
from ..polyfills import copying as polyfills
from ..reasons import UnsupportedCall
from ..variable import (
    ATOMS,
    NEW,
    BoundMethodVariable,
    BuiltinFunctionVariable,
    ConstantVariable,
    FunctionVariable,
    ModuleVariable,
    ReferenceVariable,
    Variable,
)
from .arguments import Parameters, polyfilled, polyfilled_whole

_ATOMIC = (ConstantVariable, FunctionVariable, BuiltinFunctionVariable)
_IMMUTABLE = frozenset({*ATOMS, range, property, types.UnionType})


def _identity(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    (value,) = args
    cls = value.python_type()
    atomic = isinstance(value, _ATOMIC) or cls in _IMMUTABLE
    if atomic or (isinstance(value, ReferenceVariable) and isinstance(value.value, type)):
        return Value(domain.constant(None))
    if isinstance(value, (ModuleVariable, BoundMethodVariable)):
        return Break(UnsupportedCall("copy.deepcopy", f"it meets a {name_of(cls)}"))
    # What a memo holds under: the address of an object where there is one, as a `__deepcopy__` expects it.
    real = getattr(value, "value", NEW)
    if real is NEW or value.source is None:
        return Value(AddressVariable(value))
    return Value(domain.constant(id(real)))


def _is_itself(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    result, value = args
    return domain.boolean(result is value or isinstance(value, ConstantVariable))


def _distinct(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    met: dict[int, Variable] = {id(each): each for each in domain.sequence(args[0]) or ()}
    sources = [each.source for each in met.values() if each.source is not None]
    sources = [source for source in sources if type(source) is not ConstantSource]
    if len(sources) > 1:
        domain.guard(None, Distinct(tuple(sources)))
    return Value(domain.constant(None))


def _stay_where_they_are(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    for met in domain.sequence(args[0]) or ():
        if not isinstance(met, HolderVariable):  # a container's address is what it will be, wherever that is read
            found = address_of(domain, met)
            if type(found) is not Value:
                return found
    return _distinct(domain, context, args, kwargs)


def _slot_names(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    assert isinstance(args[0], ReferenceVariable)
    cls: type = args[0].value
    base = native_base(cls)
    if not made_in_python(cls) or (base is not object and base not in PAYLOADS):
        return Break(UnsupportedCall("copy.copy", f"how a {name_of(cls)} is copied is not known"))
    names: list[str] = []
    for one in mro_of(cls):
        members = namespace_of(one).items() if made_in_python(one) else ()
        names += [name for name, member in members if type(member) is types.MemberDescriptorType]
    return domain.build_tuple([domain.constant(name) for name in dict.fromkeys(names)])


RULES: Final[Mapping[Any, FunctionRule]] = {
    copy.copy: polyfilled(copy.copy, polyfills.copy, Parameters(0, {"x": None})),
    copy.deepcopy: polyfilled_whole(copy.deepcopy, polyfills.deepcopy, Parameters(0, {"x": None, "memo": None})),
    polyfills.identity: _identity,
    polyfills.distinct: _distinct,
    polyfills.stay_where_they_are: _stay_where_they_are,
    polyfills.is_itself: _is_itself,
    polyfills.slot_names: _slot_names,
}
"""The rules, by function."""
