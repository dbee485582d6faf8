"""Plain data: immutable values of exact built-in types, and an equality on them that never runs user code.

Python's own ``==`` is the wrong question for a guard: ``1 == True == 1.0``, ``0.0 == -0.0``, ``nan != nan``, and
comparing with a stranger calls the stranger's ``__eq__``. A *fingerprint* is a hashable rendering of a plain value
that keeps all of these apart (NaN equals itself), looking only at exact types.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import copysign, isnan

ATOMS: frozenset[type] = frozenset({int, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented)})

SINGLETONS: frozenset[type] = frozenset({bool, type(None), type(Ellipsis), type(NotImplemented)})
"""Those of which equal ones are one object."""


class NotPlain(TypeError):
    """Raised by :func:`fingerprint` for a value that is not plain data.

    >>> fingerprint([1])
    Traceback (most recent call last):
    framelift_guards.plain.NotPlain: a value of type 'list' is not plain data
    """


def _float(value: float) -> Hashable:
    if isnan(value):
        return "nan"
    return value, copysign(1.0, value)


def _complex(value: complex) -> Hashable:
    return complex, _float(value.real), _float(value.imag)


def _tuple(value: tuple[object, ...]) -> Hashable:
    return tuple, tuple([fingerprint(item) for item in value])


def _frozenset(value: frozenset[object]) -> Hashable:
    return frozenset, frozenset([fingerprint(item) for item in value])


def _range(value: range) -> Hashable:
    return range, fingerprint(value.start), fingerprint(value.stop), fingerprint(value.step)


def _slice(value: slice) -> Hashable:
    return slice, fingerprint(value.start), fingerprint(value.stop), fingerprint(value.step)


_COMPOUND: dict[type, Callable[..., Hashable]] = {
    float: lambda value: (float, _float(value)),
    complex: _complex,
    tuple: _tuple,
    frozenset: _frozenset,
    range: _range,
    slice: _slice,
}


def fingerprint(value: object) -> Hashable:
    """Return a hashable that is equal for two plain values exactly when a program cannot tell them apart.

    Args:
        value: plain data: ``int``, ``str``, ``bytes``, ``bool``, ``None``, ``...``, ``float``, ``complex``, ``range``,
            ``slice``, and tuples and frozensets of plain data, each of exactly that type.

    Raises:
        NotPlain: for anything else, a subclass of these included.

    >>> fingerprint(1) == fingerprint(True), fingerprint(0.0) == fingerprint(-0.0)
    (False, False)
    >>> fingerprint((1, float("nan"))) == fingerprint((1, float("nan")))
    True
    """
    kind = type(value)
    if kind in ATOMS:
        return kind, value
    compound = _COMPOUND.get(kind)
    if compound is None:
        raise NotPlain(f"a value of type {kind.__qualname__!r} is not plain data")
    return compound(value)


def is_plain(value: object) -> bool:
    """Tell whether ``value`` is plain data.

    >>> is_plain(("a", 1.5)), is_plain(["a"])
    (True, False)
    """
    try:
        fingerprint(value)
    except (NotPlain, RecursionError):
        return False
    return True


def same_plain(value: object, expected: Hashable) -> bool:
    """Tell whether ``value`` is plain data with the fingerprint ``expected``."""
    try:
        return fingerprint(value) == expected
    except (NotPlain, RecursionError):
        return False


def identity_token(value: object) -> Hashable:
    """Return the fingerprint of plain data, and for anything else its identity (valid while it lives)."""
    try:
        return fingerprint(value)
    except (NotPlain, RecursionError):
        return "id", id(value)


def type_name(kind: type) -> str:
    """Return the qualified name of a class without running code of its metaclass.

    >>> type_name(int), type_name(NotPlain)
    ('int', 'framelift_guards.plain.NotPlain')
    """
    module = type.__getattribute__(kind, "__module__")
    name: str = type.__getattribute__(kind, "__qualname__")
    return name if module == "builtins" or type(module) is not str else f"{module}.{name}"


def show(value: object, limit: int = 60) -> str:
    r"""Return a short text for ``value`` that runs no user code: ``repr`` of plain data, else its type.

    >>> show("a'b"), show(object())
    ('"a\'b"', '<object>')
    """
    if issubclass(type(value), type):
        return type.__repr__(value)
    if not is_plain(value):
        return f"<{type.__getattribute__(type(value), '__qualname__')}>"
    try:
        text = repr(value)
    except ValueError:  # CPython prints no integer of thousands of digits
        return f"<{type.__getattribute__(type(value), '__qualname__')} too long to print>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
