"""What is compared of two results, and how arguments become fakes."""

import torch

from framelift_fake_tensors import FakeTensor


def concrete(extent):
    if isinstance(extent, torch.SymInt):
        return int(extent.node.maybe_as_int() if extent.node.hint is None else extent.node.hint)
    return extent


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)


def aliases(tensor, arguments):
    """The positions of the arguments that a result shares memory with."""
    if isinstance(tensor, FakeTensor):
        return [k for k, argument in enumerate(arguments) if argument.memory is tensor.memory]
    storage = tensor.untyped_storage()._cdata
    return [k for k, argument in enumerate(arguments) if argument.untyped_storage()._cdata == storage]


def describe(value, arguments):
    """A result as plain data, symbols replaced by their hints."""
    if isinstance(value, torch.Tensor):
        return {
            "size": tuple(map(concrete, value.size())),
            "stride": tuple(map(concrete, value.stride())),
            "offset": concrete(value.storage_offset()),
            "dtype": value.dtype,
            "device": value.device,
            "requires_grad": value.requires_grad,
            "leaf": value.is_leaf,
            "base": [k for k, argument in enumerate(arguments) if argument is value._base],
            "same": [k for k, argument in enumerate(arguments) if argument is value],
            "aliases": aliases(value, arguments),
        }
    if isinstance(value, (list, tuple)):
        kind = type(value).__name__ if isinstance(value, tuple) and hasattr(value, "n_fields") else type(value)
        return kind if not value else (kind, [describe(item, arguments) for item in value])
    return concrete(value)


def fake_arguments(mode, values, dynamic):
    made = {}

    def convert(value, name):
        if isinstance(value, torch.Tensor):
            if id(value) not in made:
                base = value if value.is_leaf else value.detach().requires_grad_(value.requires_grad)
                made[id(value)] = (mode.fake(base, name=name, dynamic=dynamic), base)
            return made[id(value)][0]
        if isinstance(value, (list, tuple)):
            return type(value)([convert(item, f"{name}[{k}]") for k, item in enumerate(value)])
        return value

    result = tuple([convert(value, f"L['a{k}']") for k, value in enumerate(values)])
    return result, [real for _, real in made.values()]


def real_arguments(values):
    """Arguments whose tensors are leaves, as fakes are made from leaves."""
    return tuple([_leaf(value) for value in values])


def _leaf(value):
    if isinstance(value, torch.Tensor):
        return value if value.is_leaf else value.detach().requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)([_leaf(item) for item in value])
    return value
