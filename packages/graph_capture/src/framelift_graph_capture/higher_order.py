"""Torch's functions of functions: `torch.func` transforms, activation checkpointing, `cond`, `while_loop`.

A call is one node. What the function that it is given does is a graph of its own (`body`), which torch's real function
gets in the function's place. So torch decides what a transform means, and nothing of it is written again here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch._higher_order_ops
import torch.func
import torch.utils._pytree as pytree
import torch.utils.checkpoint

from framelift_bytecode_interp import Break, Value
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    CallContext,
    FunctionRule,
    Keywords,
    SymbolicDomain,
    Tracking,
    TupleVariable,
    UnsupportedCall,
    Variable,
)

from . import applied
from .body import Body, Leaf, assemble, parameter, skeleton, tensors_in, trace
from .handlers.tensor import session_of
from .lowering import NotLoweredError
from .reasons import UnsupportedArgument
from .session import Session
from .variables import SymbolicNumberVariable, TensorVariable

__all__ = ["HIGHER_ORDER_RULES"]


# ---- transforms -----------------------------------------------------------------------------------------------------


def _transform(function: Callable[..., Any], transform: Callable[..., Any], *names: str) -> FunctionRule:
    """Return the rule of `function(f, *options)`, which makes another function of `f`.

    Args:
        function: the function.
        transform: what is called in its place, when the function that it makes is called.
        names: of the options that can be given by position.
    """

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        given = {**dict(zip(("func", *names), args, strict=False)), **kwargs}
        inner = given.pop("func", None)
        if inner is None or len(args) > len(names) + 1 or len(given) + 1 != len(args) + len(kwargs):
            return Break(UnsupportedCall(function.__name__, "its arguments are not those of its signature"))
        options = domain.build_map([domain.constant(name) for name in given], list(given.values()))
        if not isinstance(options, Value):
            return options
        return domain.polyfill(applied.transformed, domain.reference(transform), options.value, inner)

    return rule


def _run_transformed(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`transform(function, **options)(*args, **kwargs)`, as `applied.transformed` has it."""
    transform: Any = domain.as_constant(args[0])
    transform = getattr(args[0], "value", None) if transform is NOT_CONSTANT else transform
    options = _plain(domain, args[1])
    if options is NOT_CONSTANT:
        return Break(UnsupportedArgument(transform.__name__, "option that is not known"))
    if transform in _FORWARD:
        wrap: Callable[..., Any] = _alias
    elif transform is torch.func.vmap:
        wrap = _slice
    else:
        wrap = _leaf
    return _record(
        domain, context, transform.__name__, args[2:], wrap, options, lambda inner: transform(inner, **options)
    )


