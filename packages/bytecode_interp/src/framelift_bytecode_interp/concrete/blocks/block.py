"""Blocks: straight runs of instructions, compiled when they have run often enough.

A block is a function `(frame, domain, count)` that does its instructions and answers the index of the next one,
`RETURNED`, `REDO`, the frame of a callee, or what a handler answered. It is made from `ast` nodes (never from text).
Rejected: a chain of closures, one an instruction or one for a few, since calling them is what the time went into.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any, Final

from ...errors import DecodeError
from ...frame import Frame
from ...handlers import Block, Blocks, Handler, Steps
from ...instruction import Code
from ...outcome import REDO, Outcome
from ...stack_shape import stack_shapes
from ..attempt import PACKAGE
from ..shortcuts import failed
from .nodes import Nodes
from .templates import TYPES
from .translation import HasTemplate, Raised, Translation

_REFUSALS: Final = 8
"""How often an assumption of an instruction fails before its template is to do without it, or its handler does it."""


class Guard(BaseException):
    """Raised inside of a block where an assumption fails; it never leaves it."""


_SHARED: Final[Mapping[str, Any]] = {
    "__builtins__": {},
    "BaseException": BaseException,
    "END": object(),
    "Guard": Guard,
    "id": id,
    "type": type,
    **TYPES,
}


class Compiler:
    """Compiles blocks.

    Args:
        templates: by canonical name; an instruction that has none is done by its handler.
        threshold: how often an instruction is interpreted before a block is compiled that begins there.
    """

    def __init__(self, templates: Mapping[str, HasTemplate], threshold: int = 60) -> None:
        self.templates = templates
        self.threshold = threshold

    def begin(self, code: Code, steps: Steps, handlers: Mapping[str, Handler]) -> Blocks:
        """The blocks of a code object, by the index they begin at; at first, of one instruction each."""
        return BlocksOfCode(self, code, steps, handlers).blocks


class BlocksOfCode:
    """What is known of the blocks of one code object.

    Attributes:
        blocks: by the index that they begin at.
        heat: how often each instruction was interpreted by itself.
    """

    def __init__(self, compiler: Compiler, code: Code, steps: Steps, handlers: Mapping[str, Handler]) -> None:
        self.compiler = compiler
        self.code = code
        self.steps = steps
        self.handlers = handlers
        self.heat = [0] * len(steps)
        self.failures: Counter[int] = Counter()
        self.failed: Counter[int] = Counter()  # sets of assumptions
        self.compiled: set[int] = set()
        self.blocks: list[Block] = [self._single(index) for index in range(len(steps))]

    def _single(self, index: int) -> Block:
        """One instruction, until it has been done often enough."""
        heat, threshold = self.heat, self.compiler.threshold
        handler, instruction = self.steps[index]

        def block(frame: Frame[Any], domain: Any, count: Any) -> Any:
            heat[index] += 1
            if heat[index] > threshold:
                return self._compile(index)(frame, domain, count)
            count.fused += 1
            return handler(frame, instruction, domain)

        return block

    def _compile(self, head: int) -> Block:
        try:
            stack_shapes(self.code)
        except DecodeError:  # corrupt code is left to the handlers, which go as far as it goes
            self.heat[:] = [-sys.maxsize] * len(self.heat)
            return self.blocks[head]
        translation = Translation(
            self.code, head, self.steps, self.handlers, self.compiler.templates, self.failed, self._is_warm
        )
        block = self.blocks[head] = self._function(translation, translation.run(head))
        self.compiled.add(head)
        for layout in translation.layouts.values():  # what runs in this block is no reason to compile others
            self.heat[layout.index] = 0
        return block

    def _is_warm(self, index: int) -> bool:
        """Whether what begins at an instruction runs often enough to be in the blocks that lead there."""
        return index in self.compiled or 4 * self.heat[index] >= self.compiler.threshold

    def _function(self, translation: Translation, body: list[ast.stmt]) -> Block:
        nodes = Nodes()
        start = [
            nodes.assign("S", nodes.attribute("frame", "stack")),
            nodes.assign("L", nodes.attribute("frame", "locals")),
        ]
        if translation.uses_globals:
            start.append(nodes.assign("G", nodes.attribute("frame", "globals")))
        if translation.loops:
            body = [nodes.repeat(body)]
        recovered = nodes.give(nodes.call("recover", "error", "frame", "domain", "count"))
        rescued = nodes.rescue(body, "BaseException", "error", [recovered])
        module = nodes.function("block", ("frame", "domain", "count"), [*start, rescued])
        file = f"{PACKAGE}/<block of {self.code.raw.co_qualname}>"
        (made,) = (found for found in compile(module, file, "exec").co_consts if isinstance(found, CodeType))
        namespace = {**_SHARED, **translation.constants, "recover": self._recovery(translation)}
        return FunctionType(made, namespace)

    def _recovery(self, translation: Translation) -> Callable[..., Any]:
        """What a block does with an error: restore the frame at the instruction that raised it."""
        layouts, head, steps = translation.layouts, translation.head, self.steps
        constants = translation.constants

        def recover(error: BaseException, frame: Frame[Any], domain: Any, count: Any) -> Outcome[Any] | int:
            traceback = error.__traceback__
            assert traceback is not None  # it was raised in the block
            layout = layouts[traceback.tb_lineno]
            if layout.raised is Raised.HANDLER:
                raise error
            variables = traceback.tb_frame.f_locals
            index = frame.index = layout.index
            count.fused += layout.done
            for kind, place in layout.stack:
                if kind == "local":
                    frame.stack.append(frame.locals[place])
                else:
                    frame.stack.append(variables[place] if kind == "held" else constants[place])
            del traceback, variables
            if layout.raised is Raised.AGAIN or isinstance(error, Guard):
                error.__traceback__ = None
                self._fail(head, index)
                return REDO
            count.fused += 1
            return failed(frame, steps[index][1], domain, error)

        return recover

    def _fail(self, head: int, index: int) -> None:
        """An assumption has failed: where it often does, do without."""
        self.failures[index] += 1
        if self.failures[index] >= _REFUSALS:
            self.failed[index] += 1
            self.failures[index] = 0
            self.blocks[head] = self._single(head)
            self.heat[head] = self.compiler.threshold
