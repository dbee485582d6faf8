"""`logging`: a message that no handler would get costs nothing; any other is logged for real, by the program's line.

The insides of `logging` take locks and ask for the caller's frame, so a message in a graph is out of the question, and
interpreting them would break many times where once is enough.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from framelift_bytecode_interp import Break, Value

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking
from ..reasons import UnsupportedCall
from ..variable import Variable

_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_LOGGED: Final = UnsupportedCall("a logger", "the message is logged for real, in the program's order")


def _is_enabled(domain: Tracking, logger: Variable, level: object) -> bool | None:
    """Tell whether a logger takes messages of a level, guarded where `logging` looks it up; None: unknown."""
    value = getattr(logger, "value", None)
    if type(level) is not int or (type(value) is not logging.Logger and type(value) is not logging.RootLogger):
        return None
    for asked in (*_LEVELS, level):  # it remembers the answers where they are read below; a capture reads them once
        logging.Logger.isEnabledFor(value, asked)
    disabled, known = domain.get_attribute(logger, "disabled"), domain.get_attribute(logger, "_cache")
    if not isinstance(disabled, Value) or not isinstance(known, Value):
        return None
    if domain.as_constant(disabled.value) is True:
        return False
    answer = domain.handler_of(known.value).get_item(domain, known.value, domain.constant(level))
    enabled = domain.as_constant(answer.value) if isinstance(answer, Value) else None
    return enabled if isinstance(enabled, bool) else None


def _at(level: int) -> FunctionRule:
    """Return the rule of the method of `Logger` that logs at a level."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        off = len(args) > 1 and _is_enabled(domain, args[0], level) is False
        return Value(domain.constant(None)) if off else Break(_LOGGED)

    return rule


def _log(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    off = len(args) > 2 and _is_enabled(domain, args[0], domain.as_constant(args[1])) is False
    return Value(domain.constant(None)) if off else Break(_LOGGED)


def _is_enabled_for(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    known = _is_enabled(domain, args[0], domain.as_constant(args[1])) if len(args) == 2 and not kwargs else None
    return Break(_LOGGED) if known is None else Value(domain.constant(known))


def _always(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return Break(_LOGGED)  # these may set up the root logger first


_OF_THE_ROOT: Final = (
    logging.debug, logging.info, logging.warning, logging.error, logging.exception, logging.critical, logging.log,
)  # fmt: skip

RULES: Final[Mapping[Any, FunctionRule]] = {
    logging.Logger.debug: _at(logging.DEBUG),
    logging.Logger.info: _at(logging.INFO),
    logging.Logger.warning: _at(logging.WARNING),
    logging.Logger.error: _at(logging.ERROR),
    logging.Logger.exception: _at(logging.ERROR),
    logging.Logger.critical: _at(logging.CRITICAL),
    logging.Logger.log: _log,
    logging.Logger.isEnabledFor: _is_enabled_for,
    **dict.fromkeys(_OF_THE_ROOT, _always),
}
"""The rules, by method of `Logger` and by function."""
