"""`SymNode`: one symbolic number. torch's `SymInt`, `SymFloat` and `SymBool` ask it for everything.

Names follow what torch's C++ (c10's `SymNodeImpl`) and Python call; magic methods are not defined here but on torch's
types.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Protocol

from framelift_symbolic_shapes import contiguity
from framelift_symbolic_shapes.errors import ComplexResult, ForeignSymbol
from framelift_symbolic_shapes.expression import Constant, Expression, Symbol, choose, number, total
from framelift_symbolic_shapes.operation import FLOAT_OPERATIONS, OPERATIONS, Operation

__all__ = ["Environment", "Number", "SymNode"]

_OF_CONDITIONS = frozenset({"and_", "or_", "sym_not", "sym_float"})
_PROMOTING = frozenset({"sym_min", "sym_max"})
"""Where torch makes floats of all operands if one is a float; Python's `min` keeps the type of what it chose."""

_OF_INTEGERS = {"lshift": "<<", "rshift": ">>", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
"""The operators that Python has for no floats."""

Number = bool | int | float

DEEPEST, LARGEST = 100, 4000
"""How deep an expression may nest, and how many parts it may have; what goes beyond is specialised on its value.

A loop that computes each size from the last one nests once a turn, or doubles; its Python would be no shorter.
"""


class Environment(Protocol):
    """What a node asks of its environment."""

    @property
    def version(self) -> int:
        """Grows when expressions simplify further than before."""

    def apply(self, name: str, operands: tuple[Expression, ...], is_float: bool) -> Expression:
        """Build an expression."""

    def replace(self, expression: Expression) -> Expression:
        """Simplify an expression by what was learned since it was built."""

    def interned(self, expression: Expression) -> Expression:
        """Return the one object for all expressions that are equal to this one."""

    def exchanged(self, expression: Expression) -> Any:
        """Return sympy's form of an expression."""

    def evaluate(self, node: SymNode, fallback: Number | None = None) -> Number:
        """Decide a node's value, recording a guard where it does not follow from what is known."""

    def expect(self, node: SymNode) -> bool:
        """Take a condition as true, recording it."""

    def statically(self, expression: Expression) -> bool | None:
        """Return whether a condition follows from what is known."""


class SymNode:
    """An integer, float or truth value that depends on symbols.

    Args:
        expression: what it is in terms of symbols.
        shape_env: the environment of its symbols.
        pytype: `int`, `float` or `bool`.
        hint: its value in the run that is captured, `None` if that is not known.

    >>> from framelift_symbolic_shapes import ShapeEnv
    >>> env = ShapeEnv()
    >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None)
    >>> (n + n) // n.wrap_int(2), (n + n).hint
    (s77, 8)
    """

    def __init__(self, expression: Expression, shape_env: Environment, pytype: type, hint: Number | None) -> None:
        self._expression = expression
        self._version = shape_env.version
        self.shape_env: Any = shape_env
        self.pytype = pytype
        self._hint = hint
        self.fx_node: object = None

    # ---- what it is -------------------------------------------------------------------------------------------------

    @property
    def expression(self) -> Expression:
        """The expression, simplified by all that is known now."""
        if self._version != self.shape_env.version:
            self._expression = self.shape_env.replace(self._expression)
            self._version = self.shape_env.version
        return self._expression

    @property
    def expr(self) -> Any:
        """The expression in sympy's form, which torch's helpers read."""
        return self.shape_env.exchanged(self.expression)

    @property
    def _expr(self) -> Any:
        return self.expr

    @property
    def is_symbol(self) -> bool:
        """Whether it is a symbol, and nothing was computed."""
        return isinstance(self.expression, Symbol)

    @property
    def constant(self) -> Number | None:
        """The number that it is whatever the symbols are, if it is one."""
        value: Number | None = number(self.expression)
        return value if value is None else self.pytype(value)

    @property
    def hint(self) -> Number | None:
        """Its value in the run that is captured."""
        return self._hint

    def has_hint(self) -> bool:
        return self._hint is not None

    def require_hint(self, fallback: Number | None = None) -> Number | None:
        return fallback if self._hint is None else self._hint

    def is_int(self) -> bool:
        return self.pytype is int

    def is_float(self) -> bool:
        return self.pytype is float

    def is_bool(self) -> bool:
        return self.pytype is bool

    def is_symbolic(self) -> bool:
        return True

    def is_constant(self) -> bool:
        return number(self.expression) is not None

    def is_nested_int(self) -> bool:
        return False

    def nested_int(self) -> None:
        return None

    def maybe_as_int(self) -> int | None:
        value = number(self.expression)
        return int(value) if value is not None else None

    def maybe_as_float(self) -> float | None:
        value = number(self.expression)
        return value if isinstance(value, float) else None

    def maybe_as_bool(self) -> bool | None:
        value = number(self.expression)
        return value if isinstance(value, bool) else None

    def clone(self) -> SymNode:
        return self

    def with_shape_env(self, shape_env: Environment) -> SymNode:
        return type(self)(self._expression, shape_env, self.pytype, self._hint)

    def str(self) -> str:
        return str(self.expression)

    def __str__(self) -> str:  # type: ignore[valid-type]
        return self.str()

    def __repr__(self) -> str:  # type: ignore[valid-type]
        return self.str()

    def _graph_repr(self) -> str:  # type: ignore[valid-type]
        return self.str()

    def _value_eq(self, other: SymNode) -> bool:
        return self.expression == other.expression and self.pytype is other.pytype and self._hint == other._hint

    def _value_hash(self) -> int:
        return hash((self.expression, self.pytype, self._hint))

    # ---- building others --------------------------------------------------------------------------------------------

    def _number(self, value: Number) -> SymNode:
        return type(self)(Constant(value), self.shape_env, type(value), value)

    def wrap_int(self, num: int) -> SymNode:
        return self._number(int(num))

    def wrap_float(self, num: float) -> SymNode:
        return self._number(float(num))

    def wrap_bool(self, num: bool) -> SymNode:
        return self._number(bool(num))

    def _apply(self, name: Any, *others: SymNode) -> SymNode:
        for other in others:
            if other.shape_env is not self.shape_env:
                raise ForeignSymbol(str(other))
        operands = (self, *others) if name in _OF_CONDITIONS else _numbers((self, *others))
        is_float = float in [operand.pytype for operand in operands]
        if is_float and name in _OF_INTEGERS:
            kinds = " and ".join(f"'{operand.pytype.__name__}'" for operand in (self, *others))
            raise TypeError(f"unsupported operand type(s) for {_OF_INTEGERS[name]}: {kinds}")
        if is_float and name in _PROMOTING:
            operands = tuple([one if one.pytype is float else one.sym_float() for one in operands])
        return self._computed((FLOAT_OPERATIONS if is_float else OPERATIONS)[name], name, is_float, operands)

    def _computed(self, operation: Operation, name: Any, is_float: bool, operands: tuple[SymNode, ...]) -> SymNode:
        hints = [operand._hint for operand in operands]
        hint = None if None in hints else _attempted(operation, operands)
        expression = self.shape_env.apply(name, tuple([operand.expression for operand in operands]), is_float)
        result = self.with_expression(expression, operation.result, hint)
        if hint is not None and operation.defined is not None:
            condition = operation.defined(result, *operands)
            if condition is not None:
                condition.evaluate()
        return result._limited()

    def _limited(self) -> SymNode:
        """Return itself, or its value where the expression is too deep or too long to be worked with."""
        # A condition on the deepest numbers is still one that a guard can tell.
        most = 2 if self.pytype is bool else 1
        expression = self._expression
        if (expression.depth > most * DEEPEST or expression.size > most * LARGEST) and self._hint is not None:
            return self._number(self.evaluate())
        return self

    def with_expression(self, expression: Expression, pytype: type, hint: Number | None) -> SymNode:
        """Return a node of the same environment."""
        return type(self)(expression, self.shape_env, pytype, hint)

    def abs(self) -> SymNode:
        return self._apply("abs")

    def pos(self) -> SymNode:
        return self._apply("pos")

    def neg(self) -> SymNode:
        return self._apply("neg")

    def round(self, ndigits: int | None = None) -> SymNode:
        if ndigits is None:
            return self._apply("round")
        ndigits = operator.index(ndigits)  # a symbolic one is specialised, and a float is Python's error
        if self.pytype is not float:
            whole = _number_of(self)
            return whole if ndigits >= 0 else self._number(round(whole.guard_int("", 0), ndigits))
        # The digits are a number, not a float: built by hand so that the table needs no mixed operands.
        return self._computed(FLOAT_OPERATIONS["round_digits"], "round_digits", True, (self, self._number(ndigits)))

    def trunc(self) -> SymNode:
        return self._apply("trunc")

    def floor(self) -> SymNode:
        return self._apply("floor")

    def ceil(self) -> SymNode:
        return self._apply("ceil")

    def is_integer(self) -> SymNode:
        return self._apply("is_integer") if self.pytype is float else self._number(True)

    def sym_float(self) -> SymNode:
        return self._apply("sym_float")

    def sym_int(self) -> SymNode:
        return self._apply("sym_int")

    def sym_not(self) -> SymNode:
        return self._apply("sym_not")

    def add(self, other: SymNode) -> SymNode:
        return self._apply("add", other)

    def sub(self, other: SymNode) -> SymNode:
        return self._apply("sub", other)

    def mul(self, other: SymNode) -> SymNode:
        return self._apply("mul", other)

    def mod(self, other: SymNode) -> SymNode:
        return self._apply("mod", other)

    def int_floordiv(self, other: SymNode) -> SymNode:
        return self._apply("int_floordiv", other)

    def int_truediv(self, other: SymNode) -> SymNode:
        return self._apply("int_truediv", other)

    def float_truediv(self, other: SymNode) -> SymNode:
        return self._apply("float_truediv", other)

    def float_pow(self, other: SymNode) -> SymNode:
        return self._apply("float_pow", other)

    def pow_by_natural(self, other: SymNode) -> SymNode:
        return self._apply("pow_by_natural", other)

    def float_floordiv(self, other: SymNode) -> SymNode:
        return self._apply("float_floordiv", other)

    def copysign(self, other: SymNode) -> SymNode:
        return self.sym_float()._apply("copysign", other)

    def is_finite(self) -> SymNode:
        return self._apply("is_finite")

    # Where the name does not tell the operands' types, they are asked.
    def floordiv(self, other: SymNode) -> SymNode:
        return self.float_floordiv(other) if float in (self.pytype, other.pytype) else self.int_floordiv(other)

    def truediv(self, other: SymNode) -> SymNode:
        return self.float_truediv(other) if float in (self.pytype, other.pytype) else self.int_truediv(other)

    def pow(self, other: SymNode) -> SymNode:
        if float in (self.pytype, other.pytype):
            return self.float_pow(other)
        if other.ge(other.wrap_int(0)).guard_bool("", 0):
            return self.pow_by_natural(other)
        return self.sym_float().float_pow(other.sym_float())

    def lshift(self, other: SymNode) -> SymNode:
        return self._apply("lshift", other)

    def rshift(self, other: SymNode) -> SymNode:
        return self._apply("rshift", other)

    def bitwise_and(self, other: SymNode) -> SymNode:
        return self._apply("and_" if self.pytype is other.pytype is bool else "bitwise_and", other)

    def bitwise_or(self, other: SymNode) -> SymNode:
        return self._apply("or_" if self.pytype is other.pytype is bool else "bitwise_or", other)

    def bitwise_xor(self, other: SymNode) -> SymNode:
        return self._apply("ne" if self.pytype is other.pytype is bool else "bitwise_xor", other)

    # torch's truth values ask these for `&` and `|` of whatever they meet.
    and_ = sym_and = bitwise_and
    or_ = sym_or = bitwise_or

    def eq(self, other: SymNode) -> SymNode:
        return self._apply("eq", other)

    def ne(self, other: SymNode) -> SymNode:
        return self._apply("ne", other)

    def lt(self, other: SymNode) -> SymNode:
        return self._apply("lt", other)

    def le(self, other: SymNode) -> SymNode:
        return self._apply("le", other)

    def gt(self, other: SymNode) -> SymNode:
        return self._apply("gt", other)

    def ge(self, other: SymNode) -> SymNode:
        return self._apply("ge", other)

    def sym_min(self, other: SymNode) -> SymNode:
        return self._apply("sym_min", other)

    def sym_max(self, other: SymNode) -> SymNode:
        return self._apply("sym_max", other)

    def sym_ite(self, then_val: SymNode, else_val: SymNode) -> SymNode:
        for one in (then_val, else_val):
            if one.shape_env is not self.shape_env:
                raise ForeignSymbol(str(one))
        if then_val.pytype is not else_val.pytype:  # the result's type depends on it
            return then_val if self.guard_bool("", 0) else else_val
        hint = None if self._hint is None else (then_val if self._hint else else_val)._hint
        expression = choose(self.expression, then_val.expression, else_val.expression)
        return self.with_expression(self.shape_env.interned(expression), then_val.pytype, hint)._limited()

    def sym_sum(self, args: Sequence[SymNode]) -> SymNode:
        hints = [node._hint for node in args]
        hint = None if any(value is None for value in hints) else sum(hints)  # type: ignore[arg-type]
        expression: Expression = Constant(0)
        for node in args:
            expression = total(expression, node.expression)
        return type(self)(expression, self.shape_env, int, hint)

    def __getattr__(self, name: Any) -> Any:
        # sym_sqrt and its like: one table entry each, asked for by torch under these names.
        if name in FLOAT_OPERATIONS and name.startswith("sym_"):
            return lambda: (self if self.pytype is float else self.sym_float())._apply(name)
        raise AttributeError(f"'SymNode' object has no attribute {name!r}")

    # ---- questions about sizes and strides --------------------------------------------------------------------------

    def _layout(
        self, function: Any, sizes: Sequence[SymNode], strides: Sequence[SymNode], order: Sequence[int] | None = None
    ) -> SymNode:
        condition: SymNode = function(self._number(True), sizes, strides, *([] if order is None else [order]))
        return condition

    def is_contiguous(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_contiguous, sizes, strides, range(len(sizes) - 1, -1, -1))

    def is_channels_last_contiguous_2d(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_contiguous, sizes, strides, contiguity.CHANNELS_LAST_2D)

    def is_channels_last_contiguous_3d(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_contiguous, sizes, strides, contiguity.CHANNELS_LAST_3D)

    def is_channels_last_strides_2d(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_channels_last, sizes, strides, contiguity.CHANNELS_LAST_2D)

    def is_channels_last_strides_3d(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_channels_last, sizes, strides, contiguity.CHANNELS_LAST_3D)

    def is_non_overlapping_and_dense(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        return self._layout(contiguity.is_non_overlapping_and_dense, sizes, strides)

    def is_non_overlapping_and_dense_indicator(self, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
        dense = self.is_non_overlapping_and_dense(sizes, strides)
        return dense.sym_ite(self._number(1), self._number(0))

    # ---- deciding ---------------------------------------------------------------------------------------------------

    def evaluate(self, size_oblivious: bool = False) -> Number:
        value: Number = self.shape_env.evaluate(self)
        return value

    # The file and line that torch passes are its own, not the user's; the environment knows the user's.
    def guard_int(self, file: Any, line: int) -> int:
        return int(self.evaluate())

    def guard_float(self, file: Any, line: int) -> float:
        return float(self.evaluate())

    def guard_bool(self, file: Any, line: int) -> bool:
        return bool(self.evaluate())

    def guard_size_oblivious(self, file: Any, line: int) -> bool:
        return bool(self.evaluate())

    def guard_or_false(self, file: Any, line: int) -> bool:
        return bool(self.shape_env.evaluate(self, False))

    def guard_or_true(self, file: Any, line: int) -> bool:
        return bool(self.shape_env.evaluate(self, True))

    def statically_known_true(self, file: Any, line: int) -> bool:
        return self.shape_env.statically(self.expression) is True

    def expect_true(self, file: Any, line: int) -> bool:
        return bool(self.shape_env.expect(self))

    def expect_size(self, file: Any, line: int) -> bool:
        return bool(self.shape_env.expect(self.ge(self._number(0))))

    def int_(self) -> int:
        return self.guard_int("", 0)

    def bool_(self) -> bool:
        return self.guard_bool("", 0)

    # ---- arithmetic without torch -----------------------------------------------------------------------------------

    __add__, __sub__, __mul__, __mod__, __floordiv__, __neg__ = add, sub, mul, mod, int_floordiv, neg


def _numbers(operands: tuple[SymNode, ...]) -> tuple[SymNode, ...]:
    return tuple([_number_of(one) if one.pytype is bool else one for one in operands])


def _number_of(node: SymNode) -> SymNode:
    """Return a truth value as the number that it is in arithmetic, 0 or 1."""
    if node.pytype is not bool:
        return node
    expression = choose(node.expression, Constant(1), Constant(0))
    return node.with_expression(expression, int, None if node.hint is None else int(node.hint))


def _attempted(operation: Operation, operands: tuple[SymNode, ...]) -> Number:
    """Return what Python computes in this run; what it raises, it raises for these operands only."""
    try:
        value = operation.python(*[operand.hint for operand in operands])
    except (ArithmeticError, ValueError):
        for operand in operands:
            operand.evaluate()
        raise
    if isinstance(value, complex):
        raise ComplexResult(*[operand.evaluate() for operand in operands])
    result: Number = operation.result(value)
    return result
