"""`str.format` and `%` with values that are no constants: the template is taken apart, each value formatted alone."""

from __future__ import annotations

import re
import string
from typing import Any, Final

from framelift_bytecode_interp import Value

from ..evaluation import wide
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import texts
from ..variable import Variable

_PERCENT: Final = re.compile(r"%(.)", re.DOTALL)


def format_template(domain: Tracking, template: str, args: Arguments, kwargs: Keywords) -> Answer | None:
    """Answer `template.format(*args, **kwargs)`; None for a template whose fields are not simple names or numbers."""
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return None
    literals = [""]
    values: list[Variable] = []
    ways: list[tuple[str, str]] = []
    automatic = 0
    for literal, field, spec, conversion in fields:
        literals[-1] += literal
        if field is None:
            continue
        literals.append("")
        name = field or str(automatic)
        automatic += not field
        value = kwargs.get(name) if not name.isdigit() else args[int(name)] if int(name) < len(args) else None
        if value is None or not _plain_spec(spec):
            return None
        values.append(value)
        ways.append((conversion or "", spec or ""))
    if automatic and any(field.isdigit() for _, field, _, _ in fields if field):
        return None  # CPython refuses a mixture
    return _join(domain, literals, values, ways)


def _plain_spec(spec: str | None) -> bool:
    return not spec or not (wide(spec) or "{" in spec)


def interpolate(domain: Tracking, template: str, right: Variable) -> Answer | None:
    """Answer `template % right` for `%s`, `%r` and `%a` without flags; None for other templates or wrong counts."""
    parts = _PERCENT.split(template)
    values = list(domain.sequence(right) or ()) if right.cls is tuple else [right]
    codes = [code for code in parts[1::2] if code != "%"]
    if len(codes) != len(values) or not set(codes) <= {"s", "r", "a"} or "%" in "".join(parts[::2]):
        return None
    if right.cls is not tuple and issubclass(right.python_type(), tuple):
        return None  # a subclass of tuple is several values as well
    literals = [parts[0]]
    for code, literal in zip(parts[1::2], parts[2::2], strict=True):
        if code == "%":
            literals[-1] += "%" + literal
        else:
            literals.append(literal)
    return _join(domain, literals, values, [(code, "") for code in codes])


def _join(domain: Tracking, literals: list[str], values: list[Variable], ways: list[tuple[str, str]]) -> Answer:
    packed = domain.build_tuple(values)
    if not isinstance(packed, Value):
        return packed
    parts: list[Any] = [tuple(literals), tuple(ways)]
    return domain.polyfill(texts.join_formatted, packed.value, *[domain.constant(part) for part in parts])
