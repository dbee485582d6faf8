import ast
import functools
import gc
import inspect
import linecache
import pickle
import threading
import traceback
import types
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framelift_guards import (
    DictItemSource,
    DictKeys,
    Dispatcher,
    Equals,
    Guard,
    GuardSet,
    InstanceDictSource,
    Is,
    ItemSource,
    Length,
    LocalSource,
    TypeIs,
)


def recording(scope):
    return "miss", scope


def equals(name, value):
    return Guard(LocalSource(name), Equals(value))


def power(base, exponent=2, *, modulus=None):
    """Raise to a power."""
    return pow(base, exponent, modulus)


def everything(a, /, b, c=3, *rest, d, e=5, **more):
    return a, b, c, d, e, rest, more


POWER = Dispatcher(power, lambda scope: power(**scope))
power_twin = POWER.function


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2), {"d": 4}), ((1, 2, 3, 4, 5), {"d": 6, "e": 7, "x": 8}), ((1,), {"b": 2, "d": 4, "a": "in more"})],
)
def test_entry_gets_parameters_positionally_and_miss_by_name(args, kwargs):
    dispatcher = Dispatcher(everything, recording)
    kind, scope = dispatcher.function(*args, **kwargs)
    assert kind == "miss"
    assert list(scope) == ["a", "b", "c", "d", "e", "rest", "more"]
    assert tuple(scope.values()) == everything(*args, **kwargs)
    dispatcher.add([], lambda *parameters: parameters)
    assert dispatcher.function(*args, **kwargs) == everything(*args, **kwargs)


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1,), {"d": 1}), ((1, 2), {}), ((1, 2), {"d": 1, "b": 2})])
def test_wrong_arguments_raise_what_the_function_raises(args, kwargs):
    dispatcher = Dispatcher(everything, recording)
    with pytest.raises(TypeError) as theirs:
        everything(*args, **kwargs)
    with pytest.raises(TypeError) as ours:
        dispatcher.function(*args, **kwargs)
    assert str(ours.value) == str(theirs.value)


def test_it_looks_like_the_function():
    assert inspect.signature(power_twin) == inspect.signature(power)
    own = inspect.signature(power_twin, follow_wrapped=False)
    kinds = {name: one.kind for name, one in own.parameters.items()}
    assert kinds.pop("extra") is inspect.Parameter.VAR_POSITIONAL  # what is too much is for `power` to refuse
    assert kinds.pop("named_extra") is inspect.Parameter.VAR_KEYWORD
    assert kinds == {name: one.kind for name, one in inspect.signature(power).parameters.items()}
    for name in functools.WRAPPER_ASSIGNMENTS:
        assert getattr(power_twin, name, None) == getattr(power, name, None)
    assert power_twin.__wrapped__ is power
    assert power_twin.__code__.co_name == "power"
    assert inspect.getdoc(power_twin) == "Raise to a power."


def test_it_is_pickled_by_name():
    def clash(x):
        return x

    clash.__qualname__ = clash.__name__ = "POWER_FUNCTION"
    globals()["POWER_FUNCTION"] = Dispatcher(clash, recording).function
    assert pickle.loads(pickle.dumps(globals()["POWER_FUNCTION"])) is globals()["POWER_FUNCTION"]


def test_defaults_changed_later_are_honoured():
    def function(a, b=1, *, c=2):
        return a, b, c

    dispatcher = Dispatcher(function, lambda scope: tuple(scope.values()))
    twin = dispatcher.function
    assert twin(0) == (0, 1, 2)
    twin.__defaults__ = (10,)
    assert twin(0) == (0, 10, 2)
    function.__kwdefaults__["c"] = 20  # one dictionary for both
    assert twin(0) == (0, 10, 20)
    function.__defaults__ = (5,)  # documented: the dispatcher has defaults of its own
    assert twin(0) == (0, 10, 20)


def test_methods_static_and_class_methods():
    def add(self, n):
        return "run", self, n

    class Counter:
        bound = Dispatcher(add, recording).function
        static = staticmethod(Dispatcher(power, recording).function)
        of_class = classmethod(Dispatcher(add, recording).function)

    counter = Counter()
    assert counter.bound(3) == ("miss", {"self": counter, "n": 3})
    assert counter.static(3)[1] == {"base": 3, "exponent": 2, "modulus": None}
    assert Counter.of_class(3)[1]["self"] is Counter


