"""The workspace as data, for the tests of what holds between the packages."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from small_workspace import SmallWorkspace
from tools.workspace import ROOT, Package, Workspace

PACKAGES = list(Workspace(ROOT).packages.values())


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


@pytest.fixture
def small(tmp_path: Path) -> SmallWorkspace:
    return SmallWorkspace(tmp_path)
