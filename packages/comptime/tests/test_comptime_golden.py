"""What comptime prints, word for word, and what it leaves of the graph."""

from __future__ import annotations

import collections
import enum
import functools
import re
import textwrap
import traceback

import pytest
import torch
from capturing import OUT, captured

from framelift_comptime import ComptimeError, StackLevelError, UnknownLocalError, comptime

Point = collections.namedtuple("Point", ["x", "y"])


class Thing:
    def method(self):
        pass


class Kind(enum.Enum):
    ONE = 1


class Number(int):
    pass


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.ReLU()


MODEL = Model()


def numbers():
    yield 1


class Things(dict):
    pass


def printed(make, dynamic=False):
    """Return how `ctx.print` shows the value that `make(x)` gives."""

    def f(x):
        value = make(x)
        comptime(lambda ctx: ctx.print(ctx.get_local("value"), file=OUT))
        return x + 1

    return captured(f, dynamic)[1].rstrip("\n")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: x * 2, "FakeTensor(..., size=(2, 3))"),
        (lambda x: 2, "2"),
        (lambda x: "a'b", '"a\'b"'),
        (lambda x: None, "None"),
        (lambda x: [x, 1, "a"], "[FakeTensor(..., size=(2, 3)), 1, 'a']"),
        (lambda x: (x,), "(FakeTensor(..., size=(2, 3)),)"),
        (lambda x: (1, (2, ())), "(1, (2, ()))"),
        (lambda x: {"k": x, 2: []}, "{'k': FakeTensor(..., size=(2, 3)), 2: []}"),
        (lambda x: {3}, "{3}"),
        (lambda x: set(), "set()"),
        (lambda x: range(4), "range(0, 4, 1)"),
        (lambda x: slice(1, None), "slice(1, None, None)"),
        (lambda x: Point(1, y=x), "Point(x=1, y=FakeTensor(..., size=(2, 3)))"),
        (lambda x: Thing(), "UserDefinedObjectVariable(Thing)"),
        (lambda x: Things(a=1), "UserDefinedDictVariable(Things)"),
        (lambda x: Thing, "<class 'test_comptime_golden.Thing'>"),
        (lambda x: lambda: x, "NestedUserFunctionVariable()"),
        (lambda x: printed, "<function printed at 0x>"),
        (
            lambda x: Thing().method,
            "UserMethodVariable(<function Thing.method at 0x>, UserDefinedObjectVariable(Thing))",
        ),
        (lambda x: x.sin, "GetAttrVariable(TensorVariable(), sin)"),
        (lambda x: [].append, "<built-in method append of list object>"),
        (lambda x: len, "<built-in function len>"),
        (lambda x: functools.partial(len, 1), "functools.partial(<built-in function len>, 1)"),
        (lambda x: numbers(), "LocalGeneratorObjectVariable(numbers)"),
        (lambda x: map(len, []), "MapVariable()"),
        (lambda x: iter([1]), "<list_iterator object>"),
        (lambda x: Kind.ONE, "<Kind.ONE: 1>"),
        (lambda x: Number(3), "3"),
        (lambda x: ValueError("a", x), "ValueError('a', FakeTensor(..., size=(2, 3)))"),
        (lambda x: collections.deque([x, 1]), "deque([FakeTensor(..., size=(2, 3)), 1])"),
        (lambda x: collections.OrderedDict(a=1), "OrderedDict([('a', 1)])"),
        (lambda x: {"a": 1}.keys(), "dict_keys(['a'])"),
        (lambda x: {"a": x}.values(), "dict_values([FakeTensor(..., size=(2, 3))])"),
        (lambda x: {"a": 1}.items(), "dict_items([('a', 1)])"),
        (lambda x: frozenset({1}), "frozenset({1})"),
        (lambda x: torch.int8, "torch.int8"),
        (lambda x: MODEL, "UnspecializedNNModuleVariable(Model)"),
        (lambda x: MODEL.inner, "UnspecializedBuiltinNNModuleVariable(ReLU)"),
        (lambda x: x.to(torch.int64), "FakeTensor(..., size=(2, 3), dtype=torch.int64)"),
        (lambda x: collections, "<module 'collections' from '?'>"),
        (lambda x: collections.defaultdict(list, a=1), "defaultdict(<class 'list'>, {'a': 1})"),
        (lambda x: x.shape, "torch.Size([2, 3])"),
    ],
)
def test_values(make, text):
    shown = re.sub(r"0x[0-9a-f]+", "0x", printed(make))
    assert re.sub(r"from '.*'", "from '?'", shown) == text


