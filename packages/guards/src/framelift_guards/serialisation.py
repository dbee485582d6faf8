"""Guards to data that JSON holds, and back: by value and by name, and never by running what the data says.

What a guard is made of is written by value where it is plain data, by name where a name stands for it in another
process too, and code by its hash. What is told by its identity is refused. Reading finds names in modules that are
imported already, and makes no object but guards; a function that a guard calls must be marked as one that only reads,
or one of a few of Python's and torch's that are listed (`naming`).
"""

from __future__ import annotations

import ast
import json
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, cast

from framelift_guards.declared import require_declared
from framelift_guards.naming import (
    IDENTITY,
    Called,
    NotNamed,
    Reader,
    Sought,
    code_hash,
    find,
    function_name,
    function_named,
    made_of,
    name_of,
)
from framelift_guards.plain import SINGLETONS, is_plain, show
from framelift_guards.predicates import CodeHashIs, Equals, Is, Length, Predicate, TypeIs
from framelift_guards.predicates.container import Key
from framelift_guards.reference import Reference
from framelift_guards.roots import FreeVariableSource, Namespace
from framelift_guards.source import AttributeSource, Source, Step, TupleItemSource

__all__ = ["NotSerialisable", "UnreadableGuards", "guards_from_json", "guards_to_json"]

SCHEMA = "framelift-guards/1"


class Line(Protocol):
    """What is written of a line of the user's."""

    @property
    def filename(self) -> str: ...

    @property
    def line(self) -> int: ...

    @property
    def function(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def use(self) -> str: ...


class Written(Protocol):
    """What is written of a guard."""

    @property
    def source(self) -> Source | None: ...

    @property
    def predicate(self) -> Predicate: ...

    @property
    def user_line(self) -> Line | None: ...


Made = TypeVar("Made")
MadeLine = TypeVar("MadeLine")

_EXACT = 1 << 53
"""Integers below this are numbers in JSON; others are texts, since readers of JSON may round them."""
_NODES: dict[str, type[ast.AST]] = {
    node.__name__: node
    for node in (
        *(ast.Constant, ast.Name, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Call, ast.IfExp, ast.Tuple),
        ast.Load,
        *ast.cmpop.__subclasses__(),
        *ast.boolop.__subclasses__(),
        *ast.operator.__subclasses__(),
        *ast.unaryop.__subclasses__(),
    )
}
"""What an expression in JSON may consist of: nothing that reaches into a value."""


class NotSerialisable(TypeError):
    """A guard that says nothing outside of this process.

    Args:
        guard: the guard.
        subject: the object that it is about; for a function that a guard calls, the function.
        why: why that cannot be written.

    >>> from framelift_guards import Guard, GuardSet, Is, LocalSource
    >>> class Model: ...
    >>> model = Model()
    >>> GuardSet([Guard(LocalSource("m"), Is(model))]).to_json()
    Traceback (most recent call last):
    framelift_guards.serialisation.NotSerialisable: the guard "L['m'] is <Model>" cannot be written as JSON for \
<Model>: it is told by its identity, which means nothing in another process
    """

    def __init__(self, guard: Written, subject: object, why: str) -> None:
        self.guard, self.subject, self.why = guard, subject, why
        line = "" if guard.user_line is None else f" ({guard.user_line} {guard.user_line.use})"
        super().__init__(f'the guard "{guard}"{line} cannot be written as JSON for {_shown(subject)}: {why}')


class UnreadableGuards(ValueError):
    """Text that holds no guards, or guards about what does not exist here.

    >>> from framelift_guards import GuardSet
    >>> GuardSet.from_json("[]")
    Traceback (most recent call last):
    framelift_guards.serialisation.UnreadableGuards: guards in JSON must be an object whose "schema" is \
"framelift-guards/1", not []
    """


class _Refusal(Exception):
    def __init__(self, subject: object, why: str) -> None:
        super().__init__(why)
        self.subject, self.why = subject, why


def guards_to_json(guards: Iterable[Written], function: types.FunctionType | None = None) -> str:
    """Return guards as JSON; see ``GuardSet.to_json``."""
    writer = _Writer(function)
    return json.dumps({"schema": SCHEMA, "guards": [written for guard in guards for written in writer.guard(guard)]})


def guards_from_json(
    text: str,
    make: Callable[[Source | None, Predicate, MadeLine | None], Made],
    line: Callable[..., MadeLine],
    function: types.FunctionType | None = None,
) -> Iterator[Made]:
    """Yield guards from JSON; see ``GuardSet.from_json``."""
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableGuards(f"guards must be JSON: {error}") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("guards"), list):
        raise UnreadableGuards(f'guards in JSON must be an object whose "schema" is "{SCHEMA}", not {text[:60]}')
    reader = _Reader(function)
    for number, one in enumerate(data["guards"]):
        try:
            source, predicate = reader.optional_source(one["source"]), reader.predicate(one["predicate"])
            yield make(source, predicate, None if one["line"] is None else line(*_line(one["line"])))
        except UnreadableGuards as error:
            raise UnreadableGuards(f"guard {number} in JSON: {error}") from error
        except NotNamed as error:
            raise UnreadableGuards(f"guard {number} in JSON is about something that is not here: {error}") from error
        except Exception as error:  # whatever a class of guards says of data that it cannot be made from
            raise UnreadableGuards(f"guard {number} in JSON is not well formed: {_error(error)}") from error


