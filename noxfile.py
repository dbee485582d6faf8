"""Everything that is run on this repository, by name: `nox --list`.

Packages, the Pythons that they support and what they need are read from their `pyproject.toml` files (by
`tools/workspace.py`); nothing of that is repeated here. Sessions use virtualenv and pip: another installer would fetch
a CUDA build of torch.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # nox runs this file from its path, and then nothing beside it can be imported

from tools import compatibility  # noqa: E402
from tools.workspace import Package, Suite, Wanted, Workspace  # noqa: E402

nox.needs_version = ">=2026.8.10"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False  # a machine with one Python tests on that one, and says so
nox.options.download_python = "never"

DIST = ROOT / "dist"
SHARED = ROOT.parent / "shared"
WORKSPACE = Workspace(ROOT)
PRIMARY = WORKSPACE.pythons[0]  # of every session but `tests` and `matrix`; on 3.11 the pinned torch is a CPU build
TORCH = f"torch-{PRIMARY}"
PURE = {"FRAMELIFT_GUARDS_ACCELERATOR": "0"}  # for wheels that every Python installs
CONSTRAINTS = ("--constraint", str(ROOT / "constraints.txt"))


def working_tree_wheel(distribution: str) -> Path:
    (wheel,) = DIST.glob(f"{distribution.replace('-', '_')}-*.whl")
    return wheel


def install(
    session: nox.Session, wanted: Wanted, *requirements: str, released: Mapping[str, Path] | None = None
) -> None:
    """Install the wanted packages and all that they declare, and nothing else of ours.

    Our wheels are named as files, so an index can neither add nor replace one. torch is not installed but seen, through
    a `.pth` file that names the environment of the session `torch`: it is large, and the same everywhere. The session's
    environment must be a new one: pip leaves a wheel alone whose version is installed, whatever it holds.

    Args:
        session: the session to install into.
        wanted: the distributions and their extras.
        requirements: more requirements.
        released: wheels to install in place of those of the working tree.
    """
    siblings, others = WORKSPACE.closure(wanted)
    if "torch" in others:
        see_torch(session)
    files = {name: working_tree_wheel(name) for name in siblings} | dict(released or {})
    wheels = [f"{files[name]}[{','.join(sorted(extras))}]" for name, extras in siblings.items()]
    session.install(*CONSTRAINTS, *(wheel.removesuffix("[]") for wheel in wheels), *requirements)


def accelerate(session: nox.Session) -> None:
    """Install framelift-guards again, with what its build hook compiles here; without a compiler it stays as it is."""
    session.install(*group("build"))
    folder = WORKSPACE.packages["framelift-guards"].folder
    session.install("--no-build-isolation", "--no-deps", "--force-reinstall", str(folder))
    session.run("python", "-c", "import framelift_guards as g; print('accelerated:', g.accelerated)")


def python_of(session: nox.Session) -> str:
    assert isinstance(session.python, str)
    return session.python


def site_packages(environment: Path, python: str) -> Path:
    layout = {"base": str(environment), "platbase": str(environment)}
    here = sysconfig.get_path("purelib", "venv", layout)
    return Path(here.replace(f"python{sysconfig.get_python_version()}", f"python{python}"))


def see_torch(session: nox.Session) -> None:
    python = python_of(session)
    here = Path(session.virtualenv.location)
    other = here.parent / f"torch-{python.replace('.', '-')}"
    (site_packages(here, python) / "torch_of_the_session_torch.pth").write_text(f"{site_packages(other, python)}\n")


def source_path() -> str:
    return os.pathsep.join(str(package.source_root) for package in WORKSPACE.packages.values())


def group(name: str) -> list[str]:
    return WORKSPACE.dependency_group(name)


def clean_environment(**more: str) -> dict[str, str | None]:
    # One thread for each test process: sessions may run side by side, and their thread pools would fight for the cores.
    return {"PYTHONPATH": None, "PYTHONWARNINGS": None, "OMP_NUM_THREADS": "1", **more}


@nox.session(python=PRIMARY, reuse_venv=True, allow_parallel=True)
def wheels(session: nox.Session) -> None:
    """Build the sdist and the wheel of each package into dist/."""
    session.install(*group("build"))
    shutil.rmtree(DIST, ignore_errors=True)
    for package in WORKSPACE.packages.values():
        with session.chdir(package.folder):
            session.run("hatchling", "build", "--directory", str(DIST), silent=True, env=PURE)


@nox.session(python=WORKSPACE.pythons, reuse_venv=True, allow_parallel=True)
def torch(session: nox.Session) -> None:
    """Make the environment that holds torch, which the others see instead of installing it."""
    session.install(*CONSTRAINTS, *group("torch"))


def run_tests(session: nox.Session, package: Package, *options: str) -> None:
    """Run the tests of an installed package, and the examples in its docstrings."""
    session.run(
        "pytest",
        "--doctest-modules",
        "--hypothesis-profile=ci",  # the same examples each time; `-- --hypothesis-profile=default` looks for new ones
        *options,
        "--pyargs",
        package.import_name,
        str(package.folder / "tests"),
        *session.posargs,
        env=clean_environment(),
    )


def test_package(session: nox.Session, suite: Suite) -> None:
    """Test one package from its wheel, with only what it declares."""
    package = WORKSPACE.packages[suite.distribution]
    wanted = {suite.distribution: suite.extras}
    install(session, wanted, *package.test_requirements)
    siblings, others = WORKSPACE.closure(wanted)
    visible = [WORKSPACE.packages[name].import_name for name in siblings] + sorted(others & {"torch"})
    session.run("python", str(ROOT / "tests" / "visible.py"), *visible, env=clean_environment())
    # Without torch, the examples of the modules named after it cannot be run.
    run_tests(session, package, *(() if suite.needs_torch else ("--doctest-ignore-import-errors",)))


def test_accelerator(session: nox.Session, suite: Suite) -> None:
    """Test the guards once more, from a wheel that holds the C accelerator where it can be compiled."""
    package = WORKSPACE.packages[suite.distribution]
    install(session, {suite.distribution: suite.extras}, *package.test_requirements)
    accelerate(session)
    run_tests(session, package, *(() if suite.needs_torch else ("--doctest-ignore-import-errors",)))


def run_project_tests(session: nox.Session) -> None:
    session.run("pytest", str(ROOT / "tests"), *session.posargs, env=clean_environment(FRAMELIFT_DIST=str(DIST)))


def test_project(session: nox.Session) -> None:
    """Test what holds between the packages: metadata that agrees, documents that are true, distributions' contents."""
    install(session, WORKSPACE.everything, *group("project"))
    run_project_tests(session)


