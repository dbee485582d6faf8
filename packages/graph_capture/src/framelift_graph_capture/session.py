"""One capture: the graph, the fakes, the guards and the interpreter, and the seam between Python values and the graph.

`Session` is the `Recorder` of `variable_tracking`: it decides which calls become nodes, turns variables into arguments
of nodes, and results of propagation into variables.
"""

from __future__ import annotations

import ast
import dataclasses
import linecache
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.fx

from framelift_bytecode_interp import UNBOUND, Break, Code, Frame, Interpreter, Result, Value
from framelift_fake_tensors import DataDependentError, FakeMode, FakeTensor, FakeTensorError
from framelift_guards import (
    BuiltinSource,
    CallSource,
    ConstantSource,
    Equals,
    GlobalSource,
    Guard,
    GuardSet,
    Is,
    LacksKey,
    NamespaceSource,
    Scope,
    Source,
    TypeIs,
    UserLine,
    is_interruption,
)
from framelift_guards.torch import (
    Stack,
    TensorMatch,
    TensorMethods,
    global_state_guards,
    size_source,
    storage_offset_source,
    stride_source,
)
from framelift_symbolic_shapes import ShapeEnv
from framelift_variable_tracking import (
    NEW,
    NOT_CONSTANT,
    BreakReason,
    CellVariable,
    DictVariable,
    EffectLog,
    HashKey,
    ListVariable,
    Registry,
    SymbolicDomain,
    TupleVariable,
    UnsupportedCall,
    Variable,
)

from .arithmetic import example_numbers
from .break_record import BreakRecord
from .devices import DefaultDevice, device_of, is_maker, is_present, may_make_tensors, steers_device, under_device
from .dynamism import Dynamism, Seen
from .graph_functions import is_graph_function, left_to_eager, tensor_method_name
from .inner_names import MISSING, dependence_of, under_its_name
from .lowering import NotLoweredError, Pair, lower
from .marks import Mark, keeps_count_for_dynamo, mark_of, runs_as_a_whole
from .original import original_of
from .reasons import (
    AbsentDevice,
    DataDependent,
    OperationFailed,
    RequestedBreak,
    UnsupportedArgument,
    UnsupportedTensor,
)
from .recorder import FxRecorder
from .shapes import is_finite, number_to_python, shape_guards
from .tensor_classes import is_patched
from .torch_state import enter_autocast, enter_inference_mode, exit_autocast, exit_inference_mode, read_state
from .user_stack import format_stack
from .variables import PYTHON_TYPE, SymbolicNumberVariable, TensorVariable

__all__ = ["Session"]

T = TypeVar("T")
_TORCH = Path(torch.__file__).parent


class TorchDomain(SymbolicDomain):
    """The symbolic domain, which names graph nodes after the locals that hold them, and knows where values came up."""

    def __init__(self, registry: Registry, guards: GuardSet, effects: EffectLog, recorder: Session) -> None:
        super().__init__(registry, guards, effects, recorder)
        # The line is worked out when somebody asks: thousands of values come up, and few are asked about.
        self._places: dict[Variable, tuple[Code, int]] = {}

    def came_up(self, variable: Variable) -> None:
        """Remember the user's line that runs as that of a value, unless it came up before."""
        frame = next(self.user_frames(), None)
        if frame is not None:
            self._places.setdefault(variable, (frame.code, frame.index))

    def place_of(self, variable: Variable) -> UserLine | None:
        """Return the user's line at which a value was made, or first read; None when that is not known."""
        place = self._places.get(variable)
        if place is None:
            return _with_text(self.entry_line) if variable.source is not None else None
        code, index = place
        raw = code.raw
        line = code.instructions[index].positions.line or raw.co_firstlineno
        return _with_text(UserLine(raw.co_filename, line, raw.co_name))

    def forget_places(self) -> None:
        """Let go of the values."""
        self._places.clear()

    def wrap(self, value: object, source: Source) -> Variable:
        variable = super().wrap(value, source)
        self.came_up(variable)
        return variable

    def store_local(self, frame: Frame[Variable], name: str, value: Variable) -> Variable:
        if not frame.globals.hidden:
            self._stored(frame, name, value)
        return value

    def store_cell(self, frame: Frame[Variable], cell: CellVariable, value: Variable) -> Result[Variable]:
        if not frame.globals.hidden:
            names = zip(frame.local_names, frame.locals, strict=True)
            self._stored(frame, next((name for name, entry in names if entry is cell), ""), value)
        return super().store_cell(frame, cell, value)

    def _stored(self, frame: Frame[Variable], name: str, value: Variable) -> None:
        """Note that the program stored a value in one of its variables."""
        self._places.setdefault(value, (frame.code, frame.index))
        if type(value) is TensorVariable and value.node is not None and name:
            session = self.recorder
            assert isinstance(session, Session)
            session.recorder.name(value.node, name)


