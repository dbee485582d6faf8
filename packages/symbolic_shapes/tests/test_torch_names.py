"""Every name that torch reads from a node or an environment, on the way of meta kernels, refs and decompositions."""

import ast
import pathlib
import re

import pytest

torch = pytest.importorskip("torch")

from torch.fx.experimental import symbolic_shapes as helpers  # noqa: E402

from framelift_symbolic_shapes import ConstraintViolation, ShapeEnv  # noqa: E402
from framelift_symbolic_shapes.deferred import sympy  # noqa: E402
from framelift_symbolic_shapes.torch import attach  # noqa: E402

ROOT = pathlib.Path(torch.__file__).parent
# Where what runs on symbolic sizes is written: modules and packages, all of them where they are.
PLACES = [
    "_refs", "_prims", "_prims_common", "_decomp", "_meta_registrations.py", "_subclasses/fake_impls.py", "_library",
    "_higher_order_ops", "_ops.py", "_lowrank.py", "_linalg_utils.py", "_jit_internal.py", "_tensor.py",
    "_tensor_str.py", "_utils.py", "__init__.py", "autograd", "backends", "distributions", "functional.py", "masked",
    "nested", "nn",
    "optim", "overrides.py", "signal", "sparse", "special", "storage.py", "utils/_sympy", "utils/checkpoint.py",
    "_inductor/decomposition.py", "fx/experimental/symbolic_shapes.py", "fx/experimental/sym_node.py",
    "fx/experimental/_size_hinting.py",
]  # fmt: skip
OWN = {"ShapeEnv", "SymNode"}
"""What torch's own two classes read of `self` is theirs: we never inherit it. All else counts, in them as well."""


def last_name(expression):
    return getattr(expression, "attr", getattr(expression, "id", ""))


def first_name(expression):
    while isinstance(expression, (ast.Attribute, ast.Subscript, ast.Call)):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return getattr(expression, "id", "")


