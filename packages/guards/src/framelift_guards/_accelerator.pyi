from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import final

@final
class CheckPlan:
    def __new__(
        cls,
        inputs: int,
        constants: tuple[object, ...],
        steps: tuple[tuple[int, int, object], ...],
        outputs: tuple[int | tuple[int, ...], ...],
    ) -> CheckPlan: ...
    def __call__(self, *values: object) -> tuple[object, ...] | None: ...

@final
class BodyImages:
    def __new__(
        cls,
        imaged: tuple[bool, ...],
        whole: Callable[..., bool],
        divide: Callable[[tuple[bool, ...], tuple[object, ...]], tuple[tuple[int, ...], Callable[..., bool]]],
        pointer: int,
        body: tuple[tuple[int, int], ...],
        link: int,
        linked: tuple[tuple[int, int], ...],
    ) -> BodyImages: ...
    def __call__(self, *objects: object) -> bool: ...

@final
class StateCheck:
    def __new__(
        cls, questions: tuple[tuple[Callable[..., object], tuple[object, ...], object, type | None], ...]
    ) -> StateCheck: ...
    def __call__(self) -> bool: ...

@final
class Values:
    def __new__(cls, values: Iterable[object], /) -> Values: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> object: ...
    def __iter__(self) -> Iterator[object]: ...

def apply(function: Callable[..., object], /, *arguments: object) -> object: ...
def code_of(function: FunctionType, /) -> CodeType: ...
