"""The optional C accelerator, where the installed distribution holds one that was compiled for this Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Protocol

Plan = Callable[..., tuple[object, ...] | None]
"""Called with its inputs, it returns its outputs, or ``None`` where it cannot say that all holds."""

Steps = tuple[tuple[int, int, object], ...]
"""The steps of a plan: kind, slot, argument."""

Outputs = tuple[int | tuple[int, ...], ...]
"""What a plan hands out: the value of a slot, or those of several as `Values`."""

PlanMaker = Callable[[int, tuple[object, ...], Steps, Outputs], Plan]
"""Makes a plan of: how many inputs, the constants, the steps, the outputs."""

Check = Callable[..., bool]
"""A check of many objects, given one after the other."""

Spans = tuple[tuple[int, int], ...]
"""Pieces of a block of memory: where each begins, in bytes, and how many bytes it has."""

Divide = Callable[[tuple[bool, ...], tuple[object, ...]], tuple[tuple[int, ...], Check]]
"""Called with which objects have no images, and the objects, it returns which ones a second check takes, and that."""

ImagesMaker = Callable[[tuple[bool, ...], Check, Divide, int, Spans, int, Spans], Check]
"""Makes a check by images of: which objects may have them, the check that it stands before, how the rest is made, where
in an object the pointer to its body is, which pieces of the body count, where in the body the pointer to a linked block
is, and which pieces of that count."""

Question = tuple[Callable[..., object], tuple[object, ...], object, type | None]
"""A function, its arguments, the answer that is expected (compared by identity, but integers by value), and the class
that the answer follows from, if it follows from one."""

StateCheckMaker = Callable[[tuple[Question, ...]], Callable[[], bool]]
"""Makes a check that all questions have the answers that are expected."""


class Joint(Protocol):
    """A check of many values, which may be replaced, and checks without arguments that are made after it."""

    def __call__(self, *values: object) -> bool: ...

    def replace(self, check: Check, /) -> None:
        """Make another check of the values from now on."""

    def add(self, other: Callable[[], bool], /) -> None:
        """Make a check without arguments, too."""


JointMaker = Callable[[Check], Joint]
"""Makes a joint of a first check of the values."""


class PlainValues(tuple[object, ...]):
    """Values that `apply` spreads, where there is no accelerator."""

    __slots__ = ()


def apply_plain(function: Callable[..., object], /, *arguments: object) -> object:
    """Call a function; arguments that are values are spread."""
    return function(*[one for given in arguments for one in (given if type(given) is PlainValues else (given,))])


make_plan: PlanMaker | None
make_images: ImagesMaker | None
make_state_check: StateCheckMaker | None
make_joint: JointMaker | None
code_of: Callable[[FunctionType], CodeType]
"""Reads the code of a function; the accelerator does it in half the time that the attribute takes.

>>> def f(): ...
>>> code_of(f) is f.__code__
True
"""
Values: Callable[[Iterable[object]], Iterable[object]]
"""Makes one object of many that a function gets, to be spread by `apply`.

>>> list(Values([1, 2]))
[1, 2]
"""

apply: Callable[..., object]
"""Calls a function; arguments that are `Values` are spread, the others are passed as they are.

>>> apply(print, "a", Values(["b", "c"]))
a b c
"""

try:
    from framelift_guards._accelerator import BodyImages, CheckPlan, JointCheck, StateCheck
except ImportError:
    make_plan = make_images = make_state_check = make_joint = None
    Values, apply, code_of = PlainValues, apply_plain, attrgetter("__code__")
else:
    from framelift_guards._accelerator import Values as _Values
    from framelift_guards._accelerator import apply as _apply
    from framelift_guards._accelerator import code_of as _code_of

    make_plan, make_images, make_state_check, make_joint = CheckPlan, BodyImages, StateCheck, JointCheck
    Values, apply, code_of = _Values, _apply, _code_of

accelerated = make_plan is not None
"""Whether checks run in C where they can; without, all of them run as generated Python."""
