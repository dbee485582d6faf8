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
