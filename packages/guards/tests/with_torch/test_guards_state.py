"""The predicates on torch's state: every change is seen by the next call, by torch's compiled check and without it."""

import contextlib
import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from framelift_guards import Dispatcher, Guard, LocalSource, Scope, UserLine, accelerator  # noqa: E402
from framelift_guards.torch import TensorMatch, TensorMethods, global_state_guards, grad_mode, native  # noqa: E402

KINDS = [
    "AUTOGRAD_SAVED_TENSORS_HOOKS", "GRAD_MODE", "DETERMINISTIC_ALGORITHMS", "GLOBAL_STATE", "TORCH_FUNCTION_STATE",
    "DEFAULT_DEVICE",
]  # fmt: skip

needs_the_accelerator = pytest.mark.skipif(not accelerator.accelerated, reason="the accelerator is not installed")


class Mode(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise AssertionError(f"{func} ran in a guard")


class Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def setting(read, write, value):
    before = read()
    write(value)
    try:
        yield
    finally:
        write(before)


@contextlib.contextmanager
def vmap_level():
    level = torch._C._functorch._vmap_increment_nesting(2, "error")
    try:
        yield
    finally:
        assert torch._C._functorch._vmap_decrement_nesting() == level


def hooks():
    return torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x)


CHANGES = {
    "no_grad": (torch.no_grad, "grad mode was True, is False"),
    "inference": (torch.inference_mode, "grad mode was True, is False"),
    "inference alone": (
        lambda: _nested(torch.inference_mode(), torch.enable_grad()),
        "inference mode was False, is True",
    ),
    "autocast": (lambda: torch.autocast("cpu"), "autocast of cpu was False, is True"),
    "default dtype": (
        lambda: setting(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
        "default dtype was torch.float32, is torch.float64",
    ),
    "deterministic": (
        lambda: setting(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, True),
        "deterministic algorithms was False, is True",
    ),
    "tf32": (
        lambda: setting(torch._C._get_cublas_allow_tf32, torch._C._set_cublas_allow_tf32, True),
        "TF32 in matrix products was False, is True",
    ),
    "torch functions": (torch._C.DisableTorchFunctionSubclass, "torch functions of subclasses was True, is False"),
    "function mode": (Mode, "torch-function modes were [], are [<Mode>]"),
    "device": (lambda: torch.device("meta"), "torch-function modes were [], are [device meta]"),
    "hooks": (hooks, "hooks on saved tensors were [], are [<function>, <function>]"),
    "dispatch mode": (Dispatch, "a dispatch mode was False, is True"),
    "vmap": (vmap_level, "a transform of torch.func was False, is True"),
}


@contextlib.contextmanager
def _nested(*contexts):
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


@pytest.fixture(params=["compiled", "pure"], autouse=True)
def _check(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setattr(native, "tensor_guards", None)
        monkeypatch.setattr(native, "global_state_guard", None)


def dispatcher_of(guards):
    dispatcher = Dispatcher.for_parameters(["x"], lambda scope: [one.reason for one in dispatcher.failures(scope)])
    dispatcher.add(guards, lambda x: "hit")
    return dispatcher


@pytest.mark.parametrize("with_tensor", [False, True], ids=["alone", "with a tensor"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_state_is_seen_and_told(name, with_tensor):
    context, reason = CHANGES[name]
    x = torch.zeros(3)
    guards = [*([Guard(LocalSource("x"), TensorMatch.of(x))] if with_tensor else []), *global_state_guards()]
    dispatcher = dispatcher_of(guards)
    for _ in range(2):
        assert dispatcher.function(x) == "hit"
        with context():
            assert dispatcher.function(x) == [reason]
            assert not all(guard.check(Scope({"x": x})) for guard in guards)
    assert dispatcher.function(x) == "hit"


@pytest.mark.parametrize("with_tensor", [False, True], ids=["alone", "with a tensor"])
@pytest.mark.parametrize("name", [name for name in CHANGES if name not in ("function mode", "hooks")])
def test_a_state_other_than_the_usual_can_be_guarded(name, with_tensor):
    context, _ = CHANGES[name]
    x = torch.zeros(3)
    with context():
        guards = [*([Guard(LocalSource("x"), TensorMatch.of(x))] if with_tensor else []), *global_state_guards()]
    dispatcher = dispatcher_of(guards)  # made in another state than it is for
    for _ in range(3):
        with context():
            assert dispatcher.function(x) == "hit"
        assert dispatcher.function(x) != "hit"


def test_modes_and_hooks_are_compared_by_identity_and_held_weakly():
    mode, saving = Mode(), hooks()
    with mode, saving:
        guards = global_state_guards()
    dispatcher = dispatcher_of(guards)
    with mode, saving:
        assert dispatcher.function(1) == "hit"
        with Mode():
            assert dispatcher.function(1) == ["torch-function modes were [<Mode>], are [<Mode>, <Mode>]"]
    with Mode(), saving:
        assert dispatcher.function(1) != "hit"
    with mode, hooks():
        assert dispatcher.function(1) != "hit"
    dead = weakref.ref(mode), weakref.ref(saving.pack_hook)
    del mode, saving
    gc.collect()
    assert [ref() for ref in dead] == [None, None]
    assert dispatcher.function(1) != "hit"


def test_the_kinds_in_the_order_in_which_they_are_printed():
    guards = global_state_guards(UserLine("model.py", 3))
    assert [guard.kind for guard in guards] == KINDS
    assert [guard.name for guard in guards] == [""] * 6
    assert len(set(guards)) == 6
    assert global_state_guards() == guards
    with torch.no_grad():
        assert [one == other for one, other in zip(global_state_guards(), guards, strict=True)] == [
            True, False, True, True, True, True,
        ]  # fmt: skip


def test_one_kind_alone():
    with torch.no_grad():
        guard = Guard(None, grad_mode())
    dispatcher = dispatcher_of([guard])
    assert dispatcher.function(1) == ["grad mode was False, is True"]
    with torch.no_grad():
        assert dispatcher.function(1) == "hit"
    assert "is_grad_enabled() is not False" in dispatcher.source()


def test_the_usual_state_is_three_short_questions(monkeypatch):
    monkeypatch.setattr(accelerator, "make_state_check", None)
    if native.global_state_guard is None:
        pytest.skip("without torch's compiled check there are more")
    x = torch.zeros(3)
    source = dispatcher_of([Guard(LocalSource("x"), TensorMatch.of(x)), *global_state_guards()]).source()
    assert (
        "            if not tensors_match(x):\n"
        "                break\n"
        "            if not (global_state_match() and top_saved_tensors_default_hooks(True) is None and "
        "(len_torch_function_stack() == 0)):\n"
    ) in source


@needs_the_accelerator
def test_the_accelerator_asks_all_of_them_in_one_call():
    x = torch.zeros(3)
    methods = Guard(None, TensorMethods.of(torch.Tensor, ["sin"]))
    guards = [Guard(LocalSource("x"), TensorMatch.of(x)), *global_state_guards(), methods]
    asked_alone = dispatcher_of(guards[1:]).source()
    assert "            if not state_holds():\n                break\n            run = entry\n" in asked_alone
    if native.tensor_guards is not None:
        with_tensors = dispatcher_of(guards).source()
        assert "            if not tensors_match(x):\n                break\n            run = entry\n" in with_tensors


@needs_the_accelerator
def test_state_that_is_asked_with_the_tensors_is_looked_at_by_every_call():
    x = torch.zeros(3)
    dispatcher = dispatcher_of([Guard(LocalSource("x"), TensorMatch.of(x)), *global_state_guards()])
    found = []
    for enabled in (True, False, True):
        with torch.set_grad_enabled(enabled):
            found.append(dispatcher.function(x))
    assert found == ["hit", ["grad mode was True, is False"], "hit"]


@needs_the_accelerator
def test_a_joint_of_checks():
    made = []
    joint = accelerator.make_joint(lambda *values: made.append(values) or True)
    assert joint(1, 2) is True
    joint.add(lambda: made.append("other") or 1)
    assert joint(3) is True
    joint.replace(lambda *values: made.append("better") or "")
    assert joint(4) is False
    assert made == [(1, 2), (3,), "other", "better"]
    joint.replace(len)
    with pytest.raises(TypeError, match="exactly one argument"):
        joint()
    assert gc.is_tracked(joint)


@needs_the_accelerator
def test_a_question_about_a_class_is_asked_again_only_when_the_class_changes():
    class Patched:
        pass

    asked = []

    def lacks_name():
        asked.append("asked")
        return "name" not in vars(Patched)

    check = accelerator.make_state_check(((lacks_name, (), True, Patched),))
    assert check() is True
    assert check() is True
    assert len(asked) == 1
    Patched.name = 1
    assert check() is False
    assert check() is False, "what failed is asked again"
    assert len(asked) == 3
    del Patched.name
    Patched.other = 1
    assert check() is True
    assert check() is True
    assert len(asked) == 4


@needs_the_accelerator
@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        (None, None, True), (0, None, False), (1, True, False), (True, 1, False), (10**30, 10**30, True),
        (1.0, 1.0, False), (torch.float32, torch.float32, True), (torch.float32, torch.float64, False),
    ],
)  # fmt: skip
def test_an_answer_is_the_expected_object_or_an_equal_integer(answer, expected, right):
    made = type(answer)(str(answer)) if type(answer) in (int, float) else answer
    assert accelerator.make_state_check(((lambda one: one, (made,), expected, None),))() is right


@needs_the_accelerator
def test_a_question_that_raises_is_no_answer():
    def refuse():
        raise RuntimeError("no answer")

    check = accelerator.make_state_check(((refuse, (), True, int),))
    with pytest.raises(RuntimeError, match="no answer"):
        check()


@needs_the_accelerator
@pytest.mark.parametrize(
    ("questions", "text"),
    [
        (((len, (), 0),), "a question is a tuple"),
        (("len",), "a question is a tuple"),
        (((len, (), 0, "int"),), "a question may be about a class, not about <class 'str'>"),
        ([], "must be tuple, not list"),
    ],
)
def test_questions_of_another_form_are_refused(questions, text):
    with pytest.raises(TypeError, match=text):
        accelerator.make_state_check(questions)


@needs_the_accelerator
def test_a_check_of_state_and_the_code_of_what_is_no_function():
    with pytest.raises(TypeError, match="takes no arguments"):
        accelerator.make_state_check(())(1)
    with pytest.raises(TypeError, match="only a Python function has code"):
        accelerator.code_of(len)


@needs_the_accelerator
def test_a_check_of_state_in_a_cycle_is_collected():
    class Asked:
        def answer(self):
            return True

    asked = Asked()
    asked.check = accelerator.make_state_check(((asked.answer, (), True, Asked),))
    assert asked.check() is True
    gone = weakref.ref(asked)
    del asked
    gc.collect()
    assert gone() is None


def test_descriptions():
    assert [str(guard) for guard in global_state_guards()][:3] == [
        "there are no hooks on saved tensors",
        "grad mode is True",
        "deterministic algorithms is False and deterministic algorithms, warn only is False",
    ]
