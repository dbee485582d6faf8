"""Calls of real callables: Python functions are entered, all else is called."""

from __future__ import annotations

import builtins
import inspect
import sys
import types
from collections.abc import Callable, Sequence
from types import CellType, CodeType, FunctionType, MethodType, MethodWrapperType
from typing import Any, Final, TypeAlias

from ..binding import bind_arguments
from ..decoding import decode
from ..domain import Domain
from ..frame import UNBOUND, Frame
from ..outcome import Enter, Finish, Raise, Result, Value
from . import polyfills
from .attempt import attempt, is_iterable
from .containers import call_text
from .frame_view import frame_at
from .generators import Sent, Wrapped, awaits_itself, make_driver
from .intrinsics import run_intrinsic
from .names import local_names
from .operators import find_special_method
from .special_methods import ABSENT, BUILTIN_TYPES, is_class, on_type, python_method

_TYPE_CALL: Final = type.__call__
_NEW: Final = object.__new__

SENDABLE: Final = frozenset((types.GeneratorType, types.CoroutineType))
"""Types whose `send` is asked for what comes next."""

FrameFunction: TypeAlias = Callable[[Frame[Any], tuple[Any, ...], dict[str, Any]], Result[Any]]


def zero_argument_super(frame: Frame[Any]) -> Value[Any] | Raise[Any]:
    """`super()` in a method (Objects/typeobject.c, super_init_without_args)."""
    code = frame.code
    if not code.raw.co_argcount:
        return Raise(RuntimeError("super(): no arguments"))
    first = frame.locals[0]
    if isinstance(first, CellType) and 0 in code.cell_slots:
        try:
            first = first.cell_contents
        except ValueError:
            first = UNBOUND
    if first is UNBOUND:
        return Raise(RuntimeError("super(): arg[0] deleted"))
    if "__class__" not in code.raw.co_freevars:
        return Raise(RuntimeError("super(): __class__ cell not found"))
    try:
        cls = frame.local("__class__").cell_contents
    except ValueError:
        return Raise(RuntimeError("super(): empty __class__ cell"))
    return attempt(super, cls, first)


