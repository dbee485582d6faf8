"""Variables: what is known of a Python value during capture. They are data; what can be done with them is handlers'.

There is one variable for each Python object of a capture, and a variable's identity is that object's identity: handlers
change a variable in place exactly where Python changes the object. Constants are the exception: numbers and strings
have no identity that a program may rely on, and get a new variable each time.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Any

from framelift_bytecode_interp import Code, Frame
from framelift_guards import Source


class Missing(Enum):
    """What stands where there is no value."""

    DELETED = "deleted"
    NEW = "new"
    NOT_CONSTANT = "not constant"

    def __repr__(self) -> str:
        return self.name


DELETED = Missing.DELETED
"""The content of a field that the program deleted."""

NEW = Missing.NEW
"""The `value` of a variable whose object was made during the capture: there is no object yet."""

NOT_CONSTANT = Missing.NOT_CONSTANT
"""What `as_constant` answers for a variable whose value is not known."""


ATOMS: frozenset[type] = frozenset(
    {int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), types.CodeType}
)
"""The types whose values are `ConstantVariable`s: immutable, and without parts that could be anything else."""


class Variable:
    """A Python value.

    Args:
        cls: the Python type; the handler of the variable is found by it.
        source: how to fetch the object at the time of a call; None for an object made during the capture.

    >>> Variable(int).python_type()
    <class 'int'>
    """

    __slots__ = ("cls", "source")

    def __init__(self, cls: type, source: Source | None = None) -> None:
        self.cls = cls
        self.source = source

    def python_type(self) -> type:
        """Return the type that a program sees; `cls` unless a subclass says otherwise."""
        return self.cls

    def __repr__(self) -> str:
        place = "" if self.source is None else f" {self.source.name}"
        return f"<{type(self).__name__} {self.cls.__name__}{place}>"


class ConstantVariable(Variable):
    """An immutable value that is known, of exactly the type of `value`: numbers, strings, None, ...

    >>> ConstantVariable(3)
    <ConstantVariable 3>
    """

    __slots__ = ("value",)

    def __init__(self, value: object, source: Source | None = None) -> None:
        self.cls = type(value)
        self.source = source
        self.value: Any = value

    def __repr__(self) -> str:
        return f"<ConstantVariable {self.value!r}>"


class ReferenceVariable(Variable):
    """An object that existed before the capture and is known by identity: a module, a class, a built-in function.

    Args:
        value: the object.
    """

    __slots__ = ("value",)

    def __init__(self, value: object, source: Source | None, cls: type | None = None) -> None:
        self.cls = type(value) if cls is None else cls
        self.source = source
        self.value: Any = value


class Opaque:
    """The key of the handler of objects that no handler knows: it answers `Break` to everything."""


class OpaqueVariable(ReferenceVariable):
    """An object that no handler knows. It can be passed around; anything else breaks."""

    __slots__ = ()

    def __init__(self, value: object, source: Source | None) -> None:
        super().__init__(value, source, Opaque)

    def python_type(self) -> type:
        return type(self.value)


class ModuleVariable(ReferenceVariable):
    """A module; its attributes are the globals of its functions."""

    __slots__ = ()


class BuiltinFunctionVariable(ReferenceVariable):
    """A function or method descriptor written in C."""

    __slots__ = ()


class CellVariable(Variable):
    """A cell of a closure.

    Args:
        content: the variable in it, UNBOUND, or None while an existing cell has not been looked into.
        value: the cell object, for one that existed before.
        content_source: how to fetch the content of an existing cell.
    """

    __slots__ = ("content", "content_source", "value")

    def __init__(
        self,
        content: Any,
        source: Source | None = None,
        value: types.CellType | None = None,
        content_source: Source | None = None,
    ) -> None:
        self.cls = types.CellType
        self.source = source
        self.content: Any = content
        self.value = value
        self.content_source = content_source


class ObjectVariable(Variable):
    """An instance of a class that Python code defined, subclasses of built-in classes included.

    Args:
        cls: the class.
        value: the object, or NEW.
        payload: what the object holds as an instance of a built-in class (the items of a list subclass), as a variable
            of that class; its handler does what the class itself does not override.

    `fields` is the instance dictionary as far as it is known: for a new object all of it, in order; for an existing one
    what was read (then it agrees with the object) or written. DELETED stands for what the program deleted.
    `slots` is the same for `__slots__`, by descriptor name and owner; `moved` are the fields of an existing object that
    were deleted and stored again, and `dictionary` is its `__dict__` once the program asked for that.
    """

    __slots__ = ("dictionary", "fields", "moved", "payload", "slots", "value")

    def __init__(
        self, cls: type, source: Source | None = None, value: Any = NEW, payload: Variable | None = None
    ) -> None:
        self.cls = cls
        self.source = source
        self.value: Any = value
        self.payload = payload
        self.fields: dict[str, Any] = {}
        self.slots: dict[tuple[type, str], Any] = {}
        self.moved: frozenset[str] = frozenset()
        self.dictionary: Variable | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TraceEntry:
    """Where a frame stood when an exception passed it.

    Args:
        code: what the frame ran.
        namespace: its globals.
        offset: the offset of the raw instruction.
        line: its line.
    """

    code: Code
    namespace: dict[str, Any] = dataclasses.field(repr=False)
    offset: int
    line: int


class ExceptionVariable(ObjectVariable):
    """An exception.

    `args`, `cause`, `context` and `suppress_context` are what CPython keeps in the object's C fields; `trace` is
    where each frame stood that the exception passed, innermost first. `tracebacks` are the traceback objects that were
    asked for, by how long `trace` was then. `missing` is what CPython tells of a look-up that failed: `name`, and `obj`
    of an attribute.
    """

    __slots__ = ("args", "cause", "context", "missing", "suppress_context", "trace", "tracebacks")

    def __init__(self, cls: type, args: Any = (), source: Source | None = None, value: Any = NEW) -> None:
        super().__init__(cls, source, value)
        self.args: Any = args  # a tuple of variables
        self.cause: Variable | None = None
        self.context: Variable | None = None
        self.suppress_context = False
        self.missing: dict[str, Variable] = {}
        self.trace: list[TraceEntry] = []
        self.tracebacks: dict[int, Variable] = {}


class FunctionVariable(Variable):
    """A Python function: one that existed before, or one that the captured code made.

    Args:
        code: its code object.
        globals: the real dictionary of its globals.
        value: the function, or NEW.
    """

    __slots__ = (
        "annotations",
        "closure",
        "code",
        "defaults",
        "fields",
        "globals",
        "kwdefaults",
        "name",
        "qualname",
        "value",
    )

    def __init__(
        self,
        code: types.CodeType,
        globals: dict[str, Any],  # noqa: A002 - the language's own word
        source: Source | None = None,
        value: Any = NEW,
    ) -> None:
        self.cls = types.FunctionType
        self.source = source
        self.code = code
        self.globals = globals
        self.value: Any = value
        self.name = code.co_name
        self.qualname = code.co_qualname
        # For an existing function these three stay None until they are asked for; see handlers.function.
        self.closure: tuple[CellVariable, ...] | None = None
        self.defaults: tuple[Variable, ...] | None = None
        self.kwdefaults: Mapping[str, Variable] | None = None
        self.annotations: Variable | None = None
        self.fields: dict[str, Any] = {}


class BoundMethodVariable(Variable):
    """A callable with its first argument: a bound method, or a method of a built-in object.

    Args:
        function: what is called: a function, or a built-in descriptor.
        receiver: the first argument.
        cls: `types.MethodType`, `types.BuiltinMethodType` or `types.MethodWrapperType`.
    """

    __slots__ = ("function", "receiver")

    def __init__(
        self, function: Variable, receiver: Variable, cls: type = types.MethodType, source: Source | None = None
    ) -> None:
        self.cls = cls
        self.source = source
        self.function = function
        self.receiver = receiver


class SuperVariable(Variable):
    """`super(owner, receiver)`.

    Args:
        owner: the class after which the search starts.
        receiver: the object or class.
        start: the class whose MRO is searched.
    """

    __slots__ = ("owner", "receiver", "start")

    def __init__(self, owner: type, receiver: Variable, start: type) -> None:
        self.cls = super
        self.source = None
        self.owner = owner
        self.receiver = receiver
        self.start = start


class TracebackVariable(Variable):
    """The traceback of an exception, as `__exit__` gets it: it can be passed around.

    Args:
        exception: the exception.
        depth: how many entries of its `trace` the traceback is made of.
    """

    __slots__ = ("depth", "exception")

    def __init__(self, exception: Variable, depth: int) -> None:
        super().__init__(types.TracebackType)
        self.exception = exception
        self.depth = depth


class ClosureVariable(Variable):
    """The tuple of cells that MAKE_FUNCTION takes.

    Args:
        cells: the cells.
    """

    __slots__ = ("cells",)

    def __init__(self, cells: tuple[CellVariable, ...]) -> None:
        super().__init__(tuple)
        self.cells = cells


class DescriptorVariable(Variable):
    """A staticmethod, classmethod or property object made during the capture.

    Args:
        parts: its functions: one for the methods; getter, setter and deleter (or None) for a property.
    """

    __slots__ = ("parts",)

    def __init__(self, cls: type, parts: tuple[Variable | None, ...]) -> None:
        self.cls = cls
        self.source = None
        self.parts = parts


class GeneratorVariable(Variable):
    """A generator (coroutine, async generator) whose frame is interpreted.

    `frame` is None once it has finished.
    """

    __slots__ = ("frame", "function", "running", "started")

    def __init__(self, cls: type, frame: Frame[Variable]) -> None:
        self.cls = cls
        self.source = None
        self.frame: Frame[Variable] | None = frame
        self.function = frame.function
        self.running = False
        self.started = False


class HashKey:
    """A variable as a key of a host dictionary: equal exactly where Python's dictionaries find the keys equal.

    Args:
        token: what decides equality: the constant itself, or the variable for objects hashed by identity.
        variable: the key's variable.
    """

    __slots__ = ("token", "variable")

    def __init__(self, token: Hashable, variable: Variable) -> None:
        self.token = token
        self.variable = variable

    def __hash__(self) -> int:
        return hash(self.token)

    def __eq__(self, other: object) -> bool:
        return type(other) is HashKey and (self.token is other.token or self.token == other.token)

    def __repr__(self) -> str:
        return f"<HashKey {self.variable!r}>"
