"""A lifted function is used as the function itself is: each scenario says the same with and without `compile`.

A scenario gets `lift`, lifts what it defines with it, uses it, and returns what it saw; tensors are told by value.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import copy
import dataclasses
import enum
import functools
import inspect
import itertools
import pickle
import types
import typing
import weakref

import pytest
import torch
from observation import describe

import framelift

X = torch.tensor([1.0, 2.0])
SCENARIOS = []


def scenario(make):
    SCENARIOS.append(make)
    return make


def plus_one(function):
    """A decorator that wraps as it should."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + 1

    return wrapper


def everything(a, /, b: int, c: typing.Any = 3, *rest: float, d: str = "x", e, **more: object) -> torch.Tensor:
    """Take parameters of every kind."""
    return X * b


@scenario
def inspected(lift):
    function = lift(everything)
    asks = [name for name in dir(inspect) if name.startswith("is")]
    told = {name: getattr(inspect, name)(function) for name in asks if name not in {"iskeyword"}}
    signature = inspect.signature(function)
    return [
        told,
        str(signature),
        str(inspect.signature(function, eval_str=True)),
        [str(parameter.kind) for parameter in signature.parameters.values()],
        inspect.getdoc(function),
        inspect.getsource(function),
        inspect.getsourcelines(function)[1],
        inspect.getmodule(function).__name__,
        inspect.unwrap(function) is everything,
        inspect.get_annotations(function, eval_str=True),
        typing.get_type_hints(function),
        function.__name__,
        function.__qualname__,
        function.__module__,
        function.__annotations__,
        callable(function),
        type(function),
        isinstance(function, types.FunctionType),
    ]


@scenario
def bound_by_signature(lift):
    function = lift(everything)
    bound = inspect.signature(function).bind(X, 2, 3, 4, e=5, f=6)
    bound.apply_defaults()
    return bound.arguments, function(*bound.args, **bound.kwargs)


WRONG_CALLS = [
    ((), {}),
    ((1,), {}),
    ((1, 2), {}),
    ((1, 2), {"e": 1, "b": 3}),
    ((1,), {"a": 1, "b": 2, "e": 3}),
    ((1, 2, 3, 4), {}),
]


@scenario
def refused(lift):
    function = lift(everything)
    strict = lift(strictly)
    told = []
    for called, (args, kwargs) in itertools.product((function, strict), WRONG_CALLS):
        try:
            told.append(called(*args, **kwargs))
        except TypeError as error:
            told.append(str(error))
    return told


def strictly(a, /, b, *, e=1):
    return a


@scenario
def defaults_change(lift):
    def f(x, by=2, *, plus=0):
        return x * by + plus

    function = lift(f)
    told = [function(X)]
    f.__defaults__ = (5,)
    told.append(function(X))
    f.__kwdefaults__ = {"plus": 1}
    told.append(function(X))
    f.__kwdefaults__["plus"] = X
    told.append(function(X))
    f.__defaults__ = (X, 5)
    told.append(function())
    f.__defaults__ = None
    with pytest.raises(TypeError) as raised:
        function(X)
    return *told, str(raised.value), str(inspect.signature(function))


@scenario
def defaults_are_looked_at(lift):
    def f(x, by=2, *, plus=1, needed=X):
        return x * by + plus + needed

    def without(x):
        return x

    function, bare = lift(f), lift(without)
    told = []

    def look():
        seen = []
        shown, named = function.__defaults__, function.__kwdefaults__
        specification = inspect.getfullargspec(function)
        seen.append(
            [list(shown), shown[0], shown[-1:], len(shown), 2 in shown, (0, *shown), (0,) + shown, shown + (1,)]
        )
        seen.append(
            [
                tuple(shown),
                str(shown),
                shown == f.__defaults__,
                f.__defaults__ == shown,
                hash(shown) == hash(f.__defaults__),
            ]
        )
        seen.append(
            [dict(named), {**named}, named["plus"], named.get("none"), list(named), len(named), "plus" in named]
        )
        seen.append([named.copy(), list(named.items()), named | {"more": 1}, {"more": 1} | named])
        seen.append(
            [specification.args, specification.defaults, specification.kwonlyargs, specification.kwonlydefaults]
        )
        seen.append([pickle.loads(pickle.dumps(shown)), copy.deepcopy(shown), copy.copy(named), function(X)])

        told.append(str(seen))  # not which of them are the same object

    look()
    f.__defaults__ = (5,)
    function.__kwdefaults__["plus"] = 3
    look()
    f.__kwdefaults__["needed"] = X + 1
    look()
    function.__defaults__ = (7,)
    told += [function(X), function.__defaults__]
    told += [bool(bare.__defaults__), bare.__defaults__ == without.__defaults__, bare.__kwdefaults__]
    return told


