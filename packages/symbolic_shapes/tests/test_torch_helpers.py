"""Differential: each helper of `torch.fx.experimental.symbolic_shapes` answers for our numbers as for torch's own.

A case is a helper applied to two sizes (4 and 6, at least 2) and to two numbers whose value only the run tells (the
second is not negative). What is compared: the value, or that the condition depends on data.
"""

import types

import pytest

torch = pytest.importorskip("torch")

from torch._dynamo.source import ConstantSource  # noqa: E402
from torch.fx.experimental import symbolic_shapes as helpers  # noqa: E402
from torch.utils._pytree import tree_map  # noqa: E402

from framelift_symbolic_shapes import ShapeEnv  # noqa: E402
from framelift_symbolic_shapes.torch import attach  # noqa: E402

KINDS = (torch.SymInt, torch.SymFloat, torch.SymBool)


def our_numbers():
    env = attach(ShapeEnv())
    sizes = [env.create_symbol(name, hint, dynamic=True, origin=None, size=True) for name, hint in (("n", 4), ("m", 6))]
    u, v = env.create_unbacked("u"), env.create_unbacked("v", minimum=0)
    return env, (*sizes, u, v)


def torchs_numbers():
    env = helpers.ShapeEnv()
    sizes = []
    for name, hint in (("n", 4), ("m", 6)):
        source = ConstantSource(name)
        symbol = env.create_symbol(hint, source, helpers.DimDynamic.DYNAMIC)
        sizes.append(env.create_symintnode(symbol, hint=hint, source=source))
    u, v = env.create_unbacked_symint(), env.create_unbacked_symint()
    torch._check(v >= 0)
    return env, (*sizes, u, v)


def outcome(function, numbers):
    """What a helper gives, in terms that hold for both."""
    try:
        result = function(*numbers)
    except helpers.GuardOnDataDependentSymNode as error:
        return "depends on data", error.cond is None
    except (AssertionError, ValueError, TypeError, RuntimeError) as error:
        return type(error).__name__
    return tree_map(told, result)


def told(number):
    if isinstance(number, KINDS):
        hint = number.node.hint
        return ("symbolic", number.node.pytype, hint)
    return number


