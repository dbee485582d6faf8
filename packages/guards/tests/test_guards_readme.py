import re
import types
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def printed_by(example, capsys):
    module = types.ModuleType("example")
    exec(compile(example, str(README), "exec"), vars(module))
    return capsys.readouterr().out


@pytest.mark.parametrize("index", range(len(EXAMPLES)))
def test_the_examples_run_and_print_what_they_say(index, capsys):
    reasons = re.findall(r"# prints: (.*)", EXAMPLES[index])
    assert reasons
    assert printed_by(EXAMPLES[index], capsys).splitlines()[: len(reasons)] == reasons


def test_the_generated_function_is_what_it_says(capsys):
    (generated,) = re.findall(r"```text\n(.*?)```", README.read_text(), re.DOTALL)
    assert printed_by(EXAMPLES[0], capsys).split("\n\n")[0].endswith(generated.rstrip())