def _super(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(super, *args, **kwargs) if args or kwargs else zero_argument_super(frame)


def _locals(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(locals, *args, **kwargs) if args or kwargs else Value(local_names(frame))


def _globals(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(globals, *args, **kwargs) if args or kwargs else Value(frame.globals)


def _vars(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(vars, *args, **kwargs) if args or kwargs else Value(local_names(frame))


def _dir(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(dir, *args, **kwargs) if args or kwargs else Value(sorted(local_names(frame)))


def _evaluating(function: Callable[..., Any]) -> FrameFunction:
    """`eval` and `exec`, which default to the frame's own names."""

    def call(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        if len(args) == 1:
            return attempt(function, args[0], frame.globals, local_names(frame), **kwargs)
        if len(args) == 2 and args[1] is None:
            return attempt(function, args[0], frame.globals, local_names(frame), **kwargs)
        return attempt(function, *args, **kwargs)

    return call


def _exception(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(sys.exception, *args, **kwargs) if args or kwargs else Value(frame.topmost_handled())


def _exc_info(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    if args or kwargs:
        return attempt(sys.exc_info, *args, **kwargs)
    handled = frame.topmost_handled()
    return Value((None, None, None) if handled is None else (type(handled), handled, handled.__traceback__))


def _getframe(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    return attempt(frame_at, frame, *(args or (0,)), **kwargs)


def _getframemodulename(frame: Frame[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
    found = attempt(frame_at, frame, *(args or (0,)), **kwargs)
    return Value(found.value.f_globals.get("__name__")) if isinstance(found, Value) else Value(None)


# By identity, since look-ups by equality would run the callee's own __eq__ and __hash__.
FRAME_FUNCTIONS: dict[int, FrameFunction] = {
    id(builtins.super): _super,
    id(builtins.locals): _locals,
    id(builtins.globals): _globals,
    id(builtins.vars): _vars,
    id(builtins.dir): _dir,
    id(builtins.eval): _evaluating(eval),
    id(builtins.exec): _evaluating(exec),
    id(sys.exception): _exception,
    id(sys.exc_info): _exc_info,
    id(sys._getframe): _getframe,
}


def _next(domain: Any, iterator: Any, *default: Any) -> Result[Any] | None:
    if not default:
        return domain.next(iterator)  # type: ignore[no-any-return]
    entered = domain.enters_method(iterator, "__next__") is not None
    return domain.enter(polyfills.next_or, (iterator, *default), {}) if entered else None


def _with_name(
    operation: Callable[..., Result[Any]],
) -> Callable[..., Result[Any] | None]:
    """Of attributes, only those whose name is a string: CPython words what others raise."""
    return lambda domain, owner, name, *value: operation(domain, owner, name, *value) if type(name) is str else None


ON_VALUES: dict[int, tuple[frozenset[int], Callable[..., Result[Any] | None]]] = {
    id(function): (frozenset(arities), operation)
    for function, arities, operation in (
        (len, (1,), lambda domain, value: domain.length(value)),
        (next, (1, 2), _next),
        (iter, (1,), lambda domain, value: domain.get_iter(value)),
        (repr, (1,), lambda domain, value: domain.convert(value, "r")),
        (ascii, (1,), lambda domain, value: domain.convert(value, "a")),
        (str, (1,), lambda domain, value: domain.convert(value, "s")),
        (bool, (1,), lambda domain, value: domain.truth(value)),
        (getattr, (2,), _with_name(lambda domain, *operands: domain.get_attribute(*operands))),
        (setattr, (3,), _with_name(lambda domain, *operands: domain.set_attribute(*operands))),
        (delattr, (2,), _with_name(lambda domain, *operands: domain.delete_attribute(*operands))),
        (object.__getattribute__, (2,), _with_name(lambda domain, *operands: domain.attribute(*operands, hooks=False))),
        (object.__delattr__, (2,), _with_name(lambda domain, *operands: domain.delete_without_hooks(*operands))),
        (object.__setattr__, (3,), _with_name(lambda domain, *operands: domain.set_without_hooks(*operands))),
    )
}
"""Builtins that are an operation of the domain, by identity: how many arguments that takes, and the operation.

It may answer None: the builtin is called.
"""


def always(_function: FunctionType) -> bool:
    """Interpret each Python function."""
    return True


def never(_function: FunctionType) -> bool:
    """Interpret no function that was made elsewhere."""
    return False


class ConcreteCalls:
    """Implements `domain.Calls`.

    Args:
        enters: which Python functions are interpreted; the others are called natively.
    """

    def __init__(self, enters: Callable[[FunctionType], bool] = always) -> None:
        self.enters = enters

    def perform(self, operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Result[Any]:
        """Do an operation on real objects, of which nothing is to be interpreted."""
        return attempt(operation, *args, **kwargs)

    def enters_function(self, function: FunctionType) -> bool:
        """Whether a Python function is to be interpreted."""
        return self.enters(function)

    def constructs_in_python(self, cls: Any) -> bool:
        """Whether calling a class runs a Python `__new__` or `__init__` that is to be interpreted."""
        return _constructs_in_python(cls) and any(
            isinstance(function, FunctionType) and self.enters_function(function)
            for function in (cls.__new__, cls.__init__)
        )

    def enters_method(self, value: Any, name: str) -> FunctionType | None:
        """The special method of a value, where it is a Python function that is to be interpreted."""
        method = python_method(value, name)
        return method if method is not None and self.enters_function(method) else None

    def iterates_in_python(self, value: Any) -> bool:
        """Whether iterating a value runs Python functions that are to be interpreted."""
        if type(value) in BUILTIN_TYPES:
            return False
        if self.enters_method(value, "__iter__") is not None or self.enters_method(value, "__next__") is not None:
            return True
        return on_type(type(value), "__iter__") is ABSENT and self.enters_method(value, "__getitem__") is not None

    def call(self, frame: Frame[Any], callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        kind = type(callee)
        if kind is FunctionType:
            if callee is polyfills.run_class_body:
                return self._enter_class_body(*args)
            return self.enter(callee, args, kwargs) if self.enters(callee) else self.perform(callee, *args, **kwargs)
        if kind is MethodType:
            return self.call(frame, callee.__func__, (callee.__self__, *args), kwargs)
        if kind is type and callee.__new__ is _NEW and type(callee.__init__) is FunctionType:
            entered = self.enters_function(callee.__init__)
            return self.construct(callee, args, kwargs) if entered else self.perform(callee, *args, **kwargs)
        special = FRAME_FUNCTIONS.get(id(callee))
        if special is not None:
            return special(frame, args, kwargs)
        if kind is MethodWrapperType:
            unbound = on_type(callee.__objclass__, callee.__name__)
            if unbound is _TYPE_CALL or id(unbound) in ON_VALUES:
                return self.call(frame, unbound, (callee.__self__, *args), kwargs)
        if callee is _TYPE_CALL and args and is_class(args[0]) and self.constructs_in_python(args[0]):
            return self.enter(polyfills.construct, args, kwargs)
        arities, operation = ON_VALUES.get(id(callee), (frozenset(), None))
        if operation is not None and len(args) in arities and not kwargs:
            answer = operation(self, *args)
            if answer is not None:
                return answer
        if callee is builtins.__build_class__:
            return self.enter(polyfills.build_class, args, kwargs)
        method = python_method(callee, "__call__")
        if method is not None:
            return self.call(frame, method, (callee, *args), kwargs)
        if is_class(callee) and kind.__call__ is _TYPE_CALL and self.constructs_in_python(callee):
            return self.enter(polyfills.construct, (callee, *args), kwargs)
        return self.perform(callee, *args, **kwargs)

    def construct(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        """Make an instance of a class whose `__init__` is entered, and that `object.__new__` makes instances of."""
        initialiser = cls.__init__
        made = attempt(_NEW, cls)
        if type(made) is not Value:
            return made
        if kwargs or len(args) >= len(polyfills.INITIALISE):
            return self.enter(polyfills.initialise, (made.value, initialiser, *args), kwargs)
        return self.enter(polyfills.INITIALISE[len(args)], (made.value, initialiser, *args), {})

    def call_unpacked(self, frame: Frame[Any], callee: Any, args: Any, kwargs: Any) -> Result[Any]:
        if self.iterates_in_python(args):
            return self.enter(polyfills.call_with, (callee, args, {} if kwargs is None else kwargs), {})
        positional = attempt(tuple, args)
        if isinstance(positional, Raise):
            if is_iterable(args):
                return positional
            kind = type(args).__name__
            return Raise(TypeError(f"{call_text(callee)} argument after * must be an iterable, not {kind}"))
        keywords = {} if kwargs is None else kwargs
        if not all(isinstance(keyword, str) for keyword in keywords):
            return Raise(TypeError("keywords must be strings"))
        return self.call(frame, callee, positional.value, keywords)

    def enter(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Result[Any]:
        """Bind the arguments of a Python function and enter its frame."""
        code = decode(function.__code__)
        bound = bind_arguments(
            self._domain(),
            code,
            function.__defaults__ or (),
            function.__kwdefaults__ or {},
            args,
            kwargs,
            function.__qualname__,
        )
        return Enter(self.new_frame(function, bound.value)) if isinstance(bound, Value) else bound

    def new_frame(self, function: Any, slots: list[Any], namespace: Any = None) -> Frame[Any]:
        """A frame at the start of a function, over bound locals."""
        return Frame(
            decode(function.__code__),
            globals=function.__globals__,
            builtins=function.__builtins__,
            locals=slots,
            function=function,
            closure=function.__closure__ or (),
            namespace=namespace,
        )

    def _enter_class_body(self, function: Any, namespace: Any) -> Result[Any]:
        slots = [UNBOUND] * len(decode(function.__code__).slot_names)
        return Enter(self.new_frame(function, slots, namespace))

    def _domain(self) -> Domain[Any]:
        raise NotImplementedError

    def run_nested(self, frame: Frame[Any], sent: Sent) -> Finish[Any]:
        """Run a suspended frame on an interpreter of its own."""
        raise NotImplementedError

    def make_function(
        self, frame: Frame[Any], code: CodeType, defaults: Any, kwdefaults: Any, annotations: Any, closure: Any
    ) -> Result[Any]:
        function = FunctionType(code, frame.globals, None, defaults, closure)
        function.__kwdefaults__ = kwdefaults
        if annotations is not None:
            pairs = isinstance(annotations, tuple)
            function.__annotations__ = (
                dict(zip(annotations[::2], annotations[1::2], strict=True)) if pairs else annotations
            )
        if code.co_consts and isinstance(code.co_consts[0], str):
            function.__doc__ = code.co_consts[0]
        return Value(function)

    def build_closure(self, cells: Sequence[Any]) -> Any:
        return tuple(cells)

    def build_class(self, frame: Frame[Any]) -> Result[Any]:
        found = frame.builtins.get("__build_class__")
        return Raise(NameError("__build_class__ not found")) if found is None else Value(found)

    def make_generator(self, frame: Frame[Any]) -> Result[Any]:
        return Value(make_driver(frame, self.run_nested))

    def get_yield_from_iter(self, frame: Frame[Any], value: Any) -> Result[Any]:
        if isinstance(value, types.CoroutineType):
            allowed = inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE
            if not frame.code.raw.co_flags & allowed:
                return Raise(TypeError("cannot 'yield from' a coroutine object in a non-coroutine generator"))
            return Value(value)
        return Value(value) if isinstance(value, types.GeneratorType) else self.perform(iter, value)

    def send(self, receiver: Any, value: Any) -> Result[Any]:
        if type(receiver) in SENDABLE:
            return self.perform(receiver.send, value)
        if value is None and hasattr(type(receiver), "__next__"):
            entered = self.enters_method(receiver, "__next__")
            return self.perform(next, receiver) if entered is None else self.enter(entered, (receiver,), {})
        method = attempt(getattr, receiver, "send")
        if not isinstance(method, Value):
            return method
        function = method.value.__func__ if type(method.value) is MethodType else None
        if type(function) is FunctionType and self.enters_function(function):
            return self.enter(function, (receiver, value), {})
        return self.perform(method.value, value)

    def asynchronous(self, frame: Frame[Any], operation: str, operands: Sequence[Any]) -> Result[Any]:
        (value,) = operands
        if operation == "wrap":
            return Value(Wrapped(value))
        name, check, whole = _ASYNCHRONOUS[operation]
        method = None if awaits_itself(value) else self.enters_method(value, name)
        if method is None:
            return self.perform(whole, value)
        return self.enter(polyfills.checked, (method, (value,), check), {})

    def intrinsic(self, frame: Frame[Any], name: str, operands: Sequence[Any]) -> Result[Any]:
        if name == "SETUP_ANNOTATIONS":
            namespace = frame.globals if frame.namespace is None else frame.namespace
            return self.perform(_setup_annotations, namespace)
        if name == "PRINT":
            return self.perform(sys.displayhook, *operands)
        return self.perform(run_intrinsic, name, *operands)


def _constructs_in_python(cls: Any) -> bool:
    """Whether calling a class runs a Python `__new__` or `__init__` by `type.__call__` itself."""
    if cls is type:
        return False
    return isinstance(cls.__new__, FunctionType) or isinstance(cls.__init__, FunctionType)


def _setup_annotations(namespace: Any) -> None:
    try:
        namespace["__annotations__"]
    except KeyError:
        namespace["__annotations__"] = {}


def get_awaitable(value: Any) -> Any:
    """What `await value` iterates (Objects/genobject.c, _PyCoro_GetAwaitableIter)."""
    if awaits_itself(value):
        if isinstance(value, types.CoroutineType) and value.cr_await is not None:
            raise RuntimeError("coroutine is being awaited already")
        return value
    kind = type(value).__name__
    try:
        method = find_special_method(value, "__await__")
    except AttributeError:
        raise TypeError(f"object {kind} can't be used in 'await' expression") from None
    return awaited_iterator(method())


def awaited_iterator(iterator: Any) -> Any:
    """What `__await__` gave, checked."""
    if awaits_itself(iterator):
        raise TypeError("__await__() returned a coroutine")
    if not hasattr(type(iterator), "__next__"):
        raise TypeError(f"__await__() returned non-iterator of type '{type(iterator).__name__}'")
    return iterator


def get_aiter(value: Any) -> Any:
    """What `async for` iterates."""
    kind = type(value).__name__
    try:
        method = find_special_method(value, "__aiter__")
    except AttributeError:
        raise TypeError(f"'async for' requires an object with __aiter__ method, got {kind}") from None
    return asynchronous_iterator(method())


def asynchronous_iterator(iterator: Any) -> Any:
    """What `__aiter__` gave, checked."""
    if not hasattr(type(iterator), "__anext__"):
        got = type(iterator).__name__
        raise TypeError(f"'async for' received an object from __aiter__ that does not implement __anext__: {got}")
    return iterator


def get_anext(iterator: Any) -> Any:
    """What `async for` awaits for the next item."""
    try:
        method = find_special_method(iterator, "__anext__")
    except AttributeError:
        kind = type(iterator).__name__
        raise TypeError(f"'async for' requires an iterator with __anext__ method, got {kind}") from None
    awaitable = method()
    return awaitable if isinstance(iterator, types.AsyncGeneratorType) else next_awaitable(awaitable)


def next_awaitable(awaitable: Any) -> Any:
    """What awaiting the result of `__anext__` iterates."""
    try:
        return get_awaitable(awaitable)
    except TypeError as error:
        kind = type(awaitable).__name__
        raise TypeError(f"'async for' received an invalid object from __anext__: {kind}") from error


_ASYNCHRONOUS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "get_aiter": ("__aiter__", asynchronous_iterator, get_aiter),
    "get_anext": ("__anext__", next_awaitable, get_anext),
    "get_awaitable": ("__await__", awaited_iterator, get_awaitable),
}
"""The special method of each operation, what checks its result, and the whole of it."""
