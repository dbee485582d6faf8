"""`operator.itemgetter`, `attrgetter` and `methodcaller` objects."""

from __future__ import annotations

import ast
import operator
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import CallSource, Source, TypeIs

from ..emitter import Emitter
from ..evaluation import native_error
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import operators as polyfills
from ..variable import ConstantVariable, Variable
from .container import HolderVariable
from .identity import IdentityHandler


def arguments_of(getter: Any) -> tuple[Any, ...]:
    """Return what a getter without keyword arguments was made of.

    >>> arguments_of(operator.itemgetter(1, "a"))
    (1, 'a')
    """
    return tuple(getter.__reduce__()[1])


def kind_of(getter: Any) -> Any:
    """Return what makes the getter again: its class, where it has no keyword arguments."""
    return getter.__reduce__()[0]


class GetterVariable(HolderVariable):
    """A getter.

    Args:
        cls: which of the three.
        args: the items, the names, or the method's name and arguments.
        keywords: of a methodcaller.
    """

    __slots__ = ("args", "keywords")

    def __init__(self, cls: type, args: Arguments, keywords: Keywords, source: Source | None = None) -> None:
        self.cls = cls
        self.source = source
        self.args = args
        self.keywords = keywords


class GetterHandler(IdentityHandler):
    """The three getters of `operator`."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        if kind_of(value) is not cls:
            return super().wrap(domain, value, source)
        domain.guard(source, TypeIs(cls))
        parts = domain.wrap(arguments_of(value), CallSource(arguments_of, source, ".__reduce__()[1]"))
        args = domain.sequence(parts)
        return super().wrap(domain, value, source) if args is None else GetterVariable(cls, tuple(args), {}, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        names = args if cls is operator.attrgetter else args[:1] if cls is operator.methodcaller else ()
        if not args or (kwargs and cls is not operator.methodcaller) or any(name.cls is not str for name in names):
            stand_ins = [None if name.cls is not str else "x" for name in args]
            try:
                cls(*stand_ins, **dict.fromkeys(kwargs))
            except TypeError as error:
                return native_error(domain, error)
        return Value(GetterVariable(cls, args, dict(kwargs)))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        if not isinstance(variable, GetterVariable) or len(args) != 1 or kwargs:
            return super().call(domain, variable, args, kwargs)
        owner = args[0]
        first = variable.args[0]
        if variable.cls is operator.itemgetter and len(variable.args) == 1:
            return domain.get_item(owner, first)
        packed = domain.build_tuple(variable.args)
        if not isinstance(packed, Value):
            return packed
        if variable.cls is operator.itemgetter:
            return domain.polyfill(polyfills.items_of, owner, packed.value)
        if variable.cls is operator.attrgetter:
            name = first.value if isinstance(first, ConstantVariable) else "."
            if len(variable.args) == 1 and "." not in name:
                return domain.get_attribute(owner, name)
            return domain.polyfill(polyfills.attributes_of, owner, packed.value)
        names = domain.build_map([domain.constant(name) for name in variable.keywords], [*variable.keywords.values()])
        if not isinstance(names, Value):
            return names
        return domain.polyfill(polyfills.call_method, owner, packed.value, names.value)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, GetterVariable)
        call = emitter.call(variable.cls, *map(emitter.value, variable.args))
        call.keywords.extend(ast.keyword(name, emitter.value(value)) for name, value in variable.keywords.items())
        return call


HANDLERS = dict.fromkeys((operator.itemgetter, operator.attrgetter, operator.methodcaller), GetterHandler())
