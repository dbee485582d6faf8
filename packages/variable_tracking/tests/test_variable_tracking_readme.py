"""The README's example runs, and prints what the README says."""

import re
import types
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs_and_prints_what_it_says(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", README.read_text(), re.DOTALL)
    module = types.ModuleType("example")
    exec(compile(example, str(README), "exec"), vars(module))
    assert capsys.readouterr().out == printed