def test_symbolic_sizes():
    assert printed(lambda x: x.size(0), dynamic=True) == "s77"
    assert printed(lambda x: (x, x.size(0) * 2), dynamic=True) == "(FakeTensor(..., size=(s77, s27)), 2*s77)"


def test_a_container_that_holds_itself():
    def f(x):
        items = [1]
        items.append(items)
        comptime(lambda ctx: ctx.print(ctx.get_local("items"), file=OUT))
        return x + 1

    assert captured(f)[1] == "[1, ...]\n"


def test_the_graph_so_far():
    def f(x):
        y = x * 2
        comptime(lambda ctx: ctx.print_graph(verbose=False, file=OUT))
        return y.sin()

    result, text = captured(f)
    assert text == textwrap.dedent("""\
        def forward(self, L_x_ : torch.Tensor):
            l_x_ = L_x_
            y = l_x_ * 2;  l_x_ = y = None
        """)
    assert [node.name for node in result.graph.graph.nodes] == ["l_x_", "y", "sin", "output"]


def test_locals_of_the_frame_and_of_its_caller():
    def inner(a):
        comptime(lambda ctx: ctx.print_locals(file=OUT))
        comptime(lambda ctx: ctx.print_locals(file=OUT, stacklevel=1))
        comptime(lambda ctx: ctx.parent().print_locals(file=OUT))
        return a

    def f(x):
        n = 3
        return inner(x) + n

    lines = captured(f)[1].splitlines()
    assert lines[0] == "a = FakeTensor(..., size=(2, 3))"
    assert lines[1:3] == ["x = FakeTensor(..., size=(2, 3))", "n = 3"]
    assert "n = 3" in lines[3:]


def test_the_value_stack_below_the_call():
    def f(x):
        return (x, 1, comptime.print_value_stack_and_return(7, file=OUT))[2] + x

    assert captured(f)[1] == "- FakeTensor(..., size=(2, 3))\n- 1\n"


def test_the_backtrace_names_the_lines():
    def inner(a):
        comptime.print_bt(file=OUT)
        return a

    def f(x):
        return inner(x) + 1  # the call

    text = captured(f)[1]
    assert text.index("return inner(x) + 1  # the call") < text.index("comptime.print_bt(file=OUT)")
    assert text.count(__file__) == 2


def test_the_backtrace_is_what_a_traceback_prints():
    def inner(a, error=None):
        comptime(lambda ctx: ctx.print_bt(file=OUT))
        if error is not None:
            raise error
        return a

    def f(x, error=None):
        return [inner(x, error), 1]  # the marks stand below the call alone

    line = f'  File "{__file__}", line {f.__code__.co_firstlineno + 1}, in f\n    return [inner(x, error), 1]'
    with pytest.raises(KeyError) as raised:
        f(1, KeyError())
    (outer,) = [entry for entry in traceback.format_tb(raised.value.__traceback__) if "in f" in entry]
    assert outer.startswith(line)
    assert "^^^^" in outer
    assert captured(f, x=torch.ones(2), error=None)[1].startswith(outer)


def test_nodes_are_named_after_variables_of_closures_too():
    def f(x):
        y = x * 2
        z = y + 1
        comptime(lambda ctx: OUT.write(" ".join(node.name for node in ctx.graph().nodes)))
        return [lambda: y][0]() + z

    assert captured(f)[1] == "l_x_ y z"


def test_the_verbose_graph_has_shapes_and_lines():
    def f(x):
        y = x * 2
        comptime.print_graph(file=OUT)
        return y

    text = captured(f)[1]
    assert 'y: "f32[2, 3]" = l_x_ * 2' in text
    assert "y = x * 2" in text