class _Writer:
    def __init__(self, function: types.FunctionType | None) -> None:
        self._cells = _cells_of(function)

    def guard(self, guard: Written) -> Iterator[dict[str, object]]:
        """Yield a guard as data; more than one stand for one that is told by the identity of a tuple of defaults."""
        line = guard.user_line
        told = None if line is None else [line.filename, line.line, line.function, line.text, line.use]
        try:
            for source, predicate in self._told(guard.source, guard.predicate):
                yield {
                    "source": None if source is None else self.source(source),
                    "predicate": self._instance(predicate, predicate.ingredients()),
                    "line": told,
                }
        except _Refusal as refusal:
            raise NotSerialisable(guard, refusal.subject, refusal.why) from None
        except RecursionError:
            raise NotSerialisable(guard, guard.predicate, "it is nested too deeply") from None

    def _told(self, source: Source | None, predicate: Predicate) -> Iterator[tuple[Source | None, Predicate]]:
        """Yield what is to be written: the same, or what it says of an object that another process has its own of."""
        if not isinstance(predicate, Is) or not predicate.reference.alive:
            yield source, predicate
            return
        expected = predicate.reference.get()
        if isinstance(source, AttributeSource) and source.attr == "__defaults__" and type(expected) is tuple:
            yield from _of_content(source, expected)
        elif is_plain(expected) and type(expected) not in SINGLETONS:
            raise _Refusal(expected, IDENTITY)
        else:
            yield source, predicate

    def source(self, source: Source) -> list[object]:
        return [self._step(step) for step in reversed(list(source.ancestors()))]

    def _step(self, source: Source) -> dict[str, object]:
        if isinstance(source, FreeVariableSource) and self._cells.get(source.variable) is not source.cell:
            raise _Refusal(source.cell, f"it is the cell of {source.variable!r}; pass the function that it belongs to")
        return self._instance(source, source.ingredients())

    def _instance(self, one: Predicate | Source, ingredients: Iterable[object] | None) -> dict[str, object]:
        kind = type(one)
        if ingredients is None:
            raise _Refusal(one.__dict__.get("function", one), "it is a function of the user's")
        try:
            name = name_of(kind)
        except NotNamed as error:
            raise _Refusal(kind, str(error)) from None
        return {"is": _short(name), "of": [self.value(ingredient) for ingredient in ingredients]}

    def value(self, ingredient: object) -> object:
        """Return an ingredient as data."""
        for kind, write in _WRITE:
            if issubclass(type(ingredient), kind):
                return write(self, ingredient)
        return self.content(ingredient)

    def content(self, value: object) -> object:
        """Return an object of the user's as data: plain data by value, code by its hash, any other by name."""
        if value is None or type(value) in (bool, str) or (type(value) is int and -_EXACT < value < _EXACT):
            return value
        if type(value) is types.CodeType:
            return {"code": [code_hash(value), value.co_qualname, self._home(value)]}
        if type(value) is types.CellType:
            return self._cell(value)
        return self._plain(value) if is_plain(value) else self._named(value)

    def _cell(self, cell: types.CellType) -> object:
        name = next((name for name, one in self._cells.items() if one is cell), None)
        if name is None:
            raise _Refusal(cell, "it is the cell of a function; pass the function that it belongs to")
        return {"cell": name}

    def _sought(self, sought: Sought) -> object:
        data = self.content(sought.key)
        if is_plain(sought.key) and _Reader(None).value(data) != sought.key:
            raise _Refusal(sought.key, "a NaN is found in a container by its identity")
        return data

    def _referred(self, reference: Reference) -> object:
        if not reference.alive:
            raise _Refusal(None, "it is about an object that no longer exists")
        return self.content(reference.get())

    def _named(self, value: object) -> dict[str, object]:
        made = made_of(value)
        if made is not None:
            return {"made": [made[0], self._named(made[1])]}
        try:
            name = name_of(value)
            if type(value) is types.FunctionType:
                return {"named": name, "code": code_hash(value.__code__)}
            return {"named": name} if type(value) is not property else {"named": name, "code": _property_hash(value)}
        except NotNamed as error:
            raise _Refusal(value, str(error)) from None

    def _plain(self, value: object) -> object:
        kind = type(value)
        if kind is tuple:
            return {"tuple": [self.content(item) for item in cast(tuple[object, ...], value)]}
        if kind is int:
            return {"int": hex(cast(int, value))}
        if kind is float:
            return {"float": cast(float, value).hex()}
        if kind is complex:
            number = cast(complex, value)
            return {"complex": [number.real.hex(), number.imag.hex()]}
        if kind is bytes:
            return {"bytes": cast(bytes, value).hex()}
        if kind in (range, slice):
            bounds = cast(slice, value)
            return {kind.__name__: [self.content(one) for one in (bounds.start, bounds.stop, bounds.step)]}
        if kind is frozenset:
            return {
                "frozenset": sorted([self.content(item) for item in cast(frozenset[object], value)], key=json.dumps)
            }
        return {"constant": repr(value)}

    def _namespace(self, namespace: Namespace) -> list[object]:
        name = dict.get(namespace.variables, "__name__")
        module = sys.modules.get(name) if type(name) is str else None
        if not issubclass(type(module), types.ModuleType) or _variables_of(module) is not namespace.variables:
            raise _Refusal(namespace, "it is a dictionary of global variables that belongs to no imported module")
        return [name, namespace.label]

    def _function(self, function: object) -> object:
        if isinstance(function, Reader):
            return {
                "name": self._named(type(function))["named"],
                "of": [self.content(part) for part in function.parts()],
            }
        try:
            return function_name(function)
        except NotNamed as error:
            raise _Refusal(function, str(error)) from None

    def _home(self, code: types.CodeType) -> str | None:
        for name, module in list(sys.modules.items()):
            if type(module) is types.ModuleType and module.__dict__.get("__file__") == code.co_filename:
                return name if _code_named(name, code.co_qualname) is code else None
        return None

    def _node(self, node: object) -> object:
        if isinstance(node, list):
            return [self._node(item) for item in node]
        if not isinstance(node, ast.AST):
            return {"value": self.value(node)}
        name = type(node).__name__
        if name not in _NODES:
            raise _Refusal(node, f"it is an expression with {name}, and those in JSON compare and compute only")
        present = [field for field in node._fields if hasattr(node, field)]
        return {"node": name, "fields": {field: self._node(getattr(node, field)) for field in present}}


