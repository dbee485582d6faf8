"""Every name that torch reads from a node or an environment, on the way of meta kernels, refs and decompositions."""

import ast
import importlib
import inspect

import pytest

torch = pytest.importorskip("torch")

from framelift_symbolic_shapes import ShapeEnv  # noqa: E402
from framelift_symbolic_shapes.torch import attach  # noqa: E402

MODULES = [
    "torch", "torch._refs", "torch._refs.nn.functional", "torch._prims", "torch._prims_common",
    "torch._prims_common.wrappers", "torch._meta_registrations", "torch._decomp.decompositions", "torch.functional",
    "torch.nn.functional", "torch._tensor", "torch.fx.experimental.symbolic_shapes",
    "torch.fx.experimental.sym_node", "torch.fx.experimental._size_hinting",
]  # fmt: skip

# Read only where a setting asks for it (translation validation, torch's recorder of environments, real-tensor
# propagation, torch's compiler), or of torch's own nested and unbacked symbols, which are never ours.
ELSEWHERE = {
    "_advise_is_size", "_constrain_unify", "_eliminate_unbacked", "_rename_unbacked_to", "constrain_symbol_range",
    "create_symintnode", "evaluate_guards_for_args", "fake_tensor_cache", "fx_node", "bind_symbols",
    "ignorable_fresh_unbacked_symbols", "nested_int_coeff", "pending_fresh_unbacked_symbols", "singleton_coeff",
    "set_real_tensor_prop_unbacked_vals", "var_to_sources", "source_to_symbol", "unbacked_bindings",
    "_log_real_tensor_propagation", "_set_replacement", "real_tensor_prop_unbacked_vals", "settings", "is_recording",
    "_record_shapeenv_events", "should_record_events", "_snapshot_tracked_fakes", "_snapshot_source_to_symbol",
    "format_guards", "guards", "graph", "unique_ids", "source_name_to_debug_name", "var_to_val", "events",
    "backed_var_to_hint_override", "var_to_hint_override", "_suppress_guards_enter", "_suppress_guards_exit", "log",
    "_equality_graph", "_unbacked_replacements", "counter",
}  # fmt: skip

# Classes of torch's own environment and tracer: what they read of themselves, we never enter.
OWN = {
    "ShapeEnv", "SymNode", "ShapeGuardPrinter", "DimConstraints", "LoggingShapeGuardPrinter", "_PythonMsgPrinter",
    "SymExprPrinter", "PropagateUnbackedSymInts", "ShapeGuardPythonPrinter", "_ShapeGuardCppPrinter",
    "_ShapeGuardPrinter", "ShapeEnvSettings", "EvalGuards",
}  # fmt: skip


class Reads(ast.NodeVisitor):
    def __init__(self):
        self.of_nodes, self.of_environments = set(), set()

    def visit_ClassDef(self, node):
        if node.name not in OWN:
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
    missing = {name for name in reads.of_nodes - ELSEWHERE if not hasattr(size.node, name)}
    assert missing == set()


def test_names_read_from_environments(reads, size):
    assert len(reads.of_environments) > 5
    missing = {name for name in reads.of_environments - ELSEWHERE if not hasattr(size.node.shape_env, name)}
    assert missing == set()


def test_methods_of_torchs_own_node(size):
    from torch.fx.experimental.sym_node import SymNode

    public = {name for name in vars(SymNode) if not name.startswith("_")}
    assert {name for name in public if not hasattr(size.node, name)} == set()
