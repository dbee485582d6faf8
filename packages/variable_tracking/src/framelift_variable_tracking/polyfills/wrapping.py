"""`functools.update_wrapper`, whose own code reaches into the dictionaries of functions."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True


def copy_fields(wrapper: Any, wrapped: Any) -> None:
    """`wrapper.__dict__.update(wrapped.__dict__)`; the domain knows a rule for this function."""
    wrapper.__dict__.update(wrapped.__dict__)


def update_wrapper(wrapper: Any, wrapped: Any, assigned: Any, updated: Any) -> Any:
    """`functools.update_wrapper` (Lib/functools.py)."""
    for name in assigned:
        try:
            value = getattr(wrapped, name)
        except AttributeError:
            pass
        else:
            setattr(wrapper, name, value)
    for name in updated:
        if name == "__dict__":
            copy_fields(wrapper, wrapped)
        else:
            getattr(wrapper, name).update(getattr(wrapped, name, {}))
    wrapper.__wrapped__ = wrapped
    return wrapper
