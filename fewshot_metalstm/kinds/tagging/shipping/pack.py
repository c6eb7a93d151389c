"""Making a small checkpoint of one that ``meta-train`` wrote, to ship or to share.

Word vectors and n-gram buckets are most of a checkpoint. They are kept in a byte a number with one
scale a row (:func:`~fewshot_metalstm.nn.stored_rows.quantise`), which turns a looked-up vector by
next to nothing, as :class:`Account` tells. Weights stay as they are. If that is still too large,
the rarest words lose their row and are composed of their n-grams from then on, as unknown words
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.adapt.policy import load_policy
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.kinds.tagging.adapt.policy import check_policy
from fewshot_metalstm.kinds.tagging.shipping.card import card, figures_in
from fewshot_metalstm.kinds.tagging.shipping.sentences import learned_again
from fewshot_metalstm.kinds.tagging.shipping.starts import check_together, further_start
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TaggerModel,
    load_model,
    read_config,
    save_model,
)
from fewshot_metalstm.nn.stored_rows import Quantised, Rows
from fewshot_metalstm.nn.vectors import WordVectors, ngram_hashes, normalise, quantised_vectors
from fewshot_metalstm.pretrained import CARD
from fewshot_metalstm.writing import beside, write_text

MEGABYTE = 10**6
LIMIT = 20.0  # MB of all files together, by default
_KEPT = 0.5  # of the words, at least, that keep their row


@dataclass(frozen=True)
class Account:
    """What packing did.

    ``turned`` is the largest cosine distance between a looked-up vector (or a bucket) before and
    after, over what kept its row; ``dropped_turned`` the mean over the words that lost theirs.
    """

    bytes_before: int
    words: int
    words_dropped: int
    turned: float
    dropped_turned: float


@dataclass(frozen=True)
class Packed:
    """A packed checkpoint: its folder, its size with the model card, and what was done."""

    folder: Path
    bytes: int
    account: Account

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"folder": str(self.folder), "bytes": self.bytes, **asdict(self.account)}


def pack(
    checkpoint: Path, output: Path, *, results: Path | None = None, limit: float = LIMIT,
    policy: Path | None = None, sentences: bool = False, data_dir: Path | None = None,
    starts: Sequence[Path] = (),
) -> Packed:  # fmt: skip
    """Write a packed copy of ``checkpoint`` with its model card to ``output``.

    The same checkpoint gives the same bytes. An older model in ``output`` is replaced. What is
    packed already is left as it is, and only its card is made anew.

    Args:
        results: figures for the card; see
            :func:`~fewshot_metalstm.kinds.tagging.shipping.card.figures`. Without, those of a card
            that stands beside the checkpoint are kept.
        limit: most MB (10^6 bytes) of all files together.
        policy: a file of an adaptation policy that the copy is to have, in place of the
            checkpoint's own. Beside further starts its recipes become those of all of them
            (:meth:`~fewshot_metalstm.adapt.policy.Policy.for_starts`).
        sentences: make the digests of the sentences that it learned from again, of the corpora in
            ``data_dir``; see
            :func:`~fewshot_metalstm.kinds.tagging.shipping.sentences.learned_again`.
        starts: checkpoints whose weights are to be further starts of the copy, in place of those
            that it has; see :func:`~fewshot_metalstm.kinds.tagging.shipping.starts.further_start`.

    Raises:
        UserError: no checkpoint there, too large whatever is done, ``results`` that are none,
            a ``policy`` that is none or for other starts, ``sentences`` that cannot be had, or a
            checkpoint for a further start that does not fit.
    """
    model = load_model(checkpoint, CHECKPOINT)
    if sentences:
        about = {**model.about, **_training(checkpoint)}
        model = replace(model, sentences=learned_again(about, str(checkpoint), data_dir))
    if policy is not None:
        read = load_policy(policy)
        check_policy(read, str(policy))
        model = replace(model, policy=read)
    if starts:
        further = []
        for path in starts:
            start = further_start(model, load_model(path, CHECKPOINT), str(path))
            further.append(replace(start, about={**start.about, **_training(path)}))
        model = replace(model, further=tuple(further))
    if model.policy is not None:
        model = replace(model, policy=model.policy.for_starts(1 + len(model.further)))
    check_together(model)
    before = read_config(checkpoint, CHECKPOINT)["sha256"]
    size = _bytes(checkpoint)
    with beside(output, put_in_place) as folder:
        room = round(limit * MEGABYTE)
        kept = len(model.vectors.words)
        while True:
            made, account = _packed(model, kept, size, before, checkpoint)
            save_model(made, folder)
            page = card(folder, output.name, results, figures_in(checkpoint / CARD))
            write_text(page, folder / CARD)
            over = _bytes(folder) - room
            if over <= 0:
                break
            kept = _fewer(model.vectors, kept, over, limit)
        folder.chmod(0o755)
        for file in folder.iterdir():  # safetensors keeps its files to their owner
            file.chmod(0o644)
    return Packed(output, _bytes(output), account)


def _packed(
    model: TaggerModel, kept: int, size: int, before: Mapping[str, str], checkpoint: Path
) -> tuple[TaggerModel, Account]:
    """``model`` with the first ``kept`` words and quantised rows, and what that did."""
    vectors = smaller(model.vectors, kept)
    done = model.about.get("packed")
    if done is not None and kept == len(model.vectors.words):
        packed = {k: v for k, v in done.items() if k != "sha256"}
        return model, Account(**packed)
    account = _account(model.vectors, vectors, size)
    about = {**model.about, **_training(checkpoint)}
    about["packed"] = {**asdict(account), "sha256": dict(before)}
    return replace(model, vectors=vectors, about=about), account


def smaller(vectors: WordVectors, kept: int) -> WordVectors:
    """The same vectors in a byte a number, of the first ``kept`` words alone."""
    small = quantised_vectors(vectors)
    matrix = small.matrix
    if isinstance(matrix, Quantised) and kept < len(vectors.words):
        matrix = replace(matrix, codes=matrix.codes[:kept], scales=matrix.scales[:kept])
    return replace(small, words=vectors.words[:kept], matrix=matrix)


def _account(before: WordVectors, after: WordVectors, size: int) -> Account:
    kept, dropped = after.words, before.words[len(after.words) :]
    turned = [_turned(before.lookup(kept), after.lookup(kept))]
    if before.subwords is not None and after.subwords is not None:
        turned.append(_turned(_all(before.subwords.buckets), _all(after.subwords.buckets)))
    lost = _turned(before.lookup(dropped), after.lookup(dropped))
    return Account(
        size, len(kept), len(dropped), float(f"{np.concatenate(turned).max(initial=0.0):.3g}"),
        float(f"{lost.mean() if len(lost) else 0.0:.3g}"),
    )  # fmt: skip


def _turned(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Cosine distance of each row from the row beside it; 0 for a row of zeros."""
    before, after = before.astype(np.float64), after.astype(np.float64)
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    inside = np.divide((before * after).sum(axis=1), norms, out=np.ones_like(norms),
                       where=norms > 0)  # fmt: skip
    turned: npt.NDArray[np.float64] = np.maximum(0.0, 1.0 - inside)
    return turned


