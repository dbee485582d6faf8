"""The README's examples run, and print what they say."""

import contextlib
import io
import pathlib
import re

import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example(number):
    source = BLOCKS[number]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(README), "exec"), {})
    expected = [line.removeprefix("# prints: ") for line in source.splitlines() if line.startswith("# prints: ")]
    assert printed.getvalue().splitlines() == expected
