"""`ShapeEnv`: symbols, what is known of them, and the conditions that a capture came to rely on."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from framelift_symbolic_shapes.constraint import Constraint, ConstraintViolation
from framelift_symbolic_shapes.errors import (
    DataDependentCondition,
    ForeignSymbol,
    InvalidSize,
    MalformedRecord,
    RuntimeAssertionFailed,
)
from framelift_symbolic_shapes.evaluation import value_at
from framelift_symbolic_shapes.explanation import explanation
from framelift_symbolic_shapes.expression import (
    Constant,
    Expression,
    Junction,
    Relation,
    call,
    compare,
    junction,
    negate,
    number,
    substitute,
)
from framelift_symbolic_shapes.expression_store import ExpressionStore
from framelift_symbolic_shapes.facade import Facade
from framelift_symbolic_shapes.facts import Facts
from framelift_symbolic_shapes.guard import ShapeGuard
from framelift_symbolic_shapes.node import Number, SymNode
from framelift_symbolic_shapes.persistence import FORMAT, Writer, parsed, plain
from framelift_symbolic_shapes.products import compared_with_zero, primitive
from framelift_symbolic_shapes.python_code import Reference, to_python
from framelift_symbolic_shapes.range import Range, is_infinite
from framelift_symbolic_shapes.redundancy import essential
from framelift_symbolic_shapes.symbol import SymbolInfo
from framelift_symbolic_shapes.symbol_table import SymbolTable

__all__ = ["ShapeEnv"]


def _no_line() -> object:
    return None


def _check_hint(name: str, hint: object) -> None:
    if type(hint) not in (int, float):
        raise TypeError(f"{name} must be an int or a float to become a symbol, and is {hint!r}")


def _undecided(env: ShapeEnv, expression: Expression) -> DataDependentCondition:
    return DataDependentCondition(str(expression), env.user_line())


def _same_range(values: Range, kind: type) -> Range:
    return values


def _unwrapped(node: SymNode) -> Any:
    return node


class ShapeEnv(Facade):
    """The symbolic sizes of one capture.

    `user_line` is called for the line of the user's program that a guard is recorded for; assign to it.
    `wrap` turns a node, of `node_type`, into what programs compute with; `framelift_symbolic_shapes.torch.attach` makes
    that torch's types.

    >>> env = ShapeEnv()
    >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin="x", size=True)
    >>> n.gt(n.wrap_int(3)).guard_bool("", 0)
    True
    >>> [str(guard) for guard in env.guards]
    ['s77 >= 2', 's77 > 3']
    """

    def __init__(self) -> None:
        self.user_line: Callable[[], object] = _no_line
        self.wrap: Callable[[SymNode], Any] = _unwrapped
        self.node_type: type[SymNode] = SymNode
        self.undecided: Callable[[ShapeEnv, Expression], DataDependentCondition] = _undecided
        self.exchanged_range: Callable[[Range, type], Any] = _same_range
        self.facts = Facts()
        self._expressions = ExpressionStore(self._bound)
        self._table = SymbolTable(self.exchanged)
        self._guards: list[ShapeGuard] = []
        self._assertions: list[ShapeGuard] = []
        self._wrapped: dict[Expression, Any] = {}
        self._violations: list[ConstraintViolation] = []
        self.unbacked_renamings: dict[Any, Any] = {}
        self.real_tensor_prop_unbacked_vals: dict[Any, Number] = {}
        # Decides conditions on unbacked symbols that nothing known decides, for who tries a computation both ways; what
        # a case takes as true is not recorded then.
        self.arbiter: Callable[[Expression], bool] | None = None

    # ---- symbols ----------------------------------------------------------------------------------------------------

    @property
    def symbols(self) -> Mapping[Any, SymbolInfo]:
        """Each symbol with what is known of it, in the order of creation."""
        return MappingProxyType(self._table.public)

    def info(self, symbol: Any) -> SymbolInfo:
        """Return what is known of a symbol, given in either form, as a number of it, or by its name.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None, size=True)
        >>> env.info(n.expression) is env.info(n.expr), env.info(n.expr).name
        (True, "L['x'].size()[0]")

        Raises:
            ForeignSymbol: it is no symbol of this environment.
        """
        known = self._table.known.get(self._symbol(symbol))
        if known is None:
            raise ForeignSymbol(str(symbol))
        return known

    def _symbol(self, symbol: Any) -> Expression:
        if isinstance(symbol, str):
            return self._table.named(symbol)
        node = getattr(symbol, "node", symbol)
        return node.expression if isinstance(node, SymNode) else self.own(symbol)

    @property
    def guards(self) -> tuple[ShapeGuard, ...]:
        """The conditions that the capture relies on, in the order in which they were decided."""
        return tuple(self._guards)

    @property
    def essential_guards(self) -> tuple[ShapeGuard, ...]:
        """The guards without those that follow from the rest: what has to be checked.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 8, dynamic=True, origin=None, size=True)
        >>> n.gt(n.wrap_int(4)).guard_bool("", 0)
        True
        >>> [str(guard) for guard in env.guards], [str(guard) for guard in env.essential_guards]
        (['s77 >= 2', 's77 > 4'], ['s77 > 4'])
        """
        hints = {symbol: info.hint for symbol, info in self._table.known.items() if info.hint is not None}
        return tuple(essential(self._guards, hints))

    @property
    def runtime_assertions(self) -> tuple[ShapeGuard, ...]:
        """The conditions on unbacked symbols that were taken as true, in order; the run must check each of them.

        They are no guards: when guards are checked the values of unbacked symbols are not there yet.

        >>> env = ShapeEnv()
        >>> u = env.create_unbacked("x.nonzero()")
        >>> u.expect_size("", 0), u.le(u.wrap_int(9)).expect_true("", 0), u.lt(u.wrap_int(10)).guard_bool("", 0)
        (True, True, True)
        >>> [str(assertion).replace(str(u), "u") for assertion in env.runtime_assertions], env.guards
        (['u >= 0', 'u <= 9'], ())
        """
        return tuple(self._assertions)

    def check_runtime_assertions(self, values: Mapping[Any, Number]) -> None:
        """Check in a run what was taken as true of unbacked symbols.

        Args:
            values: the symbols' values in that run; a symbol in either form, its node, or its name (`"u7"`). An
                assertion about a symbol that is not there is left for a later call.

        Raises:
            RuntimeAssertionFailed: one of them does not hold, or can't be computed; the first one.
            ForeignSymbol: a value is given for what is no symbol of this environment.

        >>> env = ShapeEnv()
        >>> env.user_line = lambda: "model.py:7"
        >>> u = env.create_unbacked("x.item()")
        >>> u.le(u.wrap_int(9)).expect_true("", 0)
        True
        >>> env.check_runtime_assertions({u: 9})
        >>> env.check_runtime_assertions({u: 12})
        Traceback (most recent call last):
        framelift_symbolic_shapes.errors.RuntimeAssertionFailed: x.item() <= 9 must hold, and does not: x.item() is 12 \
        (stated in model.py:7)
        """
        point = {self._symbol(symbol): value for symbol, value in values.items()}
        for symbol in point:
            self.info(symbol)
        for assertion in self._assertions:
            condition = assertion.condition
            if not condition.symbols <= point.keys():
                continue
            try:
                holds = value_at(condition, point)
            except (ArithmeticError, ValueError, TypeError):  # a TypeError is what complex numbers give
                holds = False
            if not holds:
                named = {
                    self._table.known[symbol].name: point[symbol] for symbol in point if symbol in condition.symbols
                }
                raise RuntimeAssertionFailed(self._told(condition), named, assertion.user_line)

    @property
    def violations(self) -> tuple[ConstraintViolation, ...]:
        """The promises that were broken, in order; each was raised, too, from wherever a number was asked for."""
        return tuple(self._violations)

    def _violated(self, violation: ConstraintViolation) -> ConstraintViolation:
        self._violations.append(violation)
        return violation

    @property
    def version(self) -> int:
        """Grows when expressions simplify further than before."""
        return self.facts.version

    def create_symbol(
        self,
        name: str,
        hint: float,
        *,
        dynamic: bool,
        origin: object,
        minimum: int | None = None,
        maximum: int | None = None,
        size: bool = False,
        strict: bool = False,
        shared: bool = True,
    ) -> Any:
        """Return a symbolic number for a value that may differ in the next run; or the value, specialised.

        The value itself comes back if it is not dynamic, is not finite, or if it is a size of 0 or 1: programs treat
        those two apart (they broadcast, they are empty), so that a symbol for them would be decided at once. Sizes with
        equal hints share a symbol, and their origins are collected: most equal sizes are equal for a reason.

        Args:
            name: what a user would write, such as `L['x'].size()[0]`; it names the symbol.
            hint: the value in the run that is captured.
            dynamic: whether a symbol is wanted.
            origin: anything; it comes back in `symbols`.
            minimum: the least value that the user promised.
            maximum: the greatest value that the user promised.
            size: it is the size of a dimension: not negative, and equal ones share a symbol.
            strict: deciding a condition that leaves only one value is an error, and where a range was promised, so is
                one that does not hold in all of it.
            shared: whether a size may share its symbol with sizes that are equal.

        Raises:
            TypeError: the hint is not an integer or a float.
            InvalidSize: a size is negative, is not an integer, or does not fit 64 bits.
            ConstraintViolation: the hint is outside of the promised range, or strict and specialised.
        """
        _check_hint(name, hint)
        if size and (type(hint) is not int or not 0 <= hint < 2**63):
            raise InvalidSize(name, hint)
        constraint = Constraint(name, minimum, maximum, strict)
        try:
            constraint.check(hint)
        except ConstraintViolation as violation:
            raise self._violated(violation) from None
        if not dynamic or (type(hint) is float and not math.isfinite(hint)):
            return hint
        if size and hint in (0, 1):
            if strict:
                raise self._violated(constraint.zero_or_one(hint))
            return hint
        if type(hint) is float:
            return self._new(name, hint, origin, Range(), "zf")
        shared = shared and size and minimum is None and maximum is None and not strict
        if shared and hint in self._table.shared:
            symbol = self._table.shared[hint]
            self._table.known[symbol].origins.append(origin)
            self._table.known[symbol].others.append(name)
            return self._wrap(symbol, hint, int)
        values = Range(lower=2) & constraint.range if size else constraint.range
        wrapped = self._new(name, hint, origin, values, "s", constraint)
        if shared:
            self._table.shared[hint] = next(reversed(self._table.known))
        return wrapped

    def create_unbacked(
        self, name: str, kind: type = int, *, minimum: int | None = None, maximum: int | None = None
    ) -> Any:
        """Return a symbolic number whose value only the run will tell.

        Args:
            name: what it is, for messages; it names the symbol.
            kind: `int` or `float`.
            minimum: the least value that it can have.
            maximum: the greatest value that it can have, such as the number of elements for `nonzero`.
        """
        values = Range(-math.inf if minimum is None else minimum, math.inf if maximum is None else maximum)
        return self._new(name, None, None, values, "u" if kind is int else "zuf")

    def _new(
        self,
        name: str,
        hint: float | None,
        origin: object,
        values: Range,
        prefix: str,
        constraint: Constraint | None = None,
    ) -> Any:
        line = self.user_line()
        symbol = self._table.add(name, hint, origin, values, prefix, constraint, line)
        if hint is not None:
            self._guard_range(symbol, values, line)
        self.facts.declare(symbol, values, hint is None)
        return self._wrap(symbol, hint, symbol.kind)

    def _guard_range(self, symbol: Expression, values: Range, line: object) -> None:
        if not is_infinite(values.lower):
            self._guards.append(ShapeGuard(Relation(">=", symbol, Constant(values.lower)), line))
        if not is_infinite(values.upper):
            self._guards.append(ShapeGuard(Relation("<=", symbol, Constant(values.upper)), line))

    def _wrap(self, symbol: Expression, hint: float | None, kind: type) -> Any:
        # One object a symbol, so that a program that compares sizes by identity sees what it would see with ints.
        if symbol not in self._wrapped:
            self._wrapped[symbol] = self.wrap(self.node_type(self.replace(symbol), self, kind, hint))
        return self._wrapped[symbol]

    # ---- expressions ------------------------------------------------------------------------------------------------

    def apply(self, name: str, operands: tuple[Expression, ...], is_float: bool) -> Expression:
        """Return the expression of the operation `name` on expressions, simplified; built once."""
        return self._expressions.apply(name, operands, is_float)

    def interned(self, expression: Expression) -> Expression:
        """Return the one object for all expressions that are equal to this one."""
        return self._expressions.interned(expression)

    def exchanged(self, expression: Expression) -> Any:
        """Return sympy's form of an expression."""
        return self._expressions.exchanged(expression)

    def own(self, expression: Any) -> Expression:
        """Return an expression, in sympy's form or in that of this package, in the latter."""
        return self._expressions.own(expression)

    def replace(self, expression: Expression) -> Expression:
        """Return `expression`, simplified by all that is known now."""
        return self.facts.replace(expression)

    def _bound(self, expression: Expression) -> Range:
        return self.facts.bound(expression)

    def bound(self, expression: Any) -> Range:
        """Return a range that holds every value of an integer expression.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("n", 4, dynamic=True, origin=None, size=True)
        >>> env.bound((n + n).expr)
        Range(lower=4, upper=inf)
        """
        return self.facts.bound(self.replace(self.own(expression)))

    def to_python(
        self, expression: Any, names: Mapping[Any, ast.expr] | None = None, reference: Reference | None = None
    ) -> ast.expr:
        """Return Python that computes `expression`.

        Args:
            expression: an expression, in either form.
            names: for each symbol in it, in either form, the Python that gives its value; by default what the symbol
                was created for, such as `L['x'].size()[0]`, where that is Python, and else the symbol's own name.
            reference: gives the Python for a function such as `max` or `math.floor`; by default its name.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None, size=True)
        >>> ast.unparse(env.to_python((n * n - n).expression))
        "L['x'].size()[0] ** 2 - L['x'].size()[0]"
        """
        own = self.own(expression)
        if names is None:
            names = {symbol: self._named(symbol) for symbol in own.symbols}
        return to_python(own, names) if reference is None else to_python(own, names, reference)

    def _named(self, symbol: Expression) -> ast.expr:
        try:
            return ast.parse(self.info(symbol).name, mode="eval").body
        except SyntaxError:
            return ast.Name(str(symbol), ast.Load())

    # ---- decisions --------------------------------------------------------------------------------------------------

    def statically(self, expression: Any) -> bool | None:
        """Return whether a condition follows from what is known; no guard is recorded."""
        return self.facts.decide(self.own(expression))

    def evaluate(self, node: SymNode, fallback: Number | None = None) -> Number:
        """Return the value of a node, recording a guard where it does not follow from what is known.

        Args:
            node: any node of this environment.
            fallback: the answer for a condition on unbacked symbols that nothing decides.

        Raises:
            DataDependentCondition: the node has no hint, and there is neither a fallback nor an arbiter.
            ConstraintViolation: the decision leaves one value to a size that must stay free.
        """
        expression = node.expression
        known = number(expression)
        if known is None and node.pytype is bool:
            known = self.facts.decide(expression)
        elif known is None and node.pytype is int:
            known = self.facts.value(expression)
        if known is not None:
            return node.pytype(known)  # type: ignore[no-any-return]
        hint = node.hint
        if hint is None:
            expression = self._undecided_part(expression)
            hint = self._hint_of(expression, node.pytype)
        if hint is None:
            if fallback is not None:
                return fallback
            if self.arbiter is not None and node.pytype is bool:
                return self.arbiter(expression)
            raise self.undecided(self, expression)
        if node.pytype is bool:
            self._record(expression if hint else negate(expression))
        else:
            self._record(compare("==", expression, Constant(hint)))
            if hint == 0 and node.pytype is float:  # equal, yet not the same number: 0.0 and -0.0
                sign = call("CopySign", (Constant(1.0), expression))
                self._record(compare("==", sign, Constant(math.copysign(1.0, hint))))
        return hint

    def _undecided_part(self, condition: Expression) -> Expression:
        """Return what is left of `a and b` or `a or b` without those whose truth is known; anything else as it is."""
        if not isinstance(condition, Junction):
            return condition
        open_ = [one for one in condition.operands if self.facts.decide(one) is None]
        return junction(condition.any_of, open_)

    def expect(self, node: SymNode) -> bool:
        """Take a condition as true, as `torch._check` does; return False where it is known to be false."""
        known = self.facts.decide(node.expression)
        if known is not None:
            return known
        expression = self._undecided_part(node.expression)
        hint = self._hint_of(expression, bool) if node.hint is None else node.hint
        if hint is None and self.arbiter is not None:
            return True  # in one case of several: what the whole relies on is for the real call to check
        self._record(negate(expression) if hint is False else expression)
        return hint is not False

    def _hint_of(self, expression: Expression, kind: type) -> Number | None:
        """Return the hint of what was unbacked and was found equal to what is not, if it is so."""
        if not self._table.unbacked or not self._table.unbacked.isdisjoint(expression.symbols):
            return None
        return kind(self.guarding_hint_or_throw(expression))  # type: ignore[no-any-return]

    def _record(self, condition: Expression) -> None:
        line = self.user_line()
        if isinstance(condition, Relation) and condition.left.kind is condition.right.kind is int:
            difference = condition.left - condition.right
            shorter = primitive(difference, self.facts.bound)
            if shorter != difference:
                condition = compared_with_zero(condition.sign, shorter)
        backed = self._table.unbacked.isdisjoint(condition.symbols)
        (self._guards if backed else self._assertions).append(ShapeGuard(condition, line))
        promised = [
            (symbol, constraint, self._table.known[symbol].range)
            for symbol, constraint in self._table.constraints.items()
            if constraint.strict
        ]
        self.facts.assume(condition)
        for symbol, info in self._table.known.items():
            info.range = self.facts.ranges.get(symbol, info.range)
        for symbol, constraint, before in promised:
            self._check_freedom(symbol, constraint, before, condition, line)

    def _check_freedom(
        self, symbol: Expression, constraint: Constraint, before: Range, condition: Expression, line: object
    ) -> None:
        value = self.facts.replace(symbol)  # it may be that of another symbol, which has one value only
        if isinstance(value, Constant):
            raise self._violated(constraint.specialised(value, self._told(condition), line))
        if not constraint.is_bounded:
            return
        after = before & self.facts.bound(value)
        if condition.symbols in ({symbol}, value.symbols) or after != before:
            alone = Facts()
            alone.declare(symbol, after)
            holds = len(condition.symbols) > 1 or alone.decide(substitute(condition, {value: symbol}, call))
            narrower = after if after != before and holds else None
            raise self._violated(constraint.restricted(self._told(condition), narrower, line))

    def _told(self, condition: Expression) -> str:
        try:
            return ast.unparse(self.to_python(condition))
        except TypeError:  # sympy's own, which has no Python
            return str(condition)

    def equate(self, first: Any, second: Any) -> None:
        """Promise that two sizes are equal: it is guarded, and one symbol stands for both from then on.

        Args:
            first: a symbol that `create_symbol` returned, or a number.
            second: another one.

        Raises:
            ConstraintViolation: they differ in this run.

        >>> env = ShapeEnv()
        >>> n, m = (env.create_symbol(name, 4, dynamic=True, origin=None) for name in "nm")
        >>> env.equate(n, m)
        >>> n.expression == m.expression
        True
        """
        nodes = [getattr(one, "node", one) for one in (first, second)]
        named = [node for node in nodes if isinstance(node, SymNode)]
        if not named:
            if first != second:
                raise self._violated(Constraint(str(first)).unequal(first, str(second), second, self.user_line()))
            return
        one, other = [node if isinstance(node, SymNode) else named[0].wrap_int(node) for node in nodes]
        if not self.expect(one.eq(other)):
            texts = [self._table.known[n.expression].name if n.is_symbol else str(n) for n in (one, other)]
            violation = Constraint(texts[0]).unequal(one.hint, texts[1], other.hint, self.user_line())
            raise self._violated(violation)

    # ---- explaining -------------------------------------------------------------------------------------------------

    def explain(self, symbol: Any) -> str:
        """Return where a symbol came from, its range, and each condition on it with the user's line.

        Args:
            symbol: the symbol, in either form, a number that it is (such as `x.shape[0]`), or its name.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None, size=True)
        >>> print(env.explain(n.expr))
        s77 is L['x'].size()[0], 4 in this run; at least 2
          s77 >= 2
        """
        info = self.info(symbol)
        return explanation(self._symbol(symbol), info, self.facts, [*self._guards, *self._assertions])

    # ---- as JSON ----------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """Return all that is known as text that `from_json` reads back; lines and origins become text.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin="x", size=True)
        >>> n.lt(n.wrap_int(9)).guard_bool("", 0)
        True
        >>> again = ShapeEnv.from_json(env.to_json())
        >>> [str(guard) for guard in again.guards], again.number("s77").hint, again.to_json() == env.to_json()
        (['s77 >= 2', 's77 < 9'], 4, True)
        """
        writer = Writer()
        record: dict[str, Any] = {
            "format": FORMAT,
            "symbols": self._table.to_json(writer),
            "guards": [[writer.place(guard.condition), plain(guard.user_line)] for guard in self._guards],
            "assertions": [[writer.place(guard.condition), plain(guard.user_line)] for guard in self._assertions],
            "shared": [[hint, writer.place(symbol)] for hint, symbol in self._table.shared.items()],
            "facts": self.facts.to_json(writer),
        }
        return json.dumps({**record, "expressions": writer.entries})

    @classmethod
    def from_json(cls, text: str) -> ShapeEnv:
        """Return the environment that `to_json` told; `number` gives its symbols to compute with.

        Raises:
            MalformedRecord: the text is not what `to_json` wrote.
        """
        record, reader = parsed(text)
        env = cls()
        try:
            env._table.read(record["symbols"], reader)
            env._guards = [ShapeGuard(reader.condition(place), line) for place, line in record["guards"]]
            env._assertions = [ShapeGuard(reader.condition(place), line) for place, line in record["assertions"]]
            env._table.shared = {int(hint): reader[place] for hint, place in record["shared"]}
            env.facts = Facts.from_json(record["facts"], reader)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise MalformedRecord(f"{type(error).__name__}: {error}") from error
        return env

    def number(self, name: str) -> Any:
        """Return the symbolic number of the symbol with this name.

        Raises:
            ForeignSymbol: this environment has none.

        >>> env = ShapeEnv()
        >>> n = env.create_symbol("L['x'].size()[0]", 4, dynamic=True, origin=None, size=True)
        >>> env.number("s77") is n
        True
        """
        symbol = self._table.named(name)
        return self._wrap(symbol, self._table.known[symbol].hint, symbol.kind)
