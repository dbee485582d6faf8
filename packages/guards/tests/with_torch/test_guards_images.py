"""Images of tensors: the very next check sees every change of metadata, and nothing else costs torch's check."""

import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from framelift_guards import Dispatcher, Guard, LocalSource, accelerator  # noqa: E402
from framelift_guards.torch import TensorMatch, images, native  # noqa: E402
from framelift_guards.torch.tensor import BulkCheck  # noqa: E402

if accelerator.make_images is None:
    pytest.skip("the accelerator is not installed", allow_module_level=True)
if native.tensor_guards is None or images.body_layout() is None:
    pytest.skip("this torch, or this allocator, has no layout that is known", allow_module_level=True)


class Asked:
    """Counts how many tensors torch's own check is asked about."""

    def __init__(self, monkeypatch):
        self.tensors = 0
        make = native.tensor_guards

        def counting(*tensors, **sizes):
            compiled = make(*tensors, **sizes)

            class Counting:
                @staticmethod
                def check(*values):
                    self.tensors += len(values)
                    return compiled.check(*values)

            return Counting

        monkeypatch.setattr(native, "tensor_guards", counting)


def dispatcher_of(tensors):
    names = [f"x{index}" for index in range(len(tensors))]
    dispatcher = Dispatcher.for_parameters(names, lambda scope: False)
    guards = [Guard(LocalSource(name), TensorMatch.of(tensor)) for name, tensor in zip(names, tensors, strict=True)]
    dispatcher.add(guards, lambda *tensors: True)
    return dispatcher


def parameters(count=8):
    return [torch.nn.Parameter(torch.ones(3, 4)) for _ in range(count)]


def warmed_up(tensors):
    """Return a dispatcher that has seen the tensors, and makes images of them."""
    dispatcher = dispatcher_of(tensors)
    assert [dispatcher.function(*tensors) for _ in range(4)] == [True] * 4
    return dispatcher


def set_data(tensor, data):
    tensor.data = data


def half(tensor):
    torch.nn.Module.half(module := torch.nn.Module())
    module.weight = tensor
    module.half()


def swap(tensor):
    torch.utils.swap_tensors(tensor, torch.nn.Parameter(torch.ones(2)))


def become(tensor):
    tensor.__class__ = Special


class Special(torch.nn.Parameter):
    pass


