"""What the documents name exists, and the code that they show runs."""

import ast
import re
import warnings

import pytest
from tools.workspace import ROOT

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
NOX = re.compile(r"nox (?:-s|--session) ([^`\n]*)")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PAGES = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/**/*.md"))]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *PAGES]
PAGES_WITH_CODE = [page for page in PAGES if BLOCK.search((ROOT / page).read_text())]
WITH_CODE = ["README.md", "packages/comptime/README.md", *PAGES_WITH_CODE]


def sessions(root):
    tree = ast.parse((root / "noxfile.py").read_text())
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("nox.session" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def named_sessions(text):
    """The names after `nox -s`, without options, arguments after `--`, and the parameters of a session."""
    for command in NOX.findall(text):
        words = re.findall(r'"[^"]*"|\S+', command.partition(" -- ")[0])
        for word in words:
            name = word.strip('".,;:)').partition("(")[0]
            if name.startswith("-"):
                break
            if re.fullmatch(r"[a-z_]+", name) is None:
                break
            yield name


@pytest.mark.parametrize("document", [*DOCUMENTS, ".ci/run"])
def test_every_session_that_is_named_exists(root, document):
    named = set(named_sessions((root / document).read_text().replace("run -s", "nox -s")))
    assert named or document in PAGES
    assert named <= sessions(root)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name not in PAGES])  # mkdocs checks those of pages
def test_every_link_leads_somewhere(root, document):
    path = root / document
    targets = LINK.findall(path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_readme_names_every_package(root, packages):
    text = (root / "README.md").read_text()
    assert [package.name for package in packages if f"(packages/{package.name})" not in text] == []


def test_contributing_names_every_package(root, packages):
    text = (root / "CONTRIBUTING.md").read_text()
    assert [package.name for package in packages if f"\n    {package.name}/" not in text] == []


@pytest.mark.parametrize("document", WITH_CODE)
def test_the_code_of_a_document_runs(root, document, capsys):
    pytest.importorskip("framelift", reason="framelift is not installed here")
    path, namespace = root / document, {"__name__": "readme"}
    text = path.read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            lines = "\n" * text[: block.start(1)].count("\n")  # so that the lines of the code are those of the document
            exec(compile(lines + block[1], str(path), "exec"), namespace)
            printed = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
            assert printed == re.findall(r"^# prints: (.*)", block[1], re.MULTILINE)
