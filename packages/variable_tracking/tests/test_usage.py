"""What messages say that a line does with a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from framelift_bytecode_interp import decode
from framelift_variable_tracking.operations.usage import use_of_value


def _use_of_load(function: Callable[..., object], name: str) -> str | None:
    code = decode(function.__code__)
    (index,) = [
        one.index for one in code.instructions if one.opname == "LOAD_FAST" and code.slot_names[one.arg] == name
    ]
    return use_of_value(code, index)


@pytest.mark.parametrize(
    ("function", "use"),
    [
        (lambda x: 1 if x.size(1) == 8 else 2, "compares it"),
        (lambda x: x.shape[1] < 3, "compares it"),
        (lambda x: 3 in x.names, "compares it"),
        (lambda x: x is None, "compares it"),
        (lambda x: 1 if x else 2, "tests it"),
        (lambda x: 1 if not x.flag else 2, "tests it"),
        (lambda x: [i for i in x.items()], "loops over it"),  # noqa: C416
        (lambda x: x + 1, None),
        (lambda x: [x, 1] == 2, None),
        (lambda x: x.a.b.c, None),
    ],
)
def test_use(function: Callable[..., object], use: str | None) -> None:
    assert _use_of_load(function, "x") == use
