"""The build hook: without a compiler, or with code that it refuses, the wheel is pure Python and the hook says why."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="only what builds wheels has it")

FOLDER = Path(__file__).parent.parent


@pytest.fixture
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", FOLDER / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_compiler_that_is_not_there(hook, monkeypatch, tmp_path):
    monkeypatch.setenv("LDSHARED", str(tmp_path / "no-compiler"))
    assert "no-compiler" in hook.compile_accelerator(FOLDER / "native", tmp_path / "out.so")


def test_code_that_does_not_compile(hook, monkeypatch, tmp_path):
    (tmp_path / "broken.c").write_text("#error not today")
    failure = hook.compile_accelerator(tmp_path, tmp_path / "out.so")
    assert failure is not None
    assert not (tmp_path / "out.so").exists()


class Hook:
    """What hatchling gives a hook of itself."""

    root = str(FOLDER)

    def __init__(self):
        self.app = self
        self.warnings = []

    def display_warning(self, text):
        self.warnings.append(text)


@pytest.mark.parametrize("switch", ["", "0"])
def test_the_wheel_stays_pure(hook, monkeypatch, tmp_path, switch):
    monkeypatch.setenv("LDSHARED", str(tmp_path / "no-compiler"))
    monkeypatch.setenv(hook.SWITCH, switch)
    build, host = {"force_include": {}}, Hook()
    hook.AcceleratorHook.initialize(host, "standard", build)
    assert build == {"force_include": {}}
    assert len(host.warnings) == (switch == "")


def test_a_failure_is_an_error_where_the_accelerator_is_wanted(hook, monkeypatch, tmp_path):
    monkeypatch.setenv("LDSHARED", str(tmp_path / "no-compiler"))
    monkeypatch.setenv(hook.SWITCH, "1")
    with pytest.raises(RuntimeError, match="cannot be compiled"):
        hook.AcceleratorHook.initialize(Hook(), "standard", {"force_include": {}})
