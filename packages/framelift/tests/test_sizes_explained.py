"""What a user is told of sizes, through the decorator: facts with their lines, and promises that were broken."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import framelift
from framelift.errors import MarkError

STATIC = torch.ones(8, 4)
LINEAR = torch.nn.Linear(8, 3)


def told(error, function, at=1):
    """The text, with the place that it ends with checked and left out."""
    place = f" ({__file__}:{function.__code__.co_firstlineno + at})"
    text = str(error)
    assert text.endswith(place), text
    assert len(text.splitlines()) <= 5
    return text.removesuffix(place)


def mark(*tensors, dim=0, **limits):
    for tensor in tensors:
        framelift.mark_dynamic(tensor, dim, **limits)
    return tensors


def equality(x):
    return x + 1 if x.size(0) == 8 else x - 1


def inequality(x):
    return x + 1 if x.size(0) != 9 else x - 1


def view(x):
    return x.view(8, -1)


def view_of_a_part(x):
    return x.view(2, 4, 4)


def broadcast(x):
    return x + STATIC


def joined(x):
    return torch.cat([x, STATIC], 1)


def matrix_product(x):
    return LINEAR(x.t())


def repeated(x):
    return x.sum() + len([None] * int(x.size(0)))


def unpacked(x):
    a, b, *rest = x
    return a + b


def checked(x):
    torch._check(x.size(0) == 8)
    return x + 1


def key(x):
    return x + {8: 1}[x.size(0)]


def split(x):
    return x.split([4, 4])


def least(x):
    return x + 1 if x.size(0) >= 8 else x - 1


def more(x):
    return x + 1 if x.size(0) > 8 else x - 1


def divided(x):
    return x + 1 if x.size(0) % 4 == 0 else x


def divided_view(x):
    return x.view(-1, 4, x.size(1))


def added(x, y):
    return x + y


def compared(x, y):
    return x.sum() + y.sum() if x.size(0) == y.size(0) else x


@dataclasses.dataclass
class Broken:
    """A promise that is broken: what is said, and a program or marks that follow it."""

    program: Callable
    text: str
    limits: dict = dataclasses.field(default_factory=dict)
    tensors: int = 1
    marked: int = 1
    mended: Callable | None = None
    remarked: dict | None = None
    also: torch.Tensor | None = None


FREE = (
    "make that line work for any size (what it has to equal there needs the mark, too), or use maybe_mark_dynamic "
    "instead"
)
ANY = "or make that line do the same for all of these sizes"
ONE = f"x.size(0) was marked dynamic, but is specialised to 8; {FREE}"
RANGE = {"min": 2, "max": 64}
BROKEN = {
    "equality": Broken(equality, ONE, mended=lambda x: x + 1),
    "equality in a range": Broken(equality, ONE, RANGE, mended=lambda x: x + 1),
    "view": Broken(view, ONE, mended=lambda x: x.view(x.size(0), -1)),
    "view of a part": Broken(
        view_of_a_part,
        f"x.size(0) was marked dynamic, but is specialised to 8; {FREE}",
        mended=lambda x: x.view(2, -1, 4),
    ),
    "broadcast": Broken(broadcast, ONE, mended=lambda x: x + STATIC[:1]),
    "concatenation": Broken(joined, ONE, mended=lambda x: torch.cat([x, x], 1)),
    "product with a parameter": Broken(matrix_product, ONE, mended=lambda x: x.t().sum(1)),
    "an int": Broken(repeated, ONE, mended=lambda x: x.sum() + x.size(0)),
    "unpacked": Broken(unpacked, ONE, mended=lambda x: x[0] + x[1]),
    "a check": Broken(checked, ONE, mended=lambda x: x + 1),
    "a key": Broken(key, ONE, mended=lambda x: x + {True: 1}[x.size(0) > 2]),
    "a split": Broken(split, ONE, mended=lambda x: x.split([4, x.size(0) - 4])),
    "an end of the range": Broken(
        least,
        f"x.size(0) was marked dynamic, but is specialised to 8 by x.size(0) >= 8; {FREE}",
        {"min": 2, "max": 8},
        mended=lambda x: x + 1,
    ),
    "with what is not marked": Broken(added, ONE, tensors=2, marked=1, mended=added, remarked={}),
    "compared with what is not marked": Broken(compared, ONE, tensors=2, mended=compared, remarked={}),
    "a part of the range": Broken(
        more,
        f"x.size(0) was marked to be from 2 to 64, but is limited by x.size(0) <= 8; mark it with max=8, {ANY}",
        RANGE,
        mended=more,
        remarked={"min": 2, "max": 8},
    ),
    "divisibility": Broken(
        divided,
        "x.size(0) was marked to be from 2 to 64, but is limited by x.size(0) % 4 == 0; "
        f"mark it without a range, {ANY}",
        RANGE,
        mended=divided,
        remarked={},
    ),
    "divisibility by a view": Broken(
        divided_view,
        "x.size(0) was marked to be at least 2, but is limited by x.size(0) % 4 == 0; mark it without a range, " + ANY,
        {"min": 2},
        mended=divided_view,
        remarked={},
    ),
    "all but one": Broken(
        inequality,
        f"x.size(0) was marked to be from 2 to 64, but is limited by x.size(0) != 9; mark it without a range, {ANY}",
        RANGE,
        mended=inequality,
        remarked={},
    ),
}


def tensors_of(broken, rows=8):
    return [torch.ones(rows, 4) for _ in range(broken.tensors)]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise(name):
    broken = BROKEN[name]
    tensors = tensors_of(broken)
    mark(*tensors[: broken.marked], **broken.limits)
    with pytest.raises(MarkError) as caught:
        framelift.compile(broken.program, backend="eager")(*tensors)
    assert told(caught.value, broken.program) == broken.text


@pytest.mark.parametrize("name", BROKEN)
def test_its_remedy_helps(name):
    broken = BROKEN[name]
    limits = broken.limits if broken.remarked is None else broken.remarked
    tensors = mark(*tensors_of(broken), **limits)
    f = framelift.compile(broken.mended, backend="eager", fullgraph=True)
    f(*tensors)
    others = tensors_of(broken, 4)
    torch.testing.assert_close(f(*others), broken.mended(*others))
    assert len(f.framelift.graphs) == 1


@pytest.mark.parametrize("name", [name for name in BROKEN if "maybe_mark_dynamic" in BROKEN[name].text])
def test_maybe_mark_dynamic_helps(name):
    broken = BROKEN[name]
    tensors = tensors_of(broken)
    for tensor in tensors[: broken.marked]:
        framelift.maybe_mark_dynamic(tensor, 0)
    result = framelift.compile(broken.program, backend="eager")(*tensors)
    torch.testing.assert_close(result, broken.program(*tensors))


def test_equal_sizes_with_ranges():
    """What is promised of one holds of the other, or is a broken promise; the remedy leaves one range to both."""
    f = framelift.compile(added, backend="eager")
    with pytest.raises(MarkError) as caught:
        f(*mark(torch.ones(8, 4), **RANGE), *mark(torch.ones(8, 4), min=4, max=32))
    assert told(caught.value, added) == (
        "x.size(0) was marked to be from 2 to 64, but is limited by y.size(0) == x.size(0); "
        f"mark it with min=4 and max=32, {ANY}"
    )
    f(*mark(torch.ones(8, 4), torch.ones(8, 4), min=4, max=32))
    f(torch.ones(30, 4), torch.ones(30, 4))
    assert len(f.framelift.graphs) == 1


def test_a_size_of_one():
    x = torch.ones(1, 4)
    with pytest.raises(MarkError) as caught:
        framelift.compile(equality, backend="eager")(*mark(x))
    assert str(caught.value) == (
        "x.size(0) was marked dynamic, but is 1, and sizes 0 and 1 are always specialised; "
        "use maybe_mark_dynamic instead, or make the first call with a larger size"
    )
    x = torch.ones(1, 4)
    framelift.maybe_mark_dynamic(x, 0)
    assert framelift.compile(equality, backend="eager")(x)[0, 0] == 0


def test_the_line_is_that_of_the_caller_of_torch():
    module = torch.nn.Sequential(torch.nn.Linear(8, 3), torch.nn.ReLU())

    def call(x):
        return module(x) + 1

    x = torch.ones(2, 8)
    with pytest.raises(MarkError) as caught:
        framelift.compile(call, backend="eager")(*mark(x, dim=1))
    assert told(caught.value, call) == f"x.size(1) was marked dynamic, but is specialised to 8; {FREE}"
    with pytest.raises(MarkError, match=r"^input.size\(1\) was marked dynamic.*linear.py:\d+\)$"):
        framelift.compile(module, backend="eager")(x)


def program(x, y, n):
    x = x + y
    if x.size(0) > 4:
        x = x * 2
    torch._check(x.size(1) <= 64)
    x = x.view(-1, 2, x.size(1))
    return x.sum() + n


EXPLAINED = """
s86 is L['n'], 5 in this run (from +6)
s77 is L['x'].size()[0], 8 in this run; at least 5 (from +1)
  s77 >= 2  (+1)
  Eq(s17, s77)  (+1)
  s77 > 4  (+2)
  Eq((s77%2), 0)  (+5)
