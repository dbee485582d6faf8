"""The way of a call: the cache is asked first; what it doesn't know is run, and kept.

`Propagation.propagate` is where a hit spends its time; what is in the way there is paid at every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from framelift_fake_tensors.cache import Call, PropagationCache, Signature, metadata_of
from framelift_fake_tensors.errors import DataAccessError, ForeignSymbolError
from framelift_fake_tensors.execution import Execution
from framelift_fake_tensors.global_state import Uncacheable
from framelift_fake_tensors.kernels import symbols_in
from framelift_fake_tensors.recipe import UNTOLD, counting, recipe_of, writing
from framelift_fake_tensors.repetition import Repetition
from framelift_fake_tensors.subclasses import is_wrapper
from framelift_fake_tensors.tensor import DATA_FUNCTIONS, FakeTensor, Mode, node_of, raw_is_leaf, raw_version
from framelift_symbolic_shapes import ShapeEnv

__all__ = ["Propagation"]


class Propagation:
    """Tells what torch functions return, from the caches where it can.

    Args:
        mode: the mode of the fakes.
        shape_env: the environment of symbolic sizes, if any.
        execution: runs what no cache knows.
        cache: results without symbols.
    """

    def __init__(self, mode: Mode, shape_env: ShapeEnv | None, execution: Execution, cache: PropagationCache) -> None:
        self._mode = mode
        self._shape_env = shape_env
        self._execution = execution
        self._counted = 0, False  # the symbols, and whether one of them is unbacked
        self.cache = cache
        self.symbolic_cache = PropagationCache()
        """Results with symbols, which mean something in this environment only."""

    def propagate(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what `function(*args, **kwargs)` would return; see `FakeMode.propagate`."""
        if function in DATA_FUNCTIONS:
            if function is torch.Tensor.tolist and isinstance(args[0], FakeTensor):
                return args[0].tolist()
            raise DataAccessError(f"Tensor.{function.__name__}()")
        if self._mode.allow_real:
            args, kwargs = self._with_fakes(args), self._with_fakes(kwargs)
        if self._execution.observer is not None:
            return self._execution.run(function, args, kwargs)
        try:
            call = Call(self._signature, function, args, kwargs, self._execution.here.dispatching)
        except Uncacheable:
            self._refuse_foreign(function, symbols_in((args, kwargs)))
            return self._execution.run(function, args, kwargs)
        if call.numbers:
            self._refuse_foreign(function, call.numbers)
        cache = self.cache
        if call.symbolic:
            env = self._shape_env
            if env is not None and env.arbiter is not None:
                return self._execution.run(function, args, kwargs)  # an answer that is tried is no fact
            cache = self.symbolic_cache
            call.key += (self._facts(),)
        recipe = cache.get(call.key)
        if recipe is not None:
            result = recipe(self._mode, call.fakes, (function, args, kwargs))
            if result is not UNTOLD:
                return result
            cache.hits -= 1
            cache.misses += 1
            return self._execution.run(function, args, kwargs)
        return self._remembered(cache, call, function, args, kwargs)

    def _with_fakes(self, value: Any) -> Any:
        """Return arguments with the fakes of real tensors in their place."""
        if isinstance(value, torch.Tensor):
            return value if isinstance(value, FakeTensor) or is_wrapper(type(value)) else self._mode.fake(value)
        if type(value) in (list, tuple):
            return type(value)([self._with_fakes(item) for item in value])
        return {name: self._with_fakes(item) for name, item in value.items()} if type(value) is dict else value

    def _refuse_foreign(self, function: Any, symbols: Iterable[Any]) -> None:
        for number in symbols:
            if getattr(number.node, "shape_env", None) is not self._shape_env:
                name = getattr(function, "__name__", repr(function))
                raise ForeignSymbolError(name, str(number), self._shape_env is not None)

    def _remembered(
        self,
        cache: PropagationCache,
        call: Call,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        with self._execution.lock:
            for fake in call.fakes:
                self._execution.settle(fake)  # else its node would be another one afterwards, though nothing wrote
            before = [self._visible(fake) for fake in call.fakes]
            nodes = [node_of(fake) for fake in call.fakes]
            versions = [_version(fake) for fake in call.fakes]
            symbols = self._symbols()
            record = self._execution.record
            result = self._execution.run(function, args, kwargs)
            places = {id(fake): position for position, fake in reversed(list(enumerate(call.fakes)))}
            written = [place for place in places.values() if id(call.fakes[place].memory) in record.written]
            if (result is None and not written) or self._symbols() != symbols or record.unbacked:
                # It did something, which a hit would not do; or data decides of a size, which is another one next time.
                return result
            if before == [self._visible(fake) for fake in call.fakes]:
                repetition = Repetition(call.fakes, function, args, kwargs)
                recipe = recipe_of(result, call.fakes, self._signature, repetition)
                recorded = {place for place in written if node_of(call.fakes[place]) is not nodes[place]}
                if len(recorded) > 1:
                    return result  # each new history would need the others: one run gives them all
                if recipe is not None:
                    if written:
                        writes = {position: _version(call.fakes[position]) - versions[position] for position in written}
                        recipe = writing(recipe, writes, recorded, repetition)
                    cache.put(call.key, recipe)
            return result

    def _facts(self) -> int:
        """Return what changes with each fact that may decide otherwise of a size that only data tells.

        A decision about other sizes is what their hints say, whatever was learnt since.
        """
        env = self._shape_env
        if env is None:
            return 0
        count = self._symbols()
        if count != self._counted[0]:
            self._counted = count, any(info.hint is None for info in env.symbols.values())
        return len(env.guards) + len(env.runtime_assertions) if self._counted[1] else 0

    def _symbols(self) -> int:
        return 0 if self._shape_env is None else len(self._shape_env.symbols)

    def _visible(self, fake: FakeTensor) -> tuple[Any, ...]:
        # Every tensor that requires no grad is a leaf; whether torch knows a view for one changes nothing to be seen.
        requires_grad = fake.requires_grad
        is_leaf: object
        try:
            is_leaf = requires_grad and fake.history is None and raw_is_leaf(fake)
        except RuntimeError:  # a view that was made without autograd, and written to: torch refuses to tell
            is_leaf = object()
        return self._signature(fake), requires_grad, is_leaf, id(fake.memory)

    def _signature(self, fake: FakeTensor) -> Signature:
        known: Signature | None = fake.signature
        version = fake.signature_version
        if known is not None and (version < 0 or version == self._version()):
            return known
        symbolic = bool(fake._has_symbolic_sizes_strides)
        cache = self.symbolic_cache if symbolic else self.cache
        known = fake.signature = cache.signature(metadata_of(fake), symbolic)
        fake.signature_version = self._version() if symbolic else -1
        return known

    def _version(self) -> int:
        return 0 if self._shape_env is None else self._shape_env.version


def _version(fake: FakeTensor) -> int:
    """Return how often a fake was written to; what is made in inference mode does not count."""
    return 0 if fake.is_inference() else raw_version(counting(fake))
