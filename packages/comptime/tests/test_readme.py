"""The README's first example runs, with this package and what it declares, and prints what it says.

The others need the umbrella; `tests/test_documents.py` runs them.
"""

import re
from pathlib import Path

from framelift_comptime import Comptime, ComptimeContext, ComptimeVar

README = Path(__file__).parent.parent / "README.md"


def test_the_first_example_prints_what_it_says(capsys):
    example = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)[0]
    exec(compile(example, str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == "".join(
        f"{line}\n" for line in re.findall(r"^# prints: (.*)", example, re.MULTILINE)
    )


def test_every_call_is_taught():
    text = README.read_text()
    for cls in (Comptime, ComptimeContext, ComptimeVar):
        for name in dir(cls):
            if not name.startswith("_"):
                assert f"{name}(" in text, f"{cls.__name__}.{name}"
