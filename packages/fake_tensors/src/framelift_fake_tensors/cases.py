"""Conditions that only data decides, taken both ways.

`torch.cov` asks whether weights are negative, to raise then, and whether a divisor is, to warn then: its result has the
same metadata whatever the answers. So a call that asks for the truth of an unbacked condition is run again for each
answer, and where all the runs that raise nothing agree, that is the result; a run that raises is an error that depends
on data, which the real call raises too. Impossible combinations of answers may be tried as well; all that they can do
is disagree, and then the result is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from framelift_fake_tensors.cache import metadata_of
from framelift_fake_tensors.errors import DataDependentError, FakeTensorError
from framelift_fake_tensors.tensor import FakeTensor
from framelift_symbolic_shapes import DataDependentCondition, ShapeEnv

__all__ = ["agreed"]

_MOST_RUNS = 16


class _Asked(Exception):
    """A condition was asked for that no case says anything of."""


def agreed(
    env: ShapeEnv, run: Callable[[], Any], refuses: Callable[[], bool], name: str, fakes: Sequence[FakeTensor]
) -> Any:
    """Return what `run` returns, whatever the answers to the conditions that only data decides.

    Args:
        env: the environment that is asked.
        run: the call; it changes nothing, or `refuses` tells so.
        refuses: whether the last run did something that can't be done twice.
        name: of what is called, for messages.
        fakes: the fakes among the arguments.

    Raises:
        DataDependentError: the answers make a difference.
    """
    results: list[Any] = []
    errors: list[BaseException] = []
    cases: list[tuple[bool, ...]] = [()]
    for _ in range(_MOST_RUNS):
        if not cases:
            break
        case = cases.pop()
        known: dict[Any, bool] = {}
        answers = iter(case)
        try:
            results.append(_with_arbiter(env, run, known, answers))
            if _described(results[0], fakes) != _described(results[-1], fakes):
                raise DataDependentError(name)
        except _Asked:
            cases += [(*case, False), (*case, True)]
        except DataDependentCondition as error:  # a number was asked for
            raise DataDependentError(name) from error
        except FakeTensorError:  # about fakes, and no error of eager's
            raise
        except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
            errors.append(error)
        if refuses():
            raise DataDependentError(name)
    if cases:
        raise DataDependentError(name)
    if results:
        return results[0]
    raise errors[0]


def _with_arbiter(env: ShapeEnv, run: Callable[[], Any], known: dict[Any, bool], answers: Iterator[bool]) -> Any:
    def arbiter(condition: Any) -> bool:
        if condition not in known:
            answer = next(answers, None)
            if answer is None:
                raise _Asked
            known[condition] = answer
        return known[condition]

    env.arbiter = arbiter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the real call warns, if its data are so
            return run()
    finally:
        env.arbiter = None


def _described(result: Any, fakes: Sequence[FakeTensor]) -> Any:
    """Return a result as plain data that is equal for equal metadata and equal relations to the arguments."""
    if isinstance(result, FakeTensor):
        shared = [position for position, fake in enumerate(fakes) if fake.memory is result.memory]
        same = [position for position, fake in enumerate(fakes) if fake is result]
        return metadata_of(result), result.requires_grad, shared, same
    if isinstance(result, (list, tuple)):
        return type(result), [_described(item, fakes) for item in result]
    if isinstance(result, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return result.node.expr
    return type(result), result
