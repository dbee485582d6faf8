"""Guards to statements: every shared step of a source is taken once, and predicates of one family become one check."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

from framelift_guards import accelerator
from framelift_guards.accelerator import Check, Joint, Question
from framelift_guards.block import WORTHWHILE, Block, Bundle, together
from framelift_guards.codegen import Builder, Fetchable, GeneratedNamespace
from framelift_guards.guard import Guard
from framelift_guards.plan import PlanBuilder
from framelift_guards.predicates import Contains, Family, Member, Predicate, TypeIs
from framelift_guards.siblings import Siblings, gathered
from framelift_guards.source import DictItemSource, ItemSource, Source

_LONGEST = 50
"""How many steps of a path may be taken in one expression."""


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
        self._asked: list[tuple[Sequence[Question], Callable[[], ast.expr]]] = []
        self._joint: Joint | None = None

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
        if accelerator.make_plan is None or len(guards) + len(wanted) < WORTHWHILE:
            return None
        known = self._types if not trusted else {**self._types, **_types_of(trusted)}
        plan = PlanBuilder(known.get, lambda source: source.is_local or source in self._bound)
        done = [plan.add(guard) for guard in guards].count(True)
        if trusted:  # else they are among the sources that are guarded
            done += [plan.slot(source) is not None for source in wanted].count(True)
        return plan if done >= WORTHWHILE else None

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
        names = [argument.id for argument in call.args if isinstance(argument, ast.Name)]

        def found_as(name: str) -> None:
            apply = ast.Name(self.namespace.name_of(accelerator.apply, "apply"), ast.Load())
            call.func, call.args = apply, [call.func, ast.Name(name, ast.Load())]

        if len(names) == len(call.args):
            self._may_find(Bundle(names, found_as))
        return call

    def together(self, sources: Sequence[Source]) -> ast.expr:
        """Return an expression for the values of sources as one object; they were fetched before."""
        found = [self.fetch(source) for source in sources]
        assert all(isinstance(one, ast.Name) for one in found), "what is wanted is bound to locals"
        names = [one.id for one in found if isinstance(one, ast.Name)]
        held = self.namespace.fresh("inputs")
        bind = ast.Assign([ast.Name(held, ast.Store())], together(names, self.namespace))

        def found_as(name: str) -> None:
            bind.value = ast.Name(name, ast.Load())

        self.statements.append(bind)
        self._may_find(Bundle(names, found_as))
        return ast.Name(held, ast.Load())

    def _may_find(self, bundle: Bundle) -> None:
        self.names.update([self.namespace.name_of(accelerator.apply, "apply")])
        self.names.update([self.namespace.name_of(accelerator.Values, "Values")])
        for block in self._blocks:
            block.may_find(bundle)

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

    def ask(self, questions: Sequence[Question], otherwise: Callable[[], ast.expr]) -> ast.expr:
        self._asked.append((questions, otherwise))  # all at once, with the families
        return ast.Constant(True)

    def replaceable(self, check: Check, hint: str) -> tuple[ast.Name, Callable[[Check], None]]:
        if accelerator.make_joint is not None:
            check = self._joint = accelerator.make_joint(check)
        callee, replace = super().replaceable(check, hint)
        self.names.add(callee.id)
        return callee, replace if self._joint is None else self._joint.replace

    def _ask_together(self) -> None:
        """Emit what was to be asked: as a part of the check of many values, where there is one."""
        questions = tuple([question for some, _ in self._asked for question in some])
        make = accelerator.make_state_check
        if self._joint is not None and make is not None and questions:
            self._joint.add(make(questions))
        elif make is not None and len(questions) > 1:
            self.require(ast.Call(self.constant(make(questions), "state_holds"), [], []))
        else:
            for _, otherwise in self._asked:
                self.require(otherwise())
        self._asked, self._joint = [], None

    def flush(self) -> None:
        """Emit the checks of the families, and the questions, collected so far."""
        checks = []
        for family, guards in self._pending.items():
            members = [
                Member(guard.predicate, None if guard.source is None else self.fetch(guard.source)) for guard in guards
            ]
            checks.append(family.to_ast(members, self))
        for stage in itertools.zip_longest(*checks) if checks else [()]:
            for condition in stage:
                if condition is not None:
                    self.require(condition)
            self._ask_together()
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
