"""Simplification as a table of rules: each is one law of Python's integer arithmetic, stated in its docstring.

A rule takes the operands of one function and a way to ask for ranges, and returns a simpler expression or `None`. Rules
are tried when a function is applied, so operands are simple already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from framelift_symbolic_shapes.congruence import Build, cofactor, remainders, without_remainder
from framelift_symbolic_shapes.expression import (
    Call,
    Constant,
    Expression,
    Monomial,
    call,
    make_sum,
    number,
    power,
    substitute,
    terms_of,
)
from framelift_symbolic_shapes.products import common_factor
from framelift_symbolic_shapes.range import Bounds, Range

__all__ = ["RULES", "Rule", "simplify"]

Rule: TypeAlias = "Callable[..., Expression | None]"


FARTHEST = 1024
"""The longest shift that is written as a power of two: `n >> 2**60` is cheap, and `2**2**60` fills memory."""


LARGEST = 2**63
"""The largest divisor that two become: a loop that halves would else make numbers that are longer each time."""


def _nonzero(expression: Expression, bounds: Bounds) -> bool:
    return 0 not in bounds(expression)


def _natural(expression: Expression) -> int | None:
    value = number(expression)
    return int(value) if value is not None and value >= 0 else None


def divide_by_one(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A // 1 = a."""
    return a if number(b) == 1 else None


