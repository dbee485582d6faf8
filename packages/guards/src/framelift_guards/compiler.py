"""Guards to statements: every shared step of a source is taken once, and predicates of one family become one check."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Mapping, Sequence

from framelift_guards import accelerator
from framelift_guards.codegen import Builder, Fetchable, GeneratedNamespace, compile_function
from framelift_guards.guard import Guard
from framelift_guards.plan import PlanBuilder
from framelift_guards.predicates import Contains, Family, Member, Predicate, TypeIs
from framelift_guards.siblings import Siblings, gathered
from framelift_guards.source import DictItemSource, ItemSource, Source

_LONGEST = 50
"""How many steps of a path may be taken in one expression."""

_WORTHWHILE = 8
"""How many guards make a plan worth its call."""


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
        self._calls: list[ast.Call] = []

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

    def may_pack(self, call: ast.Call) -> None:
        """Take note of a call that may get the plan's values as one tuple."""
        self._calls.append(call)

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
        packed = [call for call in self._calls if self._pack(call, namespace, parameters)]
        names = _names(statements, ast.Load) if packed else self._handed_out
        for name, source in self._handed_out.items():
            if name in names:
                self._bind(name, ast.Name(name, ast.Load()), source)
        namespace.globals[self._name] = self.plan.make(accelerator.make_plan)
        return None if self._or_leave else self._function(namespace)

    def _function(self, namespace: GeneratedNamespace) -> ast.FunctionDef:
        result = ast.Return(ast.Tuple(self._results, ast.Load()))
        body: list[ast.stmt] = [ast.While(ast.Constant(True), [*self.python, result], [])]
        own = _names(body, ast.Store)
        given = [name for name in _names(body, ast.Load) if name not in own and name not in namespace.globals]
        self._parameters += [ast.Name(name, ast.Load()) for name in given]
        arguments = ast.arguments([], [ast.arg(name) for name in given], None, [], [], None, [])
        definition = ast.FunctionDef(self._checks, arguments, [*body, ast.Return(ast.Constant(None))], [])
        namespace.globals[self._checks] = CompiledLate(definition, namespace)
        return definition

    def _pack(self, call: ast.Call, namespace: GeneratedNamespace, parameters: Mapping[str, Source]) -> bool:
        """Let a call get its arguments as one tuple, if the plan has them all and they are many."""
        names = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
        known = {**parameters, **self._handed_out}
        sources = tuple([known[name] for name in names if name in known])
        if len(sources) < len(call.args) or len(self._handed_out.keys() & set(names)) < _WORTHWHILE:
            return False
        for name in names:
            if name not in self._handed_out and known[name] not in self.plan.inputs:
                self.plan.slot(known[name])
                self._arguments.append(ast.Name(name, ast.Load()))
        packed = namespace.fresh("packed")
        self._bind(packed, ast.Tuple(call.args, ast.Load()), sources)
        call.args = [ast.Starred(ast.Name(packed, ast.Load()), ast.Load())]
        return True

    def _bind(self, name: str, result: ast.expr, output: Source | tuple[Source, ...]) -> None:
        self.plan.outputs.append(output)
        self._results.append(result)
        self._targets.append(ast.Name(name, ast.Store()))


class CompiledLate:
    """A generated function that is compiled when it is first called, and then takes this one's place.

    Args:
        definition: the function.
        namespace: its globals, where it is found by its own name.
    """

    def __init__(self, definition: ast.FunctionDef, namespace: GeneratedNamespace) -> None:
        self._definition = definition
        self._namespace = namespace

    def __call__(self, *arguments: object) -> object:
        function = compile_function(self._definition, self._namespace)
        if self._namespace.globals.get(self._definition.name) is self:
            self._namespace.globals[self._definition.name] = function
        return function(*arguments)


def _names(statements: Sequence[ast.AST], context: type[ast.expr_context]) -> dict[str, None]:
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


