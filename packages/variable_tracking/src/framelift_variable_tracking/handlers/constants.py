"""The table of the handlers of constants and of small objects of the standard library."""

from __future__ import annotations

import functools
import itertools
import operator
import re
import types
from collections.abc import Mapping
from typing import Final

from ..handler import TypeHandler
from .cached_function import CachedFunctionHandler
from .code import CodeHandler
from .combined_iterator import CombinedIteratorHandler, EnumerateHandler
from .constant import SingletonHandler
from .getter import GetterHandler
from .lazy import ChainHandler, CountHandler, RepeatHandler
from .number import BoolHandler, ComplexHandler, FloatHandler, IntegerHandler
from .partial import PartialHandler
from .pattern import PatternHandler
from .proxy import ProxyHandler
from .string import BytesHandler, StringHandler
from .union import UnionHandler

_SINGLETON = SingletonHandler()
_COMBINED = CombinedIteratorHandler()
_GETTER = GetterHandler()

HANDLERS: Final[Mapping[type, TypeHandler]] = {
    int: IntegerHandler(),
    bool: BoolHandler(),
    float: FloatHandler(),
    complex: ComplexHandler(),
    str: StringHandler(),
    bytes: BytesHandler(),
    type(None): _SINGLETON,
    types.EllipsisType: _SINGLETON,
    types.NotImplementedType: _SINGLETON,
    types.CodeType: CodeHandler(),
    types.UnionType: UnionHandler(),
    types.GenericAlias: UnionHandler(),
    types.MappingProxyType: ProxyHandler(),
    CachedFunctionHandler.kind: CachedFunctionHandler(),
    re.Pattern: PatternHandler(),
    zip: _COMBINED,
    map: _COMBINED,
    filter: _COMBINED,
    enumerate: EnumerateHandler(),
    itertools.chain: ChainHandler(),
    itertools.count: CountHandler(),
    itertools.repeat: RepeatHandler(),
    functools.partial: PartialHandler(),
    operator.itemgetter: _GETTER,
    operator.attrgetter: _GETTER,
    operator.methodcaller: _GETTER,
}
"""The handlers, by type."""
