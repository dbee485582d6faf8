"""The README's example runs, with this package and what it declares, and prints what it says."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_example_prints_what_it_says(capsys):
    (example,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    exec(compile(example, str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == "".join(
        f"{line}\n" for line in re.findall(r"^# prints: (.*)", example, re.MULTILINE)
    )
