"""Generators whose frames are interpreted."""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Generator, Sequence
from typing import Any, Final

from framelift_bytecode_interp import NULL, Break, Enter, Frame, NativeFrame, Raise, Result, Value, native_generator

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import generators
from ..reasons import UnsupportedFeature
from ..variable import BoundMethodVariable, ExceptionVariable, FunctionVariable, GeneratorVariable, Variable
from .identity import IdentityHandler


def _own(variable: Variable) -> GeneratorVariable:
    assert isinstance(variable, GeneratorVariable)
    return variable


def finished(generator: GeneratorVariable) -> bool:
    """Tell whether a generator's frame has returned or raised."""
    frame = generator.frame
    return frame is None or frame.instruction.opname == "RETURN_VALUE"


class GeneratorHandler(IdentityHandler):
    """`types.GeneratorType`; one made before the capture is opaque."""

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return Value(variable)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        return self._resume(domain, _own(variable), Value(domain.constant(None)))

    def _resume(
        self, domain: Tracking, generator: GeneratorVariable, delivering: Value[Variable] | Raise[Variable]
    ) -> Answer:
        if finished(generator):
            return delivering if type(delivering) is Raise else domain.raise_error(StopIteration)
        frame = generator.frame
        assert frame is not None
        if frame.back is not None:
            return domain.raise_error(ValueError, "generator already executing")
        if type(delivering) is Raise:
            if not generator.started:
                if issubclass(delivering.exception.cls, StopIteration):
                    return Break(UnsupportedFeature("throwing StopIteration into a generator that has not started"))
                generator.frame = None
                return delivering
            before = frame.code.instructions[frame.index - 1] if frame.index else None
            if before is not None and before.opname == "SEND":
                return Break(UnsupportedFeature("throwing into a generator that delegates to another"))
            if frame.handled is not None:  # what the caller handles is no context (Objects/genobject.c, _gen_throw)
                domain.set_context(delivering.exception, frame.handled)
            delivering = Raise(delivering.exception, passing=True)
        generator.started = True
        return Enter(frame, None, delivering)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        found = domain.find(variable.cls, name)
        if found is None:
            return domain.raise_error(AttributeError, f"'generator' object has no attribute {name!r}")
        if name in {"send", "throw", "close", "__next__", "__iter__"}:
            return Value(BoundMethodVariable(domain.reference(found[1]), variable, type([].append)))
        return domain.unsupported(variable, f"reading the attribute {name!r}")

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        generator = _own(variable)
        if name == "__next__" and not args:
            return self.next(domain, variable)
        if name == "__iter__" and not args:
            return Value(variable)
        if name == "send" and len(args) == 1:
            if not generator.started and domain.as_constant(args[0]) is not None:
                return domain.raise_error(TypeError, "can't send non-None value to a just-started generator")
            return self._resume(domain, generator, Value(args[0]))
        if name == "throw" and 1 <= len(args) <= 3:
            return self._throw(domain, generator, args)
        if name == "close" and not args:
            if not generator.started or finished(generator):
                generator.frame = None
                return Value(domain.constant(None))
            throw = self.get_attribute(domain, variable, "throw")
            return domain.polyfill(_CLOSE, throw.value) if type(throw) is Value else throw
        return super().call_method(domain, variable, name, args, kwargs)

    def _throw(self, domain: Tracking, generator: GeneratorVariable, args: Arguments) -> Answer:
        thrown: Variable = args[0]
        if not isinstance(thrown, ExceptionVariable) and len(args) > 1 and isinstance(args[1], ExceptionVariable):
            thrown = args[1]  # throw(type, value, traceback)
        if not isinstance(thrown, ExceptionVariable):
            raised = domain.raise_exception(thrown, NULL, None)
            if type(raised) is not Raise:
                return Break(UnsupportedFeature("throwing a class whose __init__ is Python code"))
            return self._resume(domain, generator, raised)
        return self._resume(domain, generator, Raise(thrown))

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(True)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        generator = _own(variable)
        frame = generator.frame
        if frame is None or finished(generator):
            return emitter.call(exhausted)
        return emitter.call(
            remake,
            emitter.constant(frame.code.raw, "code"),
            emitter.constant(frame.globals.variables, "G"),
            ast.Constant(frame.index),
            _tuple(emitter, frame.locals),
            _tuple(emitter, frame.stack),
            ast.Constant(None) if frame.handled is None else emitter.value(frame.handled),
            _names(emitter, generator),
        )