_WRITE: tuple[tuple[type, Callable[[_Writer, Any], object]], ...] = (
    (Source, lambda writer, source: {"source": writer.source(source)}),
    (Namespace, lambda writer, namespace: {"namespace": writer._namespace(namespace)}),
    (Reference, _Writer._referred),
    (Key, lambda writer, key: writer._referred(key.reference)),
    (Sought, _Writer._sought),
    (Called, lambda writer, called: {"function": writer._function(called.function)}),
    (ast.AST, lambda writer, node: {"ast": writer._node(node)}),
    (dict, lambda writer, items: {"by name": {name: writer.value(item) for name, item in items.items()}}),
    (list, lambda writer, items: {"list": [writer.value(item) for item in items]}),
    (tuple, lambda writer, items: {"tuple": [writer.value(item) for item in items]}),
)
"""How ingredients are written that are no objects of the user's; those come in a reference, but for plain data."""


class _Reader:
    def __init__(self, function: types.FunctionType | None) -> None:
        self._cells = _cells_of(function)

    def optional_source(self, data: Any) -> Source | None:
        return None if data is None else self.source(data)

    def source(self, data: Any) -> Source:
        root, *steps = _list(data)
        source = self._root(root)
        require_declared(source)
        for step in steps:
            source = _class_named(step["is"], Step).made_from(source, *self._ingredients(step))
            require_declared(source)
        return source

    def _ingredients(self, data: Any) -> list[object]:
        return [self.value(one) for one in _list(data["of"])]

    def _root(self, data: Any) -> Source:
        kind = _class_named(data["is"], Source)
        if issubclass(kind, FreeVariableSource):
            name = data["of"][0]
            if name not in self._cells:
                raise UnreadableGuards(f"it is about the free variable {name!r}; pass the function that has it")
            return kind(name, self._cells[name])
        return kind.made_from(*self._ingredients(data))

    def predicate(self, data: Any) -> Predicate:
        made = _class_named(data["is"], Predicate).made_from(*self._ingredients(data))
        require_declared(made)
        return made

    def value(self, data: Any) -> object:
        if not isinstance(data, dict):
            if data is None or type(data) in (bool, str, int):
                return data
            raise UnreadableGuards(f"a value must be null, a bool, a string, an integer or an object, not {show(data)}")
        if "named" in data:
            return self._named(data)
        ((tag, content),) = data.items()
        read = _READ.get(tag)
        if read is None:
            raise UnreadableGuards(f"nothing is written as {tag!r}")
        return read(self, content)

    def _named(self, data: dict[str, Any]) -> object:
        found = find(data["named"])
        code = data.get("code")
        if type(found) is types.FunctionType and code_hash(found.__code__) != code:
            raise NotNamed(f"{data['named']} is another function here than the one that was guarded")
        if type(found) is property and _property_hash(found) != code:
            raise NotNamed(f"{data['named']} is another property here than the one that was guarded")
        return found

    def _function(self, data: Any) -> Called:
        if type(data) is str:
            found = function_named(data)
            if isinstance(found, type) and issubclass(found, Reader):
                raise UnreadableGuards(f"{data!r} is a class of functions; say what it is made of")
            return Called(found)
        made = function_named(data["name"])
        if not (isinstance(made, type) and issubclass(made, Reader)):
            raise UnreadableGuards(f"{data['name']!r} is made of nothing")
        return Called(made(*[self.value(part) for part in data["of"]]))

    def _made(self, content: Any) -> object:
        maker, of = content
        function = function_named(maker)
        if type(function) is not types.FunctionType:
            raise UnreadableGuards(f"{maker!r} makes no classes")
        return function(self.value(of))

    def _code(self, content: Any) -> object:
        digest, name, home = content
        code = None if home is None else _code_named(home, name)
        return code if code is not None and code_hash(code) == digest else CodeHashIs(digest, name)

    def _cell(self, name: Any) -> types.CellType:
        if name not in self._cells:
            raise UnreadableGuards(f"it is about the cell of the free variable {name!r}; pass the function that has it")
        return self._cells[name]

    def _namespace(self, content: Any) -> Namespace:
        name, label = content
        module = find(f"{name}:")
        if not issubclass(type(module), types.ModuleType):
            raise UnreadableGuards(f"{name!r} is no module")
        if type(label) is not str:
            raise UnreadableGuards(f"the label of a module must be a string, not {show(label)}")
        return Namespace(_variables_of(module), label)

    def _node(self, data: Any) -> Any:
        if isinstance(data, list):
            return [self._node(item) for item in data]
        if "value" in data:
            return self.value(data["value"])
        kind = _NODES.get(data["node"])
        if kind is None:
            raise UnreadableGuards(f"an expression in JSON has no {data['node']!r}")
        if kind is ast.Call and data["fields"]["func"].get("node") != "Name":
            raise UnreadableGuards("an expression in JSON calls only what a name stands for")
        return kind(**{str(field): self._node(one) for field, one in data["fields"].items()})


