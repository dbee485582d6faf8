"""The optional C accelerator, where the installed distribution holds one that was compiled for this Python."""

from __future__ import annotations

from collections.abc import Callable

Plan = Callable[..., tuple[object, ...] | None]
"""Called with its inputs, it returns its outputs, or ``None`` where it cannot say that all holds."""

Steps = tuple[tuple[int, int, object], ...]
"""The steps of a plan: kind, slot, argument."""

Outputs = tuple[int | tuple[int, ...], ...]
"""What a plan hands out: the value of a slot, or a tuple of the values of several."""

PlanMaker = Callable[[int, tuple[object, ...], Steps, Outputs], Plan]
"""Makes a plan of: how many inputs, the constants, the steps, the outputs."""

make_plan: PlanMaker | None
try:
    from framelift_guards._accelerator import CheckPlan
except ImportError:
    make_plan = None
else:
    make_plan = CheckPlan

accelerated = make_plan is not None
"""Whether checks run in C where they can; without, all of them run as generated Python."""