def _answer_of_close() -> object:
    """Return what `close()` of a generator gives here that answers with `return True`."""

    def answering() -> Generator[None, None, bool]:
        try:
            yield
        except GeneratorExit:
            return True
        return False

    generator: Any = answering()
    next(generator)
    return generator.close()


_CLOSE: Final = generators.close_and_return if _answer_of_close() else generators.close


def _tuple(emitter: Emitter, entries: Sequence[Any]) -> ast.expr:
    """Slots and stack entries: variables, and the markers between them."""
    parts = [emitter.value(x) if isinstance(x, Variable) else emitter.constant(x, "marker") for x in entries]
    return ast.Tuple(parts, ast.Load())


def _names(emitter: Emitter, generator: GeneratorVariable) -> ast.expr:
    """The name and qualified name that the function had, if it was renamed."""
    function, code = generator.function, generator.frame.code.raw if generator.frame else None
    if not isinstance(function, FunctionVariable) or code is None:
        return ast.Constant(None)
    names = function.name, function.qualname
    return ast.Constant(None) if names == (code.co_name, code.co_qualname) else emitter.constant(names, "names")


def remake(
    code: types.CodeType,
    variables: dict[str, Any],
    index: int,
    slots: tuple[Any, ...],
    stack: tuple[Any, ...],
    handled: BaseException | None,
    names: tuple[str, str] | None,
) -> Any:
    """Return a generator that goes on where an interpreted frame stopped."""
    made = native_generator(NativeFrame(code, variables, index, list(slots), list(stack), handled=handled))
    if names is not None:
        made.__name__, made.__qualname__ = names
    return made


def exhausted() -> Any:
    """Return a generator that has nothing left to give."""
    nothing: tuple[object, ...] = ()
    made = (item for item in nothing)
    for _ in made:
        pass
    return made


def is_protected(generator: GeneratorVariable) -> bool:
    """Tell whether dropping a generator would run code of it: it is suspended inside of `try` or `with`.

    A `try` whose clauses all name other built-in exceptions than GeneratorExit lets that pass, and nothing runs.
    """
    frame = generator.frame
    if frame is None or not generator.started or finished(generator):
        return False
    index = frame.index
    while True:
        entry = frame.code.handler_at(index)
        # From 3.12 on the whole body is in a handler that turns StopIteration into RuntimeError.
        if entry is None or frame.code.instructions[entry.target].opname == "STOPITERATION_ERROR":
            return False
        passed = _reraise_after(frame, entry.target)
        if passed is None:
            return True
        index = passed


def _reraise_after(frame: Frame[Variable], target: int) -> int | None:
    """Return where a handler raises a GeneratorExit again, if all that it does is to ask for other exceptions."""
    instructions, index = frame.code.instructions, target
    while True:
        instruction = instructions[index]
        match instruction.opname:
            case "RERAISE":
                return index
            case "LOAD_GLOBAL":
                cls = None if instruction.arg in frame.globals.variables else vars(builtins).get(instruction.arg)
                if not isinstance(cls, type) or issubclass(GeneratorExit, cls):
                    return None
            case "POP_JUMP_IF_FALSE":  # no such exception
                index = instruction.arg
                continue
            case name if name not in _ASKS:
                return None
        index += 1


_ASKS = frozenset({"PUSH_EXC_INFO", "BUILD_TUPLE", "CHECK_EXC_MATCH", "COPY", "POP_EXCEPT"})
"""What a handler does, beside naming classes, before it knows whether an exception is for it."""


HANDLERS = {types.GeneratorType: GeneratorHandler()}
