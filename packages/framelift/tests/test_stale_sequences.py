"""Several changes, together and one after another, and changes taken back: each call equals eager's."""

from __future__ import annotations

import contextlib
import random

import pytest
import test_stale_product as product

import framelift

SEQUENCES = 4


def sequence(number):
    """Return the names of changes that are made before each of some calls."""
    chosen = random.Random(number)
    return [chosen.sample(sorted(product.CHANGES), chosen.choice([1, 1, 2])) for _ in range(4)]


def state_of(found):
    """Return what takes an instance and its class back to where they are now."""
    cls, fields = type(found.instance), dict(vars(found.instance))
    own = {name: value for name, value in vars(cls).items() if not name.startswith("__") or name in product.SPECIAL}

    def restore():
        for name in [name for name in vars(cls) if name in product.SPECIAL or not name.startswith("__")]:
            if name not in own:
                delattr(cls, name)
        for name, value in own.items():
            setattr(cls, name, value)
        object.__setattr__(found.instance, "__dict__", fields)

    return restore


def history(read, names, lift):
    found, called = product.world(), lift(read)
    restore = state_of(found)
    told = [product.outcome(called, found.instance)]
    for together in names:
        for name in together:
            with contextlib.suppress(Exception):  # an earlier change may stand against it
                product.CHANGES[name](found)
        told += [product.outcome(called, found.instance), product.outcome(called, found.instance)]
    with contextlib.suppress(Exception):
        restore()
    return [*told, product.outcome(called, found.instance)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", product.READS)
def test_each_call_is_eagers(read):
    function, first = product.READS[read], sorted(product.READS).index(read) * SEQUENCES
    for number in range(first, first + SEQUENCES):
        names = sequence(number)
        expected = history(function, names, lambda function: function)
        found = history(function, names, lambda function: framelift.compile(function, backend="eager"))
        assert found == expected, names
