"""Sets and frozensets."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Raise, Unwind, Value
from framelift_guards import CallSource, Contains, LacksKey, Length, Source, TupleItemSource, TypeIs
from framelift_guards.naming import reads

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import mapping as polyfills
from ..reasons import UnsupportedOperation
from ..variable import ATOMS, NOT_CONSTANT, HashKey, Variable
from .container import (
    NONE,
    EqualityHandler,
    HolderVariable,
    Method,
    changed,
    constant,
    demand,
    host_error,
    key_of,
    keys_of,
    may_be_cyclic,
    same_object,
    text_inside,
)
from .dict import key_error
from .dict_variable import DictVariable
from .iterator import SET_ITERATOR, KeyIteratorVariable
from .tuple import TupleVariable


@reads
def set_items(value: Any) -> tuple[Any, ...]:
    """Return the elements of a set in its order."""
    owner = set if issubclass(type(value), set) else frozenset
    return tuple(owner.__iter__(value))


class UnreadSet:
    """The elements of an existing set, of which nothing is relied on until it is asked for.

    Args:
        domain: wraps the elements, and guards them.
        value: the set.
        source: how to fetch it.
        owner: set or frozenset.
    """

    __slots__ = ("content", "domain", "owner", "plain", "source")

    def __init__(self, domain: Tracking, value: Any, source: Source, owner: type) -> None:
        self.domain = domain
        self.content = set_items(value)
        self.source = source
        self.owner = owner
        # Looking up an element among these calls no method of the user's.
        self.plain = all(type(item) in ATOMS for item in self.content)

    def keys(self) -> list[HashKey]:
        """Return all elements, relying on them and on their order."""
        self.length()
        items = CallSource(set_items, self.source, " in order")
        wrap = self.domain.wrap
        return [key_of(self.domain, wrap(item, TupleItemSource(items, i))) for i, item in enumerate(self.content)]

    def has(self, key: HashKey) -> bool:
        """Look up one element by its token, relying on the answer."""
        found = key.token in self.content
        predicate = Contains(key.token, self.owner) if found else LacksKey(key.token, self.owner)
        self.domain.guard(self.source, predicate)
        return found

    def length(self) -> int:
        """Return the number of elements, relying on it."""
        self.domain.guard(self.source, Length(len(self.content), self.owner))
        return len(self.content)


class SetVariable(HolderVariable):
    """A set or frozenset.

    The elements are kept in a real set of keys that hash as the elements do, so that their order is the real one
    wherever it doesn't depend on addresses.

    Args:
        items: the elements, in the order in which they are added.
        cls: set or frozenset.
        exact: the order of the elements is known to be CPython's.
        unread: the elements of an existing set; `items` is ignored then.

    >>> from framelift_variable_tracking import ConstantVariable, HashKey
    >>> len(SetVariable([HashKey(1, ConstantVariable(1)), HashKey(True, ConstantVariable(True))]))
    1
    """

    __slots__ = ("_elements", "_original", "_unread", "exact", "version")

    def __init__(
        self,
        items: Iterable[HashKey],
        source: Source | None = None,
        cls: type = set,
        unread: UnreadSet | None = None,
        *,
        exact: bool = True,
    ) -> None:
        self.cls = cls
        self.source = source
        self._unread = unread
        self._elements: set[HashKey] = set(items) if unread is None else set()
        self._original: list[HashKey] = []
        self.exact = exact
        self.version = 0

    @property
    def untouched_source(self) -> Source | None:
        """Where an existing set is whose elements nobody asked for; None if they were, or if it is made inside."""
        return self.source if self._unread is not None else None

    @property
    def elements(self) -> set[HashKey]:
        """The elements as a host set; call `touch` after changing it."""
        if self._unread is not None:
            self.fix_order(self._unread.keys())
            self._unread = None
        return self._elements

    def fix_order(self, keys: list[HashKey]) -> None:
        """Give the elements of a set whose table is not known: their order is, until the set changes."""
        self._original = keys
        self._elements = set(keys)
        self.exact = len(keys) < 2

    @property
    def items(self) -> dict[HashKey, None]:
        """The elements, in the order of iteration."""
        return dict.fromkeys(self.elements)

    @property
    def original(self) -> list[HashKey]:
        """The elements that an existing set had at the start, in its order."""
        return self._original

    def touch(self) -> None:
        """Note that the elements changed."""
        self.version += 1

    @property
    def touched(self) -> bool:
        """Whether the captured code changed it."""
        return self.version > 0 and self.source is not None

    def ordered(self) -> list[HashKey]:
        """Return the elements in the order of iteration.

        Raises:
            Unwind: the order is not known.
        """
        elements = self.elements
        if self._original and not self.version:
            return self._original
        if not self.exact and len(elements) > 1:
            detail = "the order of a set that was changed, or copied from another one, is not known"
            raise Unwind(Break(UnsupportedOperation(name_of(self.cls), "iteration", detail)))
        return list(elements)

    def __len__(self) -> int:
        return len(self._elements) if self._unread is None else self._unread.length()

    def has(self, key: HashKey) -> bool:
        """Tell whether an element is there, relying on nothing but that."""
        if self._unread is not None and self._unread.plain and type(key.token) in ATOMS:
            return self._unread.has(key)
        return key in self.elements


# ---- methods --------------------------------------------------------------------------------------------------------


def element(domain: Tracking, variable: Variable) -> HashKey:
    """Return the key that membership tests and removals look for: a set stands for the equal frozenset."""
    if isinstance(variable, SetVariable):
        return HashKey(frozenset(key.token for key in variable.elements), variable)
    return key_of(domain, variable)


def add(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.add`."""
    key = key_of(domain, args[0])
    if key not in target.elements:
        target.elements.add(key)
        target.touch()
        changed(domain, target)
    return Value(NONE)


