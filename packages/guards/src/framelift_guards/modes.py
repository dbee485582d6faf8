"""How often a dispatcher checks what: at each call, by samples, or once.

What a call brings is checked at each call in any mode: the arguments themselves, torch's metadata of tensors among
them, and whatever tells one specialisation from another. What the modes leave out is *state*: what is reached from an
argument that is the very object of the last full check, and what is reached from globals, closures and builtins. A
specialisation is trusted with that once a call has checked it in full.
"""

from __future__ import annotations

import ast
import itertools
import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, TypeAlias

from framelift_guards.codegen import Builder
from framelift_guards.decision import Path, read_by
from framelift_guards.guard import Failure, Guard, GuardSet
from framelift_guards.plain import show
from framelift_guards.predicates import Is, Predicate, TypeIs
from framelift_guards.predicates.base import both, compare
from framelift_guards.source import Scope, Source


@dataclass(frozen=True)
class Checked:
    """Every guard is checked at every call.

    >>> guard_mode("checked")
    Checked()
    """

    name: ClassVar[str] = "checked"


@dataclass(frozen=True)
class Sampled:
    """State is checked at every n-th call, and whenever an argument is another object; a violation raises.

    A change of state between two samples is seen only by the next: until then results are those for the state before.
    `GuardViolation` says so then, and what changed; the call after it is checked in full.

    Args:
        every: of how many calls one is checked in full.

    Raises:
        ValueError: `every` is no positive int.

    >>> guard_mode("sampled")
    Sampled(every=64)
    >>> Sampled(every=0)
    Traceback (most recent call last):
    ValueError: Sampled(every=0): every must be an int of at least 1; pass 64, say
    """

    name: ClassVar[str] = "sampled"
    every: int = 64

    def __post_init__(self) -> None:
        if type(self.every) is not int or self.every < 1:
            raise ValueError(f"Sampled(every={show(self.every)}): every must be an int of at least 1; pass 64, say")


@dataclass(frozen=True)
class Frozen:
    """State is checked once: the caller promises that it stays as it is, torch's global state included.

    Args:
        verify: check the promise at each call, and raise `GuardViolation` where it is broken; for debugging.

    Raises:
        ValueError: `verify` is no bool.

    >>> guard_mode("frozen")
    Frozen(verify=False)
    """

    name: ClassVar[str] = "frozen"
    verify: bool = False

    def __post_init__(self) -> None:
        if type(self.verify) is not bool:
            raise ValueError(f"Frozen(verify={show(self.verify)}): verify must be True or False; pass a bool")


GuardMode: TypeAlias = Checked | Sampled | Frozen
_MODES: dict[str, GuardMode] = {mode.name: mode for mode in (Checked(), Sampled(), Frozen())}


def guard_mode(given: object) -> GuardMode:
    """Return the mode that a name or a mode stands for.

    Raises:
        ValueError: it is neither.

    >>> guard_mode(Sampled(every=8))
    Sampled(every=8)
    >>> guard_mode("always")
    Traceback (most recent call last):
    ValueError: guards must be 'checked', 'sampled', 'frozen', Sampled(every=n) or Frozen(verify=True), not 'always'
    """
    if type(given) in (Checked, Sampled, Frozen):
        return given  # type: ignore[return-value]
    if type(given) is str and given in _MODES:
        return _MODES[given]
    names = ", ".join(map(repr, _MODES))
    raise ValueError(f"guards must be {names}, Sampled(every=n) or Frozen(verify=True), not {show(given)}")


class GuardViolation(RuntimeError):
    """What a specialisation was trusted with has changed: since the last full check, results may be stale.

    Args:
        function: name of the function.
        mode: in which it was trusted.
        failure: the guard that does not hold any more.

    >>> from framelift_guards import Equals, LocalSource
    >>> failure = Guard(LocalSource("n"), Equals(3)).failure(Scope({"n": 4}))
    >>> print(GuardViolation("scale", Sampled(), failure))
    scale under guards='sampled' must not be called after a change of what it relies on, but n was 3, is 4; results \
since the last full check may be stale, and the next call is checked in full
    """

    def __init__(self, function: str, mode: GuardMode, failure: Failure) -> None:
        self.function, self.mode, self.failure = function, mode, failure
        found = "results since the last full check may be stale, and the next call is checked in full"
        rule = "must not be called after a change of what it relies on"
        super().__init__(f"{function} under guards={mode.name!r} {rule}, but {failure}; {found}")


@dataclass(frozen=True)
class Division:
    """The guards of one specialisation, divided.

    Args:
        kept: what is checked at each call.
        locals: the parameters whose object must be that of the last full check.
    """

    kept: tuple[Guard, ...]
    locals: tuple[Source, ...]


def divide(specialisations: Sequence[GuardSet], mode: GuardMode) -> list[Division]:
    """Divide the guards of each specialisation into those of a call and those that are trusted.

    Trusted is only what all specialisations demand: what tells them apart is known to vary.

    >>> from framelift_guards import Equals, GlobalSource, LocalSource, Namespace
    >>> of_call, of_state = Guard(LocalSource("n"), Equals(1)), Guard(GlobalSource("K", Namespace({})), Equals(2))
    >>> (division,) = divide([GuardSet([of_call, of_state])], Sampled())
    >>> [str(guard) for guard in division.kept]
    ["L['n'] == 1"]
    """
    kinds = [_Trustable(guards, mode) for guards in specialisations]
    shared: set[Guard] = set.intersection(*[set(kind.guards) for kind in kinds]) if kinds else set()
    return [kind.divided(shared) for kind in kinds]


