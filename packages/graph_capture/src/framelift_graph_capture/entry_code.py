"""Entry code: the generated Python that runs one specialisation.

It is handed what the graph and the results need, which the dispatcher has fetched together with what guards look at. It
calls the graph, makes the values that exist only in the capture, does the effects in program order, and ends: it
returns, or performs the operation that broke and goes on to a continuation.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from framelift_bytecode_interp import Marker
from framelift_guards import ConstantSource, GeneratedNamespace, LocalSource, Source, apply, compile_function
from framelift_guards.codegen import is_identifier, lay_out
from framelift_variable_tracking import (
    CodeEmitter,
    EffectLog,
    NotReconstructible,
    ReconstructionError,
    SymbolicDomain,
    Variable,
)

from .entry_point import Continuation, EntryPoint
from .graph_failure import GraphFailure
from .recorder import is_taken_back
from .suspension import Suspension
from .tail_call import TailCall, drive
from .torch_state import TorchState, moved_state, read_state, restore_state
from .trampoline import Operation
from .variables import TensorVariable

__all__ = ["EntryCode", "EntryFunction"]

_MANY = 32
"""How many values that only the graph needs are better handed on as one object than as a parameter each."""


class EntryCode(CodeEmitter):
    """Writes the entry code of one capture: an emitter that knows a graph, a break, and how calls end.

    Args:
        entry_point: whose parameters the entry code takes.
        domain: finds the handlers of variables.
        to_python: gives the expression of a symbolic number, given how to fetch a source and hold a function.
    """

    def __init__(
        self,
        entry_point: EntryPoint,
        domain: SymbolicDomain,
        to_python: Callable[[Any, Callable[[Source], ast.expr], Callable[[object], ast.expr]], ast.expr],
    ) -> None:
        namespace = GeneratedNamespace(reserved=entry_point.parameters)
        self._renamed = {
            name: namespace.fresh(f"p_{name}") for name in entry_point.parameters if not is_identifier(name)
        }
        super().__init__(domain, namespace, self._renamed)
        self.outputs: list[torch.fx.Node] = []
        self._entry_point = entry_point
        self._to_python = to_python
        self._fetched_as: dict[Source, str] = {}
        self._tail: list[ast.stmt] = []
        self._output_names: dict[torch.fx.Node, str] = {}
        self._graph = namespace.fresh("graph")
        self._rest = namespace.fresh("inputs")
        self._before_graph: list[ast.stmt] = []
        self._after_graph: list[ast.stmt] = []
        self._graph_call: ast.Try | None = None
        self._after_failure: list[ast.stmt] = []
        self._continuations: dict[str, Continuation] = {}

    # ---- values -----------------------------------------------------------------------------------------------------

    def fetch(self, source: Source) -> ast.expr:
        """Return an expression for the value of a source: a parameter, which whoever calls the entry code fills."""
        if isinstance(source, (LocalSource, ConstantSource)):
            return source.to_ast(self.builder)
        name = self._fetched_as.get(source)
        if name is None:
            name = self._fetched_as[source] = self.namespace.fresh("v")
        return ast.Name(name, ast.Load())

    def value(self, variable: Variable) -> ast.expr:
        """Return an expression for a variable's object: the same object for the same variable."""
        if isinstance(variable, TensorVariable) and variable.source is None:
            return self.graph_output(variable)
        return super().value(variable)

    # ---- what the torch handlers ask beside -------------------------------------------------------------------------

    def graph_output(self, variable: TensorVariable) -> ast.expr:
        """Return an expression for a tensor that the graph computes."""
        node = variable.node
        assert node is not None
        if is_taken_back(node):
            detail = "it comes from the inside of a function that torch called"
            raise ReconstructionError(NotReconstructible("Tensor", detail))
        name = self._output_names.get(node)
        if name is None:
            name = self._output_names[node] = self.namespace.fresh(node.name)
            self.outputs.append(node)
        return ast.Name(name, ast.Load())

    def symbolic(self, number: Any) -> ast.expr:
        """Return an expression for a symbolic number, over the sizes that it came from."""
        return self._to_python(number, self.fetch, self.constant)

    # ---- the graph --------------------------------------------------------------------------------------------------

    def call_graph(
        self, inputs: Iterable[object], *, states: tuple[TorchState, TorchState] | None, writes: bool
    ) -> None:
        """Call the graph before all values are made, once it is known what it returns.

        Args:
            inputs: the source or symbolic number of each placeholder.
            states: torch's state before and after the graph, if it changes that: an error must not leave it changed,
                and what compilers make of the graph may not leave it as the graph does.
            writes: the graph writes to its inputs, so it cannot be run again when it has failed.
        """
        arguments = [self.fetch(one) if isinstance(one, Source) else self.symbolic(one) for one in inputs]
        call = ast.Call(ast.Name(self._graph, ast.Load()), arguments, [])
        names: list[ast.expr] = [ast.Name(self._output_names[node], ast.Store()) for node in self.outputs]
        run: ast.stmt = ast.Assign([ast.Tuple(names, ast.Store())], call) if names else ast.Expr(call)
        failure, error = self.namespace.fresh("failure"), self.namespace.fresh("error")
        failed: list[ast.stmt] = [ast.Assign([ast.Name(failure, ast.Store())], ast.Name(error, ast.Load()))]
        if states is not None:
            before = self.namespace.fresh("torch_state")
            self._before_graph = [ast.Assign([ast.Name(before, ast.Store())], self.call(read_state))]
            failed.append(ast.Expr(self.call(restore_state, ast.Name(before, ast.Load()))))
            self._after_graph = [self._arrive(before, *states)]
        handler = ast.ExceptHandler(self.constant(Exception, "Exception"), error, failed)
        self._graph_call = ast.Try([run], [handler], [], [])
        on_failure = self.constant(GraphFailure(self._entry_point, writes=writes), "graph_failed")
        parameters = [LocalSource(name).to_ast(self.builder) for name in self._entry_point.parameters]
        again = ast.Call(on_failure, [ast.Name(failure, ast.Load()), *parameters], [])
        # After the `try`, so that the error is not one that entry code is handling.
        self._after_failure = [ast.Return(again)]

    def _arrive(self, before: str, start: TorchState, end: TorchState) -> ast.stmt:
        """Return what leaves torch's state as the graph should have left it."""
        if start._replace(grad_mode=end.grad_mode) == end:
            return ast.Expr(self.call(torch._C._set_grad_enabled, ast.Constant(end.grad_mode)))
        states = [self.constant(start, "state"), self.constant(end, "state")]
        return ast.Expr(self.call(restore_state, self.call(moved_state, ast.Name(before, ast.Load()), *states)))

    # ---- the end ----------------------------------------------------------------------------------------------------

    def finish_returning(self, variable: Variable) -> None:
        """End by returning a value."""
        self._tail = [ast.Return(self.value(variable))]

    def finish_breaking(self, suspension: Suspension) -> None:
        """End by performing the operation that broke, and going on to one of two continuations."""
        # All values are made before any effect and before the operation, which may change what they came from.
        live = [self._held(self.value(variable)) for variable in suspension.values.values()]
        if suspension.operation is None:
            rest = suspension.continuation(raised=None)
            self._tail = [ast.Return(self.call(rest.run_positionally, *live))]
            return
        operands = [
            self.constant(one, "marker") if isinstance(one, (Marker, tuple)) else self._held(self.value(one))
            for one in suspension.operands
        ]
        handled = ast.Constant(None) if suspension.handled is None else self._held(self.value(suspension.handled))
        perform = Operation(suspension.operation, suspension.positions, suspension.namespace)
        outcome, error = self.namespace.fresh("outcome"), self.namespace.fresh("error")
        run = ast.Call(self.constant(perform, "operation"), [handled, *operands], [])
        keep = ast.Assign([ast.Name(outcome, ast.Store())], ast.Name(error, ast.Load()))
        handler = ast.ExceptHandler(self.constant(BaseException, "BaseException"), error, [keep])
        attempt = ast.Try(
            [ast.Assign([ast.Name(outcome, ast.Store())], run)],
            [handler],
            [self._go_on(suspension.continuation(raised=False), outcome, live)],
            [],
        )
        # Outside of the handler, so that the exception is not one that entry code is handling; and if it passes through
        # this frame, the frame must not hold it.
        raising = self._go_on(suspension.continuation(raised=True), outcome, live)
        dropped = ast.Delete([ast.Name(outcome, ast.Del())])
        self._tail = [attempt, ast.Try([raising], [], [], [dropped])]

    def _held(self, expression: ast.expr) -> ast.expr:
        """Return an expression that may be mentioned twice."""
        return expression if isinstance(expression, (ast.Name, ast.Constant)) else self.temporary(expression)

    def _go_on(self, continuation: Continuation, outcome: str, live: list[ast.expr]) -> ast.stmt:
        name = self.namespace.fresh("continuation")
        self._continuations[name] = continuation
        function = ast.Name(name, ast.Load())
        arguments = [ast.Name(outcome, ast.Load()), *[_again(value) for value in live]]
        if isinstance(self._entry_point, Continuation):
            call = self.call(TailCall, function, ast.Tuple(arguments, ast.Load()))
        else:
            call = self.call(drive, function, *arguments)
        return ast.Return(call)

    def close(self, effects: EffectLog) -> None:
        """Add the effects of the capture, and check that nothing is left that entry code cannot do.

        Raises:
            ReconstructionError: a value cannot be made again, or was dropped where CPython would run code of its.
        """
        self.replay(effects)
        self.body()

    # ---- the function -----------------------------------------------------------------------------------------------

    def finish(self) -> EntryFunction:
        """Return the function, apart from all that was needed to write it."""
        own = [self._renamed.get(name, name) for name in self._entry_point.parameters]
        body = [*self.body(), *self._tail]
        together = self._hand_on(body)
        rest = [] if not together else [self._rest]
        named = self._named(body)
        fetched = {source: name for source, name in self._fetched_as.items() if not together or name in named}
        parameters = [ast.arg(name) for name in (*own, *fetched.values(), *rest)]
        if self._graph_call is not None:
            self._graph_call.orelse = [*self._after_graph, *body]
            body = [*self._before_graph, self._graph_call, *self._after_failure]
        stem = self._entry_point.name if is_identifier(self._entry_point.name) else "entry"
        arguments = ast.arguments([], parameters, None, [], [], None, [])
        definition = ast.FunctionDef(f"{stem}_entry", arguments, body, [])
        return EntryFunction(definition, tuple(fetched), together, self.namespace, self._graph, self._continuations)

    def _hand_on(self, body: list[ast.stmt]) -> tuple[Source, ...]:
        """Let the graph's call hand on many values as they come, ``apply(graph, inputs)``, and return their sources.

        A parameter each would cost a large model more than the checks of its modules: a frame of a thousand locals is
        allocated anew in each call.
        """
        if self._graph_call is None:
            return ()
        call = self._call_of_graph(self._graph_call)
        sources: dict[str, Source] = {name: source for source, name in self._fetched_as.items()}
        sources |= {self._renamed.get(name, name): LocalSource(name) for name in self._entry_point.parameters}
        names = [argument.id if isinstance(argument, ast.Name) else "" for argument in call.args]
        runs = [list(found) for known, found in itertools.groupby(names, sources.__contains__) if known]
        longest = max(runs, key=len, default=[])
        elsewhere = self._named(body, but=longest)
        if len([name for name in longest if not sources[name].is_local and name not in elsewhere]) < _MANY:
            return ()
        start = next(at for at in range(len(names)) if names[at : at + len(longest)] == longest)
        before, after = call.args[:start], call.args[start + len(longest) :]
        call.args = [call.func, *before, ast.Name(self._rest, ast.Load()), *after]
        call.func = self.constant(apply, "apply")
        return tuple([sources[name] for name in longest])

    def _call_of_graph(self, attempt: ast.Try) -> ast.Call:
        (run,) = attempt.body
        assert isinstance(run, (ast.Assign, ast.Expr))
        assert isinstance(run.value, ast.Call)
        return run.value

    def _named(self, body: list[ast.stmt], but: Iterable[str] = ()) -> set[str]:
        """Return the names that the function reads.

        Args:
            body: what follows the graph's call.
            but: names of arguments of that call, which do not count.
        """
        parts: list[ast.AST] = [*body, *self._before_graph, *self._after_failure]
        if self._graph_call is not None:
            parts += self._graph_call.handlers
            parts += [one for one in self._call_of_graph(self._graph_call).args if not _is_named(one, but)]
        return {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}


