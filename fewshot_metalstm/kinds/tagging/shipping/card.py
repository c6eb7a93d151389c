"""The model card of a packed checkpoint: Markdown with the front matter that model hubs read.

Everything in it comes from the checkpoint's ``config.json``, the catalogue and a file of figures;
the same input gives the same page.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.shipping import of_pieces, table
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, read_config

WEIGHTS = "model.safetensors"
OWN = "this checkpoint"  # what a method is called in the table that adapts it
_HOME = "fewshot-metalstm"
_FIGURES = "## Figures"


@dataclass(frozen=True)
class Figure:
    """A line of the table: F1 (0-100) as text, such as ``53.02 ± 9.91``."""

    target: str
    shots: int
    method: str
    f1: str


@dataclass(frozen=True)
class Figures:
    """The table of a card, and what has to be said of it."""

    rows: tuple[Figure, ...] = ()
    note: str = ""


def card(folder: Path, name: str, results: Path | None = None, known: str = "") -> str:
    """The model card of the checkpoint in ``folder``, to be called ``name``.

    Without ``results`` its section of figures is ``known``, that of an earlier card
    (:func:`figures_in`).

    Raises:
        UserError: no checkpoint there, or ``results`` that are none (see :func:`figures`).
    """
    config = read_config(folder, CHECKPOINT)
    about = config["about"]
    digests = {config["sha256"][WEIGHTS]}
    digests |= {about.get("packed", {}).get("sha256", {}).get(WEIGHTS, "")} - {""}
    found = Figures() if results is None else figures(results, digests)
    catalogue = Catalogue.load()
    sections = [
        _front_matter(about, catalogue),
        f"# {_HOME}: {name}",
        _what(about, name),
        f"## Use\n\n{_use(name)}",
        f"## Data\n\n{_data(about, catalogue)}",
        f"## Training\n\n{_training(about)}",
        *_further(config.get("starts", ())),
        f"{_FIGURES}\n\n{known if known and results is None else _figures(about, found)}",
        f"## Limits\n\n{_limits(about, config)}",
        f"## Licence\n\n{_licence(about, catalogue)}",
        "## Files\n\nSHA-256 of what the package checks when it loads the checkpoint:\n\n"
        + "\n".join(f"- `{file}`: `{digest}`" for file, digest in config["sha256"].items()),
    ]
    return "\n\n".join(sections) + "\n"


def figures_in(page: Path) -> str:
    """The section of figures of a card, as it stands there; empty where there is no card."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.partition(f"\n{_FIGURES}\n")[2].partition("\n## ")[0].strip()


def figures(path: Path, digests: set[str]) -> Figures:
    """Figures for a card: of a sweep's folder, or of a JSON file.

    Args:
        path: what ``fewshot-metalstm sweep --output`` wrote, of which every cell says which
            checkpoint it adapted; or a file ``{"rows": [...], "note": "..."}`` with the rows of a
            sweep's ``report.json``, which is taken at its word.
        digests: SHA-256 that the checkpoint's weights have, or had before they were packed.

    Raises:
        UserError: neither, or a sweep without a cell of this checkpoint.
    """
    if path.is_dir():
        return _of_sweep(path, digests)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(
            Figure(str(row["target"]), int(row["shots"]), str(row["method"]), _spread(row["f1"]))
            for row in stored["rows"] if row["f1"] is not None
        )  # fmt: skip
        return Figures(rows, str(stored.get("note", "")))
    except OSError as problem:
        raise at(path, None, f"cannot be read ({problem.strerror})", "check the path") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        cure = "give a sweep's folder or its report.json"
        raise at(path, None, "holds no rows of figures", cure) from None


def _of_sweep(sweep: Path, digests: set[str]) -> Figures:
    from fewshot_metalstm.figure import Spread
    from fewshot_metalstm.kinds.tagging.adapt.methods import BASELINES
    from fewshot_metalstm.sweep.store import FORMAT

    groups: dict[tuple[str, int, str], list[float]] = {}
    own: set[str] = set()
    for path in sorted((sweep / "cells").glob("*.json")):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["format"] != FORMAT:
                raise ValueError
            settings, score = stored["settings"], stored["result"]["score"]
            method = str(settings["method"])
            if method not in BASELINES and settings["checkpoint"].get(WEIGHTS) in digests:
                own.add(method)
            if score is not None:
                key = (str(settings["target"]), int(settings["shots"]), method)
                groups.setdefault(key, []).append(float(score["f1"]))
        except (ValueError, LookupError, TypeError):
            raise at(path, None, "is no cell of a sweep of this version", "remove it") from None
    if not any(method in own for _, _, method in groups):
        raise UserError(
            f"{sweep}: none of its figures is of this checkpoint (by the SHA-256 of its weights); "
            "give a sweep that adapted it"
        )
    rows = sorted(groups, key=lambda key: (key[0], key[1], key[2] not in own, key[2]))
    return Figures(tuple(
        Figure(target, shots, OWN if method in own else method,
               Spread.of(groups[target, shots, method]).text())
        for target, shots, method in rows
    ))  # fmt: skip


