"""The workspace as data, for the tests of what holds between the packages."""

import ast
import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True, eq=False)
class Package:
    folder: Path
    metadata: dict[str, Any] = dataclasses.field(repr=False)

    @property
    def project(self) -> dict[str, Any]:
        return self.metadata["project"]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        (source,) = self.folder.glob("src/*/")
        return source

    def modules(self) -> Iterator[tuple[Path, ast.Module]]:
        for path in sorted(self.source.rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


PACKAGES = [
    Package(path.parent, tomllib.loads(path.read_text())) for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
]


@pytest.fixture(params=PACKAGES, ids=lambda package: package.name)
def package(request: pytest.FixtureRequest) -> Package:
    return request.param


@pytest.fixture(scope="session")
def packages() -> list[Package]:
    return PACKAGES


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def workspace() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
