"""The boundary to compilers: what one finds around it while it compiles, and what it assumed of a graph's inputs.

torch's compilers (AOTAutograd, and Inductor above it) expect to run inside TorchDynamo. They find here what they read
of it: a `TracingContext` with a fake mode, where each input comes from, and which inputs keep their address from call
to call. What they assumed of the inputs comes back as guards.

A graph with symbolic sizes or integers is compiled with symbols of torch's, and again where torch relied on more than
the capture did. Where torch cannot take symbols, and for floats, it is compiled for the values of each call.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import itertools
import logging
import math
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.fx
from torch._guards import CompileContext, CompileId, DuplicateInputs, TracingContext, compile_context, tracing
from torch._guards import Source as TorchSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from framelift_guards import DictItemSource, Expression, ForkSafeLock, Guard, SameObject, Source, is_interruption
from framelift_guards.naming import reads
from framelift_guards.torch import saved_tensors_hooks

from .compiled_graph import CompiledGraph
from .graph_parts import needs_parts, part_by_part
from .symbolic_inputs import InputSource, SymbolicInputs

__all__ = ["CompiledGraph", "compile_foreign", "compile_with_fakes", "shared_memory"]

Compiler = Callable[[torch.fx.GraphModule, list[Any]], Callable[..., Any]]

_FOUND_LIMIT = 256  # sets of values whose compiled graph is remembered
_COMPILED_LIMIT = 16  # compilations of one graph with symbolic inputs
_log = logging.getLogger(__name__)
_captures = itertools.count()
_lock = ForkSafeLock()  # torch's compilers are not made for several threads


def compile_with_fakes(gm: torch.fx.GraphModule, example_inputs: Sequence[Any], compiler: Compiler) -> CompiledGraph:
    """Compile with a compiler that is written for TorchDynamo, and gets torch's fake tensors and a graph of its own.

    Args:
        gm: the graph.
        example_inputs: its inputs in the call that was captured.
        compiler: `(gm, fake_inputs) -> callable`; it may change the graph.
    """
    if _program_sees_saved_tensors():
        _log.debug("a graph runs uncompiled under the program's hooks on saved tensors")
        return CompiledGraph(gm.forward)
    if needs_parts(gm):
        return _in_parts(gm, compiler)
    if _is_symbolic(gm):
        return CompiledGraph(_Varying(gm, compiler))
    origins = [node.meta.get("origin") for node in gm.graph.find_nodes(op="placeholder")]
    run, assumed = _compile_for(gm, example_inputs, compiler)
    return CompiledGraph(run, tuple(assumed.guards(origins)))


def compile_foreign(gm: torch.fx.GraphModule, example_inputs: Sequence[Any], compiler: Compiler) -> Callable[..., Any]:
    """Compile with a backend of the user's: it gets the captured graph itself, and the real inputs of the call.

    Where it hands the graph on to AOTAutograd, the result holds for the sizes and values of these inputs alone; then
    further ones are compiled as they turn up.

    Args:
        gm: the graph.
        example_inputs: its inputs in the call that was captured.
        compiler: `(gm, example_inputs) -> callable`.
    """
    nodes = gm.graph.find_nodes(op="placeholder")
    with _tracing(FakeTensorMode(allow_non_fake_inputs=True)) as context:
        sources = _describe_inputs(gm, nodes, example_inputs)
        try:
            compiled = compiler(gm, list(example_inputs))
        except Exception as error:
            if not _is_aot_autograds(error):
                raise
            if needs_parts(gm):
                return _in_parts(gm, compiler)
            if not (_share(_tensors(example_inputs)) or _is_untraceable(error)):
                raise
            compiled = _as_it_is(gm, error)
    if context.fw_metadata is None or isinstance(compiled, CompiledGraph):
        return compiled
    if needs_parts(gm):
        return _in_parts(gm, compiler)
    if _is_symbolic(gm):
        return CompiledGraph(_Varying(gm, compiler))
    assumed = _Assumed.of(context, sources, range(len(nodes)), example_inputs)
    if _changes_layout(context) or (assumed.sharing and _is_beyond_compilers(context, example_inputs)):
        compiled = _as_it_is(gm)
    return CompiledGraph(compiled, tuple(assumed.guards([node.meta.get("origin") for node in nodes])))


def _in_parts(gm: torch.fx.GraphModule, compiler: Compiler) -> CompiledGraph:
    """Compile the parts of a graph that compilers can take, each when its inputs are known: as the graph runs."""
    return CompiledGraph(part_by_part(gm, lambda part: _Varying(part, compiler)))


def _program_sees_saved_tensors() -> bool:
    """Tell whether hooks of the program's get what autograd saves: a compiler saves other tensors than eager does.

    Hooks that torch wrote (`save_on_cpu`) give back what they got; those that are graphs are compiled with it.
    """
    return any(
        not isinstance(hook, torch.fx.GraphModule)
        and str(getattr(hook, "__globals__", {}).get("__name__")).partition(".")[0] != "torch"
        for hook in saved_tensors_hooks().read()
    )


# ---- compiling ------------------------------------------------------------------------------------------------------


def _is_symbolic(gm: torch.fx.GraphModule) -> bool:
    """Tell whether an input is a number, or a tensor with a symbolic size, stride or offset."""
    return any(_varies(node.meta.get("example_value")) for node in gm.graph.find_nodes(op="placeholder"))


def _varies(example: object) -> bool:
    if isinstance(example, torch.Tensor):
        return any(isinstance(number, torch.SymInt) for number in (*example.size(), *_strides(example)))
    return isinstance(example, (int, float, torch.SymInt, torch.SymFloat, torch.SymBool))


def _strides(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.stride() if tensor.layout is torch.strided else ()


class _Varying:
    """A graph with symbolic inputs, compiled with symbols, or where that is impossible for the values of each call.

    Args:
        gm: the graph.
        compiler: `(gm, fake_inputs) -> callable`.
    """

    def __init__(self, gm: torch.fx.GraphModule, compiler: Compiler) -> None:
        self._gm = gm
        self._compiler = compiler
        self._examples = [node.meta.get("example_value") for node in gm.graph.find_nodes(op="placeholder")]
        self._positions = [position for position, example in enumerate(self._examples) if _varies(example)]
        self._takes_symbols = True
        self._warned = False
        self._with_symbols: list[_WithSymbols] = []
        self._found: dict[tuple[Any, ...], list[_Compiled]] = {}
        self._by_value: dict[tuple[Any, ...], list[_Compiled]] = {}

    def __call__(self, *values: Any) -> Any:
        key = tuple([_identity(values[position]) for position in self._positions])
        for known in (self._found, self._by_value):
            for run, assumed in known.get(key, ()):
                if assumed.holds(values):
                    return run(*values)
        run, _ = self._compiled(key, values)
        return run(*values)

    def _compiled(self, key: tuple[Any, ...], values: Sequence[Any]) -> _Compiled:
        with _lock.held():
            constants = tuple([_identity(value) for value in values if not _is_kept(value)])
            if len(self._found) >= _FOUND_LIMIT:  # integers may differ in every call
                self._found.clear()
            for one in self._with_symbols:
                if one.constants == constants and one.inputs.hold_for(_kept(values)) and one.compiled[1].holds(values):
                    self._found.setdefault(key, []).append(one.compiled)
                    return one.compiled
            if len(self._with_symbols) + len(self._by_value) >= _COMPILED_LIMIT:
                uncompiled = self._at_the_limit()
                self._found.setdefault(key, []).append(uncompiled)
                return uncompiled
            if self._takes_symbols and _may_have_symbols(values):
                try:
                    one = _compile_with_symbols(self._gm, self._examples, values, constants, self._compiler)
                except Exception as error:
                    if is_interruption(error):
                        raise
                    _log.info("compiled for sizes one by one: %s: %s", type(error).__name__, error)
                    self._takes_symbols = False
                else:
                    self._with_symbols.append(one)
                    self._found.setdefault(key, []).append(one.compiled)
                    return one.compiled
            compiled = _compile_for(self._gm, values, self._compiler)
            self._by_value.setdefault(key, []).append(compiled)
            return compiled

    def _at_the_limit(self) -> _Compiled:
        if not self._warned:
            self._warned = True
            names = [node.name for node in self._gm.graph.find_nodes(op="placeholder")]
            varying = ", ".join([names[position] for position in self._positions])
            warnings.warn(
                f"a graph was compiled {_COMPILED_LIMIT} times for different inputs ({varying:.200}), and runs "
                "uncompiled for further ones; pass floats that vary as tensors, or mark what must not vary as static",
                RuntimeWarning,
                stacklevel=4,
            )
        return self._gm.forward, _Assumed()


@dataclasses.dataclass(frozen=True)
class _WithSymbols:
    """A graph compiled with symbolic inputs.

    Args:
        constants: the inputs that it was compiled for by value.
        inputs: what says for which others it is right.
        compiled: the graph, and what it assumed beside.
    """

    constants: tuple[Any, ...]
    inputs: SymbolicInputs
    compiled: _Compiled


def _is_kept(value: object) -> bool:
    """Tell whether an input stays one: floats and booleans become part of the graph."""
    return isinstance(value, torch.Tensor) or type(value) is int


def _kept(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if _is_kept(value)]


def _may_have_symbols(values: Sequence[Any]) -> bool:
    """Tell whether inputs can be handed over with symbols: ordinary tensors that share no memory."""
    tensors = _tensors(values)
    ordinary = all(type(one) in (torch.Tensor, torch.nn.Parameter) and not one.is_inference() for one in tensors)
    return ordinary and not _share(tensors)


def _compile_with_symbols(
    gm: torch.fx.GraphModule,
    examples: Sequence[Any],
    values: Sequence[Any],
    constants: tuple[Any, ...],
    compiler: Compiler,
) -> _WithSymbols:
    positions = [position for position, value in enumerate(values) if _is_kept(value)]
    names = [node.name for node in gm.graph.find_nodes(op="placeholder")]
    sources = [InputSource(names[position]) for position in positions]
    inputs = SymbolicInputs([examples[position] for position in positions], _kept(values), sources)
    with _tracing(inputs.mode) as context, _backward_at_once():
        graph, sources = _graph_for(gm, values, positions)
        compiled = compiler(graph, list(inputs.inputs))
    inputs.seal()
    assumed = _Assumed.of(context, sources, positions, values)
    run = _as_it_is(gm) if _changes_layout(context) else _taking(compiled, positions, len(values))
    return _WithSymbols(constants, inputs, (run, assumed))


def _backward_at_once() -> contextlib.AbstractContextManager[object]:
    """Let the backward graph be compiled with the forward one: what it relies on must be known by then."""
    config = sys.modules.get("torch._functorch.config")
    if config is None or not hasattr(config, "force_non_lazy_backward_lowering"):
        return contextlib.nullcontext()
    patched: contextlib.AbstractContextManager[object] = config.patch(force_non_lazy_backward_lowering=True)
    return patched


def _identity(value: Any) -> tuple[Any, ...]:
    """Return what tells a value apart from those that need another compiled graph."""
    if isinstance(value, torch.Tensor):
        return value.size(), _strides(value)
    if isinstance(value, float):  # 0.0 is equal to -0.0, and nan to nothing
        return float, math.copysign(1.0, value), "nan" if math.isnan(value) else value
    return type(value), value


def _compile_for(gm: torch.fx.GraphModule, values: Sequence[Any], compiler: Compiler) -> _Compiled:
    """Compile for the sizes of these inputs, and for their values where they are numbers."""
    tensors = [position for position, value in enumerate(values) if isinstance(value, torch.Tensor)]
    given = [values[position] for position in tensors]
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    with _lock.held(), _tracing(mode) as context:
        graph, sources = _graph_for(gm, values, tensors)
        with (
            warnings.catch_warnings()
        ):  # torch looks at `grad` of each tensor here, and hides its warning only if shown
            warnings.filterwarnings("ignore", "The .grad attribute of a Tensor")
            inputs = [mode.from_tensor(value, static_shapes=True) for value in given]
        try:
            compiled = compiler(graph, inputs)
        except Exception as error:
            if is_interruption(error) or not (_share(given) or _is_untraceable(error)):
                raise
            # AOTAutograd refuses to write to some inputs that share memory without being views of one tensor.
            compiled = _as_it_is(gm, error)
            return compiled, _Assumed.of(context, sources, tensors, values)
    assumed = _Assumed.of(context, sources, tensors, values)
    if _changes_layout(context) or (assumed.sharing and _is_beyond_compilers(context, given)):
        return _as_it_is(gm), assumed
    return _taking(compiled, tensors, len(values)), assumed


def _is_aot_autograds(error: BaseException) -> bool:
    """Tell whether AOTAutograd raised an error, and not the backend that called it."""
    names = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(str(name).startswith("torch._functorch.") for name in names)


def _is_untraceable(error: BaseException) -> bool:
    """Tell whether AOTAutograd failed to trace a graph, before anything that it calls had begun to compile.

    It traces the gradient with the graph, so that it raises at once what eager raises when the gradient is computed, if
    it ever is: that a tensor saved for it was written to.
    """
    names = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    tracing = [place for place, name in enumerate(names) if name.startswith("torch._functorch.")]
    inside = names[tracing[-1] :] if tracing else [""]
    return all(name in _GENERATED or _is_torchs(name) for name in inside)


_GENERATED = ("None", "builtins")
"""The module that the code of a graph says it is of."""


def _is_torchs(name: str) -> bool:
    return name.partition(".")[0] == "torch" and not name.startswith(("torch._inductor.", "torch._dynamo."))


def _changes_layout(context: TracingContext) -> bool:
    """Tell whether a graph changes the sizes or strides of an input (`x.t_()`), and writes to it.

    AOTAutograd makes new contents, and gives the input their strides: what else lies in its memory is overwritten.
    """
    metadata = context.fw_metadata
    return metadata is not None and any(info.mutates_data and info.mutates_metadata for info in metadata.input_info)


def _is_beyond_compilers(context: TracingContext, values: Sequence[Any]) -> bool:
    """Tell whether a graph that may write to its inputs is compiled wrongly, because of the memory that they share.

    AOTAutograd knows a tensor's relatives by their storage. It puts one base in the place of inputs that share it, and
    makes outputs that are views of such an input from that base, as if the input had been the base itself.
    """
    memory = shared_memory(*values)
    if not _one_storage_each(values, memory):
        return True
    metadata = context.fw_metadata
    return (
        memory != tuple(range(len(values)))
        and metadata is not None
        and any(info.output_type.name in _VIEWS_OF_INPUTS for info in metadata.output_info)
    )


_VIEWS_OF_INPUTS = frozenset({"alias_of_input", "is_input"})


def _as_it_is(gm: torch.fx.GraphModule, error: Exception | None = None) -> Callable[..., Any]:
    """Return the graph uncompiled, and say so: torch's compilers cannot treat what it does to tensors' memory."""
    names = ", ".join([node.name for node in gm.graph.find_nodes(op="placeholder")])
    said = "" if error is None else f": {type(error).__name__}: {error}"
    warnings.warn(
        f"a graph runs uncompiled where its inputs ({names:.200}) share memory as they do in this call, or change "
        f"their layout, or where its gradient cannot be traced{said:.300}",
        RuntimeWarning,
        stacklevel=2,
    )
    return gm.forward


def _taking(run: Callable[..., Any], positions: Sequence[int], count: int) -> Callable[..., Any]:
    """Return a compiled graph as a function of all `count` inputs, of which it takes those at `positions`."""
    if len(positions) == count:
        return run

    def run_with_some(*values: Any) -> Any:
        return run(*[values[position] for position in positions])

    return run_with_some


@contextlib.contextmanager
def _tracing(mode: FakeTensorMode) -> Iterator[TracingContext]:
    """Be what TorchDynamo is around a compiler: its context, and random numbers left as they were."""
    context = TracingContext(mode)
    compile_id = CompileId(frame_id=next(_captures), frame_compile_id=0)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    state = random.getstate()
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, state)
        stack.enter_context(torch.random.fork_rng(devices))
        stack.enter_context(compile_context(CompileContext(compile_id)))
        stack.enter_context(tracing(context))
        yield context


def _graph_for(
    gm: torch.fx.GraphModule, values: Sequence[Any], positions: Sequence[int]
) -> tuple[torch.fx.GraphModule, list[InputSource]]:
    """Return a copy for a compiler to own, whose inputs are those at `positions`, and their sources.

    The others, which are numbers, are part of it. It has no example values: passes would take our fakes for torch's.
    """
    nodes = gm.graph.find_nodes(op="placeholder")
    numbers: dict[Any, Any] = {
        node: values[position] for position, node in enumerate(nodes) if position not in set(positions)
    }
    graph = torch.fx.Graph()
    graph.output(graph.graph_copy(gm.graph, numbers))
    for node in graph.nodes:
        node.meta.pop("example_value", None)
    copy = torch.fx.GraphModule(gm, graph)
    kept = [values[position] for position in positions]
    return copy, _describe_inputs(copy, graph.find_nodes(op="placeholder"), kept)


# ---- what is said of inputs -----------------------------------------------------------------------------------------


def _describe_inputs(
    gm: torch.fx.GraphModule, nodes: Sequence[torch.fx.Node], values: Sequence[Any]
) -> list[InputSource]:
    """Say of each input what AOTAutograd's `_try_get_metadata_from_dynamo` reads; return where they come from."""
    gm.meta["dynamo_compile_id"] = CompileContext.current_compile_id()
    gm.__dict__["_param_name_to_source"] = {}
    sources = [InputSource(node.name) for node in nodes]
    for node, value, source in zip(nodes, values, sources, strict=True):
        node._dynamo_source = source
        if _keeps_address(value, node.meta.get("origin")):
            # "Unguarded": CUDA graphs look at the address themselves, and record again when it has changed.
            node.meta["tensor_dict"] = {"_dynamo_static_input_type": "unguarded"}
    return sources


