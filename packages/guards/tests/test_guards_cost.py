"""What a guard costs is measured on the code that is generated for it, and never by calling the user's."""

from framelift_guards import Equals, Guard, LocalSource, Satisfies, check_cost, check_costs

N = LocalSource("n")


def test_each_guard_and_all_together():
    guards = [Guard(N, Equals(3)), Guard(LocalSource(".0").attribute("real"), Equals(4))]
    arguments = {"n": 3, ".0": 4}
    costs = check_costs(guards, arguments)
    assert len(costs) == 2
    assert all(0 <= cost < 0.001 for cost in costs)
    assert 0 <= check_cost(guards, arguments) < 0.001
    assert 0 <= check_cost([], arguments) < 0.001


def test_a_guard_that_does_not_hold_or_cannot_be_fetched_has_no_cost():
    guards = [Guard(N, Equals(4)), Guard(N.attribute("nope"), Equals(4))]
    assert check_costs(guards, {"n": 3}) == [None, None]
    assert check_cost(guards, {"n": 3}) is None


def test_the_user_s_function_is_not_called():
    called = []
    guard = Guard(N, Satisfies(lambda value: bool(called.append(value)) or True, "anything"))
    assert check_costs([guard], {"n": 3}) == [None]
    assert called == []