CHANGES = {
    "requires_grad_": lambda tensor: tensor.requires_grad_(False),
    "requires_grad": lambda tensor: setattr(tensor, "requires_grad", False),
    "data of another shape": lambda tensor: set_data(tensor, torch.ones(5)),
    "data of another type": lambda tensor: set_data(tensor, torch.ones(3, 4, dtype=torch.float64)),
    "data laid out otherwise": lambda tensor: set_data(tensor, torch.ones(4, 3).t()),
    "more dimensions than lie in the body": lambda tensor: set_data(tensor, torch.ones(1, 1, 1, 1, 1, 3, 4)),
    "half": half,
    "transpose_": lambda tensor: torch.no_grad()(tensor.t_)(),
    "swap_tensors": swap,
    "__class__": become,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("place", [0, 5, 7])
def test_the_very_next_check_sees_a_change(change, place):
    tensors = parameters()
    dispatcher = warmed_up(tensors)
    change(tensors[place])
    assert dispatcher.function(*tensors) is False
    assert dispatcher.function(*tensors) is False
    fresh = [*parameters(place), torch.nn.Parameter(torch.ones(3, 4)), *parameters(7 - place)]
    assert dispatcher.function(*fresh) is True


def test_an_operation_in_place_that_makes_a_buffer_a_result_is_seen():
    tensors = [torch.ones(3, 4) for _ in range(8)]
    dispatcher = warmed_up(tensors)
    tensors[3].mul_(torch.nn.Parameter(torch.ones(4)))
    assert dispatcher.function(*tensors) is False
    tensors[3].detach_()
    assert dispatcher.function(*tensors) is True


def test_modes_of_the_thread_are_seen():
    tensors = [torch.ones(3, 4) for _ in range(8)]
    dispatcher = warmed_up(tensors)
    with torch.inference_mode():
        assert dispatcher.function(*tensors) is False
    assert dispatcher.function(*tensors) is True


def test_training_asks_about_one_tensor_only(monkeypatch):
    asked = Asked(monkeypatch)
    tensors = parameters()
    dispatcher = warmed_up(tensors)
    optimizer = torch.optim.SGD(tensors, lr=0.1, momentum=0.9)
    asked.tensors = 0
    for step in range(10):
        assert dispatcher.function(*tensors) is True
        torch.stack(tensors).square().sum().backward()
        assert dispatcher.function(*tensors) is True
        optimizer.step()
        assert dispatcher.function(*tensors) is True
        optimizer.zero_grad(set_to_none=step % 2 == 0)
    assert asked.tensors == 30


def test_what_is_another_object_at_each_call_belongs_to_the_rest(monkeypatch):
    asked = Asked(monkeypatch)
    tensors = parameters()
    dispatcher = warmed_up([*tensors, torch.ones(2)])
    alive = [torch.ones(2 + turn % 2) for turn in range(20)]  # else a new one may lie where the last one did
    for turn in range(10):
        assert dispatcher.function(*tensors, alive[turn]) is (turn % 2 == 0)
    asked.tensors = 0
    for turn in range(10, 20):
        assert dispatcher.function(*tensors, alive[turn]) is (turn % 2 == 0)
    assert asked.tensors == 5 + 5  # it stands for the others as well: it has the same dispatch keys
    tensors[2].requires_grad_(False)
    assert dispatcher.function(*tensors, torch.ones(2)) is False


def test_where_all_objects_alternate_torch_is_asked_and_nobody_else():
    worlds = parameters(), parameters()
    dispatcher = dispatcher_of(worlds[0])
    for turn in range(20):
        assert dispatcher.function(*worlds[turn % 2]) is True
    worlds[1][4].requires_grad_(False)
    assert [dispatcher.function(*world) for world in worlds] == [True, False]


def test_images_keep_nothing_alive():
    tensors = parameters()
    dispatcher = warmed_up(tensors)
    seen = [weakref.ref(tensor) for tensor in tensors]
    del tensors
    assert [reference() for reference in seen] == [None] * 8
    assert dispatcher.function(*parameters()) is True  # in the memory of those that died, perhaps


def test_a_check_dies_with_its_dispatcher():
    dispatcher = warmed_up(parameters())
    bound = weakref.ref(next(value for value in vars(dispatcher).values() if hasattr(value, "__weakref__")))
    del dispatcher
    gc.collect()
    assert bound() is None


def test_a_division_that_fails_is_an_error_and_leaves_the_check_right(monkeypatch):
    tensors = parameters()
    dispatcher = dispatcher_of(tensors)
    with monkeypatch.context() as patch:
        patch.setattr(BulkCheck, "divide", lambda *arguments: ("no", "rest"))
        assert dispatcher.function(*tensors) is True
        assert dispatcher.function(*tensors) is False  # as of any check that raises
    fresh = dispatcher_of(tensors)
    assert [fresh.function(*tensors) for _ in range(3)] == [True] * 3


SHAPES = [(3, 4), (4, 3), (2,), (), (1, 3, 4), (1, 1, 1, 2, 3, 2)]
TYPES = [torch.float32, torch.float64]
ACTIONS = st.one_of(
    st.tuples(st.just("grad"), st.booleans()),
    st.tuples(st.just("data"), st.sampled_from(SHAPES), st.sampled_from(TYPES)),
    st.tuples(st.just("object"), st.sampled_from(SHAPES), st.sampled_from(TYPES)),
    st.tuples(st.just("backward")),
    st.tuples(st.just("nothing")),
)


def act(tensors, place, action, *details):
    tensor = tensors[place]
    if action == "grad":
        tensor.requires_grad_(*details)
    elif action == "data":
        tensor.data = torch.ones(details[0], dtype=details[1])
    elif action == "object":
        tensors[place] = torch.nn.Parameter(torch.ones(details[0], dtype=details[1]))
    elif action == "backward" and tensor.requires_grad:
        tensor.grad = None
        tensor.sum().backward()


@given(st.lists(st.tuples(st.integers(0, 5), ACTIONS), max_size=25))
def test_after_any_changes_a_check_says_what_the_predicates_say(history):
    tensors = parameters(6)
    predicates = [TensorMatch.of(tensor) for tensor in tensors]
    dispatcher = dispatcher_of(tensors)
    for place, action in history:
        act(tensors, place, *action)
        expected = all(map(TensorMatch.matches, predicates, tensors))
        assert dispatcher.function(*tensors) is expected
        assert dispatcher.function(*tensors) is expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (((True,), print, print, 16, ((0, 8),), 24, ((0, 1), "no")), TypeError),
        (((True,), print, print, 16, ((0, -8),), 24, ()), ValueError),
        (((True,), print, print, 0, ((0, 8),), 24, ()), ValueError),
        (((True,), print, print, 16, ((0, 8),), -1, ()), ValueError),
        (([True], print, print, 16, ((0, 8),), 24, ()), TypeError),
    ],
)
def test_what_cannot_be_a_layout_is_refused(arguments, error):
    with pytest.raises(error):
        accelerator.make_images(*arguments)


def test_a_check_says_how_many_objects_it_takes():
    layout = images.body_layout()
    check = accelerator.make_images((True, True), print, print, layout.pointer, layout.body, layout.link, layout.linked)
    with pytest.raises(TypeError, match="takes 2 positional arguments, not 1"):
        check(torch.ones(1))
