"""Making a small checkpoint of one that ``meta-train`` wrote, with its model card.

Word vectors and n-gram buckets are most of a checkpoint; they are kept in a byte a number with one
scale a row (:func:`~fewshot_metalstm.nn.vectors.quantise`). Weights stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.kinds.classification.model import load_model, read_config, save_model
from fewshot_metalstm.kinds.classification.tasks import KIND
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.nn.vectors import quantise
from fewshot_metalstm.pretrained import CARD
from fewshot_metalstm.writing import beside, write_text

MEGABYTE = 10**6
HOME = "fewshot-metalstm"


def pack(checkpoint: Path, output: Path, *, results: Path | None, limit: float) -> int:
    """Write a packed copy of ``checkpoint`` with its model card to ``output``; its bytes.

    Args:
        results: a sweep's ``report.json``, for the card.
        limit: most MB (10^6 bytes) of all files together.

    Raises:
        UserError: no checkpoint there, too large, or ``results`` that are none.
    """
    model = load_model(checkpoint, CHECKPOINT)
    vectors = model.vectors
    subwords = vectors.subwords
    small = replace(
        vectors, matrix=quantise(vectors.matrix),
        subwords=subwords and replace(subwords, buckets=quantise(subwords.buckets)),
    )  # fmt: skip
    before = model.about.get("packed", {"sha256": read_config(checkpoint, CHECKPOINT)["sha256"]})
    with beside(output, put_in_place) as folder:
        save_model(replace(model, vectors=small, about={**model.about, "packed": before}), folder)
        write_text(card(folder, output.name, results), folder / CARD)
        size = sum(file.stat().st_size for file in folder.iterdir())
        if size > limit * MEGABYTE:
            raise UserError(
                f"{checkpoint} takes {size / MEGABYTE:.1f} MB packed, over {limit:g}; train it "
                "with a smaller vectors.size or a greater vectors.min_count"
            )
        folder.chmod(0o755)
        for file in folder.iterdir():  # safetensors keeps its files to their owner
            file.chmod(0o644)
    return size


def card(folder: Path, name: str, results: Path | None) -> str:
    """The model card of the packed checkpoint in ``folder``, to be called ``name``."""
    import yaml

    config = read_config(folder, CHECKPOINT)
    about = config["about"]
    fields = {
        "language": "en", "license": "other", "library_name": HOME,
        "pipeline_tag": "text-classification",
        "tags": ["sentiment-analysis", "few-shot-learning", "meta-learning"],
    }  # fmt: skip
    known = Catalogue.load(kind=KIND)
    corpora: Mapping[str, Mapping[str, str]] = about.get("corpora", {})
    rows = [("domain", "licence", "source", "SHA-256 of the texts learned from")]
    rows += [
        (each, known[each].licence, known[each].citation, f"`{digests.get('train', '')[:16]}`")
        for each, digests in corpora.items() if each in known
    ]  # fmt: skip
    cleared = ", ".join(about.get("targets_excluded", ())) or "none"
    parts = [
        f"---\n{yaml.safe_dump(fields, sort_keys=False)}---",
        f"# {HOME}: {name}",
        f"`{name}` is a start for classifying English texts such as reviews: a recurrent "
        f"classifier ({about.get('algorithm')}) trained on the suite `{about.get('suite')}`, which "
        "a few labelled texts adapt in seconds, on a CPU. It labels nothing by itself.",
        "## Use\n\n```sh\n"
        f"fewshot-metalstm adapt --train mine.csv --checkpoint {name} --output my-classifier\n"
        "fewshot-metalstm predict my-classifier new.csv\n```\n\n"
        "`mine.csv` has a column of texts and one of labels.",
        "## Data\n\nIt has learned from the train splits of these alone:\n\n" + table(rows),
        f"## Training\n\n{_training(about)}",
        f"## Figures\n\n{_figures(results)}",
        "## Limits\n\n"
        "- What it has read are English reviews, in lower case, of the years before 2016; all of "
        "its tasks tell praise from blame. For classes of another kind it is little more than "
        "word vectors.\n"
        f"- It has learned from the domains in the table: `adapt` refuses them. It was cleared of "
        f"every text that stands in a test split of {cleared}.\n"
        f"- Of a text with more than {config['classifier']['longest']} tokens it reads the first "
        "and the last half.",
        "## Licence\n\nThe code is MIT. The repository that the reviews come from is MIT too; the "
        "terms of the reviews themselves are not stated there.",
        "## Files\n\nSHA-256 of what the package checks when it loads the checkpoint:\n\n"
        + "\n".join(f"- `{file}`: `{digest}`" for file, digest in config["sha256"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _training(about: Mapping[str, Any]) -> str:
    found = about.get("validation_accuracy")
    figure = "not measured" if found is None else f"{found:.2f} percent"
    return (
        f"Algorithm {about.get('algorithm')}, seed {about.get('seed')}, outer step "
        f"{about.get('outer_step', 0)}, by the accuracy of meta-validation on devel texts of the "
        f"domains above: {figure}. `config.json` has the settings that count (`about.recipe`)."
    )


def _figures(results: Path | None) -> str:
    if results is None:
        return "None were given when this card was made."
    try:
        stored = json.loads(results.read_text(encoding="utf-8"))
        rows = [
            (str(row["target"]), str(row["shots"] or "all"), str(row["method"]), _spread(row))
            for row in stored["rows"] if row["accuracy"] is not None
        ]  # fmt: skip
    except OSError as problem:
        raise at(results, None, f"cannot be read ({problem.strerror})", "check the path") from None
    except (ValueError, LookupError, TypeError):
        cure = "give a sweep's report.json"
        raise at(results, None, "holds no rows of figures", cure) from None
    return (
        "Accuracy in percent on whole test splits of domains that were not learned from: mean over "
        "draws of the support with its 95% interval. Shots are texts of each class.\n\n"
        + table([("target", "shots", "method", "accuracy"), *rows])
    )


def _spread(row: Mapping[str, Any]) -> str:
    found = row["accuracy"]
    half = "" if found["ci95"] is None else f" ± {float(found['ci95']):.2f}"
    return f"{float(found['mean']):.2f}{half}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; the first row is the head."""
    body = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([body[0], "|---" * len(rows[0]) + "|", *body[1:]])
