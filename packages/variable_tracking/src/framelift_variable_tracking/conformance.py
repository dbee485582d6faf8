"""The conformance suite of type handlers: what a handler answers must be what the real type answers.

This module needs Hypothesis; nothing else of the package imports it.
"""

from __future__ import annotations

import ast
import copy
import operator
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_bytecode_interp import (
    BINARY_OPERATORS,
    COMPARISONS,
    INPLACE_OPERATORS,
    Break,
    Enter,
    Interpreter,
    Raise,
    Return,
    Unwind,
    Value,
)
from framelift_guards import GeneratedNamespace, GuardSet, LocalSource, Scope, compile_function

from .code_emitter import CodeEmitter
from .domain import SymbolicDomain
from .effects import EffectLog
from .handler import TypeHandler
from .language import default_registry
from .recorder import NullRecorder
from .registry import Registry
from .variable import NOT_CONSTANT, ConstantVariable, ExceptionVariable, Variable

BINARY: Final = {op: BINARY_OPERATORS[op] for op in ("+", "-", "*", "|", "&", "^")}
INPLACE: Final = {op: INPLACE_OPERATORS[op] for op in BINARY}


@dataclass(frozen=True)
class Step:
    """One operation on the object under test.

    Args:
        kind: `method`, `binary`, `inplace`, `compare`, `contains`, `get`, `set`, `delete`, `length`, `truth`, `list`,
            `repr`.
        name: the method or the operator.
        args: the other operands, plain data.
    """

    kind: str
    name: str = ""
    args: tuple[Any, ...] = ()

    def on_object(self, value: Any) -> Any:
        """Do it for real."""
        args = copy.deepcopy(self.args)
        plain: dict[str, Callable[..., Any]] = {
            "contains": lambda item: item in value,
            "get": lambda key: value[key],
            "set": lambda key, item: operator.setitem(value, key, item),
            "delete": lambda key: operator.delitem(value, key),
            "length": lambda: len(value),
            "truth": lambda: bool(value),
            "list": lambda: list(value),
            "repr": lambda: repr(value),
        }
        if self.kind == "method":
            return getattr(value, self.name)(*args)
        for kind, table in (("binary", BINARY), ("inplace", INPLACE), ("compare", COMPARISONS)):
            if self.kind == kind:
                return table[self.name](value, *args)
        return plain[self.kind](*args)

    def on_variable(self, domain: SymbolicDomain, variable: Variable) -> Any:
        """Do it symbolically; the answer is a `Result`."""
        args = tuple([domain.from_native(copy.deepcopy(arg)).value for arg in self.args])  # type: ignore[union-attr]
        handler = domain.handler_of(variable)
        operations: dict[str, Callable[..., Any]] = {
            "method": lambda *_: handler.call_method(domain, variable, self.name, args, {}),
            "binary": lambda other: domain.binary(self.name, variable, other),
            "inplace": lambda other: domain.inplace(self.name, variable, other),
            "compare": lambda other: domain.compare(self.name, variable, other),
            "contains": lambda item: domain.contains(item, variable),
            "get": lambda key: domain.get_item(variable, key),
            "set": lambda key, item: domain.set_item(variable, key, item),
            "delete": lambda key: domain.delete_item(variable, key),
            "length": lambda: domain.length(variable),
            "truth": lambda: domain.truth(variable),
            "list": lambda: _known(handler.sequence(domain, variable)),
            "repr": lambda: domain.convert(variable, "r"),
        }
        return operations[self.kind](*args)


def _known(items: Any) -> Any:
    """Return items that are known."""
    if items is None:
        raise NoAnswer("what iterating gives is not known at once")
    return items


class NoAnswer(Exception):
    """The handler broke: it gives no answer, which is never wrong."""


def plain_data() -> st.SearchStrategy[Any]:
    """Return a strategy of plain data: numbers and strings that often equal each other, `None`, small containers."""
    scalars = st.one_of(
        st.integers(-3, 3),
        st.booleans(),
        st.sampled_from(["", "a", "b", "key"]),
        st.none(),
        st.sampled_from([0.0, 1.0]),
    )
    bounds = st.none() | st.integers(-3, 3)
    return st.one_of(
        scalars,
        st.lists(scalars, max_size=3),
        st.tuples(scalars, scalars),
        st.dictionaries(st.sampled_from(["a", "b", 1]), scalars, max_size=2),
        st.builds(slice, bounds, bounds, bounds),
    )


def steps(handler: TypeHandler, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    """Return a strategy of operations on a value of the handler's type."""
    methods = sorted(name for name in getattr(handler, "methods", ()) if not name.startswith("__"))
    operand = st.one_of(plain_data(), values)
    table: list[st.SearchStrategy[Step]] = [
        st.builds(Step, st.just("binary"), st.sampled_from(sorted(BINARY)), st.tuples(operand)),
        st.builds(Step, st.just("inplace"), st.sampled_from(sorted(INPLACE)), st.tuples(operand)),
        st.builds(Step, st.just("compare"), st.sampled_from(sorted(COMPARISONS)), st.tuples(operand)),
        st.builds(Step, st.sampled_from(["contains", "get", "delete"]), st.just(""), st.tuples(operand)),
        st.builds(Step, st.just("set"), st.just(""), st.tuples(operand, operand)),
        st.builds(Step, st.sampled_from(["length", "truth", "list", "repr"])),
    ]
    if methods:
        arguments = st.lists(operand, max_size=3).map(tuple)
        method = st.builds(Step, st.just("method"), st.sampled_from(methods), arguments)
        table.extend([method, method, method])
    return st.one_of(table)


def shape(value: Any) -> Any:
    """Return what two results must have in common: types, contents, order of dictionaries."""
    if isinstance(value, (list, tuple, deque)):
        return type(value), tuple(map(shape, value))
    if isinstance(value, dict):
        return type(value), tuple([(shape(key), shape(item)) for key, item in value.items()])
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(shape, value))
    return type(value), repr(value)


