"""Each sdist and wheel holds what it must and nothing else. `nox -s build` makes them and sets FRAMELIFT_DIST."""

import email.message
import email.parser
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    "FRAMELIFT_DIST" not in os.environ, reason="FRAMELIFT_DIST names no folder: `nox -s build`"
)


@pytest.fixture
def stem(package):
    return f"{package.project['name'].replace('-', '_')}-{package.project['version']}"


@pytest.fixture
def wheel(stem):
    with zipfile.ZipFile(Path(os.environ["FRAMELIFT_DIST"]) / f"{stem}-py3-none-any.whl") as archive:
        yield archive


@pytest.fixture
def sdist(stem):
    with tarfile.open(Path(os.environ["FRAMELIFT_DIST"]) / f"{stem}.tar.gz") as archive:
        yield archive


def headers(text: str) -> email.message.Message:
    return email.parser.HeaderParser().parsestr(text)


def test_the_wheel_holds_the_source_tree_and_its_metadata(package, wheel, stem):
    base = package.source.parent
    files = {
        path.relative_to(base).as_posix()
        for path in package.source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = {name for name in wheel.namelist() if name.startswith(f"{stem}.dist-info/")}
    assert set(wheel.namelist()) - info == files
    assert f"{package.source.name}/py.typed" in files
    assert wheel.read(f"{stem}.dist-info/licenses/LICENSE") == (package.folder / "LICENSE").read_bytes()


def test_the_metadata_says_what_pyproject_says(package, wheel, stem):
    metadata = headers(wheel.read(f"{stem}.dist-info/METADATA").decode())
    assert metadata["Name"] == package.project["name"]
    assert metadata["Version"] == package.project["version"]
    assert metadata["License-Expression"] == package.project["license"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert set(metadata["Requires-Python"].split(",")) == set(package.project["requires-python"].split(","))
    assert set(metadata.get_all("Provides-Extra", [])) == set(package.project.get("optional-dependencies", {}))
    assert metadata.get_payload().strip() == (package.folder / "README.md").read_text().strip()


def test_the_sdist_can_be_built_and_tested_again(package, sdist, stem):
    tree = {
        f"{stem}/{path.relative_to(package.folder).as_posix()}"
        for pattern in (
            "src/**/*",
            "native/*",
            "tests/**/*.py",
            "hatch_build.py",
            "pyproject.toml",
            "README.md",
            "CHANGELOG.md",
            "LICENSE",
        )
        for path in package.folder.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(sdist.getnames()) >= tree
    assert [name for name in sdist.getnames() if "__pycache__" in name or name.endswith((".pyc", ".orig"))] == []
