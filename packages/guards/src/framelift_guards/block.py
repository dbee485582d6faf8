"""A block of checks that the accelerator makes, and the same in Python for where it cannot say that they hold."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from framelift_guards import accelerator
from framelift_guards.codegen import GeneratedNamespace, compile_late
from framelift_guards.plan import PlanBuilder
from framelift_guards.source import Source

WORTHWHILE = 8
"""How many guards make a plan worth its call, and how many values one object of them all."""


@dataclass(frozen=True)
class Bundle:
    """Values that code wants at once, and can do without their names.

    Args:
        names: the locals that hold them, in order.
        found_as: called with a local that holds them all, as `accelerator.Values`.
    """

    names: Sequence[str]
    found_as: Callable[[str], None]


def together(names: Iterable[str], namespace: GeneratedNamespace) -> ast.expr:
    """Return an expression that makes one object of the values of locals."""
    values = ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())
    return ast.Call(ast.Name(namespace.name_of(accelerator.Values, "Values"), ast.Load()), [values], [])


class Block:
    """The checks of one block that a plan stands for, and a function that checks the same in Python.

    The plan comes first: ``values = plan(inputs)``. Where it gives ``None``, ``values = checks(inputs)``: the steps in
    Python are many, they have many locals, and most calls do without, so they are a function of their own, compiled
    when it is first called. Either way later code finds its values in ``values``.

    Args:
        plan: the plan.
        names: what the plan and the function are called in the generated namespace.
        arguments: expressions for the plan's inputs.
        or_leave: whether the code around the block is left where the plan gives ``None``, instead.
    """

    def __init__(self, plan: PlanBuilder, names: tuple[str, str], arguments: list[ast.expr], *, or_leave: bool) -> None:
        self.plan = plan
        self._or_leave = or_leave
        self.python: list[ast.stmt] = []
        """The same checks in Python; they leave by ``break``."""
        self.names: dict[Source, str] = {}
        """The locals that the Python code binds; grows as values are asked for."""
        self._name, self._checks = names
        self._arguments = arguments
        self._parameters: list[ast.expr] = []
        self._handed_out: dict[str, Source] = {}
        self._targets: list[ast.expr] = []
        self._results: list[ast.expr] = []
        self._found: dict[tuple[Source, ...], str] = {}
        self._bundles: list[Bundle] = []

    def statements(self, values: str) -> list[ast.stmt]:
        """Return the statements of the block; they grow until the block is finished.

        Args:
            values: a local for what the plan gives.
        """

        def bind(function: str, arguments: list[ast.expr]) -> ast.stmt:
            call = ast.Call(ast.Name(function, ast.Load()), arguments, [])
            return ast.Assign([ast.Name(values, ast.Store())], call)

        unknown = ast.Compare(ast.Name(values, ast.Load()), [ast.Is()], [ast.Constant(None)])
        ask = [bind(self._checks, self._parameters), ast.If(unknown, [ast.Break()], [])]
        unpack = ast.Assign([ast.Tuple(self._targets, ast.Store())], ast.Name(values, ast.Load()))
        otherwise: list[ast.stmt] = [ast.Break()] if self._or_leave else ask
        return [bind(self._name, self._arguments), ast.If(unknown, otherwise, []), unpack]

    def hand_out(self, source: Source, name: str) -> None:
        """Bind the plan's value of ``source`` to a local."""
        self._handed_out[name] = source

    def may_find(self, bundle: Bundle) -> None:
        """Take note of values that are wanted at once."""
        self._bundles.append(bundle)

    def finish(
        self, statements: Sequence[ast.stmt], namespace: GeneratedNamespace, parameters: Mapping[str, Source]
    ) -> ast.FunctionDef | None:
        """Make the plan, when all that is asked of it is known, and return the function that checks in its place.

        Args:
            statements: all code that the block is a part of.
            namespace: of that code.
            parameters: the sources of the function's parameters, by their names in that code.
        """
        assert accelerator.make_plan is not None
        found = [bundle for bundle in self._bundles if self._find(bundle, namespace, parameters)]
        names = _names_in(statements, ast.Load) if found else self._handed_out
        for name, source in self._handed_out.items():
            if name in names:
                self._bind(name, ast.Name(name, ast.Load()), source)
        namespace.globals[self._name] = self.plan.make(accelerator.make_plan)
        return None if self._or_leave else self._function(namespace)

    def _function(self, namespace: GeneratedNamespace) -> ast.FunctionDef:
        result = ast.Return(ast.Tuple(self._results, ast.Load()))
        body: list[ast.stmt] = [ast.While(ast.Constant(True), [*self.python, result], [])]
        own = _names_in(body, ast.Store)
        given = [name for name in _names_in(body, ast.Load) if name not in own and name not in namespace.globals]
        self._parameters += [ast.Name(name, ast.Load()) for name in given]
        arguments = ast.arguments([], [ast.arg(name) for name in given], None, [], [], None, [])
        definition = ast.FunctionDef(self._checks, arguments, [*body, ast.Return(ast.Constant(None))], [])
        namespace.globals[self._checks] = compile_late(definition, namespace)
        return definition

    def _find(self, bundle: Bundle, namespace: GeneratedNamespace, parameters: Mapping[str, Source]) -> bool:
        """Let the plan hand out a bundle, if it has all of it and that is much."""
        known = {**parameters, **self._handed_out}
        sources = tuple([known[name] for name in bundle.names if name in known])
        if len(sources) < len(bundle.names) or len(self._handed_out.keys() & set(bundle.names)) < WORTHWHILE:
            return False
        if sources not in self._found:
            for name in bundle.names:
                if name not in self._handed_out and known[name] not in self.plan.inputs:
                    self.plan.slot(known[name])
                    self._arguments.append(ast.Name(name, ast.Load()))
            self._found[sources] = namespace.fresh("together")
            self._bind(self._found[sources], together(bundle.names, namespace), sources)
        bundle.found_as(self._found[sources])
        return True

    def _bind(self, name: str, result: ast.expr, output: Source | tuple[Source, ...]) -> None:
        self.plan.outputs.append(output)
        self._results.append(result)
        self._targets.append(ast.Name(name, ast.Store()))


def _names_in(statements: Sequence[ast.AST], context: type[ast.expr_context]) -> dict[str, None]:
    """Return the names that statements read (``Load``) or bind (``Store``), in no particular order but a fixed one."""
    names: dict[str, None] = {}
    pending: list[object] = list(statements)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, context):
                names[node.id] = None
        elif isinstance(node, list):
            pending += node
        elif isinstance(node, ast.AST):
            pending += vars(node).values()
    return names
