"""An arbiter decides what nothing known decides, and nothing is recorded of what a case takes as true."""

import pytest

from framelift_symbolic_shapes import DataDependentCondition, ShapeEnv


def test_an_arbiter_is_asked_for_what_nothing_decides():
    env = ShapeEnv()
    number = env.create_unbacked("x.item()", minimum=0)
    asked = []
    env.arbiter = lambda condition: asked.append(str(condition)) or True
    assert number.ge(number.wrap_int(0)).guard_bool("", 0)
    assert not asked
    assert number.gt(number.wrap_int(5)).guard_bool("", 0)
    assert len(asked) == 1
    assert number.le(number.wrap_int(3)).expect_true("", 0)
    assert not env.runtime_assertions
    assert not env.guards
    env.arbiter = None
    with pytest.raises(DataDependentCondition):
        number.gt(number.wrap_int(5)).guard_bool("", 0)
