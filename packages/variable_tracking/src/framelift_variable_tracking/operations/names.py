"""Names: globals, builtins, cells, locals, the namespaces of class bodies."""

from __future__ import annotations

import sys
import types
from typing import Any

from framelift_bytecode_interp import UNBOUND, Break, Frame, Raise, Result, Unwind, Value
from framelift_guards import BuiltinSource, ConstantSource, DictItemSource, GlobalSource, Is, LacksKey, NamespaceSource

from ..effects import DeleteCell, DeleteGlobal, StoreCell, StoreGlobal
from ..handler import Tracking
from ..reasons import UnsupportedFeature
from ..variable import DELETED, CellVariable, ConstantVariable, ExceptionVariable, ModuleVariable, Variable
from .state import Globals, State

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)


class Names(State):
    """The operations of `framelift_bytecode_interp.domain.Names`."""

    # ---- globals ----------------------------------------------------------------------------------------------------

    def load_global(self, frame: Frame[Variable], name: str) -> Result[Variable]:
        found = frame.globals.known.get(name)
        if found is None:
            found = self._read_global(frame.globals, name)
            if found is not None:
                self.guard_function(frame.globals, name)
        if found is not None and found is not DELETED:
            return Value(found)
        return self.load_builtin(frame, name)

    def raise_name_error(self, text: str, name: str) -> Raise[Variable]:
        """Raise the NameError of a name, which it holds; an UnboundLocalError holds none (Python/ceval.c)."""
        raised = self.raise_error(NameError, text)
        assert isinstance(raised.exception, ExceptionVariable)
        raised.exception.missing = {"name": ConstantVariable(name)}
        return raised

    def load_builtin(self, frame: Frame[Variable], name: str) -> Result[Variable]:
        """Return a builtin that no global hides, or raise NameError."""
        scope = self.builtins
        if not frame.globals.standard:
            return Break(UnsupportedFeature("a namespace with builtins of its own"))
        found = scope.known.get(name)
        if found is None:
            if name not in scope.variables:
                self.guard(NamespaceSource(scope.namespace), LacksKey(name))
                return self.raise_name_error(f"name {name!r} is not defined", name)
            value = scope.variables[name]
            source = ConstantSource(name, value) if frame.globals.trusted else BuiltinSource(name)
            found = scope.known[name] = self.wrap(value, source)
        return Value(found)

    def read_global(self, scope: Globals, name: str) -> Variable | None:
        """Return a global variable, or None when there is none; either is guarded."""
        found = scope.known.get(name)
        if found is None:
            found = self._read_global(scope, name)
        return None if found is DELETED else found

    def _read_global(self, scope: Globals, name: str) -> Any:
        variables = scope.variables
        if name not in variables:
            if not scope.trusted:
                self.guard(NamespaceSource(scope.namespace), LacksKey(name))
            return None
        value = variables[name]
        if scope.hidden or (scope.trusted and self.handler_for(type(value)).trusted):
            found = self.wrap(value, ConstantSource(f"{variables.get('__name__')}.{name}", value))
        else:
            found = self.wrap(value, GlobalSource(name, scope.namespace))
        scope.known[name] = found
        return found

    def guard_function(self, scope: Globals, name: str) -> None:
        """Rely on a function of a trusted module: programs do patch `torch.sin`, and what torch's own code calls."""
        value = scope.variables.get(name)
        if scope.trusted and not scope.hidden and type(value) in _FUNCTIONS and scope.known.get(name) is not DELETED:
            source = scope.known[name].source
            if type(source) is ConstantSource:
                self.guard(GlobalSource(name, scope.namespace), Is(value))

    def write_global(self, scope: Globals, name: str, value: Variable) -> None:
        """Store a global variable, now and in the log."""
        scope.known[name] = value
        self.effects.record(StoreGlobal(scope.namespace, name, value))

    def store_global(self, frame: Frame[Variable], name: str, value: Variable) -> Result[Variable]:
        self.write_global(frame.globals, name, value)
        return Value(value)

    def delete_global(self, frame: Frame[Variable], name: str) -> Result[Variable]:
        scope: Globals = frame.globals
        if self.read_global(scope, name) is None:
            return self.raise_name_error(f"name {name!r} is not defined", name)
        scope.known[name] = DELETED
        self.effects.record(DeleteGlobal(scope.namespace, name))
        return Value(self.none)

    # ---- names of class bodies --------------------------------------------------------------------------------------

    def load_name(self, frame: Frame[Variable], name: str) -> Result[Variable]:
        if frame.extra is not None and name in frame.extra:
            return Value(frame.extra[name])
        return self.load_global(frame, name)

    def store_name(self, frame: Frame[Variable], name: str, value: Variable) -> Result[Variable]:
        if frame.extra is None:
            return self.store_global(frame, name, value)
        frame.extra[name] = value
        return Value(value)

    def delete_name(self, frame: Frame[Variable], name: str) -> Result[Variable]:
        if frame.extra is None:
            return self.delete_global(frame, name)
        if name not in frame.extra:
            return self.raise_name_error(f"name {name!r} is not defined", name)
        del frame.extra[name]
        return Value(self.none)

    def load_class_variable(
        self, frame: Frame[Variable], namespace: Variable, cell: Any, name: str
    ) -> Result[Variable]:
        if frame.extra is not None and name in frame.extra:
            return Value(frame.extra[name])
        return self.load_global(frame, name) if cell is None else self.load_cell(frame, cell, name)

    def load_namespace(self, frame: Frame[Variable]) -> Result[Variable]:
        return Break(UnsupportedFeature("locals() of a class body"))

    # ---- cells and locals -------------------------------------------------------------------------------------------

    def make_cell(self, content: Any) -> CellVariable:
        return CellVariable(content)

    def cell_content(self, cell: CellVariable) -> Any:
        """Return the variable in a cell, or UNBOUND."""
        if cell.content is None:
            assert cell.value is not None
            assert cell.content_source is not None
            try:
                value = cell.value.cell_contents
            except ValueError:
                raise Unwind(Break(UnsupportedFeature("an empty cell of an existing function"))) from None
            else:
                cell.content = self.wrap(value, cell.content_source)
        return cell.content

    def load_cell(self, frame: Frame[Variable], cell: CellVariable, name: str) -> Result[Variable]:
        content = cell.content
        if content is None:
            content = self.cell_content(cell)
        if content is not UNBOUND:
            return Value(content)
        if name in frame.code.raw.co_freevars:
            text = f"cannot access free variable {name!r} where it is not associated with a value in enclosing scope"
            return self.raise_name_error(text, name)
        text = f"cannot access local variable {name!r} where it is not associated with a value"
        return self.raise_error(UnboundLocalError, text)

    def store_cell(self, frame: Frame[Variable], cell: CellVariable, value: Variable) -> Result[Variable]:
        cell.content = value
        if cell.source is not None:
            self.effects.record(StoreCell(cell, value))
        return Value(value)

    def delete_cell(self, frame: Frame[Variable], cell: CellVariable, name: str) -> Result[Variable]:
        found = self.load_cell(frame, cell, name)
        if type(found) is not Value:
            return found
        cell.content = UNBOUND
        if cell.source is not None:
            self.effects.record(DeleteCell(cell))
        return Value(self.none)

    def store_local(self, frame: Frame[Variable], name: str, value: Variable) -> Variable:
        return value

    # ---- imports ----------------------------------------------------------------------------------------------------

    def import_name(self, frame: Frame[Variable], name: str, fromlist: Variable, level: Variable) -> Result[Variable]:
        package = frame.globals.variables.get("__package__")
        distance, wanted = self.as_constant(level), self.as_constant(fromlist)
        if distance and type(package) is not str:
            return Break(UnsupportedFeature("a relative import"))
        if distance:
            parent = package.rsplit(".", distance - 1)[0]
            name = f"{parent}.{name}" if name else parent
        module = sys.modules.get(name)
        spec = getattr(module, "__spec__", None) if type(module) is types.ModuleType else None
        if spec is None or getattr(spec, "_initializing", False):
            return Break(UnsupportedFeature("an import statement", f"{name!r} is not imported yet, and runs its code"))
        if not wanted and not distance:
            name = name.partition(".")[0]
        if not wanted and distance:
            return Break(UnsupportedFeature("a relative import without names"))
        # A module that was imported before is only looked up.
        source = DictItemSource(ConstantSource("sys.modules", sys.modules), name)
        found = self.wrap(sys.modules[name], source)
        if wanted and "__path__" in vars(sys.modules[name]):
            for member in wanted:  # a package's missing member is imported as a module: importlib's _handle_fromlist
                if member != "*" and type(self.tracking.get_attribute(found, member)) is not Value:
                    reason = f"{name!r} has no {member!r} yet, which may be a module that is not imported yet"
                    return Break(UnsupportedFeature("an import statement", reason))
        return Value(found)

    def import_from(self, frame: Frame[Variable], module: Variable, name: str) -> Result[Variable]:
        tracking: Tracking = self.tracking
        if not isinstance(module, ModuleVariable) or type(module.value) is not types.ModuleType:
            return self.unsupported(module, "import from")
        found = tracking.get_attribute(module, name)
        if type(found) is Raise:  # CPython asks sys.modules next, and then raises ImportError (import_from in ceval.c)
            return Break(UnsupportedFeature("an import statement", f"{module.value.__name__!r} has no {name!r}"))
        return found

    def import_star(self, frame: Frame[Variable], module: Variable) -> Result[Variable]:
        return Break(UnsupportedFeature("import *"))