def _keeps_address(value: object, origin: object) -> bool:
    """Tell whether an input is likely to stay where it is: a parameter, a module's buffer, or a tensor marked so."""
    if isinstance(value, torch.nn.Parameter) or hasattr(value, "_dynamo_static_input_type"):
        return True
    holder = origin.base if isinstance(origin, DictItemSource) else None
    return isinstance(holder, DictItemSource) and holder.key == "_buffers"


# ---- what was assumed -----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Assumed:
    """What a compiled graph takes for granted about how its inputs relate, by position among the graph's inputs.

    Args:
        same: pairs that were one tensor.
        sharing: inputs whose memory matters, since the graph writes to one.
        memory: what `shared_memory` said of them.
    """

    same: tuple[tuple[int, int], ...] = ()
    sharing: tuple[int, ...] = ()
    memory: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, context: TracingContext, sources: Sequence[InputSource], inputs: Sequence[int], values: Sequence[Any]
    ) -> _Assumed:
        """Read it from torch's context after a compilation."""
        positions: dict[TorchSource, int] = dict(zip(sources, inputs, strict=True))
        pairs = [
            (positions[guard.input_source_a], positions[guard.input_source_b])
            for guard in context.guards_context.aotautograd_guards
            if isinstance(guard, DuplicateInputs)
        ]
        tensors = [position for position in inputs if isinstance(values[position], torch.Tensor)]
        if len(tensors) < 2 or not _may_write(context):
            return cls(tuple(pairs))
        return cls(tuple(pairs), tuple(tensors), shared_memory(*[values[position] for position in tensors]))

    def holds(self, values: Sequence[Any]) -> bool:
        """Tell whether it is so for these inputs."""
        if any(values[first] is not values[second] for first, second in self.same):
            return False
        return not self.sharing or shared_memory(*[values[position] for position in self.sharing]) == self.memory

    def guards(self, origins: Sequence[object]) -> Iterator[Guard]:
        """Yield it as guards over where the inputs come from; nothing for a graph that was not captured."""
        for first, second in self.same:
            one, other = origins[first], origins[second]
            if isinstance(one, Source) and isinstance(other, Source):
                yield Guard(other, SameObject(one))
        sources = [origins[position] for position in self.sharing]
        operands = {f"input_{index}": one for index, one in enumerate(sources) if isinstance(one, Source)}
        if not operands or len(operands) < len(sources):
            return
        call = ast.Call(ast.Name("shared_memory", ast.Load()), [ast.Name(name, ast.Load()) for name in operands], [])
        expected = ast.Tuple([ast.Constant(one) for one in self.memory], ast.Load())
        holds = ast.Compare(call, [ast.Eq()], [expected])
        yield Guard(None, Expression(holds, operands, {"shared_memory": shared_memory}, "STORAGE_OVERLAP"))


