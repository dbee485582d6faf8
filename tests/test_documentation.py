"""The pages that are made from the source hold all that they must, and examples are shown as code."""

import re

import pytest

pytest.importorskip("mkdocs", reason="mkdocs is not installed here; `nox -s docs` has it")
pytest.importorskip("griffe", reason="griffe is not installed here; `nox -s docs` has it")

from tools.docstring_examples import fenced
from tools.documentation import codes_page, public_modules, reference_page


def test_every_code_in_the_source_is_explained(packages):
    page = codes_page(packages)
    rows = dict(re.findall(r"^\| (FL\d{3}) \|.* \| (.*) \|$", page, re.MULTILINE))
    texts = [path.read_text() for package in packages for path in package.source.rglob("*.py")]
    held = {code for text in texts for code in re.findall(r'"(FL\d{3})"', text)}
    assert rows.keys() == held
    assert [code for code, meaning in rows.items() if not meaning.strip()] == []


def test_the_reference_names_every_public_name(package, packages):
    page = reference_page(package, [other.import_name for other in packages])
    modules = dict(public_modules(package))
    assert page.startswith(f"# {package.import_name}\n")
    assert modules[package.import_name]
    names = re.findall(r"^::: (.*)$", page, re.MULTILINE)
    assert names == [f"{module}.{name}" for module, found in modules.items() for name in found]


def test_modules_that_people_import_from_are_in_the_reference(packages):
    (umbrella,) = (package for package in packages if package.name == "framelift")
    assert {"framelift", "framelift.errors", "framelift.testing"} <= dict(public_modules(umbrella)).keys()
    (guards,) = (package for package in packages if package.name == "guards")
    assert "framelift_guards.torch" in dict(public_modules(guards))


@pytest.mark.parametrize(("docstring", "shown"), [
    ("One.", "One."),
    (">>> 1\n1", "```pycon\n>>> 1\n1\n```"),
    ("One.\n\n>>> 1\n1\n\nTwo.\n\n>>> 2\n2", "One.\n\n```pycon\n>>> 1\n1\n```\n\nTwo.\n\n```pycon\n>>> 2\n2\n```"),
    ("One:\n>>> 1\n1", "One:\n\n```pycon\n>>> 1\n1\n```"),
    ("Args:\n    x: it.\n\n    >>> x\n    1", "Args:\n    x: it.\n\n    ```pycon\n    >>> x\n    1\n    ```"),
])  # fmt: skip
def test_examples_are_fenced(docstring, shown):
    assert "\n".join(fenced(docstring)) == shown
