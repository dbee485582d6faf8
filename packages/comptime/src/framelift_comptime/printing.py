"""The printing table: how comptime shows a variable, and a guard.

These are the texts that users of Dynamo's comptime know, internal class names included; nowhere else are they written.
"""

from __future__ import annotations

import collections
import enum
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from framelift_graph_capture import Session, SymbolicNumberVariable, TensorVariable
from framelift_guards import Guard
from framelift_variable_tracking import (
    NEW,
    BoundMethodVariable,
    ConstantVariable,
    DequeVariable,
    DictVariable,
    DictViewVariable,
    ExceptionVariable,
    FunctionVariable,
    GeneratorVariable,
    ListVariable,
    ModuleVariable,
    ObjectVariable,
    PartialVariable,
    RangeVariable,
    ReferenceVariable,
    SetVariable,
    SliceVariable,
    TupleVariable,
    Variable,
)

__all__ = ["guard_text", "variable_text"]

Show = Callable[[Variable], str]


def _tensor(session: Session, variable: Any, show: Show) -> str:
    return repr(session.glimpse(variable))


_name: Callable[[type], str] = vars(type)["__name__"].__get__
"""The name of a class; a metaclass of the user's has no say in it."""


def _fields(cls: type) -> Any:
    """Return the field names of a named tuple's class; None for any other class."""
    return inspect.getattr_static(cls, "_fields", None) if issubclass(cls, tuple) else None


def _constant(session: Session, variable: Any, show: Show) -> str:
    try:
        return repr(variable.value)
    except ValueError:  # CPython prints no integer of thousands of digits
        return hex(variable.value)


def _number(session: Session, variable: Any, show: Show) -> str:
    known = variable.value.node.constant  # once it was specialised
    return str(variable.value) if known is None else repr(known)


def _joined(items: Iterable[str]) -> str:
    return ", ".join(items)


# ---- containers -----------------------------------------------------------------------------------------------------


def _list(session: Session, variable: Any, show: Show) -> str:
    return f"[{_joined([show(item) for item in session.items(variable)])}]"


def _tuple(session: Session, variable: Any, show: Show) -> str:
    items = [show(item) for item in variable.items]
    if variable.cls is torch.Size:
        return f"torch.Size([{_joined(items)}])"
    fields = _fields(variable.cls)
    if fields is not None:
        named = [f"{name}={item}" for name, item in zip(fields, items, strict=True)]
        return f"{_name(variable.cls)}({_joined(named)})"
    return f"({items[0]},)" if len(items) == 1 else f"({_joined(items)})"


def _dict(session: Session, variable: Any, show: Show) -> str:
    entries = [(show(key.variable), show(item)) for key, item in session.entries(variable)]
    braced = "{" + _joined([f"{key}: {item}" for key, item in entries]) + "}"
    factory = getattr(variable, "default_factory", None)
    if factory is not None:
        return f"defaultdict({show(factory)}, {braced})"
    if variable.cls is collections.OrderedDict:
        pairs = "[" + _joined([f"({key}, {item})" for key, item in entries]) + "]"
        return f"OrderedDict({pairs if entries else ''})"
    return braced


def _view(session: Session, variable: Any, show: Show) -> str:
    entries = [(show(key.variable), show(item)) for key, item in session.entries(variable.mapping)]
    kinds = {type({}.keys()): [key for key, _ in entries], type({}.values()): [item for _, item in entries]}
    items = kinds.get(variable.cls, [f"({key}, {item})" for key, item in entries])
    return f"{_name(variable.cls)}([{_joined(items)}])"


def _set(session: Session, variable: Any, show: Show) -> str:
    # Sorted: a set has no order, and that of its hash table differs from run to run.
    items = ",".join(sorted([show(key.variable) for key in variable.items]))
    if variable.cls is frozenset:
        return f"frozenset({{{items}}})" if items else "frozenset()"
    return f"{{{items}}}" if items else "set()"


def _deque(session: Session, variable: Any, show: Show) -> str:
    return f"deque([{_joined([show(item) for item in variable.items])}])"


def _range(session: Session, variable: Any, show: Show) -> str:
    return f"range({_joined([show(part) for part in (variable.start, variable.stop, variable.step)])})"


def _slice(session: Session, variable: Any, show: Show) -> str:
    return f"slice({_joined([show(part) for part in (variable.start, variable.stop, variable.step)])})"


# ---- what is called -------------------------------------------------------------------------------------------------


def _function(session: Session, variable: Any, show: Show) -> str:
    return "NestedUserFunctionVariable()" if variable.value is NEW else repr(variable.value)


def _method(session: Session, variable: Any, show: Show) -> str:
    name = getattr(getattr(variable.function, "value", None), "__name__", "?")
    if isinstance(variable.receiver, TensorVariable) and not isinstance(variable.function, FunctionVariable):
        return f"GetAttrVariable(TensorVariable(), {name})"
    if variable.cls is types.MethodType:
        return f"UserMethodVariable({show(variable.function)}, {show(variable.receiver)})"
    return f"<built-in method {name} of {_name(variable.receiver.python_type())} object>"


