"""What torch's own helpers ask of an environment, under torch's names.

`torch.fx.experimental.symbolic_shapes` and the meta functions reach through a node to `node.shape_env` for these. A
name that is missing here is swallowed there (`statically_known_true` then answers False) and another, wrong path is
taken; a test compares this file with the installed torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framelift_symbolic_shapes.constraint import Constraint
from framelift_symbolic_shapes.deferred import functions, sympy
from framelift_symbolic_shapes.errors import ConstraintViolation, DataDependentCondition
from framelift_symbolic_shapes.expression import Constant, Expression, compare, negate
from framelift_symbolic_shapes.python_code import evaluate
from framelift_symbolic_shapes.range import Range

if TYPE_CHECKING:
    from framelift_symbolic_shapes.facts import Facts
    from framelift_symbolic_shapes.guard import ShapeGuard
    from framelift_symbolic_shapes.node import Number, SymNode
    from framelift_symbolic_shapes.symbol import SymbolInfo

__all__ = ["Facade"]


class Facade:
    """The part of an environment that torch's helpers know."""

    # Read by torch as settings. Unbacked results are refused until a package above asks for them.
    allow_dynamic_output_shape_ops = False
    allow_scalar_outputs = False
    prefer_deferred_runtime_asserts_over_guards = False
    _translation_validation_enabled = False
    deferred_runtime_asserts: Mapping[Any, Any] = {}
    # What `_rename_unbacked_to` and `set_real_tensor_prop_unbacked_vals` were told.
    unbacked_renamings: dict[Any, Any]
    real_tensor_prop_unbacked_vals: dict[Any, Number]
    # Hints of unbacked symbols, and equal ones among them: what follows from assertions is substituted already.
    var_to_hint_override: Mapping[Any, Any] = {}
    _unbacked_replacements: Mapping[Any, Any] = {}
    _equality_graph: Mapping[Any, Any] = {}

    if TYPE_CHECKING:
        facts: Facts

        @property
        def symbols(self) -> Mapping[Any, SymbolInfo]: ...
        @property
        def guards(self) -> tuple[ShapeGuard, ...]: ...
        def info(self, symbol: Any) -> SymbolInfo: ...
        def evaluate(self, node: SymNode, fallback: Number | None = None) -> Number: ...
        def expect(self, node: SymNode) -> bool: ...
        def bound(self, expression: Any) -> Range: ...
        def statically(self, expression: Any) -> bool | None: ...
        def replace(self, expression: Expression) -> Expression: ...
        def exchanged(self, expression: Expression) -> Any: ...
        def own(self, expression: Any) -> Expression: ...
        def equate(self, first: Any, second: Any) -> None: ...
        def create_unbacked(
            self, name: str, kind: type = int, *, minimum: int | None = None, maximum: int | None = None
        ) -> Any: ...

        wrap: Callable[[SymNode], Any]
        undecided: Callable[[Any, Expression], DataDependentCondition]
        exchanged_range: Callable[[Range, type], Any]
        node_type: type[SymNode]

    # Symbols that torch's tracer has still to bind to what produced them; a capture of ours binds its own.
    @property
    def pending_fresh_unbacked_symbols(self) -> list[Any]:
        return []

    @property
    def ignorable_fresh_unbacked_symbols(self) -> list[Any]:
        return []

    @property
    def _replacements_version_counter(self) -> int:
        return self.facts.version

    @property
    def replacements(self) -> Mapping[Any, Any]:
        return {self.exchanged(one): self.exchanged(other) for one, other in self.facts.replacements.items()}

    @property
    def var_to_range(self) -> Mapping[Any, Any]:
        ranges = self.facts.ranges.items()
        return {self.exchanged(symbol): self.exchanged_range(values, symbol.kind) for symbol, values in ranges}

    @property
    def backed_var_to_val(self) -> Mapping[Any, Any]:
        return {symbol: functions.literal(info.hint) for symbol, info in self.symbols.items() if info.hint is not None}

    @property
    def var_to_sources(self) -> Mapping[Any, list[object]]:
        return {symbol: info.origins for symbol, info in self.symbols.items()}

    def evaluate_sym_node(
        self, sym_node: SymNode, size_oblivious: bool = False, fallback_value: Number | None = None
    ) -> Number:
        return self.evaluate(sym_node, fallback_value)

    def _maybe_evaluate_static(self, expr: Any, *, compute_hint: bool = False, **_options: object) -> Any:
        """Return the sympy constant that an expression is, or `None`; with `compute_hint`, that of its hint."""
        expression = self.replace(self.own(expr))
        if isinstance(expression, Constant):
            return self.exchanged(expression)
        if expression.kind is bool:
            answer = self.statically(expression)
            if answer is not None:
                return sympy.true if answer else sympy.false
        elif expression.kind is int:
            values = self.facts.bound(expression)
            if values.is_singleton():
                return functions.literal(values.lower)
        if compute_hint:
            return functions.literal(self.guarding_hint_or_throw(expression))
        return None

    def bound_sympy(self, expr: Any, size_oblivious: bool = False) -> Any:
        expression = self.own(expr)
        if expression.kind is not bool:
            return self.exchanged_range(self.bound(expression), expression.kind)
        known = self.statically(expression)
        return self.exchanged_range(Range(0, 1) if known is None else Range(int(known), int(known)), bool)

    def simplify(self, expr: Any, size_oblivious: bool = False) -> Any:
        return self.exchanged(self.replace(self.own(expr)))

    def _simplify_floor_div(self, expr: Any) -> Any:
        return expr

    def guarding_hint_or_throw(self, expr: Any) -> Number:
        expression = self.own(expr)
        values = {symbol: self.info(symbol).hint for symbol in expression.symbols}
        for symbol, value in values.items():
            if value is None:
                raise self.undecided(self, symbol)
        return evaluate(expression, values)  # type: ignore[arg-type]

    def optimization_hint(self, expr: Any, fallback: int | None = None) -> Number | None:
        try:
            return self.guarding_hint_or_throw(expr)
        except DataDependentCondition:
            values = {symbol: self._probable(symbol, fallback) for symbol in self.own(expr).symbols}
            return None if None in values.values() else evaluate(self.own(expr), values)  # type: ignore[arg-type]

    def _probable(self, symbol: Expression, fallback: int | None) -> Number | None:
        hint = self.info(symbol).hint
        return self.real_tensor_prop_unbacked_vals.get(self.exchanged(symbol), fallback) if hint is None else hint

    def size_hint(self, expr: Any, *, allow_none: bool = False) -> Number | None:
        return self.optimization_hint(expr) if allow_none else self.guarding_hint_or_throw(expr)

    def has_hint(self, expr: Any) -> bool:
        return self.optimization_hint(expr) is not None

    has_guarding_hint = has_hint

    def is_unbacked_symint(self, symbol: Any) -> bool:
        info = self.symbols.get(symbol)
        return info is not None and info.hint is None

    def evaluate_expr(self, orig_expr: Any, hint: Number | None = None, *_args: object, **_options: object) -> Any:
        known = self._maybe_evaluate_static(orig_expr)
        if known is not None:
            return known
        value = self.guarding_hint_or_throw(orig_expr) if hint is None else hint
        expression = self.own(orig_expr)
        if isinstance(value, bool):
            self._record(expression if value else negate(expression))
        else:
            self._record(compare("==", expression, Constant(value)))
        return functions.literal(value)

    def _make_data_dependent_error(self, expr: Any, *_args: object, **_options: object) -> Exception:
        return self.undecided(self, self.own(expr))

    def _record(self, condition: Expression) -> None:
        raise NotImplementedError

    def guard_or_defer_runtime_assert(self, orig_expr: Any, msg: str, fx_node: object = None) -> bool:
        known = self.statically(orig_expr)
        if known is None:
            known = self.optimization_hint(orig_expr) is not False
            expression = self.own(orig_expr)
            self._record(expression if known else negate(expression))
        return bool(known)

    def _constrain_range(self, symbol: Any, minimum: Any, maximum: Any) -> None:
        for sign, limit in ((">=", minimum), ("<=", maximum)):
            if not isinstance(limit, int) and not getattr(limit, "is_Integer", False):
                continue  # None, and infinities: sympy's, and torch's
            condition = compare(sign, self.own(symbol), Constant(int(limit)))
            if self.statically(condition) is None:
                self._record(condition)

    def constrain_symbol_range(self, s: Any, compiler_min: Any, compiler_max: Any) -> None:
        self._constrain_range(s, compiler_min, compiler_max)

    def _constrain_range_for_size(self, symbol: Any, minimum: int | None = None, maximum: int | None = None) -> None:
        self._constrain_range(symbol, minimum or 0, maximum)

    def _constrain_is_bounded(self, symbol: Any, upper_bound: int) -> None:
        self._constrain_range(symbol, None, upper_bound)

    def _constrain_unify(self, a: Any, b: Any) -> None:
        self.equate(a, b)

    # ---- values of a run, and of unbacked symbols -------------------------------------------------------------------

    def bind_symbols(self, placeholders: Iterable[Any], args: Iterable[Any]) -> dict[Any, int]:
        """Return the value of each symbol that is the size, stride or offset of a placeholder, or one itself.

        Raises:
            ConstraintViolation: a symbol has two values.
        """
        values: dict[Any, int] = {}
        for number, value in _pairs(placeholders, args):
            node = getattr(number, "node", number)
            if getattr(node, "shape_env", None) is not self or not node.is_symbol:
                continue
            known = values.setdefault(node.expr, value)
            if known != value:
                raise Constraint(str(number)).unequal(value, "itself", known, None)
        return values

    def evaluate_guards_for_args(
        self, placeholders: Sequence[Any], args: Sequence[Any], *, ignore_static: bool = True
    ) -> bool:
        """Tell whether the guards hold for other arguments, and what is computed from symbols has its value."""
        try:
            bound = self.bind_symbols(placeholders, args)
        except ConstraintViolation:
            return False
        values: dict[Expression, Number] = {self.own(symbol): value for symbol, value in bound.items()}
        for number, value in _pairs(placeholders, args):
            node = getattr(number, "node", None)
            if node is None:
                if not ignore_static and number != value:
                    return False
            elif node.expression.symbols <= values.keys() and evaluate(node.expression, values) != value:
                return False
        conditions = [guard.condition for guard in self.guards]
        return all(evaluate(one, values) for one in conditions if one.symbols <= values.keys())

    def _eliminate_unbacked(self, orig_s: Any, new_s: Any) -> None:
        # Two names for one value, as the caller vouches: there is nothing to check when it runs.
        self.facts.assume(compare("==", self.own(orig_s), self.own(new_s)))

    def _rename_unbacked_to(self, orig_s: Any, new_s: Any) -> None:
        self._eliminate_unbacked(orig_s, new_s)
        self.unbacked_renamings[orig_s] = new_s

    def set_real_tensor_prop_unbacked_vals(self, k: Any, v: Number) -> None:
        self.real_tensor_prop_unbacked_vals[k] = v

    # ---- numbers made by torch's helpers ----------------------------------------------------------------------------

    def _number(self, sym: Any, hint: Number | None, kind: type) -> Any:
        expression = self.replace(self.own(sym))
        if hint is None and not isinstance(expression, Constant):
            hint = self.optimization_hint(expression)
        if isinstance(expression, Constant):
            return kind(expression.value)
        node = self.node_type(expression, self, kind, None if hint is None else kind(hint))  # type: ignore[arg-type]
        return self.wrap(node)

    def create_symintnode(self, sym: Any, *, hint: int | None = None, source: object = None) -> Any:
        return self._number(sym, hint, int)

    def create_symfloatnode(self, sym: Any, *, hint: float | None = None, source: object = None) -> Any:
        return self._number(sym, hint, float)

    def create_symboolnode(self, sym: Any) -> Any:
        return self._number(sym, None, bool)

    def create_unbacked_symint(self, source: object = None) -> Any:
        return self.create_unbacked(_name_of(source))

    def create_unbacked_symfloat(self) -> Any:
        return self.create_unbacked(_name_of(None), float)

    def create_unbacked_symbool(self) -> Any:
        number = self.create_unbacked(_name_of(None), minimum=0, maximum=1)
        node = getattr(number, "node", number)
        return self.wrap(node.eq(node.wrap_int(1)))

    # A guard too many is no wrong answer, so torch's wish to record none is not followed.
    def _suppress_guards_enter(self) -> None:
        pass

    def _suppress_guards_exit(self) -> None:
        pass

    @contextlib.contextmanager
    def ignore_fresh_unbacked_symbols(self) -> Iterator[None]:
        yield

    @contextlib.contextmanager
    def suppress_guards(self) -> Iterator[None]:
        yield

    def _create_fx_call_function(self, _op: object, _args: object) -> tuple[None, bool]:
        return None, False


def _pairs(placeholders: Iterable[Any], args: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    """Yield each number of a placeholder with what it is for these arguments."""
    for placeholder, arg in zip(placeholders, args, strict=True):
        if hasattr(placeholder, "storage_offset"):
            yield from zip(placeholder.size(), arg.size(), strict=True)
            yield from zip(placeholder.stride(), arg.stride(), strict=True)
            yield placeholder.storage_offset(), arg.storage_offset()
        elif isinstance(arg, (bool, int, float)):
            yield placeholder, arg  # type: ignore[misc]


def _name_of(source: Any) -> str:
    return "a value of the run" if source is None else str(source.name)
