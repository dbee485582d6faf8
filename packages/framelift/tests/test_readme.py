"""The README's examples run, with this package and what it declares, and print what they say."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_each_example_prints_what_it_says(capsys):
    text = README.read_text()
    examples = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert len(examples) > 1
    namespace = {"__name__": "readme"}
    for found in examples:
        example, above = found.group(1), text[: found.start(1)].count("\n")
        exec(compile("\n" * above + example, str(README), "exec"), namespace)  # lines are those of the README
        expected = re.findall(r"^# prints: (.*)", example, re.MULTILINE)
        assert capsys.readouterr().out == "".join(f"{line}\n" for line in expected)
