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


def _registered_name(operator: str) -> str:
    """Return the name that `torch.library` knows an operator by: the default overload goes without its own.

    >>> _registered_name("mylib.foo.default"), _registered_name("mylib.foo.out")
    ('mylib::foo', 'mylib::foo.out')
    """
    return operator.replace(".", "::", 1).removesuffix(".default")


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
        operator: the name of the operator, such as `mylib.foo.default`.
    """

    def __init__(self, operator: str) -> None:
        self.operator = operator
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(
            f"{operator} has no meta kernel, so its result can't be told from metadata{_asked_by(self.where)}; "
            f'register one with torch.library.register_fake("{_registered_name(operator)}").'
        )


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
        self.kind = kind
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(
            f"a fake tensor can stand for dense, strided tensors only; this one has {kind}{_asked_by(self.where)}."
        )


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
        self.function = function
        self.kind = kind
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(f"{function} received {kind}{_asked_by(self.where)}; {remedy}.")


class ForeignSymbolError(FakeTensorError):
    """A symbolic number of another environment met the fakes of this mode.

    Args:
        function: the name of the function that received it.
        symbol: how the number is written.
        has_environment: whether the mode has an environment at all.
    """

    def __init__(self, function: str, symbol: str, has_environment: bool) -> None:
        self.function = function
        self.symbol = symbol
        self.where = user_line()
        """File and line of the program that asked."""
        asked = _asked_by(self.where)
        super().__init__(
            f"{function} received {symbol}, of another environment than the mode's{asked}; "
            "make it with the same ShapeEnv."
            if has_environment
            else f"{function} received {symbol}, and the mode has no environment{asked}; "
            "give it that of the symbol: FakeMode(shape_env)."
        )


class NestedModeError(FakeTensorError):
    """A mode was entered inside another one.

    Args:
        active: what is entered already.
    """

    def __init__(self, active: str) -> None:
        self.active = active
        self.where = user_line()
        """File and line of the program that asked."""
        super().__init__(
            f"a FakeMode can't work inside {active}, since a tensor belongs to one mode{_asked_by(self.where)}; "
            "leave that one first, or use it for both."
        )
