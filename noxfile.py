"""Everything that is run on this repository, by name: `nox --list`.

Packages, the Pythons that they support and what they need are read from their `pyproject.toml` files; nothing of that
is repeated here. Sessions use virtualenv and pip: another installer would fetch a CUDA build of torch.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2026.8.10"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False  # a machine with one Python tests on that one, and says so
nox.options.download_python = "never"

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
SHARED = ROOT.parent / "shared"
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
PRIMARY = "3.11"  # the Python of every session but `tests`; on it, constraints.txt selects the CPU build of torch
CONSTRAINTS = ("--constraint", str(ROOT / "constraints.txt"))


@dataclasses.dataclass(frozen=True, eq=False)
class Package:
    """One package of the workspace, as its `pyproject.toml` describes it."""

    folder: Path
    metadata: dict[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Package:
        return cls(folder, nox.project.load_toml(folder / "pyproject.toml"))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        return self.folder / "src"

    @property
    def import_name(self) -> str:
        (package,) = (path.parent.name for path in self.source.glob("*/__init__.py"))
        return package

    @property
    def distribution(self) -> str:
        return str(self.metadata["project"]["name"])

    @property
    def extras(self) -> list[str]:
        return list(self.metadata["project"].get("optional-dependencies", {}))

    @property
    def pythons(self) -> list[str]:
        return nox.project.python_versions(self.metadata)

    @property
    def test_requirements(self) -> tuple[str, ...]:
        return nox.project.dependency_groups(self.metadata, "test")

    def requirements(self, extras: frozenset[str] = frozenset()) -> list[Requirement]:
        project = self.metadata["project"]
        optional = project.get("optional-dependencies", {})
        listed = [*project.get("dependencies", []), *(text for extra in sorted(extras) for text in optional[extra])]
        return [Requirement(text) for text in listed]

    @property
    def third_party(self) -> list[Requirement]:
        extras = frozenset(self.extras)
        return [requirement for requirement in self.requirements(extras) if requirement.name not in PACKAGES]

    @property
    def wheel(self) -> Path:
        (wheel,) = DIST.glob(f"{self.distribution.replace('-', '_')}-*.whl")
        return wheel


PACKAGES = {
    package.distribution: package
    for package in map(Package.read, sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml")))
}


def closure(wanted: dict[str, frozenset[str]]) -> tuple[dict[str, frozenset[str]], set[str]]:
    """Return the siblings (distribution to extras) and the third-party names that the wanted packages declare."""
    siblings: dict[str, frozenset[str]] = {}
    others: set[str] = set()
    todo = list(wanted.items())
    while todo:
        name, extras = todo.pop()
        if extras <= siblings.get(name, frozenset()) and name in siblings:
            continue
        siblings[name] = siblings.get(name, frozenset()) | extras
        for requirement in PACKAGES[name].requirements(siblings[name]):
            if requirement.name in PACKAGES:
                todo.append((requirement.name, frozenset(requirement.extras)))
            else:
                others.add(requirement.name)
    return siblings, others


@dataclasses.dataclass(frozen=True)
class Suite:
    """One run of tests in an environment of its own: a package with some of its extras, on one Python."""

    distribution: str
    extras: frozenset[str]
    python: str

    @property
    def id(self) -> str:
        name = PACKAGES[self.distribution].name
        return f"{name}{'+' if self.extras else ''}{'+'.join(sorted(self.extras))}-{self.python}"

    @property
    def needs_torch(self) -> bool:
        return "torch" in closure({self.distribution: self.extras})[1]


def suites() -> list[Suite]:
    """Torch-free packages on every Python that they support; what needs torch, extras included, on the primary one."""
    found = []
    for package in PACKAGES.values():
        bare = Suite(package.distribution, frozenset(), PRIMARY)
        whole = Suite(package.distribution, frozenset(package.extras), PRIMARY)
        if not bare.needs_torch:
            found += [dataclasses.replace(bare, python=python) for python in package.pythons]
        if bare.needs_torch or whole.extras:
            found.append(whole)
    return found


def install(session: nox.Session, wanted: dict[str, frozenset[str]], *requirements: str) -> None:
    """Install the wanted packages and all that they declare, and nothing else of ours.

    Our wheels are named as files, so an index can neither add nor replace one. torch is not installed but seen, through
    a `.pth` file that names the environment of the session `torch`: it is large, and the same everywhere.
    """
    siblings, others = closure(wanted)
    if "torch" in others:
        see_torch(session)
    wheels = [f"{PACKAGES[name].wheel}[{','.join(sorted(extras))}]" for name, extras in siblings.items()]
    session.install(*CONSTRAINTS, *(wheel.removesuffix("[]") for wheel in wheels), *requirements)


def site_packages(environment: Path) -> Path:
    layout = {"base": str(environment), "platbase": str(environment)}
    version = f"python{PRIMARY}"
    return Path(
        sysconfig.get_path("purelib", "venv", layout).replace(f"python{sysconfig.get_python_version()}", version)
    )


def see_torch(session: nox.Session) -> None:
    here = Path(session.virtualenv.location)
    (site_packages(here) / "torch_of_the_session_torch.pth").write_text(f"{site_packages(here.parent / 'torch')}\n")


def everything() -> dict[str, frozenset[str]]:
    """Every package with every extra that it has."""
    return {name: frozenset(package.extras) for name, package in PACKAGES.items()}


def source_path() -> str:
    return os.pathsep.join(str(package.source) for package in PACKAGES.values())


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(WORKSPACE, name)


def clean_environment(**more: str) -> dict[str, str | None]:
    # One thread for each test process: sessions may run side by side, and their thread pools would fight for the cores.
    return {"PYTHONPATH": None, "PYTHONWARNINGS": None, "OMP_NUM_THREADS": "1", **more}


@nox.session(python=PRIMARY, reuse_venv=True, allow_parallel=True)
def wheels(session: nox.Session) -> None:
    """Build the sdist and the wheel of each package into dist/."""
    session.install(*group("build"))
    shutil.rmtree(DIST, ignore_errors=True)
    for package in PACKAGES.values():
        with session.chdir(package.folder):
            session.run("hatchling", "build", "--directory", str(DIST), silent=True)


@nox.session(python=PRIMARY, reuse_venv=True, allow_parallel=True)
def torch(session: nox.Session) -> None:
    """Make the environment that holds torch, which the others see instead of installing it."""
    session.install(*CONSTRAINTS, *group("torch"))


def test_package(session: nox.Session, suite: Suite) -> None:
    """Test one package from its wheel, with only what it declares."""
    package = PACKAGES[suite.distribution]
    wanted = {suite.distribution: suite.extras}
    install(session, wanted, *package.test_requirements)
    siblings, others = closure(wanted)
    visible = [PACKAGES[name].import_name for name in siblings] + sorted(others & {"torch"})
    session.run("python", str(ROOT / "tests" / "visible.py"), *visible, env=clean_environment())
    session.run(
        "pytest",
        "--doctest-modules",
        *(() if suite.needs_torch else ("--doctest-ignore-import-errors",)),  # of the modules named torch
        "--pyargs",
        package.import_name,
        str(package.folder / "tests"),
        *session.posargs,
        env=clean_environment(),
    )


def test_project(session: nox.Session) -> None:
    """Test what holds between the packages: metadata that agrees, documents that are true, distributions' contents."""
    install(session, everything(), *group("project"))
    session.run("pytest", str(ROOT / "tests"), *session.posargs, env=clean_environment(FRAMELIFT_DIST=str(DIST)))


