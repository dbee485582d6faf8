"""The release of one package: its version, its changelog, the ranges of the packages that depend on it.

    python -m tools.release guards minor

It edits files and prints what to do next; commits, tags and uploads are for a person to make.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from tools.compatibility import git, released, tag
from tools.workspace import ROOT, Package, Workspace

STEPS = ("major", "minor", "patch")
UNRELEASED = re.compile(r"^## (?:Unreleased|\S+ \(unreleased\))\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class ReleaseError(Exception):
    """A release that would be wrong; nothing was written."""


@dataclasses.dataclass(frozen=True)
class Release:
    """What a release writes.

    Args:
        package: what is released.
        version: its new version.
        texts: the new text of each file that changes.
        dependants: the packages whose ranges are raised, and which need a release in turn.
    """

    package: Package
    version: Version
    texts: Mapping[Path, str]
    dependants: tuple[Package, ...]

    def write(self) -> None:
        """Write the files."""
        for path, text in self.texts.items():
            path.write_text(text)

    def next_steps(self, root: Path) -> str:
        """Return what is left to do, as text."""
        name = tag(self.package, self.version)
        stem = f"{self.package.distribution.replace('-', '_')}-{self.version}"
        files = "\n".join(f"    {path.relative_to(root)}" for path in self.texts)
        raised = f"its range of {self.package.distribution} was raised"
        after = [f"- Then release {other.name}: {raised}" for other in self.dependants]
        steps = [
            f"{self.package.distribution} {self.version}: these files were written",
            files,
            "Next:",
            "- Read `git diff`, and run `bash .ci/run`",
            f'- git commit --all --message "{self.package.distribution} {self.version}"',
            f"- git tag {name}; git push origin HEAD {name}",
            f"- Upload dist/{stem}.tar.gz and dist/{stem}-py3-none-any.whl, which `.ci/run` made and checked",
            *after,
        ]
        return "\n".join(steps)


def prepare(workspace: Workspace, name: str, to: str, today: dt.date) -> Release:
    """Return the release of the package in the folder `name`.

    Args:
        workspace: the repository; its tree must be clean.
        name: the package, by its folder.
        to: the new version, or which part of the present one to raise: major, minor, patch.
        today: the date for the changelog.

    Raises:
        ReleaseError: the package is unknown, the tree has changes, the version is malformed, not higher, or tagged, or
            the changelog says nothing about it.
    """
    by_name = {package.name: package for package in workspace.packages.values()}
    if name not in by_name:
        raise ReleaseError(f"there is no package {name!r}; there are {', '.join(by_name)}")
    package = by_name[name]
    changed = git(workspace.root, "status", "--porcelain").decode().splitlines()
    if changed:
        raise ReleaseError(
            f"the tree has changes; commit or stash them first: {', '.join(line[3:] for line in changed)}"
        )
    version = next_version(workspace, package, to)
    texts = {
        package.folder / "pyproject.toml": with_version(package, version),
        package.folder / "CHANGELOG.md": dated(package, version, today),
    }
    dependants = []
    note = f"- Needs {package.distribution} {minor_range(version)}."
    for other in workspace.packages.values():
        raised = with_range(other, package.distribution, version)
        if raised is not None:
            dependants.append(other)
            texts[other.folder / "pyproject.toml"] = raised
            texts[other.folder / "CHANGELOG.md"] = noted(other, note)
    return Release(package, version, texts, tuple(dependants))


def next_version(workspace: Workspace, package: Package, to: str) -> Version:
    """Return the version that `to` means; the present one if it was never released."""
    tags = released(workspace.root, package)
    present = package.version
    if to in STEPS:
        parts = list(present.release)
        at = STEPS.index(to)
        version = Version(".".join(map(str, [*parts[:at], parts[at] + 1, *[0] * (2 - at)])))
    else:
        try:
            version = Version(to)
        except InvalidVersion as error:
            raise ReleaseError(f"{to!r} is neither a version such as 0.2.0 nor one of {', '.join(STEPS)}") from error
        if (
            str(version) != to
            or len(version.release) != 3
            or version.is_prerelease
            or version.is_postrelease
            or version.local
        ):
            raise ReleaseError(f"{to!r} is not a version of three numbers, such as 0.2.0")
    if version in tags:
        raise ReleaseError(f"{tag(package, version)} is tagged already; choose a higher version")
    highest = max([*tags, present])
    if version < highest or (version == present and present in tags):
        raise ReleaseError(f"{version} is not higher than {highest}, the version of {package.name}")
    return version


def with_version(package: Package, version: Version) -> str:
    """Return the text of `pyproject.toml` with another version."""
    text = (package.folder / "pyproject.toml").read_text()
    return replaced(text, f'version = "{package.project["version"]}"', f'version = "{version}"', package)


def replaced(text: str, old: str, new: str, package: Package) -> str:
    """Return the text with its one occurrence of `old` replaced."""
    if text.count(old) != 1:
        raise ReleaseError(f"{package.name}/pyproject.toml holds {text.count(old)} times {old!r}; it must hold it once")
    return text.replace(old, new)


def dated(package: Package, version: Version, today: dt.date) -> str:
    """Return the changelog whose section of unreleased changes has the version and the date."""
    text = (package.folder / "CHANGELOG.md").read_text()
    section = UNRELEASED.search(text)
    if section is None or not section[1].strip():
        raise ReleaseError(
            f"packages/{package.name}/CHANGELOG.md says nothing about {version}:"
            ' write what changed under a heading "## Unreleased"'
        )
    heading = f"## {version} ({today.isoformat()})\n"
    return text[: section.start()] + heading + text[section.start(1) :]


def noted(package: Package, entry: str) -> str:
    """Return the changelog with one more entry among the unreleased changes."""
    text = (package.folder / "CHANGELOG.md").read_text()
    section = UNRELEASED.search(text)
    if section is not None:
        body = section[1].rstrip("\n")
        rest = text[section.end() :]
        return f"{text[: section.start(1)]}{body}\n{entry}\n" + (f"\n{rest}" if rest else "")
    title, _, rest = text.partition("\n## ")
    return f"{title.rstrip()}\n\n## Unreleased\n\n{entry}\n\n## {rest}"


def minor_range(version: Version) -> str:
    """Return the range of a sibling that its dependants declare."""
    return f">={version.major}.{version.minor},<{version.major}.{version.minor + 1}"


def with_range(package: Package, distribution: str, version: Version) -> str | None:
    """Return the text of a dependant's `pyproject.toml` that admits the version; None if it does already."""
    text = before = (package.folder / "pyproject.toml").read_text()
    for quoted in sorted(set(re.findall(r'"[^"\n]*"', before))):
        try:
            requirement = Requirement(quoted[1:-1])
        except InvalidRequirement:
            continue  # another string
        if requirement.name == distribution and version not in requirement.specifier:
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            text = text.replace(quoted, f'"{distribution}{extras}{minor_range(version)}"')
    return None if text == before else text


def main() -> None:
    """Prepare the release that the command line names."""
    parser = argparse.ArgumentParser(prog="nox -s release --", description=__doc__)
    parser.add_argument("package", help="the folder's name, such as guards")
    parser.add_argument("version", help="such as 0.2.0, or major, minor or patch")
    arguments = parser.parse_args()
    workspace = Workspace(ROOT)
    try:
        release = prepare(workspace, arguments.package, arguments.version, dt.datetime.now(dt.UTC).date())
    except ReleaseError as error:
        sys.exit(f"no release: {error}")
    release.write()
    print(release.next_steps(workspace.root))


if __name__ == "__main__":
    main()
