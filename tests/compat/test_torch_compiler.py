"""Optimisers and gradients without the compiler, and the compiler when it is asked for."""

from __future__ import annotations

import subprocess
import sys

OPTIMISE = """
import sys
import torch
from fewshot_metalstm.compat.torch_compiler import defer_compiler

defer_compiler()
weight = torch.zeros(3, requires_grad=True)
optimiser = torch.optim.Adam([weight], lr=0.5)
weight.sum().backward()
optimiser.step()
optimiser.zero_grad()
optimiser.load_state_dict(optimiser.state_dict())
given = torch.ones(3)
(found,) = torch.autograd.grad(weight * 2, weight, given)
assert torch.equal(found, given * 2)
try:
    torch.autograd.grad(weight * 2, weight, torch.ones(2))
except RuntimeError as problem:
    assert "Mismatch in shape" in str(problem)
else:
    raise AssertionError("a gradient of another shape passed")
assert torch.allclose(weight, torch.full((3,), -0.5)), weight
assert "torch._dynamo.symbolic_convert" not in sys.modules
assert "sympy" not in sys.modules
rules = torch._dynamo.trace_rules
rules.clear_lru_cache()
assert "sympy" not in sys.modules
compiled = torch.compile(lambda x: x * weight + 1, backend="eager")
assert torch.equal(compiled(torch.zeros(3)), torch.ones(3))
assert "torch._dynamo.symbolic_convert" in sys.modules
assert rules.lookup is torch._dynamo.trace_rules.lookup
assert torch._dynamo.config is sys.modules["torch._dynamo.config"]
from torch.fx.experimental.symbolic_shapes import ShapeEnv
assert ShapeEnv is sys.modules["torch.fx.experimental.symbolic_shapes"].ShapeEnv
before = sys.modules["torch._dynamo"]
defer_compiler()
assert sys.modules["torch._dynamo"] is before, "what is imported stays"
"""


def test_optimisers_do_without_it_and_it_comes_when_one_compiles() -> None:
    done = subprocess.run([sys.executable, "-c", OPTIMISE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
