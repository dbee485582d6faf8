"""Python functions, existing ones and those made in the frame."""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Mapping
from typing import Any

from framelift_bytecode_interp import Break, Value
from framelift_guards import AttributeSource, CodeIs, DictItemSource, DictKeys, Is, LacksKey, Source

from ..effects import DeleteAttribute, SetAttribute, expression
from ..emitter import Emitter
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..polyfills import wrapping
from ..reasons import UnsupportedCall
from ..variable import DELETED, NEW, BoundMethodVariable, FunctionVariable, OpaqueVariable, Variable
from .identity import IdentityHandler

_DEFAULTS = ("__defaults__", "__kwdefaults__")
_PLAIN = (tuple, dict, type(None))


def _own(variable: Variable) -> FunctionVariable:
    assert isinstance(variable, FunctionVariable)
    return variable


def complete_function(
    function: Any, qualname: str, kwdefaults: dict[str, Any] | None, annotations: Any, fields: dict[str, Any]
) -> None:
    """Set what `types.FunctionType` takes no argument for."""
    function.__qualname__ = qualname
    function.__kwdefaults__ = kwdefaults
    if annotations is not None:
        function.__annotations__ = annotations
    for name, value in fields.items():
        setattr(function, name, value)


class FunctionHandler(IdentityHandler):
    """`types.FunctionType`."""

    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, CodeIs(value.__code__))
        if source.local_root is not None:
            # The same code over other globals: two modules made from one file.
            domain.guard(AttributeSource(source, "__globals__"), Is(value.__globals__))
        made = FunctionVariable(value.__code__, value.__globals__, source, value)
        made.name, made.qualname = value.__name__, value.__qualname__
        return made

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        function = _own(variable)
        if function.value is not NEW:
            answer = domain.rule_or_record(function, function.value, args, kwargs)
            if answer is not None:
                return answer
        return domain.new_frame_for(function, args, kwargs)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        function = _own(variable)
        known = function.fields.get(name)
        if known is not None and known is not DELETED:
            return Value(known)
        if known is None and function.value is not NEW and name in function.value.__dict__:
            source = AttributeSource(domain.source_of(function), "__dict__")
            found = domain.wrap(function.value.__dict__[name], DictItemSource(source, name))
            function.fields[name] = found
            return Value(found)
        if name in _NATIVE:
            return self._native(domain, function, name)
        if known is None and function.value is not NEW:
            domain.guard(AttributeSource(domain.source_of(function), "__dict__"), LacksKey(name))
            function.fields[name] = DELETED
        found_on_type = domain.find(types.FunctionType, name)
        if found_on_type is None:
            return domain.raise_error(AttributeError, f"'function' object has no attribute {name!r}")
        if type(found_on_type[1]) in (types.WrapperDescriptorType, types.MethodDescriptorType):
            method = domain.reference(found_on_type[1])
            return Value(BoundMethodVariable(method, function, types.MethodWrapperType))
        return domain.unsupported(function, f"reading the attribute {name!r}")

    def _native(self, domain: Tracking, function: FunctionVariable, name: str) -> Answer:
        if name == "__class__":
            return Value(domain.reference(types.FunctionType))
        if function.value is not NEW and name in _TEXTS and type(getattr(function.value, name)) in (str, type(None)):
            # Functions with one code may have several names: `functools.wraps` renames.
            return Value(domain.wrap(getattr(function.value, name), AttributeSource(domain.source_of(function), name)))
        if name == "__name__":
            return Value(domain.constant(function.name))
        if name == "__qualname__":
            return Value(domain.constant(function.qualname))
        if name == "__code__":
            return Value(domain.constant(function.code))
        if name in _DEFAULTS and function.value is not NEW and type(getattr(function.value, name)) not in _PLAIN:
            # A subclass shows something else than it holds, such as what another function has by then.
            return domain.unsupported(function, f"reading the attribute {name!r}, which is of a subclass")
        if name == "__defaults__":
            values = domain.defaults_of(function)
            if not values and function.value is not NEW:
                domain.guard(AttributeSource(domain.source_of(function), name), Is(function.value.__defaults__))
            return domain.build_tuple(values) if values else Value(domain.constant(None))
        if name == "__kwdefaults__":
            return self._keyword_defaults(domain, function)
        if name == "__module__":
            value = function.globals.get("__name__") if function.value is NEW else function.value.__module__
            return (
                Value(domain.constant(value))
                if type(value) in (str, type(None))
                else domain.unsupported(function, name)
            )
        if name == "__doc__":
            consts = function.code.co_consts
            value = function.value.__doc__ if function.value is not NEW else (consts[0] if consts else None)
            return Value(domain.constant(value if type(value) is str else None))
        if name == "__annotations__":
            return self._annotations(domain, function)
        if name == "__type_params__":
            if function.value is NEW:
                return domain.build_tuple(())
            values = function.value.__type_params__
            return Value(domain.wrap(values, AttributeSource(domain.source_of(function), name)))
        return domain.unsupported(function, f"reading the attribute {name!r}")

    def _keyword_defaults(self, domain: Tracking, function: FunctionVariable) -> Answer:
        """Return `__kwdefaults__`: the dictionary itself, of an existing function."""
        if function.value is not NEW:
            values = function.value.__kwdefaults__
            return Value(domain.wrap(values, AttributeSource(domain.source_of(function), "__kwdefaults__")))
        if not function.kwdefaults:
            return Value(domain.constant(None))
        return domain.unsupported(function, "reading the attribute '__kwdefaults__' of a new function")

    def _annotations(self, domain: Tracking, function: FunctionVariable) -> Answer:
        """Return `__annotations__`: of a new function, MAKE_FUNCTION left a tuple of alternating names and values."""
        if function.annotations is None and function.value is not NEW:
            values = function.value.__annotations__
            function.annotations = domain.wrap(values, AttributeSource(domain.source_of(function), "__annotations__"))
        elif function.annotations is None or function.annotations.python_type() is tuple:
            parts = () if function.annotations is None else domain.sequence(function.annotations) or ()
            made = domain.build_map(parts[::2], parts[1::2])
            if type(made) is not Value:
                return made
            function.annotations = made.value
        return Value(function.annotations)

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        function = _own(variable)
        if name in _NATIVE and not self._set_native(domain, function, name, value):
            return domain.unsupported(function, f"setting the attribute {name!r}")
        function.fields.pop(name, None)
        function.fields[name] = value
        if function.source is not None:
            domain.effects.record(SetAttribute(function, name, value))
        return Value(domain.constant(None))

    def _set_native(self, domain: Tracking, function: FunctionVariable, name: str, value: Variable) -> bool:
        text = domain.as_constant(value)
        if name in {"__name__", "__qualname__"} and type(text) is str:
            setattr(function, "name" if name == "__name__" else "qualname", text)
            return True
        return name in {"__doc__", "__module__", "__annotations__", "__type_params__"}

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        function = _own(variable)
        if name in _NATIVE:
            return domain.unsupported(function, f"deleting the attribute {name!r}")
        present = self.get_attribute(domain, function, name)
        if type(present) is not Value or function.fields.get(name, DELETED) is DELETED:
            return present if type(present) is not Value else domain.unsupported(function, "deleting an attribute")
        function.fields[name] = DELETED
        if function.source is not None:
            domain.effects.record(DeleteAttribute(function, name))
        return Value(domain.constant(None))

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        return domain.unsupported(variable, "repr()")

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "__get__" and 1 <= len(args) <= 2 and not kwargs:
            if domain.as_constant(args[0]) is None:
                return Value(variable)
            return Value(BoundMethodVariable(variable, args[0]))
        if name == "__call__":
            return self.call(domain, variable, args, kwargs)
        return super().call_method(domain, variable, name, args, kwargs)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        function = _own(variable)
        defaults = [emitter.value(value) for value in function.defaults or ()]
        cells = [emitter.value(cell) for cell in function.closure or ()]
        return emitter.call(
            types.FunctionType,
            emitter.constant(function.code, "code"),
            emitter.constant(function.globals, "G"),
            emitter.constant(function.name, "name"),
            ast.Tuple(defaults, ast.Load()) if defaults else ast.Constant(None),
            ast.Tuple(cells, ast.Load()) if cells else ast.Constant(None),
        )

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        function = _own(variable)
        fields = {name: value for name, value in function.fields.items() if value is not DELETED}
        plain = not fields and not function.kwdefaults and function.annotations is None
        if plain and function.qualname == function.code.co_qualname:
            return
        arguments = (
            emitter.constant(function.qualname, "name"),
            _mapping(emitter, function.kwdefaults) if function.kwdefaults else ast.Constant(None),
            _annotations(emitter, function.annotations),
            _mapping(emitter, fields),
        )
        emitter.statement(expression(emitter.call(complete_function, emitter.value(function), *arguments)))


