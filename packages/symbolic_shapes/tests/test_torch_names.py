"""Every name that torch reads from a node or an environment, on the way of meta kernels, refs and decompositions."""

import ast
import importlib
import inspect
import pathlib
import re

import pytest

torch = pytest.importorskip("torch")

from torch.fx.experimental import symbolic_shapes as helpers  # noqa: E402

from framelift_symbolic_shapes import ConstraintViolation, ShapeEnv  # noqa: E402
from framelift_symbolic_shapes.deferred import sympy  # noqa: E402
from framelift_symbolic_shapes.torch import attach  # noqa: E402

MODULES = [
    "torch", "torch._refs", "torch._refs.nn.functional", "torch._prims", "torch._prims_common",
    "torch._prims_common.wrappers", "torch._meta_registrations", "torch._decomp.decompositions", "torch.functional",
    "torch.nn.functional", "torch._tensor", "torch.fx.experimental.symbolic_shapes",
    "torch.fx.experimental.sym_node", "torch.fx.experimental._size_hinting",
]  # fmt: skip

# Classes of torch's own environment and tracer: what they read of themselves, we never enter.
OWN = {
    "ShapeEnv", "SymNode", "ShapeGuardPrinter", "DimConstraints", "LoggingShapeGuardPrinter", "_PythonMsgPrinter",
    "SymExprPrinter", "PropagateUnbackedSymInts", "ShapeGuardPythonPrinter", "_ShapeGuardCppPrinter",
    "_ShapeGuardPrinter", "ShapeEnvSettings", "EvalGuards",
}  # fmt: skip

# Functions that never get one of our environments, and why. What else reads the same names must find them.
NEVER_OURS = {
    "eval_guards": "asks the environment of a graph that torch's make_fx traced",
    "bind_symbols": "asks the environment of a graph that torch's make_fx traced",
    "_free_unbacked_symbols_with_path": "walks what torch's tracer has still to bind; nothing is pending with us",
    "compute_unbacked_bindings": "returns at once where nothing is pending; tested below",
    "rebind_unbacked": "moves bindings between two traces of torch's",
    "_get_unbacked_replacements": "returns at once where there are replacements; tested below",
}


class Reads(ast.NodeVisitor):
    def __init__(self):
        self.of_nodes, self.of_environments = set(), set()

    def visit_ClassDef(self, node):
        if node.name not in OWN:
            self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if node.name not in NEVER_OURS:
            self.generic_visit(node)

    def visit_Attribute(self, node):
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "node" and isinstance(owner.value, ast.Name):
            self.of_nodes.add(node.attr)
        if (isinstance(owner, ast.Attribute) and owner.attr == "shape_env") or (
            isinstance(owner, ast.Name) and owner.id == "shape_env"
        ):
            self.of_environments.add(node.attr)
        self.generic_visit(node)


@pytest.fixture(scope="module")
def reads():
    visitor = Reads()
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue  # not in every torch
        visitor.visit(ast.parse(inspect.getsource(module)))
    visitor.of_nodes -= {"meta", "op", "args", "target", "kwargs", "graph", "name", "users", "node", "type"}  # fx nodes
    return visitor


@pytest.fixture
def size():
    return attach(ShapeEnv()).create_symbol("n", 4, dynamic=True, origin=None, size=True)


def test_names_read_from_nodes(reads, size):
    assert len(reads.of_nodes) > 10
    missing = {name for name in reads.of_nodes if not hasattr(size.node, name)}
    assert missing == set()


def test_names_read_from_environments(reads, size):
    assert len(reads.of_environments) > 5
    missing = {name for name in reads.of_environments if not hasattr(size.node.shape_env, name)}
    assert missing == set()


def test_methods_of_torchs_own_node(size):
    from torch.fx.experimental.sym_node import SymNode

    public = {name for name in vars(SymNode) if not name.startswith("_")}
    assert {name for name in public if not hasattr(size.node, name)} == set()


def test_names_that_torchs_cpp_asks_for(size):
    header = pathlib.Path(torch.__file__).parent / "include/torch/csrc/utils/python_symnode.h"
    text = header.read_text()
    asked = set(re.findall(r'attr\("(\w+)"\)', text)) | set(
        re.findall(r"c10::SymNode (\w+)\([^)]*\)(?: const)? override", text)
    )
    assert len(asked) > 40
    assert {name for name in asked if not hasattr(size.node, name)} == set()


# What torch's fakes, higher-order operators and custom operators ask of the environment of their mode.
OF_A_MODE = [
    "torch._library.fake_impl", "torch._higher_order_ops.cond", "torch._higher_order_ops.while_loop",
    "torch._higher_order_ops.scan", "torch._higher_order_ops.map", "torch._higher_order_ops.associative_scan",
    "torch._higher_order_ops.utils", "torch._subclasses.fake_impls",
]  # fmt: skip


def test_names_read_by_fakes_and_higher_order_operators(size):
    visitor = Reads()
    for name in OF_A_MODE:
        visitor.visit(ast.parse(inspect.getsource(importlib.import_module(name))))
    assert len(visitor.of_environments) > 5
    assert {name for name in visitor.of_environments if not hasattr(size.node.shape_env, name)} == set()


def test_nothing_is_pending(size):
    assert helpers.compute_unbacked_bindings(size.node.shape_env, torch.empty(2)) is None


def test_numbers_that_torchs_helpers_make(size):
    env = size.node.shape_env
    before = env.guards
    number = helpers.cast_symbool_to_symint_guardless(size > 3)
    assert (type(number), number.node.hint) == (torch.SymInt, 1)
    assert env.guards == before
    assert (type(env.create_symboolnode((size > 9).node.expr)), env.create_symintnode(sympy.Integer(3))) == (
        torch.SymBool, 3,
    )  # fmt: skip
    unbacked = [env.create_unbacked_symint(), env.create_unbacked_symfloat(), env.create_unbacked_symbool()]
    assert [type(one) for one in unbacked] == [torch.SymInt, torch.SymFloat, torch.SymBool]
    assert [one.node.hint for one in unbacked] == [None, None, None]


def test_sizes_that_torch_makes_equal(size):
    env = size.node.shape_env
    other = env.create_symbol("k", 4, dynamic=True, origin=None)
    helpers.constrain_unify(size, other)
    assert helpers.statically_known_true(size == other)
    with pytest.raises(ConstraintViolation, match="must be equal to"):
        helpers.constrain_unify(size, env.create_symbol("j", 5, dynamic=True, origin=None))


def test_hints_for_choosing_a_kernel(size):
    base = pytest.importorskip("torch.fx.experimental._size_hinting")
    env = size.node.shape_env
    unbacked = env.create_unbacked("u")
    assert base._guarding_hint_or_throw_base(env, (size * 2 + 1).node.expr, {}) == 9
    assert base._optimization_hint_base(env, (size * 2 + 1).node.expr, {}) == 9
    assert base._optimization_hint_base(env, unbacked.node.expr, {}, 7) == 7
