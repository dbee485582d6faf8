"""Objects whose methods must not run while a function is captured, or at all when it does not use them."""

from __future__ import annotations

import pytest
from driver import Broke, lift


class Trap(Exception):
    pass


def _sprung(*args, **kwargs):
    raise Trap("a method of a hostile object ran")


HOOKS = (
    "__eq__", "__ne__", "__lt__", "__hash__", "__bool__", "__len__", "__getattr__", "__getattribute__", "__repr__",
    "__str__", "__iter__", "__contains__", "__call__", "__class__", "__dict__", "__index__", "__int__", "__format__",
    "__instancecheck__", "__subclasscheck__", "__reduce__", "__sizeof__", "__dir__", "__fspath__",
)  # fmt: skip


def hostile(base=object):
    namespace = {name: _sprung for name in HOOKS if name not in {"__class__", "__dict__"}}
    namespace["__class__"] = property(_sprung)
    return type("Hostile", (base,), namespace)


BASES = [object, list, dict, tuple, set, int, str, Exception]


def passes(x):
    return [x], (x, x), {"k": x}


def keeps(x):
    def inner():
        return x

    return inner


def identities(x, y):
    return x is y, x is None, y is not x


def stores(x, box):
    box.append(x)
    return box


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_passing_around_runs_nothing(base):
    value = object.__new__(hostile()) if base is object else base.__new__(hostile(base))
    other = object()
    for _ in range(2):
        (one,), pair, mapping = lift(passes)(value)
        assert (pair[0] is value, pair[1] is value, mapping["k"] is value, one is value) == (True,) * 4
        assert lift(keeps)(value)() is value
        assert lift(identities)(value, other) == (False, False, True)
        box: list[object] = []
        assert lift(stores)(value, box) is box
        assert box[0] is value


def test_guards_run_nothing():
    lifted = lift(passes)
    cls = hostile()
    lifted(object.__new__(cls))
    lifted(object.__new__(cls))
    assert len(lifted.captures) == 1
    lifted(3)
    lifted(object.__new__(cls))


def uses(x):
    return x == 1


def test_a_program_that_uses_them_gets_what_they_do():
    with pytest.raises(Trap):
        lift(uses)(object.__new__(hostile()))


class Meta(type):
    __eq__ = _sprung
    __hash__ = _sprung  # type: ignore[assignment]
    __getattribute__ = _sprung  # type: ignore[assignment]
    __instancecheck__ = _sprung  # type: ignore[assignment]
    __subclasscheck__ = _sprung  # type: ignore[assignment]
    __bool__ = _sprung


def test_a_hostile_metaclass_is_left_alone():
    cls = Meta("Strange", (), {})
    value = object.__new__(cls)
    assert lift(keeps)(cls)() is cls
    assert lift(keeps)(value)() is value


def test_keys_made_of_quotes_and_newlines():
    key = 'it\'s "quoted"\n\\'

    def read(d, o):
        setattr(o, "attr'\n", d['it\'s "quoted"\n\\'])
        return {'it\'s "quoted"\n\\': getattr(o, "attr'\n")}

    class Box:
        pass

    box = Box()
    for _ in range(2):
        assert lift(read)({key: 4}, box) == {key: 4}
    assert vars(box) == {"attr'\n": 4}


def test_a_finaliser_breaks():
    class Finalised:
        def __del__(self):
            pass

    def make(x):
        return Finalised()

    with pytest.raises(Broke, match="__del__"):
        lift(make)(1)
