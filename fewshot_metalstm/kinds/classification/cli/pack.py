"""``fewshot-metalstm pack`` with a checkpoint of texts: small enough to ship, with its card."""

from __future__ import annotations

from fewshot_metalstm.cli.packing import pack_command

pack = pack_command(
    "fewshot_metalstm.kinds.classification.shipping",
    "A checkpoint of texts is packed likewise; one that is over the limit is refused.",
)
