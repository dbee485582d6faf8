"""What the functions that become one node read by name when they run: programs patch `torch.layer_norm`, too.

A node that calls `torch.nn.functional.layer_norm` stands for what that function does, which is Python and looks up
`torch.layer_norm` when it runs; a backend looks it up once, when it compiles. And the code of a graph names the
functions of torch that it calls, whatever these names are bound to by then. So both are assumed, and guarded.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import torch.overrides

from framelift_bytecode_interp import Instruction, decode

from .tensor_classes import is_patched

__all__ = ["MISSING", "Binding", "Dependence", "dependence_of", "under_its_name"]

MISSING: Final = object()
"""What a name is bound to that a module lacks, so that its class is asked for it."""

_OVERRIDES = (
    torch.overrides.has_torch_function,
    torch.overrides.has_torch_function_unary,
    torch.overrides.has_torch_function_variadic,
)
"""These ask for `__torch_function__`, which no tensor in a graph has: what their names are bound to matters to none."""

_HOMES = ("torch", "torch.nn.functional", "torch._C._nn", "torch.fft", "torch.linalg", "torch.special", "torch.sparse")
"""Where functions that do not say it are looked for."""

_FOLLOWED = ("torch", "torch.functional", "torch.nn.functional", "torch._tensor", "torch._jit_internal")
"""Whose functions are looked into in turn; what is further down is how torch works inside."""

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)


class Binding(NamedTuple):
    """A name of a module.

    Args:
        module: whose name it is.
        name: the name.
        found: what it is bound to, or `MISSING`.
    """

    module: types.ModuleType
    name: str
    found: Any

    @property
    def holds(self) -> bool:
        """Whether the name is still bound to that."""
        return vars(self.module).get(self.name, MISSING) is self.found


class Dependence(NamedTuple):
    """What a call of a function of torch looks up when it runs.

    Args:
        bindings: names of modules.
        methods: attributes of `torch.Tensor`.
    """

    bindings: tuple[Binding, ...]
    methods: tuple[str, ...]

    @property
    def on_torch_alone(self) -> bool:
        """Whether the program has patched none of it."""
        ours = any(is_patched(torch.Tensor, name) for name in self.methods)
        return not ours and all(_is_torchs_own(binding.found) for binding in self.bindings)


def under_its_name(function: Any) -> Any:
    """Return a function of torch as a graph may call it: itself, or what calls it where its name is bound to another.

    The code of a graph writes functions of torch as `torch.sin`, whatever that is when it runs. None: no graph may,
    since torch's own C, under a torch-function mode such as compilers have, looks the name up in its module.

    >>> under_its_name(torch.sin) is torch.sin
    True
    """
    home = _home_of(function)
    if home is None or home.found is function:
        return function
    if home.module.__name__.startswith("torch._C"):
        return None

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = home.name
    return call


def _is_torchs_own(value: object) -> bool:
    """Tell whether torch defines a function, by whose globals it has, since `functools.wraps` copies all else.

    >>> _is_torchs_own(torch.sin), _is_torchs_own(torch.nn.functional.relu), _is_torchs_own(lambda x: x)
    (True, True, False)
    """
    if isinstance(value, types.FunctionType):
        return _is_below_torch(str(value.__globals__.get("__name__")))
    return value is MISSING or isinstance(value, types.BuiltinFunctionType) or type(value).__module__ == "torch._ops"


def _is_below_torch(module_name: str) -> bool:
    return module_name.partition(".")[0] == "torch"


_KNOWN: Final[dict[object, Dependence]] = {}


def dependence_of(function: object) -> Dependence:
    """Return what a call of a function of torch looks up: what it reads, it and what it calls, being Python of torch's.

    The name by which the code of a graph calls the function is the first.

    >>> dependence = dependence_of(torch.nn.functional.layer_norm)
    >>> [f"{binding.module.__name__}.{binding.name}" for binding in dependence.bindings]
    ['torch.nn.functional.layer_norm', 'torch.layer_norm']
    >>> "softmax" in dependence_of(torch.nn.functional.softmax).methods
    True
    """
    known = _KNOWN.get(function)
    if known is None or not all(binding.holds for binding in known.bindings):
        known = _find(function)
        if known.on_torch_alone:  # a patch is the program's to drop
            _KNOWN[function] = known
    return known


def _find(function: object) -> Dependence:
    found: dict[tuple[str, str], Binding] = {}
    methods: dict[str, None] = {}
    home = _home_of(function)
    if home is not None:
        found[home.module.__name__, home.name] = home
    waiting, seen = [function], {id(function)}
    while waiting:
        caller = waiting.pop()
        if not isinstance(caller, types.FunctionType) or not _is_torchs_own(caller):
            continue
        reads = _reads(caller.__code__)
        methods.update(dict.fromkeys(name for name in reads.attributes if hasattr(torch.Tensor, name)))
        called: list[object] = [_content(cell) for cell in caller.__closure__ or ()]  # what a decorator decorates
        for binding in _bound(caller, reads.paths):
            found.setdefault((binding.module.__name__, binding.name), binding)
            if binding.module.__name__ in _FOLLOWED:
                called.append(binding.found)
        waiting += [one for one in called if id(one) not in seen]
        seen.update(map(id, called))
    return Dependence(tuple(found.values()), tuple(methods))


def _home_of(function: object) -> Binding | None:
    """Return the name by which `torch.fx` writes a call of a function of torch."""
    name = getattr(function, "__name__", None)
    if not isinstance(function, _FUNCTIONS) or not isinstance(name, str):
        return None
    said = getattr(function, "__module__", None)
    for place in (said,) if isinstance(said, str) else _HOMES:
        module = sys.modules.get(place) if _is_below_torch(place) else None
        if isinstance(module, types.ModuleType) and vars(module).get(name) is not None:
            return Binding(module, name, vars(module)[name])
    return None


def _bound(function: types.FunctionType, paths: tuple[tuple[str, ...], ...]) -> Iterator[Binding]:
    """Yield the functions that a Python function of torch reads from modules, as they are bound now."""
    for path in paths:
        owner: types.ModuleType | None = _module_of(function)
        for name in path:
            if owner is None:
                break
            value = vars(owner).get(name, MISSING)
            if isinstance(value, types.ModuleType):
                owner = value
                continue
            if _matters(owner, name, value):
                yield Binding(owner, name, value)
            break


def _module_of(function: types.FunctionType) -> types.ModuleType | None:
    module = sys.modules.get(str(function.__globals__.get("__name__")))
    return module if module is not None and vars(module) is function.__globals__ else None


def _matters(owner: types.ModuleType, name: str, value: object) -> bool:
    if not _is_below_torch(owner.__name__) or owner is torch.overrides:
        return False
    if value is MISSING:  # where a class answers for what its module lacks; its properties are state, and no functions
        return type(owner) is not types.ModuleType and not hasattr(type(owner), name)
    if isinstance(value, types.FunctionType) and value.__globals__ is vars(torch.overrides):
        return False
    return callable(value) and not isinstance(value, type) and value not in _OVERRIDES


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


class _Reads(NamedTuple):
    """What a code object reads: dotted names, each from a global on, and attributes of anything else."""

    paths: tuple[tuple[str, ...], ...]
    attributes: tuple[str, ...]


@functools.cache
def _reads(code: types.CodeType) -> _Reads:
    paths: dict[tuple[str, ...], None] = {}
    attributes: dict[str, None] = {}
    path: tuple[str, ...] = ()
    for instruction in decode(code).instructions:
        attribute = _name(instruction) if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") else None
        if attribute is not None and path:
            path = (*path, attribute)
            continue
        if attribute is not None:
            attributes[attribute] = None
        paths[path] = None
        path = (_name(instruction),) if instruction.opname == "LOAD_GLOBAL" else ()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = _reads(constant)
            paths.update(dict.fromkeys(inner.paths))
            attributes.update(dict.fromkeys(inner.attributes))
    paths.pop((), None)
    return _Reads(tuple(paths), tuple(attributes))


def _name(instruction: Instruction) -> str:
    argument = instruction.arg
    return str(argument[0] if isinstance(argument, tuple) else argument)
