"""Laws: values print as their parts do, results come back as they were, and looking leaves the capture as it is."""

from __future__ import annotations

import collections
import linecache

import torch
from capturing import OUT, captured, ran
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_comptime import comptime

Pair = collections.namedtuple("Pair", ["first", "second"])

keys = st.one_of(st.integers(-2, 2), st.sampled_from(["a", "it's", "\n", '"']), st.booleans(), st.none())
leaves = st.one_of(
    st.integers(), st.booleans(), st.none(), st.text(max_size=3), st.floats(allow_nan=False), st.binary(max_size=2),
    st.just(torch.float32), st.just("TENSOR"),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3),
        st.builds(Pair, inner, inner),
    ),
    max_leaves=6,
)  # fmt: skip


class Shown:
    """Prints as comptime shows the tensor."""

    def __repr__(self):
        return "FakeTensor(..., size=(2, 3))"


def with_leaf(tree, leaf):
    """Return a tree with `leaf` for each TENSOR."""
    if tree == "TENSOR" and type(tree) is str:
        return leaf
    if isinstance(tree, Pair):
        return Pair(*[with_leaf(item, leaf) for item in tree])
    if type(tree) in (list, tuple):
        return type(tree)([with_leaf(item, leaf) for item in tree])
    if type(tree) is dict:
        return {key: with_leaf(item, leaf) for key, item in tree.items()}
    return tree


@settings(deadline=None)
@given(trees)
def test_a_value_prints_as_python_prints_it_with_fakes_for_tensors(tree):
    def f(x, value):
        y = x + 1
        comptime.print(value, file=OUT)
        return y

    tensor = torch.ones(2, 3)
    _, text = captured(f, x=torch.ones(2), value=with_leaf(tree, tensor))
    assert text == repr(with_leaf(tree, Shown())) + "\n"


plain = st.recursive(
    leaves.filter(lambda leaf: leaf != "TENSOR"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(plain)
def test_a_constant_comes_back_as_it_was(value):
    def f(x):
        given = comptime(lambda ctx: value)
        return x, given, comptime(lambda ctx: ctx.get_local("given").as_python_constant())

    _, one, other = ran(f, torch.ones(2))
    assert repr(one) == repr(value) == repr(other)


STATEMENTS = (
    "y = y * 2", "y = y + x", "n = n + 1", "y = y[:1]", "items.append(y)", "items = [*items, n]", "y = helper(y, n)",
    "y = y if n > 1 else y.sin()", "y, n = y.cos(), n * 2",
)  # fmt: skip

LOOKS = (
    "comptime.print(y, file=OUT)", "comptime.print(z, file=OUT)", "comptime.print(WEIGHT, file=OUT)",
    "comptime.print_graph(file=OUT)", "comptime.print_locals(file=OUT)",
    "comptime.print_bt(file=OUT)", "comptime.print_guards(file=OUT)", "comptime.print_disas(file=OUT)",
    "comptime.print_value_stack(file=OUT)", "comptime(lambda ctx: ctx.guards_of(ctx.get_local('y')))",
    "comptime(lambda ctx: ctx.origin_of(ctx.get_local('items')))",
    "y = comptime.print_value_stack_and_return(y, file=OUT)",
    "comptime.assert_static(y)",
    "comptime(lambda ctx: ctx.get_local('y').python_type())", "comptime.force_static(n)",
    "comptime(lambda ctx: (ctx.get_local('items').is_proxy(), ctx.get_local('n').is_dynamic()))",
    "comptime(lambda ctx: ctx.get_local('y').as_fake().shape)",
)  # fmt: skip


def helper(y, n):
    comptime.print_locals(file=OUT, stacklevel=1)
    return y * n


def program(lines):
    source = "\n    ".join(["def f(x, z):", "y, n, items = x, 1, []", *lines, "return y, n, items"])
    scope = {
        "comptime": comptime,
        "OUT": OUT,
        "WEIGHT": torch.ones(2, requires_grad=True),
        "helper": helper,
        "torch": torch,
    }
    name = f"program {hash(source)}"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), scope)
    return scope["f"]


def graph_of(found):
    return [(node.op, str(node.target), str(node.args)) for node in found.graph.graph.nodes] if found.graph else []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(STATEMENTS), st.sampled_from(LOOKS), st.booleans()), max_size=5))
def test_looking_leaves_graph_guards_and_results_as_they_are(steps):
    bare = program(["y = y + 1", *[statement for statement, _, _ in steps]])
    looked = program(["y = y + 1", *[line for step in steps for line in (step[0], *[step[1]] * step[2])]])
    one, other = [captured(one, x=torch.ones(2, 3), z=torch.ones(4))[0] for one in (bare, looked)]
    assert graph_of(one) == graph_of(other)
    own = ("G['OUT']", "G['WEIGHT']", "test_properties.__dict__['OUT']")
    assert {str(guard) for guard in other.guards if guard.name not in own} == {
        str(guard) for guard in one.guards if guard.name not in own
    }
    arguments = torch.rand(2, 3), torch.rand(4)
    results = [ran(bare, *arguments), ran(looked, *arguments), looked(*arguments)]
    assert len({repr(result) for result in results}) == 1
