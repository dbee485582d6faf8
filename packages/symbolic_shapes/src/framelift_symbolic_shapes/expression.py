"""Expressions of symbols: what a program computed, in a normal form that is cheap to build, compare and hash.

Integers are polynomials with integer coefficients over atoms: symbols, and Python's operations that are no polynomial
(`//`, `%`, `min`, …). Integer expressions that a commutative ring's
laws make equal are equal objects. Floats are trees, since they do not associate. sympy's expressions are a hundred
times as dear to build; `exchange` makes them where someone asks for one.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from framelift_symbolic_shapes.deferred import printing
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS

__all__ = [
    "FALSE", "TRUE", "Call", "Choice", "Constant", "Expression", "Junction", "Monomial", "Not", "Opaque", "Relation",
    "Sum", "Symbol", "call", "choose", "compare", "junction", "literal", "make_sum", "multiply", "negate", "number",
    "power", "substitute", "terms_of", "total",
]  # fmt: skip

Monomial: TypeAlias = "frozenset[tuple[Expression, int]]"
"""A product of powers of atoms: each atom with its exponent."""

LONGEST = 128
"""The most terms of a product that is written out; a longer one stays a product."""


class Expression:
    """A number or a condition that depends on symbols; immutable, and equal where it is built of the same parts.

    `kind` is the type of its value: `int`, `float` or `bool`. `size` is how many parts it has when it is written out,
    and `depth` how deep they nest.

    >>> s = Symbol("s", int)
    >>> (s + 1) * s == s * s + s, s - s
    (True, 0)
    """

    __slots__ = ("_hash", "_key", "_monomial", "_symbols", "depth", "exchanged", "kind", "size")

    kind: type
    exchanged: Any
    """The same as a sympy expression, once someone asked for it."""

    def __init__(self, kind: type, key: Any) -> None:
        self.kind = kind
        self._key = key
        self._hash = hash((type(self), key))
        self._symbols: frozenset[Symbol] | None = None
        self._monomial: Monomial | None = None
        self.exchanged = None
        self.size, self.depth = 1, 0
        for operand in self.operands:
            self.size += operand.size
            self.depth = max(self.depth, operand.depth + 1)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self._hash == other._hash and self._key == other._key

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The expressions that it is made of."""
        return ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols in it."""
        if self._symbols is None:
            self._symbols = frozenset().union(*[operand.symbols for operand in self.operands])
        return self._symbols

    @property
    def monomial(self) -> Monomial:
        """Itself as a product of one factor."""
        if self._monomial is None:
            self._monomial = frozenset(((self, 1),))
        return self._monomial

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        """Return the same of other operands; `build` applies one of Python's operations, by name."""
        return self

    def __add__(self, other: Expression | int) -> Expression:
        return total(self, other if isinstance(other, Expression) else Constant(other))

    def __sub__(self, other: Expression | int) -> Expression:
        return total(self, (other if isinstance(other, Expression) else Constant(other)) * -1)

    def __mul__(self, other: Expression | int) -> Expression:
        return multiply(self, other if isinstance(other, Expression) else Constant(other))

    def __neg__(self) -> Expression:
        return self * -1

    __radd__, __rmul__ = __add__, __mul__

    def __str__(self) -> str:
        return str(printing.text(self))

    __repr__ = __str__


class Constant(Expression):
    """A number of Python, or a truth value; floats are kept bit for bit.

    >>> Constant(0.0) == Constant(-0.0), Constant(1) == Constant(True)
    (False, False)
    """

    __slots__ = ("value",)

    def __init__(self, value: bool | float) -> None:
        self.value = value
        kind = type(value)
        super().__init__(kind, (kind, struct.pack("<d", value) if kind is float else value))


TRUE, FALSE = Constant(True), Constant(False)


class Symbol(Expression):
    """A number that differs from run to run.

    Args:
        name: its name.
        kind: `int` or `float`.
        positive: it is known to be more than 0.

    >>> Symbol("s", int).symbols
    frozenset({s})
    """

    __slots__ = ("name", "positive")

    def __init__(self, name: str, kind: type, positive: bool = False) -> None:
        self.name, self.positive = name, positive
        super().__init__(kind, (name, kind, positive))
        self._symbols = frozenset((self,))


