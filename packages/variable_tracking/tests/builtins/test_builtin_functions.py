"""Built-in functions, interpreted symbolically, give what CPython gives, exceptions included."""

import collections
import copy
import functools
import itertools
import math
import operator
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from framelift_bytecode_interp import Break, Enter, Raise, Return
from framelift_variable_tracking import default_registry
from framelift_variable_tracking.conformance import fresh_domain, shape

REGISTRY = default_registry()
Optional = int | None
PATTERN = re.compile("a")


class Special:
    """Has special methods written in Python."""

    def __init__(self, number: int = 3) -> None:
        self.number = number

    def __len__(self) -> int:
        return 4

    def __abs__(self) -> int:
        return 5

    def __int__(self) -> int:
        return 6

    def __float__(self) -> float:
        return 6.5

    def __index__(self) -> int:
        return 7

    def __round__(self, digits: int | None = None) -> object:
        return digits

    def __hash__(self) -> int:
        return -1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Special) and self.number == other.number

    def __str__(self) -> str:
        return "str"

    def __repr__(self) -> str:
        return "repr"

    def __format__(self, spec: str) -> str:
        return "format " + spec

    def __divmod__(self, other: object) -> tuple[str, object]:
        return "divmod", other

    def __iter__(self):  # noqa: ANN204 - any iterator
        return iter([1, 2])

    def __lt__(self, other: "Special") -> bool:
        return self.number < other.number

    @property
    def computed(self) -> int:
        return 8

    def __getattr__(self, name: str) -> int:
        if name == "dynamic":
            return 9
        raise AttributeError(name)

    def method(self, first: object, second: object = 2) -> tuple[object, object]:
        return first, second


class Meta(type):
    """Says itself what its instances are."""

    def __instancecheck__(cls, value: object) -> Any:
        return [value] if isinstance(value, Special) else []

    def __subclasscheck__(cls, other: type) -> Any:
        return other is Special


class Checked(metaclass=Meta):
    """Has instances that are none."""


def symbolically(function: Callable[[], Any]) -> Any:
    """Return the result, or the type and arguments of the exception, of a function that is interpreted."""
    domain = fresh_domain(REGISTRY)
    entered = domain.new_frame_for(domain.reference(function), (), {})  # type: ignore[arg-type]
    assert isinstance(entered, Enter)
    outcome = domain.interpreter.run([entered.frame])  # type: ignore[union-attr]
    assert not isinstance(outcome, Break), str(outcome.reason)
    if isinstance(outcome, Raise):
        return outcome.exception.cls, shape([domain.as_constant(arg) for arg in outcome.exception.args])  # type: ignore[attr-defined]
    assert isinstance(outcome, Return)
    return shape(domain.as_constant(outcome.value))


def really(function: Callable[[], Any]) -> Any:
    """Return the same of a function that is called."""
    try:
        return shape(function())
    except Exception as error:  # noqa: BLE001 - whatever it raises is expected
        return type(error), shape(list(error.args))


