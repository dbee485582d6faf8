"""What can go wrong with fake tensors, as typed errors that state the subject, the rule and the remedy."""

from __future__ import annotations

from framelift_fake_tensors.user_line import user_line

__all__ = [
    "DataAccessError",
    "DataDependentError",
    "FakeTensorError",
    "ForeignSymbolError",
    "ForeignTensorError",
    "NestedModeError",
    "NoMetaKernelError",
    "PropagationError",
    "UnsupportedTensorError",
]


class FakeTensorError(RuntimeError):
    """The base of the errors of this package.

    >>> issubclass(DataDependentError, FakeTensorError)
    True
    """


def _asked_by(where: str | None) -> str:
    return "" if where is None else f" ({where} asks)"


class DataAccessError(FakeTensorError):
    """Something asked a fake tensor for its data, which it does not have.

    Args:
        operation: what was asked, such as `tolist()`.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(
            f"{operation} needs the data of a tensor, and a fake tensor has only metadata{_asked_by(self.where)}; "
            "use its shape, stride, dtype and device, or call this on the real tensor."
        )


class DataDependentError(FakeTensorError):
    """The result of an operator, or its shape, depends on the data of a tensor.

    Args:
        operator: the name of the operator, such as `aten._local_scalar_dense.default`.
    """

    def __init__(self, operator: str) -> None:
        self.operator = operator
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(
            f"{operator} depends on the data of a tensor: what it returns, or its shape, can't be told from metadata"
            f"{_asked_by(self.where)}."
        )


class NoMetaKernelError(FakeTensorError):
    """An operator says nothing about its result without data.

    Args:
        operator: the name of the operator, such as `mylib::foo.default`.
    """

    def __init__(self, operator: str) -> None:
        super().__init__(
            f"{operator} has no meta kernel, so its result can't be told from metadata; "
            "register one with torch.library.register_fake."
        )
        self.operator = operator


class PropagationError(FakeTensorError):
    """A torch function raised an error for the metadata of its arguments; `__cause__` is that error.

    Args:
        function: the name of the torch function that was called.
        cause: what it raised.
    """

    def __init__(self, function: str, cause: BaseException) -> None:
        super().__init__(f"{function} raised {type(cause).__name__}: {cause}")
        self.function = function


class UnsupportedTensorError(FakeTensorError):
    """A tensor of a kind that has no fake counterpart.

    Args:
        kind: what is unusual about the tensor, such as `layout torch.sparse_coo`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"a fake tensor can stand for dense, strided tensors only; this one has {kind}.")
        self.kind = kind


class ForeignTensorError(FakeTensorError):
    """A real tensor, or a fake one of another mode, met the fakes of this mode.

    Args:
        function: the name of the function or operator that received it.
        kind: what was received.
        remedy: what to do about it.
    """

    def __init__(
        self, function: str, kind: str, remedy: str = "make a fake of it with FakeMode.fake of this mode first"
    ) -> None:
        super().__init__(f"{function} received {kind}; {remedy}.")
        self.function = function
        self.kind = kind


class ForeignSymbolError(FakeTensorError):
    """A symbolic number of another environment met the fakes of this mode.

    Args:
        function: the name of the function that received it.
        symbol: how the number is written.
        has_environment: whether the mode has an environment at all.
    """

    def __init__(self, function: str, symbol: str, has_environment: bool) -> None:
        super().__init__(
            f"{function} received {symbol}, of another environment than the mode's; make it with the same ShapeEnv."
            if has_environment
            else f"{function} received {symbol}, and the mode has no environment; make it with FakeMode(shape_env)."
        )
        self.function = function
        self.symbol = symbol


class NestedModeError(FakeTensorError):
    """A mode was entered inside another one.

    Args:
        active: what is entered already.
    """

    def __init__(self, active: str) -> None:
        super().__init__(
            f"FakeMode can't be entered inside {active}: a tensor belongs to one mode; leave the other, or share it."
        )
