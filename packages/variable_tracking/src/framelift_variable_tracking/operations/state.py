"""What the operations share: the registry, the variables of existing objects, guards, and how to break or raise."""

from __future__ import annotations

import builtins
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Protocol, cast

from framelift_bytecode_interp import UNBOUND, Break, Code, Enter, Frame, Interpreter, Raise, Result, Value, decode
from framelift_guards import (
    CodeIs,
    ConstantSource,
    DictKeySource,
    Distinct,
    Equals,
    Guard,
    Is,
    Namespace,
    Predicate,
    SameObject,
    Source,
    TypeIs,
    UserLine,
    is_interruption,
)

from ..classes import is_class, is_odd
from ..effects import EffectLog
from ..handler import Tracking, TypeHandler
from ..reasons import BreakReason, UnsupportedOperation
from ..recorder import Recorder
from ..registry import Registry
from ..variable import (
    ATOMS,
    ConstantVariable,
    ExceptionVariable,
    GeneratorVariable,
    HashKey,
    ObjectVariable,
    Opaque,
    Variable,
)
from .usage import use_of_value

MUTABLE_BASES: frozenset[type] = frozenset({list, dict, set, deque, OrderedDict, defaultdict})
"""Built-in classes whose instances change."""

HIDDEN = "__framelift_hidden__"
"""A module that binds this name to true holds code of framelift's own: its frames are not the user's."""

_ABOUT_THE_OBJECT = (Is, TypeIs, CodeIs, Equals)
"""Predicates that hold of a constant for ever."""


def hashed_by_identity(token: object) -> Iterator[Variable]:
    """Yield the variables in what decides whether two keys are equal."""
    if isinstance(token, Variable):
        yield token
    elif type(token) is tuple or type(token) is frozenset:
        for part in token:
            yield from hashed_by_identity(part)


class GuardSink(Protocol):
    """Where guards go; `framelift_guards.GuardSet` is one."""

    def add(self, guard: Guard) -> object:
        """Add a guard."""
        ...


class Globals:
    """The global variables of one module: what was read is cached, what was stored shadows the real dictionary.

    Args:
        namespace: the real dictionary, as sources know it.
        trusted: functions, classes and modules in it need no guard.
        hidden: it is the namespace of framelift's own code.
    """

    __slots__ = ("hidden", "known", "namespace", "standard", "trusted", "variables")

    def __init__(self, namespace: Namespace, *, trusted: bool, hidden: bool) -> None:
        self.namespace = namespace
        self.variables: dict[str, Any] = namespace.variables
        self.known: dict[str, Any] = {}
        self.trusted = trusted
        self.hidden = hidden
        own = self.variables.get("__builtins__", builtins)
        self.standard = own is builtins or own is builtins.__dict__


