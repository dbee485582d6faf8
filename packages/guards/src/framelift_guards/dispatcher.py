"""The dispatcher: a function with the user's signature that runs the first specialisation whose guards hold.

Its body is generated. Adding a specialisation generates a new body and swaps the function's ``__code__``, which is
atomic under the GIL: a call that is under way goes on with the body that it started with.
"""

from __future__ import annotations

import ast
import functools
import itertools
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import CO_VARARGS, CO_VARKEYWORDS
from typing import Any, cast

from framelift_guards import accelerator
from framelift_guards.call_site import names_given
from framelift_guards.codegen import Builder, GeneratedNamespace, SourceFile, compile_code, is_identifier, lay_out
from framelift_guards.decision import DecisionTree, Path
from framelift_guards.defaults import DEFAULT, KeywordDefaults, PositionalDefaults
from framelift_guards.fork_safe_lock import ForkSafeLock
from framelift_guards.guard import Failure, Guard, GuardSet
from framelift_guards.modes import Checked, Frozen, GuardMode, GuardViolation, Trust, divide
from framelift_guards.original import RunsCode
from framelift_guards.predicates.base import compare, either
from framelift_guards.roots import LocalSource
from framelift_guards.source import Scope, Source, subscript

Miss = Callable[[dict[str, object]], object]
Violated = Callable[[str, GuardMode, Failure], Exception]

CHECKED = Checked()
EMPTY: Mapping[str, object] = types.MappingProxyType({})


@dataclass(frozen=True)
class Parameters:
    """The parameters of a function, with the names that they have in generated code.

    Args:
        positional: names of positional parameters, positional-only first.
        positional_only: how many of them are positional-only.
        keyword_only: names of keyword-only parameters.
        varargs: name of ``*args``.
        varkw: name of ``**kwargs``.
    """

    positional: tuple[str, ...]
    positional_only: int = 0
    keyword_only: tuple[str, ...] = ()
    varargs: str | None = None
    varkw: str | None = None

    @classmethod
    def of(cls, code: types.CodeType) -> Parameters:
        """Return the parameters of a code object."""
        names = iter(code.co_varnames)

        def take(count: int) -> tuple[str, ...]:
            return tuple([next(names) for _ in range(count)])

        positional, keyword_only = take(code.co_argcount), take(code.co_kwonlyargcount)
        varargs = next(names) if code.co_flags & CO_VARARGS else None
        varkw = next(names) if code.co_flags & CO_VARKEYWORDS else None
        return cls(positional, code.co_posonlyargcount, keyword_only, varargs, varkw)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of ``co_varnames``."""
        return (*self.positional, *self.keyword_only, *[name for name in (self.varargs, self.varkw) if name])

    def call(
        self,
        function: Callable[..., object],
        arguments: Mapping[str, object],
        extra: tuple[object, ...] = (),
        named_extra: Mapping[str, object] = EMPTY,
        by_name: Sequence[str] = (),
    ) -> object:
        """Call a function with what these parameters hold; what the caller left out is left out.

        Args:
            function: what to call.
            arguments: what the parameters hold, by name.
            extra: positional arguments beyond the parameters; there are none unless each positional one is given.
            named_extra: arguments by name beyond the parameters.
            by_name: the names that the caller wrote, in its order, where that is known; a function that has the same
                parameters does without.

        >>> Parameters(("a",), varargs="rest").call(print, {"a": 1, "rest": (2, 3)})
        1 2 3
        >>> Parameters(("a", "b")).call(dict, {"a": DEFAULT, "b": 1})
        {'b': 1}
        >>> Parameters(("a", "b")).call(dict, {"a": 1, "b": 2}, by_name=["b", "a"])
        {'b': 2, 'a': 1}
        """
        star: Any = () if self.varargs is None else arguments[self.varargs]
        double_star: Any = {} if self.varkw is None else arguments[self.varkw]
        apart = {*by_name} - {*self.positional[: self.positional_only]}
        in_order = list(
            itertools.takewhile(
                lambda name: arguments[name] is not DEFAULT and not (name in apart and not star and not extra),
                self.positional,
            )
        )
        rest = [*self.positional[len(in_order) :], *self.keyword_only]  # what follows a gap was given by name
        named = {name: arguments[name] for name in rest if arguments[name] is not DEFAULT} | double_star | named_extra
        named = {name: named[name] for name in by_name if name in named} | named
        return function(*[arguments[name] for name in in_order], *star, *extra, **named)

    def filled(self, function: types.FunctionType, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return the arguments with the defaults that a function has now in the place of what was left out.

        >>> Parameters(("a", "b")).filled(lambda a, b=1: a, {"a": DEFAULT, "b": DEFAULT})
        {'a': <the default>, 'b': 1}
        """
        defaults = dict(zip(reversed(self.positional), reversed(function.__defaults__ or ()), strict=False))
        defaults.update(function.__kwdefaults__ or {})
        return {name: defaults.get(name, value) if value is DEFAULT else value for name, value in arguments.items()}

    def to_ast(
        self, renamed: dict[str, str], extra: str | None = None, named_extra: str | None = None
    ) -> ast.arguments:
        """Return the parameters as ``ast``; defaults belong to the function, not to its code.

        Args:
            renamed: their names in the code, where these differ.
            extra: what holds the positional arguments beyond the parameters.
            named_extra: what holds the arguments by name beyond the parameters.
        """

        def argument(name: str) -> ast.arg:
            return ast.arg(renamed.get(name, name))

        positional = [argument(name) for name in self.positional]
        return ast.arguments(
            positional[: self.positional_only],
            positional[self.positional_only :],
            ast.arg(extra) if extra is not None else None if self.varargs is None else argument(self.varargs),
            [argument(name) for name in self.keyword_only],
            [None for _ in self.keyword_only],
            ast.arg(named_extra) if named_extra is not None else None if self.varkw is None else argument(self.varkw),
            [],
        )


