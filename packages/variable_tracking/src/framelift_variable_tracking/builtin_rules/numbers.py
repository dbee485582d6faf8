"""Arithmetic and texts of numbers: built-in functions, `math` and `cmath`."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from framelift_bytecode_interp import Break, Value

from ..evaluation import LARGEST_RESULT, enter_whole
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..polyfills import arithmetic, numbers
from ..reasons import UnsupportedCall
from ..variable import ConstantVariable, Variable
from .arguments import Parameters, breaking, evaluated, polyfilled, refuse, special


def _pow(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    given = (*args, *[kwargs[name] for name in ("base", "exp", "mod")[len(args) :] if name in kwargs])
    if not 2 <= len(given) <= 3 or len(given) != len(args) + len(kwargs):
        return refuse(domain, pow, args, kwargs)
    if len(given) == 2 or (isinstance(given[2], ConstantVariable) and given[2].value is None):
        return domain.binary("**", given[0], given[1])
    return _modular_power(domain, context, given, {})


_modular_power = evaluated(pow)


def _bounded(function: Callable[..., Any]) -> FunctionRule:
    """Return the rule of a function whose result is huge for large arguments."""
    rule = evaluated(function)

    def bounded(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if any(_exceeds(argument, LARGEST_RESULT >> 4) for argument in args):
            return Break(UnsupportedCall(function.__qualname__, "the result may be huge"))
        return rule(domain, context, args, kwargs)

    return bounded


def _exceeds(variable: Variable, limit: int) -> bool:
    return isinstance(variable, ConstantVariable) and variable.cls is int and abs(variable.value) > limit


def _public(module: Any) -> dict[Any, FunctionRule]:
    functions = [value for name, value in vars(module).items() if not name.startswith("_") and callable(value)]
    return {function: evaluated(function) for function in functions}


def _round(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if any(_exceeds(digits, LARGEST_RESULT >> 4) for digits in (*args[1:], *kwargs.values())):
        return Break(UnsupportedCall("round", "the power of ten may be huge"))
    if len(args) == 1 and kwargs.keys() == {"ndigits"}:
        return _rounded(domain, context, (*args, kwargs["ndigits"]), {})
    return _rounded(domain, context, args, kwargs)


_rounded = evaluated(round, special(round, "__round__", "type {} doesn't define __round__ method".format))


def _index(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) != 1 or kwargs:
        return refuse(domain, operator.index, args, kwargs)
    if args[0].python_type() is int:
        return Value(args[0])
    return enter_whole(domain, operator.index, numbers.index, args[0])


RULES: Final[Mapping[Any, FunctionRule]] = {
    **_public(math),
    **_public(cmath),
    math.factorial: _bounded(math.factorial),
    math.comb: _bounded(math.comb),
    math.perm: _bounded(math.perm),
    math.ceil: evaluated(math.ceil, special(math.ceil, "__ceil__", "must be real number, not {}".format)),
    math.floor: evaluated(math.floor, special(math.floor, "__floor__", "must be real number, not {}".format)),
    math.trunc: evaluated(
        math.trunc, special(math.trunc, "__trunc__", "type {} doesn't define __trunc__ method".format)
    ),
    abs: evaluated(abs, special(abs, "__abs__", "bad operand type for abs(): {!r}".format)),
    round: _round,
    operator.index: evaluated(operator.index, _index),
    divmod: evaluated(divmod, polyfilled(divmod, arithmetic.divmod_, Parameters(2))),
    pow: _pow,
    ord: evaluated(ord),
    chr: evaluated(chr),
    bin: evaluated(bin),
    hex: evaluated(hex),
    oct: evaluated(oct),
    breakpoint: breaking(breakpoint, "it must run for real"),
    str.maketrans: evaluated(str.maketrans),
}
"""The rules, by function."""