@given(
    st.lists(
        st.sampled_from(
            ["type", "len", "miss", "entry", "run", "Exception", "expected", "v", "v_a", "key", "tensors_match", "self",
             "True_", "G", "copysign", "same_plain", "fingerprint", "__builtins__", "__name__", "x", "run_1"]
        ),
        min_size=1, max_size=8, unique=True,
    ),
    st.integers(0, 3),
)  # fmt: skip
def test_generated_names_never_clash_with_parameters(names, chosen):
    (definition,) = ast.parse(f"def f({', '.join(names)}): return ({', '.join(names)},)").body
    space = {}
    exec(compile(ast.Module([definition], []), "f", "exec"), space)
    dispatcher = Dispatcher(space["f"], recording)
    first = LocalSource(names[chosen % len(names)])
    guards = [
        Guard(first, TypeIs(dict)),
        Guard(first, DictKeys(["a"])),
        Guard(ItemSource(first, "a"), Equals((1, -0.0))),
        Guard(ItemSource(first, "a"), Length(2)),
    ]
    dispatcher.add(guards, lambda *parameters: parameters)
    arguments = [{"a": (1, -0.0)} for _ in names]
    assert dispatcher.function(*arguments) == space["f"](*arguments)
    arguments[chosen % len(names)] = {"a": (1, 0.0)}
    assert dispatcher.function(*arguments) == ("miss", dict(zip(names, arguments, strict=True)))


def test_parameters_that_are_no_identifiers():
    dispatcher = Dispatcher.for_parameters([".0", "class", "x"], recording, name="<genexpr>")
    assert dispatcher.function(1, 2, 3) == ("miss", {".0": 1, "class": 2, "x": 3})
    dispatcher.add([equals(".0", 1), equals("class", 2)], lambda *parameters: parameters)
    assert dispatcher.function(1, 2, 3) == (1, 2, 3)
    assert dispatcher.function(1, 5, 3)[0] == "miss"
    assert dispatcher.function.__name__ == "<genexpr>"


def test_specialisations_are_tried_in_order():
    dispatcher = Dispatcher.for_parameters(["n"], recording)
    first = dispatcher.add([equals("n", 1)], lambda n: "first")
    second = dispatcher.add([Guard(LocalSource("n"), TypeIs(int))], lambda n: "second")
    assert dispatcher.specialisations == (first, second)
    assert [dispatcher.function(n) for n in (1, 2)] == ["first", "second"]
    assert dispatcher.function(1.0)[0] == "miss"
    dispatcher.remove(first)
    assert dispatcher.function(1) == "second"
    with pytest.raises(ValueError, match="no such specialisation"):
        dispatcher.remove(first)
    dispatcher.clear()
    assert dispatcher.function(1)[0] == "miss"


def test_removing_one_keeps_constants_that_another_shares():
    class Local:
        pass

    dispatcher = Dispatcher.for_parameters(["n"], recording)
    guards = [Guard(LocalSource("n"), TypeIs(Local)), Guard(LocalSource("n").attribute("a b"), Equals(1.5e300))]
    first = dispatcher.add(guards, lambda n: "first")
    dispatcher.add(guards, lambda n: "second")
    dispatcher.remove(first)
    local = Local()
    setattr(local, "a b", 1.5e300)
    assert dispatcher.function(local) == "second"


def test_the_reasons_of_a_miss():
    dispatcher = Dispatcher.for_parameters(
        ["n"], lambda scope: [str(failure) for failure in dispatcher.failures(scope)]
    )
    dispatcher.add([equals("n", 1)], lambda n: n)
    specialisation = dispatcher.add([Guard(LocalSource("n"), TypeIs(str))], lambda n: n)
    assert dispatcher.function(2.5) == [
        "n was 1, is 2.5 of type float; keep n as it was between calls",
        "type(n) was str, is float; pass objects of one type, or lift a function for each type",
    ]
    assert specialisation.failure({"n": "s"}) is None


