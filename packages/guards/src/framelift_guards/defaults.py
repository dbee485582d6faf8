"""The defaults of a dispatcher: marks for the interpreter, and the user's own for who looks at them.

The interpreter fills in defaults from the items that a tuple and a dictionary hold in C, where the marks are: what a
call leaves out has to be known, since the user's function may have got other defaults by then. `inspect` and the user
ask in Python.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Final, Self, SupportsIndex

__all__ = ["DEFAULT", "KeywordDefaults", "PositionalDefaults"]


class _Default:
    """What a parameter holds that the caller left out: the default is the one that the user's function has by then."""

    def __repr__(self) -> str:
        return "<the default>"


DEFAULT: Final = _Default()


class PositionalDefaults(tuple[Any, ...]):  # noqa: SLOT001 - a tuple's items are where slots would be
    """A ``__defaults__`` that binds marks and shows the defaults that a function has now.

    Args:
        function: whose defaults it shows.
        count: for how many parameters there are marks.

    >>> def power(base, exponent=2): ...
    >>> shown = PositionalDefaults(power, 2)
    >>> shown, len(shown), shown == (2,)
    ((2,), 1, True)
    >>> power.__defaults__ = (3,)
    >>> [*shown]
    [3]
    """

    _function: Any  # a function as a class attribute would be a method to type checkers

    def __new__(cls, function: types.FunctionType, count: int) -> Self:
        made = super().__new__(cls, (DEFAULT,) * count)
        made._function = function
        return made

    def _now(self) -> tuple[Any, ...]:
        now: tuple[Any, ...] = self._function.__defaults__ or ()
        return now

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._now())

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        return self._now()[index]

    def __contains__(self, value: object) -> bool:
        return value in self._now()

    def __eq__(self, other: object) -> bool:
        """A function without defaults says ``None``, and that is what it equals then."""
        return (self._now() or None) == ((tuple(other) or None) if isinstance(other, tuple) else other)

    def __hash__(self) -> int:
        return hash(self._now())

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        return self._now() < tuple(other)

    def __le__(self, other: tuple[Any, ...]) -> bool:
        return self._now() <= tuple(other)

    def __gt__(self, other: tuple[Any, ...]) -> bool:
        return self._now() > tuple(other)

    def __ge__(self, other: tuple[Any, ...]) -> bool:
        return self._now() >= tuple(other)

    def __add__(self, other: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._now() + tuple(other)

    def __radd__(self, other: tuple[Any, ...]) -> tuple[Any, ...]:
        return other + self._now()

    def __mul__(self, times: SupportsIndex) -> tuple[Any, ...]:
        return self._now() * times

    __rmul__ = __mul__

    def index(self, value: Any, *bounds: Any) -> int:
        """Return where a value is among the defaults."""
        return self._now().index(value, *bounds)

    def count(self, value: Any) -> int:
        """Return how often a value is among the defaults."""
        return self._now().count(value)

    def __repr__(self) -> str:
        return repr(self._now())

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return tuple, (self._now(),)


_MAPPING: Any = MutableMapping  # whose methods go through those of the class, while those of dict do not


class KeywordDefaults(_MAPPING, dict[str, Any]):  # type: ignore[misc]
    """A ``__kwdefaults__`` that binds marks, shows the defaults that a function has now, and changes these.

    Args:
        function: whose defaults it shows.
        names: for which parameters there are marks.

    >>> def power(base, *, exponent=2): ...
    >>> shown = KeywordDefaults(power, ["exponent"])
    >>> shown, shown["exponent"], shown == {"exponent": 2}
    ({'exponent': 2}, 2, True)
    >>> shown["exponent"] = 3
    >>> power.__kwdefaults__
    {'exponent': 3}
    """

    def __init__(self, function: types.FunctionType, names: Iterable[str]) -> None:
        dict.__init__(self, dict.fromkeys(names, DEFAULT))
        self._function = function

    def _now(self) -> dict[str, Any]:
        return self._function.__kwdefaults__ or {}

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._now())

    def __getitem__(self, name: str) -> Any:
        return self._now()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._function.__kwdefaults__ is None:
            self._function.__kwdefaults__ = {}
        self._function.__kwdefaults__[name] = value

    def __delitem__(self, name: str) -> None:
        del self._now()[name]

    def __eq__(self, other: object) -> bool:
        """A function without defaults says ``None``, and that is what it equals then."""
        return (self._now() or None) == ((dict(other) or None) if isinstance(other, dict) else other)

    __hash__ = None

    def __or__(self, other: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return self._now() | dict(other)

    def __ror__(self, other: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return other | self._now()

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]
        self.update(other)
        return self

    def copy(self) -> dict[str, Any]:
        """Return the defaults as they are now."""
        return self._now().copy()

    def __repr__(self) -> str:
        return repr(self._now())

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (self._now(),)
