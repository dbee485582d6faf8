"""Which torch callables become one node of the graph when called.

Everything that torch lets a tensor subclass override is a tensor operation by torch's own declaration
(`torch.overrides.get_overridable_functions`); what else is to be one node is listed by name: factories, which take no
tensor. Other Python functions of torch are ordinary Python, and are inlined.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import types
from typing import cast

import torch
import torch._ops
import torch.overrides

__all__ = ["changes_autograd", "is_graph_function", "left_to_eager", "tensor_method_name"]

_LISTED = (
    "arange", "as_strided", "as_tensor", "asarray", "bartlett_window", "blackman_window", "empty", "empty_like",
    "empty_permuted", "empty_strided", "eye", "fill", "from_numpy", "full", "full_like", "hamming_window",
    "hann_window", "kaiser_window", "linspace", "logspace", "normal", "ones", "ones_like", "rand", "rand_like",
    "randint", "randint_like", "randn", "randn_like", "randperm", "range", "scalar_tensor", "sparse_coo_tensor",
    "sparse_csr_tensor", "tensor", "tril_indices", "triu_indices", "vander", "zeros", "zeros_like",
)  # fmt: skip
"""Names below `torch`, dots included; a torch that lacks one does without."""

# These change an existing tensor in what compilers keep outside of graphs: what it is a view of, its memory's size.
_CHANGING_TENSORS = frozenset({"detach_", "resize_", "resize_as_"})

_CHANGING_AUTOGRAD = frozenset({"Parameter", "requires_grad_", "retain_grad"})

# A fake has no tangent: what these return would be known wrongly.
_FORWARD_GRADIENTS = frozenset({"_make_dual", "_unpack_dual", "_fw_primal"})

_BUILTIN_HOMES = ("torch._C._nn", "torch._C._fft", "torch._C._linalg", "torch._C._special", "torch._C._sparse")


@functools.cache
def _declared() -> dict[int, object]:
    # Keyed by identity, and holding the function, so that an id is never reused: torch's callables live for ever.
    functions: dict[int, object] = {}
    for namespace, members in torch.overrides.get_overridable_functions().items():
        if namespace is not torch.Tensor:
            functions.update((id(member), member) for member in members if not isinstance(member, type))
    for name in _LISTED:
        with contextlib.suppress(AttributeError):
            function = operator.attrgetter(name)(torch)
            functions[id(function)] = function
    functions.update((id(member), member) for member in _OF_DTYPES)
    return functions


_OF_DTYPES = (torch.result_type, torch.promote_types, torch.can_cast)
"""What metadata decides; the answer becomes a constant."""

_TENSOR_TYPES = ("Tensor", "Tensor?", "Tensor[]", "List[Tensor]", "Optional[Tensor]")


def _returns_tensors(function: types.BuiltinFunctionType) -> bool:
    """Tell whether the schema of a function of C that no subclass can override says that tensors are all it returns.

    `torch.relu_` is one. What returns a number may have looked at memory, which fakes do not have.
    """
    if id(function) in _declined():
        return False
    packet = getattr(torch.ops.aten, function.__name__, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return False
    schemas = [getattr(packet, overload)._schema for overload in packet.overloads()]  # type: ignore[no-untyped-call]
    return all(str(value.type) in _TENSOR_TYPES for schema in schemas for value in schema.returns)


@functools.cache
def _declined() -> dict[int, object]:
    return {id(member): member for member in torch.overrides.get_ignored_functions()}


def is_graph_function(function: object) -> bool:
    """Say whether a call of `function` is recorded as one node.

    >>> is_graph_function(torch.sin), is_graph_function(torch.nn.functional.linear), is_graph_function(torch.zeros)
    (True, True, True)
    >>> is_graph_function(len), is_graph_function(torch.is_grad_enabled)
    (False, False)
    """
    if id(function) in _declared():
        return True
    kind = type(function)
    if kind is types.BuiltinFunctionType:
        if function is getattr(torch._C._VariableFunctions, function.__name__, None):  # type: ignore[attr-defined]
            return _returns_tensors(cast("types.BuiltinFunctionType", function))
        return getattr(function, "__module__", None) in _BUILTIN_HOMES
    return kind in (torch._ops.OpOverload, torch._ops.OpOverloadPacket)


@functools.cache
def _python_methods() -> dict[int, str]:
    overridable = {id(member) for member in torch.overrides.get_overridable_functions()[torch.Tensor]}
    return {
        id(member): name
        for name, member in vars(torch.Tensor).items()
        if type(member) is types.FunctionType and id(member) in overridable and not name.startswith("__")
    }


def tensor_method_name(function: object) -> str | None:
    """Return the name of a method of `torch.Tensor` that torch wrote in Python, None for any other callable.

    >>> tensor_method_name(torch.Tensor.split), tensor_method_name(torch.split)
    ('split', None)
    """
    return _python_methods().get(id(function))


def changes_autograd(name: str, requires_grad: object) -> bool:
    """Tell whether a call of the function or method `name` makes a leaf of autograd's, or has a gradient kept.

    A graph may hold it, but nothing may be traced through it: a compiler knows the leaves that it is given.

    Args:
        name: the function's name.
        requires_grad: its argument of that name, if it has one.

    >>> changes_autograd("requires_grad_", None), changes_autograd("zeros", True), changes_autograd("zeros", False)
    (True, True, False)
    """
    return name in _CHANGING_AUTOGRAD or requires_grad is True


def left_to_eager(name: str, requires_grad: object, *, traced: bool = False) -> str | None:
    """Return what a call of the function or method `name` does that no graph may hold; None if it may be recorded.

    Args:
        name: the function's name.
        requires_grad: its argument of that name, if it has one.
        traced: the call is in a function that torch calls while it traces.

    >>> left_to_eager("resize_", None)
    'resize_, which changes its tensor outside of the graph,'
    >>> left_to_eager("zeros", True, traced=True)
    'zeros of a new tensor that requires grad'
    >>> left_to_eager("zeros", True), left_to_eager("detach", None)
    (None, None)
    """
    if name.startswith("_fused_"):  # of an optimizer; AOTAutograd fails over them (torch 2.11 to 2.13)
        return f"{name}, which is one kernel already,"
    if name in _FORWARD_GRADIENTS:
        return f"{name}, which is about gradients in forward mode,"
    if name in _CHANGING_TENSORS or (traced and name in _CHANGING_AUTOGRAD):
        return f"{name}, which changes its tensor outside of the graph,"
    return f"{name} of a new tensor that requires grad" if traced and changes_autograd(name, requires_grad) else None