def test_a_guard_whose_source_is_gone_is_a_miss_and_the_entrys_exception_is_the_users():
    dispatcher = Dispatcher.for_parameters(["d"], recording)

    def entry(d):
        raise KeyError("of the user")

    dispatcher.add([Guard(LocalSource("d").item("k"), TypeIs(int))], entry)
    assert dispatcher.function({})[0] == "miss"
    with pytest.raises(KeyError, match="of the user"):
        dispatcher.function({"k": 1})


def returning(dispatcher):
    """Add a specialisation for everything that returns the arguments."""
    dispatcher.add([], lambda *args: args)
    return dispatcher.function


def test_defaults_that_change_later_are_seen():
    def f(a, b=1, *, c=2, d=3):
        return a, b, c, d

    twin = returning(Dispatcher(f, recording))
    assert twin(0) == f(0) == (0, 1, 2, 3)
    f.__defaults__ = (10,)
    f.__kwdefaults__["c"] = 20
    assert twin(0) == f(0) == (0, 10, 20, 3)
    assert twin(0, 1, c=2) == (0, 1, 2, 3)
    assert inspect.signature(twin) == inspect.signature(f)


def test_defaults_that_are_taken_away_are_missed_as_the_function_misses_them():
    def f(a, b=1, *, c=2):
        return a, b, c

    twin = returning(Dispatcher(f, recording))
    f.__defaults__ = f.__kwdefaults__ = None
    for args, kwargs in ((0,), {}), ((0, 1), {}), ((0,), {"c": 2}):
        with pytest.raises(TypeError) as theirs:
            f(*args, **kwargs)
        with pytest.raises(TypeError) as ours:
            twin(*args, **kwargs)
        assert str(ours.value) == str(theirs.value)
    assert twin(0, 1, c=2) == (0, 1, 2)


def test_defaults_of_its_own_win():
    def f(a=1):
        return a

    twin = returning(Dispatcher(f, recording))
    twin.__defaults__ = (5,)
    assert twin() == (5,)


def test_other_code_is_another_function():
    def f(a):
        return a

    dispatcher = Dispatcher(f, lambda values: ("missed", values))
    twin = returning(dispatcher)
    assert twin(1) == (1,)
    f.__code__ = (lambda a: a + 1).__code__
    assert twin(1) == ("missed", {"a": 1})
    assert dispatcher.specialisations == ()
    assert returning(dispatcher)(1) == (1,)


def test_code_with_other_parameters_runs_as_it_is():
    def f(a, b=2):
        return a, b

    twin = returning(Dispatcher(f, recording))
    f.__code__ = (lambda *args: ("other", args)).__code__
    assert twin(1) == twin(1) == ("other", (1,))
    assert twin(1, 3) == ("other", (1, 3))
    assert twin(1, 3, 5) == ("other", (1, 3, 5))
    f.__code__ = (lambda: "none").__code__
    f.__defaults__ = None
    assert twin() == "none"
    f.__code__ = (lambda a, *, more: ("more", a, more)).__code__
    assert twin(1, more=2) == ("more", 1, 2)
    assert twin(more=2, a=1) == ("more", 1, 2)
    f.__code__ = (lambda a, /, **named: ("named", a, named)).__code__
    assert twin(1, c=2, d=3) == ("named", 1, {"c": 2, "d": 3})


