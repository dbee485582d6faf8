"""Trees of modules as torch has them, and guards on all that a capture of a forward relies on."""

from collections import OrderedDict

from framelift_guards import (
    BoolIs,
    Contains,
    DictItemSource,
    DictKeys,
    Equals,
    Falsy,
    Guard,
    InstanceDictSource,
    Is,
    LacksKey,
    LocalSource,
    TypeIs,
)

SELF = LocalSource("self")
HOOKS = ("_forward_hooks", "_forward_pre_hooks")


class Module:
    def __init__(self, **modules):
        self.training = True
        self.scale = 0.5
        self._parameters = {"weight": object()}
        self._buffers = {}
        self._forward_hooks = OrderedDict()
        self._forward_pre_hooks = {}
        self._modules = modules


class Other(Module):
    pass


def tree():
    return Module(
        first=Module(),
        middle=Module(one=Module(), two=Module()),
        last=Module(deep=Module(deeper=Module(deepest=Module()))),
    )


def guards_on(module, source=SELF, leaf=lambda value: Is(value)):
    """Yield guards on a module and all below it; ``leaf`` gives the predicate on a parameter."""
    variables = InstanceDictSource(source)

    def part(name):
        return DictItemSource(variables, name)

    yield Guard(source, TypeIs(type(module)))
    yield Guard(variables, TypeIs(dict))
    yield Guard(variables, LacksKey("forward"))
    for name in HOOKS:
        yield Guard(part(name), Falsy())
    yield Guard(part("training"), BoolIs(module.training))
    if "scale" in vars(module):
        yield Guard(part("scale"), Equals(module.scale))
    yield Guard(variables, LacksKey("weight"))
    for name in ("_parameters", "_buffers"):
        yield Guard(part(name), TypeIs(dict))
        for key, value in vars(module)[name].items():
            yield Guard(part(name), Contains(key))
            if value is not None:
                yield Guard(DictItemSource(part(name), key), leaf(value))
    yield Guard(part("_parameters"), LacksKey("scale"))
    yield Guard(part("_modules"), TypeIs(dict))
    yield Guard(part("_modules"), DictKeys(list(module._modules)))
    for key, child in module._modules.items():
        yield from guards_on(child, DictItemSource(part("_modules"), key), leaf)
