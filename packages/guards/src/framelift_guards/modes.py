"""How often a dispatcher checks what: at each call, by samples, or once.

What a call brings is checked at each call in any mode: the arguments themselves, torch's metadata of tensors among
them, and whatever tells one specialisation from another. What the modes leave out is *state*: what is reached from an
argument that is the very object of the last full check, and what is reached from globals, closures and builtins. A
specialisation is trusted with that once a call has checked it in full.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

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
    `GuardViolation` says so then, and what changed; the call after it is checked in full. What the accelerator watches
    (what dictionaries hold, types, identities) is not left out, since that costs next to nothing: the very next call
    after such a change is checked in full.

    Args:
        every: of how many calls one is checked in full; one of 65536 at least.

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
    scale under guards='sampled' must not be called after a change of what it relies on, but n was 3, is 4; keep n as \
it was between calls; results since the last full check may be stale, and the next call is checked in full
    """

    def __init__(self, function: str, mode: GuardMode, failure: Failure) -> None:
        self.function, self.mode, self.failure = function, mode, failure
        found = "results since the last full check may be stale, and the next call is checked in full"
        rule = "must not be called after a change of what it relies on"
        super().__init__(f"{function} under guards={mode.name!r} {rule}, but {failure}; {found}")


@dataclass(frozen=True)
class Division:
    """What of the guards is trusted, and for which objects.

    Args:
        trusted: the guards that all specialisations demand and that are about state.
        locals: the parameters whose object must be that of the last full check.
    """

    trusted: frozenset[Guard]
    locals: tuple[Source, ...]


def divide(specialisations: Sequence[GuardSet], mode: GuardMode) -> Division:
    """Tell which guards are trusted; the others are those of a call.

    Trusted is only what all specialisations demand: what tells them apart is known to vary.

    >>> from framelift_guards import Equals, GlobalSource, LocalSource, Namespace
    >>> of_call, of_state = Guard(LocalSource("n"), Equals(1)), Guard(GlobalSource("K", Namespace({})), Equals(2))
    >>> [str(guard) for guard in divide([GuardSet([of_call, of_state])], Sampled()).trusted]
    ["G['K'] == 2"]
    """
    found = [frozenset(_about_state(guards, mode)) for guards in specialisations]
    trusted = frozenset.intersection(*found) if found else frozenset()
    read = [
        source.root
        for guards in specialisations[:1]
        for guard in guards
        if guard in trusted
        for source in read_by(guard)
    ]
    return Division(trusted, tuple(dict.fromkeys([root for root in read if root.is_local])))


def _about_state(guards: GuardSet, mode: GuardMode) -> Iterator[Guard]:
    roots = {guard.source for guard in guards if _pins(guard)}
    for guard in guards:
        sources = tuple(read_by(guard))
        if not sources:
            if isinstance(mode, Frozen):
                yield guard
        elif not (guard.source is not None and guard.source.is_local) and all(
            not source.root.is_local or source.root in roots for source in sources
        ):
            yield guard


def _pins(guard: Guard) -> bool:
    """Tell whether a guard says of a parameter that its object can be recognised by a weak reference."""
    if guard.source is None or not guard.source.is_local:
        return False
    predicate = guard.predicate
    if type(predicate) is TypeIs:
        return predicate.expected is not None and type.__dict__["__weakrefoffset__"].__get__(predicate.expected) != 0
    return type(predicate) is Is and predicate.reference.weak


_Ticket: TypeAlias = tuple[weakref.ref[object], ...]

_MOST = (1 << 16) - 1
"""How many calls at most follow on one full check: they are counted by taking from a list."""


class Trust:
    """That the specialisations may leave guards out, for how many calls, and for which objects.

    It has a list of tickets, and generated code takes the last: where none is left that raises, and a check that raises
    does not hold. A ticket is a tuple of weak references to the objects of the last full check. Where it may be checked
    again, a call uses up its ticket, and a full check puts in as many as calls may follow. (A counter costs a call and
    a division. The list is one for ever: to bind a name anew in the generated namespace would leave it there where a
    thread forgets the specialisation meanwhile.)

    What a plan of the accelerator can decide is not left out under `Sampled`: it costs next to nothing, and tells at
    once that something has changed.

    Args:
        division: what is trusted.
        mode: when to check in full again.
    """

    def __init__(self, division: Division, mode: GuardMode) -> None:
        self.division = division
        self.mode = mode
        self._calls = min(mode.every - 1, _MOST) if isinstance(mode, Sampled) else 1
        self._ticket: _Ticket | None = None
        self._tickets: list[_Ticket] = []
        self._take = self._tickets.pop

    def to_ast(self, builder: Builder) -> ast.expr:
        """Return the condition that this call goes on trust."""
        ticket: ast.expr
        if isinstance(self.mode, Sampled):
            ticket = ast.Call(builder.very(self._take, "take_ticket"), [], [])
        else:
            ticket = ast.Subscript(builder.very(self._tickets, "tickets"), ast.Constant(0), ast.Load())
        sources = self.division.locals
        if not sources:
            return compare(ticket, ast.IsNot(), ast.Constant(None))
        seen = builder.namespace.fresh("seen")
        first: ast.expr = ast.NamedExpr(ast.Name(seen, ast.Store()), ticket)
        tickets = [first, *[ast.Name(seen, ast.Load()) for _ in sources[1:]]]
        conditions = [
            compare(
                ast.Call(ast.Subscript(one, ast.Constant(index), ast.Load()), [], []), ast.Is(), builder.fetch(source)
            )
            for index, (one, source) in enumerate(zip(tickets, sources, strict=True))
        ]
        return both(*conditions)

    def remember(self, *values: object) -> bool:
        """Trust from now on, for these objects."""
        ticket = self._ticket = tuple([weakref.ref(value) for value in values])
        self._tickets[:] = [ticket] * self._calls
        return True

    def revoke(self) -> None:
        """Trust no longer."""
        self._ticket = None
        self._tickets.clear()

    def violation(self, specialisations: Iterable[GuardSet], scope: Scope) -> Failure | None:
        """Return the trusted guard that does not hold in a call that could have gone on trust, if there is one.

        Args:
            specialisations: the guards of each specialisation.
            scope: of a call that none of them fits.
        """
        ticket = self._ticket
        objects = [source.fetch(scope) for source in self.division.locals]
        if ticket is None or any(reference() is not found for reference, found in zip(ticket, objects, strict=True)):
            return None
        for guards in specialisations:
            if all(guard.check(scope) for guard in guards if guard not in self.division.trusted):
                for guard in guards:
                    failure = guard.failure(scope) if guard in self.division.trusted else None
                    if failure is not None:
                        self.revoke()
                        return failure
        return None

    def quick(self, path: Path) -> Path:
        """Return the path that is taken on trust."""
        guards, trusted = path.guards, self.division.trusted
        if isinstance(self.mode, Frozen):
            guards = tuple([guard for guard in guards if guard not in trusted])
        quick = Path.of([Guard(None, _Trusted(self)), *guards], path.wanted, path.entry, path.together)
        return replace(quick, trusted=tuple([guard for guard in path.guards if guard in trusted]))

    def full(self, path: Path) -> Path:
        """Return the path that checks in full, and trusts after that."""
        return Path.of([*path.guards, Guard(None, _Remember(self))], path.wanted, path.entry, path.together)


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
        return self.trust.to_ast(builder)


class _Remember(_OfTrust):
    kind = "REMEMBER"
    runs_user_code = True

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        objects = [builder.fetch(source) for source in self.trust.division.locals]
        return ast.Call(builder.constant(self.trust.remember, "remember"), objects, [])
