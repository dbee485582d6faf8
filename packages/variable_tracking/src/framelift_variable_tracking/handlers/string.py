"""Handlers of str and bytes constants: operators, methods, indexing, formatting."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import Break, Value

from ..classes import mro_of, namespace_of
from ..evaluation import (
    LARGEST_RESULT,
    constant,
    evaluate,
    index_of,
    plain,
    plain_all,
    too_large,
    too_special,
    wide,
)
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import texts
from ..scalar_operators import refused
from ..variable import NOT_CONSTANT, ConstantVariable, Variable
from .constant import ConstantHandler, value_of
from .iterator import text_iterator
from .template import format_template, interpolate

_PADDING: Final = frozenset(("center", "expandtabs", "ljust", "rjust", "zfill"))

_COMMON: Final = (
    "capitalize",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "islower",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
)


class TextHandler(ConstantHandler):
    """What str and bytes have in common."""

    methods: ClassVar[frozenset[str]] = frozenset(_COMMON)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        answer = super().binary(domain, op, left, right)
        if answer is not None:
            return answer
        text = value_of(left)
        if op == "%":
            return self._interpolate(domain, text, right)
        if op == "*":
            count = index_of(domain, right)
            if count is not None:
                return refused(op, text, count) or evaluate(domain, operator.mul, text, count)
        return self._refuse_operand(domain, op, text, right)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        count = index_of(domain, left) if op == "*" else None
        if count is None:
            return None
        return refused(op, value_of(right), count) or evaluate(domain, operator.mul, value_of(right), count)

    def _refuse_operand(self, domain: Tracking, op: str, text: Any, right: Variable) -> Answer | None:
        """Raise for an operand that no other method takes: sequences come last in Objects/abstract.c."""
        own, other = type(text).__name__, right.cls.__name__
        sequence = right.cls in {list, tuple}
        if op == "+" and (sequence or not has_method(right, "__radd__")):
            concatenation = f'can only concatenate str (not "{other}") to str'
            return domain.raise_error(TypeError, concatenation if own == "str" else f"can't concat {other} to {own}")
        if op == "*" and (sequence or not (has_method(right, "__rmul__") or has_method(right, "__index__"))):
            return domain.raise_error(TypeError, f"can't multiply sequence by non-int of type {other!r}")
        return None

    def _interpolate(self, domain: Tracking, text: Any, right: Variable) -> Answer:
        values = plain(domain, right)
        if values is NOT_CONSTANT:
            answer = interpolate(domain, text, right) if isinstance(text, str) else None
            return answer or too_special(type(text).__name__, "the operator '%'")
        return refused("%", text, values) or evaluate(domain, operator.mod, text, values)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        value = plain(domain, item)
        if value is NOT_CONSTANT:
            return domain.unsupported(item, f"a membership test in a {container.cls.__name__}")
        return evaluate(domain, operator.contains, value_of(container), value)

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        index = plain(domain, key)
        if index is NOT_CONSTANT:
            index = index_of(domain, key)
            if index is None:
                return domain.unsupported(key, f"use as an index of a {container.cls.__name__}")
        return evaluate(domain, operator.getitem, value_of(container), index)

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        return [ConstantVariable(item) for item in value_of(variable)]

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, ConstantVariable)
        return Value(text_iterator(variable))

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        sizes = [argument for argument in args if isinstance(argument, int)]
        if name in _PADDING and any(size > LARGEST_RESULT for size in sizes):
            return too_large(type(value).__name__, f"{name}()")
        longest = len(args[1]) + 1 if name == "replace" and len(args) > 1 and isinstance(args[1], type(value)) else 0
        return too_large(type(value).__name__, "replace()") if (len(value) + 1) * longest > LARGEST_RESULT else None

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "join" and len(args) == 1 and not kwargs and plain(domain, args[0]) is NOT_CONSTANT:
            known = domain.sequence(args[0])
            if known is None:
                return domain.polyfill(texts.join, variable, args[0])
            values = plain_all(domain, known)
            if values is None:
                return too_special(variable.cls.__name__, "the method 'join'")
            return evaluate(domain, value_of(variable).join, values)
        return super().call_method(domain, variable, name, args, kwargs)


class StringHandler(TextHandler):
    """`str`."""

    methods: ClassVar[frozenset[str]] = frozenset(
        (
            *_COMMON,
            "casefold",
            "encode",
            "format",
            "format_map",
            "isdecimal",
            "isidentifier",
            "isnumeric",
            "isprintable",
        )
    )

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        if name in {"format", "format_map"} and (wide(value) or any(map(_deep, args))):
            return too_large("str", f"{name}()")
        if name in {"format", "format_map"} and "n}" in value:
            return too_special("str", "a format that depends on the locale")
        if name == "encode" and foreign_codec(args):
            return too_special("str", "encode() by a codec that may be the user's")
        return super().refuse(value, name, args)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "format" and plain_all(domain, [*args, *kwargs.values()]) is None:
            answer = format_template(domain, value_of(variable), args, kwargs)
            if answer is not None:
                return answer
        return super().call_method(domain, variable, name, args, kwargs)

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        values = plain_all(domain, parts)
        if values is None:
            return too_special("str", "an f-string")
        return evaluate(domain, "".join, values)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if not args and not kwargs:
            return constant("")
        if len(args) == 1 and not kwargs:
            return domain.convert(args[0], "s")
        values = plain_all(domain, args)
        if values is None or kwargs or len(values) < 2 or foreign_codec(values[1:]):
            return domain.unsupported(Variable(cls), "construction")
        return evaluate(domain, str, *values)


class BytesHandler(TextHandler):
    """`bytes`."""

    methods: ClassVar[frozenset[str]] = frozenset((*_COMMON, "decode", "hex"))
    class_methods: ClassVar[frozenset[str]] = frozenset(("fromhex", "maketrans"))

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        if name == "decode" and foreign_codec(args):
            return too_special("bytes", "decode() by a codec that may be the user's")
        return super().refuse(value, name, args)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        if values is None or kwargs or (values and isinstance(values[0], int) and values[0] > LARGEST_RESULT):
            return domain.unsupported(Variable(cls), "construction")
        if len(values) > 1 and foreign_codec(values[1:]):
            return too_special("bytes", "encoding by a codec that may be the user's")
        return evaluate(domain, bytes, *values)


_CODECS: Final = frozenset(
    (
        *("ascii", "latin-1", "latin1", "utf-16", "utf-32", "utf-8", "utf8", "UTF-8"),
        *("strict", "ignore", "replace", "backslashreplace", "surrogateescape"),
    )
)
"""Codecs and error handlers of the standard library; others may be the user's."""


def foreign_codec(values: Sequence[Any]) -> bool:
    """Tell whether a codec or an error handler is named that may be the user's."""
    return any(type(value) is str and value not in _CODECS for value in values)


def has_method(variable: Variable, name: str) -> bool:
    """Tell whether the class of a value has a special method."""
    return any(name in namespace_of(base) for base in mro_of(variable.cls))


def _deep(value: object) -> bool:
    """Tell whether an argument of `format` can itself be a width that is too large."""
    return isinstance(value, int) and abs(value) > LARGEST_RESULT


HANDLERS = {str: StringHandler(), bytes: BytesHandler()}