SPECIAL_METHODS: Sequence[Callable[[], Any]] = [
    lambda: len(Special()),
    lambda: abs(Special()),
    lambda: int(Special()),
    lambda: float(Special()),
    lambda: bool(Special()),
    lambda: operator.index(Special()),
    lambda: round(Special(), 2),
    lambda: round(Special(), ndigits=2),
    lambda: hash(Special()),
    lambda: str(Special()),
    lambda: repr(Special()),
    lambda: format(Special(), "x"),
    lambda: f"{Special()} {Special()!r} {Special():abc} {1:>4} {'a'!r}",
    lambda: "a {} {x!r:>6} {{}} {}".format(Special(), 1, x=Special()),
    lambda: "{0} {1} {0!s}".format(Special(), 2),
    lambda: "100%% %s|%r|%s." % (Special(), Special(), 3),  # noqa: UP031 - this is what is tested
    lambda: divmod(Special(), 2),
    lambda: divmod(2, Special()),
    lambda: list(Special()),
    lambda: int([]),
    lambda: float([]),
    lambda: abs([]),
    lambda: round([]),
    lambda: hash([]),
]
ATTRIBUTES: Sequence[Callable[[], Any]] = [
    lambda: getattr(Special(), "computed"),  # noqa: B009 - this is what is tested
    lambda: getattr(Special(), "dynamic"),  # noqa: B009 - this is what is tested
    lambda: getattr(Special(), "nope", 4),
    lambda: getattr(Special(), "nope"),  # noqa: B009 - this is what is tested
    lambda: getattr(1, 2),
    lambda: hasattr(Special(), "nope"),
    lambda: hasattr(Special(), "computed"),
    lambda: setattr(Special(), "q", 1),  # noqa: B010 - this is what is tested
    lambda: delattr(Special(), "q"),
    lambda: isinstance(Special(), (int, Special)),
    lambda: isinstance(3, (str, (int, float))),
    lambda: isinstance(1, 2),
    lambda: issubclass(bool, int),
    lambda: isinstance(Special(), (Checked, int)),
    lambda: isinstance(3, (Checked, int)),
    lambda: isinstance("a", (Checked, int)),
    lambda: issubclass(Special, (Checked, int)),
    lambda: type(Special()) is Special,
    lambda: (callable(Special), callable(3)),
    lambda: isinstance([], Sequence),
    lambda: isinstance(Special(), Sequence),
    lambda: (isinstance(3, Optional), isinstance("a", Optional)),
]
ITERATION: Sequence[Callable[[], Any]] = [
    lambda: sorted([Special(3), Special(1), Special(2)])[0].number,
    lambda: sorted([3, 1, 2], key=lambda value: -value),
    lambda: sorted([3, 1], reverse=True),
    lambda: sorted(1, 2),
    lambda: max([Special(3), Special(5)], key=lambda value: value.number).number,
    lambda: min([], default=3),
    lambda: min([]),
    lambda: max(),
    lambda: max(1, 2, 3),
    lambda: max(1, 2, key=lambda value: -value),
    lambda: sum([[1], [2]], []),
    lambda: sum(["a"], ""),
    lambda: sum([0.1] * 10),
    lambda: any(value > 2 for value in [1, 2, 3]),
    lambda: all([]),
    lambda: next(iter([]), 5),
    lambda: next(iter([])),
    lambda: list(iter([1, 2, 3].pop, 1)),
    lambda: list(zip([1, 2], [3, 4], strict=True)),
    lambda: list(zip([1, 2], [3], strict=True)),
    lambda: list(zip([1], [3, 4], strict=True)),
    lambda: list(zip(Special(), "ab", strict=False)),
    lambda: [*zip()],  # noqa: B905 - nothing to be strict about
    lambda: list(map(lambda one, two: one + two, Special(), [1, 2])),  # noqa: C417 - this is what is tested
    lambda: list(map(1)),
    lambda: list(filter(None, [0, 1, 2])),
    lambda: list(filter(lambda value: value > 1, [0, 1, 2])),
    lambda: dict(enumerate("ab", 1)),
    lambda: list(enumerate(Special())),
    lambda: list(reversed([1, 2])),
    lambda: list(reversed((1, 2))),
    lambda: list(reversed("ab")),
    lambda: reversed(3),
]
LIBRARY: Sequence[Callable[[], Any]] = [
    lambda: functools.reduce(lambda one, two: one * two, [1, 2, 3]),
    lambda: functools.reduce(operator.add, []),
    lambda: functools.reduce(operator.add, [], 4),
    lambda: functools.partial(lambda one, two, three=1: (one, two, three), 1, three=3)(2),
    lambda: list(itertools.islice(itertools.count(3, 2), 4)),
    lambda: list(itertools.chain([1], (2,), "c")),
    lambda: list(itertools.chain.from_iterable([[1], [2]])),
    lambda: list(itertools.product([1, 2], "ab", repeat=2)),
    lambda: list(itertools.permutations([1, 2, 3], 2)),
    lambda: list(itertools.combinations(range(4), 2)),
    lambda: list(itertools.combinations(range(4), -2)),
    lambda: list(itertools.accumulate([1, 2, 3])),
    lambda: list(itertools.accumulate([1, 2, 3], operator.mul, initial=5)),
    lambda: list(itertools.zip_longest([1], [1, 2], fillvalue=0)),
    lambda: list(itertools.starmap(pow, [(2, 3)])),
    lambda: list(itertools.pairwise([1, 2, 3])),
    lambda: list(itertools.repeat(1, 3)),
    lambda: list(zip([1, 2], itertools.repeat("x"), itertools.count(), strict=False)),
    lambda: list(itertools.chain(itertools.chain([1], []), Special(), {3: 4})),
    lambda: list(itertools.chain(1)),
    lambda: itertools.count("a"),
    lambda: copy.deepcopy({"a": [1, (2, [3])], "b": (4,)}),
    lambda: copy.copy([1, 2]),
    lambda: operator.itemgetter(1)([1, 2]),
    lambda: operator.itemgetter(1, 0)([1, 2]),
    lambda: operator.attrgetter("number")(Special()),
    lambda: operator.attrgetter("number", "computed")(Special()),
    lambda: operator.attrgetter(1),
    lambda: operator.methodcaller("method", 1, second=5)(Special()),
    lambda: operator.add(1, 2),
    lambda: operator.contains([1], 1),
    lambda: operator.countOf([1, 1], 1),
    lambda: operator.indexOf([1, 1], 2),
    lambda: PATTERN.sub("-", "banana"),
    lambda: PATTERN.match("banana"),
    lambda: PATTERN.findall("banana", 2),
    lambda: re.split(",", "a,b"),
    lambda: os.path.join("a", "b"),  # noqa: PTH118 - this is what is tested
    lambda: os.fspath(3),
    lambda: dict(collections.Counter("banana")),
    lambda: math.sqrt(2),
    lambda: math.sqrt(-1),
    lambda: math.floor(2.5),
]
CONSTANTS: Sequence[Callable[[], Any]] = [
    lambda: pow(2, 10),
    lambda: pow(2, 10, 7),
    lambda: pow(2, -1),
    lambda: 1 / int("0"),
    lambda: int("x"),
    lambda: int("ff", base=16),
    lambda: int.from_bytes(b"ab", "big"),
    lambda: complex(1, 2),
    lambda: str(3) + str(),
    lambda: bytes([1, 2]),
    lambda: "a,b".split(","),
    lambda: ",".join(str(number) for number in range(3)),
    lambda: ",".join(["a", "b"]),  # noqa: FLY002 - this is what is tested
    lambda: ",".join([1]),  # noqa: FLY002 - this is what is tested
    lambda: "{} {x:>3}".format(1, x=2),
    lambda: "%s %d" % ("a", 3),  # noqa: UP031 - this is what is tested
    lambda: ("abc"[1], "abc"[::-1], "b" in "abc", list("abc")),
    lambda: "abc"[5],
    lambda: 1 in "abc",
    lambda: (5).bit_length() + (3).real,
    lambda: "a".nope,
    lambda: None.nope,
    lambda: None + 1,
    lambda: "a" + 1,
    lambda: 1 < "a",
    lambda: (1 == "a", 1 != "a"),
    lambda: -"a",
    lambda: len(5),
    lambda: iter(5),
    lambda: 5 in 5,
    lambda: (2 * "ab", "ab" * 2, 2 * [1]),
    lambda: (3).__add__("a") is NotImplemented,
    lambda: list(map(str.upper, ["a"])),
    lambda: f"{3.14159:.2f}{True!s:>6}",
    lambda: (b"ab"[0], list(b"ab")),
]