class CheckBuilder(Builder):
    """Builds the statements that leave a block by ``break`` when a guard does not hold.

    ``statements`` are the checks of framelift's own: what they raise means that they do not hold. ``last`` are those
    that run functions of the user's, for after the others; what they raise is an error.

    Args:
        namespace: where constants are held.
        renamed: how parameters are called in the generated function.
        names: where the names of constants that the statements use are added.
        paths: for each specialisation that the block is on the way to, all its predicates.
        parent: the builder of the block around this one, whose locals and known types are known here.
        blocks: where blocks with a plan are added, to be finished when all code has been built.
    """

    def __init__(
        self,
        namespace: GeneratedNamespace,
        renamed: Mapping[str, str],
        names: set[str],
        paths: Sequence[Sequence[Predicate]] = (),
        parent: CheckBuilder | None = None,
        blocks: list[Block] | None = None,
    ) -> None:
        super().__init__(namespace, renamed)
        self._all_blocks: list[Block] = [] if blocks is None else blocks
        self._blocks: list[Block] = [] if parent is None else list(parent._blocks)
        self.paths = paths
        self.statements: list[ast.stmt] = []
        self.last: list[ast.stmt] = []
        self.names = names
        self._uses: dict[Source, int] = {}
        self._always_fetched: frozenset[Source] = frozenset()
        self._bound: dict[Source, str] = {} if parent is None else dict(parent._bound)
        self._types: dict[Source, type] = {} if parent is None else dict(parent._types)
        self._pending: dict[Family, list[Guard]] = {}
        self._pending_sources: set[Source] = set()

    def check(
        self,
        guards: Sequence[Guard],
        wanted: Sequence[Source] = (),
        later: Iterable[Source] = (),
        trusted: Sequence[Guard] = (),
    ) -> None:
        """Emit the checks of the block.

        Args:
            guards: what must hold, in order.
            wanted: what is fetched when it does; it is mentioned where nothing may fail, so it is bound to locals.
            later: what blocks inside this one fetch: steps that they share with this one are taken here.
            trusted: guards that are taken to hold; of ``guards``, those are checked only where a plan does it, and
                where it does not find that they hold the block is left.
        """
        plan = self._plan(guards, wanted, trusted)
        done = frozenset(() if plan is None else plan.guards)
        self._types.update(_types_of([guard for guard in trusted if guard not in done]))
        left_out = frozenset(trusted) - done
        guards = [guard for guard in guards if guard not in left_out]
        self._count_uses(guards, wanted, later)
        if plan is not None:
            self._check_by_plan(plan, or_leave=bool(trusted))
        self._add_all([guard for guard in guards if guard not in done])
        self.flush()

    def _add_all(self, guards: Iterable[Guard]) -> None:
        for one in gathered(guards, self.known_type):
            if not isinstance(one, Siblings):
                self.add(one)
                continue
            if self._pending_sources and self._steps_through_pending(one.guards[0]):
                self.flush()
            self.require(one.condition(self))

    def _plan(self, guards: Sequence[Guard], wanted: Sequence[Source], trusted: Sequence[Guard]) -> PlanBuilder | None:
        """Return the plan of what one can do, if that is worthwhile."""
        if accelerator.make_plan is None or len(guards) + len(wanted) < _WORTHWHILE:
            return None
        known = self._types if not trusted else {**self._types, **_types_of(trusted)}
        plan = PlanBuilder(known.get, lambda source: source.is_local or source in self._bound)
        done = [plan.add(guard) for guard in guards].count(True)
        if trusted:  # else they are among the sources that are guarded
            done += [plan.slot(source) is not None for source in wanted].count(True)
        return plan if done >= _WORTHWHILE else None

    def _check_by_plan(self, plan: PlanBuilder, *, or_leave: bool) -> None:
        """Emit the checks that a plan stands for."""
        outside, before = self.statements, dict(self._bound)
        names = self.namespace.fresh("plan"), self.namespace.fresh("checks")
        self.names.update(names)
        block = Block(plan, names, [self.fetch(source) for source in plan.inputs], or_leave=or_leave)
        self.statements = block.python
        self._add_all(plan.guards)
        block.names = {source: bound for source, bound in self._bound.items() if source not in before}
        self._bound, self.statements = before, outside
        self.statements += block.statements(self.namespace.fresh("values"))
        self._blocks.append(block)
        self._all_blocks.append(block)

    def _from_plan(self, source: Source) -> str | None:
        """Return the local to which a plan's value of ``source`` is bound, if a plan finds it."""
        block = next((block for block in self._blocks if source in block.plan), None)
        if block is None:
            return None
        outside, bound = self.statements, self._bound
        self.statements, self._bound, blocks, self._blocks = block.python, block.names, self._blocks, []
        name = block.names.get(source)
        if name is None:
            name = self.namespace.fresh(_hint(source))
            self._shorten(source)
            expression = source.to_ast(self)
            self.statements.append(ast.Assign([ast.Name(name, ast.Store())], expression))
            block.names[source] = name
        self.statements, self._bound, self._blocks = outside, bound, blocks
        block.hand_out(source, name)
        self._bound[source] = name
        return name

    def many(self, call: ast.Call) -> ast.Call:
        for block in self._blocks:
            block.may_pack(call)
        return call

    def _count_uses(self, guards: Sequence[Guard], wanted: Sequence[Source], later: Iterable[Source]) -> None:
        for guard in guards:
            if guard.source is not None:
                # What a user's function gets is bound to a local, since the function runs where nothing may fail.
                self._count(guard.source, 2 if guard.predicate.runs_user_code else guard.predicate.uses)
        for source in wanted:
            self._count(source, 2)
        self._always_fetched = frozenset(self._uses)  # what a predicate reads beside, it may read under a condition
        for guard in guards:
            for source in guard.predicate.sources:
                self._count(source, 1)
        for source in later:
            self._count(source, 1)

    def _count(self, source: Source, uses: int) -> None:
        for step in source.ancestors():
            before = self._uses.get(step, 0)
            self._uses[step] = before + uses
            if before:
                return
            uses = 1

    def very(self, value: object, hint: str = "object") -> ast.expr:
        expression = super().very(value, hint)
        if type(expression) is ast.Name:
            self.names.add(expression.id)
        return expression

    def known_type(self, source: Fetchable) -> type | None:
        return self._types.get(source)  # type: ignore[call-overload, no-any-return]

    def fetch(self, source: Fetchable) -> ast.expr:
        """Return the expression for ``source``, bound to a local first when it is mentioned more than once."""
        assert isinstance(source, Source)
        if source.is_local:
            return source.to_ast(self)
        name = self._bound.get(source) or self._from_plan(source)
        if name is None:
            self._shorten(source)
            expression = source.to_ast(self)
            if self._uses.get(source, 1) < 2 or isinstance(expression, ast.Name | ast.Constant):
                return expression
            name = self._bound[source] = self.namespace.fresh(_hint(source))
            self.statements.append(ast.Assign([ast.Name(name, ast.Store())], expression))
        return ast.Name(name, ast.Load())

    def bound(self, source: Source) -> ast.expr:
        """Return an expression for ``source`` that may be mentioned any number of times."""
        self._count(source, 2)
        return self.fetch(source)

    def _shorten(self, source: Source) -> None:
        """Bind steps of a long path, so that no expression nests deeper than the compiler and we can recurse."""
        path = list(itertools.takewhile(lambda step: step not in self._bound, source.ancestors()))
        for step in reversed(path[_LONGEST::_LONGEST]):
            self._uses[step] = max(2, self._uses.get(step, 1))
            self.fetch(step)

    def require(self, condition: ast.expr) -> None:
        """Leave the block unless ``condition`` is true."""
        if not (isinstance(condition, ast.Constant) and condition.value):
            self.statements.append(_leave_unless(condition))

    def add(self, guard: Guard) -> None:
        """Emit the check of ``guard``, or keep it until its family is compiled."""
        if self._pending_sources and self._steps_through_pending(guard):
            self.flush()
        family = guard.predicate.family
        if family is not None:
            self._pending.setdefault(family, []).append(guard)
            if guard.source is not None:
                self._pending_sources.add(guard.source)
            return
        self.subject_type = None if guard.source is None else self.known_type(guard.source)
        if self._implied(guard):
            return
        value = ast.Constant(None) if guard.source is None else self.fetch(guard.source)
        if guard.predicate.runs_user_code:
            self.last.append(_leave_unless(self._held(guard.predicate.to_ast(value, self))))
            return
        self.require(guard.predicate.to_ast(value, self))
        self._types.update(_types_of([guard]))

    def _held(self, condition: ast.expr) -> ast.expr:
        """Return a condition that mentions no constant: each is bound to a local, where a name that is gone is a miss.

        Another thread may forget the specialisation, and its constants, while this code runs; outside of ``try`` that
        would be an error.
        """
        held: dict[str, str] = {}
        for node in ast.walk(condition):
            if isinstance(node, ast.Name) and node.id in self.namespace.globals:
                if node.id not in held:
                    held[node.id] = self.namespace.fresh("held")
                    bind = ast.Assign([ast.Name(held[node.id], ast.Store())], ast.Name(node.id, ast.Load()))
                    self.statements.append(bind)
                node.id = held[node.id]
        return condition

    def flush(self) -> None:
        """Emit the checks of the families collected so far."""
        checks = []
        for family, guards in self._pending.items():
            members = [
                Member(guard.predicate, None if guard.source is None else self.fetch(guard.source)) for guard in guards
            ]
            checks.append(family.to_ast(members, self))
        for stage in itertools.zip_longest(*checks):
            for condition in stage:
                if condition is not None:
                    self.require(condition)
        self._pending.clear()
        self._pending_sources.clear()

    def _implied(self, guard: Guard) -> bool:
        """Tell whether other statements of the block fail where ``guard`` does: fetching an item that is not there."""
        predicate, source = guard.predicate, guard.source
        if type(predicate) is not Contains or source is None or self.subject_type is not dict:
            return False
        if predicate.via is not dict or not predicate.key.plain:
            return False
        key = predicate.key.reference.get()
        return any(item in self._always_fetched for item in (DictItemSource(source, key), ItemSource(source, key)))

    def _steps_through_pending(self, guard: Guard) -> bool:
        # A step from a value is taken only after the value itself was checked, so that no stranger's code runs.
        roots = guard.predicate.sources if guard.source is None else (guard.source, *guard.predicate.sources)
        pending = self._pending_sources
        return any(step in pending for root in roots if root.parent is not None for step in root.parent.ancestors())


def _types_of(guards: Iterable[Guard]) -> dict[Source, type]:
    """Return the exact types that guards demand."""
    return {
        guard.source: guard.predicate.expected
        for guard in guards
        if type(guard.predicate) is TypeIs and guard.source is not None and guard.predicate.expected is not None
    }


def _leave_unless(condition: ast.expr) -> ast.stmt:
    return ast.If(_negation(condition), [ast.Break()], [])


def _hint(source: Source) -> str:
    """Return what to call a local that holds the value of ``source``."""
    for name in ("attr", "key", "variable", "suffix"):
        step = getattr(source, name, None)
        if type(step) in (str, int):
            return f"v_{step}"[:40]
    return "v"


_NEGATED: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.IsNot(), ast.IsNot: ast.Is(), ast.In: ast.NotIn()}


def _negation(condition: ast.expr) -> ast.expr:
    if isinstance(condition, ast.Compare) and len(condition.ops) == 1 and type(condition.ops[0]) in _NEGATED:
        return ast.Compare(condition.left, [_NEGATED[type(condition.ops[0])]], condition.comparators)
    if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
        return condition.operand
    return ast.UnaryOp(ast.Not(), condition)
