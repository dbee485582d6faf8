"""The handlers of constants answer as the types themselves do, on random operations."""

from hypothesis import strategies as st

from framelift_variable_tracking.conformance import check
from framelift_variable_tracking.handlers.number import BoolHandler, ComplexHandler, FloatHandler, IntegerHandler
from framelift_variable_tracking.handlers.string import BytesHandler, StringHandler


def test_int() -> None:
    check(IntegerHandler(), st.integers(-20, 20) | st.integers())


def test_bool() -> None:
    check(BoolHandler(), st.booleans())


def test_float() -> None:
    check(FloatHandler(), st.floats(allow_nan=False))


def test_complex() -> None:
    check(ComplexHandler(), st.complex_numbers(allow_nan=False, allow_infinity=False))


def test_str() -> None:
    check(StringHandler(), st.text(max_size=6))


def test_bytes() -> None:
    check(BytesHandler(), st.binary(max_size=6))
