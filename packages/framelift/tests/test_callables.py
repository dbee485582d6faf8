"""Whatever Python calls a function can be lifted, and is called as before."""

from __future__ import annotations

import asyncio
import inspect

import torch

import framelift


class Scaler:
    factor = 3

    def __call__(self, x):
        return x * self.factor

    @framelift.compile(backend="eager")
    def method(self, x, *, by=2):
        """Scale twice."""
        return x * self.factor * by

    @staticmethod
    @framelift.compile(backend="eager")
    def static(x):
        return x + 1

    @classmethod
    @framelift.compile(backend="eager")
    def made(cls, x):
        return x * cls.factor


def test_methods_of_every_kind():
    scaler, x = Scaler(), torch.ones(2)
    assert scaler.method(x)[0] == 6
    assert scaler.method(x, by=3)[0] == 9
    assert Scaler.static(x)[0] == 2
    assert Scaler.made(x)[0] == 3
    assert framelift.compile(scaler.method, backend="eager")(x)[0] == 6
    assert framelift.compile(scaler, backend="eager")(x)[0] == 3


def test_signature_name_and_docstring_are_the_function_s():
    assert str(inspect.signature(Scaler.method)) == "(self, x, *, by=2)"
    assert Scaler.method.__doc__ == "Scale twice."
    assert Scaler.method.__qualname__ == "Scaler.method"


def test_a_generator_function():
    @framelift.compile(backend="eager")
    def produce(x):
        got = yield x + 1
        yield x + got

    running = produce(torch.ones(1))
    assert inspect.isgenerator(running)
    assert next(running).item() == 2
    assert running.send(5).item() == 6


def test_a_coroutine_function():
    @framelift.compile(backend="eager")
    async def compute(x):
        await asyncio.sleep(0)
        return x + 1

    assert asyncio.run(compute(torch.ones(1))).item() == 2