SWAPPED = [
    (lambda b, a: ("swapped", a, b)),
    (lambda a, c: ("renamed", a, c)),
    (lambda a, b, /: ("positional", a, b)),
    (lambda *args, **named: ("any", args, [*named.items()])),
    (lambda a, *, b: ("keyword", a, b)),
    (lambda a: ("one", a)),
]
WRITTEN = [
    lambda f: f(1, 2),
    lambda f: f(1, b=2),
    lambda f: f(a=1, b=2),
    lambda f: f(b=2, a=1),
    lambda f: f(c=3, b=2, a=1),
    lambda f: f(1, 2, c=3),
    lambda f: f(*(1, 2)),
    lambda f: f(1),
    lambda f: f(b=1),
    lambda f: [*map(f, [1], [2])],
    lambda f: max([1], key=lambda one: f(one, 2)),
    lambda f: types.SimpleNamespace(f=f).f(1, b=2),
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("other", SWAPPED)
def test_other_parameters_are_given_as_the_caller_wrote(other, written):
    def f(a, b):
        return "first", a, b

    def g(a, b):
        return "first", a, b

    first = f.__code__
    dispatcher = Dispatcher(f, lambda values: ("first", *values.values()))
    for code in (other.__code__, other.__code__, first, other.__code__):
        f.__code__ = g.__code__ = code
        g.__qualname__ = f.__qualname__
        for one in (written, *WRITTEN):  # the first call after the change, and those after it
            assert told(one, (dispatcher.function,), {}) == told(one, (g,), {})


def test_specialisations_of_the_first_code_are_there_when_it_comes_back():
    def f(a):
        return a

    first, dispatcher = f.__code__, Dispatcher(f, recording)
    twin = returning(dispatcher)
    f.__code__ = (lambda b: ("other", b)).__code__
    assert twin(b=1) == twin(1) == ("other", 1)
    f.__code__ = first
    assert twin(1) == (1,)
    assert len(dispatcher.specialisations) == 1


def test_arguments_are_given_by_names_that_grammar_has_no_place_for():
    def f(a, b=2, *, c=3):
        return a, b, c

    odd = types.FunctionType(f.__code__.replace(co_varnames=("class", "é t", "None")), {}, argdefs=(2,))
    odd.__kwdefaults__ = {"None": 3}
    dispatcher = Dispatcher(odd, recording)
    twin = returning(dispatcher)
    assert twin.__code__.co_varnames[:3] == ("class", "é t", "None")
    for kwargs in ({"class": 1}, {"class": 1, "é t": 5}, {"class": 1, "None": 7}, {"a": 1}, {}):
        assert told(lambda **kwargs: tuple(twin(**kwargs)), (), kwargs) == told(odd, (), kwargs)


def test_a_keyword_that_nobody_knows_is_the_functions_to_refuse():
    def f(a, /, b):
        return a, b

    twin = returning(Dispatcher(f, recording))
    for wrong in ({"c": 1}, {"a": 1}, {"extra": 1}, {"named_extra": 1}, {"self": 1}):
        with pytest.raises(TypeError) as expected:
            f(1, b=2, **wrong)
        with pytest.raises(TypeError) as found:
            twin(1, b=2, **wrong)
        assert str(found.value) == str(expected.value)


def shapes_of_defaults():
    """Yield changes of the defaults of `everything` and of `two`, with calls that they allow or refuse."""
    calls = [((), {}), ((0,), {}), ((0, 1), {}), ((0, 1, 2), {}), ((0, 1, 2, 3, 4), {})]
    calls += [((*args,), {"d": 7}) for args, _ in calls] + [((0,), {"b": 9}), ((), {"b": 9}), ((0, 1), {"b": 9})]
    for defaults in None, (), (5,), (5, 6), (5, 6, 7), (5, 6, 7, 8):
        for keyword_defaults in None, {}, {"d": 3}, {"d": 3, "e": 4, "nobody": 5}:
            yield defaults, keyword_defaults, calls


@pytest.mark.parametrize("refusing", [False, True])
def test_whichever_parameters_have_defaults_by_then(refusing):
    def two(a, b=1, *, d, e=5):
        return "ran", a, b, d, e

    guards = [Guard(LocalSource(name), TypeIs(int)) for name in "abde"] if refusing else []
    for function in two, everything:
        for defaults, keyword_defaults, calls in shapes_of_defaults():
            changing = types.FunctionType(function.__code__, {}, argdefs=function.__defaults__)
            changing.__kwdefaults__ = dict(function.__kwdefaults__)
            dispatcher = Dispatcher(changing, lambda values: ("missed", *values.values()))
            dispatcher.add(guards, lambda *values: ("ran", *values))
            changing.__defaults__, changing.__kwdefaults__ = defaults, keyword_defaults
            for args, kwargs in calls:
                assert told(dispatcher.function, args, kwargs) == told(changing, args, kwargs)


def told(function, args, kwargs):
    try:
        return [value for value in function(*args, **kwargs) if value != "ran"]
    except TypeError as error:
        return str(error)


def test_what_was_given_by_name_after_a_gap_stays_where_it_was():
    def f(a, b=1, c=2):
        return a, b, c

    twin = returning(Dispatcher(f, recording))
    f.__defaults__ = (7,)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        twin(0, c=5)
    f.__code__ = (lambda a, c, b=3: (a, b, c)).__code__
    assert twin(0, c=5) == (0, 7, 5)


def test_shared_steps_are_taken_once():
    class Module:
        pass

    module = Module()
    module.items = {"0": {"w": 1, "b": 2}}
    items = DictItemSource(InstanceDictSource(LocalSource("self")), "items")
    inner = DictItemSource(items, "0")

    def forward(self):
        pass

    dispatcher = Dispatcher(forward, recording)
    guards = [
        Guard(LocalSource("self"), TypeIs(Module)),
        Guard(items, TypeIs(dict)),
        Guard(inner, TypeIs(dict)),
        Guard(DictItemSource(inner, "w"), Equals(1)),
        Guard(DictItemSource(inner, "b"), TypeIs(int)),
    ]
    dispatcher.add(guards, lambda self: "hit")
    assert dispatcher.function(module) == "hit"
    assert dispatcher.source() == (
        "def forward(self, *extra, **named_extra):\n"
        "    if extra or named_extra:\n"
        "        return changed({'self': self}, extra, named_extra)\n"
        "    while True:\n"
        "        try:\n"
        "            if type(self) is not Module_ref():\n"
        "                break\n"
        "            v_items = getitem(self.__dict__, 'items')\n"
        "            if type(v_items) is not dict:\n"
        "                break\n"
        "            v_0 = v_items['0']\n"
        "            if type(v_0) is not dict:\n"
        "                break\n"
        "            v_w = v_0['w']\n"
        "            if not (type(v_w) is int and v_w == 1):\n"
        "                break\n"
        "            if type(v_0['b']) is not int:\n"
        "                break\n"
        "            if code_of(original) is not code:\n"
        "                break\n"
        "            run = entry\n"
        "        except Exception:\n"
        "            break\n"
        "        return run(self)\n"
        "    if code_of(original) is not code:\n"
        "        return changed({'self': self}, extra, named_extra)\n"
        "    if self is DEFAULT:\n"
        "        return left_out({'self': self})\n"
        "    return miss({'self': self})\n"
    )


def test_a_path_as_long_as_a_linked_list():
    source = LocalSource("x")
    for _ in range(3000):
        source = source.item("next")
    dispatcher = Dispatcher.for_parameters(["x"], recording)
    dispatcher.add([Guard(source, TypeIs(str))], lambda x: "hit")
    value = "end"
    for _ in range(3000):
        value = {"next": value}
    assert dispatcher.function(value) == "hit"
    assert dispatcher.function({"next": value})[0] == "miss"


def test_recursion_and_re_entry_while_specialising():
    def fibonacci(n):
        return n if n < 2 else fibonacci.twin(n - 1) + fibonacci.twin(n - 2)

    def miss(scope):
        if len(dispatcher.specialisations) < 50:
            dispatcher.add([equals("n", scope["n"])], fibonacci)
        return fibonacci(scope["n"])

    dispatcher = Dispatcher(fibonacci, miss)
    fibonacci.twin = dispatcher.function
    assert dispatcher.function(20) == 6765
    assert len(dispatcher.specialisations) == 21


def test_a_call_under_way_survives_clear():
    dispatcher = Dispatcher.for_parameters(["d"], recording)

    class Clears(dict):
        def __getitem__(self, key):
            dispatcher.clear()
            return 1

    dispatcher.add(
        [Guard(LocalSource("d").item("k"), TypeIs(int)), Guard(LocalSource("d"), Length(0))], lambda d: "hit"
    )
    assert dispatcher.function(Clears())[0] == "miss"

    entered = []

    def entry(d):
        dispatcher.clear()
        entered.append(d)
        return "done"

    dispatcher.add([], entry)
    assert dispatcher.function(1) == "done"
    assert dispatcher.function(1)[0] == "miss"


def test_threads_see_right_results_while_others_relink():
    def square(n):
        return n * n

    def miss(scope):
        n = scope["n"]
        with lock:
            if not any(one.failure(scope) is None for one in dispatcher.specialisations):
                dispatcher.add([equals("n", n)], lambda n: n * n)
        return n * n

    lock, dispatcher, wrong = threading.Lock(), None, []
    dispatcher = Dispatcher(square, miss)

    def work(offset):
        for turn in range(300):
            n = (turn * 7 + offset) % 20
            if dispatcher.function(n) != n * n:
                wrong.append(n)
            if turn % 100 == 99:
                dispatcher.clear()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_a_traceback_shows_the_generated_line_under_the_users_name():
    dispatcher = Dispatcher(power, recording)
    dispatcher.add([equals("base", 1)], lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        dispatcher.function(1)
    frames = traceback.extract_tb(caught.tb)
    assert frames[1].name == "power"
    assert frames[1].line == "return run(base, exponent, modulus)"


def test_nothing_is_kept_alive_and_linecache_is_cleaned():
    class Model:
        pass

    def make():
        model = Model()

        def helper():
            return model

        def forward(self, f):
            return self

        dispatcher = Dispatcher(forward, lambda scope: dispatcher and scope)
        guards = [Guard(LocalSource("self"), TypeIs(Model)), Guard(LocalSource("self"), Is(model))]
        dispatcher.add([*guards, Guard(LocalSource("f"), Is(helper))], lambda self, f: "hit")
        assert dispatcher.function(model, helper) == "hit"
        return dispatcher, weakref.ref(model), weakref.ref(helper), weakref.ref(forward)

    dispatcher, model, helper, forward = make()
    gc.collect()
    assert model() is None
    assert helper() is None
    assert list(dispatcher.function(Model(), None)) == ["self", "f"]
    filename = dispatcher.function.__code__.co_filename
    assert linecache.getline(filename, 1) == "def forward(self, f, *extra, **named_extra):\n"
    del dispatcher
    gc.collect()
    assert forward() is None
    assert linecache.getlines(filename) == []
    linecache.checkcache()
    assert filename not in linecache.cache


def test_clearing_frees_what_only_a_specialisation_held():
    class Graph:
        def __call__(self, x):
            return x

    graph = Graph()
    dead = weakref.ref(graph)
    dispatcher = Dispatcher.for_parameters(["x"], recording)
    dispatcher.add([equals("x", 1)], graph)
    del graph
    gc.collect()
    assert dead() is not None
    dispatcher.clear()
    gc.collect()
    assert dead() is None


def test_a_set_or_any_iterable_of_guards():
    dispatcher = Dispatcher.for_parameters(["x"], recording)
    guards = GuardSet([equals("x", 1)])
    assert dispatcher.add(guards, lambda x: x).guards is guards
    assert len(dispatcher.add(iter([equals("x", 2), equals("x", 2)]), lambda x: x).guards) == 1


def test_what_is_no_python_function_is_refused():
    with pytest.raises(TypeError, match="Dispatcher needs a Python function, not a builtin_function_or_method"):
        Dispatcher(len, recording)


def test_the_entry_is_handed_what_the_guards_fetched():
    fetched = []

    class Box:
        @property
        def content(self):
            fetched.append(self)
            return 5

    content = LocalSource("box").attribute("content")
    dispatcher = Dispatcher.for_parameters(["box"], lambda scope: "miss")
    made = dispatcher.add([Guard(content, Equals(5))], lambda box, *rest: rest, [content, LocalSource("box")])
    box = Box()
    assert dispatcher.function(box) == (5, box)
    assert fetched == [box]
    assert made.run({"box": box}) == (5, box)


def test_what_the_entry_needs_and_cannot_be_fetched_is_a_miss():
    dispatcher = Dispatcher.for_parameters(["box"], lambda scope: "miss")
    dispatcher.add([], lambda box, content: content, [LocalSource("box").attribute("imag")])
    assert dispatcher.function(1) == 0
    assert dispatcher.function("text") == "miss"
