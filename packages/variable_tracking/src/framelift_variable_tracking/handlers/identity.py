"""What objects that compare and hash by identity have in common."""

from __future__ import annotations

from typing import Any

from framelift_bytecode_interp import Break, Raise, Result, Value

from ..handler import Answer, Tracking, TypeHandler
from ..variable import HashKey, Variable


class IdentityHandler(TypeHandler):
    """Objects that are true, equal only to themselves, and hashed by identity: functions, classes, modules, ..."""

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(True)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return None

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return None

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return HashKey(variable, variable)
