"""What is lifted looks and acts like the original: kinds of functions, signatures, methods, copies, C callables."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import pickle

import pytest
import torch

import framelift

X = torch.ones(2)
lifted = functools.partial(framelift.compile, backend="eager")


async def coroutine(x):
    await asyncio.sleep(0)
    return x * 2


def generator(x):
    for i in range(3):
        yield x * i


async def asynchronous_generator(x):
    sent = None
    for i in range(3):
        await asyncio.sleep(0)
        try:
            sent = yield x * i if sent is None else x * sent
        except KeyError:
            sent = 10


KINDS = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.isfunction)


@pytest.mark.parametrize("function", [coroutine, generator, asynchronous_generator, lambda x: x])
def test_the_kind_is_the_originals(function):
    twin = lifted(function)
    assert [kind(twin) for kind in KINDS] == [kind(function) for kind in KINDS]
    assert inspect.signature(twin) == inspect.signature(function)
    assert twin.__wrapped__ is function


def test_coroutines_and_generators_run():
    assert torch.equal(asyncio.run(lifted(coroutine)(X)), X * 2)
    assert [int(item[0]) for item in lifted(generator)(X)] == [0, 1, 2]


@pytest.mark.parametrize("function", [asynchronous_generator, lifted(asynchronous_generator)])
def test_an_asynchronous_generator_takes_what_is_sent_and_thrown(function):
    async def drive():
        running = function(X)
        found = [await anext(running), await running.asend(7), await running.athrow(KeyError())]
        await running.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(running)
        return [int(item[0]) for item in found]

    assert asyncio.run(drive()) == [0, 7, 10]


@lifted
def importable(x, *, factor=2):
    """Scale."""
    return x * factor


def test_it_is_copied_and_pickled_as_functions_are():
    assert pickle.loads(pickle.dumps(importable)) is importable
    assert copy.deepcopy(importable) is importable
    assert inspect.getdoc(importable) == "Scale."
    assert inspect.getsource(importable).startswith("@lifted\ndef importable")


def test_methods_of_every_kind():
    class Scaled:
        factor = 3

        @lifted
        def method(self, x):
            return x * self.factor

        @lifted
        @classmethod
        def of_class(cls, x):
            return x * cls.factor

        @lifted
        @staticmethod
        def static(x):
            return x * 4

        @property
        @lifted
        def member(self):
            return X * self.factor

    class Derived(Scaled):
        factor = 5

        def method(self, x):
            return super().method(x) + 1

    one = Derived()
    found = [one.method(X), one.of_class(X), Derived.of_class(X), one.static(X), one.member, Scaled.method(one, X)]
    assert [int(item[0]) for item in found] == [6, 5, 5, 4, 5, 5]


def test_what_is_written_in_c_is_called_from_python():
    sine = lifted(torch.sin, fullgraph=True)
    assert torch.equal(sine(X), torch.sin(X))
    assert sine.__name__ == "sin"
    scale = lifted(functools.partial(lambda x, k: x * k, k=3), fullgraph=True)
    assert torch.equal(scale(X), X * 3)
    assert torch.equal(scale(X, k=4), X * 4)


def test_a_call_may_leave_out_what_has_a_default_by_then():
    def scaled(x, by=2):
        return x * by

    lifted = framelift.compile(scaled, backend="eager")
    x = torch.ones(2)
    assert torch.equal(lifted(x), 2 * x)
    scaled.__defaults__ = (x + 2, 5)
    assert torch.equal(lifted(), 15 * x)
    assert torch.equal(lifted(x), 5 * x)
    scaled.__code__ = (lambda *args: sum(args)).__code__
    assert lifted(1, 2, 3) == 6
    scaled.__defaults__ = None
    scaled.__code__ = (lambda x: x).__code__
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 3 were given"):
        lifted(x, 1, 2)
