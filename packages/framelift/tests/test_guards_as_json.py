"""The guards of real captures as JSON: what is read is equal and answers alike, or what cannot be written is named."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import small_transformer
import torch

import framelift
from framelift_guards import GuardSet, NotSerialisable, Scope, UnreadableGuards


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Settings:
    scale: float = 2.0
    colour: Colour = Colour.RED


class Model:
    def __init__(self):
        self.k = 3
        self.sizes = {"a": 1.5, Colour.RED: 2}

    @property
    def twice(self):
        return self.k * 2

    def scaled(self, x):
        return x * self.k + self.sizes["a"]


SETTINGS = Settings()


def of_a_class(x, model):
    return model.scaled(x) + model.twice


def of_a_global(x):
    return x * SETTINGS.scale


def of_an_enum(x, colour):
    return x + 1 if colour is Colour.RED else x - 1


def of_a_dataclass(x, settings):
    return x * settings.scale + (1 if settings.colour is Colour.RED else 2)


def of_a_type(x, dtype):
    return x.to(dtype)


def of_sizes(x):
    return x.view(-1, x.shape[1]) * 2 if x.size(0) > 3 else x


def of_a_default(x, function=of_a_global):
    return function(x)


def closing(n, bias):
    def inner(x):
        return x * n + bias

    return inner


X = torch.ones(5, 2)
CASES = [
    (of_a_class, (X, Model())),
    (of_a_global, (X,)),
    (of_an_enum, (X, Colour.RED)),
    (of_a_dataclass, (X, Settings())),
    (of_a_type, (X, torch.float64)),
    (of_sizes, (X,)),
    (of_a_default, (X,)),
    (closing(3, torch.ones(2)), (X,)),
    (torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.BatchNorm1d(2)), (X,)),
]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(("subject", "arguments"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_read_is_equal_and_answers_alike(subject, arguments, dynamic):
    lifted = framelift.compile(subject, backend="eager", dynamic=dynamic)
    lifted(*arguments)
    (capture,) = lifted.framelift.specialisations
    function = None if isinstance(subject, torch.nn.Module) else subject
    read = GuardSet.from_json(capture.guards.to_json(function), function)
    assert read == capture.guards
    assert [one.user_line for one in read] == [one.user_line for one in capture.guards]
    parameters = ["self", "input"] if function is None else function.__code__.co_varnames
    values = (lifted, *arguments) if function is None else arguments
    scope = dict(zip(parameters, (*values, of_a_global), strict=False))
    for changed in ({}, {parameters[len(values) - 1]: torch.ones(2)}, {parameters[0]: None}):
        now = Scope(scope | changed)
        assert [one.check(now) for one in read] == [one.check(now) for one in capture.guards]
    assert read.check(Scope(scope))


def test_a_models_guards_hold_in_another_process():
    model, words = small_transformer.made()
    lifted = framelift.compile(model, backend="eager")
    lifted(words)
    (capture,) = lifted.framelift.specialisations
    text = capture.guards.to_json(small_transformer.SmallTransformer.forward)
    expected = small_transformer.verdicts(capture.guards, lifted, words)
    assert expected.count("None") == 7, expected
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    there = subprocess.run(
        [sys.executable, small_transformer.__file__], input=text, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    assert json.loads(there.stdout) == expected


def test_what_cannot_be_written_is_named():
    class Local:
        k = 3

    lifted = framelift.compile(lambda x, model: x * model.k, backend="eager")
    lifted(X, Local())
    with pytest.raises(
        NotSerialisable, match=r'the guard "type.* is .*Local" .* its module does not have under'
    ) as one:
        lifted.framelift.specialisations[0].guards.to_json()
    assert one.value.subject is Local


def test_a_class_of_lifted_modules_is_found_where_one_was_lifted():
    class_name = f"{torch.nn.Tanh.__module__}:{torch.nn.Tanh.__qualname__}"
    lifted = framelift.compile(torch.nn.Sigmoid(), backend="eager")
    lifted(X)
    text = lifted.framelift.specialisations[0].guards.to_json()
    sigmoid = f"{torch.nn.Sigmoid.__module__}:{torch.nn.Sigmoid.__qualname__}"
    with pytest.raises(UnreadableGuards, match="no module of Tanh has been lifted here"):
        GuardSet.from_json(text.replace(sigmoid, class_name))
