"""The README's examples run, one after the other, and print what they say."""

import contextlib
import io
import pathlib
import re

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_the_examples():
    source = "".join(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL))
    assert source
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(README), "exec"), {})
    expected = [line.removeprefix("# prints: ") for line in source.splitlines() if line.startswith("# prints: ")]
    assert printed.getvalue().splitlines() == expected
