"""``fewshot-metalstm pack`` with a checkpoint of series: a copy with its card."""

from __future__ import annotations

from fewshot_metalstm.cli.packing import pack_command

pack = pack_command(
    "fewshot_metalstm.kinds.forecasting.shipping",
    "A checkpoint of series is small as it is: a copy is written, with its card.",
)