@dataclasses.dataclass(frozen=True)
class EntryFunction:
    """Entry code as data, still to be linked with a compiled graph and with continuations.

    Nothing of the capture is in it: what a finished capture keeps must not keep the user's model alive.

    Args:
        definition: the function: it takes the parameters of the entry point, and after them the values of `sources`.
        sources: what it needs beside the parameters.
        together: what it gets last, as one object, and hands on to the graph.
        namespace: its constants.
        graph: the name that the graph goes by.
        continuations: the continuations, by the name that each goes by.
    """

    definition: ast.FunctionDef
    sources: tuple[Source, ...]
    together: tuple[Source, ...]
    namespace: GeneratedNamespace
    graph: str
    continuations: Mapping[str, Continuation]

    def link(
        self, graph: Callable[..., Any] | None, continue_at: Callable[[EntryPoint], Callable[..., object]]
    ) -> Callable[..., object]:
        """Compile the function, over a compiled graph and the functions of its continuations."""
        if graph is not None:
            self.namespace.globals[self.graph] = graph
        for name, continuation in self.continuations.items():
            self.namespace.globals[name] = continue_at(continuation)
        return compile_function(self.definition, self.namespace)

    def source(self) -> str:
        """Return the Python text of the function."""
        lay_out(self.definition)
        return ast.unparse(self.definition) + "\n"


def _is_named(expression: ast.expr, names: Iterable[str]) -> bool:
    return isinstance(expression, ast.Name) and expression.id in names


def _again(expression: ast.expr) -> ast.expr:
    """Return an expression a second time: two places of a tree must not share a node."""
    if isinstance(expression, ast.Name):
        return ast.Name(expression.id, ast.Load())
    if isinstance(expression, ast.Constant):
        return ast.Constant(expression.value)
    raise AssertionError(f"entry code mentions {ast.unparse(expression)} twice")
