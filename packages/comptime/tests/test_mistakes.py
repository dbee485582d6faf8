"""Bad input of every kind: each is an error that names it, or is harmless; nothing is lost but the comptime call."""

from __future__ import annotations

import bdb
import io

import pytest
import torch
from capturing import OUT, captured

from framelift_comptime import (
    CaptureEndedError,
    ComptimeArgumentError,
    ComptimeError,
    ComptimeMutationError,
    ComptimeWarning,
    StackLevelError,
    UnknownLocalError,
    comptime,
)
from framelift_graph_capture import UserCodeError

PROGRAM_ITEMS = [1, 2]


# ---- a function that raises -----------------------------------------------------------------------------------------


def test_it_is_reported_at_the_users_line_with_its_traceback():
    def f(x):
        y = x + 1

        @comptime
        def look(ctx):
            raise ValueError("boom")

        return y

    with pytest.warns(ComptimeWarning) as warned:
        found = captured(f)[0].break_
    (warning,) = warned
    line = f.__code__.co_firstlineno + 3
    name = "test_it_is_reported_at_the_users_line_with_its_traceback.<locals>.f.<locals>.look"
    assert (warning.filename, warning.lineno) == (__file__, line)
    assert isinstance(warning.message.error, ValueError)
    text = str(warning.message)
    assert text.startswith(
        f"[FL407] the comptime function {name} raised ValueError: boom ({__file__}:{line}); the code runs on without "
        "it; mend the function, its traceback is in the warning\nTraceback (most recent call last):\n"
        f'  File "{__file__}", line {line + 2}, in look\n    raise ValueError("boom")'
    )
    assert "entry.py" not in text
    assert (found.code, found.where, found.eager) == ("FL407", (__file__, line), False)
    assert found.explanation == f"the comptime function {name} raised ValueError: boom"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: None, "takes 0 positional arguments but 1 was given"),
        (lambda ctx, more: None, "missing 1 required positional argument: 'more'"),
        (lambda ctx: ctx.nothing, "'ComptimeContext' object has no attribute 'nothing'"),
        (lambda ctx: setattr(ctx, "x", 1), "'ComptimeContext' object has no attribute 'x'"),
        (lambda ctx: setattr(ctx.get_local("x"), "size", 1), "attribute 'size' is read-only"),
        (lambda ctx: ctx.print_bt(level=1), "unexpected keyword argument 'level'"),
    ],
)
def test_mistakes_in_python_are_reported_alike(wrong, told):
    def f(x):
        comptime(wrong)
        return x + 1

    with pytest.warns(ComptimeWarning, match="FL407") as warned:
        captured(f)
    assert told in str(warned[0].message)


def test_what_the_user_means_goes_through():
    class Stop(BaseException):
        pass

    def f(x, error):
        def stop(ctx):
            raise error

        comptime(stop)
        return x

    for error in (AssertionError("no"), bdb.BdbQuit()):
        with pytest.raises(UserCodeError) as raised:
            captured(f, x=torch.ones(2), error=error)
        assert raised.value.error is error
    with pytest.raises(Stop):
        captured(f, x=torch.ones(2), error=Stop())


# ---- wrong arguments ------------------------------------------------------------------------------------------------

