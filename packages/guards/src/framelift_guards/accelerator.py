"""The optional C accelerator, where the installed distribution holds one that was compiled for this Python."""

from __future__ import annotations

from collections.abc import Callable

Plan = Callable[..., tuple[object, ...] | None]
"""Called with its inputs, it returns its outputs, or ``None`` where it cannot say that all holds."""

PlanMaker = Callable[
    [int, tuple[object, ...], tuple[tuple[int, int, object], ...], tuple[int, ...]],
    Plan,
]
"""Makes a plan of: how many inputs, the constants, the steps (kind, slot, argument), and the slots of the outputs."""

make_plan: PlanMaker | None
try:
    from framelift_guards._accelerator import CheckPlan
except ImportError:
    make_plan = None
else:
    make_plan = CheckPlan

accelerated = make_plan is not None
"""Whether checks run in C where they can; without, all of them run as generated Python."""
