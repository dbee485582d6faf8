"""Operators of libraries: what `torch.library.register_fake` registered for them, and what that can ask of the mode.

`torch.library.get_ctx()` is one variable of the whole process; what is put there tells each thread its own answer.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch._library import fake_impl, simple_registry
from torch._ops import OpOverload

if TYPE_CHECKING:
    from framelift_fake_tensors.data_dependent import NewNumber

__all__ = ["Context", "custom_fake", "in_context"]


class Context:
    """What `torch.library.get_ctx()` gives to the fake of an operator.

    Args:
        new_number: makes the symbols, or raises `DataDependentError`.

    >>> Context(lambda name, kind=int, *, minimum=None, maximum=None: (minimum, maximum)).new_dynamic_size(max=9)
    (0, 9)
    """

    def __init__(self, new_number: NewNumber) -> None:
        self._new_number = new_number

    def new_dynamic_size(self, *, min: int = 0, max: int | None = None) -> Any:  # noqa: A002  # torch's names
        """Return a size that only data can tell.

        Args:
            min: the least that it can be.
            max: the greatest; without it, there is none.

        Raises:
            ValueError: these are no numbers, or they are negative, or no size is between them.
            DataDependentError: the mode makes no symbols for data.
        """
        if type(min) is not int or not (max is None or type(max) is int):
            raise ValueError(f"new_dynamic_size takes numbers for min and max, not {min!r} and {max!r}")
        if min < 0 or (max is not None and max < min):
            raise ValueError(f"new_dynamic_size: no size is at least {min} and at most {max}; a size is at least 0")
        return self._new_number("size of a custom operator's result", minimum=min, maximum=max)

    def create_unbacked_symint(self, *, min: int = 2, max: int | None = None) -> Any:  # noqa: A002
        """Return the same; it is torch's old name."""
        return self.new_dynamic_size(min=min, max=max)


class _Here(threading.local):
    """The contexts of the fakes that this thread is in."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []


_here = _Here()


def custom_fake(operator: OpOverload) -> Callable[..., Any] | None:
    """Return what is registered as the fake of an operator of a library, if anything is.

    Args:
        operator: the operator.

    >>> import torch
    >>> custom_fake(torch.ops.aten.add.Tensor) is None
    True
    """
    kernel: Callable[..., Any] | None = simple_registry.singleton.find(str(operator._schema.name)).fake_impl.kernel
    return kernel


@contextlib.contextmanager
def in_context(new_number: NewNumber) -> Iterator[None]:
    """Have `torch.library.get_ctx()` give a context.

    Args:
        new_number: makes the symbols of sizes that only data can tell.

    >>> import torch
    >>> with in_context(lambda name, kind=int, *, minimum=None, maximum=None: minimum):
    ...     torch.library.get_ctx().new_dynamic_size(min=1)
    1
    """
    before = fake_impl.global_ctx_getter
    here = _here.contexts
    here.append(Context(new_number))
    try:
        with fake_impl.set_ctx_getter(lambda: _here.contexts[-1] if _here.contexts else before()):
            yield
    finally:
        here.pop()