def run_seed_suite(session: nox.Session) -> None:
    suite = SHARED / "acceptance" / "seed_suite.py"
    if suite.exists():
        session.run("python", str(suite), env=clean_environment())
    else:
        session.warn("the seed suite is not part of this repository, and ../shared, where it would be, does not exist")


def test_seed(session: nox.Session) -> None:
    """Run the suite that specifies `comptime`, word for word, where it is at hand."""
    install(session, WORKSPACE.everything)
    run_seed_suite(session)


def accelerated_suites() -> list[Suite]:
    """Return the suites of the guards to be run with the accelerator: the widest on each Python."""
    suites = [suite for suite in WORKSPACE.suites() if suite.distribution == "framelift-guards"]
    return list({suite.python: suite for suite in sorted(suites, key=lambda suite: len(suite.extras))}.values())


RUNS: dict[str, tuple[str, Callable[[nox.Session], None]]] = {
    **{suite.id: (suite.python, functools.partial(test_package, suite=suite)) for suite in WORKSPACE.suites()},
    **{
        f"accelerated-{suite.id}": (suite.python, functools.partial(test_accelerator, suite=suite))
        for suite in accelerated_suites()
    },
    "project": (PRIMARY, test_project),
    "seed": (PRIMARY, test_seed),
}


@nox.session(requires=["wheels", TORCH], allow_parallel=True)
@nox.parametrize("python,suite", [nox.param(python, name, id=name) for name, (python, _) in RUNS.items()])
def tests(session: nox.Session, suite: str) -> None:
    """Test each package from its wheel with only what it declares, what holds between them, and the seed suite."""
    _, run = RUNS[suite]
    run(session)


@nox.session(python=WORKSPACE.pythons, requires=["wheels", "torch-{python}"])
def matrix(session: nox.Session) -> None:
    """Test all wheels together, with torch, on each Python present: every suite, what holds between them, the seed.

    On 3.12 and 3.13 the pinned torch is a CUDA build: 5 GB a Python, kept in .nox/ for the next run.
    """
    test_requirements = {text for package in WORKSPACE.packages.values() for text in package.test_requirements}
    install(session, WORKSPACE.everything, *sorted(test_requirements), *group("project"))
    runs = {package.name: functools.partial(run_tests, session, package) for package in WORKSPACE.packages.values()} | {
        "project": functools.partial(run_project_tests, session),
        "seed": functools.partial(run_seed_suite, session),
    }
    failed = []
    for name, run in runs.items():
        session.log(f"{name} on {python_of(session)}")
        try:
            run()
        except nox.command.CommandFailed:  # the others are worth knowing too
            failed.append(name)
    if failed:
        session.error(f"on {python_of(session)} these suites fail: {', '.join(failed)}")


@nox.session(python=PRIMARY, requires=["wheels", TORCH], allow_parallel=True)
@nox.parametrize(
    "distribution",
    [
        nox.param(package.distribution, id=package.name)
        for package in WORKSPACE.packages.values()
        if compatibility.siblings(WORKSPACE, package.metadata, package.extras)
    ],
)
def compat(session: nox.Session, distribution: str) -> None:
    """Test each package with the lowest versions of the others that it declares and that are tagged."""
    package = WORKSPACE.packages[distribution]
    choice = compatibility.choose(WORKSPACE, package)
    for name in choice.untagged:
        session.log(f"{name}: no version that {distribution} declares is tagged yet; the working tree serves")
    if not choice.tagged:
        session.log(f"{distribution}: nothing that it needs is tagged, so there is nothing to be compatible with")
        return
    session.install(*group("build"))
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder)  # what an earlier run left
    released = {}
    for name, version in choice.tagged.items():
        session.log(f"{name}: {version}, the lowest that is declared and tagged")
        with session.chdir(compatibility.extract(ROOT, WORKSPACE.packages[name], version, folder)):
            session.run(
                "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist"), silent=True, env=PURE
            )
        (released[name],) = (folder / "dist").glob(f"{name.replace('-', '_')}-{version}-*.whl")
    install(session, {distribution: package.extras}, *package.test_requirements, released=released)
    run_tests(session, package)