@dataclass(eq=False)
class Specialisation:
    """One guarded way to run a function.

    Args:
        guards: what must hold for it.
        entry: what runs then; it gets the function's parameters positionally, in the order of ``co_varnames``, and
            after them the values of ``sources``, and of ``together``, if there are any, as one object.
        sources: what the entry needs beside the parameters.
        together: what it needs beside that only to hand it on, with `framelift_guards.apply`.
        name: what the generated code calls the entry.
    """

    guards: GuardSet
    entry: Callable[..., object]
    sources: tuple[Source, ...] = ()
    together: tuple[Source, ...] = ()
    name: str = field(repr=False, default="")

    @property
    def path(self) -> Path:
        """Its path through the decision tree."""
        return Path.of(self.guards, self.sources, self.name, self.together)

    def failure(self, arguments: dict[str, object]) -> Failure | None:
        """Return why this specialisation does not fit these arguments, or ``None`` when it does."""
        return self.guards.first_failure(Scope(arguments))

    def run(self, arguments: dict[str, object]) -> object:
        """Return what the entry does with these arguments, whose guards hold.

        Args:
            arguments: the function's parameters by name, in the order of ``co_varnames``.
        """
        scope = Scope(arguments)
        found = [source.fetch(scope) for source in self.sources]
        if self.together:
            found.append(accelerator.Values([source.fetch(scope) for source in self.together]))
        return self.entry(*arguments.values(), *found)


