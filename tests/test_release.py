"""A release changes what it must, says what to do next, and refuses what would be wrong."""

import datetime as dt
import tomllib

import pytest
from tools.release import ReleaseError, prepare

DAY = dt.date(2030, 1, 2)


def release(small, name, to):
    prepared = prepare(small.workspace, name, to, DAY)
    prepared.write()
    return prepared


def project(small, name):
    return tomllib.loads(small.text(name, "pyproject.toml"))["project"]


def test_a_first_release_is_that_of_the_present_version(small):
    prepared = release(small, "top", "0.1.0")
    assert project(small, "top")["version"] == "0.1.0"
    assert small.text("top", "CHANGELOG.md") == "# Changelog\n\n## 0.1.0 (2030-01-02)\n\n- The beginning of top.\n"
    assert prepared.dependants == ()
    assert small.git("status", "--porcelain") == " M packages/top/CHANGELOG.md\n"


@pytest.mark.parametrize(
    ("to", "version"),
    [("patch", "0.1.1"), ("minor", "0.2.0"), ("major", "1.0.0"), ("0.1.7", "0.1.7"), ("2.0.0", "2.0.0")],
)
def test_the_version_that_is_asked_for(small, to, version):
    small.commit("release", "top-v0.1.0")
    release(small, "top", to)
    assert project(small, "top")["version"] == version


def test_a_patch_leaves_the_dependants_alone(small):
    prepared = release(small, "bottom", "patch")
    assert prepared.dependants == ()
    assert sorted(path.name for path in prepared.texts) == ["CHANGELOG.md", "pyproject.toml"]


def test_a_minor_version_raises_the_ranges_of_its_dependants(small):
    (small.root / "packages/middle/CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0 (2029-01-01)\n\nThe first.\n")
    small.commit("release", "middle-v0.1.0")
    prepared = release(small, "bottom", "minor")
    assert [package.name for package in prepared.dependants] == ["middle"]
    assert project(small, "middle")["dependencies"] == ["framelift-bottom[torch]>=0.2,<0.3"]
    assert small.text("middle", "CHANGELOG.md") == (
        "# Changelog\n\n## Unreleased\n\n- Needs framelift-bottom >=0.2,<0.3.\n\n## 0.1.0 (2029-01-01)\n\nThe first.\n"
    )
    assert project(small, "top")["dependencies"] == ["framelift-middle>=0.1,<0.2"]
    steps = prepared.next_steps(small.root)
    assert "git tag bottom-v0.2.0" in steps
    assert "dist/framelift_bottom-0.2.0-py3-none-any.whl" in steps
    assert "Then release middle" in steps
    small.commit("bottom 0.2.0", "bottom-v0.2.0")
    release(small, "middle", "minor")
    assert "## 0.2.0 (2030-01-02)\n\n- Needs framelift-bottom >=0.2,<0.3.\n" in small.text("middle", "CHANGELOG.md")


def test_an_entry_joins_the_unreleased_ones(small):
    release(small, "bottom", "minor")
    expected = "## Unreleased\n\n- The beginning of middle.\n- Needs framelift-bottom >=0.2,<0.3.\n"
    assert small.text("middle", "CHANGELOG.md").endswith(expected)


@pytest.mark.parametrize(("name", "to", "message"), [
    ("side", "minor", "there is no package 'side'; there are bottom, middle, top"),
    ("top", "bigger", "'bigger' is neither a version such as 0.2.0 nor one of major, minor, patch"),
    ("top", "0.2", "not a version of three numbers"),
    ("top", "0.2.0rc1", "not a version of three numbers"),
    ("top", "0.2.0+local", "not a version of three numbers"),
    ("top", "v0.2.0", "not a version of three numbers"),
    ("top", "0.0.9", "0.0.9 is not higher than 0.1.0"),
    ("middle", "0.1.0", "middle-v0.1.0 is tagged already"),
    ("middle", "0.1.2", "0.1.2 is not higher than 0.1.3"),
])  # fmt: skip
def test_what_would_be_wrong_is_refused(small, name, to, message):
    small.commit("release", "middle-v0.1.0", "middle-v0.1.3")
    with pytest.raises(ReleaseError, match=message):
        prepare(small.workspace, name, to, DAY)
    assert small.git("status", "--porcelain") == ""


def test_a_tree_with_changes_is_refused(small):
    (small.root / "note.txt").write_text("not committed")
    with pytest.raises(ReleaseError, match=r"commit or stash them first: note\.txt"):
        prepare(small.workspace, "top", "minor", DAY)


@pytest.mark.parametrize(
    "changelog", ["# Changelog\n", "# Changelog\n\n## Unreleased\n\n## 0.0.1 (2029-01-01)\n\nOld.\n"]
)
def test_a_missing_entry_in_the_changelog_is_refused(small, changelog):
    (small.root / "packages/top/CHANGELOG.md").write_text(changelog)
    small.commit("nothing said")
    with pytest.raises(ReleaseError, match=r'packages/top/CHANGELOG\.md says nothing about 0\.2\.0.*"## Unreleased"'):
        prepare(small.workspace, "top", "minor", DAY)


def test_a_range_is_found_however_it_is_written(small):
    small.write("middle", needs={"bottom [torch] ": ">=0.1, <0.2"})
    small.commit("spaces")
    release(small, "bottom", "minor")
    assert project(small, "middle")["dependencies"] == ["framelift-bottom[torch]>=0.2,<0.3"]
