"""The decision tree: which specialisation fits, where what several of them check is checked once.

A block of the tree first checks what all its specialisations demand. Where they then exclude each other by the answer
to one question (the size of a tensor, a number, a name), that is asked once and looked up in a table; the rest are
tried in turn. A block that finds nothing falls through to what stands after it. The order of trial is free: whichever
specialisation fits is right. (The idea is that of pattern-match compilers: Maranget, "Compiling pattern matching to
good decision trees", ML 2008, with guards for constructors and only questions that several rows ask.)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from framelift_guards.block import Block
from framelift_guards.codegen import GeneratedNamespace
from framelift_guards.compiler import CheckBuilder
from framelift_guards.guard import Guard
from framelift_guards.predicates import Discriminant, Predicate
from framelift_guards.roots import LocalSource
from framelift_guards.source import Source

_DEEPEST = 6
"""How many blocks may stand inside each other: CPython allows 20, of which each takes two."""


@dataclass(frozen=True, eq=False)
class Path:
    """One specialisation on its way down the tree.

    Args:
        guards: what is still to be checked, in order.
        wanted: what its entry needs beside the parameters.
        together: what it gets after that as one object.
        entry: the name of its entry.
        predicates: all its predicates, those that were checked on the way included.
        trusted: guards that are taken to hold: those of them that stand among ``guards`` are checked only where a plan
            does it.
    """

    guards: tuple[Guard, ...]
    wanted: tuple[Source, ...]
    entry: str
    predicates: tuple[Predicate, ...] = field(repr=False)
    trusted: tuple[Guard, ...] = ()
    together: tuple[Source, ...] = ()

    @classmethod
    def of(
        cls, guards: Iterable[Guard], wanted: tuple[Source, ...], entry: str, together: tuple[Source, ...] = ()
    ) -> Path:
        """Return the path of a specialisation of which nothing has been checked."""
        guards = tuple(guards)
        return cls(guards, wanted, entry, tuple([guard.predicate for guard in guards]), together=together)

    def without(self, done: frozenset[Guard]) -> Path:
        """Return the path that is left when some guards have been checked."""
        return replace(self, guards=tuple([guard for guard in self.guards if guard not in done]))

    @property
    def sources(self) -> Iterator[Source]:
        """The sources that are still to be fetched."""
        for guard in self.guards:
            yield from read_by(guard)
        yield from self.wanted
        yield from self.together

    def free(self, checked: Callable[[Guard], bool]) -> Iterator[Guard]:
        """Yield the guards that may be checked when, of those before, only some have been.

        What a source steps through must have been guarded: so a guard waits for all before it on the same roots.
        Checks in bulk are made in the state that the guards without a source assure: they wait for those.

        Args:
            checked: tells which guards have been checked as soon as that is possible.
        """
        waiting: set[Source] = set()
        unsettled = False
        for guard in self.guards:
            roots = {source.root for source in read_by(guard)}
            is_free = waiting.isdisjoint(roots) and not (unsettled and roots and guard.predicate.family)
            if is_free:
                yield guard
            if not (is_free and checked(guard)):
                waiting |= roots
                unsettled = unsettled or not roots


def read_by(guard: Guard) -> Iterator[Source]:
    """Yield the sources that a guard reads."""
    if guard.source is not None:
        yield guard.source
    yield from guard.predicate.sources


def common(paths: Sequence[Path], allowed: Callable[[Guard], bool] = lambda guard: True) -> tuple[Guard, ...]:
    """Return the guards that all paths demand and that can be checked first, in order.

    Args:
        paths: the paths.
        allowed: tells which guards may be among them.

    >>> from framelift_guards import Equals, LocalSource
    >>> guards = [Guard(LocalSource("a"), Equals(1)), Guard(LocalSource("b"), Equals(2))]
    >>> [str(guard) for guard in common([Path.of(guards, (), "f"), Path.of(guards[1:], (), "g")])]
    ["L['b'] == 2"]
    """
    shared = {guard for guard in paths[0].guards if allowed(guard) and not guard.predicate.runs_user_code}
    shared.intersection_update(*[path.guards for path in paths[1:]])
    while True:  # what one path must put off, all must
        ready = shared.intersection(*[path.free(shared.__contains__) for path in paths])
        if len(ready) == len(shared):
            return tuple([guard for guard in paths[0].guards if guard in shared])
        shared = ready


def _split(paths: Sequence[Path]) -> tuple[tuple[Guard, ...], list[Path], Question | None]:
    """Return what to check for all paths, what is left of each, and the question that tells them apart then."""

    def split(shared: tuple[Guard, ...]) -> tuple[tuple[Guard, ...], list[Path], Question | None]:
        rest = [path.without(frozenset(shared)) for path in paths]
        return shared, rest, best_question(rest)

    # Where the answer singles out one path, its check in bulk is the only one that runs: it is left whole.
    whole = split(common(paths, lambda guard: guard.source is None or guard.predicate.family is None))
    return whole if whole[2] is not None and whole[2].decisive else split(common(paths))


@dataclass(frozen=True)
class Question:
    """A question that tells paths apart, and which answer leads to which.

    Args:
        source: what is asked about.
        discriminant: of one of the paths; all ask the same.
        groups: the paths by their answers.
        others: the paths that do not ask.
    """

    source: Source
    discriminant: Discriminant
    groups: Mapping[object, list[Path]]
    others: list[Path]

    @property
    def decisive(self) -> bool:
        """Whether each answer leads to one path."""
        return not self.others and all(len(group) == 1 for group in self.groups.values())


def _questions(path: Path) -> Iterator[tuple[Source, Discriminant]]:
    for guard in path.free(lambda guard: False):
        if guard.source is not None and guard.predicate.discriminant is not None:
            yield guard.source, guard.predicate.discriminant


def best_question(paths: Sequence[Path]) -> Question | None:
    """Return the question with the most different answers, or ``None`` where no two answers differ."""
    asked: dict[tuple[Source, object], dict[int, Discriminant]] = {}
    for index, path in enumerate(paths):
        seen: set[Source] = set()
        for source, discriminant in _questions(path):
            if source not in seen:
                seen.add(source)
                asked.setdefault((source, discriminant.question), {})[index] = discriminant
    found, most = None, 1
    for (source, _), answers in asked.items():
        different = len({discriminant.answer for discriminant in answers.values()})
        if different > most:
            found, most = (source, answers), different
    if found is None:
        return None
    source, answers = found
    groups: dict[object, list[Path]] = {}
    for index, discriminant in answers.items():
        groups.setdefault(discriminant.answer, []).append(paths[index])
    others = [path for index, path in enumerate(paths) if index not in answers]
    return Question(source, next(iter(answers.values())), groups, others)


class DecisionTree:
    """Builds the statements that find the specialisation that fits.

    Args:
        namespace: where constants are held.
        renamed: how parameters are called in the generated function, where that differs.
        parameters: the names of the function's parameters, which entries get positionally.
    """

    def __init__(self, namespace: GeneratedNamespace, renamed: Mapping[str, str], parameters: Sequence[str]) -> None:
        self.names: set[str] = set()
        """The names of the constants that the statements use."""
        self.functions: list[ast.FunctionDef] = []
        """The functions that the statements call."""
        self._namespace = namespace
        self._renamed = renamed
        self._parameters = parameters
        self._blocks: list[Block] = []
        self._exception = namespace.name_of(Exception, "Exception")

    def statements(self, paths: Sequence[Path]) -> list[ast.stmt]:
        """Return statements that return what the entry of a path that fits does, and fall through when none fits."""
        self.names.add(self._exception)
        self._blocks = []
        statements = self._block(paths, None, _DEEPEST)
        parameters = {self._renamed.get(name, name): LocalSource(name) for name in self._parameters}
        for block in self._blocks:
            function = block.finish(statements, self._namespace, parameters)
            if function is not None:
                self.functions.append(function)
        return statements

    def _block(self, paths: Sequence[Path], outer: CheckBuilder | None, depth: int) -> list[ast.stmt]:
        if not paths:
            return []
        if len(paths) == 1:
            return [self._leaf(paths[0], outer)]
        if depth == 0:
            return [self._leaf(path, outer) for path in paths]
        shared, rest, question = _split(paths)
        if not shared:
            return self._branches(paths, question, outer, depth)
        builder = self._builder(paths, outer)
        builder.check(shared, later=[source for path in rest for source in path.sources], trusted=paths[0].trusted)
        branches = self._branches(rest, question, builder, depth - 1)
        return [ast.While(ast.Constant(True), [self._attempt(builder.statements), *branches, ast.Break()], [])]

    def _branches(
        self, paths: Sequence[Path], question: Question | None, outer: CheckBuilder | None, depth: int
    ) -> list[ast.stmt]:
        if question is None:
            return [self._leaf(path, outer) for path in paths]
        builder = self._builder(paths, outer)
        statements, answer = self._ask(question, builder)
        for number, group in enumerate(question.groups.values()):
            chosen = ast.Compare(ast.Name(answer, ast.Load()), [ast.Eq()], [ast.Constant(number)])
            statements.append(ast.If(chosen, self._block(group, builder, depth - 1), []))
        return [*statements, *self._block(question.others, builder, depth - 1)]

    def _ask(self, question: Question, builder: CheckBuilder) -> tuple[list[ast.stmt], str]:
        """Return statements that look up the number of the group, and the local that holds it."""
        numbers = {answer: number for number, answer in enumerate(question.groups)}
        look_up = builder.constant(numbers.get, "group_of")
        value = builder.bound(question.source)
        ask = ast.Call(look_up, [question.discriminant.ask(value, builder)], [])
        answer = self._namespace.fresh("group")
        statements = [*builder.statements, ast.Assign([ast.Name(answer, ast.Store())], ask)]
        builder.statements = []
        unknown = ast.Assign([ast.Name(answer, ast.Store())], ast.Constant(None))
        return [ast.Try(statements, [self._handler(unknown)], [], [])], answer

    def _leaf(self, path: Path, outer: CheckBuilder | None) -> ast.stmt:
        """Return a block that returns what the entry does, or falls through when a check fails.

        The guards run inside ``try``: one whose source cannot be fetched any more does not hold. The entry and the
        user's predicates run outside of it: what the user's code raises is the user's.
        """
        builder = self._builder([path], outer)
        builder.check(path.guards, (*path.wanted, *path.together), trusted=path.trusted)
        fetched = [builder.fetch(source) for source in path.wanted]
        if path.together:
            fetched.append(builder.together(path.together))
        run = self._namespace.fresh("run")
        bind = ast.Assign([ast.Name(run, ast.Store())], ast.Name(path.entry, ast.Load()))
        self.names.add(path.entry)
        arguments = [builder.local(name) for name in self._parameters]
        call = ast.Return(builder.many(ast.Call(ast.Name(run, ast.Load()), [*arguments, *fetched], [])))
        attempt = self._attempt([*builder.statements, bind])
        return ast.While(ast.Constant(True), [attempt, *builder.last, call], [])

    def _builder(self, paths: Sequence[Path], outer: CheckBuilder | None) -> CheckBuilder:
        predicates = [path.predicates for path in paths]
        return CheckBuilder(self._namespace, self._renamed, self.names, predicates, outer, self._blocks)

    def _attempt(self, statements: list[ast.stmt]) -> ast.stmt:
        return ast.Try(statements or [ast.Pass()], [self._handler(ast.Break())], [], [])

    def _handler(self, statement: ast.stmt) -> ast.ExceptHandler:
        return ast.ExceptHandler(ast.Name(self._exception, ast.Load()), None, [statement])
