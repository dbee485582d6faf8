"""`copy.deepcopy` of containers of constants; other objects are copied for real."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from framelift_bytecode_interp import Break, Value

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..handlers.dict_variable import DictVariable
from ..handlers.list import ListVariable
from ..handlers.tuple import TupleVariable
from ..reasons import UnsupportedCall
from ..variable import ConstantVariable, FunctionVariable, Variable

_REASON: Final = UnsupportedCall("copy.deepcopy", "something in it is no plain container or constant")


def _copied(domain: Tracking, variable: Variable, memo: dict[int, Variable]) -> Variable | None:
    """Return a deep copy with the same aliasing; None when something in it can't be copied here."""
    if isinstance(variable, (ConstantVariable, FunctionVariable)):
        return variable
    known = memo.get(id(variable))
    if known is not None:
        return known
    if isinstance(variable, ListVariable) and variable.cls is list:
        made = ListVariable([])
        memo[id(variable)] = made
        items = _all(domain, variable.items, memo)
        if items is None:
            return None
        made.items.extend(items)
        return made
    if isinstance(variable, TupleVariable) and variable.cls is tuple:
        items = _all(domain, variable.items, memo)
        if items is None:
            return None
        # As in copy._deepcopy_tuple: a tuple whose items are their own copies is its own copy, too.
        if all(item is mine for item, mine in zip(items, variable.items, strict=True)):
            return variable
        packed = memo.get(id(variable)) or _built(domain.build_tuple(items))
        if packed is not None:
            memo[id(variable)] = packed
        return packed
    if isinstance(variable, DictVariable) and variable.cls is dict:
        made_dict = _built(domain.build_map([], []))
        entries = domain.handler_of(variable).entries(domain, variable)
        if made_dict is None or entries is None:
            return None
        memo[id(variable)] = made_dict
        for key, value in entries:
            pair = _all(domain, (key, value), memo)
            if pair is None or not isinstance(domain.map_add(made_dict, pair[0], pair[1]), Value):
                return None
        return made_dict
    return None


def _all(domain: Tracking, variables: Sequence[Variable], memo: dict[int, Variable]) -> list[Variable] | None:
    found = []
    for variable in variables:
        made = _copied(domain, variable, memo)
        if made is None:
            return None
        found.append(made)
    return found


def _built(answer: Answer) -> Variable | None:
    return answer.value if isinstance(answer, Value) else None


def _deepcopy(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    made = _copied(domain, args[0], {}) if len(args) == 1 and not kwargs else None
    return Break(_REASON) if made is None else Value(made)


RULES: Final[Mapping[Any, FunctionRule]] = {copy.deepcopy: _deepcopy}
"""The rules, by function."""
