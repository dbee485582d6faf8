"""How each instruction is translated over real objects; see `shortcuts`, which do the same one at a time.

A template first emits what checks its assumptions, of which nothing has an effect, then the operation itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, Final

from ...frame import NULL, UNBOUND
from ...instruction import Instruction
from ...outcome import RETURNED, Yield
from ..calls import SENDABLE
from ..shortcuts import (
    BUILTIN,
    ITERABLE,
    ITERATORS,
    SCALARS,
    SPECIAL_FUNCTIONS,
    entering,
)
from ..shortcuts import KEYED as KEYED_TYPES
from ..shortcuts import SIZED as SIZED_TYPES
from ..special_methods import BUILTIN_TYPES, attribute_is_plain, is_class, operates_in_c, python_method, setting
from .translation import KEYED, PRESENT, SCALAR, SIZED, SLICE, Entry, Raised, Template, Translation

_NATIVE_ITERATORS: Final = ITERATORS | {GeneratorType, enumerate, zip, map, filter}
"""Types whose `iter` and `next` interpret nothing: what Python code they run, the general handlers run natively too."""

_ASKING: Final = frozenset(function for function, asks in SPECIAL_FUNCTIONS.items() if asks)

TYPES: Final[Mapping[str, frozenset[Any]]] = {
    "SCALARS": SCALARS,
    "SIZED": SIZED_TYPES,
    "KEYED": KEYED_TYPES,
    "ITERABLE": ITERABLE | _NATIVE_ITERATORS,
    "ITERATORS": _NATIVE_ITERATORS,
    "BUILTIN_TYPES": BUILTIN_TYPES,
    "C_FUNCTIONS": BUILTIN,
    "SPECIAL": frozenset(SPECIAL_FUNCTIONS),
    "ASKING": _ASKING,
    "C_CLASSES": frozenset(id(cls) for cls in BUILTIN_TYPES if id(cls) not in SPECIAL_FUNCTIONS),
}
"""The sets of types, and of functions by identity, that blocks ask."""

_BINARY: Final[Mapping[str, type[ast.operator]]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "@": ast.MatMult,
    "&": ast.BitAnd,
    "|": ast.BitOr,
    "^": ast.BitXor,
    "<<": ast.LShift,
    ">>": ast.RShift,
}
_COMPARISONS: Final[Mapping[str, type[ast.cmpop]]] = {
    "<": ast.Lt,
    "<=": ast.LtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_UNARY: Final[Mapping[str, type[ast.unaryop]]] = {"-": ast.USub, "+": ast.UAdd, "~": ast.Invert, "not": ast.Not}


def _nothing(_block: Translation, instruction: Instruction) -> int:
    return instruction.index + 1


def _pop_top(block: Translation, instruction: Instruction) -> int:
    block.release(block.pop(1))
    return instruction.index + 1


def _push_null(block: Translation, instruction: Instruction) -> int:
    block.push(Entry("constant", block.constant(NULL, "NULL")))
    return instruction.index + 1


def _copy(block: Translation, instruction: Instruction) -> int:
    block.need(instruction.arg)
    entry = block.stack[-instruction.arg]
    if entry.kind == "held":
        name = block.fresh()
        block.body.append(block.nodes.assign(name, str(entry.place)))
        block.push(Entry("held", name, entry.known))
    else:
        block.push(Entry(entry.kind, entry.place, entry.known))
    return instruction.index + 1


def _swap(block: Translation, instruction: Instruction) -> int:
    block.need(instruction.arg)
    stack, depth = block.stack, -instruction.arg
    stack[depth], stack[-1] = stack[-1], stack[depth]
    return instruction.index + 1


def _load_const(block: Translation, instruction: Instruction) -> int:
    value = instruction.arg
    known = SCALAR if type(value) in SCALARS else SIZED if type(value) in SIZED_TYPES else PRESENT
    block.push(Entry("constant", block.constant(value, f"K{instruction.index}"), known))
    return instruction.index + 1


def _load_fast(block: Translation, instruction: Instruction) -> int:
    slot, nodes = instruction.arg, block.nodes
    if not block.is_bound(slot):
        block.guard(nodes.compare(nodes.at("L", slot), ast.Is(), block.constant(UNBOUND, "UNBOUND")))
        block.slots[slot] = PRESENT
    block.push(Entry("local", slot, PRESENT))
    return instruction.index + 1


def _store_fast(block: Translation, instruction: Instruction) -> int:
    slot, nodes = instruction.arg, block.nodes
    (entry,) = block.pop(1)
    block.detach(slot)
    known = block.known(entry)
    if known & PRESENT:
        value = block.fetch(entry)
    else:  # what LOAD_FAST_AND_CLEAR saved of a variable without a value is NULL
        name = block.held(entry)
        absent = nodes.compare(name, ast.Is(), block.constant(NULL, "NULL"))
        block.body.append(nodes.when(absent, [nodes.assign(name, block.constant(UNBOUND, "UNBOUND"))]))
        value = nodes.expression(name)
    block.body.append(nodes.assign(nodes.at("L", slot), value))
    block.slots[slot] = known
    block.release([entry])
    return instruction.index + 1


def _load_global(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    key, name = instruction.arg, block.fresh()
    builtins = nodes.attribute("frame", "builtins")
    is_dict = nodes.compare(nodes.call("type", builtins), ast.Is(), block.constant(dict, "dict"))
    inside = nodes.compare(nodes.constant(key), ast.In(), nodes.attribute("frame", "builtins"))
    found = nodes.assign(name, nodes.item(nodes.attribute("frame", "builtins"), nodes.constant(key)))
    otherwise = nodes.when(nodes.every(is_dict, inside), [found], [nodes.throw("Guard")])
    block.uses_globals = True
    in_globals = nodes.compare(nodes.constant(key), ast.In(), "G")
    block.body.append(nodes.when(in_globals, [nodes.assign(name, nodes.item("G", nodes.constant(key)))], [otherwise]))
    block.push(Entry("held", name, PRESENT))
    return instruction.index + 1


def _load_deref(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    block.line(Raised.AGAIN)  # an empty cell is named by the handler
    value = nodes.attribute(nodes.at("L", instruction.arg), "cell_contents")
    return block.produce(value, PRESENT, ())


def _operands(block: Translation, *operands: Entry) -> int:
    """Go on only if the operators of the operands run no Python code; what is known of the result, then.

    That they are scalars is assumed first, since their results are, too.
    """
    if not block.failed():
        for operand in operands:
            block.require(operand, SCALAR, "SCALARS")
        return SCALAR
    for operand in operands:
        if block.known(operand) & SCALAR != SCALAR:
            _learned(block, operand, "BUILTIN_TYPES", operates_in_c)
    return PRESENT


def _binary_op(block: Translation, instruction: Instruction) -> int:
    left, right = block.pop(2)
    known = _operands(block, left, right)
    value = block.nodes.binary(block.fetch(left), _BINARY[instruction.arg](), block.fetch(right))
    return block.produce(value, known, (left, right))


def _inplace_op(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    left, right = block.pop(2)
    known = _operands(block, left, right)
    op = _BINARY[instruction.arg]()
    following = block.code.instructions[instruction.index + 1]
    if (
        left.kind == "local"
        and following.opname == "STORE_FAST"
        and following.arg == left.place
        and block.usable(following)
    ):
        block.detach(left.place)
        block.body.append(nodes.update(nodes.at("L", left.place), op, block.fetch(right)))
        block.slots[left.place] = known
        block.release((left, right))
        block.done += 1
        return instruction.index + 2
    name = block.held(left)
    block.body.append(nodes.update(name, op, block.fetch(right)))
    block.release((left, right), kept=name)
    block.push(Entry("held", name, known))
    return instruction.index + 1


def _compare_op(block: Translation, instruction: Instruction) -> int:
    left, right = block.pop(2)
    known = _operands(block, left, right)
    value = block.nodes.compare(block.fetch(left), _COMPARISONS[instruction.arg](), block.fetch(right))
    return block.produce(value, known, (left, right))


def _is_op(block: Translation, instruction: Instruction) -> int:
    left, right = block.pop(2)
    return block.produce(block.nodes.compare(block.fetch(left), ast.Is(), block.fetch(right)), SCALAR, (left, right))


def _contains_op(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    item, container = block.pop(2)
    kind = nodes.call("type", block.fetch(container))
    block.guard(nodes.compare(kind, ast.NotIn(), block.constant(_CONTAINERS, "CONTAINERS")))
    return block.produce(nodes.compare(block.fetch(item), ast.In(), block.fetch(container)), SCALAR, (item, container))


_CONTAINERS: Final = frozenset((dict, list, tuple, str, set, frozenset, range, bytes, bytearray))


def _unary_op(block: Translation, instruction: Instruction) -> int:
    (operand,) = block.pop(1)
    if instruction.arg == "not":
        block.require(operand, SIZED, "SIZED")
    else:
        block.require(operand, SCALAR, "SCALARS")
    value = block.nodes.unary(_UNARY[instruction.arg](), block.fetch(operand))
    return block.produce(value, SCALAR, (operand,))


def _has_items_in_c(value: Any) -> bool:
    return python_method(value, "__getitem__") is None and not is_class(value)


def _binary_subscr(block: Translation, instruction: Instruction) -> int:
    container, key = block.pop(2)
    if block.failed():
        _learned(
            block, container, "KEYED", lambda value: python_method(value, "__getitem__") is None and not is_class(value)
        )
    else:
        block.require(container, KEYED, "KEYED")
    return block.produce(block.nodes.item(block.fetch(container), block.fetch(key)), PRESENT, (container, key))


def _store_subscr(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    value, container, key = entries = block.pop(3)
    kind = nodes.call("type", block.fetch(container))
    block.guard(nodes.compare(kind, ast.NotIn(), block.constant(_STORES, "STORES")))
    block.body.append(nodes.assign(nodes.item(block.fetch(container), block.fetch(key)), block.fetch(value)))
    block.release(entries)
    return instruction.index + 1


_STORES: Final = frozenset((list, dict, bytearray))


def _learned(block: Translation, entry: Entry, types: str | None, learn: Callable[[Any], bool]) -> None:
    """Go on only if the type of an entry is in a set of types, or is found to be as good, which is remembered."""
    nodes, name = block.nodes, f"{block.index}_{len(block.constants)}"
    good: set[int] = set()

    def is_good(value: Any) -> bool:
        found = learn(value)
        if found:
            good.add(id(type(value)))
        return found

    tests = []
    if types is not None:
        tests.append(nodes.compare(nodes.call("type", block.fetch(entry)), ast.NotIn(), types))
    kind = nodes.call("id", nodes.call("type", block.fetch(entry)))
    tests.append(nodes.compare(kind, ast.NotIn(), block.constant(good, f"P{name}")))
    tests.append(nodes.negation(nodes.call(block.constant(is_good, f"Q{name}"), block.fetch(entry))))
    block.guard(nodes.every(*tests))


def _is_plain(block: Translation, owner: Entry, learn: Callable[[Any], bool]) -> None:
    """Go on only if the attribute of an owner of this type runs no Python code."""
    _learned(block, owner, None, learn)


def _load_attr(block: Translation, instruction: Instruction) -> int:
    name = instruction.arg
    (owner,) = block.pop(1)
    _is_plain(block, owner, lambda value: attribute_is_plain(value, name))
    return block.produce(block.nodes.attribute(block.fetch(owner), name), PRESENT, (owner,))


def _load_method(block: Translation, instruction: Instruction) -> int:
    name, null_first = instruction.arg
    (owner,) = block.pop(1)
    _is_plain(block, owner, lambda value: attribute_is_plain(value, name))
    variable = str(owner.place) if owner.kind == "held" else block.fresh()
    block.body.append(block.nodes.assign(variable, block.nodes.attribute(block.fetch(owner), name)))
    method = Entry("held", variable, PRESENT)
    null = Entry("constant", block.constant(NULL, "NULL"))
    for entry in (null, method) if null_first else (method, null):
        block.push(entry)
    return instruction.index + 1


def _store_attr(block: Translation, instruction: Instruction) -> int:
    nodes, name = block.nodes, instruction.arg
    value, owner = entries = block.pop(2)
    _is_plain(block, owner, lambda value: setting(value, name) is None)
    block.body.append(nodes.assign(nodes.attribute(block.fetch(owner), name), block.fetch(value)))
    block.release(entries)
    return instruction.index + 1


def _conditional(*, jumps: bool) -> Template:
    def template(block: Translation, instruction: Instruction) -> int:
        (value,) = block.pop(1)
        block.require(value, SIZED, "SIZED")
        test = block.fetch(value)
        return block.branch(test if jumps else block.nodes.negation(test), instruction.arg, (value,))

    return template


def _none_test(*, jumps: bool) -> Template:
    def template(block: Translation, instruction: Instruction) -> int:
        (value,) = block.pop(1)
        nodes = block.nodes
        op = ast.Is() if jumps else ast.IsNot()
        return block.branch(nodes.compare(block.fetch(value), op, nodes.constant(None)), instruction.arg, (value,))

    return template


def _short_circuit(*, jumps: bool) -> Template:
    def template(block: Translation, instruction: Instruction) -> int:
        block.need(1)
        value = block.stack[-1]
        block.require(value, SIZED, "SIZED")
        test = block.fetch(value)
        block.branch(test if jumps else block.nodes.negation(test), instruction.arg, ())
        block.release(block.pop(1))
        return instruction.index + 1

    return template


def _to_bool(block: Translation, instruction: Instruction) -> int:
    following = block.code.instructions[instruction.index + 1]
    (value,) = block.pop(1)
    block.require(value, SIZED, "SIZED")
    if following.opname in _TESTS and block.usable(following):  # it asks for the same truth
        block.push(value)
        return instruction.index + 1
    return block.produce(block.nodes.call(block.constant(bool, "bool"), block.fetch(value)), SCALAR, (value,))


_TESTS: Final = frozenset({"POP_JUMP_IF_FALSE", "POP_JUMP_IF_TRUE"})


def _jump(block: Translation, instruction: Instruction) -> int | None:
    if instruction.arg not in block.path:
        return int(instruction.arg)
    block.done += 1
    block.body += block.leave(instruction.arg)
    return None


def _get_iter(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    (value,) = block.pop(1)
    kind = nodes.call("type", block.fetch(value))
    block.guard(nodes.compare(kind, ast.NotIn(), "ITERABLE"))
    return block.produce(nodes.call(block.constant(iter, "iter"), block.fetch(value)), PRESENT, (value,))


def _for_iter(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes

    def iterator() -> ast.expr:
        return block.fetch(block.stack[-1]) if block.stack else nodes.at("S", -1)

    block.guard(nodes.compare(nodes.call("type", iterator()), ast.NotIn(), "ITERATORS"))
    name = block.fresh()
    block.body.append(nodes.assign(name, nodes.call(block.constant(next, "next"), iterator(), "END")))
    exhausted = [] if block.stack else [nodes.drop(nodes.at("S", -1))]
    kept = block.stack[-1:]
    del block.stack[-1:]
    exhausted += block.away(instruction.arg, kept)
    block.stack += kept
    block.body.append(nodes.when(nodes.compare(name, ast.Is(), "END"), exhausted))
    block.push(Entry("held", name, PRESENT))
    return instruction.index + 1


class Ended:
    """What a generator that was sent a value returned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def sent(receiver: Any, value: Any) -> Any:
    """What a generator yields for a value, or how it ended."""
    try:
        return receiver.send(value)
    except StopIteration as stop:
        return Ended(stop.value)