class Sum(Expression):
    """A polynomial: a constant, and the coefficient of each product of atoms. Made by `make_sum` only.

    >>> s = Symbol("s", int)
    >>> (s * 2 + 3).constant, list((s * 2 + 3).terms.values())
    (3, [2])
    """

    __slots__ = ("constant", "terms")

    def __init__(self, constant: int, terms: dict[Monomial, int]) -> None:
        self.constant, self.terms = constant, terms
        super().__init__(int, (constant, frozenset(terms.items())))

    @property
    def operands(self) -> tuple[Expression, ...]:
        return tuple([atom for monomial in self.terms for atom, _ in monomial])

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        new = iter(operands)
        result: Expression = Constant(self.constant)
        for monomial, coefficient in self.terms.items():
            product: Expression = Constant(coefficient)
            for _, exponent in monomial:
                product = multiply(product, power(next(new), exponent))
            result = total(result, product)
        return result


class Call(Expression):
    """One of Python's operations (`python_function.PYTHON_FUNCTIONS`) on expressions.

    >>> Call("FloorDiv", (Symbol("s", int), Constant(2)))
    (s//2)
    """

    __slots__ = ("_operands", "name")

    def __init__(self, name: str, operands: tuple[Expression, ...]) -> None:
        self.name, self._operands = name, operands
        super().__init__(PYTHON_FUNCTIONS[name].result, (name, operands))

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self._operands

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        return build(self.name, operands)


class Relation(Expression):
    """A comparison.

    >>> Relation("<", Symbol("s", int), Constant(4))
    s < 4
    """

    __slots__ = ("left", "right", "sign")

    def __init__(self, sign: str, left: Expression, right: Expression) -> None:
        self.sign, self.left, self.right = sign, left, right
        super().__init__(bool, (sign, left, right))

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        return compare(self.sign, *operands)


class Not(Expression):
    """The opposite of a condition that has no shorter one.

    >>> Not(Relation("<", Symbol("f", float), Constant(0.5)))
    ~(f < 0.5)
    """

    __slots__ = ("operand",)

    def __init__(self, operand: Expression) -> None:
        self.operand = operand
        super().__init__(bool, operand)

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (self.operand,)

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        return negate(*operands)


class Junction(Expression):
    """All of some conditions, or any of them; they are asked in the order of the program.

    Args:
        any_of: whether one of them is enough.
        operands: the conditions; their order makes no difference to what is equal.

    >>> s = Symbol("s", int)
    >>> Junction(False, (Relation(">", s, Constant(4)), Relation("<", s, Constant(9))))
    (s > 4) & (s < 9)
    """

    __slots__ = ("_operands", "any_of")

    def __init__(self, any_of: bool, operands: tuple[Expression, ...]) -> None:
        self.any_of, self._operands = any_of, operands
        super().__init__(bool, (any_of, frozenset(operands)))

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self._operands

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        return junction(self.any_of, operands)


class Choice(Expression):
    """One number where a condition holds, and another where it does not.

    >>> s = Symbol("s", int)
    >>> Choice(Relation(">", s, Constant(4)), s, Constant(4)).kind
    <class 'int'>
    """

    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Expression, then: Expression, otherwise: Expression) -> None:
        self.condition, self.then, self.otherwise = condition, then, otherwise
        super().__init__(then.kind, (condition, then, otherwise))

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (self.condition, self.then, self.otherwise)

    def rebuilt(self, operands: tuple[Expression, ...], build: Callable[..., Expression]) -> Expression:
        return choose(*operands)


class Opaque(Expression):
    """An expression of sympy that has no counterpart here: it is carried, and nothing is known of it.

    Args:
        foreign: sympy's expression.
        kind: the type of its value.
        inside: the symbols in it.
    """

    __slots__ = ("foreign",)

    def __init__(self, foreign: Any, kind: type, inside: Iterable[Symbol]) -> None:
        self.foreign = foreign
        super().__init__(kind, foreign)
        self.exchanged = foreign
        self._symbols = frozenset(inside)


def literal(value: bool | float) -> Expression:
    """Return the expression of a Python number.

    >>> literal(3), literal(-0.0).kind
    (3, <class 'float'>)
    """
    return Constant(value)


