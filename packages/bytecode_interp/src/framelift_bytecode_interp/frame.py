"""One activation of a code object: locals, stack and position, generic in the values of a domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from .instruction import Code, Instruction, Pending

V = TypeVar("V")


class Marker(Enum):
    """What a slot or a stack entry holds where it holds no value."""

    UNBOUND = "unbound"
    NULL = "NULL"
    NO_EXCEPTION = "no exception"

    def __repr__(self) -> str:
        return self.name


UNBOUND = Marker.UNBOUND
"""A local variable without a value, and the content of an empty cell."""

NULL = Marker.NULL
"""CPython's NULL on the stack: the place of an absent `self` in a call, or a saved local that was unbound."""

NO_EXCEPTION = Marker.NO_EXCEPTION
"""What PUSH_EXC_INFO pushes when no exception was being handled."""


@dataclass(frozen=True, slots=True)
class LastInstruction:
    """The position that an exception-table entry with `lasti` pushes: where the exception was raised."""

    index: int


class Frame(Generic[V]):
    """One activation of a code object.

    Args:
        code: what runs.
        globals: the domain's own object for the globals.
        builtins: the domain's own object for the builtins.
        locals: a value, or UNBOUND, for each of `code.slot_names`; slots of cells hold the domain's cells.
        stack: values, NULL, NO_EXCEPTION and LastInstruction entries; the top is last.
        index: the instruction that runs next; while a callee runs, the instruction that entered it.
        function: the function's value, where there is one.
        closure: the cells of the free variables, for COPY_FREE_VARS.
        namespace: the mapping of a class body's or module's names.
        handled: the exception that this frame itself is handling (see `topmost_handled`).
        completion: what is done with the result of the callee or resumption that this frame waits for.
        extra: for the domain's use.

    Attributes:
        generator: the generator value that owns this frame.

    The stack and the locals are typed `Any` because they hold markers beside values.
    """

    # What few frames have is a default of the class, which no frame need set. What each call sets has none: CPython
    # stores to an attribute that shadows the class's ten times as slowly. Rejected: slots, which cost more to set.
    stack: list[Any]
    function: V | None
    completion: Pending | None
    back: Frame[V] | None
    generator: Any
    namespace: V | None = None
    handled: V | None = None
    extra: Any = None

    def __init__(
        self,
        code: Code,
        *,
        globals: Any,  # noqa: A002 - the language's own word
        builtins: Any,
        locals: list[Any],  # noqa: A002 - the language's own word
        stack: list[Any] | None = None,
        index: int = 0,
        function: V | None = None,
        closure: tuple[Any, ...] = (),
        namespace: V | None = None,
        handled: V | None = None,
        completion: Pending | None = None,
        back: Frame[V] | None = None,
        extra: Any = None,
    ) -> None:
        self.code = code
        self.globals = globals
        self.builtins = builtins
        self.locals = locals
        self.stack = [] if stack is None else stack
        self.index = index
        self.function = function
        self.closure = closure
        self.completion = completion
        self.back = back
        self.generator = None
        if namespace is not None:
            self.namespace = namespace
        if handled is not None:
            self.handled = handled
        if extra is not None:
            self.extra = extra

    @classmethod
    def at(
        cls,
        code: Code,
        index: int,
        locals: list[Any],  # noqa: A002 - the language's own word
        stack: list[Any],
        *,
        globals: Any,  # noqa: A002 - the language's own word
        builtins: Any,
        completion: Pending | None = None,
        handled: V | None = None,
        function: V | None = None,
        namespace: V | None = None,
        extra: Any = None,
    ) -> Frame[V]:
        """Rebuild a frame in the middle of its code: cells and free variables are given in `locals`."""
        if len(locals) != len(code.slot_names):
            raise ValueError(
                f"{code.name} has {len(code.slot_names)} slots ({', '.join(code.slot_names)}), not {len(locals)}; "
                "give one entry for each, UNBOUND where there is no value"
            )
        if not 0 <= index < len(code.instructions):
            raise ValueError(f"{code.name} has instructions 0 to {len(code.instructions) - 1}, not {index}")
        return cls(
            code,
            globals=globals,
            builtins=builtins,
            locals=locals,
            stack=stack,
            index=index,
            function=function,
            closure=tuple(locals[code.first_free_slot :]),
            namespace=namespace,
            handled=handled,
            completion=completion,
            extra=extra,
        )

    @property
    def instruction(self) -> Instruction:
        """The instruction at `index`."""
        return self.code.instructions[self.index]

    @property
    def raising_index(self) -> int:
        """The instruction that an exception raised by the current one comes from: RERAISE may know an earlier one."""
        instruction = self.code.instructions[self.index]
        if instruction.opname == "RERAISE" and instruction.arg and len(self.stack) > instruction.arg:
            entry = self.stack[-1 - instruction.arg]
            if isinstance(entry, LastInstruction):
                return entry.index
        return self.index

    @property
    def line(self) -> int:
        """The user's line (the function's first one where the compiler recorded none)."""
        return self.code.instructions[self.index].positions.line or self.code.raw.co_firstlineno

    @property
    def function_name(self) -> str:
        """The name of the code object."""
        return self.code.raw.co_name

    @property
    def filename(self) -> str:
        """The user's file."""
        return self.code.raw.co_filename

    @property
    def local_names(self) -> tuple[str, ...]:
        """The names of the locals, cells and free variables, by slot."""
        return self.code.slot_names

    def local(self, name: str) -> Any:
        """What the slot `name` holds: a value, a cell of the domain, or UNBOUND.

        Raises:
            KeyError: the frame has no variable of that name.
        """
        return self.locals[self.code.slot_of(name)]

    def topmost_handled(self) -> V | None:
        """The exception that `sys.exception()` gives here: handled by this frame or by the nearest caller."""
        frame: Frame[V] | None = self
        while frame is not None:
            if frame.handled is not None:
                return frame.handled
            frame = frame.back
        return None

    def chain(self) -> Iterator[Frame[V]]:
        """This frame, its caller, and so on outwards."""
        frame: Frame[V] | None = self
        while frame is not None:
            yield frame
            frame = frame.back

    def __repr__(self) -> str:
        return f"<Frame {self.code.raw.co_qualname}, {self.filename}:{self.line}, before {self.instruction}>"
