"""Text that a language model writes, byte by byte; every sequence of bytes it writes is UTF-8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.kinds.language_model.encoding import BYTES, START, Batch
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.seeds import numpy_generator

_REACH = 2  # times what is read before a row in training is read before a byte that is written
_LEAST = 50  # bytes of it, at least
# Unicode 15.0, table 3-7: the second byte of these is narrower than the others'.
_SECOND = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}


def sample(
    learner: LanguageModel, prompt: bytes, characters: int, temperature: float, seed: int
) -> Iterator[str]:
    """Write so many characters behind ``prompt``, one by one.

    Args:
        temperature: what logits are divided by; 0 takes the likeliest byte each time.
        seed: of what is drawn.
    """
    rng = numpy_generator(seed, "sample")
    reach = max(_LEAST, _REACH * learner.config.context)
    params = dict(learner.named_parameters())
    text = bytearray(prompt[-reach:])
    whole = len(prompt) <= reach  # whether the beginning of the text is still in reach
    for _ in range(characters):
        begun = len(text)
        while True:
            allowed = may_follow(bytes(text[begun:]))
            if not allowed.any():
                break
            logits = _logits(learner, params, bytes(text[-reach:]), whole and len(text) <= reach)
            text.append(_drawn(logits, allowed, temperature, rng))
        yield bytes(text[begun:]).decode()
        if len(text) > reach:
            whole = False
            del text[:-reach]


def may_follow(begun: bytes) -> NDArray[np.bool_]:
    """Which bytes may come next in a character that has begun so; none where it is whole.

    What ends a line or a column may be written, and no other control.
    """
    found = np.zeros(BYTES, bool)
    if not begun:
        found[[0x09, 0x0A]] = True
        found[0x20:0x7F] = True
        found[0xC2:0xF5] = True
        return found
    first = begun[0]
    size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if len(begun) < size:
        low, high = _SECOND.get(first, (0x80, 0xBF)) if len(begun) == 1 else (0x80, 0xBF)
        if first == 0xC2 and len(begun) == 1:
            low = 0xA0  # below are controls of Latin-1
        found[low : high + 1] = True
    return found


@torch.no_grad()
def _logits(
    learner: LanguageModel, params: Mapping[str, torch.Tensor], text: bytes, begins: bool
) -> NDArray[np.float64]:
    """Logits of the byte behind ``text``, at whose beginning a document begins, or not."""
    read = [START, *text] if begins or not text else list(text)
    device = next(learner.parameters()).device
    symbols = torch.tensor([read], device=device)
    weight = torch.zeros(1, len(read), device=device)
    weight[0, -1] = 1
    lengths = torch.tensor([len(read)], device=device)
    batch = Batch(symbols, torch.zeros_like(symbols), weight, lengths, 1)
    found: NDArray[np.float64] = learner.log_probabilities(params, batch)[0].double().cpu().numpy()
    return found


def _drawn(
    logits: NDArray[np.float64], allowed: NDArray[np.bool_], temperature: float,
    rng: np.random.Generator,
) -> int:  # fmt: skip
    scaled = np.where(allowed, logits, -np.inf)
    if temperature == 0:
        return int(scaled.argmax())
    scaled = (scaled - scaled.max()) / temperature
    weights = np.exp(scaled)
    return int(rng.choice(BYTES, p=weights / weights.sum()))
