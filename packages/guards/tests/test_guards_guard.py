from guards_hostile import Hostile

from framelift_guards import Equals, Guard, GuardSet, LocalSource, Scope, TypeIs, UserLine

LINE = UserLine("/home/me/model.py", 31, "forward", "if n > 3:")


def test_a_failure_is_one_line_with_the_users_line():
    guard = Guard(LocalSource("n"), Equals(3), LINE)
    assert str(guard.failure(Scope({"n": 4}))) == (
        "n was 3, is 4 (model.py:31 relies on it); keep n as it was between calls"
    )
    assert guard.failure(Scope({"n": 3})) is None


def test_a_failure_stays_one_line_whatever_the_names():
    guard = Guard(LocalSource("a\nb").item("c\u2028d"), Equals("x\ny"), LINE)
    text = str(guard.failure(Scope({"a\nb": {"c\u2028d": "z\n"}})))
    assert len(text.splitlines()) == 1


def test_a_source_that_cannot_be_fetched_fails_the_guard_and_says_why():
    guard = Guard(LocalSource("d").item("k"), TypeIs(int), LINE)
    assert not guard.check(Scope({"d": {}}))
    assert str(guard.failure(Scope({"d": {}}))) == (
        "type(d['k']) is int held, now it cannot be checked: KeyError('k') (model.py:31 relies on it); "
        "keep d['k'] as it was between calls"
    )


def test_an_exception_is_printed_without_the_users_help():
    class Rude(dict):
        def __missing__(self, key):
            raise KeyError(Hostile())

    guard = Guard(LocalSource("d").item("k"), TypeIs(int))
    assert guard.failure(Scope({"d": Rude()})).reason.endswith("cannot be checked: KeyError(<Hostile>)")


def test_a_set_keeps_order_and_the_first_line_of_equal_guards():
    first, same, other = (
        Guard(LocalSource("n"), Equals(3), LINE),
        Guard(LocalSource("n"), Equals(3), UserLine("other.py", 1)),
        Guard(LocalSource("n"), Equals(3.0)),
    )
    guards = GuardSet()
    assert [guards.add(guard) for guard in (first, same, other)] == [True, False, True]
    assert list(guards) == [first, other]
    assert len(guards) == 2
    assert same in guards
    assert next(iter(guards)).user_line is LINE


def test_the_first_failure_is_reported():
    guards = GuardSet([Guard(LocalSource("a"), Equals(1)), Guard(LocalSource("b"), Equals(2))])
    assert guards.check(Scope({"a": 1, "b": 2}))
    assert str(guards.first_failure(Scope({"a": 0, "b": 0}))) == "a was 1, is 0; keep a as it was between calls"
    assert str(guards.first_failure(Scope({"a": 1, "b": 0}))) == "b was 2, is 0; keep b as it was between calls"
    assert not guards.check(Scope({}))