@scenario
def defaults_are_looked_at_by_what_is_captured(lift):
    def f(x, by=2, *, plus=1):
        return x * by + plus

    function = lift(f)
    looks = lift(lambda x: x * function.__defaults__[0] + function.__kwdefaults__["plus"] + sum(function.__defaults__))
    told = [looks(X)]
    f.__defaults__ = (5,)
    told.append(looks(X))
    function.__kwdefaults__["plus"] = 3
    return [*told, looks(X), function(X), f(X)]


@scenario
def code_changes(lift):
    def f(x, by=2):
        return x * by

    function = lift(f)
    told = [function(X)]
    for code in (
        (lambda x, by: x + by).__code__,
        (lambda x, by, more=0, *, named: x + by + named).__code__,
        (lambda *args, **kwargs: sum(args, *kwargs.values())).__code__,
    ):
        f.__code__ = code
        for args, kwargs in (((X,), {}), ((X, 3), {}), ((X, 3), {"named": 4}), ((X,), {"unknown": X})):
            try:
                told.append(function(*args, **kwargs))
            except TypeError as error:
                told.append(str(error))
    return told


@scenario
def parameters_are_renamed(lift):
    told = []
    for code in ((lambda by, x: x - by).__code__, (lambda x, scale: x - scale).__code__, (lambda x, by, /: x).__code__):
        for written in (lambda f: f(X, by=3), lambda f: f(by=3, x=X), lambda f: f(X, scale=3), lambda f: f(X, 3)):

            def f(x, by):
                return x * by

            function = lift(f)
            told.append(function(X, by=2))
            f.__code__ = code
            for one in (written, lambda f: f(x=X, by=4), lambda f: f(scale=X, x=2)):
                try:
                    told.append(one(function))
                except TypeError as error:
                    told.append(str(error))
    return told


@scenario
def odd_names_of_parameters(lift):
    def f(été, ñ=2, *, self=3):  # noqa: PLC2401
        return été * ñ + self

    odd = types.FunctionType(f.__code__.replace(co_varnames=("class", "no name", "None")), {}, "odd", (2,))
    odd.__kwdefaults__ = {"None": 3}
    function, lifted_odd = lift(f), lift(odd)
    told = [function(X), function(été=X, self=X), lifted_odd(X), lifted_odd(**{"class": X, "no name": 4, "None": X})]
    for called, kwargs in itertools.product((function, lifted_odd), ({"ñ": 1}, {"None": 1}, {"n": 1}, {"class": 1})):
        try:
            told.append(called(**kwargs))
        except TypeError as error:
            told.append(str(error))
    return told


@scenario
def attributes_of_the_function(lift):
    def f(x):
        return x

    f.marked = 1
    function = lift(f)
    function.more = 2
    return (
        function.marked,
        function.more,
        sorted(name for name in vars(function) if "framelift" not in name and name != "__wrapped__"),
    )


@scenario
def copied_and_referred_to(lift):
    function = lift(everything)
    return [
        copy.copy(function) is function,
        copy.deepcopy(function) is function,
        copy.deepcopy([function])[0] is function,
        weakref.ref(function)() is function,
        hash(function) == hash(function),
        function == function,
        {function: 1}[function],
    ]


