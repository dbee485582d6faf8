"""A workspace of three small packages in a repository of its own, for the tests of the tools."""

import subprocess
from pathlib import Path

from tools.workspace import Workspace

PACKAGE = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "framelift-{name}"
version = "{version}"
classifiers = ["Programming Language :: Python :: 3.11", "Programming Language :: Python :: 3.12"]
dependencies = [{dependencies}]

[project.optional-dependencies]
torch = ["torch>=2.11"]

[dependency-groups]
test = ["pytest"]
"""
CHANGELOG = """\
# Changelog

## Unreleased

- The beginning of {name}.
"""


class SmallWorkspace:
    """`top` needs `middle`, which needs `bottom`; each is at 0.1.0, and nothing is tagged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "A Tester")
        self.git("config", "user.email", "tester@example.org")
        self.write("bottom")
        self.write("middle", needs={"bottom[torch]": ">=0.1,<0.2"})
        self.write("top", needs={"middle": ">=0.1,<0.2"})
        self.commit("the beginning")

    @property
    def workspace(self) -> Workspace:
        """The workspace, read again."""
        return Workspace(self.root)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def commit(self, message: str, *tags: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        for tag in tags:
            self.git("tag", tag)

    def write(self, name: str, version: str = "0.1.0", needs: dict[str, str] | None = None, code: str = "") -> None:
        folder = self.root / "packages" / name
        source = folder / "src" / f"framelift_{name}"
        source.mkdir(parents=True, exist_ok=True)
        (source / "__init__.py").write_text(code)
        dependencies = ", ".join(f'"framelift-{other}{specifier}"' for other, specifier in (needs or {}).items())
        text = PACKAGE.format(name=name, version=version, dependencies=dependencies)
        (folder / "pyproject.toml").write_text(text)
        if not (folder / "CHANGELOG.md").exists():
            (folder / "CHANGELOG.md").write_text(CHANGELOG.format(name=name))

    def text(self, name: str, file: str) -> str:
        return (self.root / "packages" / name / file).read_text()