def _spread(f1: Mapping[str, Any]) -> str:
    half = "" if f1["ci95"] is None else f" ± {float(f1['ci95']):.2f}"
    return f"{float(f1['mean']):.2f}{half}"


def _front_matter(about: Mapping[str, Any], catalogue: Catalogue) -> str:
    import yaml

    licences = _licences(about, catalogue)
    licence = "mit" if not licences else "cc-by-4.0" if licences == ["CC BY 4.0"] else "other"
    fields = {
        "language": "en",
        "license": licence,
        "library_name": _HOME,
        "pipeline_tag": "token-classification",
        "tags": ["named-entity-recognition", "few-shot-learning", "meta-learning", "biomedical"],
    }
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---"


def _what(about: Mapping[str, Any], name: str) -> str:
    synthetic = " **The suite is synthetic: text made from templates.**" if about.get(
        "synthetic") else ""  # fmt: skip
    algorithm = about.get("algorithm", "unknown")
    trained = f"meta-trained ({algorithm}) on the suite `{about.get('suite')}`"
    if algorithm == "joint":
        trained = f"trained on all tasks of the suite `{about.get('suite')}` jointly"
    return (
        f"`{name}` is a start for few-shot named-entity recognition: a Meta-LSTM tagger that was "
        f"{trained}, and that a few annotated sentences of a new kind of entity adapt in seconds, "
        f"on a CPU. It tags nothing by itself.{synthetic}"
    )


def _use(name: str) -> str:
    return (
        "```sh\n"
        f"fewshot-metalstm adapt --train my50.conll --checkpoint {name} --output my-tagger\n"
        "fewshot-metalstm predict my-tagger notes.txt\n"
        "```\n\n"
        "`my50.conll` has a token a line with its tag in the last column (IOB1, IOB2, IOBES or "
        "BILOU) and a blank line after each sentence. Where the checkpoint does not ship with "
        "your installation, give its folder in place of its name."
    )


def _data(about: Mapping[str, Any], catalogue: Catalogue) -> str:
    corpora: Mapping[str, Mapping[str, str]] = about.get("corpora", {})
    rows = [("corpus", "licence", "source", "SHA-256 of the train split")]
    for name, digests in corpora.items():
        origin = ("MIT, written for this project", "made by this package")
        if name in catalogue:
            origin = (catalogue[name].licence, catalogue[name].citation)
        rows.append((name, *origin, f"`{digests.get('train', '')[:16]}`"))
    collections = {
        f"{entry.collection.citation} ({entry.collection.home}, commit "
        f"`{entry.collection.commit[:12]}`)"
        for name in corpora if name in catalogue for entry in [catalogue[name]]
    }  # fmt: skip
    origins = [f"From: {origin}." for origin in sorted(collections)]
    first = "Annotation is learned from the train splits alone; word vectors from all their text."
    digits = "Digests are the first 16 digits; `config.json` has them whole."
    return "\n\n".join([first, table(rows), digits, *origins])


def _training(about: Mapping[str, Any]) -> str:
    lines = [f"- algorithm: {about.get('algorithm')}, seed {about.get('seed')}"]
    start: Mapping[str, Any] = about.get("start", {})
    if "seconds" in about:
        minutes = (about["seconds"] + start.get("seconds", 0.0)) / 60
        lines.append(f"- training took {minutes:.0f} minutes of wall time")
    if about.get("validation_f1") is not None:
        step = about["outer_step"]
        when = (
            f"chosen by meta-validation, at outer step {step}" if step else "after joint training"
        )
        lines.append(
            f"- {when}: F1 {about['validation_f1']:.2f} on held-out splits; no target was looked at"
        )
    if "settings" in about:
        lines += ["- command:", "", "```sh"]
        if "settings" in start:
            output = shlex.quote(about["settings"]["start"])
            lines.append(f"{command(start['settings'])} --output {output}")
        lines += [command(about["settings"]), "```"]
    return "\n".join(lines)