class Holder:
    """Has one method of each kind, in either order of decorators where both are allowed."""

    factor = 3

    @classmethod
    def made_by(cls, lift):
        class Lifted(cls):
            @lift
            def method(self, x):
                return x * self.factor

            @lift
            @staticmethod
            def static_below(x):
                return x * 4

            @staticmethod
            @lift
            def static_above(x):
                return x * 5

            @lift
            @classmethod
            def of_class_below(cls, x):
                return x * cls.factor

            @classmethod
            @lift
            def of_class_above(cls, x):
                return x * cls.factor + 1

            @property
            @lift
            def member(self):
                return X * self.factor

            @member.setter
            @lift
            def member(self, value):
                self.factor = value

            @functools.cached_property
            @lift
            def once(self):
                return X + self.factor

            @lift
            @property
            def held(self):
                """Words."""
                return X * self.factor

            @held.setter
            def held(self, value):
                self.factor = value

            @lift
            @functools.cached_property
            def held_once(self):
                return X - self.factor

            @functools.lru_cache  # noqa: B019
            @lift
            def cached(self, by):
                return X - by

            @functools.singledispatchmethod
            @lift
            def by_type(self, value):
                return X, "object"

            @by_type.register
            @lift
            def _(self, value: int):
                return X * value, "int"

            @functools.partialmethod
            @lift
            def partial(self, x=X):
                return x * 7

            @lift
            def __call__(self, x):
                return x + self.factor

            @lift
            def __getitem__(self, index):
                return X * index

            @lift
            def __init__(self, factor=3):
                self.factor = factor

            @lift
            def __eq__(self, other):
                return self.factor == other.factor

            @lift
            def __hash__(self):
                return self.factor

            @lift
            def __len__(self):
                return self.factor

            @lift
            def __enter__(self):
                return X * self.factor

            @lift
            def __exit__(self, *raised):
                return raised[0] is ValueError

            @lift
            def __iter__(self):
                return iter([X, X * 2])

            @lift
            def __contains__(self, one):
                return one == self.factor

            @lift
            def __matmul__(self, other):
                return X @ X * other

        return Lifted


@scenario
def methods(lift):
    cls = Holder.made_by(lift)

    class Derived(cls):
        def method(self, x):
            return super().method(x) + 1

    one = Derived(5)
    told = [one.method(X), cls.method(one, X), one.static_below(X), cls.static_above(X), one.of_class_below(X)]
    told += [Derived.of_class_above(X), one.member, one.once, one.once is one.once, one.cached(1), one.cached(1)]
    told += [one.held, one.held_once, one.held_once is one.held_once, Derived.held.__doc__]
    one.held = 4
    told += [one.held, one.held_once]
    one.held = 5
    told += [one.by_type("a"), one.by_type(3), one.partial(), one(X), one[2], one == Derived(5), len(one), 5 in one]
    one.member = 9
    told += [one.member, [*one], one @ 3, {one: 1}[one], Derived.method.__qualname__, cls.method.__qualname__]
    with one as entered:
        told.append(entered)
        raise ValueError  # which the method swallows
    told += [one.method.__self__ is one, one.method == one.method, inspect.ismethod(one.method)]
    told += [str(inspect.signature(one.method)), str(inspect.signature(cls.static_below)), str(inspect.signature(cls))]
    told += [type(inspect.getattr_static(cls, name)).__name__ for name in ("static_above", "of_class_above", "member")]
    bound = one.method
    return [*told, bound(X), list(map(bound, [X, X])), functools.partial(bound, x=X)()]


@scenario
def abstract_methods(lift):
    class Base(abc.ABC):
        @abc.abstractmethod
        @lift
        def scaled(self, x): ...

    class Derived(Base):
        @lift
        def scaled(self, x):
            return x * 2

    with pytest.raises(TypeError) as raised:
        Base()
    return str(raised.value), Derived().scaled(X), Base.scaled.__isabstractmethod__


