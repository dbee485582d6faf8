"""The packages' metadata agree with each other, with the workspace, and with what the code imports."""

import ast
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

SHARED_FIELDS = ["requires-python", "license", "license-files", "readme", "authors", "classifiers"]


def distribution(name):
    return "framelift" if name == "framelift" else f"framelift-{name.replace('_', '-')}"


def imported(package):
    """Absolute imports of a package's source: (file, line, top-level name, dotted module)."""
    for path, tree in package.modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((path, node.lineno, alias.name.partition(".")[0], alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                for alias in node.names:
                    yield path, node.lineno, node.module.partition(".")[0], f"{node.module}.{alias.name}"


def test_every_package_folder_has_metadata(root, packages):
    assert [package.name for package in packages] == sorted(path.name for path in root.glob("packages/*/"))


def test_names_follow_the_folder(package):
    assert package.project["name"] == distribution(package.name)
    assert package.source.name == distribution(package.name).replace("-", "_")
    assert package.metadata["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [f"src/{package.source.name}"]


def test_shared_fields_are_the_same_everywhere(package, packages):
    assert {field: package.project.get(field) for field in SHARED_FIELDS} == {
        field: packages[0].project.get(field) for field in SHARED_FIELDS
    }
    assert package.metadata["build-system"] == packages[0].metadata["build-system"]


def test_classifiers_name_exactly_the_pythons_that_requires_python_admits(package):
    admitted = SpecifierSet(package.project["requires-python"])
    named = {
        text.rpartition(" ")[2]
        for text in package.project["classifiers"]
        if text.startswith("Programming Language :: Python :: 3.")
    }
    assert named == {f"3.{minor}" for minor in range(30) if f"3.{minor}.0" in admitted}


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md", "LICENSE"])
def test_each_package_has_its_documents(package, file):
    assert (package.folder / file).read_text().strip()


def test_each_package_is_typed(package):
    assert (package.source / "py.typed").read_bytes() == b""


def test_the_licence_is_the_repositorys(package, root):
    assert (package.folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()


def test_the_changelog_names_the_version(package):
    assert f"\n## {package.project['version']}" in (package.folder / "CHANGELOG.md").read_text()


def test_the_changelog_has_a_heading_for_each_version_and_what_is_unreleased_on_top(package):
    headings = re.findall(r"^## (.*)$", (package.folder / "CHANGELOG.md").read_text(), re.MULTILINE)
    dated = [text for text in headings if re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", text)]
    unreleased = [text for text in headings if re.fullmatch(r"Unreleased|\d+\.\d+\.\d+ \(unreleased\)", text)]
    assert headings == unreleased[:1] + dated


def test_siblings_are_declared_as_a_range_within_one_minor_version_that_holds_theirs(package, packages):
    versions = {other.distribution: other.version for other in packages}
    for requirement in package.requirements(package.extras):
        if requirement.name in versions:
            version = versions[requirement.name]
            bounds = {spec.operator: Version(spec.version) for spec in requirement.specifier}
            assert bounds.keys() == {">=", "<"}, f"{package.name}: {requirement}"
            assert Version(f"{version.major}.{version.minor}") <= bounds[">="] <= version, (
                f"{package.name}: {requirement}"
            )
            assert bounds["<"] == Version(f"{version.major}.{version.minor + 1}"), f"{package.name}: {requirement}"


def test_a_third_party_is_declared_with_the_same_range_everywhere(packages):
    ranges = {}
    for package in packages:
        for requirement in package.requirements(package.extras):
            ranges.setdefault(requirement.name, {}).setdefault(str(requirement.specifier), []).append(package.name)
    assert {name: found for name, found in ranges.items() if len(found) > 1} == {}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported(package, packages):
    names = {other.source.name: other.project["name"] for other in packages}
    found = {
        names.get(top, top)
        for _, _, top, _ in imported(package)
        if top not in sys.stdlib_module_names and top != package.source.name
    }
    declared = {requirement.name for requirement in package.requirements(package.extras)}
    assert found == declared


def test_no_private_name_of_a_sibling_is_imported(package, packages):
    siblings = {other.source.name for other in packages} - {package.source.name}
    offenders = [
        f"{path}:{line}: {module}"
        for path, line, top, module in imported(package)
        if top in siblings and any(part.startswith("_") and not part.startswith("__") for part in module.split("."))
    ]
    assert offenders == []


def test_the_layers_name_every_package(workspace, packages):
    names = sorted(package.source.name for package in packages)
    linter = workspace["tool"]["importlinter"]
    assert sorted(linter["root_packages"]) == names
    (acyclic,) = (contract["ancestors"] for contract in linter["contracts"] if contract["id"] == "acyclic")
    assert sorted(acyclic) == names
    (layers,) = (contract["layers"] for contract in linter["contracts"] if contract["id"] == "layers")
    assert sorted(name for layer in layers for name in layer.split(" | ")) == names


def test_the_torch_free_packages_are_those_that_do_not_require_torch(workspace, packages):
    (contract,) = (c for c in workspace["tool"]["importlinter"]["contracts"] if c["id"] == "torch-free")
    free = [
        package.source.name
        for package in packages
        if "torch" not in [Requirement(text).name for text in package.project.get("dependencies", [])]
    ]
    assert sorted(contract["source_modules"]) == free


def test_the_linter_targets_the_oldest_python(workspace, packages):
    oldest = min(
        (spec.version for spec in SpecifierSet(packages[0].project["requires-python"]) if spec.operator == ">="),
        key=Version,
    )
    assert workspace["tool"]["mypy"]["python_version"] == oldest
    assert workspace["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_the_development_shell_has_what_the_packages_test_with(workspace, packages):
    groups = workspace["dependency-groups"]

    def names(group):
        for entry in groups[group]:
            yield from names(entry["include-group"]) if isinstance(entry, dict) else [Requirement(entry).name]

    needed = {Requirement(text).name for package in packages for text in package.metadata["dependency-groups"]["test"]}
    assert needed - set(names("dev")) == set()


def test_the_codes_of_errors_and_breaks_are_unique(packages):
    places = {}
    for package in packages:
        for path, tree in package.modules():
            constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            for node in constants:
                if isinstance(node.value, str) and re.fullmatch(r"FL\d+", node.value):
                    places.setdefault(node.value, []).append(f"{path}:{node.lineno}")
    assert {code: found for code, found in places.items() if len(found) > 1} == {}
