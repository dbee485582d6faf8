"""The workspace as data: its packages, as their `pyproject.toml` files describe them, and what is tested where."""

from __future__ import annotations

import ast
import dataclasses
import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent

Wanted = Mapping[str, frozenset[str]]
"""Distributions of the workspace, each with some of its extras."""


@dataclasses.dataclass(frozen=True, eq=False)
class Package:
    """One package of the workspace."""

    folder: Path
    metadata: dict[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Package:
        """Read the package in `folder`."""
        return cls(folder, tomllib.loads((folder / "pyproject.toml").read_text()))

    @property
    def project(self) -> dict[str, Any]:
        """The table `[project]`."""
        table: dict[str, Any] = self.metadata["project"]
        return table

    @property
    def name(self) -> str:
        """The name of the folder, by which the project speaks of the package."""
        return self.folder.name

    @property
    def distribution(self) -> str:
        """The name by which it is installed."""
        return str(self.project["name"])

    @property
    def version(self) -> Version:
        """The version of the working tree."""
        return Version(self.project["version"])

    @property
    def source_root(self) -> Path:
        """The folder that a path for imports names."""
        return self.folder / "src"

    @property
    def source(self) -> Path:
        """The folder of the import package."""
        (package,) = (path.parent for path in self.source_root.glob("*/__init__.py"))
        return package

    @property
    def import_name(self) -> str:
        """The name by which it is imported."""
        return self.source.name

    @property
    def extras(self) -> frozenset[str]:
        """The names of its optional dependencies."""
        return frozenset(self.project.get("optional-dependencies", {}))

    @property
    def pythons(self) -> list[str]:
        """The Pythons that it supports, by its classifiers, oldest first."""
        versions = (text.rpartition(" :: ")[2] for text in self.project["classifiers"])
        return sorted((text for text in versions if text.startswith("3.")), key=Version)

    @property
    def test_requirements(self) -> tuple[str, ...]:
        """What its tests need besides."""
        return tuple(self.metadata["dependency-groups"]["test"])

    def requirements(self, extras: frozenset[str] = frozenset()) -> list[Requirement]:
        """Return what it declares, with some of its extras."""
        optional = self.project.get("optional-dependencies", {})
        chosen = [text for extra in sorted(extras) for text in optional[extra]]
        return [Requirement(text) for text in [*self.project.get("dependencies", []), *chosen]]

    def modules(self) -> Iterator[tuple[Path, ast.Module]]:
        """Yield each of its modules: the path below the package's folder, and the tree."""
        for path in sorted(self.source.rglob("*.py")):
            yield path.relative_to(self.folder), ast.parse(path.read_text())


@dataclasses.dataclass(frozen=True)
class Suite:
    """One run of tests in an environment of its own: a package with some of its extras, on one Python."""

    name: str
    distribution: str
    extras: frozenset[str]
    python: str
    needs_torch: bool

    @property
    def id(self) -> str:
        """Its name among the sessions."""
        return f"{'+'.join([self.name, *sorted(self.extras)])}-{self.python}"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The repository at `root`."""

    root: Path = ROOT

    @functools.cached_property
    def packages(self) -> dict[str, Package]:
        """Its packages, by distribution."""
        folders = sorted(path.parent for path in self.root.glob("packages/*/pyproject.toml"))
        return {package.distribution: package for package in map(Package.read, folders)}

    def dependency_group(self, name: str) -> list[str]:
        """Return a group of the root's `pyproject.toml`, with the groups that it includes."""
        groups = tomllib.loads((self.root / "pyproject.toml").read_text())["dependency-groups"]
        found: list[str] = []
        for entry in groups[name]:
            found += self.dependency_group(entry["include-group"]) if isinstance(entry, dict) else [entry]
        return found

    @property
    def pythons(self) -> list[str]:
        """Every Python that some package supports, oldest first; the oldest is that of most sessions."""
        return sorted({python for package in self.packages.values() for python in package.pythons}, key=Version)

    @property
    def everything(self) -> Wanted:
        """Every package with every extra that it has."""
        return {name: package.extras for name, package in self.packages.items()}

    def closure(self, wanted: Wanted) -> tuple[dict[str, frozenset[str]], set[str]]:
        """Return the siblings (distribution to extras) and the third-party names that the wanted packages declare."""
        siblings: dict[str, frozenset[str]] = {}
        others: set[str] = set()
        todo = list(wanted.items())
        while todo:
            name, extras = todo.pop()
            if name in siblings and extras <= siblings[name]:
                continue
            siblings[name] = siblings.get(name, frozenset()) | extras
            for requirement in self.packages[name].requirements(siblings[name]):
                if requirement.name in self.packages:
                    todo.append((requirement.name, frozenset(requirement.extras)))
                else:
                    others.add(requirement.name)
        return siblings, others

    def third_party(self) -> list[str]:
        """Return what the packages require of others, extras included."""
        requirements = (found for package in self.packages.values() for found in package.requirements(package.extras))
        return sorted({str(found) for found in requirements if found.name not in self.packages})

    def suite(self, package: Package, extras: frozenset[str], python: str) -> Suite:
        """Return one suite."""
        _, others = self.closure({package.distribution: extras})
        return Suite(package.name, package.distribution, extras, python, "torch" in others)

    def suites(self) -> list[Suite]:
        """Return what `nox -s tests` runs.

        Torch-free packages on every Python that they support; what needs torch, extras included, on the oldest.
        """
        found = []
        for package in self.packages.values():
            bare, *others = (self.suite(package, frozenset(), python) for python in package.pythons)
            if not bare.needs_torch:
                found += [bare, *others]
            if bare.needs_torch or package.extras:
                found.append(self.suite(package, package.extras, package.pythons[0]))
        return found
