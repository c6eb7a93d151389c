"""A closer look at an adapted translator: its worst and its best translations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from markupsafe import Markup

from fewshot_metalstm.kinds.translation.model import PRODUCT, load_model
from fewshot_metalstm.kinds.translation.score import each_chrf, score
from fewshot_metalstm.kinds.translation.scoring import translate
from fewshot_metalstm.kinds.translation.tasks import TranslationTask
from fewshot_metalstm.pages.look import Look, LookPart, relative

SHOWN = 5  # translations, of the worst and of the best
_INTRO = (
    "chrF of single sentences: how much a translation has in common with the one of the split, in "
    "pieces of up to six characters. Another translation that is right may have little."
)


@dataclass(frozen=True)
class Translated:
    """A sentence, its translation in the split, what the model made of it, and chrF of that."""

    source: str
    reference: str
    translation: str
    chrf: float


def report_look(folder: Path, task: TranslationTask, split: str, device: torch.device) -> Look:
    """The worst and the best translations of the translator in ``folder`` on a split.

    Raises:
        UserError: there is no such translator.
    """
    model = load_model(folder, PRODUCT)
    learner = model.learner.to(device)
    pairs = task.splits[split]
    params = dict(learner.named_parameters())
    found, cut = translate(
        learner, params, model.subwords, pairs.sources, learner.config.beam, device
    )
    whole = score(found, pairs.targets)
    every = sorted(
        map(Translated, pairs.sources, pairs.targets, found, each_chrf(found, pairs.targets)),
        key=lambda one: one.chrf,
    )
    text = f"the {split} split of {task.name}"
    ended = f" {cut} were ended at their greatest length." if cut else ""
    words = Markup(
        "<p><code>{}</code> on {}: chrF {:.2f}, BLEU {:.2f} on {:,} pairs.{}</p>{}{}"
    ).format(
        relative(folder), text, whole.value, whole.further["bleu"], whole.size, ended,
        _table("The worst", every[:SHOWN]), _table("The best", every[: -SHOWN - 1 : -1]),
    )  # fmt: skip
    part = LookPart("translations", "Worst and best translations", _INTRO, words)
    facts = {
        PRODUCT: str(folder), "split": text, "chrf": round(whole.value, 2),
        "bleu": round(whole.further["bleu"], 2), "pairs": whole.size, "ended": cut,
        "worst": [vars(one) for one in every[:SHOWN]],
    }  # fmt: skip
    return Look(folder, text, (part,), facts)


def _table(title: str, shown: Sequence[Translated]) -> Markup:
    head = Markup(
        "<tr><th>sentence</th><th>translation in the split</th><th>by the model</th>"
        "<th>chrF</th></tr>"
    )
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1f}</td></tr>").format(
            one.source, one.reference, one.translation, one.chrf
        )
        for one in shown
    )
    return Markup("<h4>{}</h4><table>{}{}</table>").format(title, head, rows)
