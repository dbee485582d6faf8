"""Tensors: metadata is answered at once from the fake, everything else becomes a node of the graph."""

from __future__ import annotations

import ast
import operator
import types
from typing import Any

import torch
from torch.autograd import forward_ad

from framelift_bytecode_interp import (
    BINARY_OPERATORS,
    COMPARISONS,
    INPLACE_OPERATORS,
    UNARY_OPERATORS,
    Break,
    Raise,
    Result,
    Value,
)
from framelift_guards import AttributeSource, CallSource, Equals, HasAttribute, LacksAttribute, Source
from framelift_guards.naming import reads
from framelift_variable_tracking import (
    DELETED,
    Answer,
    Arguments,
    BoundMethodVariable,
    ConstantVariable,
    DeleteAttribute,
    Emitter,
    HashKey,
    Keywords,
    OpaqueVariable,
    SetAttribute,
    Tracking,
    TupleVariable,
    TypeHandler,
    Variable,
)

from ..reasons import DataDependent, UnsupportedTensor
from ..session import Session
from ..tensor_classes import asked_by
from ..variables import SymbolicNumberVariable, TensorVariable

__all__ = ["TensorHandler", "session_of"]

# Answered from the fake, without a node.
CONSTANT_ATTRIBUTES = frozenset({
    "device", "dtype", "is_cpu", "is_cuda", "is_leaf", "is_meta", "is_mps", "is_mkldnn", "is_nested",
    "is_quantized", "is_sparse", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "itemsize",
    "layout", "ndim", "requires_grad", "retains_grad",
})  # fmt: skip
# Of these, what the predicate on a tensor's metadata does not say.
HISTORY_ATTRIBUTES = frozenset({"is_leaf", "retains_grad"})
VIEW_ATTRIBUTES = frozenset({"H", "T", "data", "imag", "mH", "mT", "real"})
METADATA_METHODS = frozenset({
    "dim", "element_size", "get_device", "is_complex", "is_conj", "is_contiguous", "is_floating_point", "is_inference",
    "is_neg", "is_signed", "ndimension", "nelement", "numel", "size", "stride",
})  # fmt: skip
DATA_METHODS = frozenset({
    "__array__", "__bool__", "__complex__", "__float__", "__index__", "__int__", "data_ptr", "item", "numpy", "tolist",
    "untyped_storage", "storage", "__format__", "__repr__", "__str__", "is_shared", "share_memory_", "equal",
    "allclose", "is_nonzero", "backward", "storage_offset", "register_hook", "__reduce_ex__", "__dlpack__",
    "__deepcopy__", "_is_view",
})  # fmt: skip


def session_of(domain: Tracking) -> Session:
    """Return the session that records for a domain."""
    recorder = domain.recorder
    assert isinstance(recorder, Session)
    return recorder


_HAS_NAMES = getattr(torch.Tensor, "has_names", lambda tensor: False)
"""Tells whether dimensions have names: up to torch 2.12 they may."""


@reads
def is_representable(tensor: torch.Tensor) -> bool:
    """Tell whether a fake can stand for a tensor: it is dense and strided, and holds its elements as they are."""
    return not (
        tensor.layout is not torch.strided
        or torch._C._functorch.is_functorch_wrapped_tensor(tensor)
        or tensor.is_nested
        or tensor.is_quantized
        or tensor.is_conj()
        or tensor.is_neg()
        or _HAS_NAMES(tensor)
        or has_tangent(tensor)
    )


