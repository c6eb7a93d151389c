"""Making a small checkpoint of one that ``meta-train`` wrote, with its model card.

Word vectors and n-gram buckets are most of a checkpoint; they are kept in a byte a number with one
scale a row (:func:`~fewshot_metalstm.nn.stored_rows.quantise`). Weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.kinds import shipping
from fewshot_metalstm.kinds.classification.model import load_model, read_config, save_model
from fewshot_metalstm.kinds.classification.score import FIGURE
from fewshot_metalstm.kinds.classification.tasks import KIND
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.nn.vectors import quantised_vectors

_FIGURES = (
    "Accuracy in percent on whole test splits of domains that were not learned from: mean over "
    "draws of the support with its 95% interval. Shots are texts of each class."
)


def pack(checkpoint: Path, output: Path, *, results: Path | None, limit: float) -> int:
    """Write a packed copy of ``checkpoint`` with its model card to ``output``; its bytes.

    Args:
        results: a sweep's ``report.json``, for the card.
        limit: most MB (10^6 bytes) of all files together.

    Raises:
        UserError: no checkpoint there, too large, or ``results`` that are none.
    """
    model = load_model(checkpoint, CHECKPOINT)
    before = model.about.get("packed", {"sha256": read_config(checkpoint, CHECKPOINT)["sha256"]})
    made = replace(
        model, vectors=quantised_vectors(model.vectors), about={**model.about, "packed": before}
    )
    return shipping.write_packed(
        checkpoint, output, save=lambda folder: save_model(made, folder),
        card=lambda folder: card(folder, output.name, results), limit=limit,
        cure="train it with a smaller vectors.size or a greater vectors.min_count",
    )  # fmt: skip


def card(folder: Path, name: str, results: Path | None) -> str:
    """The model card of the packed checkpoint in ``folder``, to be called ``name``."""
    config = read_config(folder, CHECKPOINT)
    about = config["about"]
    fields = {
        "language": "en", "license": "other", "pipeline_tag": "text-classification",
        "tags": ["sentiment-analysis", "few-shot-learning", "meta-learning"],
    }  # fmt: skip
    cleared = ", ".join(about.get("targets_excluded", ())) or "none"
    return shipping.page(name, fields, [
        f"`{name}` is a start for classifying English texts such as reviews: a recurrent "
        f"classifier ({about.get('algorithm')}) trained on the suite `{about.get('suite')}`, which "
        "a few labelled texts adapt in seconds, on a CPU. It labels nothing by itself.",
        "## Use\n\n```sh\n"
        f"fewshot-metalstm adapt --train mine.csv --checkpoint {name} --output my-classifier\n"
        "fewshot-metalstm predict my-classifier new.csv\n```\n\n"
        "`mine.csv` has a column of texts and one of labels.",
        "## Data\n\nIt has learned from the train splits of these alone:\n\n"
        + shipping.learned_from(about, KIND, "domain", "the texts learned from"),
        f"## Training\n\n{_training(about)}",
        f"## Figures\n\n{shipping.figures(results, FIGURE, _FIGURES)}",
        "## Limits\n\n"
        "- What it has read are English reviews, in lower case, of the years before 2016; all of "
        "its tasks tell praise from blame. For classes of another kind it is little more than "
        "word vectors.\n"
        f"- It has learned from the domains in the table: `adapt` refuses them. It was cleared of "
        f"every text that stands in a test split of {cleared}.\n"
        f"- Of a text with more than {config['classifier']['longest']} tokens it reads the first "
        + "\n".join(["and the last half.", *shipping.of_pieces(config)]),
        "## Licence\n\nThe code is MIT. The repository that the reviews come from is MIT too; the "
        "terms of the reviews themselves are not stated there.",
        shipping.digests(config),
    ])  # fmt: skip


def _training(about: Mapping[str, Any]) -> str:
    found = about.get("validation_accuracy")
    figure = "not measured" if found is None else f"{found:.2f} percent"
    return (
        f"Algorithm {about.get('algorithm')}, seed {about.get('seed')}, outer step "
        f"{about.get('outer_step', 0)}, by the accuracy of meta-validation on devel texts of the "
        f"domains above: {figure}. `config.json` has the settings that count (`about.recipe`)."
    )