_CONSTANTS: dict[str, object] = {"Ellipsis": ..., "NotImplemented": NotImplemented}
_READ: dict[str, Callable[[_Reader, Any], object]] = {
    "source": _Reader.source,
    "namespace": _Reader._namespace,
    "function": _Reader._function,
    "code": _Reader._code,
    "made": _Reader._made,
    "cell": _Reader._cell,
    "ast": _Reader._node,
    "by name": lambda reader, content: {str(name): reader.value(one) for name, one in content.items()},
    "list": lambda reader, content: [reader.value(one) for one in _list(content)],
    "tuple": lambda reader, content: tuple([reader.value(one) for one in _list(content)]),
    "frozenset": lambda reader, content: frozenset([reader.value(one) for one in _list(content)]),
    "range": lambda reader, content: range(*[cast(int, reader.value(one)) for one in _list(content)]),
    "slice": lambda reader, content: slice(*[reader.value(one) for one in _list(content)]),
    "int": lambda _, content: int(content, 16),
    "float": lambda _, content: float.fromhex(content),
    "complex": lambda _, content: complex(*[float.fromhex(one) for one in content]),
    "bytes": lambda _, content: bytes.fromhex(content),
    "constant": lambda _, content: _CONSTANTS[content],
}


_variables_of: Callable[[object], dict[str, object]] = vars(types.ModuleType)["__dict__"].__get__