@pytest.mark.parametrize(
    "function",
    [*SPECIAL_METHODS, *ATTRIBUTES, *ITERATION, *LIBRARY, *CONSTANTS],
    ids=lambda function: f"line{function.__code__.co_firstlineno}",
)
def test_as_cpython(function: Callable[[], Any]) -> None:
    assert symbolically(function) == really(function)


@pytest.mark.parametrize(
    "function",
    [
        lambda: print("x"),  # noqa: T201 - it must not run
        lambda: id("x"),
        lambda: 10 ** int("1000000000"),
        lambda: "x" * int("1000000000"),
        lambda: "x".ljust(int("1000000000")),
        lambda: f"{1:1000000000}",
        lambda: "%1000000000d" % 1,  # noqa: UP031 - this is what is tested
        lambda: "{:{}}".format(1, int("1000000000")),
        lambda: math.factorial(int("1000000000")),
        lambda: ~bool(1),
        lambda: re.sub("(", "", ""),  # its exception has attributes
        lambda: round(5, -(10**10)),
        lambda: "{:n}".format(1.5),
        lambda: "a".encode(errors="custom"),
        lambda: eval("1"),  # noqa: S307 - it must not run
    ],
    ids=lambda function: f"line{function.__code__.co_firstlineno}",
)
def test_what_must_run_for_real_breaks(function: Callable[[], Any]) -> None:
    domain = fresh_domain(REGISTRY)
    entered = domain.new_frame_for(domain.reference(function), (), {})  # type: ignore[arg-type]
    assert isinstance(entered, Enter)
    assert isinstance(domain.interpreter.run([entered.frame]), Break)  # type: ignore[union-attr]


def test_deepcopy_keeps_aliases() -> None:
    def aliases() -> tuple[bool, ...]:
        inner = [1]
        outer = [inner, inner, (inner,)]
        outer.append(outer)
        made = copy.deepcopy(outer)
        return made[0] is made[1], made[2][0] is made[0], made[3] is made, made[0] is inner

    assert symbolically(aliases) == really(aliases) == shape((True, True, True, False))


def test_functions_hand_on_the_objects_themselves() -> None:
    def same() -> tuple[bool, ...]:
        one, other = [1], [2]
        both = [other, one]
        return max(both) is other, min(one, other) is one, sorted(both)[0] is one, sum([both], []) is both

    assert symbolically(same) == really(same) == shape((True, True, True, False))
