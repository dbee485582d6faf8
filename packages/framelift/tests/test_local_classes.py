"""A class of the user's lives no longer than the user wants, whatever a lifted function read of it."""

import gc
import weakref

import pytest
import torch

import framelift


@pytest.mark.parametrize("breaks", [False, True])
def test_classes_whose_attributes_were_read_are_freed(breaks):
    def f(x, thing):
        y = x + thing.attribute
        if breaks:
            print(end="")
        return y + thing.attribute + thing.method()

    lifted = framelift.compile(f, backend="eager")
    references = []
    for number in range(3):

        class Base:
            def method(self):
                return 1

        class Thing(Base):
            attribute = number

        assert lifted(torch.ones(2), Thing()).tolist() == [2 * number + 2.0] * 2
        references += [weakref.ref(Base), weakref.ref(Thing)]
    del Base, Thing
    gc.collect()
    assert [reference() for reference in references] == [None] * 6