class State:
    """The state of one capture.

    Args:
        registry: handlers and rules.
        guards: where guards go.
        effects: the log of mutations.
        recorder: who records operations in a graph.

    Attributes:
        interpreter: the interpreter that runs frames over this domain; its driver sets it.
        entry_line: the line that guards are put down to while no frame runs: where an argument is read first, or the
            definition of the captured function.
        refused: functions that must run for real, with what stands against their capture; the driver sets it.
        indivisible: the code of polyfills that were entered and may not be left by a break, with the functions that
            they stand for.
    """

    def __init__(self, registry: Registry, guards: GuardSink, effects: EffectLog, recorder: Recorder) -> None:
        self.registry = registry
        self.guards = guards
        self.effects = effects
        self.recorder = recorder
        self.interpreter: Interpreter[Variable] | None = None
        self.entry_line: UserLine | None = None
        self._constants: dict[int, tuple[object, Variable]] = {}
        self._owners: dict[int, tuple[Variable, ObjectVariable]] = {}
        self._keys: dict[int, Variable] = {}
        self.generators: list[GeneratorVariable] = []
        self.refused: Mapping[Any, BreakReason] = {}
        self.indivisible: dict[CodeType, Any] = {}
        self.being_shown: list[Variable] = []
        self.none = ConstantVariable(None)
        self.true = ConstantVariable(True)
        self.false = ConstantVariable(False)
        self._handlers: dict[type, TypeHandler] = {Opaque: TypeHandler(), **registry.types}
        self._wrapped: dict[int, tuple[object, Variable]] = {}
        self._globals: dict[int, Globals] = {}
        self._user_lines: dict[tuple[Code, int], UserLine] = {}
        self.builtins = self.globals_of(builtins.__dict__, "builtins")

    @property
    def tracking(self) -> Tracking:
        """This object, as handlers know it; `SymbolicDomain` is what is ever made."""
        return cast(Tracking, self)

    # ---- handlers ---------------------------------------------------------------------------------------------------

    def handler_of(self, variable: Variable) -> TypeHandler:
        """Return the handler of a variable."""
        handler = self._handlers.get(variable.cls)
        return self.handler_for(variable.cls) if handler is None else handler

    def handler_for(self, cls: type) -> TypeHandler:
        """Return the handler of instances of `cls`."""
        handler = self._handlers.get(cls)
        if handler is None:
            handler = self._handlers[cls] = self.registry.handler_for(cls)
        return handler

    # ---- the user's frames ------------------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame[Variable]:
        """The frame that runs.

        Raises:
            RuntimeError: no interpreter is attached (`domain.interpreter`).
        """
        if self.interpreter is None or not self.interpreter.frames:
            raise RuntimeError("no frame runs: set `domain.interpreter` before asking for the frame")
        return self.interpreter.frames[-1]

    def user_frames(self) -> Iterator[Frame[Variable]]:
        """Yield the frames of the user's code, innermost first; polyfills are left out."""
        if self.interpreter is not None:
            for frame in reversed(self.interpreter.frames):
                if not frame.globals.hidden:
                    yield frame

    def user_line(self) -> UserLine | None:
        """Return the line of the user's code that runs."""
        for frame in self.user_frames():
            return self.line_of(frame)
        return self.entry_line

    def line_of(self, frame: Frame[Variable]) -> UserLine:
        """Return the line that a frame is at."""
        return self.line_at(frame.code, frame.index)

    def line_at(self, code: Code, index: int) -> UserLine:
        """Return the line of an instruction."""
        key = code, index
        known = self._user_lines.get(key)
        if known is None:
            raw = code.raw
            line = code.instructions[index].line or raw.co_firstlineno
            use = use_of_value(code, index) or UserLine.use
            known = self._user_lines[key] = UserLine(raw.co_filename, line, raw.co_name, use=use)
        return known

    # ---- guards and existing objects --------------------------------------------------------------------------------

    def guard(self, source: Source | None, predicate: Predicate) -> None:
        """Rely on a fact about what existed before the capture."""
        if type(source) is ConstantSource and isinstance(predicate, _ABOUT_THE_OBJECT):
            return
        self.guards.add(Guard(source, predicate, self.user_line()))

    def wrap(self, value: object, source: Source) -> Variable:
        """Return the variable of an object that existed before the capture: the same one for the same object.

        Args:
            value: the object.
            source: how it was reached; reaching an object in a second way guards that both ways lead to one object.
        """
        cls = type(value)
        odd = (type(cls) is not type and is_odd(type(cls))) or (is_class(cls) and is_odd(cls))
        if not odd and cls in ATOMS:
            return self.handler_for(cls).wrap(self.tracking, value, source)
        if id(value) in self.registry.unguarded:
            source = ConstantSource(source.name, value)
        known = self._wrapped.get(id(value))
        if known is not None:
            variable = known[1]
            if variable.source is None or type(variable.source) is ConstantSource:
                self.guard(source, Is(value))
            elif variable.source != source:
                self.guard(source, SameObject(variable.source))
            return variable
        handler = self._handlers[Opaque] if odd else self.handler_for(cls)
        variable = handler.wrap(self.tracking, value, source)
        self._wrapped[id(value)] = (value, variable)
        return variable

    def release(self) -> None:
        """Let go of every object that came up: the capture is over, and its objects must die as they would without it.

        Domain, interpreter and recorder refer to one another; left to the garbage collector, what they know would live
        on for a while, and a weak reference of the program's would tell.
        """
        for known in (self._wrapped, self._constants, self._owners, self._keys, self._globals, self.builtins.known):
            known.clear()
        self.generators.clear()
        if self.interpreter is not None:
            self.interpreter.frames.clear()

    def adopt(self, value: object, variable: Variable) -> None:
        """Let `variable` stand for the object `value` whenever it is met."""
        self._wrapped[id(value)] = (value, variable)

    def reference(self, value: object, label: str | None = None) -> Variable:
        """Return the variable of an object that lives for ever and needs no guard: a built-in function, a type.

        Where the program reached the object in a way of its own, that way must go on leading to it.
        """
        known = self._wrapped.get(id(value))
        if known is not None:
            source = known[1].source
            if source is not None and type(source) is not ConstantSource:
                self.guard(source, Is(value))
            return known[1]
        if label is None:
            label = getattr(value, "__qualname__", "constant") if type(value) in _NAMED else type(value).__qualname__
        return self.wrap(value, ConstantSource(label, value))

    def own(self, owner: ObjectVariable) -> ObjectVariable:
        """Remember whose content a mutable payload is: iterators and views of it are those of the instance."""
        payload = owner.payload
        if payload is not None and payload.cls in MUTABLE_BASES:
            self._owners[id(payload)] = payload, owner
        return owner

    def owner_of(self, payload: Variable) -> ObjectVariable | None:
        """Return the new instance of a Python subclass that a variable is the content of, if it is one."""
        found = self._owners.get(id(payload))
        return None if found is None else found[1]

    def wrapped(self) -> Iterator[tuple[object, Variable]]:
        """Yield the existing objects that were reached, with their variables."""
        yield from self._wrapped.values()

    def seal(self) -> None:
        """Guard, at the end of a capture, that what were different objects still are.

        Had two arguments been one object, a change of the first would have been seen through the second; and as keys
        they would have been one key.
        """
        self._seal_keys()
        changed = {
            target.cls
            for target in self.effects.targets()
            if target.source is not None and type(target.source) is not ConstantSource
        }
        if not changed:
            return
        groups: dict[type, list[Source]] = defaultdict(list)
        for _, variable in self._wrapped.values():
            if variable.source is None:
                continue
            if variable.cls in changed:
                groups[variable.cls].append(variable.source)
            payload = variable.payload if isinstance(variable, ObjectVariable) else None
            if payload is not None and payload.cls in changed:
                groups[payload.cls].append(variable.source)
        for sources in groups.values():
            if len(sources) > 1:
                self.guard(None, Distinct(tuple(sources)))

    def _seal_keys(self) -> None:
        groups: dict[type, list[Source]] = defaultdict(list)
        for variable in self._keys.values():
            assert variable.source is not None
            groups[variable.cls].append(variable.source)
        for sources in groups.values():
            places = {source.base if type(source) is DictKeySource else None for source in sources}
            if None not in places and len(places) == 1:
                continue  # the keys of one dictionary
            if len(sources) > 1 and any(type(source) is not ConstantSource for source in sources):
                self.guard(None, Distinct(tuple(sources)))

    def globals_of(self, variables: dict[str, Any], label: str | None = None) -> Globals:
        """Return the global variables that live in this dictionary.

        Args:
            variables: a function's `__globals__`, a module's `__dict__`.
            label: how sources print it; the module's name by default. `G` for the captured function's own.
        """
        known = self._globals.get(id(variables))
        if known is None:
            name = variables.get("__name__")
            name = name if type(name) is str else "?"
            hidden = variables.get(HIDDEN) is True
            namespace = Namespace(variables, label or f"{name}.__dict__")
            known = Globals(namespace, trusted=hidden or self.registry.trusts(name), hidden=hidden)
            self._globals[id(variables)] = known
        return known

    # ---- constants --------------------------------------------------------------------------------------------------

    def constant(self, value: Any) -> Variable:
        """Return the variable of a host object that the program's text, or the interpreter itself, mentions."""
        if type(value) in ATOMS:
            return ConstantVariable(value)
        known = self._constants.get(id(value))
        if known is not None:
            return known[1]
        result = self.from_native(value)
        made = result.value if type(result) is Value else self.reference(value)
        if type(value) is tuple or type(value) is frozenset:
            # A constant of the program's text is one object however often it is loaded.
            self._constants[id(value)] = value, made
        return made

    def boolean(self, value: object) -> Value[Variable]:
        """Answer a bool constant."""
        return Value(self.true if value else self.false)

    def from_native(self, value: Any) -> Result[Variable]:
        """Return a variable for an object that C code just made, immutable or not seen by anyone else."""
        if type(value) in ATOMS:
            return Value(ConstantVariable(value))
        return self.handler_for(type(value)).from_native(self.tracking, value)

    def as_constant(self, variable: Variable) -> Any:
        """Return the value of a variable that is known, containers of known values included, else NOT_CONSTANT."""
        if type(variable) is ConstantVariable:
            return variable.value
        return self.handler_of(variable).as_constant(self.tracking, variable)

    def hash_key(self, variable: Variable) -> HashKey | Raise[Variable] | Break:
        """Return the variable as a key of a host dictionary."""
        if type(variable) is ConstantVariable:
            return HashKey(variable.value, variable)
        key = self.handler_of(variable).hash_key(self.tracking, variable)
        if type(key) is HashKey:
            self._keys.update((id(one), one) for one in hashed_by_identity(key.token) if one.source is not None)
        return key

    def sequence(self, variable: Variable) -> Sequence[Variable] | None:
        """Return the items of an iterable that are known without running anything, else None."""
        return self.handler_of(variable).sequence(self.tracking, variable)

    # ---- raising, breaking, entering --------------------------------------------------------------------------------

    def new_exception(self, cls: type[BaseException], *args: Any) -> Variable:
        """Return a new exception with these host arguments."""
        return ExceptionVariable(cls, tuple([self.constant(arg) for arg in args]))

    def raise_error(self, cls: type[BaseException], *args: Any) -> Raise[Variable]:
        """Raise an exception with these host arguments."""
        return Raise(self.new_exception(cls, *args))

    def raise_native(self, error: BaseException) -> Raise[Variable] | Break:
        """Raise what C code raised during the capture: an exception of the same type and arguments."""
        if is_interruption(error):
            raise error
        if all(type(arg) in ATOMS for arg in error.args):
            return self.raise_error(type(error), *error.args)
        return Break(UnsupportedOperation(type(error).__qualname__, "raising", "its arguments are not constants"))

    def unsupported(self, variable: Variable, operation: str) -> Break:
        """Break: the operation isn't known for this type."""
        return Break(UnsupportedOperation(variable.python_type().__qualname__, operation))

    def polyfill(self, function: Callable[..., Any], *args: Variable) -> Result[Variable]:
        """Enter a plain Python function, of a module that is marked as hidden, with these positional arguments."""
        plain = cast(Any, function)
        code = decode(plain.__code__)
        locals_: list[Any] = [*args]
        locals_.extend([UNBOUND] * (len(code.slot_names) - len(locals_)))
        return Enter(
            Frame(
                code,
                globals=self.globals_of(plain.__globals__),
                builtins=self.builtins,
                locals=locals_,
            )
        )


_NAMED = (type, type(len), type(lambda: None))