s27 is L['x'].size()[1], 6 in this run; at least 2; at most 64 (from +1)
  s27 >= 2  (+1)
  Eq(s94, s27)  (+1)
  s27 <= 64  (+4)
s17 is L['y'].size()[0], 8 in this run; at least 5 (from +1)
  always s77
  s77 >= 2  (+1)
  s17 >= 2  (+1)
  Eq(s17, s77)  (+1)
  s77 > 4  (+2)
  Eq((s77%2), 0)  (+5)
s94 is L['y'].size()[1], 6 in this run; at least 2; at most 64 (from +1)
  always s27
  s27 >= 2  (+1)
  s94 >= 2  (+1)
  Eq(s94, s27)  (+1)
  s27 <= 64  (+4)
""".strip()


def environment_of(lifted):
    values = [node.meta["example_value"] for node in lifted.framelift.graphs[0].graph.find_nodes(op="placeholder")]
    return next(
        size.node.shape_env for value in values for size in getattr(value, "shape", ()) if hasattr(size, "node")
    )


def lines_from(function, text):
    """The text, with the lines of a function counted from its first."""
    start = function.__code__.co_firstlineno
    for offset in range(30, -1, -1):
        text = text.replace(f"{Path(__file__).name}:{start + offset}", f"+{offset}")
    return text


def test_each_symbol_of_a_program_is_explained():
    x, y = mark(torch.ones(8, 6), torch.ones(8, 6), dim=(0, 1))
    f = framelift.compile(program, backend="eager", dynamic=True)
    f(x, y, 5)
    environment = environment_of(f)
    told = "\n".join(environment.explain(symbol) for symbol in environment.symbols)
    assert lines_from(program, told) == EXPLAINED
    assert environment.explain(environment.number("s77")) == environment.explain("s77")