class Session:
    """The state of one capture.

    Args:
        registry: the handlers and rules.
        dynamism: decides which sizes and numbers are symbolic.
        refused: functions that run for real, with what stands against their capture.

    Attributes:
        scope: the values of the captured call, from which sources are fetched.
        gave_up: what was captured cannot be used, and the call runs eagerly as a whole.
        state_before: torch's state when the capture began.
        closed: the capture has ended; its frames and its graph are not to be changed any more.
    """

    def __init__(self, registry: Registry, dynamism: Dynamism, refused: Mapping[Any, BreakReason]) -> None:
        self.registry = registry
        self._dynamism = dynamism
        self.guards = GuardSet()
        self.effects = EffectLog()
        self.shape_env = ShapeEnv()
        self.shape_env.user_line = self.user_line
        self.fakes = FakeMode(self.shape_env)
        self.recorder = FxRecorder(self.user_stack)
        self.domain = TorchDomain(registry, self.guards, self.effects, self)
        self.domain.refused = refused
        self.interpreter: Interpreter[Variable] = Interpreter(self.domain)
        self.domain.interpreter = self.interpreter
        self.changes_state = False
        self.gave_up = False
        self._inferred = False
        self._regions: dict[Variable, torch.fx.Node] = {}
        self._state_guards = global_state_guards()
        self.state_before = read_state()
        self._modes_before: tuple[object, ...] = next(
            guard.predicate.entries
            for guard in self._state_guards
            if isinstance(guard.predicate, Stack) and guard.predicate.kind == "TORCH_FUNCTION_STATE"
        )
        self._default_devices = [entry for entry in self._modes_before if isinstance(entry, torch.device)]
        self.scope = Scope({})
        self.closed = False
        self._companions: dict[type, object] = {}
        self._break_observers: list[Callable[[BreakRecord], None]] = []
        self._tensors: dict[int, TensorVariable] = {}
        self._symbols: dict[str, torch.fx.Node] = {}
        self._present_devices: dict[torch.device, bool] = {}
        self._realised: list[tuple[Source, torch.Tensor]] = []
        self._strides_asked = False
        self._numbers: dict[Source, SymbolicNumberVariable] = {}
        self.modules: set[Source] = set()
        self._asked_of_tensors: dict[type, set[str]] = {}

    @property
    def torch_function_modes(self) -> int:
        """How many torch-function modes are active that may change what torch functions do; default devices aside."""
        return sum(not isinstance(entry, torch.device) for entry in self._modes_before)

    @property
    def default_device(self) -> torch.device | None:
        """The device that tensors are made on here, where a region or the program has said one."""
        return self._default_devices[-1] if self._default_devices else None

    # ---- where we are -----------------------------------------------------------------------------------------------

    @property
    def frames(self) -> list[Frame[Variable]]:
        """The user's frames, outermost first."""
        return self.interpreter.frames

    def user_stack(self) -> str:
        """The user's stack as text, for graph nodes."""
        return format_stack(reversed(list(self.domain.user_frames())))

    def user_line(self) -> object:
        """The user's line, for what is decided about sizes: what torch's own modules decide, their caller asked for."""
        for frame in self.domain.user_frames():
            if _TORCH not in Path(frame.filename).parents:
                return self.domain.line_of(frame)
        return self.domain.user_line()

    def where(self) -> tuple[str, int] | None:
        """The user's file and line."""
        line = self.domain.user_line()
        return None if line is None else (line.filename, line.line)

    def cut(self) -> Any | None:
        """Return the outermost function that a break here would cut in two and may not, None if there is none."""
        whole = self.domain.indivisible
        return next((whole[frame.code.raw] for frame in self.frames if frame.code.raw in whole), None)

    def break_record(self, reason: BreakReason, *, eager: bool = False) -> BreakRecord:
        """Return the record of a break here."""
        hint = reason.hint if not eager else "the whole call runs eagerly; nothing is lost but speed"
        return BreakRecord(
            reason.code, reason.explanation, hint, self.where() or ("<unknown>", 0), self.user_stack(), eager
        )

    def companion(self, kind: type[T]) -> T:
        """Return what another package keeps with this capture: its one instance of the class `kind`, made at first."""
        found = self._companions.get(kind)
        if found is None:
            found = self._companions[kind] = kind()
        return found  # type: ignore[return-value]

    def on_break(self, observer: Callable[[BreakRecord], None]) -> None:
        """Let `observer` see the record of the break that ends this capture, if one does, before anything is emitted.

        The frames are still there. What it raises reaches the caller of the captured function.
        """
        self._break_observers.append(observer)

    def broke(self, record: BreakRecord) -> None:
        """Tell the observers of a break."""
        for observer in self._break_observers:
            observer(record)

    def place_of(self, variable: Variable) -> UserLine | None:
        """Return the user's line at which a value was made, or first read; None when that is not known."""
        return self.domain.place_of(variable)

    def real_globals(self, frame: Frame[Variable]) -> dict[str, Any]:
        """Return the real globals of a frame."""
        return frame.globals.variables  # type: ignore[no-any-return]

    # ---- guards -----------------------------------------------------------------------------------------------------

    def current_guards(self) -> list[Guard]:
        """Return the guards so far: on values, on torch's state as it was at the start, on sizes."""
        return [*self.value_guards(), *self._shape_guards()]

    def value_guards(self) -> list[Guard]:
        """Return the guards so far on values and on torch's state, and not those on sizes."""
        line = self.domain.entry_line
        return [*self.guards, *[dataclasses.replace(guard, user_line=line) for guard in self._state_guards]]

    def all_guards(self) -> GuardSet:
        """Return the guards of the finished capture."""
        self.domain.seal()
        for value, variable in self.domain.wrapped():
            # Nothing used it, but the program may have asked what it is: `x is None`, `isinstance(x, Parameter)`.
            if isinstance(variable, TensorVariable) and variable.node is None and variable.source is not None:
                self.domain.guard(variable.source, TypeIs(type(value)))
        methods = [
            Guard(None, TensorMethods.of(cls, names), self.domain.entry_line)
            for cls, names in self._asked_of_tensors.items()
        ]
        return GuardSet([*self.current_guards(), *methods])

    def asks_tensor(self, cls: type, *names: str) -> bool:
        """Rely on what instances of a class of tensors have under these names; tell whether it is torch's own.

        Args:
            cls: `torch.Tensor` or `torch.nn.Parameter`.
            names: of attributes.
        """
        owners = (cls,) if cls is torch.Tensor else (cls, torch.Tensor)
        for owner in owners:
            self._asked_of_tensors.setdefault(owner, set()).update(names)
        return not any(is_patched(owner, name) for owner in owners for name in names)

    def asks_operator(self, cls: type, names: tuple[str, ...]) -> bool:
        """Rely on special methods of tensors, and on what those look up that are Python; tell whether all is torch's.

        Args:
            cls: `torch.Tensor` or `torch.nn.Parameter`.
            names: of methods that an operator may call.
        """
        own = self.asks_tensor(cls, *names)
        for name in names:
            method = vars(torch.Tensor).get(name)
            if own and isinstance(method, types.FunctionType):
                self._rely_on_names(method)
                own = self._is_one_operation(method)
        return own

    def close(self) -> None:
        """Let go of the capture: graph nodes keep fakes, and fakes must not keep the variables alive."""
        self.shape_env.user_line = _nowhere
        self.closed = True
        self._break_observers.clear()
        self._companions.clear()
        self.domain.forget_places()
        self.fakes.forget()
        self.domain.release()
        self.effects.clear()
        self._tensors.clear()
        self._realised.clear()
        self._numbers.clear()
        self._regions.clear()
        self.scope = Scope({})

    def _shape_guards(self) -> list[Guard]:
        return shape_guards(self.shape_env)

    def to_python(
        self, number: Any, fetch: Callable[[Source], ast.expr], constant: Callable[[object], ast.expr]
    ) -> ast.expr:
        """Return the expression of a symbolic number over the sizes of inputs."""
        return number_to_python(self.shape_env, number, fetch, constant)

    def hint(self, number: Any) -> Any:
        """Return the value that a symbolic number has in this call."""
        return number.node.hint

    # ---- looking into variables -------------------------------------------------------------------------------------

    def items(self, variable: Variable) -> Sequence[Variable]:
        """Return the items of a container that is known."""
        return self.domain.sequence(variable) or ()

    def entries(self, variable: DictVariable) -> list[tuple[HashKey, Variable]]:
        """Return keys and values of a dict."""
        return list(variable.items.items())

    def cell_content(self, cell: CellVariable) -> Any:
        """Return the variable in a cell, or UNBOUND."""
        return self.domain.cell_content(cell)

    def is_unbound(self, cell: CellVariable) -> bool:
        """Tell whether a cell is empty, without looking at what is in it."""
        return cell.content is UNBOUND if cell.content is not None else not _is_filled(cell.value)

    def scratch(self) -> Session:
        """Return a session at the same frames, with guards and a graph of its own: looking in it leaves no trace.

        It is for values of which nothing is assumed so far, such as a cell that the program has not read.
        """
        other = Session(self.registry, Dynamism(False, Seen()), self.domain.refused)
        other.scope = self.scope
        other.interpreter.frames[:] = self.frames
        return other

    def is_symbolic(self, variable: Variable) -> bool:
        """Say whether a variable stands for something that the graph computes."""
        return isinstance(variable, (TensorVariable, SymbolicNumberVariable))

    # ---- inputs -----------------------------------------------------------------------------------------------------

    def realise(self, variable: TensorVariable) -> TensorVariable:
        """Make a tensor that existed before an input of the graph, and guard its metadata; others are left alone."""
        if variable.node is not None:
            return variable
        source, value = variable.source, variable.value
        if source is None or value is None:
            raise AssertionError("a tensor variable has a node, or a source and a value")
        dynamic = self._dynamism.tensor(source.name, value, held=self._is_held(source))
        self.domain.guard(source, TensorMatch.of(value, dynamic=dynamic.sizes, dynamic_strides=dynamic.strides))
        self._realised.append((source, value))
        if self._strides_asked:
            self._guard_strides(source, value)
        variable.fake = self.fakes.fake(
            value, name=source.name, dynamic=dynamic.sizes, dynamic_strides=dynamic.strides, origin=_origin(source)
        )
        kind = torch.nn.Parameter if isinstance(value, torch.nn.Parameter) else torch.Tensor
        variable.node = self.recorder.placeholder(source.name, kind, source, variable.fake)
        self._tensors[id(variable.fake)] = variable
        return variable

    def glimpse(self, variable: TensorVariable) -> torch.Tensor:
        """Return the fake of a tensor, for looking only: one that nothing has used is not made an input by that.

        It is, where it has sizes that become symbols: their names are given out once.
        """
        source, value = variable.source, variable.value
        if variable.node is None and source is not None and value is not None:
            dynamic = self._dynamism.tensor(source.name, value, held=self._is_held(source))
            if not dynamic.sizes and not dynamic.strides:
                return FakeMode(ShapeEnv()).fake(value, name=source.name, dynamic=False)
            self.realise(variable)
        fake = variable.fake
        assert fake is not None
        return fake

    def has_inference_input(self) -> bool:
        """Tell whether an input of the graph is an inference tensor, or a tensor may have been made in such a mode."""
        return self._inferred or any(value.is_inference() for _, value in self._realised)

    def ask_strides(self) -> None:
        """Guard the strides that tensors have in dimensions of size 1: the program has asked for strides."""
        if not self._strides_asked:
            self._strides_asked = True
            for source, value in self._realised:
                self._guard_strides(source, value)

    def _guard_strides(self, source: Source, value: torch.Tensor) -> None:
        for dim, size in enumerate(value.size()):
            if size == 1 and value.layout is torch.strided:
                self.domain.guard(stride_source(source, dim), Equals(value.stride(dim)))

    def symbolic_number(self, value: float, source: Source) -> SymbolicNumberVariable | None:
        """Return the variable of an int or a float that may vary, guarded to be one; None: it is taken as it is."""
        known = self._numbers.get(source)
        if known is not None:
            return known
        root = source.root
        if isinstance(root, ConstantSource):
            return None
        local = not isinstance(root, (GlobalSource, NamespaceSource, BuiltinSource))
        if not self._dynamism.number(source.name, value, held=self._is_held(source), local=local):
            return None
        self.domain.guard(source, TypeIs(type(value)))
        if type(value) is float:
            self.domain.guard(None, is_finite(source))
        symbol = self.shape_env.create_symbol(source.name, value, dynamic=True, origin=source)
        number = self._numbers[source] = SymbolicNumberVariable(symbol, source)
        return number

    def _is_held(self, source: Source) -> bool:
        return not self.modules.isdisjoint(source.ancestors())

    # ---- torch's state ----------------------------------------------------------------------------------------------

    def set_grad_enabled(self, mode: bool) -> None:
        """Change the grad mode from here on: for what follows in the capture, and by a node for what follows in runs.

        `capture` restores the caller's mode at the end.
        """
        self.changes_state = True
        self.recorder.call(torch._C._set_grad_enabled, (mode,), {}, None)
        torch._C._set_grad_enabled(mode)

    def rely_on_autocast_dtype(self, device: str) -> None:
        """Rely on the dtype of a device's autocast as it was: torch's own check leaves it out while autocast is off."""
        for kind, enabled, dtype in self.state_before.autocast:
            if kind == device and not enabled:
                source = CallSource(torch.get_autocast_dtype, ConstantSource(f"autocast dtype of {kind}", kind), "")
                self.domain.guard(source, Is(dtype))

    def enter_autocast(self, region: Variable, device: str, dtype: torch.dtype, enabled: bool, caches: bool) -> None:
        """Open an autocast region, as `set_grad_enabled` changes the grad mode."""
        self.changes_state = True
        node = self.recorder.call(torch.amp.autocast_mode._enter_autocast, (device, dtype, enabled, caches), {}, None)
        self._regions[region] = node
        enter_autocast(device, dtype, enabled, caches)

    def exit_autocast(self, region: Variable, device: str, dtype: torch.dtype, enabled: bool, caches: bool) -> bool:
        """Close an autocast region; False if this graph did not open it."""
        node = self._regions.pop(region, None)
        if node is None:
            return False
        self.recorder.call(torch.amp.autocast_mode._exit_autocast, (node,), {}, None)
        exit_autocast(device, dtype, enabled, caches)
        return True

    def enter_inference_mode(self, region: Variable, mode: bool) -> None:
        """Open a region of inference mode."""
        self.changes_state = self._inferred = True
        self._regions[region] = self.recorder.call(enter_inference_mode, (mode,), {}, None)
        enter_inference_mode(mode)

    def exit_inference_mode(self, region: Variable) -> bool:
        """Close a region of inference mode; False if this graph did not open it last."""
        if not self._regions or next(reversed(self._regions)) is not region:
            return False
        del self._regions[region]
        self.recorder.call(exit_inference_mode, (), {}, None)
        exit_inference_mode()
        return True

    def enter_device(self, device: torch.device) -> None:
        """Make a device the default: nodes say it, and where the capture ends inside, entry code enters the region."""
        self._default_devices.append(device)
        self._note_default_device()

    def exit_device(self, device: torch.device) -> bool:
        """Leave the region of a default device; False if this capture has not entered it."""
        entered = self._entered_devices()
        if not entered or entered[-1] != device:
            return False
        self._default_devices.pop()
        self._note_default_device()
        return True

    def _entered_devices(self) -> list[torch.device]:
        before = [entry for entry in self._modes_before if isinstance(entry, torch.device)]
        return self._default_devices[len(before) :]

    def _note_default_device(self) -> None:
        self.effects.record(DefaultDevice(self, self._entered_devices()))

    # ---- the Recorder protocol --------------------------------------------------------------------------------------

    def claims(self, function: object, args: tuple[Variable, ...], kwargs: dict[str, Variable]) -> bool:
        """Tell whether a call becomes a node, or must not be entered."""
        if mark_of(function) is not None or original_of(function) is not None or steers_device(function):
            return True
        if keeps_count_for_dynamo(function):
            return True
        known = is_graph_function(function) or tensor_method_name(function) is not None
        return known and self._is_one_operation(function)

    def record(
        self, frame: Frame[Variable], function: Any, args: tuple[Variable, ...], kwargs: dict[str, Variable]
    ) -> Result[Variable]:
        """Record a call of a torch function, or of the method `function` (a name) of the first argument."""
        label = function if isinstance(function, str) else getattr(function, "__name__", repr(function))
        if keeps_count_for_dynamo(function):
            return Value(self.domain.constant(None))
        mark = mark_of(function)
        if mark is Mark.DISABLED and runs_as_a_whole(function):
            return Break(UnsupportedCall(label, "torch's own Python that no capture gets through runs as a whole"))
        if mark is Mark.DISABLED:
            return Break(RequestedBreak(f"disable({label})"))
        if steers_device(function):
            return Break(UnsupportedCall(label, "it steers a device, and runs for real"))
        if mark is Mark.CONSTANT:
            return self._assumed(function, label, args, kwargs)
        original = original_of(function)
        if original is not None:  # a dispatcher, whose insides are no part of the program
            return self.domain.call(frame, self.domain.reference(original), args, kwargs)
        method = tensor_method_name(function)
        if method is not None:
            return self.registry.handler_for(torch.Tensor).call_method(self.domain, args[0], method, args[1:], kwargs)
        own = getattr(torch.Tensor, function) if isinstance(function, str) else function
        if isinstance(function, str) and not self._is_one_operation(own):
            return self.domain.call(frame, self.domain.reference(own), args, kwargs)
        self._rely_on_names(own)
        try:
            lowered = [self.lower(argument) for argument in args]
            named = {name: self.lower(argument) for name, argument in kwargs.items()}
        except NotLoweredError as error:
            return Break(UnsupportedArgument(label, error.type_name))
        nodes, values = tuple([node for node, _ in lowered]), tuple([value for _, value in lowered])
        node_kwargs = {name: node for name, (node, _) in named.items()}
        value_kwargs = {name: value for name, (_, value) in named.items()}
        return self.record_lowered(label, function, (nodes, values), (node_kwargs, value_kwargs))

    def _is_one_operation(self, function: object) -> bool:
        """Tell whether a function of torch does what torch made it do; it is ordinary Python where it is patched."""
        return not isinstance(function, types.FunctionType) or dependence_of(function).on_torch_alone

    def _rely_on_names(self, function: object) -> None:
        """Guard what a function of torch looks up when it runs."""
        dependence = dependence_of(function)
        for module, name, found in dependence.bindings:
            namespace = self.domain.globals_of(vars(module)).namespace
            if found is MISSING:
                self.domain.guard(NamespaceSource(namespace), LacksKey(name))
            else:
                self.domain.guard(GlobalSource(name, namespace), Is(found))
        if dependence.methods:
            self.asks_tensor(torch.Tensor, *dependence.methods)

    def record_lowered(
        self,
        label: str,
        function: Any,
        args: tuple[tuple[Any, ...], tuple[Any, ...]],
        kwargs: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
    ) -> Result[Variable]:
        """Record a call.

        Args:
            label: what it is called in messages.
            function: what is called, or the name of a method.
            args: its arguments, as nodes and as fakes.
            kwargs: its arguments by name, as nodes and as fakes.
        """
        (nodes, values), (node_kwargs, value_kwargs) = args, kwargs
        traced = self.domain.interpreter is not self.interpreter
        eager_only = left_to_eager(label, value_kwargs.get("requires_grad"), traced=traced)
        if eager_only is not None:
            return Break(UnsupportedTensor(eager_only))
        real = getattr(torch.Tensor, function) if isinstance(function, str) else function
        target = under_its_name(function)
        if target is None:
            return Break(UnsupportedTensor(f"{label}, the name of which the program has bound to something else,"))
        device = self.default_device
        if device is not None and value_kwargs.get("device") is None:
            if is_maker(real):
                node_kwargs, value_kwargs = {**node_kwargs, "device": device}, {**value_kwargs, "device": device}
            elif may_make_tensors(real):
                target, real = under_device(device, target), under_device(device, real)
        if real in _OF_ANY_NUMBERS:
            values = example_numbers(values)
        # Before it is propagated: autograd's C++ aborts the process over an index that no device has.
        absent = next(filter(None, map(self._absent_argument, (*values, *value_kwargs.values()))), None)
        if absent is not None:
            return Break(AbsentDevice(label, str(absent)))
        sizes = [(fake, fake.size()) for fake in _written(value_kwargs.get("out")) if self._is_input(fake)]
        try:
            result = self.fakes.propagate(real, values, value_kwargs)
        except DataDependentError as error:
            return Break(DataDependent(f"{label} ({error.operator})"))
        except FakeTensorError as error:
            if error.__cause__ is not None and is_interruption(error.__cause__):
                raise error.__cause__ from None
            return Break(OperationFailed(label, str(error)))
        if any(fake.size() != size for fake, size in sizes):  # AOTAutograd fails over it
            return Break(UnsupportedTensor(f"{label}, which resizes a tensor from outside of the graph,"))
        absent = self._absent_device(result)
        if absent is not None:
            return Break(AbsentDevice(label, str(absent)))
        known = self._tensors.get(id(result))
        if not _has_tensor(result) and type(result) not in PYTHON_TYPE:
            return self._plain(target, nodes, node_kwargs, result)
        node = self.recorder.call(target, nodes, node_kwargs, result)
        if known is not None:  # in place: the same tensor object comes back
            return Value(known)
        return Value(self.raise_result(result, node))

    def _is_input(self, fake: torch.Tensor) -> bool:
        known = self._tensors.get(id(fake))
        return known is not None and known.source is not None

    def adopt(self, variable: TensorVariable) -> TensorVariable:
        """Know a tensor's variable by its fake from here on."""
        self._tensors[id(variable.fake)] = variable
        self.domain.came_up(variable)
        return variable

    def versions(self) -> list[tuple[torch.Tensor, int]]:
        """Return the fakes of all tensors so far, and how often each was written to."""
        fakes = [one.fake for one in self._tensors.values() if isinstance(one.fake, FakeTensor)]
        for fake in fakes:
            self.fakes.settle(fake)  # which counts as a write, and is none of the program's
        return [(fake, fake._version) for fake in fakes if not fake.is_inference()]

    def _absent_device(self, result: Any) -> torch.device | None:
        if isinstance(result, (list, tuple)):
            return next(filter(None, map(self._absent_device, result)), None)
        return self._absent(result.device) if isinstance(result, torch.Tensor) else None

    def _absent_argument(self, value: Any) -> torch.device | None:
        device = device_of(value)
        return None if device is None else self._absent(device)

    def _absent(self, device: torch.device) -> torch.device | None:
        present = self._present_devices.get(device)
        if present is None:
            present = self._present_devices[device] = is_present(device)
        return None if present else device

    def _plain(self, function: Any, nodes: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Result[Variable]:
        if result is None:  # called for its effect: `x[0] = 1`, `set_`
            self.recorder.call(function, nodes, kwargs, None)
            return Value(self.domain.constant(None))
        return self.domain.from_native(result)

    def _assumed(
        self, function: Any, label: str, args: Sequence[Variable], kwargs: dict[str, Variable]
    ) -> Result[Variable]:
        """Call a function whose result is assumed to be constant, with the arguments that this call has."""
        values = [self._present(argument) for argument in (*args, *kwargs.values())]
        if any(value is NOT_CONSTANT for value in values):
            return Break(UnsupportedArgument(label, "value that only the graph, or the program so far, has"))
        positional, named = values[: len(args)], dict(zip(kwargs, values[len(args) :], strict=True))
        try:
            result = function(*positional, **named)
        except Exception as error:
            if is_interruption(error):
                raise  # anything else is the user's: it runs for real, and raises where it belongs
            return Break(OperationFailed(label, type(error).__name__))
        return Value(self.domain.wrap(result, ConstantSource(f"{label}()", result)))

    def _present(self, variable: Variable) -> Any:
        """Return the object that a variable stands for, if it exists already and is as it was before the capture."""
        known = self.domain.as_constant(variable)
        if known is not NOT_CONSTANT:
            return known
        value = getattr(variable, "value", NOT_CONSTANT)
        if variable.source is None or value is NEW or self.effects.is_pending():
            return NOT_CONSTANT
        if isinstance(variable, TensorVariable):  # what holds for this one is assumed of all that look like it
            changed = getattr(self.realise(variable).fake, "_version", 0)
            return NOT_CONSTANT if changed or value is None else value
        if self.is_symbolic(variable):
            return NOT_CONSTANT
        self.domain.guard(variable.source, Is(value))
        return value

    def as_index(self, number: Variable) -> int | None:
        """Specialise a symbolic integer."""
        if isinstance(number, SymbolicNumberVariable) and isinstance(number.value, torch.SymInt):
            return int(number.value)
        return None

    # ---- variables to graph arguments -------------------------------------------------------------------------------

    def lower(self, variable: Variable) -> Pair:
        """Return a variable as an argument of a node, and as an argument of propagation.

        Raises:
            NotLoweredError: it cannot be part of a graph.
        """
        return lower(self, variable)

    def number_node(self, variable: SymbolicNumberVariable) -> torch.fx.Node:
        """Return the node of a symbolic number: a graph input, computed by entry code from the inputs' sizes."""
        if variable.node is None:
            expression = str(variable.value)
            node = self._symbols.get(expression)
            if node is None:
                name = expression if variable.source is None else variable.source.name
                node = self.recorder.placeholder(name, None, variable.value, variable.value)
                self._symbols[expression] = node
            variable.node = node
        return variable.node

    # ---- results of propagation to variables ------------------------------------------------------------------------

    def raise_result(self, result: Any, node: torch.fx.Node) -> Variable:
        """Return the variable of a result that `node` computes."""
        if isinstance(result, FakeTensor):
            known = self._tensors.get(id(result))
            if known is not None:
                return known
            cls = torch.nn.Parameter if isinstance(result, torch.nn.Parameter) else torch.Tensor
            return self.adopt(TensorVariable(cls, node=node, fake=result))
        if type(result) in PYTHON_TYPE:
            number = SymbolicNumberVariable(result)
            number.node = node
            self.domain.came_up(number)
            return number
        if isinstance(result, (list, tuple)):
            items = [self._element(item, node, index) for index, item in enumerate(result)]
            return ListVariable(items) if isinstance(result, list) else TupleVariable(tuple(items), cls=type(result))
        if type(result) is dict:
            made = self.domain.build_map(
                [self.domain.constant(key) for key in result],
                [self._element(item, node, key) for key, item in result.items()],
            )
            assert isinstance(made, Value)
            return made.value
        return self.domain.constant(result)

    def part(self, node: torch.fx.Node, index: object, item: Any) -> torch.fx.Node:
        """Return the node of a part of what `node` computes."""
        part = self.recorder.graph.call_function(operator.getitem, (node, index))  # type: ignore[arg-type]
        part.meta["example_value"] = item
        return part

    def _element(self, item: Any, node: torch.fx.Node, index: object) -> Variable:
        if not isinstance(item, (torch.Tensor, list, tuple, dict)) and type(item) not in PYTHON_TYPE:
            return self.domain.constant(item)
        return self.raise_result(item, self.part(node, index, item))

    def number(self, value: Any) -> Variable:
        """Return the variable of a size, or of a computation with sizes: a constant when it is one."""
        return SymbolicNumberVariable(value) if type(value) in PYTHON_TYPE else self.domain.constant(value)


def _with_text(line: UserLine | None) -> UserLine | None:
    if line is None or line.text:
        return line
    return dataclasses.replace(line, text=linecache.getline(line.filename, line.line).strip())


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asks whether there is one
    except ValueError:
        return False
    return True


_OF_ANY_NUMBERS = frozenset({torch.tensor, torch.as_tensor, torch.asarray, torch.scalar_tensor})
"""Functions that read the numbers that they get, whose results' metadata do not depend on them."""


def _nowhere() -> None:
    """The user's line when nothing is being captured."""


def _origin(source: Source) -> Callable[[str, int], object]:
    makers: dict[str, Callable[[int], object]] = {
        "size": lambda dim: size_source(source, dim),
        "stride": lambda dim: stride_source(source, dim),
        "storage_offset": lambda dim: storage_offset_source(source),
    }
    return lambda kind, dim: makers[kind](dim)


def _written(out: Any) -> list[torch.Tensor]:
    """Return the tensors among the values of an argument `out`."""
    items = out if isinstance(out, (list, tuple)) else [out]
    return [item for item in items if isinstance(item, torch.Tensor)]


def _has_tensor(result: Any) -> bool:
    if isinstance(result, (list, tuple)):
        return any(_has_tensor(item) for item in result)
    if isinstance(result, dict):
        return any(_has_tensor(item) for item in result.values())
    return isinstance(result, torch.Tensor)