def _further(starts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A section on each start beside the first."""
    sections = []
    for number, start in enumerate(starts, start=2):
        reads = "" if "encoder" not in start else (
            f", reading with the frozen encoder `{start['encoder']['name']}` (SHA-256 "
            f"`{start['encoder']['sha256'][:16]}`), which is not part of it and has to be there"
        )  # fmt: skip
        sections.append(
            f"### Start {number} of {len(starts) + 1}\n\nWeights and source heads that were "
            f"trained apart, on the same word vectors{reads}. What is adapted from each is put "
            f"together as one tagger.\n\n{_training(start['about'])}"
        )
    return sections


def command(settings: Mapping[str, Any]) -> str:
    """The ``meta-train`` command whose settings these are; what is default is left out."""
    from fewshot_metalstm.config import flat, from_mapping, resolve
    from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig, preset, settled
    from fewshot_metalstm.meta.budget import joint_preset

    config = from_mapping(MetaTrainConfig, settings, "settings")
    given = {"tasks": config.tasks, "algorithm": config.algorithm}
    base = preset(config.tasks, config.algorithm)
    base += joint_preset(resolve(MetaTrainConfig, None, (), given, base=base))
    usual = flat(settled(resolve(MetaTrainConfig, None, (), given, base=base)))
    words = ["fewshot-metalstm", "meta-train", "--tasks", config.tasks]
    words += ["--algorithm", config.algorithm, "--seed", str(config.seed)]
    words += [word for target in config.exclude for word in ("--exclude", target)]
    for name, value in flat(config).items():
        if name == "start" and value:
            words += ["--start", str(value)]
        elif value != usual[name] and name not in ("tasks", "algorithm", "seed", "exclude"):
            text = json.dumps(value) if isinstance(value, (bool, list, tuple)) else str(value)
            words += ["--set", f"{name}={'null' if value is None else text}"]
    return shlex.join(words)


def _figures(about: Mapping[str, Any], found: Figures) -> str:
    if not found.rows:
        return "None were given when this card was made."
    world = " The text is synthetic." if about.get("synthetic") else ""
    lines = [
        "Strict entity-level micro F1, 0-100, on whole test splits: mean over draws of the support "
        f"with its 95% interval. Shots are mentions of each type, K to 2K.{world}",
        table([("target", "shots", "method", "F1"), *(
            (row.target, str(row.shots or "all"), row.method, row.f1) for row in found.rows
        )]),
    ]  # fmt: skip
    return "\n\n".join([*lines, *([found.note] if found.note else [])])


def _limits(about: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    families = ", ".join(about.get("families", ())) or "none"
    cleared = ", ".join(about.get("targets_excluded", ())) or "none"
    lines = [
        "- What it has read is English, of biomedical abstracts and articles. Other languages are "
        "untried, and other kinds of text but for those that figures above are of.",
        f"- It has learned from the families {families}: a score on a corpus of one of them means "
        "nothing, and `adapt` refuses it.",
        f"- It was cleared of every sentence that stands in a test split of {cleared}.",
        f"- Word vectors: {config['vectors'].get('source') or 'of unknown source'}. A word that "
        "they do not know is composed of its character n-grams.",
        *of_pieces(config),
        "- With a few sentences, precision is usually higher than recall: names unlike those "
        "annotated are missed.",
    ]
    packed = about.get("packed")
    if packed:
        lines.append(
            "- Word vectors and n-gram buckets are kept in a byte a number with one scale a row; "
            f"the largest cosine distance from what they were is {packed['turned']:.1e}."
        )
        if packed["words_dropped"]:
            lines.append(
                f"- The {packed['words_dropped']} rarest words lost their vector and are composed "
                f"of n-grams: a mean cosine distance of {packed['dropped_turned']:.2f}."
            )
    return "\n".join(lines)


def _licences(about: Mapping[str, Any], catalogue: Catalogue) -> list[str]:
    return sorted({catalogue[n].licence for n in about.get("corpora", {}) if n in catalogue})


def _licence(about: Mapping[str, Any], catalogue: Catalogue) -> str:
    licences = _licences(about, catalogue)
    if not licences:
        return "MIT, as the code is."
    return (
        f"The code is MIT. The text that this was learned from is {' and '.join(licences)}; the "
        "weights and the word list are given on the same terms: name the corpora above when you "
        "pass them on."
    )
