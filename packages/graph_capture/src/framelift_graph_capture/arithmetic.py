"""Python's arithmetic on symbolic numbers, exactly: what an operation gives, and what has to hold for that.

torch's own arithmetic on `SymInt` and `SymFloat` follows mathematics where Python does not (`//` of floats, shifts,
comparisons of an int with a float), and leaves it to the run to raise. Here an operation that could raise, or leave the
real numbers, is guarded to do neither; one that does in this call makes constants of its operands.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

from framelift_guards import is_interruption
from framelift_symbolic_shapes import SymNode
from framelift_symbolic_shapes.torch import wrap

__all__ = ["COMPUTED", "SYMBOLIC", "compute", "example_numbers", "known", "specialise"]

SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)
"""torch's types of symbolic numbers."""

_PLAIN: Mapping[type, Callable[[Any], Any]] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}


def specialise(number: Any) -> Any:
    """Return the plain number that a symbolic one is in this call; the capture holds for that value only."""
    convert = _PLAIN.get(type(number))
    return number if convert is None else convert(number)


def known(number: Any) -> Any:
    """Return a number, as a plain one where it is the same in all calls."""
    if not isinstance(number, SYMBOLIC):
        return number
    constant = number.node.constant
    return number if constant is None else constant


def example_numbers(value: Any) -> Any:
    """Return a value with the symbolic numbers in it as what they are in this call; nothing is guarded.

    >>> example_numbers([1, (2.5, None)])
    [1, (2.5, None)]
    """
    if isinstance(value, SYMBOLIC):
        return value if value.node.hint is None else value.node.hint
    if type(value) in (list, tuple):
        return type(value)([example_numbers(item) for item in value])
    return value


def compute(function: Callable[..., Any], *operands: Any) -> Any:
    """Return what `function` gives for these numbers.

    Args:
        function: a function of Python that `COMPUTED` knows, or any other pure one: it gets plain numbers.
        operands: plain or symbolic numbers; what they are in this call decides, and is guarded where it matters.

    Raises:
        Exception: what the function raises; it would do so in every call that the guards let pass.

    >>> from framelift_symbolic_shapes import ShapeEnv
    >>> from framelift_symbolic_shapes.torch import attach
    >>> env = attach(ShapeEnv())
    >>> n = env.create_symbol("n", 7, dynamic=True, origin=None)
    >>> compute(operator.floordiv, 21, n), env.guards[-1].expression
    ((21//s69), Ne(s69, 0))
    """
    # A truth value in arithmetic is 0 or 1, and few programs do that: it is decided.
    operands = tuple([specialise(one) if type(one) is torch.SymBool else one for one in operands])
    hints = [one.node.hint if isinstance(one, SYMBOLIC) else one for one in operands]
    if None in hints or not any(isinstance(one, SYMBOLIC) for one in operands):
        return function(*operands)
    try:
        expected = function(*hints)
    except Exception as error:
        if is_interruption(error):
            raise
        return function(*map(specialise, operands))
    rule = COMPUTED.get(function)
    if rule is None or type(expected) not in (int, float, bool) or not math.isfinite(expected):
        return function(*map(specialise, operands))
    node = next(one.node for one in operands if isinstance(one, SYMBOLIC))
    result = rule(*[_node(one, node) for one in operands])
    return function(*map(specialise, operands)) if result is None else known(wrap(result))


def _node(number: Any, any_node: SymNode) -> SymNode:
    if isinstance(number, SYMBOLIC):
        return number.node  # type: ignore[no-any-return]
    return any_node.wrap_float(number) if type(number) is float else any_node.wrap_int(int(number))


# ---- rules: each gets nodes, and returns the node of the result, or None to specialise ------------------------------

Rule = Callable[..., "SymNode | None"]


def _finite(node: SymNode) -> SymNode:
    """Return a node whose value is a real number in every call: computing it raises nothing."""
    node.shape_env.expect(node.is_finite())
    return node


def _as_float(node: SymNode) -> SymNode:
    # An int that a caller passes may be too large for a float; one that fits the graph never is.
    return node if node.pytype is float else node.sym_float()


def _mixed(integers: Rule, floats: Rule) -> Rule:
    """Return the rule of an operation that makes floats of its operands where one is a float."""

    def rule(*operands: SymNode) -> SymNode | None:
        if all(one.pytype is int for one in operands):
            return integers(*operands)
        return floats(*map(_as_float, operands))

    return rule


def _by_divisor(operation: str) -> Rule:
    def rule(left: SymNode, right: SymNode) -> SymNode:
        right.ne(right.wrap_int(0)).guard_bool("", 0)
        result: SymNode = getattr(left, operation)(right)
        return result

    return rule


def _checked(operation: str) -> Rule:
    def rule(*operands: SymNode) -> SymNode:
        first, *rest = operands
        return _finite(getattr(first, operation)(*rest))

    return rule


def _plain(operation: str) -> Rule:
    def rule(first: SymNode, *rest: SymNode) -> SymNode:
        result: SymNode = getattr(first, operation)(*rest)
        return result

    return rule


def _true_division(left: SymNode, right: SymNode) -> SymNode:
    right.ne(right.wrap_int(0)).guard_bool("", 0)
    return left.int_truediv(right)


def _shift(operation: str) -> Rule:
    def rule(left: SymNode, right: SymNode) -> SymNode | None:
        if right.constant is None:
            return None  # the result may be as large as memory
        result: SymNode = getattr(left, operation)(right)
        return result

    return rule


