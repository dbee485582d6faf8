"""Dictionaries: dict, OrderedDict and defaultdict."""

from __future__ import annotations

import ast
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import (
    AttributeSource,
    Source,
    TypeIs,
)

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import mapping as polyfills
from ..variable import NOT_CONSTANT, ConstantVariable, ExceptionVariable, HashKey, ReferenceVariable, Variable
from .container import (
    NONE,
    EqualityHandler,
    Method,
    changed,
    constant,
    demand,
    host_error,
    key_of,
    keys_of,
    known_equal,
    may_be_cyclic,
    on_class,
    text_inside,
)
from .dict_variable import DictVariable, DictViewVariable, UnreadDict, owner_of
from .iterator import DICT_ITERATORS, KeyIteratorVariable
from .slice import is_none
from .tuple import TupleVariable


def key_error(key: Variable) -> Raise[Variable]:
    """Raise KeyError with the key."""
    return Raise(ExceptionVariable(KeyError, (key,)))


def ordered_key_error(key: Variable) -> Raise[Variable]:
    """Raise the KeyError of `pop` and `move_to_end` of an OrderedDict.

    They set the key as the error's value, so None and tuples become its arguments (odictobject.c, PyErr_SetObject).
    """
    if is_none(key):
        return Raise(ExceptionVariable(KeyError, ()))
    return Raise(ExceptionVariable(KeyError, tuple(key.items) if isinstance(key, TupleVariable) else (key,)))


# ---- methods --------------------------------------------------------------------------------------------------------