CLOSED = io.StringIO()
CLOSED.close()


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (lambda ctx: ctx.get_local("valeu"), UnknownLocalError, "is unknown in f; did you mean 'value'? its"),
        (lambda ctx: ctx.get_local("later"), UnknownLocalError, "must be bound in the frame, but is unbound here"),
        (lambda ctx: ctx.get_local("q"), UnknownLocalError, "is unknown in f; its locals are: x, value"),
        (lambda ctx: ctx.get_local("torch"), UnknownLocalError, "is unknown in f"),
        (lambda ctx: ctx.get_local(3), ComptimeArgumentError, "takes the name of a local, but is an int"),
        (lambda ctx: ctx.get_local("x", stacklevel=1), StackLevelError, "must be from 0 to 0 here, but is 1; use"),
        (lambda ctx: ctx.print_bt(stacklevel=-1), StackLevelError, "must be from 0 to 0 here, but is -1"),
        (lambda ctx: ctx.print_disas(stacklevel=9), StackLevelError, "0 is f"),
        (lambda ctx: ctx.print_locals(stacklevel=None), ComptimeArgumentError, "must be an int, but is a NoneType"),
        (lambda ctx: ctx.print_value_stack(stacklevel=True), ComptimeArgumentError, "must be an int, but is a bool"),
        (lambda ctx: ctx.parent(), StackLevelError, "must be from 0 to 0 here, but is 1"),
        (lambda ctx: ctx.print_graph(file=3), ComptimeArgumentError, "file must be an open text file, but is an int"),
        (lambda ctx: ctx.print(1, file="out"), ComptimeArgumentError, "file must be an open text file, but is a str"),
        (lambda ctx: ctx.print_guards(file=CLOSED), ComptimeError, "file must be an open text file, but is closed"),
        (lambda ctx: ctx.print_locals(file=CLOSED), ComptimeError, "print before closing it"),
        (lambda ctx: ctx.sleep("1"), ComptimeArgumentError, "takes a number of seconds, not negative, but is a str"),
        (lambda ctx: ctx.sleep(-1), ComptimeArgumentError, "takes a number of seconds"),
        (lambda ctx: ctx.assert_static(3), ComptimeArgumentError, "takes a ComptimeVar, but is given an int"),
        (lambda ctx: ctx.force_static("x"), ComptimeArgumentError, "takes a ComptimeVar, but is given a str"),
        (lambda ctx: ctx.get_local("value").size(), ComptimeError, r"ComptimeVar.size() is for tensors, but is 3; ask"),
        (lambda ctx: ctx.get_local("value").as_fake(), ComptimeError, "as_fake() is for tensors and symbolic numbers"),
    ],
)  # fmt: skip
def test_wrong_arguments(make, kind, told):
    def f(x):
        value = 3
        comptime(make)
        later = value
        return x + later

    with pytest.raises(kind) as raised:
        captured(f)
    assert told in str(raised.value)
    assert str(raised.value).endswith(f"({__file__}:{f.__code__.co_firstlineno + 2})")


def test_the_calls_take_the_same_care():
    def f(x):
        comptime.print_locals(stacklevel=7)
        return x

    def g(x):
        comptime(3)
        return x

    def h(x):
        comptime.print_locals(stacklevel=x)
        return x

    with pytest.raises(StackLevelError):
        captured(f)
    with pytest.raises(ComptimeArgumentError, match=r"comptime\(fn\) takes a function of the context, but is an int"):
        captured(g)
    with pytest.raises(ComptimeArgumentError, match="stacklevel must be an int, but is a ComptimeVar"):
        captured(h)


def test_calls_that_python_itself_refuses_are_left_to_it():
    def f(x):
        comptime.print_locals(1, 2)
        return x

    def g(x):
        comptime()
        return x

    def h(x):
        comptime.no_such_call(x)
        return x

    for function, kind in ((f, TypeError), (g, TypeError), (h, AttributeError)):
        found, _ = captured(function)
        assert found.runs_eagerly  # and eager execution raises it
        with pytest.raises(kind):
            function(torch.ones(2))


def test_an_unknown_local_is_a_key_error_that_prints_as_text():
    def f(x):
        try:
            comptime(lambda ctx: ctx.get_local("y"))
        except LookupError:  # the program's: it does not see what is raised at compile time
            return x
        return x + 1

    with pytest.raises(KeyError) as raised:
        captured(f)
    assert str(raised.value).startswith("local 'y' must be bound")


def test_a_comptime_function_may_catch_its_own_mistakes():
    def f(x):
        @comptime
        def _(ctx):
            try:
                ctx.get_local("y")
            except KeyError as error:
                OUT.write(type(error).__name__)

        return x + 1

    assert captured(f)[1] == "UnknownLocalError"


# ---- what it must not change ----------------------------------------------------------------------------------------


def _erase_last(ctx):
    graph = ctx.graph()
    graph.erase_node(list(graph.nodes)[-1])


def _swap_argument(ctx):
    node = list(ctx.graph().nodes)[-1]
    node.args = (node.args[0], 5)


def _retarget(ctx):
    list(ctx.graph().nodes)[-1].target = torch.sub


def _rename(ctx):
    list(ctx.graph().nodes)[-1].name = "other"


def _add_output(ctx):
    ctx.graph().output(list(ctx.graph().nodes)[-1])


def _add_placeholder(ctx):
    ctx.graph().placeholder("more")


def _foreign_argument(ctx):
    ctx.graph().call_function(torch.sin, (torch.fx.Graph().placeholder("elsewhere"),))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_erase_last, "left without its node y"),
        (_swap_argument, "left with its node y changed"),
        (_retarget, "left with its node y changed"),
        (_rename, "left with its node other changed|left with its node y changed"),
        (_add_output, "left with a new output node output"),
        (_add_placeholder, "left with a new placeholder node more"),
        (_foreign_argument, "left inconsistent"),
    ],
)
def test_the_graph_may_only_grow_by_calls(change, told):
    def f(x):
        y = x + 1
        comptime(change)
        return y

    with pytest.raises(ComptimeMutationError, match=told) as raised:
        captured(f)
    assert f"the comptime function {change.__name__} must not change the graph but for adding calls" in str(
        raised.value
    )