def discard(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.discard`."""
    key = element(domain, args[0])
    if key in target.elements:
        target.elements.discard(key)
        target.touch()
        changed(domain, target)
    return Value(NONE)


def remove(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.remove`."""
    if not target.has(element(domain, args[0])):
        return key_error(args[0])
    return discard(domain, target, args, kwargs)


def pop(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.pop`."""
    if not target:
        return domain.raise_error(KeyError, "pop from an empty set")
    target.ordered()
    if target.source is not None and len(target) > 1:
        return domain.unsupported(target, "pop() of a set that existed before")
    key = target.elements.pop()
    target.touch()
    changed(domain, target)
    return Value(key.variable)


def clear(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.clear`."""
    target.elements.clear()
    target.touch()
    changed(domain, target)
    return Value(NONE)


def copy(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.copy`."""
    if target.cls is frozenset:
        return Value(target)
    return Value(made(target.elements.copy(), set, (target,)))


def made(elements: set[HashKey], cls: type, origins: Iterable[Variable]) -> SetVariable:
    """Return a new set, made from others by an operation of the host's sets."""
    variable = SetVariable((), None, cls)
    variable._elements = elements
    variable.exact = all(not isinstance(origin, SetVariable) or origin.exact for origin in origins)
    return variable


def host(domain: Tracking, variable: Variable) -> Any:
    """Return what stands for an iterable as an argument of a host set's method; None where code has to run.

    That is so for iterators too: had one been run through, a break on one of its items could not be undone.
    """
    if isinstance(variable, SetVariable):
        return variable.elements
    if isinstance(variable, DictVariable):
        return variable.keyed()
    items = domain.sequence(variable)
    return None if items is None else keys_of(domain, items)


def combination(name: str) -> Method:
    """Return a method that makes a new set, or changes its own, from any number of iterables."""
    operation = getattr(set, name)
    single = name.startswith("symmetric")

    def combine(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
        others = [host(domain, arg) for arg in args]
        if any(other is None for other in others):
            return domain.polyfill(polyfills.SETS[name], target, TupleVariable(args))
        exact = target.exact and all(not isinstance(arg, SetVariable) or arg.exact for arg in args)
        if not name.endswith("update"):
            result = made(operation(target.elements, *others), target.cls, ())
            result.exact = exact
            return Value(result)
        operation(target.elements, *others)
        target.touch()
        target.exact = exact
        changed(domain, target)
        return Value(NONE)

    combine.__doc__ = f"`set.{name}`."
    return Method(combine, 1 if single else 0, 1 if single else None)


def question(name: str) -> Method:
    """Return a method that compares the set with an iterable."""
    operation = getattr(set, name)

    def ask(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
        other = host(domain, args[0])
        if other is None:
            return domain.polyfill(polyfills.SETS[name], target, TupleVariable(args))
        return constant(operation(target.elements, other))

    ask.__doc__ = f"`set.{name}`."
    return Method(ask, 1, 1)


def initialise(domain: Tracking, target: SetVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`set.__init__`."""
    if target:
        clear(domain, target, (), {})
    return SetHandler.methods["update"].operation(domain, target, args, kwargs) if args else Value(NONE)


SHARED: Mapping[str, Method] = {
    **{name: combination(name) for name in ("union", "intersection", "difference", "symmetric_difference")},
    **{name: question(name) for name in ("isdisjoint", "issubset", "issuperset")},
    "copy": Method(copy),
    "__copy__": Method(copy),
}

OPERATORS: Mapping[str, str] = {
    "|": "union",
    "&": "intersection",
    "-": "difference",
    "^": "symmetric_difference",
}

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": set.__eq__,
    "!=": set.__ne__,
    "<": set.__lt__,
    "<=": set.__le__,
    ">": set.__gt__,
    ">=": set.__ge__,
}


class FrozenSetHandler(EqualityHandler):
    """What can be done with frozensets, and with sets as well."""

    methods: ClassVar[Mapping[str, Method]] = SHARED
    sample: ClassVar[Callable[[], object]] = frozenset
    owner: ClassVar[type] = frozenset

    # ---- values that come in ----------------------------------------------------------------------------------------

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(type(value)))
        return SetVariable((), source, self.owner, UnreadSet(domain, value, source, self.owner))

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        keys = [key_of(domain, demand(domain.from_native(item))) for item in value]
        variable = SetVariable((), None, type(value))
        variable.fix_order(keys)
        return Value(variable)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or len(args) > 1:
            try:
                cls(*[() for _ in args], **dict.fromkeys(kwargs))
            except TypeError as error:
                return host_error(domain, error)
        if not args:
            return Value(SetVariable((), None, cls))
        iterable = args[0]
        if cls is frozenset and isinstance(iterable, SetVariable) and iterable.cls is frozenset:
            return Value(iterable)
        keys = host(domain, iterable)
        if keys is None:
            if cls is frozenset:
                return domain.polyfill(polyfills.make_frozenset, SetVariable(()), iterable)
            return domain.polyfill(polyfills.add_all, SetVariable(()), iterable)
        return Value(made(set(keys), cls, (iterable,)))

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        return Value(SetVariable([key_of(domain, part) for part in parts], None, self.owner))

    # ---- operators --------------------------------------------------------------------------------------------------

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, SetVariable) and isinstance(right, SetVariable)):
            return False
        return left.elements == right.elements

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not (isinstance(left, SetVariable) and isinstance(right, SetVariable)):
            return None
        return constant(COMPARISONS[op](left.elements, right.elements))

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op not in OPERATORS or not (isinstance(left, SetVariable) and isinstance(right, SetVariable)):
            return super().binary(domain, op, left, right)
        return self.methods[OPERATORS[op]].operation(domain, left, (right,), {})

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, SetVariable)
        return constant(container.has(element(domain, item)))

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, SetVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, SetVariable)
        return constant(len(variable))

    # ---- iteration and conversions ----------------------------------------------------------------------------------

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, SetVariable)
        return [key.variable for key in variable.ordered()]

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, SetVariable)
        keys = variable.ordered()
        return Value(KeyIteratorVariable(SET_ITERATOR, variable, [key.variable for key in keys], keys))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        assert isinstance(variable, SetVariable)
        return HashKey(frozenset(key.token for key in variable.elements), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, SetVariable)
        name = variable.cls.__name__
        if not variable:
            return constant(f"{name}()")
        texts = [text_inside(domain, variable, key.variable, conversion) for key in variable.ordered()]
        if None in texts:
            return domain.unsupported(variable, "a text of items whose texts are not known")
        text = f"{{{', '.join(map(str, texts))}}}"
        return constant(text if variable.cls is set else f"{name}({text})")

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, SetVariable)
        values = [domain.as_constant(key.variable) for key in variable.elements]
        return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else variable.cls(values)

    # ---- values that go out -----------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, SetVariable)
        if variable.untouched_source is not None:
            # The content of an instance of a subclass, left by a break in `__init__`: it is copied as it is, whatever
            # code the hashes of its elements run.
            return emitter.fetch(variable.untouched_source)
        items = [key.variable for key in variable.elements]
        if variable.cls is frozenset:
            return emitter.call(frozenset, _keys(emitter, items))
        if not items or may_be_cyclic(items):
            return emitter.call(set)
        return ast.Set([emitter.key(item) for item in items])

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, SetVariable)
        if variable.untouched_source is not None:
            return
        items = [key.variable for key in variable.elements]
        if variable.cls is set and may_be_cyclic(items):
            content = _keys(emitter, items)
            emitter.statement(expression(emitter.call(set.update, emitter.value(variable), content)))


class SetHandler(FrozenSetHandler):
    """What sets add: changes."""

    methods: ClassVar[Mapping[str, Method]] = {
        **SHARED,
        **{
            name: combination(name)
            for name in ("update", "intersection_update", "difference_update", "symmetric_difference_update")
        },
        "add": Method(add, 1, 1),
        "discard": Method(discard, 1, 1),
        "remove": Method(remove, 1, 1),
        "pop": Method(pop),
        "clear": Method(clear),
        "__init__": Method(initialise, 0, 1),
    }
    sample: ClassVar[Callable[[], object]] = set
    owner: ClassVar[type] = set

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op not in OPERATORS or not (isinstance(left, SetVariable) and isinstance(right, SetVariable)):
            return None
        name = "update" if op == "|" else f"{OPERATORS[op]}_update"
        answer = self.methods[name].operation(domain, left, (right,), {})
        return Value(left) if isinstance(answer, Value) else answer

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return domain.raise_error(TypeError, f"unhashable type: '{name_of(variable.cls)}'")

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, SetVariable)
        target = emitter.value(variable)
        # An element may have given way to an equal one: `{True}.intersection_update([1])`.
        before = {key: key.variable for key in variable.original}
        after = {key: key.variable for key in variable.elements}
        removed = [item for key, item in before.items() if key not in after or not same_object(item, after[key])]
        added = [item for key, item in after.items() if key not in before or not same_object(item, before[key])]
        for method, items in ((set.difference_update, removed), (set.update, added)):
            if items:
                emitter.effect(expression(emitter.call(method, target, _keys(emitter, items))))


def _keys(emitter: Emitter, items: Sequence[Variable]) -> ast.expr:
    return ast.List([emitter.key(item) for item in items], ast.Load())


HANDLERS = {set: SetHandler(), frozenset: FrozenSetHandler()}