def _of_content(source: Source, expected: object) -> Iterator[tuple[Source, Predicate]]:
    """Yield what makes an object of another process as good as this one: plain data by value, all else as it is."""
    if is_plain(expected):
        yield source, Equals(expected)
    elif type(expected) is tuple:
        yield source, TypeIs(tuple)
        yield source, Length(len(expected))
        for index, item in enumerate(expected):
            yield from _of_content(TupleItemSource(source, index), item)
    else:
        yield source, Is(expected)


Kind = TypeVar("Kind", bound="Source | Predicate")


def _class_named(name: object, base: type[Kind]) -> type[Kind]:
    """Return the class of sources or predicates that a name stands for."""
    if type(name) is not str:
        raise UnreadableGuards(f"a class must be named by a string, not {show(name)}")
    found = find(name if ":" in name else f"{_HOME}:{name}")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UnreadableGuards(f"{name!r} is no class of {base.__name__.lower()}s")
    return found


_HOME = "framelift_guards"


def _short(name: str) -> str:
    """Return the name of a class as it is written: those that the package exports go without their module."""
    plain = name.rpartition(":")[2]
    exported = getattr(sys.modules[_HOME], "__dict__", {}).get(plain)
    return plain if exported is not None and name_of(exported) == name else name


def _property_hash(value: property) -> list[str | None]:
    """Return the hashes of the code of a property's functions."""
    functions = (value.fget, value.fset, value.fdel)
    return [code_hash(one.__code__) if type(one) is types.FunctionType else None for one in functions]


def _code_named(module: str, name: str) -> types.CodeType | None:
    """Return the code of a function by its qualified name, that of one inside another function included."""
    outer, *inner = name.split(".<locals>.")
    found = _find_function(module, outer)
    for part in inner:
        if found is None:
            return None
        nested = [
            one for one in found.co_consts if type(one) is types.CodeType and one.co_qualname.endswith(f".{part}")
        ]
        found = nested[0] if len(nested) == 1 else None
    return found


def _find_function(module: str, name: str) -> types.CodeType | None:
    try:
        found = find(f"{module}:{name}")
    except NotNamed:
        return None
    if type(found) is property:
        found = found.fget
    elif isinstance(found, staticmethod | classmethod):
        found = found.__func__
    return found.__code__ if type(found) is types.FunctionType else None


def _line(data: Sequence[Any]) -> tuple[str, int, str, str, str]:
    filename, line, function, text, use = _list(data)
    if type(line) is not int or any(type(one) is not str for one in (filename, function, text, use)):
        raise UnreadableGuards(f"a line must be a file, a number, a function, a text and a use, not {show(data)}")
    return filename, line, function, text, use


def _list(data: Any) -> list[Any]:
    if type(data) is not list:
        raise UnreadableGuards(f"a list was expected, not {show(data)}")
    return data


def _shown(subject: object) -> str:
    if type(subject) is types.FunctionType:
        return f"function {subject.__qualname__}"
    if issubclass(type(subject), Predicate | Source | Namespace):
        return repr(subject)
    return "an object" if subject is None else show(subject)


def _error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _cells_of(function: types.FunctionType | None) -> dict[str, types.CellType]:
    if function is None:
        return {}
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
