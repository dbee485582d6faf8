"""torch's compiler is not imported for what it would only be hidden from, and hidden from where it is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROPAGATE = """
import sys
import torch
from framelift_fake_tensors import FakeMode

def propagate():
    with FakeMode():
        x = torch.ones(2, 3, requires_grad=True)
        y = torch.nn.functional.gelu(x.sin() + torch.where(x > 0, x.exp(), x.tanh()))
        y = torch.var_mean(torch.softmax(y @ torch.ones(3, 4), -1), 0)
        return tuple(y[0].sum().clamp(0).sqrt().shape)

propagate()
assert "torch._dynamo" not in sys.modules, "it was imported"
"""

IMPORT_IT = """
import torch._dynamo
from framelift_fake_tensors.undisturbed import _hidden, _in_the_open

assert propagate() == ()
called = []

def kernel(x):
    called.append(x)
    return x

open_ = _in_the_open(kernel)
assert open_(3) == 3
hidden = getattr(kernel, "__dynamo_disable")
assert hidden is not open_ and hidden(4) == 4
assert called == [3, 4]
"""


@pytest.mark.parametrize("program", [PROPAGATE, PROPAGATE + IMPORT_IT], ids=["not imported", "imported later"])
def test_the_compiler_is_not_imported(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
