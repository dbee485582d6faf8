"""Between the captured program and the comptime functions: variables as Python objects, and results as variables."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import torch

from framelift_bytecode_interp import UNBOUND, Value
from framelift_graph_capture import Session
from framelift_variable_tracking import (
    ATOMS,
    NEW,
    NOT_CONSTANT,
    BoundMethodVariable,
    CellVariable,
    FunctionVariable,
    ObjectVariable,
    PartialVariable,
    Variable,
)

from .errors import ComptimeArgumentError, a_or_an
from .provenance import GuardNote, Origin
from .variable import ComptimeVar, variable_in
from .watch import Cell

__all__ = ["Host", "variable_of"]


class Host:
    """Makes the Python objects that comptime functions work with.

    A constant is itself, a function is a real function over the variables of the captured frame, an object that
    existed before the capture is itself (as it was then), and anything else is a `ComptimeVar`; so is a container that
    the program has changed since.

    Args:
        session: the capture.

    Attributes:
        cells: the cells that were made for functions of the captured program.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changed = {id(target) for target in session.effects.targets()}
        self._made: dict[int, types.CellType] = {}
        self.cells: list[Cell] = []

    def object_of(self, variable: Variable) -> Any:
        """Return the object for a variable."""
        known = self._session.domain.as_constant(variable)
        if known is not NOT_CONSTANT:
            return known
        if isinstance(variable, FunctionVariable):
            return self._function(variable)
        if isinstance(variable, BoundMethodVariable):
            function = self.object_of(variable.function)
            return types.MethodType(function, self.object_of(variable.receiver)) if callable(function) else function
        if isinstance(variable, PartialVariable):
            args = [self.object_of(item) for item in variable.args]
            named = {name: self.object_of(item) for name, item in variable.keywords.items()}
            return functools.partial(self.object_of(variable.function), *args, **named)
        value = getattr(variable, "value", NEW)
        if value is NEW or value is None or self._session.is_symbolic(variable) or self._is_stale(variable):
            return ComptimeVar(self._session, variable)
        return value

    def _is_stale(self, variable: Variable) -> bool:
        """Tell whether an existing container has another content by now; other objects are of use even so."""
        return id(variable) in self._changed and not isinstance(variable, ObjectVariable)

    def _function(self, variable: FunctionVariable) -> types.FunctionType:
        if variable.value is not NEW:
            return variable.value  # type: ignore[no-any-return]
        names = variable.code.co_freevars
        closure = [self._cell(name, cell) for name, cell in zip(names, variable.closure or (), strict=True)]
        function = types.FunctionType(variable.code, variable.globals, variable.name, None, tuple(closure))
        function.__qualname__ = variable.qualname
        if variable.defaults:
            function.__defaults__ = tuple([self.object_of(item) for item in variable.defaults])
        if variable.kwdefaults:
            function.__kwdefaults__ = {name: self.object_of(item) for name, item in variable.kwdefaults.items()}
        return function

    def _cell(self, name: str, cell: CellVariable) -> types.CellType:
        if cell.value is not None and id(cell) not in self._changed:
            return cell.value
        made = self._made.get(id(cell))
        if made is None:
            made = self._made[id(cell)] = types.CellType()
            content = self._session.cell_content(cell)
            if content is not UNBOUND:
                made.cell_contents = self.object_of(content)
                self.cells.append(Cell(name, made, made.cell_contents))
        return made


_PLAIN: frozenset[type] = frozenset({
    torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, range, slice, frozenset,
})  # fmt: skip
"""Types whose objects are constants, beside the atoms."""

_NUMBERS = (torch.SymInt, torch.SymFloat, torch.SymBool)

_Build = Callable[[list[Variable]], Any]


def variable_of(session: Session, value: Any, call: str) -> Variable:
    """Return the variable of what a comptime function returned, or gave to `ctx.emit`.

    Args:
        session: the capture.
        value: a `ComptimeVar`, a Python constant, a symbolic number of this capture, what `guards_of` and `origin_of`
            return, or a tuple, list or dictionary of such.
        call: who gave it, for the message.

    Raises:
        ComptimeArgumentError: it is something else.
    """
    return _variable_of(session, value, call, frozenset())


def _variable_of(session: Session, value: Any, call: str, inside: frozenset[int]) -> Variable:
    domain, kind = session.domain, type(value)
    if kind is ComptimeVar:
        return variable_in(session, value, call)
    if kind in ATOMS:
        return domain.constant(value)
    if kind in _NUMBERS and value.node.shape_env is session.shape_env:
        return session.number(value)
    if kind is GuardNote or kind is Origin:
        return domain.reference(value, kind.__name__)
    answer: Any = None
    if kind in (tuple, list, dict) and id(value) not in inside:
        inside |= {id(value)}
        if kind is dict:
            keys, items = [[_variable_of(session, one, call, inside) for one in part] for part in _parts(value)]
            answer = domain.build_map(keys, items)
        else:
            items = [_variable_of(session, item, call, inside) for item in value]
            answer = domain.build_tuple(items) if kind is tuple else domain.build_list(items)
    elif kind in _PLAIN:
        answer = domain.from_native(value)
    if type(answer) is Value:
        return answer.value  # type: ignore[no-any-return]
    raise ComptimeArgumentError(
        call, "must give a ComptimeVar or a Python constant", f"giving {a_or_an(kind.__name__)}", _remedy(value),
        session.where(),
    )  # fmt: skip


def _parts(value: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    return list(value), list(value.values())


def _remedy(value: object) -> str:
    if isinstance(value, torch.fx.Proxy):
        return "put the call into the graph by ctx.emit(function, ...), which gives a ComptimeVar"
    if isinstance(value, torch.Tensor):
        return "give the ComptimeVar itself rather than its fake tensor, or ctx.emit(function, ...)"
    return "give ctx.get_local(name), ctx.emit(function, ...), a number, a string, None, or a container of such"
