"""The printing table: how comptime shows a variable, and a guard.

These are the texts that users of Dynamo's comptime know, internal class names included; nowhere else are they written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from framelift_graph_capture import Session, SymbolicNumberVariable, TensorVariable
from framelift_guards import Guard
from framelift_variable_tracking import (
    NEW,
    BoundMethodVariable,
    ConstantVariable,
    DictVariable,
    FunctionVariable,
    ListVariable,
    ModuleVariable,
    ObjectVariable,
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
    return repr(session.realise(variable).fake)


def _constant(session: Session, variable: Any, show: Show) -> str:
    return repr(variable.value)


def _number(session: Session, variable: Any, show: Show) -> str:
    known = variable.value.node.constant  # once it was specialised
    return str(variable.value) if known is None else repr(known)


def _joined(items: Iterable[str]) -> str:
    return ", ".join(items)


def _list(session: Session, variable: Any, show: Show) -> str:
    return f"[{_joined([show(item) for item in session.items(variable)])}]"


def _tuple(session: Session, variable: Any, show: Show) -> str:
    items = [show(item) for item in variable.items]
    fields = getattr(variable.cls, "_fields", None)
    if fields is not None:
        return (
            f"{variable.cls.__name__}({_joined([f'{name}={item}' for name, item in zip(fields, items, strict=True)])})"
        )
    return f"({items[0]},)" if len(items) == 1 else f"({_joined(items)})"


def _dict(session: Session, variable: Any, show: Show) -> str:
    entries = _joined([f"{show(key.variable)}: {show(item)}" for key, item in session.entries(variable)])
    factory = getattr(variable, "default_factory", None)
    if factory is not None:
        return f"defaultdict({show(factory)}, {{{entries}}})"
    return f"{{{entries}}}"


def _set(session: Session, variable: Any, show: Show) -> str:
    # Sorted: a set has no order, and that of its hash table differs from run to run.
    items = ",".join(sorted([show(key.variable) for key in variable.items]))
    if variable.cls is frozenset:
        return f"frozenset({{{items}}})"
    return f"{{{items}}}" if items else "set()"


def _range(session: Session, variable: Any, show: Show) -> str:
    return f"range({_joined([show(part) for part in (variable.start, variable.stop, variable.step)])})"


def _slice(session: Session, variable: Any, show: Show) -> str:
    return f"slice({_joined([show(part) for part in (variable.start, variable.stop, variable.step)])})"


def _function(session: Session, variable: Any, show: Show) -> str:
    return "NestedUserFunctionVariable()" if variable.value is NEW else f"UserFunctionVariable({variable.name})"


def _method(session: Session, variable: Any, show: Show) -> str:
    return "UserMethodVariable()"


def _module(session: Session, variable: Any, show: Show) -> str:
    return f"PythonModuleVariable({variable.value.__name__})"


_BUILT_IN_BASES = ((dict, "Dict"), (list, "List"), (tuple, "Tuple"), (set, "Set"), (BaseException, "Exception"))


def _object(session: Session, variable: Any, show: Show) -> str:
    if isinstance(variable.payload, TupleVariable) and hasattr(variable.cls, "_fields"):
        return _tuple(session, TupleVariable(variable.payload.items, cls=variable.cls), show)
    kind = next((name for base, name in _BUILT_IN_BASES if issubclass(variable.cls, base)), "Object")
    return f"UserDefined{kind}Variable({variable.cls.__name__})"


def _reference(session: Session, variable: Any, show: Show) -> str:
    kind = "UserDefinedClass" if isinstance(variable.value, type) else "Builtin"
    return f"{kind}Variable({getattr(variable.value, '__name__', type(variable.value).__name__)})"


_TABLE: Mapping[type[Variable], Callable[[Session, Any, Show], str]] = {
    TensorVariable: _tensor,
    ConstantVariable: _constant,
    SymbolicNumberVariable: _number,
    ListVariable: _list,
    TupleVariable: _tuple,
    DictVariable: _dict,
    SetVariable: _set,
    RangeVariable: _range,
    SliceVariable: _slice,
    FunctionVariable: _function,
    BoundMethodVariable: _method,
    ModuleVariable: _module,
    ObjectVariable: _object,
    ReferenceVariable: _reference,
}


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
            return f"{type(item).__name__}({item.python_type().__name__})"
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
