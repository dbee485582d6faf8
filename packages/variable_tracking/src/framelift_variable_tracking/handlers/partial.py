"""`functools.partial` objects."""

from __future__ import annotations

import ast
import functools
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import AttributeSource, DictItemSource, DictKeys, Source, TypeIs

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking, TypeHandler
from ..variable import Variable
from .container import HolderVariable


class PartialVariable(HolderVariable):
    """A partial.

    Args:
        function: what it calls.
        args: the first arguments.
        keywords: the keyword arguments.
    """

    __slots__ = ("args", "function", "keywords")

    def __init__(self, function: Variable, args: Arguments, keywords: Keywords, source: Source | None = None) -> None:
        self.cls = functools.partial
        self.source = source
        self.function = function
        self.args = args
        self.keywords = keywords


def make_partial(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> functools.partial[Any]:
    """Return the partial of these parts."""
    return functools.partial(function, *args, **keywords)


class PartialHandler(TypeHandler):
    """`functools.partial`."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(functools.partial))
        args = domain.sequence(domain.wrap(value.args, AttributeSource(source, "args")))
        if args is None:
            return super().wrap(domain, value, source)
        function = domain.wrap(value.func, AttributeSource(source, "func"))
        names = AttributeSource(source, "keywords")
        domain.guard(names, DictKeys(value.keywords))
        keywords = {name: domain.wrap(part, DictItemSource(names, name)) for name, part in value.keywords.items()}
        return PartialVariable(function, tuple(args), keywords, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if not args:
            return domain.raise_error(TypeError, "type 'partial' takes at least one argument")
        function, *rest = args
        if isinstance(function, PartialVariable):
            # CPython flattens a partial of a partial, which has no dictionary of its own here.
            merged = {**function.keywords, **kwargs}
            return Value(PartialVariable(function.function, (*function.args, *rest), merged))
        return Value(PartialVariable(function, tuple(rest), dict(kwargs)))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        if not isinstance(variable, PartialVariable):
            return super().call(domain, variable, args, kwargs)
        merged = {**variable.keywords, **kwargs}
        return domain.call(domain.frame, variable.function, (*variable.args, *args), merged)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, PartialVariable):
            if name == "func":
                return Value(variable.function)
            if name == "args":
                return domain.build_tuple(variable.args)
            if name == "keywords" and variable.source is None:
                names = [domain.constant(key) for key in variable.keywords]
                return domain.build_map(names, list(variable.keywords.values()))
            if name == "__class__":
                return Value(domain.reference(functools.partial))
        return super().get_attribute(domain, variable, name)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        return Value(value=True)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, PartialVariable)
        args = ast.Tuple([emitter.value(argument) for argument in variable.args], ast.Load())
        names: list[ast.expr | None] = [emitter.constant(name, "name") for name in variable.keywords]
        keywords = ast.Dict(names, [emitter.value(value) for value in variable.keywords.values()])
        return emitter.call(make_partial, emitter.value(variable.function), args, keywords)


HANDLERS = {functools.partial: PartialHandler()}
