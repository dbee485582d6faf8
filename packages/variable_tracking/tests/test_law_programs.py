"""The law: a lifted program does what CPython does, or it breaks and says so."""

from __future__ import annotations

import warnings

from comparison import canonical
from driver import Broke, lift, outcome_of
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from programs import arguments, programs, values

from framelift_variable_tracking import ReconstructionError

EXAMPLES = 300


def make(chosen, *, aliased):
    made = [values()[index] for index in chosen]
    if aliased:
        made[1] = made[0]
    return made


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), arguments, st.booleans(), arguments)
def test_a_lifted_program_does_what_cpython_does(program, chosen, aliased, others):
    function, text = program
    note(text)
    lifted = lift(function)
    for picks, alias in ((chosen, aliased), (chosen, aliased), (others, False), (chosen, not aliased)):
        native, symbolic = make(picks, aliased=alias), make(picks, aliased=alias)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = outcome_of(function, *native)
            if expected[0] == "raises" and expected[1][0] in (RecursionError, MemoryError):
                return
            try:
                found = outcome_of(lifted, *symbolic)
            except Broke:
                continue
        if found[0] == "raises" and found[1][0] is ReconstructionError:
            continue
        assert canonical([found, symbolic]) == canonical([expected, native]), f"{found!r}\n{expected!r}"
