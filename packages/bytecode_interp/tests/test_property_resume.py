"""Law: stopping a program at any of its calls and going on natively does what running through does.

The call is executed outside of its frame, and its outcome, a value or an exception, given to the frames.
"""

from __future__ import annotations

from generated_programs import compiled, programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observation import observe
from stopping import native, perform, stopped

from framelift_bytecode_interp import Break, ConcreteDomain, continue_natively

HELPERS = {"stopped_run"}


class StoppingAtCalls(ConcreteDomain):
    """Breaks at each call of the program's `say`."""

    def call(self, frame, callee, args, kwargs):
        if getattr(callee, "__name__", None) == "say":
            return Break("say")
        return super().call(frame, callee, args, kwargs)


def users(observed):
    (ended, *rest), log = observed
    if ended == "raised":
        error, lines = rest
        rest = [error, [line for line in lines if line[1] not in HELPERS]]
    return ended, rest, log


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 6))
def test_going_on_natively_after_any_call_equals_running_through(source, skip) -> None:
    program = compiled(source)
    if program is None:
        return

    def stopped_run(log):
        frames = stopped(program, (log,), skip, StoppingAtCalls())
        return continue_natively(native(frames), perform(frames[-1]))

    if isinstance(stopped(program, ([],), skip, StoppingAtCalls()), list):
        assert users(observe(stopped_run)) == users(observe(program))