def _all(rows: Rows) -> npt.NDArray[np.float32]:
    return np.asarray(rows[:], np.float32)


def _fewer(vectors: WordVectors, kept: int, over: int, limit: float) -> int:
    """How many words to keep so that about ``over`` bytes are saved: fewer than ``kept``.

    Words stand in the order of their frequency; those without an n-gram keep their row, and so
    does every word before them.

    Raises:
        UserError: so many cannot be spared.
    """
    subwords = vectors.subwords
    least = len(vectors.words) if subwords is None else round(_KEPT * len(vectors.words))
    while over > 0 and kept > least and subwords is not None:
        word = vectors.words[kept - 1]
        if not ngram_hashes(normalise(word), subwords.min_n, subwords.max_n, len(subwords.buckets)):
            break
        over -= vectors.matrix.shape[1] + 4 + len(word.encode())
        kept -= 1
    if over > 0:
        raise UserError(
            f"the checkpoint is over {limit:g} MB however it is packed: no more than "
            f"{len(vectors.words) - kept} words can do without a row; meta-train with a smaller "
            "vectors.size or vectors.buckets, or raise --limit"
        )
    return kept


def _training(checkpoint: Path) -> dict[str, Any]:
    """Settings and seconds of the run that ``checkpoint`` is in, as far as they are there."""
    from fewshot_metalstm.config import read_mapping
    from fewshot_metalstm.meta.state import load_state

    run = checkpoint.resolve().parent
    found: dict[str, Any] = {}
    if (run / "config.yaml").is_file():
        settings = read_mapping(run / "config.yaml")
        if settings.get("start"):
            # The joint training that it started from, under a name that is not of this machine.
            start = Path(settings["start"])
            inside = (start / "config.yaml").is_file()
            found["start"] = _training(start / "checkpoint" if inside else start)
            settings["start"] = f"runs/{start.name if inside else start.parent.name}"
        found["settings"] = settings
    state = run / "state" / "training.safetensors"
    if state.is_file():
        found["seconds"] = round(float(load_state(state).record["seconds"]), 1)
    return found


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
