"""Importing the package is cheap: what is slow is imported at first use."""

import subprocess
import sys


def test_sympy_and_dynamo_are_not_imported():
    code = (
        "import torch, sys, framelift_fake_tensors; sys.exit('sympy' in sys.modules or 'torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_static_mode_needs_no_sympy():
    # torch's own Python meta functions do import it (`torch._check`); a kernel in C++ does not.
    code = """
import sys, torch
from framelift_fake_tensors import FakeMode
from framelift_symbolic_shapes import ShapeEnv

mode = FakeMode(ShapeEnv())
x = mode.fake(torch.ones(2, 3, requires_grad=True), name="x")
y = mode.propagate(torch.Tensor.t, (x,), {})
mode.propagate(torch.Tensor.unsqueeze, (y, -1), {})
mode.propagate(torch.Tensor.unsqueeze, (y, -1), {}).grad_fn
sys.exit("sympy" in sys.modules or "torch.distributed.tensor" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
