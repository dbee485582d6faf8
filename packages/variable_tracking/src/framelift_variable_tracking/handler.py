"""Type handlers: what can be done with the values of one Python type.

How to add a type
-----------------

1. Write one file, `handlers/<type>.py`, with a subclass of `TypeHandler` and, if constants don't do, a subclass of
   `Variable` with `__slots__` for what has to be known of a value. Variables hold data; the handler has no state.
2. Override the operations that the type has. An operation that isn't overridden answers `Break` with a typed reason, so
   a missing one is a lost optimisation and never a wrong answer. What an operation may answer:

   * `Value(variable)`: the result;
   * `domain.raise_error(TypeError, "text")`: the exception that Python raises, with Python's text;
   * `domain.unsupported(variable, "operation")` or any other `Break(reason)`;
   * `domain.polyfill(function, *args)`: the result of a plain Python function that the interpreter enters as a frame:
     for everything that calls back into the user's code (`key=`, `__eq__`, iteration of unknown iterables). Polyfills
     are in `polyfills/`, one module a topic, each with `__framelift_hidden__ = True` so that user stacks omit them;
   * `None`, in `binary`, `reflected`, `inplace` and `compare` only: `NotImplemented`.

3. `wrap` makes a variable for an object that existed before the capture, and guards all that later answers rely on by
   `domain.guard(source, predicate)`: the exact type at least. Children are wrapped by `domain.wrap(child, source)`,
   best when they are first asked for. Never call a method of the object that its class may have overridden: use
   `list.__len__(value)`, `type(value)`, not `len(value)`, `isinstance`. Use of `==` and `hash` on unknown objects is
   out as well.
4. An operation that changes a value changes its variable; when the object existed before (`variable.source is not
   None`), it also records `domain.effects.record(Content(variable))`, and `refill` writes the final content back.
5. `reconstruct` returns the expression that makes a new object (empty, if it can be part of a cycle) and `fill` adds
   what is in it. Both are called once, for objects made during the capture only; `emitter.value(child)` gives children.
6. Register it in `language.py: default_registry()`, or, from another package, by
   `registry.extend(types={MyType: MyHandler()})`. `covers_subclasses = True` lets it answer for subclasses too.
7. Test it with `conformance.check(handler, strategy)`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, ClassVar, Protocol, TypeAlias

from framelift_bytecode_interp import Break, Domain, Frame, Interpreter, Raise, Result, Value
from framelift_guards import Predicate, Source, TypeIs

from .effects import EffectLog
from .emitter import Emitter
from .reasons import BreakReason, NotReconstructible, ReconstructionError
from .recorder import Recorder
from .variable import (
    NOT_CONSTANT,
    BuiltinFunctionVariable,
    CellVariable,
    ExceptionVariable,
    FunctionVariable,
    GeneratorVariable,
    HashKey,
    ObjectVariable,
    OpaqueVariable,
    Variable,
)

Answer: TypeAlias = Result[Variable]
"""What most operations answer."""

Arguments: TypeAlias = tuple[Variable, ...]
Keywords: TypeAlias = dict[str, Variable]


@dataclass(slots=True)
class CallContext:
    """Where a call happens.

    Args:
        frame: the frame that calls; its `back` is its caller.
        callee: the variable that is called.
    """

    frame: Frame[Variable]
    callee: Variable


class Tracking(Domain[Variable], Protocol):
    """What handlers and rules may ask of the domain, beside the interpreter's operations (`get_iter`, `call`, ...)."""

    registry: Any
    being_shown: list[Variable]
    """The containers whose texts are being put together, outermost first."""
    effects: EffectLog
    recorder: Recorder
    interpreter: Interpreter[Variable] | None
    generators: list[GeneratorVariable]
    refused: Mapping[Any, BreakReason]
    """Functions that must run for real, with what stands against their capture."""
    indivisible: dict[CodeType, Any]
    """The code of polyfills that were entered and no break may leave, with the functions that they stand for."""

    @property
    def frame(self) -> Frame[Variable]:
        """The frame that runs."""
        ...

    def handler_of(self, variable: Variable) -> TypeHandler:
        """Return the handler of a variable."""
        ...

    def handler_for(self, cls: type) -> TypeHandler:
        """Return the handler of instances of `cls`."""
        ...

    def wrap(self, value: object, source: Source) -> Variable:
        """Return the variable of an object that existed before the capture."""
        ...

    def reference(self, value: object, label: str | None = None) -> Variable:
        """Return the variable of an object that lives for ever and needs no guard: a built-in function, a type."""
        ...

    def from_native(self, value: object) -> Result[Variable]:
        """Return a variable for an object that C code just made, immutable or not seen by anyone else."""
        ...

    def guard(self, source: Source | None, predicate: Predicate) -> None:
        """Rely on a fact about what existed before the capture."""
        ...

    def as_constant(self, variable: Variable) -> Any:
        """Return the value of a variable that is known, containers of known values included, else NOT_CONSTANT."""
        ...

    def hash_key(self, variable: Variable) -> HashKey | Raise[Variable] | Break:
        """Return the variable as a key, the TypeError of an unhashable one, or a break."""
        ...

    def raise_error(self, cls: type[BaseException], *args: Any) -> Raise[Variable]:
        """Raise an exception with these host arguments."""
        ...

    def unsupported(self, variable: Variable, operation: str) -> Break:
        """Break: the operation isn't known for this type."""
        ...

    def raise_native(self, error: BaseException) -> Raise[Variable] | Break:
        """Raise what C code raised during the capture: an exception of the same type and arguments."""
        ...

    def boolean(self, value: object) -> Value[Variable]:
        """Answer a bool constant."""
        ...

    def operate(self, op: str, left: Variable, right: Variable, stage: int = 0) -> Result[Variable]:
        """`left op right`, the first `stage` questions having been answered by NotImplemented."""
        ...

    def special(self, variable: Variable, name: str) -> Variable | None:
        """Return the raw special method that a class made in Python defines, or None."""
        ...

    def payload_of(self, variable: Variable) -> Variable:
        """Return what an instance of a Python subclass holds as an instance of a built-in class, or the variable."""
        ...

    def find(self, cls: type, name: str) -> tuple[type, Any] | None:
        """Return the class of the MRO that has an attribute and the raw attribute, unguarded."""
        ...

    def guard_lacks(self, cls: type, name: str) -> None:
        """Rely on no class of the MRO having the attribute."""
        ...

    def class_attribute(self, cls: type, name: str) -> Variable | None:
        """Return the raw attribute that the MRO of `cls` has, guarded; None (guarded) when there is none."""
        ...

    def guard_metaclass(self, cls: type) -> None:
        """Rely on the class of a class: `cls.__class__` may be assigned, where its metaclass is made in Python."""

    def guard_lineage(self, cls: type) -> None:
        """Rely on the MRO of a class."""
        ...

    def bind(self, attribute: Variable, owner: Variable) -> Result[Variable]:
        """Return what a raw class attribute gives for the instance `owner`, by the descriptor protocol."""
        ...

    def bind_to_class(self, attribute: Variable, cls: type) -> Result[Variable]:
        """Return what a raw class attribute gives for the class itself."""
        ...

    def generic_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        """`object.__getattribute__(owner, name)`."""
        ...

    def set_generic_attribute(self, owner: Variable, name: str, value: Variable) -> Result[Variable]:
        """`object.__setattr__(owner, name, value)`."""
        ...

    def delete_generic_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        """`object.__delattr__(owner, name)`."""
        ...

    def read_field(self, owner: ObjectVariable, name: str) -> Variable | None:
        """Return an entry of the instance dictionary, guarded; None (guarded) when there is none."""
        ...

    def write_field(self, owner: ObjectVariable, name: str, value: Variable) -> None:
        """Store into the instance dictionary, now and in the log."""
        ...

    def delete_field(self, owner: ObjectVariable, name: str) -> None:
        """Delete an entry of the instance dictionary, now and in the log."""
        ...

    def own(self, owner: ObjectVariable) -> ObjectVariable:
        """Remember whose content a mutable payload is."""
        ...

    def owner_of(self, payload: Variable) -> ObjectVariable | None:
        """Return the new instance of a Python subclass that a variable is the content of, if it is one."""
        ...

    def instantiate(self, cls: type, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """`type.__call__(cls, *args, **kwargs)` for a class made in Python."""
        ...

    def new_frame_for(self, function: FunctionVariable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """Enter a Python function, past the rules and the recorder."""
        ...

    def rule_or_record(
        self, callee: Variable, value: object, args: Arguments, kwargs: Keywords
    ) -> Result[Variable] | None:
        """Answer a call of an existing callable that a rule or the recorder knows; None when neither does."""
        ...

    def call_builtin(self, callee: BuiltinFunctionVariable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """Call a built-in function, a method descriptor or a slot wrapper."""
        ...

    def source_of(self, function: FunctionVariable) -> Source:
        """Return how to fetch an existing function."""
        ...

    def defaults_of(self, function: FunctionVariable) -> tuple[Variable, ...]:
        """Return the default values of a function's positional parameters."""
        ...

    def kwdefaults_of(self, function: FunctionVariable) -> Mapping[str, Variable]:
        """Return the default values of a function's keyword-only parameters."""
        ...

    def cell_content(self, cell: CellVariable) -> Any:
        """Return the variable in a cell, or UNBOUND."""
        ...

    def class_attribute_after(self, start: type, owner: type, name: str) -> Variable | None:
        """Return the raw attribute that `super(owner, ...)` finds in the MRO of `start`, guarded."""
        ...

    def set_cause(self, exception: ExceptionVariable, cause: Variable) -> Raise[Variable] | Break | None:
        """Store `__cause__`; answers the error of a cause that is none."""
        ...

    def read_global(self, scope: Any, name: str) -> Variable | None:
        """Return a global variable of a namespace, guarded; None (guarded) when there is none."""
        ...

    def guard_function(self, scope: Any, name: str) -> None:
        """Rely on a function of a trusted module that is read as its attribute."""
        ...

    def write_global(self, scope: Any, name: str, value: Variable) -> None:
        """Store a global variable, now and in the log."""
        ...

    def globals_of(self, variables: dict[str, Any], label: str | None = None) -> Any:
        """Return the namespace that lives in this dictionary."""
        ...

    def set_class_attribute(self, target: Variable, cls: type, name: str, value: Variable) -> None:
        """Store a class attribute, now and in the log."""
        ...

    def delete_class_attribute(self, target: Variable, cls: type, name: str) -> None:
        """Delete a class attribute, now and in the log."""
        ...

    def polyfill(self, function: Callable[..., Any], *args: Variable) -> Result[Variable]:
        """Enter a plain Python function with these arguments."""
        ...

    def sequence(self, variable: Variable) -> Sequence[Variable] | None:
        """Return the items of an iterable that are known without running anything, else None."""
        ...

    def entries(self, mapping: Variable) -> Sequence[tuple[Variable, Variable]] | None:
        """Return the keys and values that C code reads past any method of a dictionary's; None where it asks."""
        ...


class TypeHandler:
    """What can be done with values of one Python type; each operation not overridden answers `Break`.

    The operand that the handler was found by is the first one after `domain`.
    """

    covers_subclasses: ClassVar[bool] = False
    """Whether instances of subclasses come here too, when no handler is nearer in their MRO."""

    overridable: ClassVar[bool] = False
    """Whether instances are of classes made in Python, whose special methods are looked up first; see `special`."""

    trusted: ClassVar[bool] = False
    """Whether an attribute of a trusted module that is of this type needs no guard: functions, classes, modules."""

    # ---- values that come in ----------------------------------------------------------------------------------------

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        """Return the variable of an object that existed before, guarding what is relied on."""
        domain.guard(source, TypeIs(type(value)))
        return OpaqueVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        """Return a variable for an object that C code just made."""
        return domain.unsupported(Variable(type(value)), "a result of this type")

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        """`cls(*args, **kwargs)`, for the type itself (subclasses made in Python come through `new`)."""
        return domain.unsupported(Variable(cls), "construction")

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        """Return a new object from a display; keys and values of a dict alternate, a slice has three parts."""
        return domain.unsupported(Variable(type(self)), "a display")

    # ---- attributes and calls ---------------------------------------------------------------------------------------

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        """`variable.name`."""
        return domain.unsupported(variable, f"reading the attribute {name!r}")

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        """`variable.name = value`."""
        return domain.unsupported(variable, f"setting the attribute {name!r}")

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        """`del variable.name`."""
        return domain.unsupported(variable, f"deleting the attribute {name!r}")

    def bind(self, domain: Tracking, descriptor: Variable, owner: Variable) -> Answer:
        """Return what an object of this type gives as a class attribute, for the instance `owner`.

        That is the object itself, unless its type is a descriptor.
        """
        if domain.find(descriptor.python_type(), "__get__") is not None:
            return domain.unsupported(descriptor, "binding it as a descriptor")
        return Value(descriptor)

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        """`variable(*args, **kwargs)`."""
        return domain.unsupported(variable, "a call")

    def call_method(
        self,
        domain: Tracking,
        variable: Variable,
        name: str,
        args: Arguments,
        kwargs: Keywords,
    ) -> Answer:
        """Call the method `name` that the built-in type itself defines, special methods without an operation included.

        For an instance of a Python subclass, `variable` is the payload.
        """
        return domain.unsupported(variable, f"the method {name!r}")

    # ---- operators --------------------------------------------------------------------------------------------------

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        """`-`, `+` and `~`; `not` goes through `truth`."""
        return domain.unsupported(operand, f"unary {op!r}")

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        """`left op right` by the left operand; None for NotImplemented."""
        return domain.unsupported(left, f"the operator {op!r}")

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        """`left op right` by the right operand (`__radd__`); None for NotImplemented."""
        return domain.unsupported(right, f"the operator {op!r}")

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        """`left op= right`; None where the type has no in-place form, so that `binary` is asked."""
        return None

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        """`left op right` by the left operand; None for NotImplemented. Also asked for a swapped comparison."""
        return domain.unsupported(left, f"the comparison {op!r}")

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        """`item in container`, as a bool constant."""
        return domain.unsupported(container, "a membership test")

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        """Answer `Value(host bool)`, or `Enter` of a frame that returns a bool."""
        return domain.unsupported(variable, "a truth test")

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        """`len(variable)`."""
        return domain.unsupported(variable, "len()")

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        """`container[key]`."""
        return domain.unsupported(container, "indexing")

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        """`container[key] = value`."""
        return domain.unsupported(container, "item assignment")

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        """`del container[key]`."""
        return domain.unsupported(container, "item deletion")

    def builtin_operator(
        self, domain: Tracking, kind: str, op: str, operand: Variable, other: Variable
    ) -> Answer | None:
        """Answer for an operator that a built-in base class defines, for overridable types without a payload.

        `kind` is `binary`, `reflected`, `inplace` or `compare`.
        """
        return domain.unsupported(operand, f"the operator {op!r}")

    # ---- iteration --------------------------------------------------------------------------------------------------

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        """Return what iterating gives, when that is known at once and iterating changes nothing; else None."""
        return None

    def entries(self, domain: Tracking, variable: Variable) -> Sequence[tuple[Variable, Variable]] | None:
        """Return the keys and values of a mapping, when they are known at once; else None."""
        return None

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        """`iter(variable)`."""
        return domain.unsupported(variable, "iteration")

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        """`next(variable)`; `domain.raise_error(StopIteration)` when exhausted."""
        return domain.unsupported(variable, "next()")

    # ---- conversions ------------------------------------------------------------------------------------------------

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        """Return the variable as a key of a host dictionary."""
        return domain.unsupported(variable, "hashing")

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        """`str(variable)`, `repr(variable)` or `ascii(variable)`: `conversion` is `s`, `r` or `a`."""
        return domain.unsupported(variable, {"s": "str()", "r": "repr()", "a": "ascii()"}[conversion])

    def format(self, domain: Tracking, variable: Variable, spec: str) -> Answer:
        """`format(variable, spec)`; without a spec, what `str()` gives, as `object.__format__` does."""
        if not spec:
            return self.convert(domain, variable, "s")
        return domain.unsupported(variable, "format()")

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        """Return the known value, else NOT_CONSTANT. Mutable ones are made anew by each call."""
        return NOT_CONSTANT

    # ---- values that go out -----------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        """Return an expression that makes the object anew (called for objects made during the capture)."""
        raise ReconstructionError(NotReconstructible(variable.cls.__qualname__, "its handler does not say how"))

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        """Add the statements that fill what `reconstruct` made; `emitter.value(variable)` is that object."""

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        """Add the effects that give an existing object the content of `variable`."""
        raise ReconstructionError(NotReconstructible(variable.cls.__qualname__, "its handler does not say how"))


FunctionRule: TypeAlias = Callable[[Tracking, CallContext, Arguments, Keywords], Answer]
"""What a call of one particular callable means, instead of interpreting it."""

__all__ = [
    "Answer",
    "Arguments",
    "CallContext",
    "FunctionRule",
    "Keywords",
    "Tracking",
    "TypeHandler",
    "Value",
]
