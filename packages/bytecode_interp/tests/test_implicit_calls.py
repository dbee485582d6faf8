# ruff: noqa: PLE0303, PLE0304, PLE0307
"""Special methods in Python are interpreted where an instruction calls them: in CPython's order, with its errors."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType

import pytest
from observation import observe

from framelift_bytecode_interp import ConcreteDomain, HostedDomain, interpret


class Number:
    """Each operator is logged; odd ones answer NotImplemented."""

    def __init__(self, log, value):
        self.log = log
        self.value = value

    def _answer(self, name, other=None):
        self.log.append((name, self.value))
        return NotImplemented if self.value % 2 else (name, self.value)

    def __add__(self, other):
        return self._answer("add")

    def __radd__(self, other):
        return self._answer("radd")

    def __iadd__(self, other):
        return self._answer("iadd")

    def __mul__(self, other):
        return self._answer("mul")

    def __rmul__(self, other):
        return self._answer("rmul")

    def __pow__(self, other):
        return self._answer("pow")

    def __lt__(self, other):
        return self._answer("lt")

    def __gt__(self, other):
        return self._answer("gt")

    def __eq__(self, other):
        return self._answer("eq")

    def __neg__(self):
        return self._answer("neg")

    def __hash__(self):
        return 1


class Special(Number):
    def __radd__(self, other):
        return self._answer("special radd")

    def __gt__(self, other):
        return self._answer("special gt")


def operators(log):
    found = []
    operations = [
        lambda a, b: a + b,
        lambda a, b: b + a,
        lambda a, b: a * b,
        lambda a, b: a**b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a == b,
        lambda a, b: a != b,
        lambda a, b: -a,
        lambda a, b: ~a,
    ]
    operands = [Number(log, 1), Number(log, 2), Special(log, 1), Special(log, 2), 3, [4], "five", (6,), None]
    for operation in operations:
        for left in operands:
            for right in operands:
                try:
                    found.append(operation(left, right))
                except TypeError as error:
                    found.append(str(error))
    for left in operands:
        for right in operands:
            try:
                target = list(left) if type(left) is list else left
                target += right
                found.append(target)
            except TypeError as error:
                found.append(str(error))
    return [str(type(item)) if isinstance(item, Number) else item for item in found]


class Bag:
    def __init__(self, log, items):
        self.log = log
        self.items = items

    def __len__(self):
        self.log.append("len")
        return len(self.items)

    def __getitem__(self, key):
        self.log.append(("getitem", key))
        return self.items[key]

    def __setitem__(self, key, value):
        self.log.append(("setitem", key, value))

    def __delitem__(self, key):
        self.log.append(("delitem", key))

    def __class_getitem__(cls, key):
        return (cls.__name__, key)

    def __format__(self, spec):
        return f"<{spec}>"

    def __str__(self):
        return "a bag"

    def __call__(self, *args, **kwargs):
        return args, kwargs


class Iterates:
    def __init__(self, log, count):
        self.log = log
        self.count = count

    def __iter__(self):
        self.log.append("iter")
        return Steps(self.log, self.count)


class Steps:
    def __init__(self, log, count):
        self.log = log
        self.count = count

    def __iter__(self):
        return self

    def __next__(self):
        self.log.append(("next", self.count))
        self.count -= 1
        if self.count < 0:
            raise StopIteration
        return self.count


class Contains(Iterates):
    def __contains__(self, item):
        self.log.append(("contains", item))
        return Truth(self.log, item == 2)


class Truth:
    def __init__(self, log, value):
        self.log = log
        self.value = value

    def __bool__(self):
        self.log.append(("bool", self.value))
        return self.value


class Keys:
    def keys(self):
        return ["a", "b"]

    def __getitem__(self, key):
        return key * 2


def given(*args):
    return args


def containers(log):
    bag, iterates = Bag(log, [1, 2, 3]), Iterates(log, 3)
    bag[1] = 2
    del bag[0]
    first, second, third = iterates
    start, *rest = iterates
    found = [
        bag[0],
        Bag[int],
        len(bag),
        bool(bag),
        not bag,
        f"{bag}",
        f"{bag!s:>10}",
        f"{bag:x}",
        str(bag),
        bag(1, a=2),
        2 in bag,
        7 in bag,
        2 in iterates,
        2 in Contains(log, 1),
        [*iterates],
        {*iterates},
        given(*iterates, 4),
        [item for item in bag],
        {**Keys()},
        first,
        second,
        third,
        start,
        rest,
        1 if Truth(log, False) else 2,
        Truth(log, True) and 3,
        Truth(log, False) or 4,
        next(Steps(log, 1), None),
        next(Steps(log, 2)),
    ]
    for count in (2, 4):
        try:
            first, second, third = Iterates(log, count)
        except ValueError as error:
            found.append(str(error))
    return found


class Described:
    def __get__(self, owner, cls):
        return ("get", owner is None, cls.__name__)


class Data(Described):
    def __set__(self, owner, value):
        owner.log.append(("set", value))

    def __delete__(self, owner):
        owner.log.append("delete")


class Attributes:
    described = Described()
    data = Data()

    def __init__(self, log):
        self.log = log
        self.__dict__["described"] = "of the instance"

    @property
    def length(self):
        self.log.append("length")
        return 3

    @length.setter
    def length(self, value):
        self.log.append(("set length", value))

    @length.deleter
    def length(self):
        self.log.append("delete length")

    @property
    def broken(self):
        raise AttributeError("broken on purpose")


class Fallback(Attributes):
    def __getattr__(self, name):
        if name.startswith("no"):
            raise AttributeError(name)
        return f"fallback {name}"


class Hooked(Attributes):
    def __getattribute__(self, name):
        object.__getattribute__(self, "log").append(name)
        return object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        self.log.append(("setattr", name))
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        object.__delattr__(self, name)

    def __init__(self, log):
        object.__setattr__(self, "log", log)


class Below(Attributes):
    @property
    def length(self):
        return super().length + 1


def attributes(log):
    found = []
    for owner in (Attributes(log), Fallback(log), Hooked(log), Below(log), Attributes):
        for name in ("described", "data", "length", "broken", "missing", "nothing", "__class__", "log"):
            try:
                value = getattr(owner, name)
                found.append(value if isinstance(value, (str, tuple, int)) else type(value).__name__)
            except AttributeError as error:
                found.append((str(error), type(error.__context__)))
        if owner is Attributes:
            break
        try:
            found.append(owner.length)
            owner.length = 5
            owner.data = 6
            owner.new = 7
            del owner.new
            del owner.data
            del owner.length
        except (AttributeError, TypeError) as error:
            found.append(str(error))
    return [str(item) for item in found if not isinstance(item, property)]


class WrongTypes:
    def __bool__(self):
        return 3

    def __len__(self):
        return -1

    def __iter__(self):
        return 3

    def __str__(self):
        return 3

    def __format__(self, spec):
        return 3

    def __repr__(self):
        raise ValueError("repr")


def wrong_types(log):
    found = []
    value = WrongTypes()
    for operation in (
        lambda: bool(value),
        lambda: not value,
        lambda: 1 if value else 2,
        lambda: len(value),
        lambda: [item for item in value],
        lambda: [*value],
        lambda: f"{value!s}",
        lambda: f"{value}",
        lambda: f"{value!r}",
        lambda: value + 1,
        lambda: value < 1,
    ):
        try:
            found.append(operation())
        except Exception as error:  # noqa: BLE001 - each is compared
            found.append((type(error).__name__, str(error)))
    return found


class Awaits:
    def __init__(self, log):
        self.log = log

    def __await__(self):
        self.log.append("await")
        return Steps(self.log, 0)

    def __aiter__(self):
        self.log.append("aiter")
        return self

    async def __anext__(self):
        self.log.append("anext")
        raise StopAsyncIteration

    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        return True


async def asynchronous(log):
    awaits = Awaits(log)
    found = [await awaits]
    async for item in awaits:
        found.append(item)
    async with awaits as entered:
        found.append(entered is awaits)
        raise ValueError
    return found


def awaiting(log):
    coroutine = asynchronous(log)
    try:
        coroutine.send(None)
    except StopIteration as error:
        return error.value
    return None


class Meta(type):
    def __call__(cls, *args):
        return ("made", super().__call__(*args))

    def __getitem__(cls, key):
        return key


class Made(metaclass=Meta):
    def __init__(self, log):
        log.append("init")


def classes(log):
    return type(Made(log)[1]).__name__, Made[3]


def code_objects(found):
    """The code objects of this module's functions and classes."""
    if isinstance(found, CodeType):
        yield found
        for constant in found.co_consts:
            yield from code_objects(constant)
    elif isinstance(found, FunctionType) and found.__module__ == __name__:
        yield from code_objects(found.__code__)
    elif isinstance(found, type) and found.__module__ == __name__:
        for member in vars(found).values():
            yield from code_objects(member)
    elif isinstance(found, property):
        for accessor in (found.fget, found.fset, found.fdel):
            yield from code_objects(accessor)


PROGRAMS = [operators, containers, attributes, wrong_types, awaiting, classes]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("domain", [ConcreteDomain, HostedDomain])
def test_implicit_calls_are_cpythons(program, domain) -> None:
    assert observe(interpret(program, domain())) == observe(program)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("domain", [ConcreteDomain, HostedDomain])
def test_no_function_of_the_program_runs_natively(program, domain) -> None:
    native = set()

    def profile(frame, event, _arg):
        # A traceback's stand-in frame has a code object of its own.
        if event == "call" and frame.f_code in codes:
            native.add(frame.f_code.co_qualname)

    codes = {code for found in globals().values() for code in code_objects(found)}
    run = interpret(program, domain())
    sys.setprofile(profile)
    try:
        run([])
    finally:
        sys.setprofile(None)
    assert native == set()


def test_the_policy_says_what_is_entered_also_implicitly() -> None:
    asked = []

    def enters(function):
        asked.append(function.__qualname__)
        return function is not Number.__add__

    def add(log):
        return Number(log, 2) + Number(log, 4), -Number(log, 2)

    assert interpret(add, ConcreteDomain(enters))([]) == add([])
    assert {"Number.__init__", "Number.__add__", "Number.__neg__", "Number._answer"} <= set(asked)
