"""What a value domain must answer; the interpreter knows nothing else about values.

`V` is the type of the values: the object itself in `ConcreteDomain`, a symbolic variable elsewhere. Operations answer
with a `Result`: `Value`, `Raise`, `Break` (can't do this) or `Enter` (interpret this frame for the result). The frame
that runs is passed where the operation depends on it. Where an operation says "immediate", `Enter` isn't allowed.

There is one mechanism for the calls that an instruction makes implicitly (`__index__`, `__format__`, truth, iteration,
`await` and `send`, patterns): the operation answers `Enter` of a frame, whose result goes to the instruction's own
completion. Where a value needs checking, or several functions may run, the frame is of a polyfill: a Python function
that does what CPython's C code does, calling the others. No operation calls back into the interpreter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import CodeType, MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from .frame import Frame, Marker
from .outcome import Result

V = TypeVar("V")


def missing_special_method(type_name: str, name: str, *, has_enter: bool) -> str:
    """CPython's words for `with` and `async with` over an object without the protocol (Python/ceval.c).

    Args:
        type_name: of the object.
        name: the special method that it lacks.
        has_enter: whether it has the `__enter__` (`__aenter__`) of the pair.
    """
    kind = "an asynchronous" if name.startswith("__a") else "the"
    text = f"{type_name!r} object does not support {kind} context manager protocol"
    return text if name.endswith("enter__") or not has_enter else f"{text} (missed {name} method)"


class Names(Protocol[V]):
    """Variables: globals, names of class bodies, cells, locals."""

    def load_global(self, frame: Frame[V], name: str) -> Result[V]:
        """The global or builtin `name`; raises NameError."""
        ...

    def store_global(self, frame: Frame[V], name: str, value: V) -> Result[V]: ...
    def delete_global(self, frame: Frame[V], name: str) -> Result[V]: ...

    def load_name(self, frame: Frame[V], name: str) -> Result[V]:
        """`name` in `frame.namespace`, else in the globals, else in the builtins."""
        ...

    def store_name(self, frame: Frame[V], name: str, value: V) -> Result[V]: ...
    def delete_name(self, frame: Frame[V], name: str) -> Result[V]: ...

    def load_class_variable(self, frame: Frame[V], namespace: V, cell: Any, name: str) -> Result[V]:
        """`name` in `namespace`, else in `cell`, or in globals and builtins where `cell` is None."""
        ...

    def make_cell(self, content: Any) -> Any:
        """A new cell of the domain; `content` is a value or UNBOUND."""
        ...

    def load_cell(self, frame: Frame[V], cell: Any, name: str) -> Result[V]:
        """The content of a cell; an empty one raises NameError (UnboundLocalError in the scope that owns it)."""
        ...

    def store_cell(self, frame: Frame[V], cell: Any, value: V) -> Result[V]: ...
    def delete_cell(self, frame: Frame[V], cell: Any, name: str) -> Result[V]: ...

    def store_local(self, frame: Frame[V], name: str, value: V) -> V:
        """Observe that `name` is bound; the value answered is the one stored."""
        ...

    def import_name(self, frame: Frame[V], name: str, fromlist: V, level: V) -> Result[V]: ...
    def import_from(self, frame: Frame[V], module: V, name: str) -> Result[V]: ...
    def import_star(self, frame: Frame[V], module: V) -> Result[V]: ...


class Operators(Protocol[V]):
    """Operators, attributes, items, conversions. Results of comparisons are values, not host booleans."""

    def unary(self, op: str, operand: V) -> Result[V]:
        """`op` is one of `-`, `+`, `~`, `not`."""
        ...

    def binary(self, op: str, left: V, right: V) -> Result[V]:
        """`op` is one of `+ - * / // % ** @ & | ^ << >>`."""
        ...

    def inplace(self, op: str, left: V, right: V) -> Result[V]:
        """As `binary`, for augmented assignment (`op` comes without the `=`)."""
        ...

    def compare(self, op: str, left: V, right: V) -> Result[V]:
        """`op` is one of `< <= == != > >=`."""
        ...

    def contains(self, item: V, container: V) -> Result[V]:
        """`item in container`, as a bool value."""
        ...

    def identical(self, left: V, right: V) -> Result[V]:
        """`left is right`, as a bool value; immediate."""
        ...

    def truth(self, value: V) -> Result[Any]:
        """The truth of a value as a *host* bool; an entered frame must return a bool value."""
        ...

    def get_item(self, container: V, key: V) -> Result[V]: ...
    def set_item(self, container: V, key: V, value: V) -> Result[V]: ...
    def delete_item(self, container: V, key: V) -> Result[V]: ...
    def get_attribute(self, owner: V, name: str) -> Result[V]: ...
    def set_attribute(self, owner: V, name: str, value: V) -> Result[V]: ...
    def delete_attribute(self, owner: V, name: str) -> Result[V]: ...

    def special_method(self, owner: V, name: str) -> Result[V]:
        """The bound special method, looked up on the type; immediate.

        Where there is none, it raises the TypeError of the statement that asks: `missing_special_method` words it.
        """
        ...

    def length(self, value: V) -> Result[V]: ...

    def format_value(self, value: V, spec: V | None) -> Result[V]:
        """`format(value, spec)`; without a spec, `format(value)`."""
        ...

    def convert(self, value: V, conversion: str) -> Result[V]:
        """`conversion` is `s`, `r` or `a`, as after `!` in an f-string."""
        ...


class Containers(Protocol[V]):
    """Displays, comprehensions, unpacking and iteration."""

    def constant(self, value: Any) -> V:
        """The value of a host object that the program's text, or the interpreter itself, mentions."""
        ...

    def build_tuple(self, items: Sequence[V]) -> Result[V]: ...
    def build_list(self, items: Sequence[V]) -> Result[V]: ...
    def build_set(self, items: Sequence[V]) -> Result[V]: ...
    def build_map(self, keys: Sequence[V], values: Sequence[V]) -> Result[V]: ...
    def build_slice(self, parts: Sequence[V]) -> Result[V]: ...
    def build_string(self, parts: Sequence[V]) -> Result[V]: ...
    def list_append(self, target: V, item: V) -> Result[V]: ...
    def set_add(self, target: V, item: V) -> Result[V]: ...
    def map_add(self, target: V, key: V, value: V) -> Result[V]: ...
    def list_extend(self, target: V, items: V) -> Result[V]: ...
    def list_to_tuple(self, value: V) -> Result[V]: ...
    def set_update(self, target: V, items: V) -> Result[V]: ...
    def dict_update(self, target: V, items: V) -> Result[V]: ...

    def dict_merge(self, target: V, items: V, callee: V) -> Result[V]:
        """`callee(**target, **items)`: TypeError for what is no mapping, and for a repeated keyword."""
        ...

    def get_iter(self, value: V) -> Result[V]: ...

    def next(self, iterator: V) -> Result[V]:
        """The next item; raising StopIteration means exhausted."""
        ...

    def unpack(self, value: V, count: int) -> Result[Any]:
        """A *host* tuple of `count` values; an entered frame must return a tuple value that is then unpacked."""
        ...

    def unpack_ex(self, value: V, before: int, after: int) -> Result[Any]:
        """A *host* tuple of `before` values, a list value and `after` values; entering is as for `unpack`."""
        ...