def _partial(session: Session, variable: Any, show: Show) -> str:
    named = [f"{name}={show(item)}" for name, item in variable.keywords.items()]
    return f"functools.partial({_joined([show(item) for item in (variable.function, *variable.args)] + named)})"


def _generator(session: Session, variable: Any, show: Show) -> str:
    frame = variable.frame
    return f"LocalGeneratorObjectVariable({'' if frame is None else frame.function_name})"


# ---- objects --------------------------------------------------------------------------------------------------------


def _module(session: Session, variable: Any, show: Show) -> str:
    return types.ModuleType.__repr__(variable.value)


_BUILT_IN_BASES = ((dict, "Dict"), (list, "List"), (tuple, "Tuple"), (set, "Set"), (BaseException, "Exception"))
_TORCHS_OWN = ("torch.nn.", "torch.ao.nn.")


def _object(session: Session, variable: Any, show: Show) -> str:
    cls, payload = variable.cls, variable.payload
    if isinstance(payload, TupleVariable) and _fields(cls) is not None:
        return _tuple(session, TupleVariable(payload.items, cls=cls), show)
    if issubclass(cls, enum.Enum) and isinstance(variable.value, enum.Enum):
        return enum.Enum.__repr__(variable.value)
    if isinstance(payload, ConstantVariable):
        return show(payload)
    if issubclass(cls, torch.nn.Module):
        own = "Builtin" if str(cls.__module__).startswith(_TORCHS_OWN) else ""
        container = cls in (torch.nn.ModuleList, torch.nn.ModuleDict, torch.nn.Sequential)
        return f"Unspecialized{'' if container else own}NNModuleVariable({_name(cls)})"
    kind = next((name for base, name in _BUILT_IN_BASES if issubclass(cls, base)), "Object")
    return f"UserDefined{kind}Variable({_name(cls)})"


def _exception(session: Session, variable: Any, show: Show) -> str:
    if variable.args is None:  # those of an existing one, which the program has not read
        return f"UserDefinedExceptionVariable({_name(variable.cls)})"
    return f"{_name(variable.cls)}({_joined([show(item) for item in variable.args])})"


_PRINTED_BY_C: frozenset[type] = frozenset({
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, torch.dtype, torch.device,
    torch.layout, torch.memory_format,
})  # fmt: skip
"""Types whose `repr` is C code that says all there is."""


def _reference(session: Session, variable: Any, show: Show) -> str:
    value = variable.value
    if issubclass(type(value), type):
        return type.__repr__(value)
    return repr(value) if type(value) in _PRINTED_BY_C else f"UserDefinedObjectVariable({_name(type(value))})"


_TABLE: Mapping[type[Variable], Callable[[Session, Any, Show], str]] = {
    TensorVariable: _tensor,
    ConstantVariable: _constant,
    SymbolicNumberVariable: _number,
    ListVariable: _list,
    TupleVariable: _tuple,
    DictVariable: _dict,
    DictViewVariable: _view,
    SetVariable: _set,
    DequeVariable: _deque,
    RangeVariable: _range,
    SliceVariable: _slice,
    FunctionVariable: _function,
    BoundMethodVariable: _method,
    PartialVariable: _partial,
    GeneratorVariable: _generator,
    ModuleVariable: _module,
    ObjectVariable: _object,
    ExceptionVariable: _exception,
    ReferenceVariable: _reference,
}

_ITERATORS: Mapping[str, str] = {
    "map": "MapVariable()",
    "zip": "ZipVariable()",
    "filter": "FilterVariable()",
    "count": "CountIteratorVariable()",
    "repeat": "RepeatIteratorVariable()",
    "range_iterator": "RangeIteratorVariable()",
}
"""The texts of iterators and other helpers, by the name of their Python type; others are `<name object>`."""


def variable_text(session: Session, variable: Variable) -> str:
    """Return how comptime prints a variable.

    Args:
        session: the capture that the variable belongs to.
        variable: what to show. A container that holds itself is shown as `...` inside of itself.
    """
    open_: set[int] = set()

    def show(item: Variable) -> str:
        if id(item) in open_:
            return "..."
        open_.add(id(item))
        try:
            for kind in type(item).__mro__:
                printer = _TABLE.get(kind)
                if printer is not None:
                    return printer(session, item, show)
            name = _name(item.python_type())
            return _ITERATORS.get(name, f"<{name} object>")
        finally:
            open_.discard(id(item))

    return show(variable)


_GUARD = """
        {scope} {name} {kind}
        {{
            'guard_types': None,
            'code': None,
            'obj_weakref': None
            'guarded_class': None
        }}"""


def _scope(guard: Guard) -> str:
    if guard.kind == "SHAPE_ENV":
        return "shape_env"
    root = None if guard.source is None else guard.source.local_root
    return "global" if root is None else "local"


def guard_text(guard: Guard) -> str:
    """Return how comptime prints a guard.

    >>> from framelift_guards import Equals, LocalSource
    >>> print(guard_text(Guard(LocalSource("n"), Equals(3))).splitlines()[1].strip())
    local "L['n']" EQUALS_MATCH
    """
    name = f'"{guard.name}"' if guard.name else "''"
    return _GUARD.format(scope=_scope(guard), name=name, kind=guard.kind)