def number(expression: Expression) -> bool | int | float | None:
    """Return the Python number that a constant expression is, else `None`.

    >>> number(Constant(3)), number(Symbol("s", int))
    (3, None)
    """
    return expression.value if isinstance(expression, Constant) else None


# ---- polynomials ----------------------------------------------------------------------------------------------------


_NO_TERMS: dict[Monomial, int] = {}


def terms_of(expression: Expression) -> tuple[int, Mapping[Monomial, int]]:
    """Return an integer expression's constant, and the coefficient of each product of atoms.

    >>> terms_of(Symbol("s", int) * 2 - 1)[0]
    -1
    """
    if isinstance(expression, Sum):
        return expression.constant, expression.terms
    if isinstance(expression, Constant):
        return int(expression.value), _NO_TERMS
    return 0, {expression.monomial: 1}


def make_sum(constant: int, terms: dict[Monomial, int]) -> Expression:
    """Return the polynomial of a constant and of terms, none of which has a coefficient of 0.

    >>> make_sum(4, {}), make_sum(0, {Symbol("s", int).monomial: 1})
    (4, s)
    """
    if not terms:
        return Constant(constant)
    if constant == 0 and len(terms) == 1:
        ((monomial, coefficient),) = terms.items()
        if coefficient == 1 and len(monomial) == 1:
            ((atom, exponent),) = monomial
            if exponent == 1:
                return atom
    return Sum(constant, terms)


def total(a: Expression, b: Expression) -> Expression:
    """Return `a + b` of integers.

    >>> total(Symbol("s", int), Constant(0))
    s
    """
    constant, terms = terms_of(a)
    more, others = terms_of(b)
    merged = dict(terms)
    for monomial, coefficient in others.items():
        known = merged.get(monomial, 0) + coefficient
        if known:
            merged[monomial] = known
        else:
            del merged[monomial]
    return make_sum(constant + more, merged)


def multiply(a: Expression, b: Expression) -> Expression:
    """Return `a * b` of integers, written out unless that is too long.

    >>> s = Symbol("s", int)
    >>> multiply(s + 1, s + 2) == s * s + s * 3 + 2
    True
    """
    if isinstance(a, Constant):
        a, b = b, a
    if isinstance(b, Constant):
        factor = int(b.value)
        if factor == 0:
            return b
        if factor == 1:
            return a
        constant, terms = terms_of(a)
        return make_sum(constant * factor, {monomial: known * factor for monomial, known in terms.items()})
    constant, terms = terms_of(a)
    other_constant, others = terms_of(b)
    if (len(terms) + (constant != 0)) * (len(others) + (other_constant != 0)) > LONGEST:
        return Call("Product", (a, b))
    product: dict[Monomial, int] = {}
    for monomial, coefficient in terms.items():
        _increase(product, monomial, coefficient * other_constant)
        for other, factor in others.items():
            _increase(product, _times(monomial, other), coefficient * factor)
    for other, factor in others.items():
        _increase(product, other, constant * factor)
    return make_sum(constant * other_constant, product)


def _increase(terms: dict[Monomial, int], monomial: Monomial, by: int) -> None:
    known = terms.get(monomial, 0) + by
    if known:
        terms[monomial] = known
    else:
        terms.pop(monomial, None)


def _times(a: Monomial, b: Monomial) -> Monomial:
    exponents = dict(a)
    for atom, exponent in b:
        exponents[atom] = exponents.get(atom, 0) + exponent
    return frozenset(exponents.items())


def power(base: Expression, exponent: int) -> Expression:
    """Return `base ** exponent` of an integer, for a constant exponent that is not negative.

    >>> power(Symbol("s", int), 2)
    s**2
    """
    if exponent == 0:
        return Constant(1)
    if exponent == 1:
        return base
    if isinstance(base, Constant):
        return Constant(int(base.value) ** exponent)
    constant, terms = terms_of(base)
    if constant == 0 and len(terms) == 1:
        ((monomial, coefficient),) = terms.items()
        return make_sum(0, {frozenset((atom, known * exponent) for atom, known in monomial): coefficient**exponent})
    if exponent > LONGEST:
        return Call("PowByNatural", (base, Constant(exponent)))
    result = base
    for _ in range(exponent - 1):
        result = multiply(result, base)
        if isinstance(result, Call) and result.name == "Product":
            return Call("PowByNatural", (base, Constant(exponent)))
    return result


