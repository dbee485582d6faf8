"""A package is tested with the lowest versions of the others that it declares and that are tagged."""

from packaging.version import Version
from tools.compatibility import choose, extract, released


def chosen(small, name):
    choice = choose(small.workspace, small.workspace.packages[f"framelift-{name}"])
    return {key: str(version) for key, version in choice.tagged.items()}, list(choice.untagged)


def test_while_nothing_is_tagged_the_working_tree_serves(small):
    assert chosen(small, "top") == ({}, ["framelift-bottom", "framelift-middle"])
    assert chosen(small, "bottom") == ({}, [])


def test_the_lowest_tag_that_is_declared(small):
    small.commit("release", "bottom-v0.1.0", "bottom-v0.1.10", "bottom-v0.1.2", "bottom-v0.2.0", "middle-v0.1.0")
    assert chosen(small, "top") == ({"framelift-bottom": "0.1.0", "framelift-middle": "0.1.0"}, [])
    small.write("middle", needs={"bottom": ">=0.1.2,<0.2"})
    assert chosen(small, "middle") == ({"framelift-bottom": "0.1.2"}, [])
    small.write("middle", needs={"bottom": ">=0.1.3,<0.2"})
    assert chosen(small, "middle") == ({"framelift-bottom": "0.1.10"}, [])
    small.write("middle", needs={"bottom": ">=0.3,<0.4"})
    assert chosen(small, "middle") == ({}, ["framelift-bottom"])


def test_what_a_tagged_sibling_needs_is_what_it_needed_when_it_was_tagged(small):
    small.write("middle", needs={"bottom": ">=0.1.2,<0.2"})
    small.commit("release", "bottom-v0.1.0", "bottom-v0.1.2", "middle-v0.1.0")
    small.write("middle", needs={"bottom": ">=0.1.1,<0.2"})
    assert chosen(small, "top") == ({"framelift-bottom": "0.1.2", "framelift-middle": "0.1.0"}, [])


def test_a_tag_of_another_package_with_the_same_beginning_is_not_taken(small):
    small.commit("release", "bottom-v0.1.0", "bottom-virtual")
    assert released(small.root, small.workspace.packages["framelift-bottom"]) == [Version("0.1.0")]


def test_the_tagged_sources_are_those_of_the_tag(small, tmp_path_factory):
    small.write("bottom", code="ANSWER = 1\n")
    small.commit("release", "bottom-v0.1.0")
    small.write("bottom", code="ANSWER = 2\n")
    target = tmp_path_factory.mktemp("tagged")
    folder = extract(small.root, small.workspace.packages["framelift-bottom"], Version("0.1.0"), target)
    assert (folder / "src/framelift_bottom/__init__.py").read_text() == "ANSWER = 1\n"
    assert small.git("worktree", "list").count("\n") == 1
    assert small.git("status", "--porcelain") == " M packages/bottom/src/framelift_bottom/__init__.py\n"
