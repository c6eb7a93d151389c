"""The model card of a tagger, adapted or trained: Markdown with front matter for model hubs.

Everything in it comes from the tagger itself; the same tagger gives the same page. The card of a
checkpoint is :mod:`fewshot_metalstm.kinds.tagging.shipping.card`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from fewshot_metalstm.encoders.reference import VARIABLE
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.nn.cells import find


def tagger_card(model: TaggerModel, name: str) -> str:
    """The model card of ``model``, an adapted tagger that is to be called ``name``."""
    sections = [
        _front_matter(),
        f"# {name}",
        _what(model),
        f"## Use\n\n{_use(model, name)}",
        f"## Made from\n\n{_made_from(model)}",
        f"## Figures\n\n{_figures(model.about)}",
        f"## Limits\n\n{_limits(model)}",
        "## Licence\n\n"
        "The code is MIT. What the weights may be used for depends on the examples, which this "
        "card knows nothing of, and on the corpora that the checkpoint was trained on, which its "
        "own card names.",
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter() -> str:
    fields = {
        "language": "en",
        "library_name": "fewshot-metalstm",
        "pipeline_tag": "token-classification",
        "tags": ["named-entity-recognition", "few-shot-learning", "biomedical"],
    }
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---"


def _what(model: TaggerModel) -> str:
    about = model.about
    synthetic = " **The examples are synthetic.**" if about.get("synthetic") else ""
    cell = find(model.learner.config.lstm.kind).called
    made = "trained on" if _trained(about) else "adapted from a few"
    return (
        f"A tagger of {_list(model.types)} in English biomedical text: {cell} with a CRF, "
        f"{made} annotated sentences.{synthetic}"
    )


def _use(model: TaggerModel, name: str) -> str:
    return (
        "```sh\n"
        f"fewshot-metalstm predict {name} notes.txt\n"
        "```\n\n"
        "```python\n"
        "from fewshot_metalstm import Tagger\n\n"
        f'tagger = Tagger.from_pretrained("{name}")\n'
        'print(tagger.tag("Mice were infected with E. coli."))\n'
        "```\n\n"
        f"It gives mentions of {_list(model.types)} with offsets in characters and a confidence."
        + _encoder(model)
    )


def _encoder(model: TaggerModel) -> str:
    """What else whoever uses the tagger has to bring."""
    if model.encoder is None:
        return ""
    reference = model.encoder
    packages = "".join(f", and the package `{name}`" for name in reference.packages)
    return (
        f"\n\nIt reads with the frozen encoder `{reference.name}` (SHA-256 "
        f"`{reference.sha256[:16]}`), which is not in it: it needs that encoder{packages}. Where "
        f"its folder has another name, `{VARIABLE}` says so."
    )


def _made_from(model: TaggerModel) -> str:
    about = model.about
    start: Mapping[str, Any] = about.get("from", {})
    lines = [
        f"- examples: {about.get('support_sentences', 'unknown')} sentences of "
        f"`{about.get('target', 'unknown')}`",
        *(
            [f"- jointly with: {_list(tuple(about['jointly_with']))}"]
            if about.get("jointly_with")
            else []
        ),
        f"- method: {about.get('method', 'unknown')}, tuned: {about.get('tune', 'unknown')}, "
        f"seed {about.get('seed', 'unknown')}",
    ]
    if "unlabelled_sentences" in about:
        lines.append(
            f"- self-training: {about['unlabelled_sentences']} unlabelled sentences, as it tagged "
            "them itself"
            if "teacher" not in about
            else f"- taught: {about['unlabelled_sentences']} unlabelled sentences, as "
            f"`{about['teacher']}` tagged them"
        )
    if start:
        lines.append(
            f"- checkpoint: suite `{start.get('suite', 'unknown')}`, meta-trained with "
            f"{start.get('algorithm', 'an unknown algorithm')}"
        )
    lines.append(f"- word vectors: {model.vectors.source or 'of unknown source'}")
    return "\n".join(lines)


def _figures(about: Mapping[str, Any]) -> str:
    f1 = about.get("test_f1")
    if f1 is None:
        return "None: it was not scored. Score it on sentences of yours that it has not seen."
    where = f"Strict entity-level micro F1 {f1:.2f} (0-100) on the whole test split of "
    if _trained(about):
        return f"{where}`{about['target']}`; the epoch was chosen by {about['chosen_by']}."
    return f"{where}`{about['target']}`, of this one support; another would give another figure."


def _limits(model: TaggerModel) -> str:
    lines = [
        "- Confidences are the model's own probabilities, not calibrated: use them to rank.",
        "- Names unlike those annotated are missed, the more the fewer there are; check a sample.",
        "- It is no medical device, and no basis for decisions on a patient.",
    ]
    if model.lexicon.mentions and model.lexicon.bonus:
        lines.append(
            f"- `config.json` holds {len(model.lexicon.mentions)} mentions of the examples, which "
            "tagging makes use of: do not pass the tagger on if they are confidential."
        )
    return "\n".join(lines)


def _trained(about: Mapping[str, Any]) -> bool:
    """Whether `train` made it, of all that was annotated."""
    return about.get("method") == "train"


def _list(types: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in types)