def test_what_was_changed_is_seen_when_the_function_raises_as_well():
    def f(x):
        y = x + 1

        @comptime
        def _(ctx):
            _erase_last(ctx)
            raise ValueError("later")

        return y

    with pytest.raises(ComptimeMutationError, match="left without its node y"):
        captured(f)


def test_a_graph_that_was_kept_is_watched_from_then_on():
    kept = []

    def f(x):
        y = x + 1
        comptime(lambda ctx: kept.append(ctx.graph()))
        z = y * 2
        comptime(lambda ctx: kept[0].erase_node(list(kept[0].nodes)[-1]))
        return z

    with pytest.raises(ComptimeMutationError, match="left without its node z"):
        captured(f)


def test_calls_may_be_added_by_hand():
    def f(x):
        y = x + 1
        comptime(lambda ctx: ctx.graph().call_function(torch.sin, (list(ctx.graph().nodes)[-1],)))
        return y

    assert [node.name for node in captured(f)[0].graph.graph.nodes] == ["l_x_", "y", "sin", "output"]


@pytest.mark.parametrize(
    "change",
    [lambda fake: fake.unsqueeze_(0), lambda fake: fake.resize_(7), lambda fake: fake.requires_grad_()],
)
def test_fake_tensors_may_only_be_looked_at(change):
    def f(x):
        y = x * 2
        comptime(lambda ctx: change(ctx.get_local("y").as_fake()))
        return y

    with pytest.raises(ComptimeMutationError, match="must not change a fake tensor, but is changed from"):
        captured(f, x=torch.ones(2, 3))


def test_what_the_program_itself_does_to_a_tensor_is_no_such_change():
    def f(x):
        y = x * 2
        comptime(lambda ctx: ctx.get_local("y").as_fake())
        y.unsqueeze_(0)
        comptime(lambda ctx: OUT.write(f"{tuple(ctx.get_local('y').as_fake().shape)}"))
        return y

    assert captured(f)[1] == "(1, 2, 3)"


def test_variables_of_the_program_may_not_be_assigned():
    def f(x):
        y, z = x * 2, 1

        @comptime
        def _(ctx):
            nonlocal z
            z = y.size(0)

        return y + z

    with pytest.raises(ComptimeMutationError, match=r"must not assign the program's variable 'z', but is"):
        captured(f)


def test_objects_that_the_program_has_read_may_not_be_changed():
    def f(x):
        n = len(PROGRAM_ITEMS)
        comptime(lambda ctx: PROGRAM_ITEMS.append(3))
        return x + n

    try:
        with pytest.raises(ComptimeMutationError, match=r"changed: len\(PROGRAM_ITEMS\) was 2, is 3 "):
            captured(f)
    finally:
        del PROGRAM_ITEMS[2:]


def test_global_state_may_not_be_changed():
    def f(x):
        comptime(lambda ctx: torch.set_grad_enabled(False))
        return x + 1

    with pytest.raises(ComptimeMutationError, match="must not change what the program has read"):
        captured(f)
    assert torch.is_grad_enabled()


def test_objects_of_its_own_may_be_changed():
    seen, count = [], 0

    def f(x):
        def note(ctx):
            nonlocal count
            count += 1
            seen.append(ctx.get_local("x").size(0))

        comptime(note)
        comptime(note)
        return x + 1

    assert captured(f)[0].break_ is None
    assert (seen, count) == ([2, 2], 2)


def test_constants_come_as_copies():
    def f(x):
        items = [1, [2]]
        comptime(lambda ctx: ctx.get_local("items").as_python_constant()[1].append(3))
        comptime.print(items, file=OUT)
        return x

    assert captured(f)[1] == "[1, [2]]\n"


# ---- kept beyond the capture ----------------------------------------------------------------------------------------


def test_contexts_and_variables_end_with_the_capture():
    kept = []

    def f(x):
        y = x + 1
        comptime(lambda ctx: kept.extend([ctx, ctx.get_local("y")]))
        return y

    captured(f)
    ctx, variable = kept
    for use in (
        lambda: ctx.get_local("y"), lambda: ctx.print_locals(), lambda: ctx.graph(), lambda: ctx.graph_break(),
        lambda: ctx.emit(torch.sin, variable), lambda: ctx.parent(), variable.as_proxy, variable.as_fake, variable.size,
        variable.force_static, variable.is_proxy, variable.as_python_constant, variable.is_python_constant,
        lambda: ctx.assert_static(variable), lambda: ctx.add_guard(variable, bool),
    ):  # fmt: skip
        with pytest.raises(CaptureEndedError, match="after its capture ended"):
            use()
    assert variable.python_type() is torch.Tensor