@scenario
def decorators_in_either_order(lift):
    @plus_one
    @lift
    @plus_one
    @lift
    def inner_first(x, k=2):
        return x * k

    @lift
    @plus_one
    @lift
    def outer_first(x, k=3):
        return x * k

    @lift
    @torch.no_grad()
    def without_gradients(x):
        return x * 2

    @torch.no_grad()
    @lift
    def without_gradients_outside(x):
        return x * 2

    @lift
    @contextlib.contextmanager
    def managed(x):
        yield x * 2

    @contextlib.contextmanager
    @lift
    def managed_outside(x):
        yield x * 3

    weight = X.clone().requires_grad_()
    with managed(X) as first, managed_outside(X) as second:
        told = [first + 0, second + 0]
    for function in (inner_first, outer_first):
        told += [function(X), function(X, k=5), str(inspect.signature(function)), function.__name__]
    return [*told, without_gradients(weight).requires_grad, without_gradients_outside(weight).requires_grad]


@scenario
def dispatched_by_type(lift):
    @functools.singledispatch
    @lift
    def f(value, x):
        return x, "object"

    @f.register
    @lift
    def _(value: int, x):
        return x * value, "int"

    @f.register(list)
    @lift
    def of_lists(value, x):
        return [f(one, x) for one in value]

    return f("a", X), f(2, X), f([1, "b", [True]], X), f.dispatch(bool).__name__, of_lists.__name__


@scenario
def partials(lift):
    def f(x, by=1, *, plus=0):
        return x * by + plus

    function = lift(f)
    partial = functools.partial(function, by=3)
    told = [partial(X), partial(X, plus=1), str(inspect.signature(partial)), functools.partial(partial, X)()]
    of_partial = lift(functools.partial(f, X, plus=2))
    told += [of_partial(), of_partial(5), of_partial(plus=X)]
    return [*told, functools.reduce(lift(lambda a, b: a + b), [X, X, X]), [*map(function, [X], [2])]]


@scenario
def recursion(lift):
    @lift
    def factorial(x, n):
        return x if n == 0 else factorial(x, n - 1) * n

    @lift
    def even(x, n):
        return x if n == 0 else odd(x + 1, n - 1)

    @lift
    def odd(x, n):
        return x * 2 if n == 0 else even(x - 1, n - 1)

    @lift
    def with_breaks(x, n):
        if n == 0:
            return x
        framelift.graph_break()
        return with_breaks(x + 1, n - 1) * 2

    @lift
    def re_entered(x, again):
        return x if again is None else again(x + 1, None) * 2

    deep = lift(lambda x, n: x if n == 0 else deep(x, n - 1))
    with pytest.raises(RecursionError):
        deep(X, 100_000)
    return factorial(X, 4), even(X, 5), odd(X, 5), with_breaks(X, 3), re_entered(X, re_entered), factorial(X, 3)


@scenario
def caches(lift):
    @lift
    @functools.lru_cache
    def outside(value):
        return X * value

    @functools.lru_cache
    @lift
    def inside(value):
        return X * value

    told = []
    for function in (outside, inside):
        told += [function(2), function(2), function(3), function.cache_info().currsize, function.cache_clear()]
        told.append(function.cache_info())
    return told


@scenario
def what_code_says(lift):
    @lift
    def counts():
        yield 1

    @lift
    async def waits():
        pass

    running, waiting = counts(), waits()
    told = [running.gi_code.co_name, waiting.cr_code.co_name, running.gi_code.co_qualname.rpartition(".")[2]]
    waiting.close()
    return told


@scenario
def generators(lift):
    @lift
    def counts(x, n=3):
        try:
            for i in range(n):
                sent = yield x * i
                if sent is not None:
                    yield x * sent
        finally:
            closed.append(n)
        return "done"

    @lift
    def delegates(x):
        result = yield from counts(x, 2)
        yield result

    closed = []
    running = counts(X)
    told = [next(running), running.send(7), next(running), inspect.isgenerator(running), running.__name__]
    running.close()
    told += [list(closed), [*delegates(X)], list(itertools.islice(counts(X), 2)), sum(counts(X))]
    thrown = counts(X)
    next(thrown)
    with pytest.raises(KeyError):
        thrown.throw(KeyError(1))
    return *told, closed, inspect.isgeneratorfunction(counts), inspect.getgeneratorstate(thrown)