def _power(left: SymNode, right: SymNode) -> SymNode | None:
    if right.constant is None:
        return None  # as for shifts
    if right.constant >= 0:
        return left.pow_by_natural(right)
    return _finite(left.sym_float().float_pow(right.sym_float()))


def _invert(operand: SymNode) -> SymNode | None:
    return operand.neg().sub(operand.wrap_int(1)) if operand.pytype is int else None


def _comparison(operation: str, whole: str | None, swapped: str) -> Rule:
    """Return the rule of a comparison; an int and a float are compared as the real numbers that they are.

    Args:
        operation: the method of a node.
        whole: the function that makes an int of a float so that the comparison with an int stays the same; None where
            no int is equal to the float.
        swapped: the method that compares the operands the other way round.
    """

    def rule(left: SymNode, right: SymNode) -> SymNode | None:
        if left.pytype is right.pytype:
            if left.pytype is float:
                for one in (left, right):
                    if not one.is_symbol and one.constant is None:
                        _finite(one)
            compared: SymNode = getattr(left, operation)(right)
            return compared
        if left.pytype is float:
            reversed_: SymNode | None = _COMPARISONS_BY_NAME[swapped](right, left)
            return reversed_
        return _int_with_float(left, right)

    def _int_with_float(number: SymNode, bound: SymNode) -> SymNode | None:
        value, whole_number = bound.constant, number.constant
        if value is None:
            if whole_number is None or int(float(whole_number)) != whole_number:
                return None
            return _COMPARISONS_BY_NAME[swapped](bound, bound.wrap_float(float(whole_number)))
        if not math.isfinite(value) or (whole is None and value != int(value)):
            return number.wrap_bool(getattr(operator, operation)(0, value))  # the same for all ints
        limit = int(value) if whole is None else getattr(math, whole)(value)
        compared: SymNode = getattr(number, operation)(number.wrap_int(limit))
        return compared

    return rule


_COMPARISONS_BY_NAME: dict[str, Rule] = {
    "lt": _comparison("lt", "ceil", "gt"),
    "le": _comparison("le", "floor", "ge"),
    "gt": _comparison("gt", "floor", "lt"),
    "ge": _comparison("ge", "ceil", "le"),
    "eq": _comparison("eq", None, "eq"),
    "ne": _comparison("ne", None, "ne"),
}


def _whole(operation: str) -> Rule:
    """Return the rule of a function that makes an int of a number."""

    def rule(operand: SymNode) -> SymNode:
        if operand.pytype is int:
            return operand
        if not operand.is_symbol:
            _finite(operand)
        result: SymNode = getattr(operand, operation)()
        return result

    return rule


def _round(operand: SymNode, digits: SymNode | None = None) -> SymNode | None:
    if digits is None:
        return _whole("round")(operand)
    count = digits.constant
    if type(count) is not int or (operand.pytype is int and count < 0):
        return None
    return operand if operand.pytype is int else _finite(operand.round(count))


def _is_not_finite(operand: SymNode) -> SymNode:
    return _finite(operand).is_finite().sym_not()


def _function(name: str) -> Rule:
    def rule(operand: SymNode) -> SymNode:
        result: SymNode = getattr(_as_float(operand), f"sym_{name}")()
        return _finite(result)

    return rule


def _extreme(operation: str) -> Rule:
    def rule(left: SymNode, right: SymNode) -> SymNode | None:
        if left.pytype is not right.pytype:
            return None
        result: SymNode = getattr(left, operation)(right)
        return result

    return rule


COMPUTED: dict[Callable[..., Any], Rule] = {
    operator.add: _mixed(_plain("add"), _plain("add")),
    operator.sub: _mixed(_plain("sub"), _plain("sub")),
    operator.mul: _mixed(_plain("mul"), _plain("mul")),
    operator.truediv: _mixed(_true_division, _checked("float_truediv")),
    operator.floordiv: _mixed(_by_divisor("int_floordiv"), _checked("float_floordiv")),
    operator.mod: _mixed(_by_divisor("mod"), _checked("mod")),
    operator.pow: _mixed(_power, _checked("float_pow")),
    operator.lshift: _shift("lshift"),
    operator.rshift: _shift("rshift"),
    operator.and_: _plain("bitwise_and"),
    operator.or_: _plain("bitwise_or"),
    operator.xor: _plain("bitwise_xor"),
    operator.neg: _plain("neg"),
    operator.pos: _plain("pos"),
    operator.invert: _invert,
    operator.lt: _COMPARISONS_BY_NAME["lt"],
    operator.le: _COMPARISONS_BY_NAME["le"],
    operator.gt: _COMPARISONS_BY_NAME["gt"],
    operator.ge: _COMPARISONS_BY_NAME["ge"],
    operator.eq: _COMPARISONS_BY_NAME["eq"],
    operator.ne: _COMPARISONS_BY_NAME["ne"],
    abs: _plain("abs"),
    float: _as_float,
    int: _whole("trunc"),
    math.trunc: _whole("trunc"),
    math.floor: _whole("floor"),
    math.ceil: _whole("ceil"),
    round: _round,
    min: _extreme("sym_min"),
    max: _extreme("sym_max"),
    math.isfinite: lambda operand: _finite(operand).is_finite(),
    math.isinf: lambda operand: _is_not_finite(operand) if math.isfinite(operand.hint) else None,
    math.isnan: lambda operand: _is_not_finite(operand) if math.isfinite(operand.hint) else None,
    **{
        getattr(math, name): _function(name)
        for name in ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")
    },
}
"""The rules, by Python's function."""
