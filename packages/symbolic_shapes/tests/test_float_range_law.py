"""What is decided of floats that are made of integers is so at every integer of the range."""

from hypothesis import given
from hypothesis import strategies as st

from framelift_symbolic_shapes import Range, ShapeEnv
from framelift_symbolic_shapes.evaluation import value_at
from framelift_symbolic_shapes.expression import Call, Constant, Relation, Symbol
from framelift_symbolic_shapes.float_range import decide_floats

S = Symbol("s", int)
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 3.0, 1e-320, 1e308, -1e308]), st.floats(-8, 8, width=16)
)
STEPS = st.lists(st.tuples(st.sampled_from(["FloatAdd", "FloatSub", "FloatMul", "TrueDiv"]), NUMBERS, st.booleans()))


@given(
    st.integers(-9, 9), st.integers(0, 9), STEPS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), NUMBERS,
    st.booleans(),
)  # fmt: skip
def test_a_decision_holds_of_all_values(lower, width, steps, sign, against, swapped):
    made = Call("ToFloat", (S,))
    for name, number, first in steps[:4]:
        made = Call(name, (Constant(number), made) if first else (made, Constant(number)))
    relation = Relation(sign, *((Constant(against), made) if swapped else (made, Constant(against))))
    answer = decide_floats(relation, lambda integer: Range(lower, lower + width))
    if answer is not None:
        assert all(value_at(relation, {S: value}) is answer for value in range(lower, lower + width + 1))


def test_a_scale_that_is_never_0_is_no_guard():
    env = ShapeEnv()
    n = env.create_symbol("n", 8, dynamic=True, origin=None, size=True)
    before = env.guards
    scaled = n.sym_float().mul(n.wrap_float(2.0))
    assert scaled.ne(n.wrap_int(0)).guard_bool("", 0) is True
    assert env.guards == before


def test_an_integer_that_is_no_float_is_compared_exactly():
    relation = Relation("<", Call("ToFloat", (S,)), Constant(2**53 + 1))
    assert value_at(relation, {S: 2**53}) is True
    assert decide_floats(relation, lambda integer: Range(2**53, 2**53)) is None