@scenario
def coroutines(lift):
    @lift
    async def doubled(x, wait=0):
        await asyncio.sleep(wait)
        return x * 2

    @lift
    async def counts(x):
        for i in range(3):
            await asyncio.sleep(0)
            yield x * i

    @lift
    async def fails(x):
        await asyncio.sleep(0)
        raise KeyError("no")

    @contextlib.asynccontextmanager
    @lift
    async def managed(x):
        yield await doubled(x)

    class Scaled:
        @lift
        async def __aenter__(self):
            return X

        @lift
        async def __aexit__(self, *raised):
            return True

        @lift
        async def method(self, x):
            return x * 3

    async def main():
        told = [await doubled(X), await asyncio.gather(doubled(X), doubled(X + 1)), [one async for one in counts(X)]]
        told.append(await asyncio.wait_for(asyncio.create_task(doubled(X)), 10))
        async with managed(X) as found, Scaled() as entered:
            told += [found, entered]
        told.append(await Scaled().method(X))
        with pytest.raises(KeyError):
            await fails(X)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(doubled(X, 5), 0.01)
        return told

    running = doubled(X)
    told = [inspect.iscoroutine(running), inspect.getcoroutinestate(running), running.__qualname__.rpartition(".")[2]]
    running.close()
    asks = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    told += [ask(one) for ask in asks for one in (doubled, counts, Scaled.method)]
    return [*told, asyncio.run(main())]


@scenario
def modules(lift):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(2, 2, bias=False)
            with torch.no_grad():
                self.linear.weight.copy_(torch.eye(2))

        @lift
        def forward(self, x, *, scale=2):
            """Scale."""
            return self.linear(x) * scale

        @lift
        def other(self, x):
            return self.forward(x) + 1

    class Derived(Net):
        def forward(self, x, **more):
            return super().forward(x, **more) - 1

    one, derived = Net(), Derived()
    hooked = []
    handle = one.register_forward_hook(lambda module, args, result: hooked.append(type(module).__name__))
    told = [one(X), one(X, scale=3), derived(X, scale=4), one.other(X), inspect.getdoc(Net.forward), hooked]
    handle.remove()
    again = copy.deepcopy(one)
    with torch.no_grad():
        again.linear.weight.mul_(2)
    told += [again(X), one(X), sorted(one.state_dict()), len(hooked), str(inspect.signature(one.forward))]
    again.load_state_dict(one.state_dict())
    told += [again(X), torch.nn.Sequential(one, derived)(X), one.eval()(X), one.training]
    one.zero_grad()
    one(X).sum().backward()
    return [*told, one.linear.weight.grad]


@scenario
def dataclasses_and_enumerations(lift):
    @dataclasses.dataclass
    class Point:
        x: torch.Tensor
        by: int = 2

        @lift
        def __post_init__(self):
            self.x = self.x * self.by

        @lift
        def scaled(self, more):
            return dataclasses.replace(self, by=more).x

    class Kind(enum.Enum):
        ONE = 1
        TWO = 2

        @lift
        def times(self, x):
            return x * self.value

    return Point(X).scaled(3), Kind.TWO.times(X), list(Kind.__members__)


@scenario
def callable_objects(lift):
    class Scales:
        def __init__(self, by):
            self.by = by

        def __call__(self, x, *, plus=0):
            return x * self.by + plus

    scales = Scales(3)
    function = lift(scales)
    told = [function(X), function(X, plus=1)]
    scales.by = 4
    told.append(function(X))
    bound = lift(scales.__call__)
    return [*told, bound(X), str(inspect.signature(function)), lift(torch.add)(X, 1), lift(X.add)(2), lift(len)(X)]


@scenario
def class_level_names(lift):
    class Outer:
        class Inner:
            @lift
            def method(self, x):
                return x, __class__.__qualname__

        names = {}

        def __init_subclass__(cls, **more):
            cls.names = more

        def __set_name__(self, owner, name):
            raise AssertionError

    return Outer.Inner().method(X), Outer.Inner.method.__qualname__


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("use", SCENARIOS, ids=lambda use: use.__name__)
def test_it_is_used_as_the_function_itself(use):
    found = use(functools.partial(framelift.compile, backend="eager"))
    assert describe(found) == describe(use(lambda function: function))