def _send(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    target, keeps_receiver = instruction.arg
    receiver, value = block.pop(2)
    kind = nodes.call("type", block.fetch(receiver))
    block.guard(nodes.compare(kind, ast.NotIn(), block.constant(SENDABLE, "SENDABLE")))
    answer = nodes.call(block.constant(sent, "sent"), block.fetch(receiver), block.fetch(value))
    name = str(value.place) if value.kind == "held" else block.fresh()
    block.body.append(nodes.assign(name, answer))
    block.push(receiver)
    block.push(Entry("held", name, PRESENT))
    ended = nodes.compare(nodes.call("type", name), ast.Is(), block.constant(Ended, "Ended"))
    unwrapped = nodes.assign(name, nodes.attribute(name, "value"))
    dropped = [] if keeps_receiver else [block.stack.pop(-2)]
    away = block.away(target, dropped)
    if not keeps_receiver:
        block.stack.insert(len(block.stack) - 1, receiver)
    block.body.append(nodes.when(ended, [unwrapped, *away]))
    return instruction.index + 1


def _yield_value(block: Translation, instruction: Instruction) -> None:
    nodes = block.nodes
    (value,) = block.pop(1)
    block.line(Raised.HANDLER)
    block.done += 1
    waits = block.constant(instruction.completion, f"C{instruction.index}")
    block.body += [
        *block.pushed(),
        nodes.assign(nodes.attribute("frame", "completion"), waits),
        nodes.assign(nodes.attribute("frame", "index"), nodes.constant(instruction.index)),
        block.count(),
        nodes.give(nodes.call(block.constant(Yield, "Yield"), block.fetch(value))),
    ]


def _end_send(block: Translation, instruction: Instruction) -> int:
    block.need(2)
    block.release([block.stack.pop(-2)])
    return instruction.index + 1


def _unpack_sequence(block: Translation, instruction: Instruction) -> int:
    nodes, count = block.nodes, instruction.arg
    (value,) = block.pop(1)
    kind = nodes.call("type", block.fetch(value))
    known = nodes.compare(kind, ast.NotIn(), block.constant(_SEQUENCES, "SEQUENCES"))
    size = nodes.call(block.constant(len, "len"), block.fetch(value))
    block.guard(nodes.some(known, nodes.compare(size, ast.NotEq(), nodes.constant(count))))
    names = [block.fresh() for _ in range(count)]
    block.body.append(nodes.assign_each(names, block.fetch(value)))
    block.release([value])
    for name in reversed(names):
        block.push(Entry("held", name, PRESENT))
    return instruction.index + 1


_SEQUENCES: Final = frozenset((tuple, list))


def _display(kind: type[ast.List | ast.Tuple]) -> Template:
    def template(block: Translation, instruction: Instruction) -> int:
        items = block.pop(instruction.arg)
        value = block.nodes.display(kind, [block.fetch(item) for item in items])
        return block.produce(value, SIZED | KEYED, items)

    return template


def _build_slice(block: Translation, instruction: Instruction) -> int:
    parts = block.pop(instruction.arg)
    value = block.nodes.call(block.constant(slice, "slice"), *(block.fetch(part) for part in parts))
    return block.produce(value, SLICE, parts)


def _list_append(block: Translation, instruction: Instruction) -> int:
    nodes = block.nodes
    (item,) = block.pop(1)
    depth = instruction.arg
    here = len(block.stack)
    target = block.fetch(block.stack[-depth]) if here >= depth else nodes.at("S", here - depth)
    block.body.append(nodes.evaluate(nodes.call(nodes.attribute(target, "append"), block.fetch(item))))
    block.release([item])
    return instruction.index + 1


def _return_value(block: Translation, _instruction: Instruction) -> None:
    block.need(1)
    block.done += 1
    block.body += block.leave(RETURNED)


def _call(block: Translation, instruction: Instruction) -> int | None:
    nodes, layout, index = block.nodes, instruction.arg, instruction.index
    if layout.names or layout.names_on_stack:
        return block.untranslated(instruction)
    entries = block.pop(layout.count + 2)
    lower, upper, *args = entries
    callee, extra = (upper, lower) if layout.null_first else (lower, upper)
    if extra.kind != "constant" or extra.place != "NULL":  # where it is `self`, the call is its handler's
        block.guard(nodes.compare(block.fetch(extra), ast.IsNot(), block.constant(NULL, "NULL")))
    values = [block.fetch(arg) for arg in args]
    function = block.held(callee)
    identity = nodes.call("id", function)
    ordinary = nodes.compare(identity, ast.NotIn(), "SPECIAL")
    if args:
        asks = nodes.every(
            nodes.compare(nodes.call("type", block.fetch(args[0])), ast.In(), "BUILTIN_TYPES"),
            nodes.compare(nodes.call("id", function), ast.In(), "ASKING"),
        )
        ordinary = nodes.some(ordinary, asks)
    is_class_in_c = nodes.compare(nodes.call("id", function), ast.In(), "C_CLASSES")
    is_function_in_c = nodes.compare(nodes.call("type", function), ast.In(), "C_FUNCTIONS")
    in_c = nodes.some(nodes.every(is_function_in_c, ordinary), is_class_in_c)
    # Anything else is entered, or done by its handler: the operands are put on the stack for it.
    block.stack += entries
    block.done += 1
    line = nodes.line
    block.done -= 1
    block.line(Raised.HANDLER)
    block.done += 1
    enter = block.constant(entering(instruction, block.handlers["CALL"]), f"E{index}")
    out = [
        *block.pushed(),
        nodes.assign(nodes.attribute("frame", "index"), nodes.constant(index)),
        block.count(),
        nodes.give(
            nodes.call(enter, "frame", "domain", function, nodes.display(ast.List, [block.fetch(arg) for arg in args]))
        ),
    ]
    nodes.line = line
    block.done -= 1
    del block.stack[-len(entries) :]
    block.body.append(nodes.when(nodes.negation(in_c), out))
    return block.produce(nodes.call(function, *values), PRESENT, (callee, *args))


@dataclass(frozen=True, slots=True)
class Translated:
    """A template.

    Args:
        template: translates an instruction.
        operations: those of the domain that it stands in for.
        attempts: how many sets of assumptions it has: when one has failed often, the next is tried.
    """

    template: Template
    operations: tuple[str, ...] = ()
    attempts: int = 1


TEMPLATES: Final[Mapping[str, Translated]] = {
    "BINARY_OP": Translated(_binary_op, ("binary",), attempts=2),
    "BINARY_SUBSCR": Translated(_binary_subscr, ("get_item",), attempts=2),
    "BUILD_LIST": Translated(_display(ast.List), ("build_list",)),
    "BUILD_SLICE": Translated(_build_slice, ("build_slice",)),
    "BUILD_TUPLE": Translated(_display(ast.Tuple), ("build_tuple",)),
    "CALL": Translated(_call, ("call", "enter", "new_frame")),
    "COMPARE_OP": Translated(_compare_op, ("compare",), attempts=2),
    "CONTAINS_OP": Translated(_contains_op, ("contains",)),
    "COPY": Translated(_copy),
    "FOR_ITER": Translated(_for_iter, ("next", "is_stop_iteration")),
    "END_SEND": Translated(_end_send),
    "GET_ITER": Translated(_get_iter, ("get_iter",)),
    "INPLACE_OP": Translated(_inplace_op, ("inplace",), attempts=2),
    "IS_OP": Translated(_is_op, ("identical",)),
    "JUMP": Translated(_jump),
    "JUMP_IF_FALSE_OR_POP": Translated(_short_circuit(jumps=False), ("truth",)),
    "JUMP_IF_TRUE_OR_POP": Translated(_short_circuit(jumps=True), ("truth",)),
    "LIST_APPEND": Translated(_list_append, ("list_append",)),
    "LOAD_ATTR": Translated(_load_attr, ("get_attribute",)),
    "LOAD_CLOSURE": Translated(_load_fast),
    "LOAD_CONST": Translated(_load_const, ("constant",)),
    "LOAD_DEREF": Translated(_load_deref, ("load_cell",)),
    "LOAD_FAST": Translated(_load_fast),
    "LOAD_GLOBAL": Translated(_load_global, ("load_global",)),
    "LOAD_METHOD": Translated(_load_method, ("get_attribute",)),
    "NOP": Translated(_nothing),
    "POP_JUMP_IF_FALSE": Translated(_conditional(jumps=False), ("truth",)),
    "POP_JUMP_IF_NONE": Translated(_none_test(jumps=True), ("identical", "truth", "constant")),
    "POP_JUMP_IF_NOT_NONE": Translated(_none_test(jumps=False), ("identical", "truth", "constant")),
    "POP_JUMP_IF_TRUE": Translated(_conditional(jumps=True), ("truth",)),
    "POP_TOP": Translated(_pop_top),
    "PUSH_NULL": Translated(_push_null),
    "RESUME": Translated(_nothing),
    "RETURN_VALUE": Translated(_return_value),
    "SEND": Translated(_send, ("send", "is_stop_iteration", "stop_iteration_value")),
    "STORE_ATTR": Translated(_store_attr, ("set_attribute",)),
    "STORE_FAST": Translated(_store_fast, ("store_local",)),
    "STORE_SUBSCR": Translated(_store_subscr, ("set_item",)),
    "SWAP": Translated(_swap),
    "TO_BOOL": Translated(_to_bool, ("truth", "constant")),
    "UNARY_OP": Translated(_unary_op, ("unary",)),
    "UNPACK_SEQUENCE": Translated(_unpack_sequence, ("unpack",)),
    "YIELD_VALUE": Translated(_yield_value),
}
"""The templates, by canonical instruction."""


def usable_templates(domain: type, original: type) -> dict[str, Translated]:
    """The templates whose operations a subclass of `original` leaves as they are."""
    return {
        opname: translated
        for opname, translated in TEMPLATES.items()
        if all(getattr(domain, name) is getattr(original, name) for name in translated.operations)
    }
