"""The emitter of this package: entry code as `ast`, values first and effects after them."""

from __future__ import annotations

import ast
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from framelift_guards import Builder, ConstantSource, GeneratedNamespace, LocalSource, Source

from .effects import EffectLog
from .handler import Tracking
from .handlers.generator import is_protected
from .reasons import NotReconstructible, ReconstructionError
from .variable import ConstantVariable, ObjectVariable, Variable


class _StepwiseBuilder(Builder):
    """Binds each step of a path to a name, so that a path is walked once however often it is needed."""

    def __init__(self, emitter: CodeEmitter, namespace: GeneratedNamespace, locals_: Mapping[str, str] | None) -> None:
        super().__init__(namespace, locals_)
        self._emitter = weakref.ref(emitter)  # a cycle would keep all that was emitted until it is collected

    def fetch(self, source: Any) -> ast.expr:
        emitter = self._emitter()
        assert emitter is not None
        return emitter.fetch(source)


class CodeEmitter:
    """Makes the statements that fetch and make values, and do effects.

    A value is emitted once: the same variable always gives the same name, so aliases stay aliases. New objects are made
    first and filled when all that is being made exists, so cycles need nothing special.

    Args:
        domain: whose variables are emitted.
        namespace: holds constants of the generated code.
        locals: how a local of the user's is called in the generated code, where that differs from its name.

    Attributes:
        values: the statements of the phase of values.
        effects: the statements of the phase of effects.

    >>> import ast
    >>> from framelift_bytecode_interp import Interpreter
    >>> from framelift_guards import GuardSet, LocalSource
    >>> from framelift_variable_tracking import EffectLog, NullRecorder, SymbolicDomain, default_registry
    >>> domain = SymbolicDomain(default_registry(), GuardSet(), EffectLog(), NullRecorder())
    >>> emitter = CodeEmitter(domain, GeneratedNamespace(reserved=["x"]))
    >>> made = domain.build_list([domain.wrap(object(), LocalSource("x")), domain.constant(2)]).value
    >>> print(ast.unparse(emitter.value(made)))
    made_list
    >>> print(ast.unparse(ast.fix_missing_locations(ast.Module(emitter.body(), []))))
    made_list = [x, 2]
    """

    def __init__(
        self,
        domain: Tracking,
        namespace: GeneratedNamespace,
        locals: Mapping[str, str] | None = None,  # noqa: A002 - the language's own word
    ) -> None:
        self.domain = domain
        self.namespace = namespace
        self.builder: Builder = _StepwiseBuilder(self, namespace, locals)
        self.values: list[ast.stmt] = []
        self.effects: list[ast.stmt] = []
        self.places: list[ast.stmt] = []
        self._fetched: dict[Source, str] = {}
        self._made: dict[int, tuple[Variable, str]] = {}
        self._making: set[int] = set()
        self._unfilled: list[Variable] = []
        self._filling = False
        self._literals: dict[tuple[type, object], object] = {}
        self._being_filled: list[Variable] = []

    # ---- values -----------------------------------------------------------------------------------------------------

    def fetch(self, source: Source) -> ast.expr:
        """Return an expression for the value of `source` at the start of the call; evaluated once."""
        kind = type(source)
        if kind is LocalSource or kind is ConstantSource:
            return source.to_ast(self.builder)
        name = self._fetched.get(source)
        if name is None:
            name = self.temporary(source.to_ast(self.builder), _stem(source.name)).id
            self._fetched[source] = name
        return ast.Name(name, ast.Load())

    def constant(self, value: object, hint: str = "constant") -> ast.expr:
        """Return an expression for a host object that the generated namespace holds."""
        return self.builder.constant(value, hint)

    def value(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`: always the same object for the same variable.

        Raises:
            ReconstructionError: it can't be made again.
        """
        if type(variable) is ConstantVariable:
            if variable.source is not None and variable.cls in _WITH_IDENTITY:
                return self.fetch(variable.source)
            return self._literal(variable.value)
        known = self._made.get(id(variable))
        if known is not None:
            return ast.Name(known[1], ast.Load())
        if variable.source is not None:
            return self.fetch(variable.source)
        return self._make(variable)

    def _literal(self, value: Any) -> ast.expr:
        """Return an expression for a constant; equal ones that are two objects in the program stay two."""
        if type(value) not in _WITH_IDENTITY or self._literals.setdefault((type(value), value), value) is value:
            return self.constant(value)
        return self.builder.very(value, "constant")

    def _make(self, variable: Variable) -> ast.expr:
        owner = self.domain.owner_of(variable)
        if owner is not None:
            return self.value(owner)
        if id(variable) in self._making:
            detail = "it is immutable and contains itself"
            raise ReconstructionError(NotReconstructible(variable.cls.__qualname__, detail))
        self._making.add(id(variable))
        handler = self.domain.handler_of(variable)
        made = handler.reconstruct(self, variable)
        self._making.discard(id(variable))
        name = self.temporary(made, f"made_{variable.cls.__name__}").id
        self._made[id(variable)] = variable, name
        if isinstance(variable, ObjectVariable) and variable.payload is not None:
            self._made.setdefault(id(variable.payload), (variable.payload, name))
        self._unfilled.append(variable)
        if not self._making and not self._filling:
            self._fill()
        return ast.Name(name, ast.Load())

    def _fill(self) -> None:
        self._filling = True
        while self._unfilled:
            self._fill_one(0)
        self._filling = False

    def _fill_one(self, place: int) -> None:
        variable = self._unfilled.pop(place)
        self._being_filled.append(variable)
        self.domain.handler_of(variable).fill(self, variable)
        self._being_filled.pop()

    def key(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`, whose hash is about to be asked: by then it is filled.

        A class's `__hash__` may read whatever the object refers to. What is being made just now cannot be filled yet;
        an object that refers to the immutable container which it is a key of is refused as any such cycle.
        """
        return self.value(variable) if type(variable) is ConstantVariable else self._with_content(variable)

    def filled(self, variable: Variable) -> ast.expr:
        """Return an expression for the value of `variable`, a container whose content is about to be read."""
        if any(one is variable for one in self._being_filled):
            detail = "what is in it iterates it"
            raise ReconstructionError(NotReconstructible(variable.cls.__qualname__, detail))
        return self._with_content(variable)

    def _with_content(self, variable: Variable) -> ast.expr:
        kept = {id(one) for one in self._unfilled} - {id(variable)} if self._making else frozenset()
        made = self.value(variable)
        filling, self._filling = self._filling, True
        while owed := [place for place, one in enumerate(self._unfilled) if id(one) not in kept]:
            self._fill_one(owed[0])
        self._filling = filling
        return made

    def under_way(self, state: Variable) -> bool:
        """Tell whether a frame that runs has this variable among its locals."""
        interpreter = self.domain.interpreter
        frames = () if interpreter is None else interpreter.frames
        return any(slot is state for frame in frames for slot in frame.locals)

    def content(self, payload: Variable) -> ast.expr:
        """Return an expression for a plain container with the content of an instance of a Python subclass."""
        self._unfilled.append(payload)
        return self.domain.handler_of(payload).reconstruct(self, payload)

    def bind(self, variable: Variable, name: str) -> None:
        """Let the name of the generated code stand for a variable: a graph's output."""
        self._made[id(variable)] = variable, name

    # ---- statements -------------------------------------------------------------------------------------------------

    def statement(self, statement: ast.stmt) -> None:
        """Add a statement to the phase of values."""
        self.values.append(statement)

    def effect(self, statement: ast.stmt) -> None:
        """Add a statement to the phase of effects."""
        self.effects.append(statement)

    def place(self, statement: ast.stmt) -> None:
        """Add a statement to the phase in which iterators are placed."""
        self.places.append(statement)

    def temporary(self, expression: ast.expr, hint: str = "value") -> ast.Name:
        """Bind `expression` to a new name in the phase of values, and return the name."""
        name = self.namespace.fresh(hint)
        self.values.append(ast.Assign([ast.Name(name, ast.Store())], expression))
        return ast.Name(name, ast.Load())

    def call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.Call:
        """Return a call of the host function `function`."""
        return self.builder.call(function, *arguments)

    def refill(self, variable: Variable) -> None:
        """Make the content of an existing object that of `variable`, in the phase of effects."""
        self.domain.handler_of(variable).refill(self, variable)

    def replay(self, log: EffectLog) -> None:
        """Add all effects of a log."""
        log.replay(self)

    def body(self) -> list[ast.stmt]:
        """Return all statements: values, then effects, then places of iterators.

        Raises:
            ReconstructionError: the capture dropped a generator that CPython would have closed at that moment.
        """
        for generator in self.domain.generators:
            if id(generator) not in self._made and is_protected(generator):
                detail = "it was dropped inside of a `try` or `with`, which CPython runs at that moment"
                raise ReconstructionError(NotReconstructible("generator", detail))
        return [*self.values, *self.effects, *self.places]


_WITH_IDENTITY = frozenset({int, float, complex, str, bytes})
"""Constants of these types are fetched where that is possible: a program can tell two equal ones apart by `is`."""


def _stem(name: str) -> str:
    return name.rpartition(".")[2] or "value"
