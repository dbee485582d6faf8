"""Real exceptions: raising, matching, chaining, groups."""

from __future__ import annotations

import inspect
from types import TracebackType
from typing import Any

from ..frame import NULL, Frame
from ..outcome import Raise, Result, Value
from .attempt import attempt
from .tracebacks import note_traceback

_NOT_CAUGHT = "catching classes that do not inherit from BaseException is not allowed"
_GROUP_CAUGHT = "catching ExceptionGroup with except* is not allowed. Use except instead."


def is_exception_class(value: Any) -> bool:
    """Whether `raise value` would instantiate it."""
    return isinstance(value, type) and issubclass_really(value, BaseException)


def issubclass_really(cls: type, parent: Any) -> bool:
    """Whether `parent` is in the MRO of `cls`; `except` ignores `__subclasscheck__` (Python/errors.c)."""
    return any(base is parent for base in cls.__mro__)


def set_context(exception: BaseException, handled: BaseException) -> None:
    """Chain an exception raised now to the handled one, without making a cycle (Python/errors.c, _PyErr_SetObject)."""
    if exception is handled:
        return
    link: BaseException = handled
    seen: set[int] = set()
    while link.__context__ is not None and id(link) not in seen:
        if link.__context__ is exception:
            link.__context__ = None
            break
        seen.add(id(link))
        link = link.__context__
    exception.__context__ = handled


def _instantiate(value: Any, refusal: str) -> BaseException:
    if isinstance(value, BaseException):
        return value
    if not is_exception_class(value):
        raise TypeError(refusal)
    made = value()
    if not isinstance(made, BaseException):
        raise TypeError(f"calling {value!r} should have returned an instance of BaseException, not {type(made)!r}")
    return made


def catches(exception: BaseException, types: Any) -> bool:
    """Whether `except types` catches an exception.

    Raises:
        TypeError: `types` is neither an exception class nor a tuple of them.
    """
    candidates = types if isinstance(types, tuple) else (types,)
    if not all(is_exception_class(candidate) for candidate in candidates):
        raise TypeError(_NOT_CAUGHT)
    return any(issubclass_really(type(exception), candidate) for candidate in candidates)


def exception_to_raise(exception: Any, cause: Any = NULL) -> BaseException:
    """The exception of `raise exception from cause` (Python/ceval.c, do_raise); NULL where there is no `from`.

    Raises:
        TypeError: one of them is no exception.
    """
    made = _instantiate(exception, "exceptions must derive from BaseException")
    if cause is None:
        made.__cause__ = None
    elif cause is not NULL:
        made.__cause__ = _instantiate(cause, "exception causes must derive from BaseException")
    return made


def same_metadata(left: BaseException, right: BaseException) -> bool:
    """Whether an exception is an unchanged part of a group (Objects/exceptions.c, is_same_exception_metadata)."""
    return (
        getattr(left, "__notes__", None) is getattr(right, "__notes__", None)
        and left.__traceback__ is right.__traceback__
        and left.__cause__ is right.__cause__
        and left.__context__ is right.__context__
    )


def leaves(exception: BaseException) -> set[int]:
    """The identities of the exceptions that aren't groups."""
    if not isinstance(exception, BaseExceptionGroup):
        return {id(exception)}
    return set().union(*(leaves(inner) for inner in exception.exceptions))


def remaining(original: BaseException, exceptions: list[BaseException | None]) -> BaseException | None:
    """What is raised after `except*` clauses (Objects/exceptions.c, _PyExc_PrepReraiseStar)."""
    present = [exception for exception in exceptions if exception is not None]
    if not present:
        return None
    if not isinstance(original, BaseExceptionGroup):
        return present[0]
    raised = [exception for exception in present if not same_metadata(exception, original)]
    kept: set[int] = set()
    for exception in present:
        if same_metadata(exception, original):
            kept |= leaves(exception)
    reraised = original.subgroup(
        lambda inner: not isinstance(inner, BaseExceptionGroup) and id(inner) in kept  # a group is searched, not kept
    )
    if not raised:
        return reraised
    if reraised is not None:
        raised.append(reraised)
    return raised[0] if len(raised) == 1 else BaseExceptionGroup("", raised)


class ConcreteExceptions:
    """Implements `domain.Exceptions`."""

    def new_exception(self, cls: type[BaseException], *args: Any) -> Any:
        return cls(*args)

    def raise_exception(self, exception: Any, cause: Any, handled: Any) -> Result[Any]:
        if exception is NULL:
            if handled is None:
                return Raise(RuntimeError("No active exception to reraise"))
            return Raise(handled, again=True)
        made = attempt(exception_to_raise, exception, cause)
        if isinstance(made, Raise):
            return made
        if handled is not None:
            set_context(made.value, handled)
        return Raise(made.value)

    def matches(self, exception: Any, types: Any) -> Result[Any]:
        return attempt(catches, exception, types)

    def split_group(self, exception: Any, types: Any) -> Result[Any]:
        matched = self.matches(exception, types)
        if not isinstance(matched, Value):
            return matched
        candidates = types if isinstance(types, tuple) else (types,)
        if any(issubclass_really(candidate, BaseExceptionGroup) for candidate in candidates):
            return Raise(TypeError(_GROUP_CAUGHT))
        if matched.value:
            group = isinstance(exception, BaseExceptionGroup)
            return Value((None, exception if group else BaseExceptionGroup("", (exception,))))
        if not isinstance(exception, BaseExceptionGroup):
            return Value((exception, None))
        split = attempt(exception.split, types)
        return Value((split.value[1], split.value[0])) if isinstance(split, Value) else split

    def reraise_star(self, original: Any, exceptions: Any) -> Result[Any]:
        return attempt(remaining, original, exceptions)

    def is_stop_iteration(self, exception: Any) -> bool:
        return isinstance(exception, StopIteration)

    def new_stop_iteration(self, value: Any) -> Any:
        return StopIteration(value) if value is not None else StopIteration()

    def stop_iteration_value(self, exception: Any) -> Any:
        return exception.value

    def generator_raised(self, frame: Frame[Any], exception: Any) -> Any:
        flags = frame.code.raw.co_flags
        if flags & inspect.CO_ASYNC_GENERATOR:
            kind = "async generator"
        else:
            kind = "coroutine" if flags & inspect.CO_COROUTINE else "generator"
        if isinstance(exception, StopIteration):
            text = f"{kind} raised StopIteration"
        elif isinstance(exception, StopAsyncIteration) and kind == "async generator":
            text = f"{kind} raised StopAsyncIteration"
        else:
            return exception
        error = RuntimeError(text)
        error.__cause__ = error.__context__ = exception
        return error

    def note_traceback(self, exception: Any, frame: Frame[Any]) -> None:
        note_traceback(exception, frame)

    def set_context(self, exception: Any, handled: Any) -> None:
        """As CPython would have, had the operation run under `handled`: its oldest exception was raised under it."""
        last, seen = exception, set()
        while last is not handled and last.__context__ is not None and id(last) not in seen:
            seen.add(id(last))
            last = last.__context__
        if last is not handled and id(last) not in seen:
            set_context(last, handled)

    def exception_details(self, exception: Any) -> tuple[Any, Any, TracebackType | None]:
        return type(exception), exception, exception.__traceback__