def test_seed(session: nox.Session) -> None:
    """Run the suite that specifies `comptime`, word for word, where it is at hand."""
    suite = SHARED / "acceptance" / "seed_suite.py"
    if not suite.exists():
        session.skip("the seed suite is not part of this repository, and ../shared, where it would be, does not exist")
    install(session, everything())
    session.run("python", str(suite), env=clean_environment())


RUNS: dict[str, tuple[str, Callable[[nox.Session], None]]] = {
    **{suite.id: (suite.python, functools.partial(test_package, suite=suite)) for suite in suites()},
    "project": (PRIMARY, test_project),
    "seed": (PRIMARY, test_seed),
}


@nox.session(requires=["wheels", "torch"], allow_parallel=True)
@nox.parametrize("python,suite", [nox.param(python, name, id=name) for name, (python, _) in RUNS.items()])
def tests(session: nox.Session, suite: str) -> None:
    """Test each package from its wheel with only what it declares, what holds between them, and the seed suite."""
    _, run = RUNS[suite]
    run(session)


@nox.session(python=PRIMARY, requires=["wheels", "torch"])
def seed(session: nox.Session) -> None:
    """Run the seed suite alone (`tests` runs it too)."""
    test_seed(session)


@nox.session(python=PRIMARY, requires=["wheels", "torch"])
def demo(session: nox.Session) -> None:
    """Train and sample a small GPT, eager and lifted, and show what happened."""
    install(session, everything(), *group("examples"))
    session.run("python", str(ROOT / "examples" / "char_gpt" / "demo.py"), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels", "torch"])
def models(session: nox.Session) -> None:
    """Lift GPT-2, BERT and Llama of the library `transformers`, unchanged, and compare them with eager."""
    install(session, everything(), *group("models"))
    script = ROOT / "examples" / "library_model" / "demo.py"
    session.run("python", str(script), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels", "torch"])
def bench(session: nox.Session) -> None:
    """Measure against torch.compile and write benchmarks/RESULTS.md."""
    install(session, everything(), *group("benchmarks"))
    session.run("python", str(ROOT / "benchmarks" / "run.py"), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, reuse_venv=True, allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Check style, bugs, formatting and the layers."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": source_path()})


@nox.session(python=PRIMARY, requires=["torch"], allow_parallel=True)
def types(session: nox.Session) -> None:
    """Check types strictly: every package's source, and this file."""
    see_torch(session)
    third_party = {str(requirement) for package in PACKAGES.values() for requirement in package.third_party}
    session.install(*CONSTRAINTS, *sorted(third_party), *group("types"))
    sources = [str(package.source) for package in PACKAGES.values()]
    session.run("mypy", *sources, "noxfile.py", env={"MYPYPATH": source_path(), "PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels"], allow_parallel=True)
def build(session: nox.Session) -> None:
    """Check contents and metadata of each sdist and wheel, and that each README renders."""
    session.install(*group("project"), *group("check-build"))
    session.run("twine", "check", "--strict", *map(str, sorted(DIST.iterdir())))
    session.run(
        "pytest", str(ROOT / "tests" / "test_distributions.py"), env=clean_environment(FRAMELIFT_DIST=str(DIST))
    )