class Reads(ast.NodeVisitor):
    """Collects what is read of anything called a node or an environment: `x.node.hint`, `node.hint`, `env.f`, …"""

    def __init__(self):
        self.of_nodes, self.of_environments = {}, {}
        self._file, self._classes = "", []

    def read(self, path):
        self._file = path
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def visit_ClassDef(self, node):
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_Attribute(self, node):
        self._note(node.value, node.attr, node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr", "setattr") and len(node.args) > 1:
            subject, name = node.args[:2]
            if isinstance(name, ast.Constant):
                self._note(subject, name.value, node.lineno)
        self.generic_visit(node)

    def _note(self, owner, name, line):
        if self._classes and self._classes[-1] in OWN and first_name(owner) == "self":
            return
        called = last_name(owner)
        if called.endswith("node"):
            self.of_nodes.setdefault(name, (str(self._file), line))
        if called.endswith("shape_env"):
            self.of_environments.setdefault(name, (str(self._file), line))


@pytest.fixture(scope="module")
def reads():
    visitor = Reads()
    for place in PLACES:
        path = ROOT / place
        if path.exists():  # not all are in every torch
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                visitor.read(file)
    return visitor


@pytest.fixture
def size():
    return attach(ShapeEnv()).create_symbol("n", 4, dynamic=True, origin=None, size=True)


def missing(names, subject):
    return {name: place for name, place in names.items() if not hasattr(subject, name)}


def test_names_read_from_nodes(reads, size):
    # Nodes of graphs and of syntax trees are called so as well: what torch's own symbolic node has tells them apart.
    own = helpers.ShapeEnv().create_unbacked_symint().node
    asked = {name: place for name, place in reads.of_nodes.items() if hasattr(own, name)}
    assert len(asked) > 20
    assert missing(asked, size.node) == {}


def test_names_read_from_environments(reads, size):
    assert len(reads.of_environments) > 30
    assert missing(reads.of_environments, size.node.shape_env) == {}


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


def test_values_of_the_run_that_torch_makes_equal(size):
    env = size.node.shape_env
    u, v, w = (env.create_unbacked(name) for name in "uvw")
    helpers.constrain_unify(u, v)
    helpers.constrain_unify(w, size)
    assert [helpers.statically_known_true(one) for one in (u == v, w == size, w > 1, u == w)] == [
        True,
        True,
        True,
        False,
    ]


def test_hints_for_choosing_a_kernel(size):
    base = pytest.importorskip("torch.fx.experimental._size_hinting")
    env = size.node.shape_env
    unbacked = env.create_unbacked("u")
    assert base._guarding_hint_or_throw_base(env, (size * 2 + 1).node.expr, {}) == 9
    assert base._optimization_hint_base(env, (size * 2 + 1).node.expr, {}) == 9
    assert base._optimization_hint_base(env, unbacked.node.expr, {}, 7) == 7


def test_a_placeholder_with_sizes_binds_its_symbols(size):
    env = size.node.shape_env
    other = env.create_symbol("k", 6, dynamic=True, origin="there", size=True)
    assert size < other

    class Placeholder:
        def __init__(self, sizes, strides, offset=0):
            self.size, self.stride, self.storage_offset = lambda: sizes, lambda: strides, lambda: offset

    placeholder = Placeholder((size, 3, other), (other * 3, other, 1))
    assert env.bind_symbols([placeholder], [torch.empty(7, 3, 9)]) == {size.node.expr: 7, other.node.expr: 9}
    assert env.evaluate_guards_for_args([placeholder], [torch.empty(7, 3, 9)])
    assert not env.evaluate_guards_for_args([placeholder], [torch.empty(9, 3, 7)])  # size < other
    assert not env.evaluate_guards_for_args([placeholder], [torch.empty(7, 9, 3).transpose(1, 2)])  # the strides
    twice = Placeholder((size, size), (size, 1))
    with pytest.raises(ConstraintViolation, match="must be equal"):
        env.bind_symbols([twice], [torch.empty(7, 8)])
    assert not env.evaluate_guards_for_args([twice], [torch.empty(7, 8)])
    fixed = Placeholder((size, 3), (3, 1))
    assert env.evaluate_guards_for_args([fixed], [torch.empty(7, 3)], ignore_static=False)
    assert not env.evaluate_guards_for_args([fixed], [torch.empty(7, 6)[:, ::2]], ignore_static=False)
    assert env.var_to_sources[other.node.expr] == ["there"]


def test_what_torch_vouches_for_is_not_asserted(size):
    env = size.node.shape_env
    u, v, w = (env.create_unbacked(name) for name in "uvw")
    old, new = u.node.expr, v.node.expr
    env._rename_unbacked_to(new, old)
    env._eliminate_unbacked(w.node.expr, size.node.expr)
    assert (str(v), str(w), env.unbacked_renamings) == (str(u), str(size), {new: old})
    assert env.runtime_assertions == ()
    env.set_real_tensor_prop_unbacked_vals(old, 5)
    assert env.optimization_hint((u + size).node.expr) == 9


def test_a_condition_of_both_kinds_is_decided_by_what_is_open(size):
    u = size.node.shape_env.create_unbacked("u", minimum=0)
    assert helpers.guard_or_false(torch.sym_not(torch.sym_not(helpers.sym_and(size < 9, u >= 0))))
    assert [str(guard) for guard in size.node.shape_env.guards][1:] == [f"{size} < 9"]


def test_ranges_are_torchs(size):
    from torch.utils._sympy.value_ranges import ValueRanges, bound_sympy

    env = size.node.shape_env
    u = env.create_unbacked("u", minimum=0, maximum=9)
    assert bound_sympy((size * u + 1).node.expr, env.var_to_range).lower == 1
    assert env.var_to_range[u.node.expr] == ValueRanges(0, 9)
    assert env.bound_sympy((u + 1).node.expr).issubset(ValueRanges(1, 10))
    assert env.bound_sympy((u >= 0).node.expr).is_singleton()
    assert not env.bound_sympy((u > 0).node.expr).is_singleton()
