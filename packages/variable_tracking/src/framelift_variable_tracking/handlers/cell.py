"""Cells of closures."""

from __future__ import annotations

import ast
import types
from typing import Any

from framelift_bytecode_interp import UNBOUND, Value
from framelift_guards import CellContentsSource, Source, TypeIs

from ..emitter import Emitter
from ..handler import Answer, Tracking
from ..variable import CellVariable, Variable
from .identity import IdentityHandler


def _own(variable: Variable) -> CellVariable:
    assert isinstance(variable, CellVariable)
    return variable


class CellHandler(IdentityHandler):
    """`types.CellType`."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(types.CellType))
        return CellVariable(None, source, value, CellContentsSource(source))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        cell = _own(variable)
        if name != "cell_contents":
            return domain.unsupported(variable, f"reading the attribute {name!r}")
        content = domain.cell_content(cell)
        return domain.raise_error(ValueError, "Cell is empty") if content is UNBOUND else Value(content)

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        if name != "cell_contents":
            return domain.unsupported(variable, f"setting the attribute {name!r}")
        return domain.store_cell(domain.frame, _own(variable), value)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.call(types.CellType)

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        cell = _own(variable)
        if cell.content is not UNBOUND and cell.content is not None:
            target = ast.Attribute(emitter.value(cell), "cell_contents", ast.Store())
            emitter.statement(ast.Assign([target], emitter.value(cell.content)))


HANDLERS = {types.CellType: CellHandler()}