class Calls(Protocol[V]):
    """Calls, functions, classes, generators."""

    def call(self, frame: Frame[V], callee: V, args: tuple[V, ...], kwargs: dict[str, V]) -> Result[V]: ...

    def call_unpacked(self, frame: Frame[V], callee: V, args: V, kwargs: V | None) -> Result[V]:
        """`callee(*args, **kwargs)`."""
        ...

    def make_function(
        self,
        frame: Frame[V],
        code: CodeType,
        defaults: V | None,
        kwdefaults: V | None,
        annotations: V | None,
        closure: V | None,
    ) -> Result[V]:
        """A function value; `closure` is what `build_closure` made, the others are tuple and dict values."""
        ...

    def build_closure(self, cells: Sequence[Any]) -> V:
        """A tuple of cells, as the operand of MAKE_FUNCTION."""
        ...

    def build_class(self, frame: Frame[V]) -> Result[V]:
        """The value of `__build_class__`."""
        ...

    def make_generator(self, frame: Frame[V]) -> Result[V]:
        """The generator (coroutine, async generator) that owns `frame`, suspended at its start; immediate.

        `frame.generator` becomes it, unless the domain sets it otherwise (to a weak reference, say).
        To resume it, answer `Enter(frame, delivering=Value(sent))`, or `delivering=Raise(thrown)`.
        """
        ...

    def get_yield_from_iter(self, frame: Frame[V], value: V) -> Result[V]:
        """What `yield from value` iterates."""
        ...

    def send(self, receiver: V, value: V) -> Result[V]:
        """`receiver.send(value)`, or `next(receiver)` for None; raising StopIteration means returned."""
        ...

    def asynchronous(self, frame: Frame[V], operation: str, operands: Sequence[V]) -> Result[V]:
        """`get_awaitable`, `get_aiter`, `get_anext`, `wrap` of async code."""
        ...


