"""Models of this package as frozen encoders: those of the kinds that say that theirs can be."""

from __future__ import annotations

import json
from pathlib import Path

from fewshot_metalstm import runs
from fewshot_metalstm.data.digests import sha256, sha256_of
from fewshot_metalstm.data.model_folder import CONFIG, FORMAT
from fewshot_metalstm.encoders.features import FrozenEncoder
from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.stored import CHECKPOINT


def open_own(given: str) -> tuple[FrozenEncoder, str] | None:
    """The model in a folder, or in the run that holds it, and its kind; None where none is there.

    Raises:
        UserError: a model of a kind whose models are no encoders, a damaged one, or one that a
            newer version wrote.
    """
    folder = _folder(Path(given))
    if folder is None:
        return None
    kind = registry.of_model(folder)
    if not kind.encodes_words:
        raise at(
            folder, None, f"is a model of the kind {kind.name}, which gives no features of words",
            f"give a model of the kind {' or '.join(encoding_kinds())}, or a Hugging Face encoder",
        )  # fmt: skip
    files = {CONFIG, *kind.read_config(folder)["sha256"]}
    made = {name: sha256_of(folder / name) for name in sorted(files) if (folder / name).is_file()}
    whole = sha256(json.dumps(made, sort_keys=True).encode())
    return kind.word_encoder(folder, whole), kind.name


def encoding_kinds() -> list[str]:
    """The kinds whose models can be encoders."""
    return [name for name in registry.names() if registry.kind(name).encodes_words]


def _folder(given: Path) -> Path | None:
    if not given.is_dir():
        return None
    folder = runs.adapted_folder(runs.model_folder(given, CHECKPOINT))
    try:
        stored = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return folder.resolve() if isinstance(stored, dict) and stored.get("format") == FORMAT else None
