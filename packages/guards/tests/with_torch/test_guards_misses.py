"""Each predicate's miss in one line: the expression, what was expected, what was found, the user's line, a remedy."""

import ast
import inspect

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from torch.utils._device import DeviceContext  # noqa: E402

import framelift_guards  # noqa: E402
from framelift_guards import (  # noqa: E402
    BoolIs,
    CodeHashIs,
    CodeIs,
    Contains,
    DictKeys,
    Distinct,
    Equals,
    Expression,
    Falsy,
    Guard,
    HasAttribute,
    Is,
    IsNone,
    IsNot,
    IteratorState,
    LacksAttribute,
    LacksKey,
    Length,
    LocalSource,
    NotSameObject,
    Predicate,
    SameObject,
    Satisfies,
    Scope,
    TypeIs,
    UserLine,
    WeakIs,
)
from framelift_guards.naming import code_hash  # noqa: E402
from framelift_guards.torch import methods, state, tensor  # noqa: E402

N, OTHER = LocalSource("n"), LocalSource("other")
LINE = UserLine("model.py", 31, "forward", use="compares it")
X = torch.zeros(2, 3)
KEPT = "keep {} as it was between calls"


class Thing:
    pass


def one():
    return 1


def two():
    return 2


def iterator(left):
    return iter(list(range(left)))


THING = Thing()
LESS = Expression(ast.parse("a < b", mode="eval").body, {"a": N, "b": OTHER}, kind="COMPARED")
SHAPES = Expression(ast.parse("a < b", mode="eval").body, {"a": N, "b": OTHER})
OBJECT = "make that object once, and pass the same one in each call"
FUNCTION = "define that function once, and pass the same one in each call"
DIFFERENT = "pass different objects, as before"
TYPES = "pass objects of one type, or lift a function for each type"
HERE = f"{one.__code__.co_qualname} (test_guards_misses.py:{one.__code__.co_firstlineno})"


def matches(**found):
    return tensor.TensorMatch.of(X), torch.zeros(found.pop("shape", (2, 3)), **found)


# The predicate, the value of `n` (and of `other`), the reason, the remedy.
GOLDEN = [
    (Equals(1), 2, "n was 1, is 2", KEPT.format("n")),
    (Equals(1), True, "n was 1, is True of type bool", KEPT.format("n")),
    (Equals(1.0), 1, "n was 1.0, is 1 of type int", KEPT.format("n")),
    (Equals(0.0), -0.0, "n was 0.0, is -0.0", KEPT.format("n")),
    (Equals("a"), "b", "n was 'a', is 'b'", KEPT.format("n")),
    (Equals((1, 2)), (1, 3), "n was (1, 2), is (1, 3)", KEPT.format("n")),
    (BoolIs(True), False, "n was True, is False", KEPT.format("n")),
    (IsNone(), 3, "n was None, is 3", KEPT.format("n")),
    (TypeIs(int), "a", "type(n) was int, is str", TYPES),
    (Is(one), two, "n was function one, is function two", OBJECT),
    (WeakIs(THING), 1, "n was <Thing>, is 1", OBJECT),
    (IsNot(len), len, "n was not built-in function len, now it is",
     "pass another object as n, or pass that one in the first call"),
    (SameObject(OTHER), (1, 2), "n and other were the same object, are different objects",
     "pass one object for both, as before"),
    (NotSameObject(OTHER), (1, 1), "n and other were different objects, are the same object", DIFFERENT),
    (Distinct((N, OTHER)), (1, 1), "n and other were different objects, are the same object", DIFFERENT),
    (CodeIs(one.__code__), two, f"n.__code__ was that of {HERE}, is that of two", FUNCTION),
    (CodeHashIs(code_hash(one.__code__), "one"), two, "n.__code__ was that of one, is that of another two", FUNCTION),
    (Length(2), [1], "len(n) was 2, is 1", KEPT.format("len(n)")),
    (DictKeys(["a", "b"]), {"b": 1, "a": 2}, "key 0 of n was 'a', is 'b'",
     "keep the keys of n and their order as they were between calls"),
    (DictKeys(["a"]), {}, "len(n) was 1, is 0", "keep the keys of n and their order as they were between calls"),
    (Contains("a"), {}, "'a' was in n, now it is not", "keep 'a' in n between calls"),
    (LacksKey("a"), {"a": 1}, "'a' was not in n, now it is", "put 'a' into n before the first call"),
    (IteratorState(iterator(2)), iterator(1), "n had 2 items left, has 1",
     "pass a list_iterator with 2 items left in each call"),
    (HasAttribute("real"), "a", "n had an attribute 'real', now it has not", "keep that attribute of n between calls"),
    (LacksAttribute("real"), 1, "n had no attribute 'real', now it has",
     "set that attribute of n before the first call"),
    (Falsy(), [1], "n was false or empty, is <list>",
     "keep n false or empty between calls, or fill it before the first one"),
    (LESS, (3, 2), "n < other held, now n is 3, other is 2", "keep n and other as before between calls"),
    (SHAPES, (3, 2), "n < other held, now n is 3, other is 2",
     "change that line so that it does not depend on one value of a size or number"),
    (Satisfies(bool, text="is_even"), 0, "n satisfied is_even, now it is 0",
     "pass a value that satisfies is_even, or lift a function for each answer"),
    (Satisfies(bool, text="is_even", answer=False), 3, "n did not satisfy is_even, now it is 3",
     "pass a value that does not satisfy is_even, or lift a function for each answer"),
    (*matches(shape=(2, 4)), "n.size(1) was 3, is 4", "mark_dynamic(n, 1) would avoid this"),
    (*matches(shape=(1, 3)), "n.size(0) was 2, is 1", "pass larger sizes: 0 and 1 are specialised"),
    (tensor.TensorMatch.of(X[:1]), X, "n.size(0) was 1, is 2",
     "mark_dynamic(n, 0) and a larger size in the first call would avoid this: sizes 0 and 1 are specialised"),
    (*matches(dtype=torch.int64), "n.dtype was torch.float32, is torch.int64",
     "n.to(torch.float32) before the call would avoid this"),
    (*matches(device="meta"), "n.device was cpu, is meta", "n.to('cpu') before the call would avoid this"),
    (*matches(requires_grad=True), "n.requires_grad was False, is True", KEPT.format("n.requires_grad")),
    (*matches(shape=(2,)), "n.dim() was 2, is 1", KEPT.format("n.dim()")),
    (*matches(layout=torch.sparse_coo), "n.layout was torch.strided, is torch.sparse_coo", KEPT.format("n.layout")),
    (tensor.TensorMatch.of(X), 3, "type(n) was Tensor, is int", TYPES),
    (tensor.TensorMatch.of(X), torch.zeros(3, 2).t(), "n.stride(0) was 3, is 1",
     "n.contiguous() before the call would avoid this"),
    (tensor.DeviceEquals(torch.device("cpu")), torch.device("meta"),
     "n was device(type='cpu'), is device(type='meta')", KEPT.format("n")),
]  # fmt: skip