def _annotations(emitter: Emitter, annotations: Variable | None) -> ast.expr:
    """MAKE_FUNCTION's annotations: a tuple of alternating names and values."""
    if annotations is None:
        return ast.Constant(None)
    return emitter.call(_annotation_dict, emitter.value(annotations))


def _annotation_dict(annotations: Any) -> dict[str, Any]:
    return (
        dict(zip(annotations[::2], annotations[1::2], strict=True)) if isinstance(annotations, tuple) else annotations
    )


def _mapping(emitter: Emitter, values: Any) -> ast.expr:
    keys: list[ast.expr | None] = [emitter.constant(name, "name") for name in values]
    return ast.Dict(keys, [emitter.value(value) for value in values.values()])


_TEXTS = frozenset({"__doc__", "__module__", "__name__", "__qualname__"})
"""What of the following is a text."""

_NATIVE = frozenset(
    ["__class__", *(name for name, found in vars(types.FunctionType).items() if hasattr(type(found), "__set__"))]
)
"""What functions keep outside of their dictionary."""


def update_wrapper(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """The rule of `functools.update_wrapper`."""
    names = ("wrapper", "wrapped", "assigned", "updated")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    defaults = (functools.WRAPPER_ASSIGNMENTS, functools.WRAPPER_UPDATES)
    given = {**{name: domain.constant(value) for name, value in zip(names[2:], defaults, strict=True)}, **given}
    if len(args) > len(names) or given.keys() != set(names) or isinstance(given["wrapper"], OpaqueVariable):
        return Break(UnsupportedCall("functools.update_wrapper", "its arguments are unusual"))
    return domain.polyfill(wrapping.update_wrapper, *[given[name] for name in names])


def copy_fields(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """The rule of `wrapping.copy_fields`."""
    wrapper, wrapped = args
    if not isinstance(wrapper, FunctionVariable) or not isinstance(wrapped, FunctionVariable):
        if isinstance(wrapper, FunctionVariable) and wrapped.cls in (type([].append), type(list.append)):
            return Value(domain.constant(None))
        return Break(UnsupportedCall("functools.update_wrapper", "it wraps something that is no function"))
    names = [name for name in wrapped.fields if name not in _NATIVE]
    if wrapped.value is not NEW:
        source = AttributeSource(domain.source_of(wrapped), "__dict__")
        domain.guard(source, DictKeys(list(wrapped.value.__dict__)))
        names = list(dict.fromkeys([*wrapped.value.__dict__, *names]))
    handler = domain.handler_of(wrapped)
    for name in names:
        if wrapped.fields.get(name) is DELETED:
            continue
        value = handler.get_attribute(domain, wrapped, name)
        if type(value) is not Value:
            return value
        handler.set_attribute(domain, wrapper, name, value.value)
    return Value(domain.constant(None))


RULES: Mapping[Any, FunctionRule] = {
    functools.update_wrapper: update_wrapper,
    wrapping.copy_fields: copy_fields,
}
"""The rules about functions."""


HANDLERS = {types.FunctionType: FunctionHandler()}
