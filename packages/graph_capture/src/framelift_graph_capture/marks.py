"""What a program says of a function by a mark: run it outside of graphs, make it one node, take its result as known.

Each mark is an attribute of the function, so nothing is kept in a table and the mark goes with the function. torch's
marks mean the same: what `torch.compiler` leaves on functions, and its tables of identities, which exist only where
the program itself has imported `torch._dynamo`.
"""

from __future__ import annotations

import enum
import sys
import types

__all__ = ["Mark", "keeps_count_for_dynamo", "mark", "mark_of", "runs_as_a_whole"]

_ATTRIBUTE = "_framelift_mark"
_UNMARKED = (None, None)


class Mark(enum.Enum):
    """What a capture makes of a call of a marked function."""

    DISABLED = "disable"
    """It breaks the graph: the function runs for real."""
    ALLOWED = "allow_in_graph"
    """It becomes one node, whatever the function does inside."""
    CONSTANT = "assume_constant_result"
    """The function is called during the capture, and what it returns is taken to be the same ever after."""


_TORCH_ATTRIBUTES = (("_torchdynamo_disable", Mark.DISABLED), ("_dynamo_marked_constant", Mark.CONSTANT))
_TORCH_TABLES = (("_allowed_callable_ids", Mark.ALLOWED), ("_disallowed_callable_ids", Mark.DISABLED))


def mark(function: types.FunctionType, meaning: Mark) -> None:
    """Mark a function; a mark that it had is replaced.

    >>> def f(): ...
    >>> mark(f, Mark.ALLOWED)
    >>> mark_of(f)
    <Mark.ALLOWED: 'allow_in_graph'>
    """
    function.__dict__[_ATTRIBUTE] = meaning, function.__code__


def mark_of(function: object) -> Mark | None:
    """Return how a callable is marked, by framelift or by torch; None when it is not.

    >>> mark_of(len) is None
    True
    """
    if isinstance(function, types.FunctionType) and function.__dict__:
        fields = function.__dict__
        meaning, code = fields.get(_ATTRIBUTE, _UNMARKED)
        if code is function.__code__:  # not a wrapper, to which `functools.wraps` has copied the attributes
            return meaning  # type: ignore[no-any-return]
        for attribute, meaning in _TORCH_ATTRIBUTES:
            if fields.get(attribute) is True:
                return meaning
    if _lifts(function) or runs_as_a_whole(function):
        return Mark.DISABLED
    rules = sys.modules.get("torch._dynamo.trace_rules")
    if rules is not None:
        for table, meaning in _TORCH_TABLES:
            if id(function) in getattr(rules, table, ()):
                return meaning
    return None


_WHOLE_MODULES = (
    "torch._functorch.eager_transforms", "torch._functorch.vmap", "torch._higher_order_ops",
    "torch.serialization", "torch.storage", "torch._compile",
)  # fmt: skip
"""Modules of torch none of whose functions can be captured to their ends: they push levels of torch's interpreters of
functions, handle files and the bytes of storages, or keep torch's compiler away."""

_WHOLE_FUNCTIONS = frozenset(
    {
        ("torch.autograd", "backward"),
        ("torch.autograd", "grad"),
        ("torch._tensor", "Tensor.__deepcopy__"),
        ("torch.nn.parameter", "Parameter.__deepcopy__"),
        ("torch.nn.modules.lazy", "LazyModuleMixin._infer_parameters"),
        ("torch.utils.hooks", "RemovableHandle.__init__"),
        ("torch.utils.hooks", "RemovableHandle.remove"),
    }
)
"""The like functions of modules that have others too: autograd's engine, copies of storages, shapes of parameters, and
handles of hooks, whose numbers are a count of the whole process."""


def runs_as_a_whole(function: object) -> bool:
    """Tell whether a function is one of torch's own that no capture gets through, which runs for real as a whole.

    Captured in pieces, each would break wherever it calls C code, a hundred times for one `torch.save`.

    >>> import torch
    >>> runs_as_a_whole(torch.save), runs_as_a_whole(torch.nn.functional.relu)
    (True, False)
    """
    if not isinstance(function, types.FunctionType):
        return False
    name = function.__globals__.get("__name__")
    return isinstance(name, str) and (
        name.startswith(_WHOLE_MODULES) or (name, function.__code__.co_qualname) in _WHOLE_FUNCTIONS
    )


def keeps_count_for_dynamo(function: object) -> bool:
    """Tell whether a function notes down a module for Dynamo, which asks what it noted of no module that a graph makes.

    Where `torch._dynamo` is imported, as Inductor imports it, each `nn.Module()` ends with a call of it; it stores the
    address of the module in a table of all modules there are.

    >>> keeps_count_for_dynamo(len)
    False
    """
    if not isinstance(function, types.FunctionType):
        return False
    name = function.__globals__.get("__name__")
    return name == "torch._dynamo.mutation_guard" and function.__code__.co_qualname == "GenerationTracker.tag"


def _lifts(function: object) -> bool:
    """Tell whether a function belongs to what lifts functions: `framelift` itself runs for real, and is not captured.

    So does `torch.compile`: what it returned is a function of torch's that looks after frames of its own.

    A module of ours whose functions are part of the program, such as `framelift.graph_break`, is hidden instead.
    """
    if not isinstance(function, types.FunctionType):
        return False
    name = function.__globals__.get("__name__")
    if name == "torch._dynamo.eval_frame":
        return True
    if (
        not isinstance(name, str)
        or name.partition(".")[0] != "framelift"
        or "__framelift_hidden__" in function.__globals__
    ):
        return False
    module = sys.modules.get(name)  # an example in a docstring has a copy of the module's globals
    return module is not None and vars(module) is function.__globals__
