"""The arrays of the steps of :mod:`fewshot_metalstm.nn.hyper`."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import Norm


class Turned(NamedTuple):
    """Weights transposed, block by block."""

    meta_h: Tensor
    meta_g: Tensor
    to_z: Tensor
    to_scale: Tensor
    wh: Tensor


class Weights(NamedTuple):
    """What the steps multiply with: see :mod:`fewshot_metalstm.nn.hyper`.

    Of k gates, h outputs and m of the small network: ``meta_h`` (2, h, k * m), ``meta_g`` (2, m, k
    * m), ``wh`` (2, h, k * h). Scales of W_h h, of W_x x and of the bias, one after the other, come
    from g in one product, ``to_scale`` (2, m, 3kh), or from the numbers z that ``to_z`` (2, m, 3kz)
    and ``z_at_rest`` (2, 1, 3kz) make of g, one block of ``to_scale`` (2, 3k * z, h) after the
    other. ``at_rest`` (2, 1, 3kh) is added to them.
    """

    meta_h: Tensor
    meta_g: Tensor
    to_z: Tensor
    z_at_rest: Tensor
    to_scale: Tensor
    at_rest: Tensor
    wh: Tensor
    meta_norm: Norm
    norm: Norm

    def blocks(self) -> int:
        """How many blocks ``to_scale`` has."""
        return 3 * self.wh.shape[2] // self.wh.shape[1] if self.to_z.numel() else 1

    def turned(self) -> Turned:
        """Transposed, for the way back."""
        each = self.to_scale.reshape(2, self.blocks(), -1, self.to_scale.shape[2])
        to_scale = each.transpose(2, 3).flatten(1, 2)
        others = self.meta_h, self.meta_g, self.to_z, self.wh
        meta_h, meta_g, to_z, wh = (y.transpose(1, 2).contiguous() for y in others)
        return Turned(meta_h, meta_g, to_z, to_scale.contiguous(), wh)

    def in_one(self) -> Weights:
        """The same scales, made of g in one product."""
        if not self.to_z.numel():
            return self
        blocks = self.blocks()
        right = self.to_scale.reshape(2, blocks, -1, self.wh.shape[1])

        def times_to_scale(left: Tensor) -> Tensor:
            each = left.reshape(2, left.shape[1], blocks, -1).transpose(1, 2) @ right
            return each.transpose(1, 2).flatten(2)

        return self._replace(
            to_z=self.to_z.detach()[..., :0], z_at_rest=self.z_at_rest.detach()[..., :0],
            to_scale=times_to_scale(self.to_z),
            at_rest=times_to_scale(self.z_at_rest) + self.at_rest,
        )  # fmt: skip


class Products(NamedTuple):
    """What a step multiplies, (2, N, .): ``z`` (3kz), ``scales`` (3kh) and ``of_h``, W_h h (kh)."""

    z: Tensor
    scales: Tensor
    of_h: Tensor


class Slopes(NamedTuple):
    """Gradients of :class:`Products` and of W_x x."""

    z: Tensor
    scales: Tensor
    of_h: Tensor
    x: Tensor
