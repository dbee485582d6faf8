"""Which released versions of its siblings a package's working tree must still work with: the lowest it declares."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.workspace import Package, Workspace


def git(root: Path, *arguments: str) -> bytes:
    """Return what git prints; it raises where git fails."""
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True).stdout  # noqa: S607


def tag(package: Package, version: Version) -> str:
    """Return the tag of a release."""
    return f"{package.name}-v{version}"


def released(root: Path, package: Package) -> list[Version]:
    """Return the versions of a package that are tagged, lowest first."""
    prefix = f"{package.name}-v"
    tags = git(root, "tag", "--list", f"{prefix}[0-9]*").decode().split()
    return sorted(Version(name.removeprefix(prefix)) for name in tags)


@dataclasses.dataclass(frozen=True)
class Choice:
    """The versions of its siblings that a package is tested with.

    Args:
        tagged: distribution to the lowest tagged version that everything chosen admits.
        untagged: distributions of which no admitted version is tagged; the working tree serves.
    """

    tagged: Mapping[str, Version]
    untagged: Sequence[str]


def choose(workspace: Workspace, package: Package) -> Choice:
    """Return the lowest tagged siblings that a package's working tree declares, and what they declare in turn."""
    ranges: dict[str, SpecifierSet] = {}
    chosen: dict[str, Version | None] = {}
    todo = siblings(workspace, package.metadata, package.extras)
    while todo:
        requirement = todo.pop()
        name, sibling = requirement.name, workspace.packages[requirement.name]
        ranges[name] = ranges.get(name, SpecifierSet()) & requirement.specifier
        versions = released(workspace.root, sibling)
        lowest = next((version for version in versions if version in ranges[name]), None)
        if name in chosen and chosen[name] == lowest:
            continue
        chosen[name] = lowest
        metadata = sibling.metadata if lowest is None else tagged_metadata(workspace.root, sibling, lowest)
        todo += siblings(workspace, metadata, frozenset(requirement.extras))
    return Choice(
        {name: version for name, version in sorted(chosen.items()) if version is not None},
        sorted(name for name, version in chosen.items() if version is None),
    )


def siblings(workspace: Workspace, metadata: dict[str, Any], extras: frozenset[str]) -> list[Requirement]:
    """Return the requirements of a package that other packages of the workspace meet."""
    found = Package(Path(), metadata).requirements(extras)
    return [requirement for requirement in found if requirement.name in workspace.packages]


def tagged_metadata(root: Path, package: Package, version: Version) -> dict[str, Any]:
    """Return a package's `pyproject.toml` as it was tagged."""
    path = package.folder.relative_to(root).as_posix()
    return tomllib.loads(git(root, "show", f"{tag(package, version)}:{path}/pyproject.toml").decode())


def extract(root: Path, package: Package, version: Version, target: Path) -> Path:
    """Write a package's folder as it was tagged below `target` and return it.

    `git archive` leaves nothing behind in the repository; a worktree of an interrupted run would.
    """
    path = package.folder.relative_to(root).as_posix()
    archive = git(root, "archive", "--format=tar", tag(package, version), path)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")
    return target / path
