"""Which form of the layer is the fastest one on this machine."""

from __future__ import annotations

import torch
from torch import Tensor

from fewshot_metalstm.nn import jit
from fewshot_metalstm.nn.fused import layer_fused
from fewshot_metalstm.nn.layer import Form, layer_by_hand


def fastest(words: Tensor) -> Form:
    """The form of the layer that is fastest for tensors like ``words``."""
    if (
        words.device.type == "cpu"
        and words.dtype in (torch.float32, torch.float64)
        and jit.available()
    ):
        return layer_fused
    return layer_by_hand
