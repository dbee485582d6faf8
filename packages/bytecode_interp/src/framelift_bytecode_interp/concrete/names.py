"""Variables of real frames: globals, class namespaces, cells, imports."""

from __future__ import annotations

import sys
from types import CellType
from typing import Any

from ..frame import UNBOUND, Frame
from ..outcome import Raise, Result, Value
from .attempt import attempt


def name_error(message: str, name: str) -> NameError:
    """A NameError that knows its name, for CPython's suggestions."""
    return NameError(message, name=name)


def local_names(frame: Frame[Any]) -> Any:
    """What `locals()` gives in a frame."""
    if frame.namespace is not None:
        hidden = _bound(frame)  # of a comprehension that is inlined in a module or class body
        return {**frame.namespace, **hidden} if hidden else frame.namespace
    return _bound(frame)


def _bound(frame: Frame[Any]) -> dict[str, Any]:
    """The variables in slots that have a value, save those that the compiler adds to class bodies."""
    found = {}
    added = {"__class__", "__classdict__"} if frame.namespace is not None else ()
    free = frame.code.first_free_slot if frame.namespace is not None else len(frame.locals)
    for name, content in zip(frame.code.slot_names[:free], frame.locals, strict=False):
        if name in added:
            continue
        value = content
        if isinstance(content, CellType) and name in (*frame.code.raw.co_cellvars, *frame.code.raw.co_freevars):
            try:
                value = content.cell_contents
            except ValueError:
                continue
        if value is not UNBOUND:
            found[name] = value
    return found


class ConcreteNames:
    """Implements `domain.Names` over dicts and real cells."""

    def load_global(self, frame: Frame[Any], name: str) -> Result[Any]:
        for scope in (frame.globals, frame.builtins):
            try:
                return Value(scope[name])
            except KeyError:
                continue
        return Raise(name_error(f"name '{name}' is not defined", name))

    def store_global(self, frame: Frame[Any], name: str, value: Any) -> Result[Any]:
        frame.globals[name] = value
        return Value(None)

    def delete_global(self, frame: Frame[Any], name: str) -> Result[Any]:
        if name not in frame.globals:
            return Raise(name_error(f"name '{name}' is not defined", name))
        del frame.globals[name]
        return Value(None)

    def load_name(self, frame: Frame[Any], name: str) -> Result[Any]:
        return self.load_class_variable(frame, self._namespace(frame), None, name)

    def store_name(self, frame: Frame[Any], name: str, value: Any) -> Result[Any]:
        return attempt(self._namespace(frame).__setitem__, name, value)

    def delete_name(self, frame: Frame[Any], name: str) -> Result[Any]:
        deleted = attempt(self._namespace(frame).__delitem__, name)
        if isinstance(deleted, Raise) and isinstance(deleted.exception, KeyError):
            return Raise(name_error(f"name '{name}' is not defined", name))
        return deleted

    def load_class_variable(self, frame: Frame[Any], namespace: Any, cell: Any, name: str) -> Result[Any]:
        found = attempt(namespace.__getitem__, name)
        if not isinstance(found, Raise) or not isinstance(found.exception, KeyError):
            return found
        return self.load_global(frame, name) if cell is None else self.load_cell(frame, cell, name)

    def load_namespace(self, frame: Frame[Any]) -> Result[Any]:
        return Value(self._namespace(frame))

    def make_cell(self, content: Any) -> Any:
        return CellType() if content is UNBOUND else CellType(content)

    def load_cell(self, frame: Frame[Any], cell: Any, name: str) -> Result[Any]:
        try:
            return Value(cell.cell_contents)
        except ValueError:
            return Raise(self._empty_cell(frame, name))

    def store_cell(self, frame: Frame[Any], cell: Any, value: Any) -> Result[Any]:
        cell.cell_contents = value
        return Value(None)

    def delete_cell(self, frame: Frame[Any], cell: Any, name: str) -> Result[Any]:
        found = self.load_cell(frame, cell, name)  # deleting the content of an empty cell is silent
        if isinstance(found, Value):
            del cell.cell_contents
        return found

    def store_local(self, frame: Frame[Any], name: str, value: Any) -> Any:
        return value

    def import_name(self, frame: Frame[Any], name: str, fromlist: Any, level: Any) -> Result[Any]:
        importer = frame.builtins.get("__import__")
        if importer is None:
            return Raise(ImportError("__import__ not found"))
        return attempt(importer, name, frame.globals, frame.namespace, fromlist, level)

    def import_from(self, frame: Frame[Any], module: Any, name: str) -> Result[Any]:
        found = attempt(getattr, module, name)
        if not isinstance(found, Raise) or not isinstance(found.exception, AttributeError):
            return found
        package = getattr(module, "__name__", None)
        submodule = sys.modules.get(f"{package}.{name}") if isinstance(package, str) else None
        if submodule is not None:
            return Value(submodule)
        shown = package if isinstance(package, str) else "<unknown module name>"
        origin = getattr(module, "__file__", None)
        place = origin if isinstance(origin, str) else "unknown location"
        error = ImportError(f"cannot import name {name!r} from {shown!r} ({place})", name=shown, path=origin)
        if hasattr(error, "name_from"):  # new in 3.12; `traceback` makes suggestions of it
            error.name_from = name
        return Raise(error)

    def import_star(self, frame: Frame[Any], module: Any) -> Result[Any]:
        namespace = self._namespace(frame)
        names = getattr(module, "__all__", None)
        if names is None:
            names = [name for name in module.__dict__ if not name.startswith("_")]
        for name in names:
            found = attempt(getattr, module, name)
            if isinstance(found, Raise):
                return found
            namespace[name] = found.value
        return Value(None)

    @staticmethod
    def _namespace(frame: Frame[Any]) -> Any:
        return frame.globals if frame.namespace is None else frame.namespace

    @staticmethod
    def _empty_cell(frame: Frame[Any], name: str) -> NameError:
        if name in frame.code.raw.co_freevars:
            return name_error(
                f"cannot access free variable '{name}' where it is not associated with a value in enclosing scope",
                name,
            )
        message = f"cannot access local variable '{name}' where it is not associated with a value"
        return UnboundLocalError(message, name=name)
