"""The domain of hosted functions: what may run Python is done in the hosting frame."""

from __future__ import annotations
import __future__

import builtins
import inspect
import operator
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any, Final
from weakref import WeakKeyDictionary

from ..._cpython import VERSION
from ...decoding import decode
from ...frame import NULL, Frame
from ...instruction import Code
from ...operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS
from ...outcome import Break, Raise, Result, Value
from .. import polyfills
from ..attempt import attempt, is_iterable, is_own_code
from ..calls import FRAME_FUNCTIONS, always, never
from ..containers import unpack_with_rest
from ..domain import ConcreteDomain
from ..exceptions import exception_to_raise, set_context
from ..intrinsics import instruction_function, run_intrinsic
from ..names import local_names
from ..operators import CONVERT
from ..shortcuts import ITERABLE, SCALARS, SIZED
from .activation import Activation, Delegation, NativeCall, add_traceback, hosting_frame, new_frame
from .trampoline import Hosting, hosting

_FUTURES: Final = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names} - {0x10})
_DICT_MERGE: Final = instruction_function("DICT_MERGE", 1, 4 + (not VERSION.null_first))
_DICT_UPDATE: Final = instruction_function("DICT_UPDATE", 1, 2)
_LIST_EXTEND: Final = instruction_function("LIST_EXTEND", 1, 2)
_ASYNCHRONOUS: Final = {"get_awaitable": "__await__", "get_aiter": "__aiter__", "get_anext": "__anext__"}
_AMPLE: Final = 1000
_CACHE_SIZE: Final = 4096
_NO_KEYWORDS: Final[dict[str, Any]] = {}


def native(function: Callable[..., Any], *args: Any) -> Break:
    """Have the hosting frame call a function."""
    return Break(NativeCall(function, args, _NO_KEYWORDS))


class Begin:
    """What the loop of a hosting code object calls first.

    Args:
        code: the user's.
        domain: what it is interpreted over.
    """

    def __init__(self, code: Code, domain: HostedDomain) -> None:
        self.code = code
        self.domain = domain
        self.hosting: Hosting = hosting(code, self)

    def __call__(self, *slots: Any) -> Callable[[list[Any]], Any]:
        """Make the activation, and give the loop what it asks."""
        frame = new_frame(self.code, slots, sys._getframe(1))
        return Activation(frame, self.domain, self.hosting.turns).advance


