"""The symbolic domain: what the interpreter asks about values, answered by the handlers of their types."""

from __future__ import annotations

from collections.abc import Sequence

from framelift_bytecode_interp import Break, Frame, Result

from .operations.builtin_calls import BuiltinCalls
from .reasons import UnsupportedFeature
from .variable import Variable


class SymbolicDomain(BuiltinCalls):
    """The value domain of a capture: values are `Variable`s.

    It is made from its first four attributes, in this order.

    Attributes:
        registry: handlers of types and rules of functions; `default_registry()` knows the language.
        guards: where guards go, such as a `framelift_guards.GuardSet`.
        effects: the log of mutations of objects that existed before.
        recorder: who records operations in a graph; `NullRecorder()` for none.
        interpreter: the interpreter that runs frames over this domain; its driver sets it.

    >>> from framelift_bytecode_interp import Interpreter
    >>> from framelift_guards import GuardSet, LocalSource
    >>> from framelift_variable_tracking import EffectLog, NullRecorder, default_registry
    >>> guards = GuardSet()
    >>> domain = SymbolicDomain(default_registry(), guards, EffectLog(), NullRecorder())
    >>> domain.interpreter = Interpreter(domain)
    >>> def double(x):
    ...     return 2 * x
    >>> function = domain.reference(double)
    >>> entered = domain.new_frame_for(function, (domain.wrap(21, LocalSource("x")),), {})
    >>> domain.interpreter.run([entered.frame]).value
    <ConstantVariable 42>
    >>> [str(guard) for guard in guards]
    ["L['x'] == 21", 'double.__code__ is <code>']
    """

    def intrinsic(self, frame: Frame[Variable], name: str, operands: Sequence[Variable]) -> Result[Variable]:
        return Break(UnsupportedFeature("an intrinsic of the compiler", name))
