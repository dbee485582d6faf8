"""Sources, predicates and guards refuse what their fields are not declared to hold, when they are made."""

import ast
import re

import pytest
from guards_hostile import Hostile

from framelift_guards import (
    AttributeSource,
    BoolIs,
    BuiltinSource,
    CallSource,
    CellContentsSource,
    ClassAttributeSource,
    CodeHashIs,
    CodeIs,
    ConstantSource,
    Contains,
    DictKeys,
    DictKeySource,
    Distinct,
    Expression,
    FreeVariableSource,
    GlobalSource,
    Guard,
    GuardSet,
    HasAttribute,
    InstanceDictSource,
    IsNone,
    ItemSource,
    IteratorState,
    LacksAttribute,
    LacksKey,
    Length,
    ListItemSource,
    LocalSource,
    Namespace,
    NamespaceSource,
    NotSameObject,
    SameObject,
    Satisfies,
    SlotSource,
    TupleItemSource,
    TypeIs,
    TypeSource,
    UserLine,
    WeakIs,
)

N, NAME = LocalSource("n"), ast.Name("a", ast.Load())

MAKERS = [
    ("LocalSource.variable", LocalSource, str),
    ("GlobalSource.variable", lambda given: GlobalSource(given, Namespace({})), str),
    ("GlobalSource.namespace", lambda given: GlobalSource("n", given), Namespace),
    ("Namespace.variables", Namespace, dict),
    ("Namespace.label", lambda given: Namespace({}, given), str),
    ("NamespaceSource.namespace", NamespaceSource, Namespace),
    ("BuiltinSource.variable", BuiltinSource, str),
    ("FreeVariableSource.cell", lambda given: FreeVariableSource("n", given), None),
    ("ConstantSource.label", lambda given: ConstantSource(given, 1), str),
    ("AttributeSource.base", lambda given: AttributeSource(given, "a"), LocalSource),
    ("AttributeSource.attr", lambda given: AttributeSource(N, given), str),
    ("ItemSource.base", lambda given: ItemSource(given, 1), LocalSource),
    ("ListItemSource.key", lambda given: ListItemSource(N, given), int),
    ("TupleItemSource.key", lambda given: TupleItemSource(N, given), int),
    ("TypeSource.base", TypeSource, LocalSource),
    ("InstanceDictSource.base", InstanceDictSource, LocalSource),
    ("ClassAttributeSource.attr", lambda given: ClassAttributeSource(N, given), str),
    ("SlotSource.owner", lambda given: SlotSource(N, given, "a"), type),
    ("SlotSource.attr", lambda given: SlotSource(N, int, given), str),
    ("CellContentsSource.base", CellContentsSource, LocalSource),
    ("DictKeySource.index", lambda given: DictKeySource(N, given), int),
    ("CallSource.function", lambda given: CallSource(given, N, "()"), type),
    ("CallSource.suffix", lambda given: CallSource(len, N, given), str),
    ("Length.expected", Length, int),
    ("Length.via", lambda given: Length(1, given), None),
    ("HasAttribute.attr", HasAttribute, str),
    ("LacksAttribute.attr", LacksAttribute, str),
    ("DictKeys.keys", DictKeys, (str, dict)),
    ("Contains.via", lambda given: Contains(1, given), None),
    ("LacksKey.via", lambda given: LacksKey(1, given), None),
    ("BoolIs", BoolIs, bool),
    ("TypeIs", TypeIs, type),
    ("WeakIs", WeakIs, (type, Hostile, LocalSource)),
    ("IteratorState", IteratorState, None),
    ("SameObject.other", SameObject, LocalSource),
    ("NotSameObject.other", NotSameObject, LocalSource),
    ("Distinct", Distinct, None),
    ("CodeIs.code", CodeIs, None),
    ("CodeHashIs.digest", lambda given: CodeHashIs(given, "n"), str),
    ("CodeHashIs.name", lambda given: CodeHashIs("0", given), str),
    ("Expression.template", lambda given: Expression(given, {}), None),
    ("Expression.operands", lambda given: Expression(NAME, given), dict),
    ("Expression.operands", lambda given: Expression(NAME, {"a": given}), LocalSource),
    ("Expression.kind", lambda given: Expression(NAME, {"a": N}, kind=given), str),
    ("Satisfies", Satisfies, type),
    ("Satisfies.text", lambda given: Satisfies(len, given), (str, type(None))),
    ("Satisfies.answer", lambda given: Satisfies(len, answer=given), bool),
    ("Guard.source", lambda given: Guard(given, IsNone()), (LocalSource, type(None))),
    ("Guard.predicate", lambda given: Guard(N, given), None),
    ("Guard.user_line", lambda given: Guard(N, IsNone(), given), type(None)),
    ("GuardSet", lambda given: GuardSet([given]), None),
    ("UserLine.filename", lambda given: UserLine(given, 1), str),
    ("UserLine.line", lambda given: UserLine("model.py", given), int),
]
"""The subject that the error names, what makes it of one argument, and what of the values below it takes."""

VALUES = [None, 3, True, 1.5, "text", {}, [], int, Namespace({}), N, Hostile()]


@pytest.mark.parametrize(("subject", "make", "taken"), MAKERS)
def test_what_is_refused_when_it_is_made(subject, make, taken):
    for given in VALUES:
        if taken is not None and type(given) in (taken if type(taken) is tuple else (taken,)):
            continue
        if given is None and subject == "Length.via":
            continue
        if subject in ("DictKeys.keys", "CallSource.function", "Satisfies") and type(given) in (list, Hostile):
            continue  # it may be iterated, or called
        with pytest.raises(TypeError) as raised:
            make(given)
        message = str(raised.value)
        assert subject.split(".")[0] in message or "GuardSet" in message
        if "." in subject:
            assert re.search(rf"{re.escape(subject)} .*must be |{re.escape(subject)} and", message)
        assert " not " in message or " is none" in message


@pytest.mark.parametrize(("subject", "make", "taken"), MAKERS)
def test_what_is_taken(subject, make, taken):
    kinds = taken if type(taken) is tuple else (taken,)
    for given in VALUES:
        if taken is not None and type(given) in kinds and not subject.startswith("Expression.operands"):
            make(given)


def test_the_text():
    with pytest.raises(TypeError) as raised:
        AttributeSource("n", "weight")
    assert str(raised.value) == "AttributeSource.base must be Source, not 'n'; give it a value of that type"