def text_of(predicate, given):
    values = given if type(given) is tuple and len(given) == 2 and OTHER in predicate.sources else (given, None)
    source = None if isinstance(predicate, Distinct | Expression | state.StatePredicate) else N
    guard, scope = Guard(source, predicate, LINE), Scope(dict(zip(["n", "other"], values, strict=True)))
    assert not guard.check(scope)
    return str(guard.failure(scope))


@pytest.mark.parametrize(("predicate", "given", "reason", "remedy"), GOLDEN)
def test_the_miss_of_a_predicate(predicate, given, reason, remedy):
    assert text_of(predicate, given) == f"{reason} (model.py:31 compares it); {remedy}"


@pytest.mark.parametrize(
    ("take", "change", "reason", "remedy"),
    [
        (state.grad_mode, torch.no_grad, "grad mode was True, is False", KEPT.format("grad mode")),
        (
            state.global_state,
            lambda: torch.autocast("cpu", torch.bfloat16),
            "autocast of cpu was False, is True",
            KEPT.format("autocast of cpu"),
        ),
        (
            state.default_device,
            lambda: DeviceContext("meta"),
            "default devices were [], are [device meta]",
            "keep the default devices as they were between calls",
        ),
    ],
)
def test_the_miss_of_a_state(take, change, reason, remedy):
    predicate = take()
    with change():
        assert text_of(predicate, None) == f"{reason} (model.py:31 compares it); {remedy}"


def test_the_miss_of_a_patched_method(monkeypatch):
    predicate = methods.TensorMethods.of(torch.Tensor, ["sin"])
    monkeypatch.setattr(torch.Tensor, "sin", len, raising=False)
    assert text_of(predicate, None) == (
        "torch.Tensor.sin was torch's, is <builtin_function_or_method> "
        "(model.py:31 compares it); patch classes of torch before the first call"
    )


def test_what_cannot_be_fetched_has_a_remedy():
    guard = Guard(N.item("k"), TypeIs(int), LINE)
    assert str(guard.failure(Scope({"n": {}}))) == (
        "type(n['k']) is int held, now it cannot be checked: KeyError('k') (model.py:31 compares it); "
        "keep n['k'] as it was between calls"
    )


def predicates_of(*modules):
    found = [value for module in modules for value in vars(module).values() if inspect.isclass(value)]
    return {value for value in found if issubclass(value, Predicate) and not inspect.isabstract(value)}


def test_no_predicate_is_left_out():
    abstract = {Predicate, state.StatePredicate}
    tried = {type(predicate) for predicate, *_ in GOLDEN} | {state.State, state.Stack, methods.TensorMethods}
    assert predicates_of(framelift_guards, framelift_guards.predicates, state, tensor, methods) - abstract == tried
