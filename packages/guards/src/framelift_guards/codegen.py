"""Generated Python: functions compiled from ``ast`` nodes, never from concatenated text.

Constants live in a :class:`GeneratedNamespace`, the globals of the generated functions. Line numbers are laid out as
``ast.unparse`` would print the tree, and the text is registered with ``linecache`` lazily, so that tracebacks and
debuggers show it while capture does not pay for printing it.
"""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import keyword
import linecache
import re
import types
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Protocol

from framelift_guards import accelerator
from framelift_guards.accelerator import Check, Question

_SERIAL = itertools.count(1)


class Fetchable(Protocol):
    """What can be fetched by an expression: a ``Source``."""

    def to_ast(self, builder: Builder) -> ast.expr:
        """Return the expression that fetches this."""


def is_identifier(name: str) -> bool:
    """Tell whether ``name`` may stand in generated code as it is.

    >>> is_identifier("x"), is_identifier("class"), is_identifier(".0")
    (True, False, False)
    """
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def _stem(hint: str) -> str:
    stem = re.sub(r"\W+", "_", hint, flags=re.ASCII).strip("_")
    return stem if is_identifier(stem) else f"c_{stem}".rstrip("_")


class GeneratedNamespace:
    """The globals of generated functions: names for constants that clash with nothing reserved.

    Args:
        reserved: names that generated code uses for something else, such as the user's parameters.

    >>> namespace = GeneratedNamespace(reserved=["len"])
    >>> namespace.name_of(len, "len")
    'len_1'
    >>> namespace.globals["len_1"] is len
    True
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        # C code that generated code calls looks for builtins here, and may crash when there is no `__import__`:
        # torch's imports a module where a torch-function mode is active. Generated names are bound, never looked up.
        self.globals: dict[str, object] = {"__builtins__": vars(builtins), "__name__": "framelift_generated"}
        self._taken = {*reserved, *self.globals}
        self._names: dict[int, str] = {}
        self._next: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        """Return a new name that resembles ``hint``; it is never given out again."""
        stem = _stem(hint)
        name = stem
        while name in self._taken:
            number = self._next.get(stem, 0) + 1
            self._next[stem] = number
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

    def bind(self, value: object, hint: str) -> str:
        """Hold ``value`` under a new name, and return the name.

        Only a builtin gets a builtin's name: code that runs while its names are dropped must not find another object.

        >>> GeneratedNamespace().bind(3, "len")
        'the_len'
        """
        stem = _stem(hint)
        name = self.fresh(stem if vars(builtins).get(stem, value) is value else f"the_{stem}")
        self.globals[name] = value
        return name

    def name_of(self, value: object, hint: str = "constant") -> str:
        """Return the name of ``value``, the same for the same object."""
        name = self._names.get(id(value))
        if name is None or self.globals.get(name) is not value:  # what has been bound again may be gone, its id reused
            name = self._names[id(value)] = self.bind(value, hint)
        return name

    def drop(self, names: Iterable[str]) -> None:
        """Forget the constants with these names."""
        for name in names:
            value = self.globals.pop(name, None)
            if self._names.get(id(value)) == name:
                del self._names[id(value)]


class Builder:
    """Builds expressions over the locals and constants of one generated function.

    Args:
        namespace: where constants are held.
        renamed: how a local of the user's is called in the generated function, where that differs from its name.

    >>> from framelift_guards import LocalSource
    >>> builder = Builder(GeneratedNamespace(reserved=["x"]))
    >>> ast.unparse(builder.fetch(LocalSource("x").attribute("weight")))
    'x.weight'
    """

    def __init__(self, namespace: GeneratedNamespace, renamed: Mapping[str, str] | None = None) -> None:
        self.namespace = namespace
        self.renamed: Mapping[str, str] = {} if renamed is None else renamed
        self.paths: Sequence[Sequence[object]] = ()
        """All predicates of each specialisation that the code is a part of, for those whose code depends on others."""
        self.subject_type: type | None = None
        """The exact type that the value of the predicate being compiled is known to have, if any."""

    def local(self, name: str) -> ast.expr:
        """Return the expression for the user's local variable ``name``."""
        return ast.Name(self.renamed.get(name, name), ast.Load())

    def constant(self, value: object, hint: str = "constant") -> ast.expr:
        """Return an expression for ``value``: a literal for small plain values, else a name in the namespace."""
        if type(value) in _LITERALS and _printable(value):
            return ast.Constant(value)  # type: ignore[arg-type]
        return self.very(value, hint)

    def very(self, value: object, hint: str = "object") -> ast.expr:
        """Return an expression for this very object, for comparisons by identity: no literal that equals it."""
        if value is None or value is True or value is False:
            return ast.Constant(value)
        return ast.Name(self.namespace.name_of(value, hint), ast.Load())

    def fetch(self, source: Fetchable) -> ast.expr:
        """Return the expression that fetches ``source``."""
        return source.to_ast(self)

    def known_type(self, source: Fetchable) -> type | None:
        """Return the exact type that code before this point has established for ``source``, if any."""
        return None

    def many(self, call: ast.Call) -> ast.Call:
        """Return a call of perhaps many values, which a builder may hand over at once."""
        return call

    def ask(self, questions: Sequence[Question], otherwise: Callable[[], ast.expr]) -> ast.expr:
        """Return the condition that questions have the answers that are expected.

        Args:
            questions: what the accelerator can ask.
            otherwise: makes the condition where there is no accelerator.
        """
        if accelerator.make_state_check is None:
            return otherwise()
        return ast.Call(self.constant(accelerator.make_state_check(tuple(questions)), "state_holds"), [], [])

    def replaceable(self, check: Check, hint: str) -> tuple[ast.Name, Callable[[Check], None]]:
        """Return an expression for a check of many values, and what replaces that check by a better one."""
        name, constants = self.namespace.bind(check, hint), self.namespace.globals  # the check outlives the builder

        def replace(better: Check) -> None:
            if name in constants:  # else the code is gone, and with it what would drop the name
                constants[name] = better

        return ast.Name(name, ast.Load()), replace

    def call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.Call:
        """Return a call of the constant ``function``."""
        hint = getattr(function, "__name__", "function")
        return ast.Call(self.constant(function, hint), list(arguments), [])