_Compiled = tuple[Callable[..., Any], _Assumed]


def _may_write(context: TracingContext) -> bool:
    """Tell whether a graph may write to an input; a compiler that leaves no word about it may."""
    metadata = context.fw_metadata
    return metadata is None or any(info.mutates_data or info.mutates_metadata for info in metadata.input_info)


@reads
def shared_memory(*tensors: torch.Tensor) -> tuple[int, ...]:
    """Return how tensors share memory: for each, the first that it shares with, and where it lies if it does share.

    Memory that two storages have in common (two tensors made of one array) is told apart, by a `True` at the end, from
    one storage: AOTAutograd knows a tensor's relatives by their storage.

    >>> base = torch.zeros(4)
    >>> shared_memory(base[:2], torch.zeros(2), base[1:]), shared_memory(base, torch.zeros(2))
    ((0, 1, 0, 0, 1), (0, 1))
    """
    first: dict[int, int] = {}
    groups = [first.setdefault(_memory(one, index), index) for index, one in enumerate(tensors)]
    if len(first) == len(groups):
        return tuple(groups)
    offsets = [int(one.storage_offset()) for index, one in enumerate(tensors) if groups.count(groups[index]) > 1]
    return (*groups, *offsets) if _one_storage_each(tensors, groups) else (*groups, *offsets, True)


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    return [value for value in values if isinstance(value, torch.Tensor)]


def _share(tensors: Sequence[torch.Tensor]) -> bool:
    """Tell whether any two tensors share memory."""
    return shared_memory(*tensors) != tuple(range(len(tensors)))


def _memory(tensor: torch.Tensor, index: int) -> int:
    address = 0 if tensor.layout is not torch.strided else tensor.data_ptr()
    return address - int(tensor.storage_offset()) * tensor.element_size() if address else -1 - index


def _one_storage_each(tensors: Sequence[torch.Tensor], groups: Sequence[int]) -> bool:
    """Tell whether tensors that share memory have one storage: torch's compilers see no other way of sharing.

    Args:
        tensors: the tensors.
        groups: for each the first that it shares memory with; more may follow.
    """
    return all(
        first == index or tensors[first].untyped_storage()._cdata == one.untyped_storage()._cdata
        for index, (first, one) in enumerate(zip(groups, tensors, strict=False))
    )
