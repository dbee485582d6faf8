"""Operators: which operand is asked first, what its class overrides, and what remains when nobody knows.

The order is CPython's (Objects/abstract.c, binary_op1; Objects/object.c, do_richcompare). A special method written in
Python is entered through a polyfill that comes back to `proceed` when it gives NotImplemented.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from framelift_bytecode_interp import Break, Enter, Raise, Result, Unwind, Value
from framelift_guards import ConstantSource, IsNot, NotSameObject

from ..classes import is_subclass, makes_its_own, name_of
from ..handler import CallContext, Tracking
from ..polyfills import protocols
from ..reasons import UnknownIdentity
from ..variable import ConstantVariable, ObjectVariable, ReferenceVariable, Variable
from .lookup import Lookup

METHODS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift",
}  # fmt: skip
COMPARISONS = {"<": "__lt__", "<=": "__le__", "==": "__eq__", "!=": "__ne__", ">": "__gt__", ">=": "__ge__"}
_SWAPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!=", ">": "<", ">=": "<="}
_UNARY = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}
_SINGLETONS = (type(None), bool, type(Ellipsis), type(NotImplemented))


_SEQUENCES = frozenset({list, tuple, str, bytes, deque})


class _Step(NamedTuple):
    """One question to one operand."""

    operand: Variable
    other: Variable
    method: str
    kind: str
    op: str


class Operators(Lookup):
    """The operations of `framelift_bytecode_interp.domain.Operators`, attributes and items apart."""

    # ---- two operands -----------------------------------------------------------------------------------------------

    def binary(self, op: str, left: Variable, right: Variable) -> Result[Variable]:
        mine, other = self.handler_of(left), self.handler_of(right)
        if mine.overridable or other.overridable:
            return self.operate(op, left, right)
        answer = self._by_subclass(op, left, right)
        if answer is None:
            answer = mine.binary(self.tracking, op, left, right)
        if answer is None and left.cls is not right.cls:
            answer = other.reflected(self.tracking, op, right, left)
        return self._refuse(op, left, right) if answer is None else answer

    def _by_subclass(self, op: str, left: Variable, right: Variable) -> Result[Variable] | None:
        """Ask the right operand first where its class refines the left one's (Python's data model, 3.3.8)."""
        mine, other = self.handler_of(left), self.handler_of(right)
        if type(mine) is type(other) or not issubclass(type(other), type(mine)):
            return None
        return other.reflected(self.tracking, op, right, left)

    def inplace(self, op: str, left: Variable, right: Variable) -> Result[Variable]:
        mine, other = self.handler_of(left), self.handler_of(right)
        if mine.overridable or other.overridable:
            return self.operate(op + "=", left, right)
        answer = mine.inplace(self.tracking, op, left, right)
        if answer is None:
            answer = self._by_subclass(op, left, right)
        if answer is None:
            answer = mine.binary(self.tracking, op, left, right)
        if answer is None and left.cls is not right.cls:
            answer = other.reflected(self.tracking, op, right, left)
        return self._refuse(op + "=", left, right) if answer is None else answer

    def compare(self, op: str, left: Variable, right: Variable) -> Result[Variable]:
        mine, other = self.handler_of(left), self.handler_of(right)
        if mine.overridable or other.overridable:
            return self.operate(op, left, right)
        answer = mine.compare(self.tracking, op, left, right)
        if answer is None:
            answer = other.compare(self.tracking, _SWAPPED[op], right, left)
        return self._unordered(op, left, right) if answer is None else answer

    def operate(self, op: str, left: Variable, right: Variable, stage: int = 0) -> Result[Variable]:
        """Ask the operands in order, from question number `stage` on.

        Args:
            op: a binary operator, a comparison, or an augmented one (`+=`).
            left: the left operand.
            right: the right operand.
            stage: how many questions were answered by NotImplemented.
        """
        steps = self._comparison_steps(op, left, right) if op in COMPARISONS else self._binary_steps(op, left, right)
        for number in range(stage, len(steps)):
            answer = self._ask(steps[number], op, left, right, number)
            if answer is not None:
                return answer
        return self._unordered(op, left, right) if op in COMPARISONS else self._refuse(op, left, right)

    def _binary_steps(self, op: str, left: Variable, right: Variable) -> list[_Step]:
        steps, plain = [], op
        if op not in METHODS:
            plain = op[:-1]
            steps.append(_Step(left, right, f"__i{METHODS[plain]}__", "inplace", plain))
        name = METHODS[plain]
        first = _Step(left, right, f"__{name}__", "binary", plain)
        if left.cls is right.cls:
            return [*steps, first]
        second = _Step(right, left, f"__r{name}__", "reflected", plain)
        if is_subclass(right.cls, left.cls) and self.find(right.cls, second.method) is None:
            self.guard_lacks(right.cls, second.method)  # one that it gets later comes first
        if is_subclass(right.cls, left.cls) and self._overrides(right.cls, left.cls, second.method):
            return [*steps, second, first]
        return [*steps, first, second]

    def _overrides(self, cls: type, base: type, name: str) -> bool:
        mine, theirs = self.find(cls, name), self.find(base, name)
        return mine is not None and (theirs is None or mine[1] is not theirs[1])

    def _comparison_steps(self, op: str, left: Variable, right: Variable) -> list[_Step]:
        first = _Step(left, right, COMPARISONS[op], "compare", op)
        second = _Step(right, left, COMPARISONS[_SWAPPED[op]], "compare", _SWAPPED[op])
        swapped = left.cls is not right.cls and is_subclass(right.cls, left.cls)
        return [second, first] if swapped else [first, second]

    def _ask(self, step: _Step, op: str, left: Variable, right: Variable, number: int) -> Result[Variable] | None:
        handler = self.handler_of(step.operand)
        if not handler.overridable:
            return self._builtin(step, step.operand, self.payload_of(step.other))
        method = self.special(step.operand, step.method)
        stage = ConstantVariable(number + 1)
        if method is not None:
            return self.polyfill(
                protocols.attempt, method, step.operand, step.other, ConstantVariable(op), left, right, stage
            )
        payload = self.payload_of(step.operand)
        owner = self.builtin_special(step.operand.cls, step.method)
        if step.method == "__ne__" and owner is object:
            equal = self.special(step.operand, "__eq__")
            if equal is not None:
                return self.polyfill(
                    protocols.attempt_unequal, equal, step.operand, step.other, ConstantVariable(op), left, right, stage
                )
        if owner is None or owner is object:
            return None
        if payload is not step.operand and makes_its_own(payload.cls, step.method):
            return self.unsupported(step.operand, f"{step.method}, which makes another one")
        if payload is step.operand:
            return handler.builtin_operator(self.tracking, step.kind, step.op, step.operand, step.other)
        return self._builtin(step, payload, self.payload_of(step.other))

    def _builtin(self, step: _Step, operand: Variable, other: Variable) -> Result[Variable] | None:
        handler = self.handler_of(operand)
        operation = getattr(handler, step.kind)
        answer: Result[Variable] | None
        try:
            answer = operation(self.tracking, step.op, operand, other)
        except Unwind as unwound:  # what it carries has to be looked at, as what is answered
            answer = unwound.outcome
        if type(answer) is Raise and other is not step.other:
            # The text names the type of the other operand, which is that of the subclass.
            return self.unsupported(step.other, f"{step.method} that raises")
        if operand is step.operand:
            return answer
        if type(answer) is Enter and step.kind == "inplace":
            return self.unsupported(step.operand, f"{step.method} with what is not known at once")
        return None if answer is None else self.of_payload(step.operand, operand, answer)

    def of_payload(self, instance: Variable, payload: Variable, answer: Result[Variable]) -> Result[Variable]:
        """Return what an operation of a built-in class answered for an instance of a Python subclass of it.

        The instance stays itself where its content was changed in place; where an immutable object answers with itself,
        C code makes a plain one.
        """
        if type(answer) is not Value or answer.value is not payload or payload is instance:
            return answer
        if payload.cls is tuple:
            return self.tracking.build_tuple(list(self.sequence(payload) or ()))
        if payload.cls is frozenset:
            return self.unsupported(instance, "making a plain frozenset of it")
        return Value(instance)

    def _refuse(self, op: str, left: Variable, right: Variable) -> Raise[Variable] | Break:
        if op[0] == "*" and _SEQUENCES.intersection((self.payload_of(left).cls, self.payload_of(right).cls)):
            # Sequences word the error themselves, after the number protocol of both operands was asked.
            return self.unsupported(left, f"the operator {op!r} that raises")
        shown = {"**": "** or pow()", "**=": "**="}.get(op, op)
        names = f"{name_of(left.python_type())!r} and {name_of(right.python_type())!r}"
        return self.raise_error(TypeError, f"unsupported operand type(s) for {shown}: {names}")

    def _unordered(self, op: str, left: Variable, right: Variable) -> Result[Variable]:
        if op in {"==", "!="}:
            same = self.identical(left, right)
            if type(same) is Value and op == "!=":
                return self.boolean(not self.as_constant(same.value))
            return same
        names = f"{name_of(left.python_type())!r} and {name_of(right.python_type())!r}"
        return self.raise_error(TypeError, f"{op!r} not supported between instances of {names}")

    def contains(self, item: Variable, container: Variable) -> Result[Variable]:
        handler = self.handler_of(container)
        if not handler.overridable:
            return handler.contains(self.tracking, container, item)
        method = self.special(container, "__contains__")
        if method is not None:
            return self.polyfill(protocols.contains_by, method, container, item)
        payload = self.payload_of(container)
        if payload is not container and self.builtin_special(container.cls, "__contains__") is not None:
            return self.handler_of(payload).contains(self.tracking, payload, item)
        return self.polyfill(protocols.contains_by_iteration, container, item)

    # ---- identity ---------------------------------------------------------------------------------------------------

    def identical(self, left: Variable, right: Variable) -> Result[Variable]:
        if left is right:
            return Value(self.true)
        plain_left, plain_right = type(left) is ConstantVariable, type(right) is ConstantVariable
        if plain_left and plain_right:
            return self._identical_constants(left, right)
        if plain_left or plain_right:
            # What has a handler for constants but isn't one is a number that isn't known yet.
            if left.python_type() is right.python_type():
                return Break(UnknownIdentity(name_of(left.cls)))
            return Value(self.false)
        if left.cls is right.cls and left.cls in (tuple, frozenset) and left.source is None and right.source is None:
            return Break(UnknownIdentity(name_of(left.cls)))
        if left.source is not None and right.source is not None and left.cls is right.cls:
            self._guard_distinct(left, right)
        return Value(self.false)

    def _identical_constants(self, left: Variable, right: Variable) -> Result[Variable]:
        one, other = left.value, right.value  # type: ignore[attr-defined]
        cls = type(one)
        if cls is not type(other) or cls in _SINGLETONS:
            return self.boolean(one is other)
        if one != other and one == one and other == other:  # noqa: PLR0124 - NaN is not equal to itself
            return Value(self.false)
        if one is other and left.source is None and right.source is None:
            return Value(self.true)
        if cls is int and -5 <= one <= 256:
            return Value(self.true)
        return Break(UnknownIdentity(name_of(cls)))

    def _guard_distinct(self, left: Variable, right: Variable) -> None:
        assert left.source is not None
        assert right.source is not None
        fixed_left, fixed_right = type(left.source) is ConstantSource, type(right.source) is ConstantSource
        if fixed_left and fixed_right:
            return
        if fixed_right or fixed_left:
            moving, fixed = (left, right) if fixed_right else (right, left)
            assert moving.source is not None
            if isinstance(fixed, ReferenceVariable | ObjectVariable):
                self.guard(moving.source, IsNot(fixed.value))
                return
        self.guard(left.source, NotSameObject(right.source))

    # ---- one operand ------------------------------------------------------------------------------------------------

    def unary(self, op: str, operand: Variable) -> Result[Variable]:
        if op == "not":
            truth = self.truth(operand)
            if type(truth) is Value:
                return self.boolean(not truth.value)
            return self.polyfill(protocols.negation, operand) if type(truth) is Enter else truth
        handler = self.handler_of(operand)
        if not handler.overridable:
            return handler.unary(self.tracking, op, operand)
        method = self.special(operand, _UNARY[op])
        if method is not None:
            return self.call_special(method, operand)
        payload = self.payload_of(operand)
        if payload is not operand:
            return self.handler_of(payload).unary(self.tracking, op, payload)
        return self.raise_error(TypeError, f"bad operand type for unary {op}: {name_of(operand.cls)!r}")

    def truth(self, value: Variable) -> Result[Any]:
        if type(value) is ConstantVariable:
            return Value(bool(value.value))
        handler = self.handler_of(value)
        if not handler.overridable:
            return handler.truth(self.tracking, value)
        method = self.special(value, "__bool__")
        if method is not None:
            return self.polyfill(protocols.truth_by_bool, method, value)
        payload = self.payload_of(value)
        if payload is not value and self.builtin_special(value.cls, "__bool__") is not None:
            return self.handler_of(payload).truth(self.tracking, payload)
        method = self.special(value, "__len__")
        if method is not None:
            return self.polyfill(protocols.truth_by_length, method, value)
        if payload is not value:
            return self.handler_of(payload).truth(self.tracking, payload)
        return Value(True)

    def length(self, value: Variable) -> Result[Variable]:
        handler = self.handler_of(value)
        if not handler.overridable:
            return handler.length(self.tracking, value)
        method = self.special(value, "__len__")
        if method is not None:
            return self.polyfill(protocols.length_by, method, value)
        payload = self.payload_of(value)
        if payload is not value:
            return self.handler_of(payload).length(self.tracking, payload)
        return self.raise_error(TypeError, f"object of type {name_of(value.cls)!r} has no len()")

    # ---- text -------------------------------------------------------------------------------------------------------

    def convert(self, value: Variable, conversion: str) -> Result[Variable]:
        handler = self.handler_of(value)
        if not handler.overridable:
            return handler.convert(self.tracking, value, conversion)
        for name in ("__str__", "__repr__") if conversion == "s" else ("__repr__",):
            method = self.special(value, name)
            if method is not None:
                made = self.polyfill(protocols.text_by, method, value, ConstantVariable(name))
                return self.polyfill(protocols.escaped_text_by, method, value) if conversion == "a" else made
            owner = self.builtin_special(value.cls, name)
            if owner is not object:
                break
        payload = self.payload_of(value)
        target = self.handler_of(payload) if payload is not value else handler
        return target.convert(self.tracking, payload, conversion)

    def format_value(self, value: Variable, spec: Variable | None) -> Result[Variable]:
        text = "" if spec is None else self.as_constant(spec)
        if not isinstance(text, str):
            return self.unsupported(value, "format() with a computed specification")
        handler = self.handler_of(value)
        if not handler.overridable:
            return handler.format(self.tracking, value, text)
        method = self.special(value, "__format__")
        if method is not None:
            return self.call_special(method, value, ConstantVariable(text))
        payload = self.payload_of(value)
        if payload is not value and self.builtin_special(value.cls, "__format__") is not object:
            return self.handler_of(payload).format(self.tracking, payload, text)
        if text:
            message = f"unsupported format string passed to {name_of(value.cls)}.__format__"
            return self.raise_error(TypeError, message)
        return self.convert(value, "s")

    # ---- items ------------------------------------------------------------------------------------------------------

    def get_item(self, container: Variable, key: Variable) -> Result[Variable]:
        handler = self.handler_of(container)
        if not handler.overridable:
            return handler.get_item(self.tracking, container, self.payload_of(key) if _is_index(key) else key)
        method = self.special(container, "__getitem__")
        if method is not None:
            return self.call_special(method, container, key)
        payload = self.payload_of(container)
        if payload is container:
            return self.raise_error(TypeError, f"{name_of(container.cls)!r} object is not subscriptable")
        if self.builtin_special(container.cls, "__getitem__") is dict:
            missing = self.special(container, "__missing__")
            if missing is not None:
                return self.polyfill(protocols.item_or_missing, payload, key, missing, container)
        return self.handler_of(payload).get_item(self.tracking, payload, key)

    def set_item(self, container: Variable, key: Variable, value: Variable) -> Result[Variable]:
        handler = self.handler_of(container)
        if not handler.overridable:
            return handler.set_item(self.tracking, container, key, value)
        method = self.special(container, "__setitem__")
        if method is not None:
            return self.call_special(method, container, key, value)
        payload = self.payload_of(container)
        if payload is container:
            return self.raise_error(TypeError, f"{name_of(container.cls)!r} object does not support item assignment")
        return self.handler_of(payload).set_item(self.tracking, payload, key, value)

    def delete_item(self, container: Variable, key: Variable) -> Result[Variable]:
        handler = self.handler_of(container)
        if not handler.overridable:
            return handler.delete_item(self.tracking, container, key)
        method = self.special(container, "__delitem__")
        if method is not None:
            return self.call_special(method, container, key)
        payload = self.payload_of(container)
        if payload is container:
            return self.raise_error(TypeError, f"{name_of(container.cls)!r} object doesn't support item deletion")
        return self.handler_of(payload).delete_item(self.tracking, payload, key)


def _is_index(key: Variable) -> bool:
    return isinstance(key, ObjectVariable) and key.payload is not None and is_subclass(key.cls, int)


def proceed(domain: Tracking, context: CallContext, args: tuple[Variable, ...], kwargs: Any) -> Result[Variable]:
    """The rule of `protocols.proceed`: ask the next operand, the one before having given NotImplemented."""
    op, left, right, stage = args
    return domain.operate(domain.as_constant(op), left, right, domain.as_constant(stage))