h = helpers
CASES = {
    # What decides, or says that it can't.
    "guard_or_false": [
        lambda n, m, u, v: h.guard_or_false(n < m), lambda n, m, u, v: h.guard_or_false(n == m),
        lambda n, m, u, v: h.guard_or_false(u == 0), lambda n, m, u, v: h.guard_or_false(v >= 0),
        lambda n, m, u, v: h.guard_or_false(u + n > u), lambda n, m, u, v: h.guard_or_false(v < -1),
        lambda n, m, u, v: h.guard_or_false(True), lambda n, m, u, v: h.guard_or_false(u * 2 == 3),
    ],
    "guard_or_true": [
        lambda n, m, u, v: h.guard_or_true(n > m), lambda n, m, u, v: h.guard_or_true(u == 0),
        lambda n, m, u, v: h.guard_or_true(v < 0), lambda n, m, u, v: h.guard_or_true(u + 1 <= u),
        lambda n, m, u, v: h.guard_or_true(False), lambda n, m, u, v: h.guard_or_true(u != u),
    ],
    "guard_size_oblivious": [
        lambda n, m, u, v: h.guard_size_oblivious(n == 1), lambda n, m, u, v: h.guard_size_oblivious(n < m),
        lambda n, m, u, v: h.guard_size_oblivious(v >= 0), lambda n, m, u, v: h.guard_size_oblivious(True),
    ],
    "statically_known_true": [
        lambda n, m, u, v: h.statically_known_true(n >= 2), lambda n, m, u, v: h.statically_known_true(n < m),
        lambda n, m, u, v: h.statically_known_true(v >= 0), lambda n, m, u, v: h.statically_known_true(u == u),
        lambda n, m, u, v: h.statically_known_true(u == 0), lambda n, m, u, v: h.statically_known_true(n * m >= 4),
        lambda n, m, u, v: h.statically_known_true((n * 4) % 2 == 0), lambda n, m, u, v: h.statically_known_true(True),
        lambda n, m, u, v: h.statically_known_true(n * 4 // 4 == n),
    ],
    "statically_known_false": [
        lambda n, m, u, v: h.statically_known_false(n < 2), lambda n, m, u, v: h.statically_known_false(n < m),
        lambda n, m, u, v: h.statically_known_false(v < 0), lambda n, m, u, v: h.statically_known_false(u != u),
        lambda n, m, u, v: h.statically_known_false(u == 0), lambda n, m, u, v: h.statically_known_false(False),
    ],
    "has_static_value": [
        lambda n, m, u, v: h.has_static_value(n), lambda n, m, u, v: h.has_static_value(n - n),
        lambda n, m, u, v: h.has_static_value(u), lambda n, m, u, v: h.has_static_value(u - u + 3),
        lambda n, m, u, v: h.has_static_value(n >= 2), lambda n, m, u, v: h.has_static_value(n > m),
        lambda n, m, u, v: h.has_static_value(7), lambda n, m, u, v: h.has_static_value(v >= 0),
    ],
    "guard_scalar": [
        lambda n, m, u, v: h.guard_scalar(n), lambda n, m, u, v: h.guard_scalar(n * 0.5),
        lambda n, m, u, v: h.guard_scalar(n > m), lambda n, m, u, v: h.guard_scalar(u),
        lambda n, m, u, v: h.guard_scalar(3),
    ],
    "guard_int": [
        lambda n, m, u, v: h.guard_int(n * m), lambda n, m, u, v: h.guard_int(u), lambda n, m, u, v: h.guard_int(3),
    ],
    "guard_float": [
        lambda n, m, u, v: h.guard_float(n / m), lambda n, m, u, v: h.guard_float(u * 1.5),
        lambda n, m, u, v: h.guard_float(2.5),
    ],
    "guard_bool": [
        lambda n, m, u, v: h.guard_bool(n < m), lambda n, m, u, v: h.guard_bool(v >= 0),
        lambda n, m, u, v: h.guard_bool(u == 3), lambda n, m, u, v: h.guard_bool(True),
    ],
    "expect_true": [
        lambda n, m, u, v: h.expect_true(n < m), lambda n, m, u, v: h.expect_true(u > 5),
        lambda n, m, u, v: (h.expect_true(u > 5), h.statically_known_true(u > 4), h.guard_or_false(u == 5)),
        lambda n, m, u, v: h.expect_true(True), lambda n, m, u, v: h.expect_true(v >= 0),
    ],
    # Hints, which decide nothing.
    "guarding_hint_or_throw": [
        lambda n, m, u, v: h.guarding_hint_or_throw(n * m), lambda n, m, u, v: h.guarding_hint_or_throw(5),
    ],
    "optimization_hint": [
        lambda n, m, u, v: h.optimization_hint(n * m + 1), lambda n, m, u, v: h.optimization_hint(u, 9),
        lambda n, m, u, v: h.optimization_hint(u + n, 9), lambda n, m, u, v: h.optimization_hint(5),
    ],
    "has_guarding_hint": [
        lambda n, m, u, v: h.has_guarding_hint(n), lambda n, m, u, v: h.has_guarding_hint(u),
        lambda n, m, u, v: h.has_guarding_hint(n + u),
    ],
    "hint_int": [lambda n, m, u, v: h.hint_int(n * m), lambda n, m, u, v: h.hint_int(u, 9)],
    "has_hint": [lambda n, m, u, v: h.has_hint(n), lambda n, m, u, v: h.has_hint(u)],
    "size_hint": [lambda n, m, u, v: h.size_hint(n + m), lambda n, m, u, v: h.size_hint(u, allow_none=True)],
    # What a number is made of.
    "is_concrete_int": [lambda n, m, u, v: h.is_concrete_int(n), lambda n, m, u, v: h.is_concrete_int(3)],
    "is_concrete_float": [lambda n, m, u, v: h.is_concrete_float(n / m), lambda n, m, u, v: h.is_concrete_float(3.0)],
    "is_concrete_bool": [lambda n, m, u, v: h.is_concrete_bool(n > m), lambda n, m, u, v: h.is_concrete_bool(True)],
    "is_symbolic": [
        lambda n, m, u, v: h.is_symbolic(n), lambda n, m, u, v: h.is_symbolic(u > 3),
        lambda n, m, u, v: h.is_symbolic(3), lambda n, m, u, v: h.is_symbolic(n / m),
    ],
    "is_nested_int": [
        lambda n, m, u, v: h.is_nested_int(n), lambda n, m, u, v: h.is_nested_int(u),
        lambda n, m, u, v: h.is_nested_int(3),
    ],
    "free_symbols": [
        lambda n, m, u, v: len(h.free_symbols(n * m + u)), lambda n, m, u, v: len(h.free_symbols([n, (m, 3)])),
        lambda n, m, u, v: len(h.free_symbols(3)), lambda n, m, u, v: len(h.free_symbols(None)),
        lambda n, m, u, v: h.free_symbols(n > 3) == {n.node.expr},
    ],
    "has_free_symbols": [
        lambda n, m, u, v: h.has_free_symbols(n), lambda n, m, u, v: h.has_free_symbols(u),
        lambda n, m, u, v: h.has_free_symbols(3),
    ],
    "free_unbacked_symbols": [
        lambda n, m, u, v: len(h.free_unbacked_symbols(n * u + v)), lambda n, m, u, v: len(h.free_unbacked_symbols(n)),
        lambda n, m, u, v: h.free_unbacked_symbols([n, u]) == {u.node.expr},
    ],
    "has_free_unbacked_symbols": [
        lambda n, m, u, v: h.has_free_unbacked_symbols(n), lambda n, m, u, v: h.has_free_unbacked_symbols(u + n),
        lambda n, m, u, v: h.has_free_unbacked_symbols(u > n),
    ],
    # What builds.
    "sym_and": [
        lambda n, m, u, v: h.sym_and(n < m, n >= 2), lambda n, m, u, v: h.sym_and(n < m, u > 3, v > 3),
        lambda n, m, u, v: h.guard_or_false(h.sym_and(n < m, v >= 0)), lambda n, m, u, v: h.sym_and(True, False),
        lambda n, m, u, v: h.statically_known_false(h.sym_and(u > 3, n < 2)),
    ],
    "sym_or": [
        lambda n, m, u, v: h.sym_or(n > m, n >= 2), lambda n, m, u, v: h.sym_or(n == m, u > 3),
        lambda n, m, u, v: h.guard_or_false(h.sym_or(u > 3, v >= 0)), lambda n, m, u, v: h.sym_or(False, False),
        lambda n, m, u, v: h.statically_known_true(h.sym_or(u > 3, n >= 2)),
    ],
    "sym_eq": [
        lambda n, m, u, v: bool(h.sym_eq(n, m)), lambda n, m, u, v: bool(h.sym_eq((n, m), (n, m))),
        lambda n, m, u, v: bool(h.sym_eq([n, 3], [n, 4])), lambda n, m, u, v: bool(h.sym_eq((n,), (n, m))),
        lambda n, m, u, v: h.guard_or_false(h.sym_eq((n, u), (n, v))),
    ],
    "check_consistent": [
        lambda n, m, u, v: h.check_consistent(n, n), lambda n, m, u, v: h.check_consistent(n, m),
        lambda n, m, u, v: (h.check_consistent(u, n), h.statically_known_true(u == n))[1],
        lambda n, m, u, v: h.check_consistent(3, 3),
    ],
    "cast_symbool_to_symint_guardless": [
        lambda n, m, u, v: h.cast_symbool_to_symint_guardless(u == 1),
        lambda n, m, u, v: h.cast_symbool_to_symint_guardless(True),
    ],
    "canonicalize_bool_expr": [
        lambda n, m, u, v: h.canonicalize_bool_expr((n * 2 < m * 2).node.expr).free_symbols
        == {n.node.expr, m.node.expr},
    ],
    # What tells the environment something.
    "constrain_range": [
        lambda n, m, u, v: (h.constrain_range(u, min=3, max=9), h.statically_known_true(u >= 3),
                            h.statically_known_true(u <= 9), h.statically_known_true(u <= 8))[1:],
        lambda n, m, u, v: h.constrain_range(5, min=3, max=9), lambda n, m, u, v: h.constrain_range(2, min=3, max=9),
        lambda n, m, u, v: (h.constrain_range(u, min=2), h.guard_or_false(u == 1))[1:],
    ],
    "_constrain_range_for_size": [
        lambda n, m, u, v: (h._constrain_range_for_size(u), h.statically_known_true(u >= 0))[1],
        lambda n, m, u, v: (h._constrain_range_for_size(u, 2, 5), h.statically_known_true(u <= 5))[1],
    ],
    "_advise_is_size": [lambda n, m, u, v: (h._advise_is_size(u), h.guard_or_true(u > 1))[1:]],
    "_advise_is_bounded": [
        lambda n, m, u, v: h._advise_is_bounded(3, 5), lambda n, m, u, v: h._advise_is_bounded(u, n),
    ],
    "constrain_unify": [
        lambda n, m, u, v: h.constrain_unify(3, 3),
    ],
    "has_symbolic_sizes_strides": [lambda n, m, u, v: h.has_symbolic_sizes_strides(torch.empty(2))],
    "create_contiguous": [lambda n, m, u, v: [*map(value_of, h.create_contiguous([n, m, 3]))]],
    "rebind_unbacked": [
        lambda n, m, u, v: h.rebind_unbacked(n.node.shape_env, torch.fx.Graph().placeholder("p"), 3),
        lambda n, m, u, v: (h.rebind_unbacked(n.node.shape_env, bound_to(u), v), h.statically_known_true(u == v))[1],
    ],
    "resolve_unbacked_bindings": [
        lambda n, m, u, v: h.resolve_unbacked_bindings(n.node.shape_env, None),
        lambda n, m, u, v: [*h.resolve_unbacked_bindings(n.node.shape_env, {u.node.expr: ()}).values()],
    ],
    "compute_unbacked_bindings": [lambda n, m, u, v: h.compute_unbacked_bindings(None, u)],
    "fx_placeholder_vals": [lambda n, m, u, v: [value_of(one) for one in h.fx_placeholder_vals(graph_of(n, m))]],
    "fx_placeholder_targets": [lambda n, m, u, v: h.fx_placeholder_targets(graph_of(n, m))],
    "bind_symbols": [
        lambda n, m, u, v: sorted(h.bind_symbols(graph_of(n, m), 8, 9).values()),
        lambda n, m, u, v: sorted(h.bind_symbols(graph_of(n, n), 8, 8).values()),
    ],
    "eval_guards": [
        lambda n, m, u, v: (bool(n < m), h.eval_guards(graph_of(n, m), 8, 9), h.eval_guards(graph_of(n, m), 9, 8)),
        lambda n, m, u, v: (n * 2, h.eval_guards(graph_of(n, n), 8, 8), h.eval_guards(graph_of(n, n), 8, 9)),
    ],
}  # fmt: skip
"""By helper; those that an installed torch lacks are left out there."""

UNCALLED = {
    "uninteresting_files": "names files of torch, and gets no number",
    "log_lru_cache_stats": "logs what a cache of torch's holds",
    "lru_cache": "makes a cache",
    "error": "raises what it is told to",
    "is_accessor_node": "asks what a node of a graph calls",
    "is_symbol_binding_fx_node": "asks for a graph that torch's tracer made: with symbols as placeholders",
    "find_symbol_binding_fx_nodes": "asks for a graph that torch's tracer made: with symbols as placeholders",
    "safe_expand": "rewrites sympy's expressions",
    "eval_is_non_overlapping_and_dense": "computes with plain numbers",
}
"""Public functions that no number of ours is given to, and why."""


def value_of(number):
    return number.node.hint if isinstance(number, KINDS) else number


def bound_to(number):
    node = torch.fx.Graph().call_function(torch.numel)
    node.meta["unbacked_bindings"] = {number.node.expr: ()}
    return node


def graph_of(*numbers):
    graph = torch.fx.Graph()
    for place, number in enumerate(numbers):
        graph.placeholder(f"p{place}").meta["val"] = number
    graph.output(())
    module = torch.fx.GraphModule({}, graph)
    module.shape_env = numbers[0].node.shape_env
    return module


PRESENT = [(name, place) for name, cases in CASES.items() if hasattr(helpers, name) for place in range(len(cases))]


@pytest.mark.filterwarnings("ignore:guard_size_oblivious will be removed", "ignore:used size_hint instead of hint_int")
@pytest.mark.parametrize(("name", "place"), PRESENT)
def test_helper_answers_as_for_torchs_own(name, place):
    case = CASES[name][place]
    (_, ours), (_, theirs) = our_numbers(), torchs_numbers()
    assert outcome(case, ours) == outcome(case, theirs)


def test_every_helper_has_a_case():
    public = {
        name for name, value in vars(helpers).items()
        if isinstance(value, types.FunctionType) and value.__module__ == helpers.__name__ and not name.startswith("_")
    }  # fmt: skip
    assert public - CASES.keys() == UNCALLED.keys() & public