def _settle(domain: SymbolicDomain, outcome: Any) -> Any:
    """Return the host value of an outcome, or raise NoAnswer, or return the exception that it raises."""
    if isinstance(outcome, Enter):
        interpreter = domain.interpreter
        assert interpreter is not None
        finished = interpreter.run([outcome.frame])
        outcome = Value(finished.value) if isinstance(finished, Return) else finished
    if isinstance(outcome, Break):
        raise NoAnswer(str(outcome.reason))
    if isinstance(outcome, Raise):
        assert isinstance(outcome.exception, ExceptionVariable)
        args = [domain.as_constant(arg) for arg in outcome.exception.args]
        return outcome.exception.cls, shape(args)
    result = outcome.value if isinstance(outcome, Value) else outcome
    if isinstance(result, Variable):
        value = domain.as_constant(result)
        if value is NOT_CONSTANT:
            items = domain.sequence(result)
            if items is None:
                raise NoAnswer("the result is no plain data")
            value = [domain.as_constant(item) for item in items]
        return value
    if isinstance(result, Sequence):
        return [domain.as_constant(item) for item in result]
    return result


def _real(step: Step, value: Any) -> Any:
    try:
        result = step.on_object(value)
    except Exception as error:  # noqa: BLE001 - whatever the type raises is the expected answer
        return type(error), shape(list(error.args))
    if not isinstance(result, (list, tuple, dict, set, frozenset, range, deque)) and hasattr(result, "__iter__"):
        return result if isinstance(result, (str, bytes)) else list(result)
    return result


def _symbolic(domain: SymbolicDomain, step: Step, variable: Variable) -> Any:
    try:
        outcome = step.on_variable(domain, variable)
    except Unwind as unwind:
        outcome = unwind.outcome
    return _settle(domain, outcome)


def fresh_domain(registry: Registry) -> SymbolicDomain:
    """Return a domain of its own with an interpreter."""
    domain = SymbolicDomain(registry, GuardSet(), EffectLog(), NullRecorder())
    domain.interpreter = Interpreter(domain)
    return domain


def replay(registry: Registry, value: Any, script: Sequence[Step]) -> None:
    """Do the same operations for real and symbolically, on a new object and on one that existed before.

    Answers, exceptions and what becomes of the object must agree; for one that existed before, that is what the replay
    of the effects makes of it.

    Raises:
        AssertionError: they differ.
    """
    domain = fresh_domain(registry)
    made = domain.from_native(copy.deepcopy(value))
    if isinstance(made, Value):
        _follow(domain, made.value, copy.deepcopy(value), script)
    existing = copy.deepcopy(value)
    scope = Scope({"value": existing})
    domain = fresh_domain(registry)
    left = _follow(domain, domain.wrap(existing, LocalSource("value")), copy.deepcopy(value), script)
    assert isinstance(domain.guards, GuardSet)
    failure = domain.guards.first_failure(scope)
    assert failure is None, f"{value!r}: a guard fails at once: {failure}"
    _written_back(domain)(existing)
    assert shape(existing) == shape(left), f"{value!r}: the effects of {list(script)} left {existing!r}, not {left!r}"


def _follow(domain: SymbolicDomain, variable: Variable, value: Any, script: Sequence[Step]) -> Any:
    """Do the operations on a variable and on an equal object, compare, and return the object."""
    for step in script:
        before = copy.deepcopy(value)
        expected = _real(step, value)
        try:
            found = _symbolic(domain, step, variable)
        except NoAnswer:
            value = before
            found = expected
        assert shape(found) == shape(expected), f"{before!r}: {step} gave {found!r}, not {expected!r}"
        known = domain.as_constant(variable) if variable.source is None else NOT_CONSTANT
        if known is not NOT_CONSTANT:
            assert shape(known) == shape(value), f"{before!r}: {step} left {known!r}, not {value!r}"
    return value


def _written_back(domain: SymbolicDomain) -> Callable[[Any], None]:
    """Return the function that does the effects of a domain on the object `value`."""
    namespace = GeneratedNamespace(reserved=["value"])
    emitter = CodeEmitter(domain, namespace)
    emitter.replay(domain.effects)
    parameters = ast.arguments([], [ast.arg("value")], None, [], [], None, [])
    definition = ast.FunctionDef("effects", parameters, [*emitter.body(), ast.Pass()], [], None)
    return compile_function(definition, namespace)


def check(
    handler: TypeHandler,
    strategy: st.SearchStrategy[Any],
    *,
    registry: Registry | None = None,
    examples: int = 100,
) -> None:
    """Check that a handler answers as the real type does, on random sequences of operations.

    Args:
        handler: the handler; its `methods` are called as well.
        strategy: makes values of its type, of plain data.
        registry: where the handler is registered; `default_registry()` by default.
        examples: how many sequences are tried.

    Raises:
        AssertionError: an answer, an exception or a change differs; Hypothesis shows the shortest example.

    >>> from hypothesis import strategies as st
    >>> from framelift_variable_tracking.handlers.list import ListHandler
    >>> check(ListHandler(), st.lists(st.integers(0, 3)), examples=5)
    """
    known = default_registry() if registry is None else registry

    @settings(max_examples=examples, deadline=None, database=None)
    @given(strategy, st.lists(steps(handler, strategy), min_size=1, max_size=6))
    def agrees(value: Any, script: list[Step]) -> None:
        replay(known, value, script)

    agrees()


__all__ = ["ConstantVariable", "NoAnswer", "Step", "check", "fresh_domain", "plain_data", "replay", "steps"]
