"""From a straight run of instructions to the statements of a function that does them at once.

The run is followed through forward jumps and, at a test, where it is not taken; a jump back to its own head makes it a
loop. What the instructions push and pop among themselves is kept in variables of the function; at each way out it is
put on the frame's stack, which is then exactly what it would be. The line of each node tells its instruction, so an
error costs nothing until it happens: then `layouts` says what was on the stack before the instruction.

A variable that may hold the last reference to an object is cleared when its entry is popped, so that objects are
finalised when they would be.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from ...handlers import Handler, Steps
from ...instruction import Code, Instruction
from ...opcodes import OPCODES, Flow
from ...outcome import NEXT
from .nodes import Nodes

LIMIT: Final = 64
"""How many instructions a block has at most."""

DEPTH: Final = 2
"""How many ways out of a run, and out of the runs they lead to, are followed in the same block."""

_CLEARS: Final = frozenset({"DELETE_FAST", "LOAD_FAST_AND_CLEAR"})
_SUSPENDS: Final = frozenset({"YIELD_VALUE", "RETURN_GENERATOR"})


# What is known of an entry, as bits: PRESENT, it is neither UNBOUND nor NULL; SIZED, its truth runs no Python code;
# SCALAR, its operators among others of them run none; KEYED, its items are got by a scalar or a slice without any.
PRESENT: Final = 1
SIZED: Final = 2 | PRESENT
SCALAR: Final = 4 | SIZED
KEYED: Final = 8 | PRESENT
SLICE: Final = 16 | PRESENT


@dataclass(slots=True)
class Entry:
    """One entry of the stack: in a variable (`held`), or, not yet fetched, a local variable's or a constant.

    Args:
        kind: "held", "local" or "constant".
        place: the variable's name, the slot, or the name of the global variable with the constant.
        known: what is known of the value.
    """

    kind: str
    place: Any
    known: int = 0


class Raised(Enum):
    """What an error at a line is about."""

    PROGRAM = "the instruction raised it"
    HANDLER = "the instruction's handler did, for which the frame is complete already"
    AGAIN = "the instruction is to be done by its handler, which knows what to raise"


@dataclass(frozen=True, slots=True)
class Layout:
    """The frame before an instruction that a block does.

    Args:
        index: the instruction.
        done: how many instructions the block did before it.
        stack: what the block has on the stack: kinds and places of entries.
        raised: what an error is about.
    """

    index: int
    done: int
    stack: tuple[tuple[str, Any], ...]
    raised: Raised


Template: TypeAlias = "Callable[[Translation, Instruction], int | None]"
"""Translates an instruction; answers the index of the next one, or None where the block ends."""


class HasTemplate(Protocol):
    """A template, and how many sets of assumptions it has."""

    @property
    def template(self) -> Template: ...

    @property
    def attempts(self) -> int: ...


class Translation:
    """The translation of one block.

    Args:
        code: what the block is of.
        head: the index of its first instruction.
        steps: the instructions' handlers, for those that are not translated.
        handlers: the general ones, by canonical name.
        templates: by canonical name.
        failed: how many sets of assumptions of each instruction's template have failed.
        follows: whether a way out of the run is worth following, by the index that it leads to.

    Attributes:
        constants: the global variables of the function.
        layouts: by line.
        loops: whether the function's body is repeated.
    """

    def __init__(
        self,
        code: Code,
        head: int,
        steps: Steps,
        handlers: Mapping[str, Handler],
        templates: Mapping[str, HasTemplate],
        failed: Mapping[int, int],
        follows: Callable[[int], bool],
    ) -> None:
        self.code = code
        self.head = head
        self.steps = steps
        self.handlers = handlers
        self.templates = templates
        self.failures = failed
        self.follows = follows
        self.nodes = Nodes()
        self.body: list[ast.stmt] = []
        self.stack: list[Entry] = []
        self.constants: dict[str, Any] = {}
        self.layouts: dict[int, Layout] = {}
        self.path: set[int] = set()  # the instructions of the run so far
        self._translated = 0
        self._depth = 0
        self.loops = False
        self.uses_globals = False
        self.done = 0  # instructions before the current one
        self.index = head
        self._names = 0
        self._free: list[str] = []
        cleared = {instruction.arg for instruction in code.instructions if instruction.opname in _CLEARS}
        raw = code.raw
        self._always_bound = set(range(raw.co_argcount + raw.co_kwonlyargcount)) - cleared
        self.slots: dict[int, int] = {}

    def run(self, start: int) -> list[ast.stmt]:
        """Translate what begins at an instruction, and give the statements."""
        instructions = self.code.instructions
        at: int | None = start
        while at is not None:
            instruction = instructions[at]
            if self._translated >= LIMIT or at in self.path:
                self.body += self.leave(at)
                break
            self.index = at
            self.path.add(at)
            self._translated += 1
            self.line(Raised.PROGRAM)
            usable = self.usable(instruction)
            translate = self.templates[instruction.opname].template if usable else Translation.untranslated
            at = translate(self, instruction)
            self.done += 1
        return self.body

    def line(self, raised: Raised) -> None:
        """Begin a line for the current instruction."""
        self.nodes.line = len(self.layouts) + 1
        self.layouts[self.nodes.line] = self._layout(raised)

    def _layout(self, raised: Raised) -> Layout:
        return Layout(self.index, self.done, tuple((entry.kind, entry.place) for entry in self.stack), raised)

    def untranslated(self, instruction: Instruction) -> int | None:
        """Have the instruction done by its handler; what is after it is gone on with if it says so."""
        nodes = self.nodes
        index = instruction.index
        self.body += self.flush()
        self.line(Raised.HANDLER)
        self.slots.clear()
        self.done += 1
        handler, _ = self.steps[index]
        call = nodes.call(
            self.constant(handler, f"H{index}"), "frame", self.constant(instruction, f"I{index}"), "domain"
        )
        self.body.append(nodes.assign(nodes.attribute("frame", "index"), nodes.constant(index)))
        if instruction.opname in _SUSPENDS or OPCODES[instruction.opname].flow is Flow.END:
            self.body += [self.count(), nodes.give(call)]
            return None
        self.body.append(nodes.assign("outcome", call))
        stopped = nodes.compare("outcome", ast.IsNot(), self.constant(NEXT, "NEXT"))
        self.body.append(nodes.when(stopped, [self.count(), nodes.give("outcome")]))
        self.done -= 1
        return index + 1

    # names and values

    def constant(self, value: Any, name: str) -> str:
        """The global variable with a value, which is always the same for a name."""
        self.constants[name] = value
        return name

    def fresh(self) -> str:
        """A variable."""
        if self._free:
            return self._free.pop()
        self._names += 1
        return f"s{self._names}"

    def fetch(self, entry: Entry) -> ast.expr:
        """The expression for an entry."""
        if entry.kind == "local":
            return self.nodes.at("L", entry.place)
        return self.nodes.expression(str(entry.place))

    def held(self, entry: Entry) -> str:
        """The variable of an entry, or a new one that it is put in."""
        if entry.kind != "held":
            name = self.fresh()
            self.body.append(self.nodes.assign(name, self.fetch(entry)))
            entry.kind, entry.place = "held", name
        return str(entry.place)

    # the stack

    def need(self, count: int) -> None:
        """Have so many entries in variables."""
        nodes = self.nodes
        if len(self.stack) >= count:
            return
        while len(self.stack) < count:
            name = self.fresh()
            self.body.append(nodes.assign(name, nodes.at("S", -1)))
            self.body.append(nodes.drop(nodes.at("S", -1)))
            self.stack.insert(0, Entry("held", name))
        self.layouts[nodes.line] = self._layout(Raised.PROGRAM)

    def pop(self, count: int) -> list[Entry]:
        """Take entries off the stack; `release` them when their values are used."""
        self.need(count)
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def release(self, entries: Sequence[Entry], kept: str | None = None) -> None:
        """The entries are used up: clear their variables, but for the one that has got another value."""
        names = []
        for entry in entries:
            if entry.kind == "held" and entry.place != kept:
                self._free.append(entry.place)
                if entry.known & SCALAR != SCALAR:
                    names.append(entry.place)
        if names:
            self.body.append(self.nodes.clear(names))

    def push(self, entry: Entry) -> None:
        """Put an entry on the stack."""
        self.stack.append(entry)

    def produce(self, value: ast.expr, known: int, used: Sequence[Entry], *, index: int | None = None) -> int:
        """Push a value, which uses entries up; where the next instruction stores or drops it, do that as well.

        Args:
            value: what is pushed.
            known: what is known of it.
            used: the entries that are in it.
            index: the instruction that pushes it; the current one.

        Returns:
            The index of the next instruction.
        """
        nodes = self.nodes
        at = self.index if index is None else index
        following = self.code.instructions[at + 1]
        known |= PRESENT
        if following.opname == "STORE_FAST" and self.usable(following):
            self.detach(following.arg)
            self.body.append(nodes.assign(nodes.at("L", following.arg), value))
            self.slots[following.arg] = known
            self.release(used)
            self.done += 1
            return at + 2
        if following.opname == "POP_TOP":
            self.body.append(nodes.evaluate(value))
            self.release(used)
            self.done += 1
            return at + 2
        name = next((str(entry.place) for entry in used if entry.kind == "held"), None) or self.fresh()
        self.body.append(nodes.assign(name, value))
        self.release(used, kept=name)
        self.push(Entry("held", name, known))
        return at + 1

    def usable(self, instruction: Instruction) -> bool:
        """Whether an instruction is translated."""
        found = self.templates.get(instruction.opname)
        return found is not None and self.failures.get(instruction.index, 0) < found.attempts

    def failed(self) -> bool:
        """Whether the first assumptions of the current instruction have failed often."""
        return self.failures.get(self.index, 0) > 0

    def detach(self, slot: int) -> None:
        """A local variable is about to change: fetch what the stack has of it."""
        for entry in self.stack:
            if entry.kind == "local" and entry.place == slot:
                self.held(entry)

    # assumptions

    def is_bound(self, slot: int) -> bool:
        """Whether a local variable is known to have a value."""
        return slot in self._always_bound or bool(self.slots.get(slot, 0) & PRESENT)

    def known(self, entry: Entry) -> int:
        """What is known of an entry by now."""
        if entry.kind == "local":
            return entry.known | self.slots.get(entry.place, 0)
        return entry.known

    def learn(self, entry: Entry, known: int) -> None:
        """From here on this is known of an entry."""
        entry.known |= known
        if entry.kind == "local":
            self.slots[entry.place] = self.slots.get(entry.place, 0) | known

    def guard(self, test: ast.expr) -> None:
        """Have the instruction done by its handler if the test fails: nothing of it is done yet."""
        nodes = self.nodes
        self.body.append(nodes.when(test, [nodes.throw("Guard")]))

    def require(self, entry: Entry, known: int, types: str) -> None:
        """Go on only if the type of an entry is in a set of types, so that this is known of it."""
        if self.known(entry) & known == known:
            return
        nodes = self.nodes
        self.guard(nodes.compare(nodes.call("type", self.fetch(entry)), ast.NotIn(), types))
        self.learn(entry, known)

    # ways out

    def count(self) -> ast.stmt:
        """Count the instructions that were done, `done` of them."""
        return self.nodes.update(self.nodes.attribute("count", "fused"), ast.Add(), self.nodes.constant(self.done))

    def pushed(self) -> list[ast.stmt]:
        """Put the entries on the frame's stack, once."""
        nodes = self.nodes
        values = [self.fetch(entry) for entry in self.stack]
        if not values:
            return []
        if len(values) == 1:
            return [nodes.evaluate(nodes.call(nodes.attribute("S", "append"), values[0]))]
        return [nodes.evaluate(nodes.call(nodes.attribute("S", "extend"), nodes.display(ast.Tuple, values)))]

    def flush(self) -> list[ast.stmt]:
        """Put the entries on the frame's stack, and go on without them."""
        made = self.pushed()
        names = [entry.place for entry in self.stack if entry.kind == "held"]
        self._free += names
        holding = [entry.place for entry in self.stack if entry.kind == "held" and entry.known & SCALAR != SCALAR]
        self.stack.clear()
        return [*made, self.nodes.clear(holding)] if holding else made

    def leave(self, target: int, used: Sequence[Entry] = ()) -> list[ast.stmt]:
        """Go on elsewhere, after `done` instructions; what is used up is dropped."""
        nodes = self.nodes
        if target == self.head and not self.stack:
            self.loops = True
            held = [entry.place for entry in used if entry.kind == "held"]
            return [*([nodes.clear(held)] if held else []), self.count(), nodes.proceed()]
        return [*self.pushed(), self.count(), nodes.give(nodes.constant(target))]

    def branch(self, test: ast.expr, target: int, used: Sequence[Entry]) -> int:
        """Go on elsewhere if a test says so, which uses entries up."""
        self.body.append(self.nodes.when(test, self.away(target, used)))
        self.release(used)
        return self.index + 1

    def away(self, target: int, used: Sequence[Entry]) -> list[ast.stmt]:
        """The statements of a way out: those of the instructions there, or leaving the block."""
        self.done += 1
        if target in self.path or self._depth >= DEPTH or not self.follows(target):
            left = self.leave(target, used)
            self.done -= 1
            return left
        line = self.nodes.line
        outer = self.body, self.stack, self.slots, self._free, self.path, self.done, self.index
        self.body, self.stack, self.slots = [], [replace(entry) for entry in self.stack], dict(self.slots)
        self._free, self.path = list(self._free), set(self.path)
        self._depth += 1
        self.release([replace(entry) for entry in used])
        made = self.run(target)
        self._depth -= 1
        self.body, self.stack, self.slots, self._free, self.path, self.done, self.index = outer
        self.done -= 1
        self.nodes.line = line
        return made
