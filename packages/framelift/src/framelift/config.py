"""What one `framelift.compile` was asked to do: an immutable value, passed down, never read from a global."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from framelift_guards import Checked, Guard, GuardMode, guard_mode
from framelift_guards.plain import show

from .backends import Backend, configured_backend, lookup_backend
from .errors import ConfigurationError

__all__ = ["Config"]


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """The settings of one compiled function or module.

    Args:
        backend: turns graphs into callables.
        dynamic: `True` makes sizes and numbers symbolic, `False` only marked sizes; `None` those, and what has varied.
        fullgraph: refuse graph breaks.
        recompile_limit: how many specialisations one function may have before its calls run eagerly, with a warning.
        verify: run each call eagerly as well, on copies, and compare.
        guards: how often which guards are checked.
        guard_filter: says of each guard whether to keep it.
    """

    backend: Backend
    dynamic: bool | None = None
    fullgraph: bool = False
    recompile_limit: int = 8
    verify: bool = False
    guards: GuardMode = Checked()  # noqa: RUF009 - a frozen value
    guard_filter: Callable[[Guard], bool] | None = None

    @classmethod
    def checked(
        cls,
        *,
        backend: Any,
        dynamic: object,
        fullgraph: object,
        mode: object,
        options: object,
        recompile_limit: object,
        verify: object = False,
        guards: object = "checked",
        guard_filter: object = None,
    ) -> Config:
        """Return the configuration for `compile`'s arguments.

        Raises:
            ConfigurationError: an argument has the wrong type or value.
            UnknownBackendError: no backend has that name.
        """
        if dynamic not in (None, True, False) or (isinstance(dynamic, int) and not isinstance(dynamic, bool)):
            raise ConfigurationError(
                "dynamic", "must be True, False or None", repr(dynamic), "leave it out to specialise on sizes"
            )
        if not isinstance(fullgraph, bool):
            raise ConfigurationError("fullgraph", "must be True or False", repr(fullgraph), "pass a bool")
        if mode is not None and not isinstance(mode, str):
            raise ConfigurationError("mode", "must be a string or None", repr(mode), "pass the name of a mode")
        if options is not None and not isinstance(options, Mapping):
            raise ConfigurationError("options", "must be a mapping or None", repr(options), "pass a dict")
        if isinstance(recompile_limit, bool) or not isinstance(recompile_limit, int) or recompile_limit < 1:
            raise ConfigurationError("recompile_limit", "must be a positive int", repr(recompile_limit), "pass 8, say")
        if not isinstance(verify, bool):
            raise ConfigurationError("verify", "must be True or False", repr(verify), "pass a bool")
        try:
            mode_of_guards = guard_mode(guards)
        except ValueError as error:
            raise ConfigurationError(
                "guards", "must be 'checked', 'sampled', 'frozen', framelift.Sampled(…) or framelift.Frozen(…)",
                show(guards), "leave it out to have every guard checked at every call",
            ) from error  # fmt: skip
        if guard_filter is not None and not callable(guard_filter):
            raise ConfigurationError(
                "guard_filter", "must be a function of a guard, or None", show(guard_filter),
                "pass one that returns True for each guard to keep",
            )  # fmt: skip
        given = {name: value for name, value in (("mode", mode), ("options", options)) if value is not None}
        if given and not isinstance(backend, str):
            raise ConfigurationError(
                next(iter(given)), "goes with a backend known by name", repr(backend), "bind it with functools.partial"
            )
        found = configured_backend(backend, mode, options) if given else lookup_backend(backend)
        return cls(found, dynamic, fullgraph, recompile_limit, verify, mode_of_guards, guard_filter)