def get(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.get`."""
    value = target.get(key_of(domain, args[0]))
    return Value(value if value is not None else args[1] if len(args) > 1 else NONE)


def setdefault(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.setdefault`."""
    key = key_of(domain, args[0])
    value = target.get(key)
    if value is None:
        value = args[1] if len(args) > 1 else kwargs.get("default", NONE)
        target.put(key, value)
        changed(domain, target)
    return Value(value)


def pop(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.pop`."""
    default = args[1] if len(args) > 1 else kwargs.get("default")
    # CPython does not hash the key when the dictionary is empty (dictobject.c, _PyDict_Pop).
    key = key_of(domain, args[0]) if target.cls is OrderedDict or not target.known_empty() else None
    value = None if key is None else target.get(key)
    if key is None or value is None:
        if default is not None:
            return Value(default)
        return ordered_key_error(args[0]) if target.cls is OrderedDict else key_error(args[0])
    target.remove(key)
    changed(domain, target)
    return Value(value)


def popitem(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.popitem`, and `OrderedDict.popitem(last)`."""
    last = True
    given = args[0] if args else kwargs.get("last")
    if given is not None:
        last = demand(domain.truth(given))
    keys = list(target.keyed())
    if not keys:
        message = "dictionary is empty" if target.cls is OrderedDict else "popitem(): dictionary is empty"
        return domain.raise_error(KeyError, message)
    key = keys[-1 if last else 0]
    value = target.get(key)
    assert value is not None
    target.remove(key)
    changed(domain, target)
    return Value(TupleVariable((key.variable, value)))


def clear(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.clear`."""
    target.clear()
    changed(domain, target)
    return Value(NONE)


def copy(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.copy`, `OrderedDict.copy`, `defaultdict.copy`."""
    return Value(DictVariable(dict(target.items), None, target.python_type(), target.default_factory))


def update(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.update`."""
    return take(domain, target, args, kwargs, NONE, updater)


def take(
    domain: Tracking,
    target: DictVariable,
    args: Arguments,
    kwargs: Keywords,
    result: Variable,
    slow: Callable[[DictVariable, Variable], Callable[..., Any]],
) -> Answer:
    """Store the items of an optional mapping or iterable of pairs, then the keywords, and answer `result`.

    Where code has to run for the items, the polyfill that `slow` gives for them is entered instead.
    """
    if args:
        pairs = known_pairs(domain, args[0])
        if pairs is None:
            if kwargs:
                return domain.unsupported(target, "an update by keywords and by an iterable that runs code")
            return domain.polyfill(slow(target, args[0]), target, args[0])
        for key, value in pairs:
            target.put(key, value)
    for name, value in kwargs.items():
        target.put(HashKey(name, ConstantVariable(name)), value)
    changed(domain, target)
    return Value(result)


def filler(target: DictVariable, other: Variable) -> Callable[..., Any]:
    """Return the polyfill that updates `target` by `other` and returns it."""
    if on_class(other.python_type(), "keys") is not None:
        return polyfills.fill_dict
    return polyfills.fill_ordered_pairs if target.cls is OrderedDict else polyfills.fill_pairs


def updater(target: DictVariable, other: Variable) -> Callable[..., Any]:
    """Return the polyfill that updates `target` by `other`."""
    if on_class(other.python_type(), "keys") is not None:
        return polyfills.update
    return polyfills.update_ordered_pairs if target.cls is OrderedDict else polyfills.update_pairs


def known_pairs(domain: Tracking, other: Variable) -> list[tuple[HashKey, Variable]] | None:
    """Return the keys and values that `dict(other)` has; None where they have to be taken one by one.

    That is so for iterators too: had one been run through, a break on one of its pairs could not be undone.
    """
    if isinstance(other, DictVariable):
        return list(other.items.items())
    payload = domain.payload_of(other)
    if isinstance(payload, DictVariable) and domain.entries(other) is not None:
        return list(payload.items.items())
    items = None if on_class(other.python_type(), "keys") is not None else domain.sequence(other)
    pairs = [domain.sequence(item) for item in items or ()]
    if items is None or not all(pair is not None and len(pair) == 2 for pair in pairs):
        return None
    keys = keys_of(domain, [pair[0] for pair in pairs if pair is not None])
    return None if keys is None else [(key, pair[1]) for key, pair in zip(keys, pairs, strict=True) if pair is not None]


def move_to_end(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`OrderedDict.move_to_end`, which hashes no key while it is empty (odictobject.c)."""
    last = demand(domain.truth(args[1] if len(args) > 1 else kwargs.get("last", ConstantVariable(True))))
    key = None if target.known_empty() else key_of(domain, args[0])
    if key is None or not target.has(key):
        return ordered_key_error(args[0])
    others = [each for each in target.keyed() if each != key]
    mine = next(each for each in target.keyed() if each == key)
    target.reorder([*others, mine] if last else [mine, *others])
    changed(domain, target)
    return Value(NONE)


def from_keys(domain: Tracking, target: Variable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.fromkeys`, called on the class or on an instance."""
    cls = target.value if isinstance(target, ReferenceVariable) else target.cls
    made = DictVariable({}, None, cls)
    value = args[1] if len(args) > 1 else NONE
    items = domain.sequence(args[0])
    keys = None if items is None else keys_of(domain, items)
    if keys is None:
        return domain.polyfill(polyfills.from_keys, made, args[0], value)
    for key in keys:
        made.put(key, value)
    return Value(made)


def initialise(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`dict.__init__`."""
    if target.cls is defaultdict:
        target.default_factory, args = (args[0] if args else None), args[1:]
    return update(domain, target, args, kwargs)


def _backwards(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`reversed(target)`."""
    keys = list(reversed(target.keyed()))
    return Value(KeyIteratorVariable(DICT_ITERATORS[3], target, [key.variable for key in keys], keys))


def _missing(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`defaultdict.__missing__`."""
    factory = target.default_factory
    if factory is None or (isinstance(factory, ConstantVariable) and factory.value is None):
        return key_error(args[0])
    return domain.polyfill(polyfills.missing, target, factory, args[0])


def view(name: str) -> Method:
    """Return the method `name` of dictionaries, which makes a view."""

    def look(domain: Tracking, target: DictVariable, args: Arguments, kwargs: Keywords) -> Answer:
        return Value(DictViewVariable(type(getattr(target.cls(), name)()), target))

    look.__doc__ = f"`dict.{name}`."
    return Method(look)


class DictHandler(EqualityHandler):
    """What can be done with dictionaries."""

    methods: ClassVar[Mapping[str, Method]] = {
        "get": Method(get, 1, 2),
        "setdefault": Method(setdefault, 1, 2),
        "pop": Method(pop, 1, 2),
        "popitem": Method(popitem),
        "clear": Method(clear),
        "keys": view("keys"),
        "values": view("values"),
        "items": view("items"),
        "copy": Method(copy),
        "__copy__": Method(copy),
        "update": Method(update, 0, 1, None),
        "fromkeys": Method(from_keys, 1, 2),
        "__init__": Method(initialise, 0, 1, None),
        "__reversed__": Method(_backwards),
    }
    sample: ClassVar[Callable[[], object]] = dict
    owner: ClassVar[type] = dict

    # ---- values that come in ----------------------------------------------------------------------------------------

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(type(value)))
        return DictVariable({}, source, type(self).owner, None, UnreadDict(domain, value, source))

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        items = {}
        for key, content in value.items():
            items[key_of(domain, demand(domain.from_native(key)))] = demand(domain.from_native(content))
        return Value(DictVariable(items, None, type(value)))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if len(args) > 1:
            try:
                cls(*[() for _ in args])
            except TypeError as error:
                return host_error(domain, error)
        made = DictVariable({}, None, cls)
        return take(domain, made, args, kwargs, made, filler)

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        items: dict[HashKey, Variable] = {}
        for place in range(0, len(parts), 2):
            items[key_of(domain, parts[place])] = parts[place + 1]
        return Value(DictVariable(items))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, DictVariable)
        if name == "default_factory" and variable.cls is defaultdict:
            return Value(variable.default_factory or NONE)
        return super().get_attribute(domain, variable, name)

    # ---- operators --------------------------------------------------------------------------------------------------

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, DictVariable) and isinstance(right, DictVariable)):
            return False
        if len(left) != len(right):
            return False
        if left.cls is right.cls is OrderedDict and list(left.keyed()) != list(right.keyed()):
            return False
        for key in left.keyed():
            other = right.get(key)
            if other is None:
                return False
            mine = left.get(key)
            assert mine is not None
            equal = known_equal(domain, mine, other)
            if equal is not True:
                return equal
        return True

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op not in {"==", "!="} or not isinstance(right, DictVariable):
            return None
        equal = self.known_equal(domain, left, right)
        return (
            domain.polyfill(polyfills.EQUALITY[op], left, right) if equal is None else constant(equal is (op == "=="))
        )

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op != "|" or not (isinstance(left, DictVariable) and isinstance(right, DictVariable)):
            return super().binary(domain, op, left, right)
        kind = right if left.python_type() is dict else left
        return Value(DictVariable({**left.items, **right.items}, None, kind.python_type(), kind.default_factory))

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, DictVariable)
        if op != "|":
            return None
        return take(domain, left, (right,), {}, left, filler)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, DictVariable)
        return constant(container.has(key_of(domain, item)))

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, DictVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DictVariable)
        return constant(len(variable))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, DictVariable)
        value = container.get(key_of(domain, key))
        if value is not None:
            return Value(value)
        return _missing(domain, container, (key,), {}) if container.cls is defaultdict else key_error(key)

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        assert isinstance(container, DictVariable)
        container.put(key_of(domain, key), value)
        changed(domain, container)
        return Value(NONE)

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, DictVariable)
        place = key_of(domain, key)
        if not container.has(place):
            return key_error(key)
        container.remove(place)
        changed(domain, container)
        return Value(NONE)

    # ---- iteration and conversions ----------------------------------------------------------------------------------

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, DictVariable)
        return [key.variable for key in variable.keyed()]

    def entries(self, domain: Tracking, variable: Variable) -> Sequence[tuple[Variable, Variable]] | None:
        assert isinstance(variable, DictVariable)
        return [(key.variable, value) for key, value in variable.items.items()]

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DictVariable)
        keys = list(variable.keyed())
        return Value(KeyIteratorVariable(DICT_ITERATORS[0], variable, [key.variable for key in keys], keys))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return domain.raise_error(TypeError, f"unhashable type: '{name_of(variable.cls)}'")

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, DictVariable)
        if variable.cls is not dict:
            return super().convert(domain, variable, conversion)
        texts = []
        for key, value in variable.items.items():
            pair = [text_inside(domain, variable, part, conversion) for part in (key.variable, value)]
            if None in pair:
                return domain.unsupported(variable, "a text of items whose texts are not known")
            texts.append(f"{pair[0]}: {pair[1]}")
        return constant(f"{{{', '.join(texts)}}}")

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, DictVariable)
        if variable.cls is defaultdict:
            return NOT_CONSTANT
        known: Any = variable.cls()
        for key, value in variable.items.items():
            pair = domain.as_constant(key.variable), domain.as_constant(value)
            if NOT_CONSTANT in (pair[0], pair[1]):
                return NOT_CONSTANT
            known[pair[0]] = pair[1]
        return known

    # ---- values that go out -----------------------------------------------------------------------------------------

    def _late(self, variable: DictVariable) -> bool:
        return may_be_cyclic(variable.items.values()) or may_be_cyclic([key.variable for key in variable.items])

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, DictVariable)
        content = [] if self._late(variable) else [dict_display(emitter, variable.items)]
        if variable.cls is dict:
            return content[0] if content else ast.Dict([], [])
        if variable.cls is defaultdict:
            return emitter.call(defaultdict, emitter.value(variable.default_factory or NONE), *content)
        return emitter.call(variable.cls, *content)

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, DictVariable)
        if self._late(variable):
            content = dict_display(emitter, variable.items)
            emitter.statement(expression(emitter.call(putter(variable.cls), emitter.value(variable), content)))

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, DictVariable)
        target, owner = emitter.value(variable), owner_of(variable.cls)
        if variable.cleared:
            emitter.effect(expression(emitter.call(owner.clear, target)))
        for key in variable.deleted:
            if not variable.cleared:
                emitter.effect(expression(emitter.call(discard_key, target, emitter.key(key.variable))))
        if variable.written:
            content = dict_display(emitter, variable.written)
            emitter.effect(expression(emitter.call(putter(variable.cls), target, content)))


