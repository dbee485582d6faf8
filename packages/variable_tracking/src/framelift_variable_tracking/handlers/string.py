"""Handlers of str and bytes constants: operators, methods, indexing, formatting."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import Break, Value

from ..evaluation import (
    LARGEST_RESULT,
    SCALARS,
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
from ..variable import NOT_CONSTANT, ConstantVariable, Variable
from .constant import ConstantHandler, value_of
from .iterator import text_iterator

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
        text = value_of(left)
        if op == "+":
            if not isinstance(right, ConstantVariable) or right.cls not in SCALARS:
                return None
            return self._concatenate(domain, text, right.value)
        if op == "*":
            count = index_of(domain, right)
            if count is not None:
                return self._repeat(domain, text, count)
            return evaluate(domain, operator.mul, text, right.value) if _is_scalar(right) else None
        if op == "%":
            return self._interpolate(domain, text, right)
        return None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        count = index_of(domain, left) if op == "*" else None
        return None if count is None else self._repeat(domain, value_of(right), count)

    def _concatenate(self, domain: Tracking, left: Any, right: Any) -> Answer:
        if type(left) is type(right) and len(left) + len(right) > LARGEST_RESULT:
            return too_large(type(left).__name__, "the operator '+'")
        return evaluate(domain, operator.add, left, right)

    def _repeat(self, domain: Tracking, text: Any, count: int) -> Answer:
        if len(text) * count > LARGEST_RESULT:
            return too_large(type(text).__name__, "the operator '*'")
        return evaluate(domain, operator.mul, text, count)

    def _interpolate(self, domain: Tracking, text: Any, right: Variable) -> Answer:
        values = plain(domain, right)
        shown = text if isinstance(text, str) else text.decode("latin-1")
        if values is NOT_CONSTANT or wide(shown) or "*" in shown:
            return too_special(type(text).__name__, "the operator '%'")
        return evaluate(domain, operator.mod, text, values)

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
        if name == "replace" and len(args) > 1 and isinstance(args[1], type(value)):
            if (len(value) + 1) * (len(args[1]) + 1) > LARGEST_RESULT:
                return too_large(type(value).__name__, "replace()")
        return None

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "join" and len(args) == 1 and not kwargs and plain(domain, args[0]) is NOT_CONSTANT:
            known = domain.sequence(args[0])
            if known is None:
                return domain.polyfill(texts.join, variable, args[0])
            values = plain_all(domain, known)
            if values is None:
                return too_special(variable.cls.__name__, "the method 'join'")
            return evaluate(domain, variable.cls.join, value_of(variable), values)
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
        if name == "encode" and args and args[0] not in _CODECS:
            return too_special("str", "encode() by a codec that may be the user's")
        return super().refuse(value, name, args)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if not args and not kwargs:
            return constant("")
        if len(args) == 1 and not kwargs:
            return domain.convert(args[0], "s")
        values = plain_all(domain, args)
        if values is None or kwargs or len(values) < 2 or values[1] not in _CODECS:
            return domain.unsupported(Variable(cls), "construction")
        return evaluate(domain, str, *values)


class BytesHandler(TextHandler):
    """`bytes`."""

    methods: ClassVar[frozenset[str]] = frozenset((*_COMMON, "decode", "hex"))

    def refuse(self, value: Any, name: str, args: list[Any]) -> Break | None:
        if name == "decode" and args and args[0] not in _CODECS:
            return too_special("bytes", "decode() by a codec that may be the user's")
        return super().refuse(value, name, args)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = plain_all(domain, args)
        if values is None or kwargs or (values and isinstance(values[0], int) and values[0] > LARGEST_RESULT):
            return domain.unsupported(Variable(cls), "construction")
        if len(values) > 1 and values[1] not in _CODECS:
            return too_special("bytes", "encoding by a codec that may be the user's")
        return evaluate(domain, bytes, *values)


_CODECS: Final = frozenset(("ascii", "latin-1", "latin1", "utf-16", "utf-32", "utf-8", "utf8", "UTF-8"))


def _is_scalar(variable: Variable) -> bool:
    return isinstance(variable, ConstantVariable) and variable.cls in SCALARS


def _deep(value: object) -> bool:
    """Tell whether an argument of `format` can itself be a width that is too large."""
    return isinstance(value, int) and abs(value) > LARGEST_RESULT
