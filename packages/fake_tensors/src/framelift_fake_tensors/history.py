"""Autograd state of fakes that came from the cache.

torch's autograd runs when an operator runs, and a hit of the cache runs none. What torch would have recorded matters
only when something looks at it: a property (`grad_fn`, `_base`), or an operator that checks it (in place on a leaf, in
place on a view of one). So a fake from the cache carries what it is owed, and receives it before that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch._C

from framelift_fake_tensors.repetition import FromCall
from framelift_fake_tensors.tensor import (
    FakeTensor,
    History,
    Memory,
    Mode,
    ViewOf,
    fakes_in,
    make_fake,
    raw_is_leaf,
    raw_version,
)

__all__ = ["settle"]


def settle(mode: Mode, fake: FakeTensor, run: Callable[..., Any]) -> None:
    """Give `fake`, and all views of its memory, the history that they are owed.

    Args:
        mode: the mode of the fakes.
        fake: any fake of the mode.
        run: runs a torch function on fakes, without the cache.
    """
    _settle_one(mode, fake, run)
    views, fake.memory.views = fake.memory.views, None
    for reference in views or ():
        view = reference()
        if view is not None:
            _settle_one(mode, view, run)


def _settle_one(mode: Mode, fake: FakeTensor, run: Callable[..., Any]) -> None:
    history, fake.history = fake.history, None
    if isinstance(history, ViewOf):
        base = history.base
        owed = base.history
        if history.call is None and isinstance(owed, FromCall):
            # One call gave the view and what it is a view of.
            both = owed.again(mode, base, run)
            if both is not None and both.shape == fake.shape:
                version = raw_version(base)
                base.history = None
                _become(base, both._base)
                _become(fake, both)
                torch._C._autograd._unsafe_set_version_counter((base,), (version,))
                return
        _settle_one(mode, base, run)
        with torch.set_grad_enabled(history.grad_mode):
            known = _again(fake, history, run)
            if known is None:
                # What is detached has no gradient in grad mode.
                if history.grad_mode and base.requires_grad and not fake.requires_grad:
                    detached: FakeTensor = run(torch.Tensor.detach, (base,), {})
                    base = detached
                known = run(torch.Tensor.as_strided, (base, fake.size(), fake.stride(), fake.storage_offset()), {})
        _become(fake, known)
    elif history is not None:
        version = 0 if fake.is_inference() else raw_version(fake)
        _give_node(mode, fake, history, run)
        if not fake.is_inference():
            torch._C._autograd._unsafe_set_version_counter((fake,), (version,))


def _give_node(mode: Mode, fake: FakeTensor, history: History, run: Callable[..., Any]) -> None:
    if isinstance(history, FromCall) and not history.is_written:
        known = history.again(mode, fake, run)
        if known is not None:
            _become(fake, known._base if history.is_base else known)
            return
    if fake.is_inference():
        return  # of what was made in inference mode autograd records nothing, and refuses writes from outside
    # Overwriting a tensor with one that requires grad gives it a node.
    anchor = make_fake(mode, Memory(), (), (), 0, fake.dtype, fake.device, requires_grad=True)
    anchor.stands_for = history
    if raw_is_leaf(fake):
        fake.requires_grad_(False)
    with torch.enable_grad():
        run(torch.Tensor.copy_, (fake, anchor), {})
    if isinstance(history, FromCall) and history.is_written:
        history.call.run(mode, history.inputs, run, {history.place: fake})


def _become(fake: FakeTensor, known: FakeTensor) -> None:
    """Have `fake` be what torch knows as `known`; the object stays, and requires grad if it was told to since."""
    if fake.requires_grad and known.is_leaf and not known.requires_grad:
        known.requires_grad_()
    torch._C._swap_tensor_impl(fake, known)
    fake.meta_twin = None


def _again(fake: FakeTensor, history: ViewOf, run: Callable[..., Any]) -> FakeTensor | None:
    """Make a view as it was made, if that gives the same one now; its arguments may have changed since."""
    if history.call is None or history.base.signature is not history.signature:
        return None
    known: FakeTensor = list(fakes_in((run(*history.call),)))[history.place]
    same = known.memory is fake.memory and known.dtype == fake.dtype and known.shape == fake.shape
    return (
        known if same and (known.stride(), known.storage_offset()) == (fake.stride(), fake.storage_offset()) else None
    )
