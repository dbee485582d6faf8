"""The README's example runs, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_prints_what_its_comments_say(capsys) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(compile(block, str(README), "exec"), {"__name__": "readme"})
    expected = re.findall(r"^# prints: (.*)$", block, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == expected