def divide_small(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A // b = 0 where 0 <= a < b."""
    return Constant(0) if bounds(a).lower >= 0 and bounds(b - a).lower > 0 else None


def divide_multiple(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(q * b + r) // b = q + r // b where b != 0."""
    if not _nonzero(b, bounds):
        return None
    quotient, rest = _split(a, b)
    if number(quotient) == 0:
        return None
    return quotient + simplify("FloorDiv", (rest, b), bounds)


def divide_negative(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A // b = -a // -b where b < 0."""
    return simplify("FloorDiv", (-a, -b), bounds) if bounds(b).upper < 0 else None


def divide_twice(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(n // d + k) // b = (n + k * d) // (d * b) for a number k, where b > 0 and d != 0."""
    constant, terms = terms_of(a)
    inner = make_sum(0, dict(terms))
    if not (isinstance(inner, Call) and inner.name == "FloorDiv"):
        return None
    dividend, divisor = inner.operands
    product = divisor * b
    if bounds(b).lower <= 0 or not _nonzero(divisor, bounds) or abs(number(product) or 0) > LARGEST:
        return None
    return simplify("FloorDiv", (dividend + divisor * constant, product), bounds)


def divide_modulo(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(c * (n % b) + r) // b = k // b - c * (n // b) where b != 0 and c * n + r = k is a number.

    For n % b = n - b * (n // b). So n + -n % b, which rounds n up to a multiple of b, has -(-n // b) as its quotient.
    """
    if not _nonzero(b, bounds):
        return None
    for monomial, coefficient in terms_of(a)[1].items():
        ((atom, exponent), *others) = monomial
        if others or exponent != 1 or not _is(atom, "Mod") or atom.operands[1] != b:
            continue
        dividend = atom.operands[0]
        rest = a - atom * coefficient + dividend * coefficient
        if isinstance(rest, Constant):
            return simplify("FloorDiv", (rest, b), bounds) - simplify("FloorDiv", (dividend, b), bounds) * coefficient
    return None


def divide_exactly(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A // b = q where b != 0 and a = q * b with n - m * (n // m) for each n % m in it."""
    return _exact_quotient(a, b, bounds)


def modulo_exactly(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A % b = 0 where b != 0 and a = q * b with n - m * (n // m) for each n % m in it."""
    return None if _exact_quotient(a, b, bounds) is None else Constant(0)


def _exact_quotient(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    found: dict[Expression, Expression] = {part: without_remainder(part, _builder(bounds)) for part in remainders(a)}
    if not found or not _nonzero(b, bounds):
        return None
    quotient, rest = _split(substitute(a, found), b)
    return quotient if number(rest) == 0 else None


def _builder(bounds: Bounds) -> Build:
    return lambda name, operands: simplify(name, operands, bounds)


def divide_common(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(k * q) // (k * m) = q // m where k != 0."""
    common = _common(a, b, bounds)
    return None if common is None else simplify("FloorDiv", (common[1], common[2]), bounds)


def modulo_one(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A % 1 = 0."""
    return Constant(0) if number(b) == 1 else None


def modulo_negative(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A % b = -(-a % -b) where b < 0."""
    return -simplify("Mod", (-a, -b), bounds) if bounds(b).upper < 0 else None


def modulo_of_one(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """1 % b = min(b - 1, 1) where b >= 1."""
    return simplify("Minimum", (b - 1, Constant(1)), bounds) if number(a) == 1 and bounds(b).lower >= 1 else None


def modulo_small(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A % b = a where 0 <= a < b."""
    return a if bounds(a).lower >= 0 and bounds(b - a).lower > 0 else None


def modulo_multiple(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(q * b + r) % b = r % b where b != 0."""
    if not _nonzero(b, bounds):
        return None
    quotient, rest = _split(a, b)
    return None if number(quotient) == 0 else simplify("Mod", (rest, b), bounds)


def modulo_modulo(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(c * (n % m) + r) % b = (c * n + r) % b where b divides c * m: n % m is n less a multiple of m."""
    divisor = number(b)
    if not divisor:
        return None
    constant, terms = terms_of(a)
    whole: Expression = Constant(constant)
    found = False
    for monomial, coefficient in terms.items():
        ((atom, exponent), *others) = monomial
        modulus = number(atom.operands[1]) if _is(atom, "Mod") else None
        if not others and exponent == 1 and modulus and coefficient * int(modulus) % int(divisor) == 0:
            whole, found = whole + atom.operands[0] * coefficient, True
        else:
            whole = whole + make_sum(0, {monomial: coefficient})
    return simplify("Mod", (whole, b), bounds) if found else None


def modulo_common(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """(k * q) % (k * m) = k * (q % m) where k != 0."""
    common = _common(a, b, bounds)
    return None if common is None else common[0] * simplify("Mod", (common[1], common[2]), bounds)


def minimum(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """min(a, b) = a where a <= b; = b where b <= a."""
    difference = bounds(b - a)
    if difference.lower >= 0:
        return a
    return b if difference.upper <= 0 else None


def maximum(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """max(a, b) = b where a <= b; = a where b <= a."""
    difference = bounds(b - a)
    if difference.lower >= 0:
        return b
    return a if difference.upper <= 0 else None


def absolute(a: Expression, bounds: Bounds) -> Expression | None:
    """abs(a) = a where a >= 0; = -a where a <= 0."""
    here = bounds(a)
    if here.lower >= 0:
        return a
    return -a if here.upper <= 0 else None


def shift_left(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A << k = a * 2**k for a constant k >= 0."""
    places = _natural(b)
    return None if places is None or places > FARTHEST else a * 2**places


def shift_right(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A >> k = a // 2**k for a constant k >= 0."""
    places = _natural(b)
    return None if places is None or places > FARTHEST else simplify("FloorDiv", (a, Constant(2**places)), bounds)


def natural_power(a: Expression, b: Expression, bounds: Bounds) -> Expression | None:
    """A ** k is a polynomial for a constant k >= 0."""
    exponent = _natural(b)
    return None if exponent is None else power(a, exponent)


_EXACT = Range(-(2**53), 2**53)


def round_integer(a: Expression, bounds: Bounds) -> Expression | None:
    """floor(float(n)) = n, and so for ceil, trunc and round, where |n| <= 2**53: such floats are exact."""
    if not _is(a, "ToFloat"):
        return None
    return a.operands[0] if bounds(a.operands[0]).issubset(_EXACT) else None


def _is(expression: Expression, name: str) -> bool:
    return isinstance(expression, Call) and expression.name == name


def _split(a: Expression, b: Expression) -> tuple[Expression, Expression]:
    """Return q and r with a = q * b + r, where every term of a that holds b as a factor went to q."""
    constant, terms = terms_of(b)
    if isinstance(b, Constant):
        divisor, factor = constant, _NO_FACTOR
    elif constant == 0 and len(terms) == 1:
        ((factor, divisor),) = terms.items()
    else:
        return _split_by_sum(a, b)
    constant, terms = terms_of(a)
    quotient: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    whole = 0
    for monomial, coefficient in terms.items():
        part = None if coefficient % divisor else cofactor(monomial, factor)
        if part is None:
            rest[monomial] = coefficient
        elif part:
            quotient[part] = coefficient // divisor
        else:
            whole = coefficient // divisor
    if not factor:
        # A number leaves what is less than the divisor, so that (n - 3) // 2 and (n - 1) // 2 - 1 are one form.
        whole, constant = divmod(constant, divisor)
    return make_sum(whole, quotient), make_sum(constant, rest)


_NO_FACTOR: Monomial = frozenset()


def _common(a: Expression, b: Expression, bounds: Bounds) -> tuple[Expression, Expression, Expression] | None:
    """Return k, q and m with a = k * q and b = k * m, where k is never 0; `None` where k can only be 1."""
    (constant, terms), (other, others) = terms_of(a), terms_of(b)
    divisor = math.gcd(constant, *terms.values(), other, *others.values())
    shared = _NO_FACTOR if constant or other or not (terms and others) else common_factor([*terms, *others])
    factor = frozenset((atom, exponent) for atom, exponent in shared if _nonzero(atom, bounds))
    if divisor <= 1 and not factor:
        return None
    k = make_sum(0, {factor: divisor}) if factor else Constant(divisor)
    return k, _divided(constant, terms, divisor, factor), _divided(other, others, divisor, factor)


def _divided(constant: int, terms: Mapping[Monomial, int], divisor: int, factor: Monomial) -> Expression:
    result: Expression = Constant(constant // divisor)
    for monomial, coefficient in terms.items():
        part = cofactor(monomial, factor)
        result = result + (make_sum(0, {part: coefficient // divisor}) if part else Constant(coefficient // divisor))
    return result


def _split_by_sum(a: Expression, b: Expression) -> tuple[Expression, Expression]:
    """Return q and r with a = q * b + r where r is a number, by division of polynomials; else 0 and a.

    Taking out what leaves a rest would trade one form for a longer one.
    """
    for leading, divisor in terms_of(b)[1].items():  # the term that leads decides; there are few, so each is tried
        quotient: Expression = Constant(0)
        rest = a
        for _ in range(len(terms_of(a)[1])):
            found = [(cofactor(term, leading), known) for term, known in terms_of(rest)[1].items()]
            shares = [(part, known // divisor) for part, known in found if part is not None and known % divisor == 0]
            if not shares:
                break
            part, factor = max(shares, key=lambda share: len(share[0]))
            share = make_sum(0, {part: factor}) if part else Constant(factor)
            quotient, rest = quotient + share, rest - share * b
        if isinstance(rest, Constant):
            return quotient, rest
    return Constant(0), a


RULES: dict[str, tuple[Rule, ...]] = {
    "FloorDiv": (
        divide_by_one,
        divide_negative,
        divide_small,
        divide_multiple,
        divide_modulo,
        divide_exactly,
        divide_common,
        divide_twice,
    ),
    "Mod": (
        modulo_one,
        modulo_negative,
        modulo_small,
        modulo_of_one,
        modulo_multiple,
        modulo_modulo,
        modulo_exactly,
        modulo_common,
    ),
    "Minimum": (minimum,),
    "Maximum": (maximum,),
    "IntAbs": (absolute,),
    "LShift": (shift_left,),
    "RShift": (shift_right,),
    "PowByNatural": (natural_power,),
    "Floor": (round_integer,),
    "Ceil": (round_integer,),
    "Trunc": (round_integer,),
    "Round": (round_integer,),
}
"""The rules of each function, in the order in which they are tried."""


def simplify(name: str, operands: tuple[Expression, ...], bounds: Bounds) -> Expression:
    """Return the function `name` applied to `operands`, simplified.

    Args:
        name: one of `python_function.PYTHON_FUNCTIONS`.
        operands: its operands, simple already.
        bounds: gives a range that holds every value of an integer expression.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.bounding import bound
    >>> s = Symbol("s", int)
    >>> simplify("FloorDiv", (s * 4 + 6, Constant(2)), lambda expression: bound(expression, {s: Range(2, 9)}))
    2*s + 3
    """
    applied = call(name, operands)
    if isinstance(applied, Constant):
        return applied
    for rule in RULES.get(name, ()):
        simpler = rule(*operands, bounds)
        if simpler is not None:
            return simpler
    return applied