@nox.session(python=WORKSPACE.pythons, requires=["wheels"], reuse_venv=True)
def cpython(session: nox.Session) -> None:
    """Decode the whole standard library; run CPython's tests natively and interpreted; write CPYTHON_TESTS.md."""
    package = WORKSPACE.packages["framelift-bytecode-interp"]
    install(session, {package.distribution: frozenset()}, *package.test_requirements)
    decoding = package.folder / "tests" / "test_decode_against_dis.py"
    session.run("pytest", str(decoding), env=clean_environment(FRAMELIFT_WHOLE_LIBRARY="1"))
    script = package.folder / "tests" / "cpython" / "compare.py"
    table = package.folder / "CPYTHON_TESTS.md"
    session.run("python", str(script), "--table", str(table), *session.posargs, env=clean_environment())


@nox.session(python=PRIMARY, requires=["wheels", TORCH])
def op_db(session: nox.Session) -> None:
    """Compare fake results with real ones, and torch's fakes with both, on torch's op database; write OP_DB.md."""
    package = WORKSPACE.packages["framelift-fake-tensors"]
    install(session, {package.distribution: frozenset()}, *package.test_requirements)
    script = package.folder / "tests" / "op_db.py"
    table = package.folder / "OP_DB.md"
    session.run("python", str(script), "--table", str(table), *session.posargs, env=clean_environment())


@nox.session(python=PRIMARY, requires=["wheels", TORCH])
def seed(session: nox.Session) -> None:
    """Run the seed suite alone (`tests` runs it too)."""
    test_seed(session)


@nox.session(python=PRIMARY, requires=["wheels", TORCH])
def demo(session: nox.Session) -> None:
    """Train and sample a small GPT, eager and lifted, and show what happened."""
    install(session, WORKSPACE.everything, *group("examples"))
    session.run("python", str(ROOT / "examples" / "char_gpt" / "demo.py"), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels", TORCH])
def models(session: nox.Session) -> None:
    """Lift GPT-2, BERT and Llama of the library `transformers`, unchanged, and compare them with eager."""
    install(session, WORKSPACE.everything, *group("models"))
    script = ROOT / "examples" / "library_model" / "demo.py"
    session.run("python", str(script), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels", TORCH])
def bench(session: nox.Session) -> None:
    """Measure against torch.compile and write benchmarks/RESULTS.md."""
    install(session, WORKSPACE.everything, *group("benchmarks"))
    accelerate(session)
    session.run("python", str(ROOT / "benchmarks" / "run.py"), *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels", TORCH], allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Run the code of the documents, and build the documentation into build/docs; a warning is an error."""
    install(session, WORKSPACE.everything, *group("project"), *group("docs"))
    session.run("pytest", str(ROOT / "tests" / "test_documents.py"), env=clean_environment())
    session.run("mkdocs", "build", "--strict", "--clean", *session.posargs, env=clean_environment(PYTHONPATH=str(ROOT)))


@nox.session(python=PRIMARY, reuse_venv=True)
def release(session: nox.Session) -> None:
    """Prepare the release of one package: `nox -s release -- guards minor`; it prints what to do next."""
    session.install(*group("release"))
    session.run("python", "-m", "tools.release", *session.posargs, env={"PYTHONPATH": None})


@nox.session(python=PRIMARY, reuse_venv=True, allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Check style, bugs, formatting and the layers."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": source_path()})


@nox.session(python=PRIMARY, requires=[TORCH], allow_parallel=True)
def types(session: nox.Session) -> None:
    """Check types strictly: every package's source, and what the sessions are made of."""
    see_torch(session)
    session.install(*CONSTRAINTS, *WORKSPACE.third_party(), *group("types"))
    sources = [str(package.source_root) for package in WORKSPACE.packages.values()]
    session.run("mypy", *sources, "noxfile.py", "tools", env={"MYPYPATH": source_path(), "PYTHONPATH": None})


@nox.session(python=PRIMARY, requires=["wheels"], allow_parallel=True)
def build(session: nox.Session) -> None:
    """Check contents and metadata of each sdist and wheel, and that each README renders."""
    session.install(*group("project"), *group("check-build"))
    session.run("twine", "check", "--strict", *map(str, sorted(DIST.iterdir())))
    session.run(
        "pytest", str(ROOT / "tests" / "test_distributions.py"), env=clean_environment(FRAMELIFT_DIST=str(DIST))
    )
