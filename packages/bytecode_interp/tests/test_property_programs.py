"""Law: a generated program does the same interpreted as natively."""

from __future__ import annotations

import pytest
from generated_programs import compiled, programs, whole_language
from hypothesis import HealthCheck, given, settings
from observation import observe

from framelift_bytecode_interp import ConcreteDomain, HostedDomain, interpret


@pytest.mark.parametrize("domain", [ConcreteDomain, HostedDomain])
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=programs(whole_language()))
def test_a_generated_program_does_the_same_interpreted(domain, source) -> None:
    program = compiled(source)
    if program is not None:
        assert observe(interpret(program, domain())) == observe(program)
