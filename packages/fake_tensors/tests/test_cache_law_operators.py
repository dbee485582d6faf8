"""What is registered for an operator of a library may be replaced, or read what it likes: it is asked each time."""

import functools

import torch
import torch.nn.functional as F

from framelift_fake_tensors import FakeMode


def test_the_fake_of_an_operator_is_asked_each_time():
    size = [2]
    with torch.library._scoped_library("framelift_cache_law", "FRAGMENT") as library:
        library.define("sized(Tensor x) -> Tensor")
        torch.library.register_fake("framelift_cache_law::sized", lambda x: x.new_empty(size[0]), lib=library)
        operator = torch.ops.framelift_cache_law.sized
        mode = FakeMode()
        x = mode.fake(torch.ones(3))
        for function in (operator, operator.default):
            for size[0] in (2, 5, 2):
                assert mode.propagate(function, (x,), {}).shape == (size[0],)


def test_what_wraps_a_function_of_torch_is_asked_each_time():
    calls = []

    @functools.wraps(F.relu)
    def counting(x):
        calls.append(x)
        return F.relu(x)

    mode = FakeMode()
    x = mode.fake(torch.ones(3))
    for _ in range(3):
        mode.propagate(counting, (x,), {})
    assert len(calls) == 3
