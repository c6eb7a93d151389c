"""How good translations are: chrF, with BLEU beside it, as sacrebleu computes them.

Sources: Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; Papineni
et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002; Post, "A Call
for Clarity in Reporting BLEU Scores", WMT 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds.translation.packages import sacrebleu_metrics

FURTHER = ("bleu",)
FIGURE = Figure(
    "chrf", "chrF", "character n-gram F-score (chrF)", "points of 100", further=FURTHER,
    counted="pairs", group="split",
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """chrF of ``size`` pairs as one corpus; ``further`` has BLEU."""

    value: float
    size: int
    further: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Score] = field(default_factory=dict)


def score(translations: Sequence[str], references: Sequence[str]) -> Score:
    """The score of some translations, one reference each.

    Raises:
        UserError: sacrebleu is not installed.
    """
    metrics = sacrebleu_metrics()
    values = [
        float(metric.corpus_score(list(translations), [list(references)]).score)
        for metric in (metrics.CHRF(), metrics.BLEU())
    ]
    return Score(values[0], len(references), {FURTHER[0]: values[1]})


def each_chrf(translations: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF of each translation by itself, one reference each."""
    metric = sacrebleu_metrics().CHRF()
    pairs = zip(translations, references, strict=True)
    return [float(metric.sentence_score(one, [other]).score) for one, other in pairs]


def signatures() -> dict[str, str]:
    """What sacrebleu says of how each figure was computed, by its key."""
    metrics = sacrebleu_metrics()
    found = {}
    for key, metric in ((FIGURE.key, metrics.CHRF()), (FURTHER[0], metrics.BLEU())):
        metric.corpus_score(["a b c d"], [["a b c d"]])  # which counts references for the signature
        found[key] = str(metric.get_signature())
    return found