_LITERALS: frozenset[type] = frozenset({int, float, str, bytes})


def _printable(value: object) -> bool:
    # ast.unparse of a huge integer is refused by CPython's digit limit; long text would drown the generated code.
    if isinstance(value, int):
        return value.bit_length() <= 64
    if isinstance(value, float):
        return isfinite(value)
    return len(value) <= 200  # type: ignore[arg-type]


_PARTS = (ast.expr, ast.arg, ast.arguments, ast.keyword, ast.comprehension, ast.withitem, ast.alias)
"""What a statement consists of on its own line."""


class _Layout:
    """Gives every node the line that ``ast.unparse`` prints it on."""

    def __init__(self) -> None:
        self.line = 0

    def statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def _expressions(self, node: ast.AST, line: int) -> None:
        # Ends of ranges are left out: tracebacks then show the line without marking a part of it.
        pending = [node]
        while pending:
            current = pending.pop()
            for value in current.__dict__.values():
                if isinstance(value, _PARTS):
                    pending.append(value)
                elif type(value) is list:
                    pending.extend([item for item in value if isinstance(item, _PARTS)])
            current.lineno = line  # type: ignore[attr-defined]
            current.col_offset = 0  # type: ignore[attr-defined]

    def statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.line += 1 if self.line else 0  # unparse prints an empty line before a definition
            self.line += len(statement.decorator_list)
        self.line += 1
        self._expressions(statement, self.line)
        decorators = getattr(statement, "decorator_list", ())
        for line, decorator in enumerate(decorators, self.line - len(decorators)):
            self._expressions(decorator, line)
        self.statements(getattr(statement, "body", ()))
        for handler in getattr(statement, "handlers", ()):
            self.line += 1
            self._expressions(handler, self.line)
            self.statements(handler.body)
        self._orelse(statement)
        if getattr(statement, "finalbody", None):
            self.line += 1
            self.statements(statement.finalbody)  # type: ignore[attr-defined]

    def _orelse(self, statement: ast.stmt) -> None:
        orelse = getattr(statement, "orelse", None)
        if not orelse:
            return
        chained = isinstance(statement, ast.If) and len(orelse) == 1 and isinstance(orelse[0], ast.If)
        if not chained:  # "elif" shares the line of the inner "if"
            self.line += 1
        self.statements(orelse)


def lay_out(definition: ast.FunctionDef) -> None:
    """Give every node of ``definition`` the line number that it has in ``ast.unparse(definition)``."""
    _Layout().statement(definition)