def has_tangent(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor carries a gradient in forward mode, which no fake does."""
    return forward_ad._current_level >= 0 and forward_ad.unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]


def keeps_gradient(tensor: torch.Tensor) -> bool:
    """Tell whether gradients are left in a tensor's `grad`."""
    return tensor.is_leaf or tensor.retains_grad


def _is_free(name: str) -> bool:
    """Tell whether torch has no attribute of this name: a program's own is kept in the tensor's dictionary."""
    return not hasattr(torch.nn.Parameter, name) and name not in _TORCHS_OWN


_TORCHS_OWN = frozenset({"_backward_hooks", "_post_accumulate_grad_hooks"})


class TensorHandler(TypeHandler):
    """`torch.Tensor` and `torch.nn.Parameter`; subclasses with behaviour of their own are opaque."""

    covers_subclasses = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        known = cls is torch.Tensor or cls is torch.nn.Parameter or cls.__mro__[-5:] == _PARAMETER_MRO_TAIL
        if known and is_representable(value):
            return TensorVariable(cls, source=source, value=value)
        if known:  # so that an ordinary tensor in its place is captured for itself
            domain.guard(CallSource(is_representable, source, " can be captured"), Equals(False))
        opaque = super().wrap(domain, value, source)
        assert isinstance(opaque, OpaqueVariable)
        return opaque

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        session = session_of(domain)
        if cls is torch.nn.Parameter and session.asks_tensor(cls, "__new__"):
            if not args and "data" not in kwargs:
                made = session.record(domain.frame, torch.empty, (domain.constant(0),), {})
                if not isinstance(made, Value):
                    return made
                kwargs = {"data": made.value, **kwargs}
            return session.record(domain.frame, cls, args, kwargs)
        if cls is torch.nn.Buffer:
            return domain.call(domain.frame, domain.reference(cls.__new__), (domain.reference(cls), *args), kwargs)
        return super().construct(domain, cls, args, kwargs)

    # ---- attributes and methods -------------------------------------------------------------------------------------

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        tensor = self._tensor(domain, variable)
        if tensor is None:
            return domain.unsupported(variable, f"reading the attribute {name!r}")
        session = session_of(domain)
        if not session.asks_tensor(tensor.cls, name):
            return self._patched(domain, tensor, name)
        if name in tensor.fields:
            found = tensor.fields[name]
            return Value(found) if found is not DELETED else self._no_attribute(domain, tensor, name)
        if name == "shape":
            return Value(self._size(domain, session.realise(tensor).fake))
        if name == "nbytes":
            fake: Any = session.realise(tensor).fake
            return Value(session.number(fake.numel() * fake.element_size()))
        if name == "grad":
            return self._gradient(domain, tensor)
        if name in CONSTANT_ATTRIBUTES:
            if name in HISTORY_ATTRIBUTES:
                self._rely_on_history(domain, tensor, name)
            return Value(domain.constant(getattr(session.realise(tensor).fake, name)))
        if name == "grad_fn" and self._is_leaf(domain, tensor):
            return Value(domain.constant(None))
        if name in VIEW_ATTRIBUTES:
            return session.record(domain.frame, getattr, (tensor, domain.constant(name)), {})
        if name == "__class__":
            return Value(domain.reference(tensor.cls))
        found = getattr(tensor.cls, name, None)
        if callable(found):
            method = domain.reference(found)
            return Value(BoundMethodVariable(method, tensor))
        if found is not None:
            return Break(UnsupportedTensor(f"the tensor attribute {name!r}"))
        return self._user_attribute(domain, tensor, name)

    def _rely_on_history(self, domain: Tracking, tensor: TensorVariable, name: str) -> None:
        """Guard an attribute of an existing tensor as it was, whatever the program has done to the tensor since."""
        if tensor.source is not None and tensor.value is not None:
            domain.guard(AttributeSource(tensor.source, name), Equals(getattr(tensor.value, name)))

    def _is_leaf(self, domain: Tracking, tensor: TensorVariable) -> bool:
        self._rely_on_history(domain, tensor, "is_leaf")
        fake: Any = session_of(domain).realise(tensor).fake
        return bool(fake.is_leaf)

    def _patched(self, domain: Tracking, tensor: TensorVariable, name: str) -> Answer:
        found = next((vars(cls)[name] for cls in tensor.cls.__mro__ if name in vars(cls)), None)
        if type(found) is types.FunctionType:
            return Value(BoundMethodVariable(domain.reference(found), tensor))
        return _given_by_the_program(name)

    def _user_attribute(self, domain: Tracking, tensor: TensorVariable, name: str) -> Answer:
        source, value = tensor.source, tensor.value
        if source is None or value is None:
            return self._no_attribute(domain, tensor, name)
        fields = object.__getattribute__(value, "__dict__")
        if name in fields:
            domain.guard(source, HasAttribute(name))
            return Value(domain.wrap(fields[name], AttributeSource(source, name)))
        domain.guard(source, LacksAttribute(name))
        return self._no_attribute(domain, tensor, name)

    def _no_attribute(self, domain: Tracking, tensor: TensorVariable, name: str) -> Answer:
        return domain.raise_error(AttributeError, f"{tensor.cls.__name__!r} object has no attribute {name!r}")

    def _gradient(self, domain: Tracking, tensor: TensorVariable) -> Answer:
        if tensor.source is None or tensor.value is None:
            return Break(UnsupportedTensor("the gradient of a tensor that the graph computes"))
        kept = tensor.value.is_leaf or tensor.value.retains_grad
        domain.guard(CallSource(keeps_gradient, tensor.source, " keeps its gradient"), Equals(kept))
        if not kept:  # torch warns
            return Break(UnsupportedTensor("the gradient of a tensor that is no leaf"))
        return Value(domain.wrap(tensor.value.grad, AttributeSource(tensor.source, "grad")))

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        tensor = self._tensor(domain, variable)
        if tensor is None:
            return domain.unsupported(variable, f"setting the attribute {name!r}")
        if not session_of(domain).asks_tensor(tensor.cls, name, "__setattr__"):
            return Break(UnsupportedTensor(f"setting the tensor attribute {name!r}"))
        if name == "requires_grad" and isinstance(value, ConstantVariable) and type(value.value) is bool:
            return session_of(domain).record(domain.frame, "requires_grad_", (tensor, value), {})
        if name.startswith("__") or not (
            _is_free(name) or (name == "grad" and self._takes_gradient(domain, tensor, value))
        ):
            return Break(UnsupportedTensor(f"setting the tensor attribute {name!r}"))
        tensor.fields[name] = value
        domain.effects.record(SetAttribute(tensor, name, value))
        return Value(value)

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        tensor = self._tensor(domain, variable)
        if tensor is None or name.startswith("__") or not _is_free(name):
            return Break(UnsupportedTensor(f"deleting the tensor attribute {name!r}"))
        present = self.get_attribute(domain, tensor, name)
        if not isinstance(present, Value):
            # `object.__delattr__` names the attribute only.
            return domain.raise_error(AttributeError, name) if isinstance(present, Raise) else present
        tensor.fields[name] = DELETED
        domain.effects.record(DeleteAttribute(tensor, name))
        return Value(present.value)

    def _takes_gradient(self, domain: Tracking, tensor: TensorVariable, value: Variable) -> bool:
        """Tell whether `tensor.grad = value` is known to be right: of a leaf, and of its shape."""
        if tensor.source is None or tensor.value is None or not tensor.value.is_leaf or tensor.value.is_inference():
            return False
        session = session_of(domain)
        owner: Any = session.realise(tensor).fake
        domain.guard(AttributeSource(tensor.source, "is_leaf"), Equals(True))
        if isinstance(value, ConstantVariable) and value.value is None:
            return True
        if not isinstance(value, TensorVariable) or value is tensor or value.cls is not torch.Tensor:
            return False
        fake: Any = session.realise(value).fake
        looks = [(one.dtype, one.device, one.layout, tuple(one.shape)) for one in (owner, fake)]
        return looks[0] == looks[1] and not any(type(size) is torch.SymInt for size in (*owner.shape, *fake.shape))

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        tensor = self._tensor(domain, variable)
        if tensor is None:
            return domain.unsupported(variable, f"the method {name!r}")
        session = session_of(domain)
        if not session.asks_tensor(tensor.cls, name):
            return _given_by_the_program(name)
        if name in METADATA_METHODS:
            return self._metadata(domain, session.realise(tensor), name, args, kwargs)
        if name in DATA_METHODS:
            return Break(DataDependent(f"Tensor.{name}()"))
        special = _SPECIAL.get(name)
        if special is not None:
            return session.record(domain.frame, special, (tensor, *args), kwargs)
        if name == "__rsub__" or (name.startswith("__") and name.endswith("__")):
            return Break(UnsupportedTensor(f"the method Tensor.{name}"))
        return session.record(domain.frame, name, (tensor, *args), kwargs)

    def _metadata(
        self, domain: Tracking, tensor: TensorVariable, name: str, args: Arguments, kwargs: Keywords
    ) -> Answer:
        session = session_of(domain)
        if name == "is_inference" and not args:
            return self._inference(domain, tensor)
        if name == "stride":
            session.ask_strides()
        lowered = [session.lower(argument)[1] for argument in args]
        named = {key: session.lower(argument)[1] for key, argument in kwargs.items()}
        try:
            result = getattr(tensor.fake, name)(*lowered, **named)
        except (IndexError, TypeError, RuntimeError) as error:
            return domain.raise_error(type(error), str(error))
        if isinstance(result, torch.Size):
            return Value(self._size(domain, tensor.fake))
        if isinstance(result, tuple):
            return Value(TupleVariable(tuple([session.number(item) for item in result])))
        return Value(session.number(result))

    def _inference(self, domain: Tracking, tensor: TensorVariable) -> Answer:
        """Tell what `is_inference()` does: fakes of inference tensors are ordinary ones, and so are views of those."""
        if tensor.value is not None:
            return Value(domain.constant(tensor.value.is_inference()))
        fake: Any = tensor.fake
        if session_of(domain).has_inference_input():
            return Break(UnsupportedTensor("is_inference() of what may be a view of an inference tensor"))
        return Value(domain.constant(fake.is_inference()))

    def _size(self, domain: Tracking, fake: Any) -> Variable:
        session = session_of(domain)
        return TupleVariable(tuple([session.number(size) for size in fake.size()]), cls=torch.Size)

    # ---- operators --------------------------------------------------------------------------------------------------

    def unary(self, domain: Tracking, op: str, operand: Variable) -> Answer:
        return self._record(domain, UNARY_OPERATORS[op], (operand,))

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operator(domain, BINARY_OPERATORS[op], left, right, right)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return self._operator(domain, BINARY_OPERATORS[op], left, right, left)

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operator(domain, INPLACE_OPERATORS[op], left, right, right)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return self._operator(domain, COMPARISONS[op], left, right, right)

    def _operator(
        self, domain: Tracking, function: Any, left: Variable, right: Variable, other: Variable
    ) -> Answer | None:
        if not isinstance(other, (TensorVariable, SymbolicNumberVariable, ConstantVariable)):
            return domain.unsupported(other, f"{function.__name__} with a tensor")
        if isinstance(other, ConstantVariable) and other.cls not in (bool, int, float, complex):
            if function in (operator.eq, operator.ne):
                return Value(domain.constant(function is operator.ne))
            return None
        return self._record(domain, function, (left, right))

    def _record(self, domain: Tracking, function: Any, operands: tuple[Variable, ...]) -> Answer:
        """Record a function of `operator`, which asks its operands for special methods."""
        session = session_of(domain)
        for operand in operands:
            if isinstance(operand, TensorVariable) and not session.asks_operator(operand.cls, asked_by(function)):
                return _given_by_the_program(asked_by(function)[0])
        return session.record(domain.frame, function, operands, {})

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        return self._record(domain, operator.getitem, (container, key))

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        return self._record(domain, operator.setitem, (container, key, value))

    # ---- Python's questions -----------------------------------------------------------------------------------------

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Break(DataDependent("the truth of a tensor"))

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        tensor = self._tensor(domain, variable)
        if tensor is None:
            return domain.unsupported(variable, "len()")
        session = session_of(domain)
        if not session.asks_operator(tensor.cls, ("__len__",)):
            return _given_by_the_program("__len__")
        fake: Any = session.realise(tensor).fake
        if fake.dim() == 0:
            return domain.raise_error(TypeError, "len() of a 0-d tensor")
        return Value(session.number(fake.size(0)))

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        # torch's own `Tensor.__iter__` iterates over `unbind(0)`.
        tensor = self._tensor(domain, variable)
        if tensor is None:
            return domain.unsupported(variable, "iteration")
        if not session_of(domain).asks_operator(tensor.cls, ("__iter__",)):
            return _given_by_the_program("__iter__")
        fake: Any = session_of(domain).realise(tensor).fake
        if fake.dim() == 0:
            return domain.raise_error(TypeError, "iteration over a 0-d tensor")
        rows = session_of(domain).record(domain.frame, "unbind", (tensor, domain.constant(0)), {})
        return domain.get_iter(rows.value) if isinstance(rows, Value) else rows

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return HashKey(variable, variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        return Break(DataDependent("the text of a tensor"))

    def format(self, domain: Tracking, variable: Variable, spec: str) -> Answer:
        return Break(DataDependent("the text of a tensor"))

    # ---- values that go out -----------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.graph_output(variable)  # type: ignore[attr-defined, no-any-return]

    def _tensor(self, domain: Tracking, variable: Variable) -> TensorVariable | None:
        return variable if isinstance(variable, TensorVariable) else None


def _given_by_the_program(name: str) -> Break:
    return Break(UnsupportedTensor(f"Tensor.{name}, which the program has replaced,"))


_PARAMETER_MRO_TAIL = torch.nn.Parameter.__mro__[-5:]

_SPECIAL: dict[str, Any] = {
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    **{
        f"__{function.__name__.strip('_')}__": function
        for table in (BINARY_OPERATORS, COMPARISONS, UNARY_OPERATORS)
        for op, function in table.items()
        if op != "not"  # truth has no method of this name
    },
}
