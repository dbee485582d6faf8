"""One decorator that lifts ordinary Python frames that use PyTorch into `torch.fx` graphs.

>>> import torch, framelift
>>> @framelift.compile(backend="eager")
... def f(x):
...     return x.sin() + 1
>>> f(torch.zeros(2))
tensor([1., 1.])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from framelift_comptime import comptime
from framelift_guards import Frozen, Sampled

from . import errors
from .backends import list_backends, register_backend
from .directives import allow_in_graph, assume_constant_result, disable, graph_break, is_compiling
from .everything import reset, set_stance
from .lifting import compile  # noqa: A004 - the name that users of torch.compile know
from .sizes import mark_dynamic, mark_static, mark_unbacked, maybe_mark_dynamic
from .supported import check_versions

__all__ = [
    "Frozen",
    "Sampled",
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "comptime",
    "disable",
    "errors",
    "explain",
    "graph_break",
    "is_compiling",
    "list_backends",
    "mark_dynamic",
    "mark_static",
    "mark_unbacked",
    "maybe_mark_dynamic",
    "register_backend",
    "reset",
    "set_stance",
]

if TYPE_CHECKING:
    from .explaining import explain

__version__ = "0.1.0"

check_versions()


def __getattr__(name: str) -> Any:
    # What needs a package that `import framelift` should not have to load is imported when it is asked for (PEP 562):
    # explanations are printed with rich, and `framelift.testing` needs its extra.
    if name == "explain":
        return importlib.import_module(".explaining", __name__).explain
    if name == "testing":
        return importlib.import_module(".testing", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