def dict_display(emitter: Emitter, items: Mapping[HashKey, Variable]) -> ast.expr:
    """Return `{key: value, ...}`."""
    keys = [emitter.key(key.variable) for key in items]
    return ast.Dict(list(keys), [emitter.value(value) for value in items.values()])


def put_ordered(mapping: OrderedDict[Any, Any], items: dict[Any, Any]) -> None:
    """Store items in an OrderedDict, past any `__setitem__` of a subclass."""
    for key, value in items.items():
        OrderedDict.__setitem__(mapping, key, value)


def putter(cls: type) -> Callable[..., None]:
    """Return what stores items in a dictionary, past any method of a subclass."""
    return put_ordered if issubclass(cls, OrderedDict) else dict.update


def discard_key(mapping: dict[Any, Any], key: Any) -> None:
    """Delete a key, if it is there."""
    owner_of(type(mapping)).pop(mapping, key, None)


class OrderedDictHandler(DictHandler):
    """What `OrderedDict` adds."""

    methods: ClassVar[Mapping[str, Method]] = {
        **DictHandler.methods,
        "pop": Method(pop, 1, 2, frozenset({"default"})),
        "setdefault": Method(setdefault, 1, 2, frozenset({"default"})),
        "popitem": Method(popitem, 0, 1, frozenset({"last"})),
        "move_to_end": Method(move_to_end, 1, 2, frozenset({"last"})),
    }
    sample: ClassVar[Callable[[], object]] = OrderedDict
    owner: ClassVar[type] = OrderedDict


class DefaultDictHandler(DictHandler):
    """What `defaultdict` adds."""

    methods: ClassVar[Mapping[str, Method]] = {
        **DictHandler.methods,
        "__missing__": Method(_missing, 1, 1),
        "__init__": Method(initialise, 0, 2, None),
    }
    sample: ClassVar[Callable[[], object]] = defaultdict
    owner: ClassVar[type] = defaultdict

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        variable = super().wrap(domain, value, source)
        assert isinstance(variable, DictVariable)
        variable.default_factory = domain.wrap(value.default_factory, AttributeSource(source, "default_factory"))
        return variable

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        factory = args[0] if args else None
        if isinstance(factory, ConstantVariable) and factory.value is not None:
            return domain.raise_error(TypeError, "first argument must be callable or None")
        made = DictVariable({}, None, cls, factory)
        return take(domain, made, args[1:], kwargs, made, filler)


HANDLERS = {dict: DictHandler(), OrderedDict: OrderedDictHandler(), defaultdict: DefaultDictHandler()}