class Exceptions(Protocol[V]):
    """Exceptions as values."""

    def new_exception(self, cls: type[BaseException], *args: Any) -> V:
        """An exception that the interpreter itself raises; the arguments are host objects."""
        ...

    def raise_exception(self, exception: V | Marker, cause: V | Marker, handled: V | None) -> Result[V]:
        """`raise`, `raise exception` or `raise exception from cause`, while `handled` is handled.

        What is absent is NULL (`None` may be a value). Answers Raise; a frame that is entered must return the
        exception to raise.
        """
        ...

    def matches(self, exception: V, types: V) -> Result[V]:
        """Whether `except types` catches it, as a bool value."""
        ...

    def split_group(self, exception: V, types: V) -> Result[Any]:
        """For `except* types`: a *host* tuple (rest, matched), host None where empty; immediate."""
        ...

    def reraise_star(self, original: V, exceptions: V) -> Result[V]:
        """What remains to be raised after `except*` clauses: an exception value or None's value."""
        ...

    def is_stop_iteration(self, exception: V) -> bool: ...
    def new_stop_iteration(self, value: V) -> V: ...
    def stop_iteration_value(self, exception: V) -> V: ...

    def generator_raised(self, frame: Frame[V], exception: V) -> V:
        """What leaves a generator whose frame let `exception` out: RuntimeError for StopIteration (PEP 479)."""
        ...

    def note_traceback(self, exception: V, frame: Frame[V]) -> None:
        """Record that `exception` passes `frame` at its current instruction."""
        ...

    def set_context(self, exception: V, handled: V) -> None:
        """`exception` was raised while `handled` was handled."""
        ...

    def exception_details(self, exception: V) -> tuple[V, V, V]:
        """The type, exception and traceback that `__exit__` gets."""
        ...


class Patterns(Protocol[V]):
    """The operations of `match`; `match_mapping` and `match_sequence` answer a bool value."""

    def match_mapping(self, subject: V) -> Result[V]: ...
    def match_sequence(self, subject: V) -> Result[V]: ...

    def match_keys(self, subject: V, keys: V) -> Result[V]:
        """A tuple value of the values, or None's value."""
        ...

    def match_class(self, subject: V, cls: V, count: int, names: V) -> Result[V]:
        """A tuple value of the attributes, or None's value; `count` is of the positional sub-patterns."""
        ...


class Domain(Names[V], Operators[V], Containers[V], Calls[V], Exceptions[V], Patterns[V], Protocol[V]):
    """A value domain: all that the interpreter asks about values."""

    def intrinsic(self, frame: Frame[V], name: str, operands: Sequence[V]) -> Result[V]:
        """A rarely used operation of the compiler (`print`, type parameters, ...), by CPython's name."""
        ...

    def load_namespace(self, frame: Frame[V]) -> Result[V]:
        """The mapping of a class body's names, for LOAD_LOCALS."""
        ...


def _names(protocol: type) -> tuple[str, ...]:
    return tuple(name for name, member in vars(protocol).items() if callable(member) and not name.startswith("_"))


OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "names": _names(Names),
        "operators": _names(Operators),
        "containers": _names(Containers),
        "calls": _names(Calls),
        "exceptions": _names(Exceptions),
        "patterns": _names(Patterns),
        "rare": _names(Domain),
    }
)
"""The names of a domain's operations, by kind.

>>> OPERATIONS["patterns"]
('match_mapping', 'match_sequence', 'match_keys', 'match_class')
"""
