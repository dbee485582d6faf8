"""A lifted `nn.Module`: the same module, in every way that code can tell, whose call is captured.

The lifted module is an instance of a subclass made for the purpose, and shares the original's `__dict__`: the same
parameters, buffers, children, hooks and flags, under the same names, so `state_dict()` has no prefix and `train()` on
either reaches both. What makes it lifted is in a slot, outside `__dict__`. A wrapper module that holds the original as
a child was rejected: it renames every key, hides attributes, and two flags named `training` drift apart.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from framelift_guards.naming import MAKER, NotNamed, reads

__all__ = ["call_lifted", "is_lifted", "lift_module", "plain_module"]

_SLOT = "_framelift_call"

# Subclasses by class: two lifted modules of one class share a type. Weak both ways: nothing keeps a class alive.
_classes: weakref.WeakKeyDictionary[type, weakref.ref[type]] = weakref.WeakKeyDictionary()

Lift = Callable[[torch.nn.Module], torch.nn.Module]


def _relift(lift: Lift, module: torch.nn.Module) -> torch.nn.Module:
    return lift(module)


def call_lifted(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a lifted module: one function for all of them, so that one rule says what a capture makes of it."""
    lifting = self._framelift_call
    original, cls = lifting.original, lifting.cls
    if original.__dict__ is not self.__dict__ or type(original) is not cls or cls.__call__ is not lifting.class_call:
        return lifting.follow(self)(self, *args, **kwargs)
    return lifting.call(self, *args, **kwargs)


class _Lifting:
    """What makes one module lifted.

    Args:
        original: the module that was lifted.
        call: what to run; it gets the lifted module first.
        lift: how to lift a module again.
        view: what the lifted module shows as `.framelift`.
    """

    __slots__ = ("call", "class_call", "cls", "lift", "original", "view")

    def __init__(self, original: torch.nn.Module, call: Callable[..., Any], lift: Lift, view: object) -> None:
        self.original = original
        self.call = call
        self.lift = lift
        self.view = view
        self.cls = type(original)
        self.class_call: Any = self.cls.__call__

    def follow(self, lifted: torch.nn.Module) -> Callable[..., Any]:
        """Return what to run now that the original is not what it was: the original, lifted as it is now.

        torch's parametrizations give it another class; programs give it another `__dict__`, or its class a `__call__`.
        """
        original = self.original
        object.__setattr__(lifted, "__dict__", original.__dict__)
        self.cls = type(original)
        self.class_call = self.cls.__call__
        again = self.lift(original)

        def call(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            return again(*args, **kwargs)

        self.call = call
        self.view = again.framelift
        return call


@reads
def lifted_class(cls: type) -> type:
    """Return the class of the lifted modules of a class; it is how guards in JSON call that class.

    Raises:
        NotNamed: none of them has been lifted here.
    """
    reference = _classes.get(cls)
    known = None if reference is None else reference()
    if known is None:
        raise NotNamed(f"no module of {cls.__qualname__} has been lifted here")
    return known


def _lifted_class(cls: type) -> type:
    try:
        return lifted_class(cls)
    except NotNamed:
        pass  # it is made now

    def __reduce_ex__(self: Any, protocol: int) -> tuple[Any, ...]:
        # Copies and pickles carry the plain module and are lifted again: captures are never copied.
        return _relift, (self._framelift_call.lift, plain_module(self))

    def framelift(self: Any) -> Any:
        return self._framelift_call.view

    namespace = {
        MAKER: f"{lifted_class.__module__}:{lifted_class.__qualname__}",
        "framelift": property(framelift),
        "__slots__": (_SLOT,),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__call__": call_lifted,
        "__reduce_ex__": __reduce_ex__,
    }
    lifted = type(cls)(cls.__name__, (cls,), namespace)
    _classes[cls] = weakref.ref(lifted)
    return lifted


def is_lifted(module: object) -> bool:
    """Say whether a module was made by `framelift.compile`."""
    return _SLOT in type(module).__dict__


def plain_module(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module as it was before it was lifted: the original class over the same `__dict__`."""
    if not is_lifted(module):
        return module
    plain: torch.nn.Module = object.__new__(type(module).__bases__[0])
    object.__setattr__(plain, "__dict__", module.__dict__)
    return plain


def lift_module(module: torch.nn.Module, call: Callable[..., Any], lift: Lift, view: object) -> torch.nn.Module:
    """Return a module that shares everything with `module` and runs `call(self, *args, **kwargs)` when called.

    Args:
        module: the module to lift.
        call: what to run; it gets the lifted module first.
        lift: how to lift a copy again, for `copy.deepcopy` and `pickle`.
        view: what the lifted module shows as `.framelift`.
    """
    lifted: torch.nn.Module = object.__new__(_lifted_class(type(module)))
    object.__setattr__(lifted, "__dict__", module.__dict__)
    object.__setattr__(lifted, _SLOT, _Lifting(module, call, lift, view))
    return lifted