def _jvp(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`torch.func.jvp(func, primals, tangents, *, strict=False, has_aux=False)`."""
    given = {**dict(zip(("func", "primals", "tangents"), args, strict=False)), **kwargs}
    options = {name: domain.as_constant(given.pop(name)) for name in ("strict", "has_aux") if name in given}
    if len(args) > 3 or set(given) != {"func", "primals", "tangents"} or NOT_CONSTANT in options.values():
        return Break(UnsupportedCall("jvp", "its arguments are not those of its signature"))
    return _record(
        domain,
        context,
        "jvp",
        (given["func"], given["primals"], domain.build_map([], []).value),  # type: ignore[union-attr]
        _alias,
        {},
        lambda inner: lambda *primals, tangents: torch.func.jvp(inner, primals, tangents, **options),
        tangents=given["tangents"],
    )


def _vjp(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`torch.func.vjp(func, *primals, has_aux=False)`."""
    has_aux = kwargs.get("has_aux", domain.constant(False))
    if not args or set(kwargs) - {"has_aux"} or type(domain.as_constant(has_aux)) is not bool:
        return Break(UnsupportedCall("vjp", "its arguments are not those of its signature"))
    primals = domain.build_tuple(args[1:])
    assert isinstance(primals, Value)
    return domain.polyfill(applied.vjp, args[0], primals.value, has_aux)


def _value_of(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    function, primals, has_aux = args
    aux = domain.as_constant(has_aux)
    nothing = domain.build_map([], [])
    assert isinstance(nothing, Value)

    def run(inner: Callable[..., Any]) -> Callable[..., Any]:
        def value(*values: Any) -> Any:
            found = torch.func.vjp(inner, *values, has_aux=aux)
            return (found[0], found[-1]) if aux else found[0]

        return value

    return _record(domain, context, "vjp", (function, primals, nothing.value), _leaf, {"argnums": None}, run)


def _pull_back(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    function, primals, has_aux, cotangents = args
    aux = domain.as_constant(has_aux)
    nothing = domain.build_map([], [])
    assert isinstance(nothing, Value)
    before = list(domain.effects)

    def run(inner: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *values, tangents: torch.func.vjp(inner, *values, has_aux=aux)[1](tangents)

    parts = (function, primals, nothing.value)
    answer = _record(domain, context, "vjp", parts, _leaf, {"argnums": None}, run, tangents=cotangents)
    if len(list(domain.effects)) != len(before):  # it is interpreted a second time here, and does them twice
        session_of(domain).gave_up = True
        return Break(UnsupportedCall("vjp", "its function changes what existed before"))
    return answer


def _record(
    domain: Tracking,
    context: CallContext,
    name: str,
    call: Sequence[Variable],
    wrap: Callable[..., Any],
    options: Mapping[str, Any],
    transform: Callable[[Callable[..., Any]], Callable[..., Any]],
    tangents: Variable | None = None,
) -> Answer:
    """Record a call of what a transform makes of a function.

    Args:
        domain: where.
        context: the call.
        name: the transform's, for messages.
        call: the function, its arguments as a tuple, and those by name as a dict.
        wrap: gives the fake that the function sees of a tensor.
        options: the transform's.
        transform: gives what is called, for what the function is.
        tangents: further arguments, that the function does not see.
    """
    session = session_of(domain)
    function, packed, named = call[0], call[1], call[2]
    tree = skeleton(domain, packed), skeleton(domain, named)
    leaves, spec = pytree.tree_flatten(tree)
    kinds = _kinds(wrap, options, tree)
    if kinds is None or not isinstance(tree[0], tuple) or not isinstance(tree[1], dict):
        return Break(UnsupportedArgument(name, "tree of arguments that its options do not fit"))
    positions = [
        index
        for index, (leaf, kind) in enumerate(zip(leaves, kinds, strict=True))
        if isinstance(leaf, Leaf) and isinstance(leaf.variable, TensorVariable) and kind is not None
    ]
    constants = [domain.as_constant(leaf.variable) if isinstance(leaf, Leaf) else leaf for leaf in leaves]

    def stand_ins() -> list[TensorVariable]:
        made = []
        for index in positions:
            outside: Any = session.realise(leaves[index].variable)
            made.append(parameter(session, wrap(session, outside.fake, kinds[index]), torch.Tensor))
        return made

    def rearranged(made: Sequence[TensorVariable]) -> tuple[Arguments, Keywords]:
        inside: list[Any] = list(leaves)
        for index, variable in zip(positions, made, strict=True):
            inside[index] = Leaf(variable)
        args, kwargs = pytree.tree_unflatten(inside, spec)
        return tuple([assemble(domain, arg) for arg in args]), {
            key: assemble(domain, value) for key, value in kwargs.items()
        }

    try:
        traced = trace(
            domain, session, function, (), {}, parameters=stand_ins, rearranged=rearranged, grad=_grad_inside(wrap)
        )
    except (IndexError, RuntimeError, TypeError) as error:  # the fakes say what torch's function will say
        session.gave_up = True
        return Break(UnsupportedCall(name, str(error)))
    if isinstance(traced, Break):
        return traced
    try:
        outputs = session.lower(traced.result)[0]
        further = None if tangents is None else session.lower(tangents)
    except NotLoweredError as error:
        traced.pull_out(())
        session.gave_up = True
        return Break(UnsupportedArgument(name, error.type_name))
    graph, free = traced.pull_out(outputs)
    tensors = [
        index
        for index, leaf in enumerate(leaves)
        if isinstance(leaf, Leaf) and isinstance(leaf.variable, (TensorVariable, SymbolicNumberVariable))
    ]

    def run(*values: Any) -> Any:
        given, rest = values[: len(tensors)], values[len(tensors) :]
        extra = {}
        if further is not None:
            extra["tangents"], *rest = rest  # type: ignore[assignment]
        everything = list(constants)
        for index, value in zip(tensors, given, strict=True):
            everything[index] = value

        def inner(*args: Any, **kwargs: Any) -> Any:
            seen = pytree.tree_leaves((args, kwargs), is_leaf=_is_none)
            return graph.forward(*[seen[index] for index in positions], *rest)

        args, kwargs = pytree.tree_unflatten(everything, spec)
        return transform(inner)(*args, **kwargs, **extra)

    run.__name__ = f"{name}_call"
    pairs = [session.lower(leaves[index].variable) for index in tensors]
    if further is not None:
        pairs.append(further)
    pairs += [(node, node.meta["example_value"]) for node in free]
    nodes, values = tuple([node for node, _ in pairs]), tuple([value for _, value in pairs])
    answer = session.record_lowered(name, run, (nodes, values))
    if isinstance(answer, Break):
        session.gave_up = True
    return answer


def _is_none(value: Any) -> bool:
    return value is None


_FORWARD = (torch.func.jacfwd, torch.func.hessian)


def _kinds(wrap: Callable[..., Any], options: Mapping[str, Any], tree: Any) -> list[Any] | None:
    """Return for each leaf of the arguments what the transform makes of it; None: it leaves it alone."""
    args, kwargs = tree
    by_name = [None] * len(pytree.tree_leaves(kwargs))
    if wrap is _slice:
        dims = options.get("in_dims", 0)
        spec = pytree.tree_flatten(args)[1]
        dims = list(dims) if isinstance(dims, list) else dims
        flat = pytree._broadcast_to_and_flatten(tuple(dims) if isinstance(dims, list) else dims, spec)
        return None if flat is None or not all(dim is None or type(dim) is int for dim in flat) else flat + by_name
    numbers = options.get("argnums", 0) if options.get("argnums", 0) is not None else tuple(range(len(args)))
    chosen = (numbers,) if type(numbers) is int else numbers
    if wrap is _alias and "argnums" not in options and not options:
        chosen = tuple(range(len(args)))
    if not isinstance(chosen, tuple) or not all(type(one) is int and -len(args) <= one < len(args) for one in chosen):
        return None
    places = {one % len(args) for one in chosen} if args else set()
    kinds: list[Any] = []
    for place, arg in enumerate(args):
        kinds += [True if place in places else None] * len(pytree.tree_leaves(arg))
    return kinds + by_name


def _slice(session: Session, fake: torch.Tensor, dim: int) -> torch.Tensor:
    return session.fakes.propagate(torch.select, (fake, dim, 0), {})  # type: ignore[no-any-return]


def _alias(session: Session, fake: torch.Tensor, kind: object) -> torch.Tensor:
    return session.fakes.propagate(torch.ops.aten.alias.default, (fake,), {})  # type: ignore[no-any-return]


def _leaf(session: Session, fake: torch.Tensor, kind: object) -> torch.Tensor:
    made: torch.Tensor = session.fakes.propagate(torch.Tensor.detach, (fake,), {})
    return made.requires_grad_() if made.dtype.is_floating_point or made.dtype.is_complex else made


def _grad_inside(wrap: Callable[..., Any]) -> bool | None:
    return True if wrap is _leaf else None


def _plain(domain: Tracking, variable: Variable) -> Any:
    """Return a value of constants in containers; NOT_CONSTANT when something in it is none."""
    leaves, spec = pytree.tree_flatten(skeleton(domain, variable))
    values = [domain.as_constant(leaf.variable) if isinstance(leaf, Leaf) else leaf for leaf in leaves]
    return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else pytree.tree_unflatten(values, spec)


# ---- functions that are called as they are --------------------------------------------------------------------------


def _inline(
    domain: Tracking,
    name: str,
    function: Variable,
    args: Arguments,
    kwargs: Keywords,
    around: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Answer:
    """Record a call of `function` on its own arguments, as one node that runs `around(its graph)`.

    Whatever the function returns is the result: only its tensors are computed by the node.
    """
    session = session_of(domain)
    traced = trace(domain, session, function, args, kwargs, writes=True)
    if isinstance(traced, Break):
        return traced
    inside = set(traced.nodes())
    computed = [variable for variable in tensors_in(domain, traced.result) if variable.node in inside]
    graph, free = traced.pull_out(tuple([variable.node for variable in computed]))
    run = around(graph.forward)

    def call(*values: Any) -> Any:
        return run(*values)

    call.__name__ = f"{name}_call"
    fakes = tuple([variable.fake for variable in computed])
    node = session.recorder.call(call, tuple(free), {}, fakes)
    for index, variable in enumerate(computed):
        variable.node = session.part(node, index, variable.fake)
    return Value(traced.result)


def _checkpoint(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`torch.utils.checkpoint.checkpoint(function, *args, use_reentrant=..., **kwargs)`."""
    name = "checkpoint"
    options = {key: domain.as_constant(value) for key, value in kwargs.items() if key in _CHECKPOINT_OPTIONS}
    if not args or type(options.pop("use_reentrant", None)) is not bool or NOT_CONSTANT in options.values():
        return Break(UnsupportedCall(name, "its options are not plain, or use_reentrant is left out"))
    if "context_fn" in kwargs:
        return Break(UnsupportedCall(name, "it has a context_fn"))
    rest = {key: value for key, value in kwargs.items() if key not in _CHECKPOINT_OPTIONS}
    return _inline(domain, name, args[0], args[1:], rest, lambda graph: _checkpointed(graph, options))


_CHECKPOINT_OPTIONS = ("use_reentrant", "preserve_rng_state", "determinism_check", "debug", "early_stop")


def _checkpointed(graph: Callable[..., Any], options: Mapping[str, Any]) -> Callable[..., Any]:
    # Reentrant checkpoints ask for less: what they need of the arguments, a graph with all that it reads has anyway.
    return lambda *values: torch.utils.checkpoint.checkpoint(graph, *values, use_reentrant=False, **options)


def _cond(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`torch.cond(pred, true_fn, false_fn, operands=())`."""
    given = {**dict(zip(("pred", "true_fn", "false_fn", "operands"), args, strict=False)), **kwargs}
    given.setdefault("operands", TupleVariable(()))
    operands = domain.sequence(given["operands"])
    if len(given) != 4 or len(args) > 4 or operands is None:
        return Break(UnsupportedCall("cond", "its arguments are not those of its signature"))
    session = session_of(domain)
    pred = given["pred"]
    if not isinstance(pred, TensorVariable):
        answer = domain.truth(pred)
        if not isinstance(answer, Value):
            return answer
        known = domain.as_constant(answer.value) if isinstance(answer.value, Variable) else answer.value
        branch = given["true_fn"] if known else given["false_fn"]
        return domain.call(domain.frame, branch, tuple(operands), {})
    before = list(domain.effects)
    graphs: list[Any] = []
    for branch in (given["true_fn"], given["false_fn"]):
        traced = trace(domain, session, branch, tuple(operands), {})
        graph = traced if isinstance(traced, Break) else _pulled_out(session, "cond", traced)
        if isinstance(graph, Break):
            return graph
        graphs.append(graph)
    if len(list(domain.effects)) != len(before):
        session.gave_up = True
        return Break(UnsupportedCall("cond", "a branch changes what existed before"))
    return _choose(session, session.realise(pred), graphs)


def _pulled_out(session: Session, name: str, traced: Body) -> tuple[Any, Any, Any] | Break:
    """Return the graph of a function that was traced, what it takes from around it, and the fakes that it gives."""
    try:
        nodes, outputs = session.lower(traced.result)
    except NotLoweredError as error:
        traced.pull_out(())
        session.gave_up = True
        return Break(UnsupportedArgument(name, error.type_name))
    return (*traced.pull_out(nodes), outputs)


def _choose(session: Session, pred: Any, graphs: Sequence[Any]) -> Answer:
    """Record the choice between two graphs, whose results look alike."""
    (yes, yes_free, outputs), (no, no_free, _) = graphs
    looks = []
    for _, _, result in graphs:
        leaves, spec = pytree.tree_flatten(result)
        looks.append((spec, [_look(leaf) for leaf in leaves]))
    if looks[0] != looks[1]:
        session.gave_up = True
        return Break(UnsupportedCall("cond", "its branches return tensors that do not look alike"))
    # The fakes of the inside may be those of tensors outside, which a branch returns as they are.
    result = pytree.tree_map_only(torch.Tensor, lambda fake: _alias(session, fake, None), outputs)
    spec = looks[0][0]

    # The operator takes each tensor once, for both branches.
    operands = list(dict.fromkeys([*yes_free, *no_free]))
    yes_takes, no_takes = [[operands.index(node) for node in free] for free in (yes_free, no_free)]

    def chosen_yes(*values: Any) -> Any:
        return yes.forward(*[values[index] for index in yes_takes])

    def chosen_no(*values: Any) -> Any:
        return no.forward(*[values[index] for index in no_takes])

    def cond_call(choice: Any, *values: Any) -> Any:
        if torch._C._len_torch_dispatch_stack() or torch._C._functorch.peek_interpreter_stack() is not None:
            # A compiler traces: it knows this operator, and both branches are part of what it makes.
            branches = [_flat(chosen_yes), _flat(chosen_no)]
            return pytree.tree_unflatten(torch.ops.higher_order.cond(choice, *branches, values), spec)
        return chosen_yes(*values) if choice else chosen_no(*values)

    node = session.recorder.call(cond_call, (pred.node, *operands), {}, result)
    return Value(session.raise_result(result, node))


def _while_loop(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`while_loop(cond_fn, body_fn, carried_inputs)`, of tensors that need no gradient."""
    name = "while_loop"
    given = {**dict(zip(("cond_fn", "body_fn", "carried_inputs"), args, strict=False)), **kwargs}
    if len(args) > 3 or set(given) != {"cond_fn", "body_fn", "carried_inputs"}:
        return Break(UnsupportedCall(name, "its arguments are not those of its signature"))
    carried = domain.sequence(given["carried_inputs"])
    if carried is None or not all(isinstance(item, TensorVariable) for item in carried):
        return Break(UnsupportedCall(name, "what it carries is no flat sequence of tensors"))
    session = session_of(domain)
    entering = [session.lower(item) for item in carried]
    fakes: list[Any] = [fake for _, fake in entering]
    before = list(domain.effects)
    graphs: list[Any] = []
    for function in (given["cond_fn"], given["body_fn"]):
        traced = trace(
            domain,
            session,
            function,
            (),
            {},
            parameters=lambda: [parameter(session, _alias(session, fake, None)) for fake in fakes],
            rearranged=lambda made: (tuple(made), {}),
        )
        graph = traced if isinstance(traced, Break) else _pulled_out(session, name, traced)
        if isinstance(graph, Break):
            return graph
        graphs.append(graph)
    (goes_on, condition_free, condition), (step, step_free, results) = graphs
    free = list(dict.fromkeys([*condition_free, *step_free]))
    read = [*fakes, *[node.meta["example_value"] for node in free]]
    why = _unfit_loop(condition, results, fakes)
    if len(list(domain.effects)) != len(before):
        why = "one of its functions changes what existed before"
    if torch.is_grad_enabled() and any(isinstance(one, torch.Tensor) and one.requires_grad for one in read):
        why = "it is part of a computation of gradients"
    if why is not None:
        session.gave_up = True
        return Break(UnsupportedCall(name, why))
    condition_takes, step_takes = [[free.index(node) for node in one] for one in (condition_free, step_free)]
    count = len(fakes)

    def whether(*values: Any) -> Any:
        return goes_on.forward(*values[:count], *[values[count + index] for index in condition_takes])

    def once(*values: Any) -> Any:
        return tuple(step.forward(*values[:count], *[values[count + index] for index in step_takes]))

    def while_loop_call(*values: Any) -> Any:
        kept, rest = values[:count], values[count:]
        if torch._C._len_torch_dispatch_stack() or torch._C._functorch.peek_interpreter_stack() is not None:
            return torch.ops.higher_order.while_loop(whether, once, kept, rest)
        # What it gives is new, though the loop may not be entered, or a step return what it was given.
        kept = tuple([value.clone() for value in kept])
        while whether(*kept, *rest):
            kept = once(*kept, *rest)
        return kept

    made = tuple([session.fakes.propagate(torch.clone, (fake,), {}) for fake in fakes])
    node = session.recorder.call(while_loop_call, (*[one for one, _ in entering], *free), {}, made)
    return Value(session.raise_result(made, node))


def _unfit_loop(condition: Any, results: Any, carried: Sequence[torch.Tensor]) -> str | None:
    """Return why a loop cannot be one node; None if it can."""
    if not isinstance(condition, torch.Tensor) or condition.dtype is not torch.bool or condition.dim():
        return "its condition is no tensor of one truth value"
    if not isinstance(results, (tuple, list)) or [_look(one) for one in results] != [_look(one) for one in carried]:
        return "its body returns something else than tensors like those that it gets"
    return None


def _flat(run: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: tuple(pytree.tree_leaves(run(*values)))


def _look(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return tuple(leaf.shape), leaf.dtype, leaf.device, leaf.requires_grad
    return leaf


def _implementation(transform: Callable[..., Any], *names: str, packed: bool) -> FunctionRule:
    """Return the rule of the function that runs what a transform made outside of the capture.

    Args:
        transform: the transform.
        names: of the options, which come after the function.
        packed: the arguments are a tuple and a dict.
    """

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        assert isinstance(domain, SymbolicDomain)
        options = domain.build_map([domain.constant(name) for name in names], args[1 : 1 + len(names)])
        assert isinstance(options, Value)
        rest = args[1 + len(names) :]
        positional, named = rest if packed else domain.pack(rest, kwargs)
        call = domain.reference(transform), options.value, args[0], positional, named
        return _run_transformed(domain, context, call, {})

    return rule


def _implementations() -> Iterator[tuple[Any, FunctionRule]]:
    """Yield the rules of what torch's transforms call when what they made is called; a torch may lack one."""
    vmap, eager = sys.modules["torch._functorch.vmap"], sys.modules["torch._functorch.eager_transforms"]
    for module, name, rule in (
        (
            vmap,
            "vmap_impl",
            _implementation(torch.func.vmap, "in_dims", "out_dims", "randomness", "chunk_size", packed=False),
        ),
        (eager, "grad_impl", _implementation(torch.func.grad, "argnums", "has_aux", packed=True)),
        (eager, "grad_and_value_impl", _implementation(torch.func.grad_and_value, "argnums", "has_aux", packed=True)),
    ):
        function = getattr(module, name, None)
        if function is not None:
            yield function, rule


HIGHER_ORDER_RULES: dict[Any, FunctionRule] = {
    torch.func.vmap: _transform(torch.func.vmap, torch.func.vmap, "in_dims", "out_dims", "randomness"),
    torch.func.grad: _transform(torch.func.grad, torch.func.grad, "argnums", "has_aux"),
    torch.func.grad_and_value: _transform(torch.func.grad_and_value, torch.func.grad_and_value, "argnums", "has_aux"),
    torch.func.jacrev: _transform(torch.func.jacrev, torch.func.jacrev, "argnums"),
    torch.func.jacfwd: _transform(torch.func.jacfwd, torch.func.jacfwd, "argnums", "has_aux"),
    torch.func.hessian: _transform(torch.func.hessian, torch.func.hessian, "argnums"),
    torch.func.jvp: _jvp,
    torch.func.vjp: _vjp,
    **dict(_implementations()),
    applied.run_transformed: _run_transformed,
    applied.value_of: _value_of,
    applied.pull_back: _pull_back,
    torch.utils.checkpoint.checkpoint: _checkpoint,
    torch.cond: _cond,
    torch._higher_order_ops.while_loop: _while_loop,
}
"""The rules, by torch's function for it."""
