"""FILE:FUNCTION: finding a function's code in a file without running it, or the function by running it."""

from __future__ import annotations

import ast
import inspect
import runpy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any


class TargetError(Exception):
    """What the user asked for isn't there, or can't be interpreted; the message says what is."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file and the qualified name of a function in it; `<locals>` may be left out."""

    file: Path
    function: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read FILE:FUNCTION.

        Raises:
            TargetError: it has no colon, or no such file.
        """
        file, colon, function = text.rpartition(":")
        if not colon or not file or not function:
            raise TargetError(f"{text!r} must be FILE:FUNCTION, as in program.py:main or program.py:Class.method")
        path = Path(file)
        if not path.is_file():
            kind = "is a folder" if path.is_dir() else "is no file"
            raise TargetError(f"{file} {kind}: give the path of a Python file before the colon")
        return cls(path, function)

    def code(self) -> CodeType:
        """The code object of the function, found in the compiled file, which is not run.

        Raises:
            TargetError: the file doesn't compile, or has no such function.
        """
        found = list(_functions(self._compiled(), ""))
        for name, code in found:
            if self.function in {name, code.co_qualname}:
                return code
        names = sorted({name for name, _ in found if not name.rpartition(".")[2].startswith("<")})
        listed = f"it has {', '.join(names)}" if names else "it has no function"
        raise TargetError(f"{self.file} has no function {self.function!r}; {listed}")

    def _compiled(self) -> CodeType:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return compile(self.file.read_bytes(), str(self.file), "exec", dont_inherit=True)
        except SyntaxError as error:
            place = f"{self.file}:{error.lineno}" if error.lineno else str(self.file)
            raise TargetError(f"{place}: {type(error).__name__}: {error.msg}") from error
        except ValueError as error:  # null bytes
            raise TargetError(f"{self.file}: it is no Python source: {error}") from error

    def load(self) -> FunctionType | MethodType:
        """The function, found by running the file as a module that is not `__main__`.

        Raises:
            TargetError: running the file fails, or it has no such function.
        """
        self._compiled()
        try:
            namespace = runpy.run_path(str(self.file), run_name=self.file.stem)
        except Exception as error:
            raise TargetError(f"{self.file}: running it raised {type(error).__name__}: {error}") from error
        found: Any = namespace
        for number, name in enumerate(self.function.split(".")):
            try:
                found = found[name] if number == 0 else getattr(found, name)
            except (KeyError, AttributeError):
                raise TargetError(
                    f"{self.file} has no {self.function!r} once it has run: give a function of the module, or a method "
                    "of one of its classes; one inside of another function can be shown, not run"
                ) from None
        if not isinstance(found, FunctionType | MethodType):
            raise TargetError(
                f"{self.function} of {self.file} is a {type(found).__name__}, not a Python function: it has no "
                "bytecode to interpret; call it from a Python function instead"
            )
        return found


def check_arguments(function: FunctionType | MethodType, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Bind the arguments as a call would.

    Raises:
        TargetError: they don't fit the function's parameters.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TargetError(f"{function.__qualname__}{signature} does not take these arguments: {error}") from None


def _functions(code: CodeType, outer: str) -> Iterator[tuple[str, CodeType]]:
    """The code objects inside another, by their names without `<locals>`."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            name = f"{outer}{constant.co_name}"
            yield name, constant
            yield from _functions(constant, f"{name}.")


def parse_arguments(texts: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """Python literals, and keyword=literal.

    Raises:
        TargetError: one of them is neither.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        keyword = bool(equals) and name.isidentifier()
        literal = rest if keyword else text
        try:
            value = ast.literal_eval(literal)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise TargetError(
                f"argument {text!r} is no Python literal: write 3, [1, 2], \"'text'\" (quoted for the shell too) or "
                "name=literal"
            ) from None
        if keyword:
            kwargs[name] = value
        else:
            args.append(value)
    return args, kwargs
