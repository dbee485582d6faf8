"""Binding the arguments of built-in functions, and the rules that consist of a polyfill or of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from framelift_bytecode_interp import Break, Value

from ..evaluation import enter_whole, evaluate, native_error, plain_all
from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..reasons import UnsupportedCall
from ..variable import ConstantVariable, Variable


def name_of(function: object) -> str:
    """Return the name of a built-in callable for a message."""
    return str(getattr(function, "__qualname__", function))


@dataclass(frozen=True)
class Parameters:
    """The parameters of a built-in function.

    Args:
        required: positional-only parameters that must be given.
        optional: the names that may be left out, with constant defaults; positional or keyword.
        keywords: keyword-only names, with constant defaults.
        rest: whether more positional arguments are accepted; they are bound first, as one tuple value.
    """

    required: int = 0
    optional: Mapping[str, object] = field(default_factory=dict)
    keywords: Mapping[str, object] = field(default_factory=dict)
    rest: bool = False

    def bind(self, domain: Tracking, args: Arguments, kwargs: Keywords) -> Arguments | None:
        """Return all arguments in order, defaults filled in; None when CPython refuses the call."""
        if self.rest:
            if not self.keywords.keys() >= kwargs.keys() or len(args) < self.required:
                return None
            packed = domain.build_tuple(args)
            return (cast("Value[Variable]", packed).value, *_filled(self.keywords, kwargs))
        allowed = self.required + len(self.optional)
        if not self.required <= len(args) <= allowed:
            return None
        names = list(self.optional)
        given = len(args) - self.required
        left = {name: self.optional[name] for name in names[given:]}
        if not left.keys() | self.keywords.keys() >= kwargs.keys():
            return None
        return (*args, *_filled(left, kwargs), *_filled(self.keywords, kwargs))


def _filled(defaults: Mapping[str, object], kwargs: Keywords) -> list[Variable]:
    return [kwargs.get(name) or ConstantVariable(default) for name, default in defaults.items()]


def refuse(domain: Tracking, function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Answer:
    """Raise the TypeError of a call with wrong arguments, in CPython's words; `function` must be pure.

    Stand-ins take the places of the arguments, so a complaint counts only if it can't be about them: that of a wrong
    number, or one that names keywords.
    """
    try:
        function(*[None for _ in args], **dict.fromkeys(kwargs))
    except TypeError as error:
        if not kwargs or "keyword argument" in str(error):
            return native_error(domain, error)
    return Break(UnsupportedCall(name_of(function), "these arguments are unknown to its rule"))


def polyfilled(function: Callable[..., Any], polyfill: Callable[..., Any], parameters: Parameters) -> FunctionRule:
    """Return the rule that enters `polyfill`, a plain function with one parameter for each of `parameters`."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        bound = parameters.bind(domain, args, kwargs)
        return refuse(domain, function, args, kwargs) if bound is None else domain.polyfill(polyfill, *bound)

    return rule


def polyfilled_whole(
    function: Callable[..., Any], polyfill: Callable[..., Any], parameters: Parameters
) -> FunctionRule:
    """Return the rule that enters `polyfill` by `enter_whole`."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        bound = parameters.bind(domain, args, kwargs)
        if bound is None:
            return refuse(domain, function, args, kwargs)
        return enter_whole(domain, function, polyfill, *bound)

    return rule


def evaluated(function: Callable[..., Any], otherwise: FunctionRule | None = None) -> FunctionRule:
    """Return the rule that evaluates a pure function on plain constants, and asks `otherwise` about other arguments."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        keywords = plain_all(domain, list(kwargs.values()))
        if values is not None and keywords is not None:
            return evaluate(domain, function, *values, **dict(zip(kwargs, keywords, strict=True)))
        if otherwise is not None:
            return otherwise(domain, context, args, kwargs)
        return Break(UnsupportedCall(name_of(function), "it is evaluated on built-in constants only"))

    return rule


def forwarded(
    function: Callable[..., Any], operation: Callable[..., Answer], count: int, *before: object
) -> FunctionRule:
    """Return the rule of a function that is one operation of the domain on `count` positional arguments."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if len(args) != count or kwargs:
            return refuse(domain, function, args, kwargs)
        return operation(domain, *before, *args)

    return rule


def special(function: Callable[..., Any], method: str, message: Callable[[str], str]) -> FunctionRule:
    """Return the rule that calls the special method `method` of its one argument."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        if not args or kwargs:
            return refuse(domain, function, args, kwargs)
        bound = domain.special_method(args[0], method)
        if isinstance(bound, Value):
            return domain.call(context.frame, bound.value, args[1:], {})
        if raises(bound, AttributeError):
            return domain.raise_error(TypeError, message(args[0].python_type().__name__))
        return bound

    return rule


def raises(answer: object, cls: type[BaseException]) -> bool:
    """Tell whether an answer raises an exception of a class."""
    exception = getattr(answer, "exception", None)
    return isinstance(exception, Variable) and issubclass(exception.cls, cls)


def breaking(function: Callable[..., Any], detail: str) -> FunctionRule:
    """Return the rule of a function that has to run for real."""
    reason = UnsupportedCall(name_of(function), detail)

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        return Break(reason)

    return rule
