"""Law: a generated program does the same interpreted as natively."""

from __future__ import annotations

from generated_programs import compiled, programs
from hypothesis import HealthCheck, given, settings
from observation import observe

from framelift_bytecode_interp import interpret


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_a_generated_program_does_the_same_interpreted(source) -> None:
    program = compiled(source)
    if program is not None:
        assert observe(interpret(program)) == observe(program)