class Dispatcher:
    """A function with the signature of the user's that runs specialisations, and asks ``miss`` when none fits.

    Args:
        function: the user's function.
        miss: called with the parameters by name when no specialisation fits; what it returns or raises is the outcome
            of the call. It may add a specialisation.
        mode: how often which guards are checked; see `Sampled` and `Frozen`.
        violated: makes the error that is raised where a trusted guard does not hold any more.

    A parameter that a call leaves out has the default that the user's function has by then, whichever parameters had
    one at first, and a user's function that is given other code is another function: its specialisations are forgotten.
    Code with other parameters runs as it is: how the first call gave its arguments is read off its caller, those after
    it are handed on as they are. So the dispatcher itself takes too few and too many arguments and any keyword, and
    leaves it to the user's function to refuse them.

    >>> from framelift_guards import Equals, LocalSource
    >>> def power(base, exponent=2):
    ...     return base**exponent
    >>> dispatcher = Dispatcher(power, lambda scope: "miss")
    >>> dispatcher.function(3)
    'miss'
    >>> _ = dispatcher.add([Guard(LocalSource("exponent"), Equals(2))], lambda base, exponent: base * base)
    >>> dispatcher.function(3), dispatcher.function(3, exponent=3)
    (9, 'miss')
    """

    def __init__(
        self,
        function: types.FunctionType,
        miss: Miss,
        mode: GuardMode = CHECKED,
        violated: Violated = GuardViolation,
    ) -> None:
        if type(function) is not types.FunctionType:
            raise TypeError(
                f"Dispatcher needs a Python function, not a {type(function).__qualname__}; pass one of def or lambda"
            )
        code = function.__code__
        names = function.__name__, code.co_qualname
        self._set_up(Parameters.of(code), miss, names, mode, violated, original=function)
        positional, keyword_only = self.parameters.positional, self.parameters.keyword_only
        self.function.__defaults__ = PositionalDefaults(function, len(positional)) if positional else None
        self.function.__kwdefaults__ = KeywordDefaults(function, keyword_only) if keyword_only else None
        functools.update_wrapper(self.function, function)

    @classmethod
    def for_parameters(
        cls,
        names: Iterable[str],
        miss: Miss,
        *,
        name: str = "resume",
        mode: GuardMode = CHECKED,
        violated: Violated = GuardViolation,
    ) -> Dispatcher:
        """Return a dispatcher of a function that takes these positional parameters.

        Args:
            names: the parameters; names that are no identifiers (``.0``) are allowed.
            miss: as for the constructor.
            name: name of the function.
            mode: as for the constructor.
            violated: as for the constructor.

        >>> Dispatcher.for_parameters([".0", "x"], lambda scope: scope).function(1, 2)
        {'.0': 1, 'x': 2}
        """
        dispatcher = cls.__new__(cls)
        dispatcher._set_up(Parameters(tuple(names)), miss, (name, name), mode, violated)
        return dispatcher

    def _set_up(
        self,
        parameters: Parameters,
        miss: Miss,
        names: tuple[str, str],
        mode: GuardMode,
        violated: Violated,
        *,
        original: types.FunctionType | None = None,
    ) -> None:
        self.parameters = parameters
        self.mode = mode
        self._violated = violated
        self._original: Any = original
        self._original_defaults = () if original is None else original.__defaults__ or ()
        self._original_keyword_defaults = frozenset(() if original is None else original.__kwdefaults__ or ())
        self._runs = None if original is None else RunsCode(original, original.__code__)
        self._on_change = self._changed  # one object, so that generated code has one name for it
        self._on_gap = self._left_out
        self._on_any = self._handed_on
        self._as_it_is = functools.partial(parameters.call, cast("Callable[..., object]", original))
        self._names = names
        name, qualname = names
        self._lock = ForkSafeLock()
        self._specialisations: tuple[Specialisation, ...] = ()
        self._suspended = False
        self._namespace = GeneratedNamespace(reserved=parameters.names)
        lenient = original is not None
        self._extra = self._namespace.fresh("extra") if lenient and parameters.varargs is None else None
        self._named_extra = self._namespace.fresh("named_extra") if lenient and parameters.varkw is None else None
        self._renamed = {
            parameter: self._namespace.fresh(f"p_{parameter}")
            for parameter in parameters.names
            if not is_identifier(parameter)
        }
        self._builder = Builder(self._namespace, self._renamed)
        self._miss = miss
        self._namespace.globals["__name__"] = "framelift_generated"
        self._trust: Trust | None = None
        self._miss_name = self._namespace.bind(miss if isinstance(mode, Checked) else self._missed, "miss")
        self._used: set[str] = set()
        self.function = types.FunctionType((lambda: None).__code__, self._namespace.globals, name)
        self.function.__qualname__ = qualname
        self._file = SourceFile(name, self.function)
        self._link(())

    @property
    def specialisations(self) -> tuple[Specialisation, ...]:
        """The specialisations, in the order in which they are tried."""
        return self._specialisations

    def add(
        self,
        guards: Iterable[Guard],
        entry: Callable[..., object],
        sources: Iterable[Source] = (),
        together: Iterable[Source] = (),
    ) -> Specialisation:
        """Add a specialisation after those that are there, and return it.

        Args:
            guards: what must hold, in order: what a source steps through must be guarded before it.
            entry: what runs then; it gets the function's parameters positionally, in the order of ``co_varnames``:
                ``*args`` as a tuple, ``**kwargs`` as a dictionary; then the values of ``sources``.
            sources: what the entry needs beside the parameters. Most of it the guards fetch in any case; where one
                cannot be fetched, the specialisation does not fit.
            together: more of the same, which the entry gets last and as one object, to hand it on with
                `framelift_guards.apply`: for a model's parameters, of which a graph takes hundreds.

        >>> from framelift_guards import LocalSource, apply
        >>> dispatcher = Dispatcher.for_parameters(["many"], lambda scope: "miss")
        >>> items = [LocalSource("many").item(index) for index in range(3)]
        >>> _ = dispatcher.add([], lambda many, items: apply(max, items), together=items)
        >>> dispatcher.function([1, 3, 2])
        3
        """
        sources, together = tuple(sources), tuple(together)
        guards = guards if isinstance(guards, GuardSet) else GuardSet(guards)
        with self._lock.held():
            name = self._namespace.bind(entry, "entry")
            specialisation = Specialisation(guards, entry, sources, together, name)
            self._link((*self._specialisations, specialisation))
        return specialisation

    def remove(self, specialisation: Specialisation) -> None:
        """Forget one specialisation.

        Raises:
            ValueError: when it is not there.
        """
        with self._lock.held():
            rest = tuple([other for other in self._specialisations if other is not specialisation])
            if len(rest) == len(self._specialisations):
                raise ValueError(f"{self.function.__qualname__} has no such specialisation; it may have been removed")
            self._link(rest)

    def clear(self) -> None:
        """Forget all specialisations; calls under way finish with what they started."""
        with self._lock.held():
            self._link(())

    def suspend(self, suspended: bool = True) -> None:
        """Let every call miss, or try the specialisations again; meanwhile they are kept.

        Args:
            suspended: whether calls are to miss from now on.

        >>> dispatcher = Dispatcher.for_parameters(["n"], lambda scope: "miss")
        >>> _ = dispatcher.add([], lambda n: "hit")
        >>> dispatcher.suspend()
        >>> dispatcher.function(1)
        'miss'
        >>> dispatcher.suspend(False)
        >>> dispatcher.function(1)
        'hit'
        """
        with self._lock.held():
            if suspended is not self._suspended:
                self._suspended = suspended
                self._link(self._specialisations)

    def failures(self, arguments: dict[str, object]) -> Iterator[Failure]:
        """Yield, for each specialisation that does not fit these arguments, why."""
        for specialisation in self._specialisations:
            failure = specialisation.failure(arguments)
            if failure is not None:
                yield failure

    def source(self) -> str:
        """Return the generated Python."""
        for definition in self._definitions:
            lay_out(definition)  # those that are compiled late may not have been; text needs lines
        return "\n\n\n".join(map(ast.unparse, self._definitions)) + "\n"

    def _link(self, specialisations: tuple[Specialisation, ...]) -> None:
        tree = DecisionTree(self._namespace, self._renamed, self.parameters.names)
        needed = self._needed()
        seen = [name for name in needed if all(_refuses_a_gap(one.guards, name) for one in specialisations)]
        preparation = [
            *self._preparation(),
            *self._without([name for name in needed if name not in seen], checked=False),
        ]
        attempts = self._attempts(tree, specialisations)  # while suspended, too: their names are kept
        end = [*self._unless_same_code(), *self._without(seen, checked=True), self._report()]
        body = [*preparation, *([] if self._suspended else attempts), *end]
        parameters = self.parameters.to_ast(self._renamed, self._extra, self._named_extra)
        definition = ast.FunctionDef(self._stem, parameters, body, [])
        self._specialisations = specialisations
        self._publish(definition, tree.functions)
        # A call under way that meets a name which is gone by now counts it as a guard that does not hold.
        named = {
            node.id for statement in [*preparation, *end] for node in ast.walk(statement) if isinstance(node, ast.Name)
        }
        self._namespace.drop(self._used - tree.names - named)
        self._used = tree.names

    @property
    def _stem(self) -> str:
        """What generated code calls the function."""
        name, _ = self._names
        return name if is_identifier(name) else "dispatch"

    def _publish(self, definition: ast.FunctionDef, others: Iterable[ast.FunctionDef] = ()) -> None:
        """Let the function have the code of a definition, which may use others."""
        name, qualname = self._names
        code = compile_code(definition, self._file.filename)
        self._definitions = (definition, *others)
        self._file.publish(lambda: ast.unparse(definition) + "\n")
        true_names = {generated: parameter for parameter, generated in self._renamed.items()}
        variables = tuple([true_names.get(variable, variable) for variable in code.co_varnames])
        # Arguments are given by the true names, also by those that Python's grammar has no place for.
        self.function.__code__ = code.replace(co_name=name, co_qualname=qualname, co_varnames=variables)

    def _attempts(self, tree: DecisionTree, specialisations: Sequence[Specialisation]) -> list[ast.stmt]:
        paths = [specialisation.path for specialisation in specialisations]
        self._trust = None
        if isinstance(self.mode, Checked):
            return tree.statements([self._of_this_code(path) for path in paths])
        division = divide([specialisation.guards for specialisation in specialisations], self.mode)
        if not division.trusted:
            return tree.statements([self._of_this_code(path) for path in paths])
        trust = self._trust = Trust(division, self.mode)
        full = [self._of_this_code(trust.full(path)) for path in paths]
        if isinstance(self.mode, Frozen) and self.mode.verify:
            return tree.statements(full)
        quick = [self._of_this_code(trust.quick(path)) for path in paths]
        return [*tree.statements(quick), *tree.statements(full)]

    def _of_this_code(self, path: Path) -> Path:
        """Return the path with a check that the user's function has the code that is known, made with its guards."""
        return path if self._runs is None else replace(path, guards=(Guard(None, self._runs), *path.guards))

    def _missed(self, arguments: dict[str, object]) -> object:
        """Do a call that no specialisation fits, in a mode that trusts: is that because the trust was betrayed?"""
        trust = self._trust
        if trust is not None and not self._suspended:
            failure = trust.violation([one.guards for one in self._specialisations], Scope(arguments))
            if failure is not None:
                raise self._violated(self._names[1], self.mode, failure)
        return self._miss(arguments)

    def _preparation(self) -> Iterator[ast.stmt]:
        """Yield the function's beginning: what goes beyond the parameters, and what the defaults are now."""
        if self._original is None:
            return
        beyond = [ast.Name(name, ast.Load()) for name in (self._extra, self._named_extra) if name is not None]
        if beyond:
            yield ast.If(either(*beyond), [self._go_on_changed()], [])
        defaults = {**self._defaults(), **self._keyword_defaults()}
        if defaults:
            filled = [self._default(name, value) for name, value in defaults.items()]
            # A default that was taken away: the call raises what the user's function raises.
            as_it_is = self._call_with_arguments(self._builder.constant(self._as_it_is, "as_it_is"))
            handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [as_it_is])
            fill = [*self._unless_same_code(), ast.Try(filled, [handler], [], [])]
            yield ast.If(either(*[self._is_left_out(name) for name in defaults]), fill, [])

    def _unless_same_code(self) -> Iterator[ast.stmt]:
        """Yield what becomes of a call after the user's function was given other code; the guards do not hold then."""
        if self._runs is not None:
            yield ast.If(self._runs.negation(self._builder), [self._go_on_changed()], [])

    def _go_on_changed(self) -> ast.stmt:
        return self._call_with_arguments(
            self._builder.constant(self._on_change, "changed"),
            ast.Tuple([], ast.Load()) if self._extra is None else ast.Name(self._extra, ast.Load()),
            ast.Constant(None) if self._named_extra is None else ast.Name(self._named_extra, ast.Load()),
        )

    def _defaults(self) -> dict[str, ast.expr]:
        """Return what the positional parameters that had defaults at first have by default now."""
        positional, count = self.parameters.positional, len(self._original_defaults)
        return {positional[-back]: self._of_original("__defaults__", -back) for back in range(count, 0, -1)}

    def _keyword_defaults(self) -> dict[str, ast.expr]:
        names = [name for name in self.parameters.keyword_only if name in self._original_keyword_defaults]
        return {name: self._of_original("__kwdefaults__", name) for name in names}

    def _of_original(self, attribute: str, key: int | str) -> ast.expr:
        original = self._builder.constant(self._original, "original")
        return subscript(ast.Attribute(original, attribute, ast.Load()), ast.Constant(key))

    def _default(self, name: str, value: ast.expr) -> ast.stmt:
        target = ast.Name(self._renamed.get(name, name), ast.Store())
        return ast.If(self._is_left_out(name), [ast.Assign([target], value)], [])

    def _is_left_out(self, name: str) -> ast.expr:
        return compare(self._builder.local(name), ast.Is(), self._builder.constant(DEFAULT, "DEFAULT"))

    def _needed(self) -> list[str]:
        """Return the parameters that had no default at first: a call that leaves one out is a rare one."""
        if self._original is None:
            return []
        first_default = len(self.parameters.positional) - len(self._original_defaults)
        named = [name for name in self.parameters.keyword_only if name not in self._original_keyword_defaults]
        return [*self.parameters.positional[:first_default], *named]

    def _without(self, names: Sequence[str], *, checked: bool) -> Iterator[ast.stmt]:
        """Yield what a call goes to that leaves out one of these parameters.

        Args:
            names: the parameters.
            checked: whether the function's code was looked at by then.
        """
        gaps = [self._is_left_out(name) for name in names]
        if gaps:
            left_out = self._call_with_arguments(self._builder.constant(self._on_gap, "left_out"))
            yield ast.If(either(*gaps), [*([] if checked else self._unless_same_code()), left_out], [])

    def _left_out(self, arguments: dict[str, object]) -> object:
        """Do a call that leaves out what had no default at first."""
        filled = self.parameters.filled(self._original, arguments)
        if any(value is DEFAULT for value in filled.values()):
            return self.parameters.call(self._original, arguments)  # which raises
        return self.parameters.call(self.function, filled)

    def _changed(
        self, arguments: dict[str, object], extra: tuple[object, ...], named_extra: dict[str, object] | None
    ) -> object:
        """Do a call after the user's function was given other code, or with arguments beyond its parameters."""
        code = self._original.__code__
        if Parameters.of(code) != self.parameters:
            with self._lock.held():
                self._hand_on()
            names = names_given(sys._getframe(2))  # of the call of the generated function, which called this
            return self.parameters.call(self._original, arguments, extra, named_extra or EMPTY, names)
        if extra or named_extra:
            return self.parameters.call(self._original, arguments, extra, named_extra or EMPTY)
        with self._lock.held():
            self._runs = RunsCode(self._original, code)
            self._link(())
        return self.parameters.call(self.function, arguments)

    def _hand_on(self) -> None:
        """Take any arguments until the user's function has its first parameters again, or a specialisation is added."""
        taken = ast.arguments([], [], ast.arg("args"), [], [], ast.arg("kwargs"), [])
        found: list[ast.expr] = [ast.Name("args", ast.Load()), ast.Name("kwargs", ast.Load())]
        body = ast.Return(ast.Call(self._builder.constant(self._on_any, "hand_on"), found, []))
        self._publish(ast.FunctionDef(self._stem, taken, [body], []))

    def _handed_on(self, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """Do a call after the user's function was given code with other parameters."""
        original: types.FunctionType = self._original
        if Parameters.of(original.__code__) != self.parameters:
            return original(*args, **kwargs)
        with self._lock.held():
            self._link(self._specialisations if self._runs is not None and self._runs.check(None, Scope({})) else ())
        return self.function(*args, **kwargs)

    def _report(self) -> ast.stmt:
        """Return the function's end: to report a miss."""
        return self._call_with_arguments(ast.Name(self._miss_name, ast.Load()))

    def _call_with_arguments(self, function: ast.expr, *extra: ast.expr) -> ast.stmt:
        keys: list[ast.expr | None] = [ast.Constant(name) for name in self.parameters.names]
        found = ast.Dict(keys, [self._builder.local(name) for name in self.parameters.names])
        return ast.Return(ast.Call(function, [found, *extra], []))


def _refuses_a_gap(guards: GuardSet, parameter: str) -> bool:
    """Tell whether a guard of the parameter itself fails where the call left it out, so that nothing more is asked."""
    source = LocalSource(parameter)
    gap = Scope({parameter: DEFAULT})
    own = [guard for guard in guards if guard.source == source and not guard.predicate.sources]
    return any(not guard.predicate.runs_user_code and not guard.check(gap) for guard in own)
