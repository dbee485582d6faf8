"""The README's example runs, and prints what it says."""

import contextlib
import io
import pathlib
import re

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_the_example():
    (source,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(README), "exec"), {})
    expected = [line.removeprefix("# prints: ") for line in source.splitlines() if line.startswith("# prints: ")]
    assert printed.getvalue().splitlines() == expected
