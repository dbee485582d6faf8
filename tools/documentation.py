"""The pages of the documentation that are made from the source: a hook of mkdocs.

`docs/` holds what people write. Added to it are, for each package, its README and the reference of its public names,
made from their docstrings; the list of the codes of errors and breaks; and CONTRIBUTING. Nothing is listed by hand.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tools.workspace import Package, Workspace

CODE = re.compile(r"FL\d{3}")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the source."""
    workspace = Workspace()
    packages = list(workspace.packages.values())
    pages = {"codes.md": codes_page(packages), "contributing.md": (workspace.root / "CONTRIBUTING.md").read_text()}
    for package in packages:
        pages |= {f"packages/{package.name}/{path}": text for path, text in readme_and_linked(package.folder).items()}
        pages[f"reference/{package.name}.md"] = reference_page(package, [other.import_name for other in packages])
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def readme_and_linked(folder: Path) -> dict[str, str]:
    """Return a package's README, as the page of its folder, and the files of the package that it links to."""
    readme = (folder / "README.md").read_text()
    targets = sorted({target for target in LINK.findall(readme) if (folder / target).is_file()})
    return {"index.md": readme, **{target: (folder / target).read_text() for target in targets}}


def public_names(path: Path) -> list[str]:
    """Return the `__all__` of a module."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def public_modules(package: Package) -> Iterator[tuple[str, list[str]]]:
    """Yield the modules that people import from, each with its public names.

    These are the package itself, the modules that its own `__all__` names, and those that an extra is named after.
    """
    root = package.source
    names = public_names(root / "__init__.py")
    files = {path.stem: path for path in root.glob("*.py")} | {
        path.parent.name: path for path in root.glob("*/__init__.py")
    }
    modules = [name for name in names if name in files]
    yield package.import_name, [name for name in names if name not in modules]
    for name in [*modules, *sorted(package.extras & files.keys())]:
        yield f"{package.import_name}.{name}", public_names(files[name])


def reference_page(package: Package, siblings: list[str]) -> str:
    """Return the reference of a package, for mkdocstrings to fill in; it exports names of its siblings, too."""
    options = f"    options:\n      preload_modules: [{', '.join(siblings)}]"
    lines = [f"# {package.import_name}", "", f"{package.project['description']}.", ""]
    for module, names in public_modules(package):
        if module != package.import_name:
            lines += [f"## {module}", ""]
        for name in names:
            lines += [f"::: {module}.{name}", options, ""]
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True, order=True)
class Coded:
    """One code, and what it stands for."""

    code: str
    name: str
    package: str
    text: str


def codes_page(packages: list[Package]) -> str:
    """Return the page of the codes."""
    lines = [
        "# Codes of errors and breaks",
        "",
        "A code stays what it is: it can be searched for, and a program can rely on it.",
        "",
        "| code | name | package | meaning |",
        "| --- | --- | --- | --- |",
        *(f"| {one.code} | `{one.name}` | {one.package} | {one.text} |" for one in sorted(codes(packages))),
    ]
    return "\n".join([*lines, ""])


def codes(packages: list[Package]) -> Iterator[Coded]:
    """Yield the codes that the source holds."""
    for package in packages:
        for _, tree in package.modules():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    for code in class_codes(node):
                        yield Coded(code, node.name, package.name, summary(node))
                elif isinstance(node, ast.Call) and node.args and is_code(node.args[0]):
                    (code, *texts) = [text_of(argument) for argument in node.args]
                    yield Coded(code, ast.unparse(node.func), package.name, max(texts, key=len))


def class_codes(node: ast.ClassDef) -> Iterator[str]:
    """Yield the codes that a class has as the value of an attribute."""
    for statement in node.body:
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Constant) and is_code(value):
            yield str(value.value)


def is_code(node: ast.expr) -> bool:
    """Say whether an expression is the literal of a code."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value) is not None


def text_of(node: ast.expr) -> str:
    """Return a literal text; what is filled in at run time is shown as an ellipsis, as is anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "".join(map(text_of, node.values)) if isinstance(node, ast.JoinedStr) else "…"


def summary(node: ast.ClassDef) -> str:
    """Return the first paragraph of a docstring on one line."""
    paragraph, _, _ = inspect.cleandoc(ast.get_docstring(node) or "").partition("\n\n")
    return " ".join(paragraph.split()).replace("|", "\\|")