class SourceFile:
    """A file name for generated code and the text that ``linecache`` finds under it, printed when asked for.

    Args:
        label: what the code is for; becomes part of the file name.
        owner: when this object dies, the text is forgotten.
    """

    def __init__(self, label: str, owner: object) -> None:
        # Not "<...>": linecache never asks a lazy loader for such names. Absolute: debuggers know a file by its
        # absolute path, and set no breakpoint where linecache has no text under that name.
        self.filename = f"/framelift-generated/{_stem(label)}_{next(_SERIAL)}.py"
        self._finalizer = weakref.finalize(owner, _forget, self.filename)
        self._finalizer.atexit = False

    def publish(self, text: Callable[[], str]) -> None:
        """Let ``linecache`` find what ``text()`` returns; it is called at most once."""
        linecache.cache[self.filename] = (text,)


def _forget(filename: str) -> None:
    """Empty what ``linecache`` holds for a file; its next check drops the rest, since there is no such file.

    Finalizers run in the middle of anything, so also of that check, which fails where a name is gone that it has listed
    (`checkcache` in Lib/linecache.py of CPython 3.11 and 3.12).
    """
    if filename in linecache.cache:
        linecache.cache[filename] = (0, 0.0, [], filename)


def compile_code(definition: ast.FunctionDef, filename: str) -> types.CodeType:
    """Compile one function definition to the code object of that function.

    Args:
        definition: the function; its line numbers are laid out here.
        filename: the file name that tracebacks show.
    """
    vars(definition).setdefault("type_params", [])  # a field from CPython 3.12 on
    lay_out(definition)
    module = compile(ast.Module([definition], []), filename, "exec", dont_inherit=True)
    return next(code for code in module.co_consts if isinstance(code, types.CodeType))


def compile_function(
    definition: ast.FunctionDef, namespace: GeneratedNamespace, *, label: str | None = None
) -> types.FunctionType:
    """Compile a function definition and register its text with ``linecache`` for as long as the function lives.

    Args:
        definition: the function; defaults of parameters are not allowed, set them on the result.
        namespace: the globals of the function.
        label: part of the file name; the function's name when left out.

    >>> builder = Builder(GeneratedNamespace(reserved=["x"]))
    >>> body = ast.Return(builder.call(len, ast.Name("x", ast.Load())))
    >>> parameters = ast.arguments([], [ast.arg("x")], None, [], [], None, [])
    >>> size = compile_function(ast.FunctionDef("size", parameters, [body], []), builder.namespace)
    >>> size("abc")
    3
    """
    arguments = definition.args
    if arguments.defaults or any(default is not None for default in arguments.kw_defaults):
        raise ValueError(f"{definition.name}: defaults belong on the compiled function, not in its ast")
    function = types.FunctionType((lambda: None).__code__, namespace.globals, definition.name)
    _give_code(function, definition, label or definition.name)
    return function


def compile_late(definition: ast.FunctionDef, namespace: GeneratedNamespace) -> types.FunctionType:
    """Return a generated function that is compiled when it is first called.

    It is given its code then, and stays the same function. (To bind its name anew would leave it in the namespace for
    ever where another thread drops the name meanwhile.)

    Args:
        definition: the function; no parameter has a default.
        namespace: the globals of the function.

    >>> parameters = ast.arguments([], [ast.arg("x")], None, [], [], None, [])
    >>> same = ast.FunctionDef("same", parameters, [ast.Return(ast.Name("x", ast.Load()))], [])
    >>> function = compile_late(same, GeneratedNamespace(reserved=["x"]))
    >>> function(3), function.__code__.co_argcount
    (3, 1)
    """
    function = types.FunctionType(_COMPILE_FIRST, namespace.globals, definition.name)
    function.__kwdefaults__ = {"start": functools.partial(_start, weakref.ref(function), definition, namespace)}
    return function


_COMPILE_FIRST = (lambda *arguments, start: start(arguments)).__code__


def _start(
    late: weakref.ref[types.FunctionType],
    definition: ast.FunctionDef,
    namespace: GeneratedNamespace,
    arguments: tuple[object, ...],
) -> object:
    function = late()
    if function is None:  # it was dropped while it was being called
        return compile_function(definition, namespace)(*arguments)
    _give_code(function, definition, definition.name)
    function.__kwdefaults__ = {}
    return function(*arguments)


def _give_code(function: types.FunctionType, definition: ast.FunctionDef, label: str) -> None:
    file = SourceFile(label, function)
    function.__code__ = compile_code(definition, file.filename)
    file.publish(lambda: ast.unparse(definition) + "\n")