def test_disassembly_points_at_the_call():
    def f(x):
        comptime.print_disas(file=OUT)
        return x + 1

    pointed = [line for line in captured(f)[1].splitlines() if "-->" in line]
    assert len(pointed) == 1
    assert "CALL" in pointed[0]


def test_guards_are_listed_with_their_kinds():
    def f(x, n):
        y = x + n
        comptime.print_guards(file=OUT)
        return y

    text = captured(f, x=torch.ones(2), n=2)[1]
    heads = [line.strip() for line in text.splitlines() if line[8:9] not in ("", "{", "}", " ")]
    assert heads == [
        "local \"L['n']\" EQUALS_MATCH",
        "local \"L['x']\" TENSOR_MATCH",
        "global \"G['OUT']\" TYPE_MATCH",
        "global '' AUTOGRAD_SAVED_TENSORS_HOOKS",
        "global '' GRAD_MODE",
        "global '' DETERMINISTIC_ALGORITHMS",
        "global '' GLOBAL_STATE",
        "global '' TORCH_FUNCTION_STATE",
        "global '' DEFAULT_DEVICE",
        "shape_env '' SHAPE_ENV",
    ]


def test_free_variables_of_a_comptime_function():
    def f(x):
        y, n = x * 2, 3

        @comptime
        def _(ctx):
            OUT.write(f"{n} {y.size(1)} {y!r} {ctx.get_local('n').as_python_constant()}")

        return y

    outside = []

    def g(x):
        comptime(lambda ctx: outside.append(ctx.get_local("x").size(0)))
        return x

    assert captured(f)[1] == "3 3 FakeTensor(..., size=(2, 3)) 3"
    captured(g)
    assert outside == [2]


def test_what_a_comptime_variable_knows():
    def f(x):
        n, y = 4, x.t()

        def look(ctx):
            tensor, number = ctx.get_local("y"), ctx.get_local("n")
            assert (tensor.is_proxy(), number.is_proxy()) == (True, False)
            assert (tensor.python_type(), number.python_type()) == (torch.Tensor, int)
            assert tuple(tensor.as_fake().stride()) == (1, 3)
            assert (number.is_python_constant(), tensor.is_python_constant()) == (True, False)
            assert not tensor.is_dynamic()
            with pytest.raises(ComptimeError, match=r"as_python_constant\(\) is for values known at compile time"):
                tensor.as_python_constant()
            with pytest.raises(ComptimeError, match=r"as_proxy\(\) is for values in the graph"):
                number.as_proxy()
            OUT.write("looked")

        comptime(look)
        return y + n

    assert captured(f)[1] == "looked"


def test_a_proxy_writes_into_the_graph():
    def f(x):
        comptime(lambda ctx: ctx.get_local("x").as_proxy() + 4)
        return x * 2

    result, _ = captured(f)
    assert [node.name for node in result.graph.graph.nodes] == ["l_x_", "add", "mul", "output"]


def test_a_requested_break():
    def f(x):
        comptime.graph_break("look here")
        return x + 1

    found = captured(f)[0].break_
    assert found.code == "FL115"
    assert "look here" in found.explanation
    assert found.where[0] == __file__


def test_an_unknown_local_and_a_wrong_stacklevel():
    def f(x):
        comptime(lambda ctx: ctx.get_local("nope"))
        return x

    def g(x):
        comptime(lambda ctx: ctx.print_bt(stacklevel=-1))
        return x

    with pytest.raises(UnknownLocalError, match=r"local 'nope' must be bound.*its locals are: x"):
        captured(f)
    with pytest.raises(StackLevelError, match=r"stacklevel must be from 0 to 0 here, but is -1"):
        captured(g)


def test_outside_a_capture_each_call_is_its_fallback(capsys):
    assert comptime(lambda ctx: 1, lambda: 2) == 2
    assert comptime(lambda ctx: 1) is None
    assert comptime.print_value_stack_and_return(5) == 5
    for name in ("print_graph", "print_disas", "print_value_stack", "print_locals", "print_bt", "print_guards"):
        assert getattr(comptime, name)() is None
    comptime.graph_break()
    comptime.print([1])
    assert capsys.readouterr().out == "[1]\n"
    with pytest.raises(TypeError, match="comptime takes a function of the context, not a int"):
        comptime(3)