class _Trustable:
    def __init__(self, guards: GuardSet, mode: GuardMode) -> None:
        self._all = tuple(guards)
        self._frozen = isinstance(mode, Frozen)
        self._roots = {guard.source for guard in self._all if guard.source is not None and _pins(guard)}
        self.guards = [guard for guard in self._all if self._trusted(guard)]

    def _trusted(self, guard: Guard) -> bool:
        sources = tuple(read_by(guard))
        if not sources:
            return self._frozen
        if guard.source is not None and guard.source.is_local:
            return False
        return all(not source.root.is_local or source.root in self._roots for source in sources)

    def divided(self, shared: set[Guard]) -> Division:
        left_out = [source.root for guard in self._all if guard in shared for source in read_by(guard)]
        roots = dict.fromkeys([root for root in left_out if root.is_local])
        return Division(tuple([guard for guard in self._all if guard not in shared]), tuple(roots))


def _pins(guard: Guard) -> bool:
    """Tell whether a guard says of a parameter that its object can be recognised by a weak reference."""
    if guard.source is None or not guard.source.is_local:
        return False
    predicate = guard.predicate
    if type(predicate) is TypeIs:
        return predicate.expected is not None and type.__dict__["__weakrefoffset__"].__get__(predicate.expected) != 0
    return type(predicate) is Is and predicate.reference.weak


class Verifying(Protocol):
    """Checks in full, given the function's parameters; it raises where that fails, and revokes the trust."""

    trust: Trust | None

    def __call__(self, *values: object) -> object:
        """Return true where all guards hold."""


class Trust:
    """That one specialisation may leave guards out, and for which objects.

    The generated code holds it under a name: ``None``, or weak references to the objects of the last full check.

    Args:
        division: what is kept, and for which parameters.
        mode: when to check in full again.
        verify: checks in full, given the function's parameters; it raises where that fails.
        parameters: the names of the function's parameters.
    """

    def __init__(self, division: Division, mode: GuardMode, verify: Verifying, parameters: Sequence[str]) -> None:
        self.division = division
        self.mode = mode
        self.verify = verify
        verify.trust = self
        self.parameters = parameters
        self._globals: dict[str, object] = {}
        self._name = ""

    def hold_in(self, builder: Builder) -> str:
        """Return the name in the generated code, distrusting first."""
        expression = builder.constant(self, "trusted")
        assert isinstance(expression, ast.Name)
        self._globals, self._name = builder.namespace.globals, expression.id
        self.revoke()
        return self._name

    def remember(self, *values: object) -> bool:
        """Trust from now on, for these objects."""
        self._set(tuple([weakref.ref(value) for value in values]))
        return True

    def revoke(self) -> None:
        """Trust no longer."""
        self._set(None)

    def _set(self, token: object) -> None:
        if self._name in self._globals:  # a call under way may end after the specialisation was forgotten
            self._globals[self._name] = token

    def quick(self, path: Path) -> Path:
        """Return the path that is taken on trust."""
        due = () if type(self.mode) is Frozen and not self.mode.verify else (Guard(None, _Due(self)),)
        return Path.of([Guard(None, _Trusted(self)), *self.division.kept, *due], path.wanted, path.entry)

    def full(self, path: Path) -> Path:
        """Return the path that checks in full, and trusts after that."""
        return Path.of([*path.guards, Guard(None, _Remember(self))], path.wanted, path.entry)


@dataclass(frozen=True, eq=False, repr=False)
class _OfTrust(Predicate):
    """A step of generated code about trust, in the place of a guard; none is ever explained."""

    trust: Trust

    def _parts(self) -> tuple[Hashable, ...]:
        return (id(self.trust),)

    def describe(self, name: str) -> str:
        return "the guards of state held at the last full check"

    def check(self, value: object, scope: Scope) -> bool:
        return True

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None


class _Trusted(_OfTrust):
    kind = "TRUSTED"

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        name = ast.Name(self.trust.hold_in(builder), ast.Load())
        sources = self.trust.division.locals
        if not sources:
            return compare(name, ast.IsNot(), ast.Constant(None))
        seen = builder.namespace.fresh("seen")
        conditions = [compare(ast.NamedExpr(ast.Name(seen, ast.Store()), name), ast.IsNot(), ast.Constant(None))]
        for index, source in enumerate(sources):
            reference = ast.Subscript(ast.Name(seen, ast.Load()), ast.Constant(index), ast.Load())
            conditions.append(compare(ast.Call(reference, [], []), ast.Is(), builder.fetch(source)))
        return both(*conditions)


class _Due(_OfTrust):
    """A full check where it is time for one; it raises, so it runs where the user's predicates run."""

    kind = "SAMPLE"
    runs_user_code = True

    @cached_property
    def _ticks(self) -> Callable[[], int]:
        return itertools.count(1).__next__

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        verify = ast.Call(
            builder.constant(self.trust.verify, "verify"), [builder.local(name) for name in self.trust.parameters], []
        )
        if not isinstance(self.trust.mode, Sampled):
            return verify
        tick = ast.Call(builder.constant(self._ticks, "tick"), [], [])
        left = ast.BinOp(tick, ast.Mod(), builder.constant(self.trust.mode.every))
        return ast.BoolOp(ast.Or(), [left, verify])


class _Remember(_OfTrust):
    kind = "REMEMBER"
    runs_user_code = True

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        objects = [builder.fetch(source) for source in self.trust.division.locals]
        return ast.Call(builder.constant(self.trust.remember, "remember"), objects, [])
