"""What is known of dictionaries and of their views."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from framelift_guards import Contains, DictItemSource, DictKeys, DictKeySource, LacksKey, Length, Source

from ..handler import Tracking
from ..variable import ATOMS, ConstantVariable, HashKey, Variable
from .container import HolderVariable, key_of
from .iterator import DICT_ITERATORS
from .tuple import TupleVariable

VALUE_ITERATORS = frozenset((DICT_ITERATORS[1], DICT_ITERATORS[4]))


def owner_of(cls: type) -> Any:
    """Return the built-in class whose methods change the contents: OrderedDict keeps an order of its own."""
    return OrderedDict if issubclass(cls, OrderedDict) else dict


class UnreadDict:
    """The contents of an existing dictionary, of which nothing is relied on until it is asked for.

    Args:
        domain: wraps keys and values, and guards them.
        value: the dictionary.
        source: how to fetch it.
    """

    __slots__ = ("content", "domain", "plain", "source")

    def __init__(self, domain: Tracking, value: Any, source: Source) -> None:
        self.domain = domain
        owner = owner_of(type(value))
        # `copy` asks no key for its hash, which may be another by now than when it was put in; but it asks a `keys` of
        # the user's where `__iter__` is one (Objects/dictobject.c, `dict_merge`).
        copied = owner is dict and type.__getattribute__(type(value), "__iter__") is dict.__iter__
        self.content: dict[Any, Any] = dict.copy(value) if copied else dict(owner.items(value))
        self.source = source
        # Looking up a key among these calls no method of the user's.
        self.plain = all(type(key) in ATOMS for key in self.content)

    def keys(self) -> list[HashKey]:
        """Return the keys, relying on all of them and on their order."""
        self.domain.guard(self.source, DictKeys(list(self.content)))
        return [self._key(place, key) for place, key in enumerate(self.content)]

    def _key(self, place: int, key: Any) -> HashKey:
        if type(key) in ATOMS:
            return HashKey(key, ConstantVariable(key))
        return key_of(self.domain, self.domain.wrap(key, DictKeySource(self.source, place)))

    def has(self, key: HashKey) -> bool:
        """Look up one key by its token, relying on the answer."""
        found = key.token in self.content
        self.domain.guard(self.source, Contains(key.token) if found else LacksKey(key.token))
        return found

    def length(self) -> int:
        """Return the number of items, relying on it."""
        self.domain.guard(self.source, Length(len(self.content), dict))
        return len(self.content)

    def value(self, key: Any) -> Variable:
        """Wrap the value of a key of the dictionary."""
        return self.domain.wrap(self.content[key], DictItemSource(self.source, key))


class DictVariable(HolderVariable):
    """A dictionary.

    Args:
        items: the values by key.
        cls: dict, OrderedDict or defaultdict.
        default_factory: that of a defaultdict.
        unread: the contents of an existing one; `items` is ignored then.

    `written` and `deleted` are the changes made to an existing one.

    >>> made, one = DictVariable({}), ConstantVariable(1)
    >>> made.put(HashKey("a", ConstantVariable("a")), one)
    >>> made.get(HashKey("a", ConstantVariable("a"))) is one
    True
    """

    __slots__ = ("_items", "_real_keys", "_unread", "cleared", "default_factory", "deleted", "version", "written")

    def __init__(
        self,
        items: dict[HashKey, Variable],
        source: Source | None = None,
        cls: type = dict,
        default_factory: Variable | None = None,
        unread: UnreadDict | None = None,
    ) -> None:
        self.cls = cls
        self.source = source
        self.default_factory = default_factory
        self._items: dict[HashKey, Any] | None = items if unread is None else None
        self._unread = unread
        self._real_keys: dict[HashKey, Any] = {}
        self.written: dict[HashKey, Variable] = {}
        self.deleted: dict[HashKey, None] = {}
        self.cleared = False
        self.version = 0

    # ---- reading ----------------------------------------------------------------------------------------------------

    def keyed(self) -> dict[HashKey, Any]:
        """Return the contents with all keys known; a value that was not read is None."""
        items = self._items
        if items is None:
            assert self._unread is not None
            items = {}
            real = list(self._unread.content)
            for place, key in enumerate(self._unread.keys()):
                self._real_keys[key] = real[place]
                if key not in self.deleted:
                    items[key] = self.written.get(key)
            if self.cleared:
                items = {}
            items.update(self.written)
            self._items = items
        return items

    @property
    def items(self) -> dict[HashKey, Variable]:
        """The values by key, all read. Change it through `put`, `remove` and `clear`."""
        items = self.keyed()
        if self._unread is not None:
            for key, value in items.items():
                if value is None:
                    items[key] = self._read(key)
            self._unread = None
        return items

    def _read(self, key: HashKey) -> Variable:
        assert self._unread is not None
        return self._unread.value(self._real_keys[key])

    @property
    def touched(self) -> bool:
        """Whether the captured code changed it."""
        return bool(self.written or self.deleted or self.cleared)

    def __len__(self) -> int:
        if self._items is None and not self.touched:
            assert self._unread is not None
            return self._unread.length()
        return len(self.keyed())

    def known_empty(self) -> bool:
        """Tell whether it is empty, relying on its length only if it is."""
        if self._items is None and not self.touched:
            assert self._unread is not None
            return not self._unread.content and not self._unread.length()
        return not self.keyed()

    def has(self, key: HashKey) -> bool:
        """Tell whether the key is there, relying on nothing but that."""
        if self._items is None:
            if key in self.written:
                return True
            if self.cleared or key in self.deleted:
                return False
            assert self._unread is not None
            if self._unread.plain and type(key.token) in ATOMS:
                return self._unread.has(key)
        return key in self.keyed()

    def get(self, key: HashKey) -> Variable | None:
        """Return the value of a key, leaving the others unread; None if there is none."""
        if not self.has(key):
            return None
        if self._items is None:
            if key in self.written:
                return self.written[key]
            assert self._unread is not None
            return self._unread.value(key.token)
        value: Variable | None = self._items[key]
        if value is None:
            value = self._items[key] = self._read(key)
        return value

    def value(self, key: HashKey, kind: type) -> Variable:
        """Return what an iterator of type `kind` gives for a key."""
        found = self.get(key)
        assert found is not None
        return found if kind in VALUE_ITERATORS else TupleVariable((key.variable, found))

    # ---- changing ---------------------------------------------------------------------------------------------------

    def put(self, key: HashKey, value: Variable) -> None:
        """Store a value."""
        if not self.has(key):
            self.version += 1
            self.written.pop(key, None)
        if self.source is not None:
            self.written[key] = value
        if self._items is not None:
            self._items[key] = value

    def remove(self, key: HashKey) -> None:
        """Delete a key that is there."""
        self.version += 1
        if self.source is not None:
            self.written.pop(key, None)
            self.deleted[key] = None
        if self._items is not None:
            del self._items[key]

    def clear(self) -> None:
        """Delete everything."""
        self.version += 1
        self._items = {}
        self._unread = None
        if self.source is not None:
            self.written = {}
            self.deleted = {}
            self.cleared = True

    def reorder(self, keys: Iterable[HashKey]) -> None:
        """Put the items in another order."""
        items = {key: self.items[key] for key in keys}
        self.clear()
        for key, value in items.items():
            self.put(key, value)


class DictViewVariable(HolderVariable):
    """What `keys()`, `values()` or `items()` of a dictionary returned.

    Args:
        cls: its type.
        mapping: the dictionary.
    """

    __slots__ = ("mapping",)

    def __init__(self, cls: type, mapping: DictVariable) -> None:
        self.cls = cls
        self.source = None
        self.mapping = mapping

    def __len__(self) -> int:
        return len(self.mapping)