# ---- operations -----------------------------------------------------------------------------------------------------


def call(name: str, operands: tuple[Expression, ...]) -> Expression:
    """Return one of Python's operations on expressions; on constants, Python computes it.

    >>> call("Mod", (Constant(-7), Constant(3))), call("Mod", (Constant(7), Constant(0)))
    (2, (7%0))
    """
    for operand in operands:
        if not isinstance(operand, Constant):
            return Call(name, operands)
    operation = PYTHON_FUNCTIONS[name]
    try:
        value = operation.python(*[number(operand) for operand in operands])
    except (ArithmeticError, ValueError):
        return Call(name, operands)  # the error belongs to the run that reaches it, not to the capture
    if isinstance(value, complex):
        return Call(name, operands)
    return Constant(int(value) if operation.result is int else value)


_PYTHON: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def compare(sign: str, left: Expression, right: Expression) -> Expression:
    """Return a comparison; where the difference is a number, its answer.

    >>> s = Symbol("s", int)
    >>> compare("<", s, s + 1), compare("<", s, Constant(4))
    (True, s < 4)
    """
    if isinstance(left, Constant) and isinstance(right, Constant):
        return TRUE if _PYTHON[sign](left.value, right.value) else FALSE
    if left.kind is int and right.kind is int:
        (constant, terms), (other, others) = terms_of(left), terms_of(right)
        if terms == others:
            return TRUE if _PYTHON[sign](constant, other) else FALSE
    return Relation(sign, left, right)


def negate(condition: Expression) -> Expression:
    """Return the opposite of a condition. `not f < g` of floats is not `f >= g`: neither holds of a nan.

    >>> negate(Relation("<", Symbol("s", int), Constant(4)))
    s >= 4
    """
    if isinstance(condition, Constant):
        return FALSE if condition.value else TRUE
    if isinstance(condition, Not):
        return condition.operand
    if isinstance(condition, Junction):
        return junction(not condition.any_of, tuple([negate(operand) for operand in condition.operands]))
    if isinstance(condition, Relation) and (
        condition.sign in ("==", "!=") or (condition.left.kind is int and condition.right.kind is int)
    ):
        return Relation(_OPPOSITE[condition.sign], condition.left, condition.right)
    return Not(condition)


def junction(any_of: bool, operands: Iterable[Expression]) -> Expression:
    """Return whether any of some conditions holds, or all of them.

    >>> junction(False, (TRUE, Relation("<", Symbol("s", int), Constant(4))))
    s < 4
    """
    kept: dict[Expression, None] = {}
    for operand in operands:
        if isinstance(operand, Junction) and operand.any_of is any_of:
            kept.update(dict.fromkeys(operand.operands))
        elif not isinstance(operand, Constant):
            kept[operand] = None
        elif bool(operand.value) is any_of:
            return TRUE if any_of else FALSE
    if len(kept) == 1:
        return next(iter(kept))
    return Junction(any_of, tuple(kept)) if kept else (FALSE if any_of else TRUE)


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """Return one number where a condition holds, and another where it does not.

    >>> choose(TRUE, Constant(1), Constant(2))
    1
    """
    if isinstance(condition, Constant):
        return then if condition.value else otherwise
    return then if then == otherwise else Choice(condition, then, otherwise)


def substitute(
    expression: Expression,
    replacements: Mapping[Expression, Expression],
    build: Callable[[str, tuple[Expression, ...]], Expression] = call,
    known: dict[Expression, Expression] | None = None,
) -> Expression:
    """Return `expression` with parts replaced, each part once.

    Args:
        expression: any expression.
        replacements: what takes the place of what.
        build: applies an operation of Python; by default it is only computed where it can be.
        known: what was found before for these replacements; it grows.

    >>> s = Symbol("s", int)
    >>> substitute(s * s + 1, {s: Constant(3)})
    10
    """
    done = {} if known is None else known

    def replaced(part: Expression) -> Expression:
        result = replacements.get(part)
        if result is None:
            result = done.get(part)
        if result is None:
            operands = part.operands
            new = tuple([replaced(operand) for operand in operands])
            same = all(one is other for one, other in zip(new, operands, strict=True))
            result = done[part] = part if same else part.rebuilt(new, build)
        return result

    return replaced(expression)