class HostedDomain(ConcreteDomain):
    """Values are the objects themselves, and each Python function that is interpreted has a real frame.

    What interpreted code calls, yields and raises, it does in frames that look like the program's own, so that CPython
    itself answers for `sys._getframe`, `sys.exception`, warnings, recursion, generators and tracebacks. Functions,
    classes and generators that interpreted code makes are interpreted whoever calls them, C code included.

    Args:
        enters: which Python functions made elsewhere are interpreted when interpreted code calls them; with `never`,
            types of objects are not looked at, as only what is made here is interpreted.

    Example:
        >>> from framelift_bytecode_interp import interpret
        >>> def longest(words):
        ...     return sorted(words, key=lambda word: -len(word))[0]
        >>> run = interpret(longest, HostedDomain())
        >>> run(["a", "abc", "ab"]), run.instructions_executed > 15
        ('abc', True)
    """

    def __init__(self, enters: Callable[[FunctionType], bool] = always) -> None:
        super().__init__(enters)
        self.resolves = enters is not never
        self.recursion_limit: int | None = None
        self._made: WeakKeyDictionary[FunctionType, FunctionType] = WeakKeyDictionary()
        self._begins: OrderedDict[int, Begin] = OrderedDict()

    # code

    def is_hosting(self, code: CodeType) -> bool:
        """Whether a code object hosts an interpreted one."""
        constants = code.co_consts
        return bool(constants) and type(constants[-1]) is Begin

    def hosted_code(self, code: CodeType) -> CodeType:
        """The code object that interprets `code`; the same one each time."""
        if self.is_hosting(code):
            return code
        found = self._begins.get(id(code))
        if found is None or found.code.raw is not code:
            while len(self._begins) >= _CACHE_SIZE:
                self._begins.popitem(last=False)
            found = self._begins[id(code)] = Begin(decode(code), self)
        return found.hosting.code

    def hosted_function(self, function: FunctionType) -> FunctionType:
        """A function that is interpreted, and is otherwise as `function`."""
        if self.is_hosting(function.__code__):
            return function
        made = self._made.get(function)
        if made is not None and self._is_as(made, function):
            return made
        made = self._made[function] = FunctionType(
            self.hosted_code(function.__code__),
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        made.__kwdefaults__ = function.__kwdefaults__
        made.__annotations__ = function.__annotations__
        made.__qualname__ = function.__qualname__
        made.__module__ = function.__module__
        made.__doc__ = function.__doc__
        made.__dict__.update(function.__dict__)
        return made

    def _is_as(self, made: FunctionType, function: FunctionType) -> bool:
        """Whether a hosted function was made from what the other one still is."""
        return (
            made.__code__ is self.hosted_code(function.__code__)
            and made.__defaults__ is function.__defaults__
            and made.__kwdefaults__ is function.__kwdefaults__
        )

    # recursion

    def limit_recursion(self, limit: int) -> None:
        """`sys.setrecursionlimit`: where there is little room, this package takes its own."""
        sys.setrecursionlimit(limit)
        self.recursion_limit = limit if limit < _AMPLE else None

    # calls

    def perform(self, operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Result[Any]:
        """Have the hosting frame do an operation."""
        return Break(NativeCall(operation, args, kwargs))

    def enters_function(self, function: FunctionType) -> bool:
        """Whether a function made elsewhere is to be interpreted: those that interpreted code made are, anyhow."""
        return not self.is_hosting(function.__code__) and self.enters(function)

    def enters_method(self, value: Any, name: str) -> FunctionType | None:
        return super().enters_method(value, name) if self.resolves else None

    def iterates_in_python(self, value: Any) -> bool:
        return self.resolves and super().iterates_in_python(value)

    def enter(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Result[Any]:
        return Break(NativeCall(self.hosted_function(function), tuple(args), kwargs))

    def call(self, frame: Frame[Any], callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        if type(callee) is MethodType and type(callee.__func__) is FunctionType:
            callee, args = callee.__func__, (callee.__self__, *args)
        if type(callee) is FunctionType:
            if callee is not inspect.currentframe and self.enters_function(callee):
                callee = self.hosted_function(callee)
            elif callee is inspect.currentframe:
                return Break(NativeCall(callee, args, kwargs, shows=True))
            return Break(NativeCall(callee, args, kwargs))
        special = _OF_FRAMES.get(id(callee))
        if special is not None:
            found: Result[Any] | None = special(self, frame, args, kwargs)
            return Break(NativeCall(callee, args, kwargs)) if found is None else found
        if id(callee) in FRAME_FUNCTIONS or callee is builtins.__build_class__:
            return Break(NativeCall(callee, args, kwargs))
        return super().call(frame, callee, args, kwargs) if self.resolves else Break(NativeCall(callee, args, kwargs))

    def construct(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        return self.enter(polyfills.construct, (cls, *args), kwargs)  # whose frame makes the instance

    def call_unpacked(self, frame: Frame[Any], callee: Any, args: Any, kwargs: Any) -> Result[Any]:
        keywords = {} if kwargs is None else kwargs
        if type(args) is tuple and type(keywords) is dict and all(type(keyword) is str for keyword in keywords):
            return self.call(frame, callee, args, keywords)
        return Break(NativeCall(callee, args, keywords))  # CPython unpacks them, or says what is wrong

    def make_function(
        self, frame: Frame[Any], code: CodeType, defaults: Any, kwdefaults: Any, annotations: Any, closure: Any
    ) -> Result[Any]:
        return super().make_function(frame, self.hosted_code(code), defaults, kwdefaults, annotations, closure)

    def send(self, receiver: Any, value: Any) -> Result[Any]:
        if self.enters_method(receiver, "__next__") is not None and not hasattr(receiver, "throw"):
            return super().send(receiver, value)
        return Break(Delegation(receiver))

    def get_yield_from_iter(self, frame: Frame[Any], value: Any) -> Result[Any]:
        if isinstance(value, types.CoroutineType):  # `types.coroutine` changes the flags of the hosting code
            if not hosting_frame().f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE):
                return Raise(TypeError("cannot 'yield from' a coroutine object in a non-coroutine generator"))
            return Value(value)
        return Value(value) if isinstance(value, types.GeneratorType) else native(iter, value)

    def asynchronous(self, frame: Frame[Any], operation: str, operands: Sequence[Any]) -> Result[Any]:
        (value,) = operands
        if operation == "wrap":
            return Value(run_intrinsic("ASYNC_GEN_WRAP", value))
        if self.enters_method(value, _ASYNCHRONOUS[operation]) is not None:
            return super().asynchronous(frame, operation, operands)
        if operation == "get_awaitable":
            return native(instruction_function("GET_AWAITABLE", frame.instruction.arg, 1), value)
        if operation == "get_anext":
            return native(instruction_function("GET_ANEXT", 0, 1, kept=1), value)
        return native(instruction_function("GET_AITER", 0, 1), value)

    def import_name(self, frame: Frame[Any], name: str, fromlist: Any, level: Any) -> Result[Any]:
        importer = frame.builtins.get("__import__")
        if importer is None:
            return Raise(ImportError("__import__ not found"))
        return native(importer, name, frame.globals, frame.namespace, fromlist, level)

    # operators

    def unary(self, op: str, operand: Any) -> Result[Any]:
        if op != "not":
            return super().unary(op, operand)
        in_python = any(self.enters_method(operand, name) is not None for name in ("__bool__", "__len__"))
        return self.enter(polyfills.negation, (operand,), {}) if in_python else native(operator.not_, operand)

    def binary(self, op: str, left: Any, right: Any) -> Result[Any]:
        return super().binary(op, left, right) if self.resolves else native(BINARY_OPERATORS[op], left, right)

    def inplace(self, op: str, left: Any, right: Any) -> Result[Any]:
        return super().inplace(op, left, right) if self.resolves else native(INPLACE_OPERATORS[op], left, right)

    def compare(self, op: str, left: Any, right: Any) -> Result[Any]:
        return super().compare(op, left, right) if self.resolves else native(COMPARISONS[op], left, right)

    def contains(self, item: Any, container: Any) -> Result[Any]:
        return super().contains(item, container) if self.resolves else native(operator.contains, container, item)

    def get_item(self, container: Any, key: Any) -> Result[Any]:
        return super().get_item(container, key) if self.resolves else native(operator.getitem, container, key)

    def get_attribute(self, owner: Any, name: str) -> Result[Any]:
        return super().get_attribute(owner, name) if self.resolves else native(getattr, owner, name)

    def set_attribute(self, owner: Any, name: str, value: Any) -> Result[Any]:
        return super().set_attribute(owner, name, value) if self.resolves else native(setattr, owner, name, value)

    def delete_attribute(self, owner: Any, name: str) -> Result[Any]:
        return super().delete_attribute(owner, name) if self.resolves else native(delattr, owner, name)

    def format_value(self, value: Any, spec: Any) -> Result[Any]:
        if self.resolves:
            return super().format_value(value, spec)
        return native(format, value) if spec is None else native(format, value, spec)

    def convert(self, value: Any, conversion: str) -> Result[Any]:
        return super().convert(value, conversion) if self.resolves else native(CONVERT[conversion], value)

    def get_iter(self, value: Any) -> Result[Any]:
        return super().get_iter(value) if self.resolves else native(iter, value)

    def truth(self, value: Any) -> Result[Any]:
        return Value(bool(value)) if type(value) in SIZED else super().truth(value)

    def length(self, value: Any) -> Result[Any]:
        return Value(len(value)) if type(value) in ITERABLE else super().length(value)

    # containers

    def build_set(self, items: Sequence[Any]) -> Result[Any]:
        return native(set, tuple(items))

    def build_map(self, keys: Sequence[Any], values: Sequence[Any]) -> Result[Any]:
        if all(type(key) in SCALARS for key in keys):
            return super().build_map(keys, values)
        return native(dict, tuple(zip(keys, values, strict=True)))

    def set_add(self, target: Any, item: Any) -> Result[Any]:
        return super().set_add(target, item) if type(item) in SCALARS else native(set.add, target, item)

    def map_add(self, target: Any, key: Any, value: Any) -> Result[Any]:
        if type(key) in SCALARS:
            return super().map_add(target, key, value)
        return native(dict.__setitem__, target, key, value)

    def list_extend(self, target: Any, items: Any) -> Result[Any]:
        if type(items) in ITERABLE or self.iterates_in_python(items):
            return super().list_extend(target, items)
        return native(_LIST_EXTEND, target, items)

    def dict_update(self, target: Any, items: Any) -> Result[Any]:
        if self.enters_method(items, "keys") is not None:
            return super().dict_update(target, items)
        return native(_DICT_UPDATE, target, items)

    def dict_merge(self, target: Any, items: Any, callee: Any) -> Result[Any]:
        below = (callee,) if VERSION.null_first else (callee, None)
        return native(_DICT_MERGE, *below, None, target, items)

    def unpack(self, value: Any, count: int) -> Result[Any]:
        if self.iterates_in_python(value) or (type(value) is tuple and len(value) == count):
            return super().unpack(value, count)
        return native(instruction_function("UNPACK_SEQUENCE", count, 1, given=count), value)

    def unpack_ex(self, value: Any, before: int, after: int) -> Result[Any]:
        if self.iterates_in_python(value):
            return super().unpack_ex(value, before, after)
        if type(value) in {tuple, list} or not is_iterable(value):
            return attempt(unpack_with_rest, value, before, after)
        return native(tuple, value)

    # exceptions

    def raise_exception(self, exception: Any, cause: Any, handled: Any) -> Result[Any]:
        if exception is NULL or (isinstance(exception, BaseException) and cause is NULL):
            return super().raise_exception(exception, cause, handled)
        return native(exception_to_raise, exception, cause)

    def note_traceback(self, exception: Any, frame: Frame[Any]) -> None:
        if not is_own_code(frame.code.raw):
            add_traceback(exception, frame, hosting_frame())

    def set_context(self, exception: Any, handled: Any) -> None:
        set_context(exception, handled)

    # patterns

    def match_keys(self, subject: Any, keys: Any) -> Result[Any]:
        return native(instruction_function("MATCH_KEYS", 0, 2, kept=2), subject, keys)

    def match_class(self, subject: Any, cls: Any, count: int, names: Any) -> Result[Any]:
        return native(instruction_function("MATCH_CLASS", count, 3), subject, cls, names)


def _of_concrete(function: Any) -> Any:
    found = FRAME_FUNCTIONS[id(function)]

    def run(_domain: HostedDomain, frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return None if args or kwargs else found(frame, args, kwargs)

    return run


def _compiled(frame: Frame[Any], source: Any, mode: str) -> CodeType | None:
    """A code object, or None where the real `exec` has to say what is wrong."""
    if isinstance(source, CodeType):
        return source
    if not isinstance(source, str | bytes):
        return None
    if mode == "eval":
        source = source.lstrip(" \t") if isinstance(source, str) else source.lstrip(b" \t")
    flags = frame.code.raw.co_flags & _FUTURES
    made: CodeType = compile(source, "<string>", mode, flags, dont_inherit=True)
    return made


def _evaluating(function: Any, mode: str) -> Any:
    def run(domain: HostedDomain, frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args or len(args) > 3:
            return None
        code = attempt(_compiled, frame, args[0], mode)
        if isinstance(code, Raise):
            return code
        if code.value is None:
            return None
        hosted = domain.hosted_code(code.value)
        rest = args[1:]
        if not rest or rest[0] is None:
            namespace = local_names(frame) if len(rest) < 2 or rest[1] is None else rest[1]
            rest = (frame.globals, namespace)
        return Break(NativeCall(function, (hosted, *rest), kwargs))

    return run


_evaluate: Final = _evaluating(eval, "eval")
_execute: Final = _evaluating(exec, "exec")


def _looking_at_frames(function: Any) -> Any:
    def run(_domain: HostedDomain, _frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Break:
        return Break(NativeCall(function, args, kwargs, shows=True))

    return run


def _set_recursion_limit(
    domain: HostedDomain, _frame: Frame[Any], args: tuple[Any, ...], _kwargs: dict[str, Any]
) -> Break | None:
    """A low limit counts the program's frames; this package's own run above it."""
    if len(args) == 1 and type(args[0]) is int:
        return native(domain.limit_recursion, args[0])
    return None


def _get_recursion_limit(
    domain: HostedDomain, _frame: Frame[Any], args: tuple[Any, ...], _kwargs: dict[str, Any]
) -> Value[int] | None:
    return None if args or domain.recursion_limit is None else Value(domain.recursion_limit)


_OF_FRAMES: Final[dict[int, Any]] = {
    id(sys._getframe): _looking_at_frames(sys._getframe),
    id(inspect.currentframe): _looking_at_frames(inspect.currentframe),
    id(sys.getrecursionlimit): _get_recursion_limit,
    id(sys.setrecursionlimit): _set_recursion_limit,
    id(builtins.super): _of_concrete(super),
    id(builtins.locals): _of_concrete(locals),
    id(builtins.vars): _of_concrete(vars),
    id(builtins.dir): _of_concrete(dir),
    id(builtins.eval): _evaluate,
    id(builtins.exec): _execute,
}
