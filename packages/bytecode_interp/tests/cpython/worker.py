"""Runs one of CPython's test modules, natively or interpreted, and reports each test's outcome as a line of JSON.

Usage: worker.py MODULE native|interpreted REPORT [TEST...]
"""

from __future__ import annotations

import doctest
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import threading
import types
import unittest
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exceptions import EXEMPT

LIBRARY = ("test.support", "test.libregrtest", "test.regrtest")
"""Modules of the `test` package that hold no tests: they stay native, as the rest of the standard library does."""


def is_tested(name: str) -> bool:
    """Whether a module is interpreted: it holds tests, or code that tests share."""
    return name.startswith("test.") and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in LIBRARY)


class Report(unittest.TestResult):
    """Writes what becomes of each test, at once."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.out = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
        self.outcome = ""
        self.text = ""

    def write(self, **entry: Any) -> None:
        self.out.write(json.dumps(entry) + "\n")
        self.out.flush()

    def _note(self, outcome: str, text: str = "") -> None:
        if self.outcome in {"", "passed"}:
            self.outcome, self.text = outcome, text

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.outcome = self.text = ""
        self.write(started=test.id())

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.write(test=test.id(), outcome=self.outcome, text=self.text[-6000:])

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self._note("passed")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._note("error", self.errors[-1][1])
        if not isinstance(test, unittest.TestCase):  # setUpClass or setUpModule
            self.write(test=test.id(), outcome="error", text=self.errors[-1][1][-6000:])

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._note("failed", self.failures[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self._note("skipped", reason)
        if not isinstance(test, unittest.TestCase):
            self.write(test=test.id(), outcome="skipped", text=reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self._note("expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._note("unexpected success")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            found = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._note("failed" if found is self.failures else "error", found[-1][1])


class Interpreting(importlib.abc.MetaPathFinder):
    """Has the modules that hold tests executed, and so all that they define, by the interpreter."""

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.files: set[str] = set()

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if not is_tested(name):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader.exec_module = types.MethodType(self._execute, spec.loader)  # type: ignore[method-assign]
        return spec

    def _execute(self, loader: Any, module: types.ModuleType) -> None:
        code = loader.get_code(module.__name__)
        self.files.add(code.co_filename)
        exec(self.domain.hosted_code(code), module.__dict__)


class Watch:
    """Sees each Python function that starts, and notes those of the tests that aren't interpreted."""

    def __init__(self, files: set[str], is_hosting: Callable[[types.CodeType], bool]) -> None:
        self.files = files
        self.is_hosting = is_hosting
        self.native: set[str] = set()
        self.seen = 0

    def note(self, code: types.CodeType) -> None:
        if code.co_filename in self.files or code.co_filename.startswith("<doctest"):
            if self.is_hosting(code):
                self.seen += 1
            else:
                self.native.add(f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_qualname}")

    def start(self) -> None:
        monitoring = getattr(sys, "monitoring", None)
        if monitoring is None:

            def profile(frame: types.FrameType, event: str, _argument: Any) -> None:
                if event == "call":
                    self.note(frame.f_code)

            sys.setprofile(profile)
            threading.setprofile(profile)
            return

        def started(code: types.CodeType, _offset: int) -> Any:
            self.note(code)
            return monitoring.DISABLE

        monitoring.use_tool_id(4, "no code of the tests runs natively")
        monitoring.register_callback(4, monitoring.events.PY_START, started)
        monitoring.set_events(4, monitoring.events.PY_START)


def main(module: str, mode: str, report: str, *selected: str) -> None:
    """Run the tests."""
    warnings.simplefilter("default")
    watch = None
    if mode == "native":
        Watch(set(), bool).start()  # as CPython merges variables into a frame's mapping for each profiled call
    else:
        from framelift_bytecode_interp.concrete.calls import never
        from framelift_bytecode_interp.concrete.hosted import HostedDomain

        domain = HostedDomain(never)
        interpreting = Interpreting(domain)
        sys.meta_path.insert(0, interpreting)
        doctest.exec = lambda code, names: exec(domain.hosted_code(code), names)  # type: ignore[attr-defined]
        if mode == "watched":
            watch = Watch(interpreting.files, domain.is_hosting)
            watch.start()
    result = Report(report)
    suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")

    def wanted(test: Any) -> Any:
        if isinstance(test, unittest.TestSuite):
            return unittest.TestSuite(filter(None, map(wanted, test)))
        left_out = [name for name, exempt in EXEMPT.items() if not exempt.run]
        if test.id() in left_out:
            return None
        return test if not selected or any(part in test.id() for part in selected) else None

    wanted(suite).run(result)
    if watch is not None:
        result.write(native=sorted(watch.native), hosted=watch.seen)
    result.write(ended=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
