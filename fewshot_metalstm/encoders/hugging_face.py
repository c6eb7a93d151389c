"""Encoders of Hugging Face on this machine: finding one, its digests, loading it.

It is loaded with a new head, to be fine-tuned, or without one, as it is.

Nothing is downloaded: a model is a folder, or a name whose files the local cache has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from fewshot_metalstm.data.digests import sha256, sha256_of
from fewshot_metalstm.errors import UserError, at

_BASELINE = "transformer.model"  # the setting that names the model of the baseline
_CURE = "give the folder of a Hugging Face encoder, as save_pretrained writes it"
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")  # in the order in which they are taken
_BESIDE = ("*.json", "*.model", "merges.txt", "vocab*.txt")  # configuration and tokenizer
_GIVEN = {"local_files_only": True, "trust_remote_code": False}
LONGEST = 512  # subwords, where neither model nor tokenizer has a limit


@dataclass(frozen=True)
class Encoder:
    """An encoder, with a new head or without one.

    ``longest`` is how many subwords it reads at once, its special ones among them.
    """

    model: Any
    tokenizer: Any
    longest: int
    parameters: int


def find_encoder(model: str, setting: str = _BASELINE) -> Path:
    """The folder of a model given as a folder, or as a name that the local cache has.

    Args:
        setting: that ``model`` is the value of, for messages.

    Raises:
        UserError: there is none, it holds no model, or transformers is not installed.
    """
    transformers_package(setting)
    if not model:
        raise UserError(f"{setting} names no model; --set {setting}=FOLDER")
    folder = Path(model)
    if not folder.is_dir():
        folder = _cached(model, setting)
    if not (folder / "config.json").is_file():
        raise at(folder, None, "holds no model (config.json is missing)", _CURE)
    if not _weights(folder):
        raise at(folder, None, f"holds no weights ({' or '.join(_WEIGHTS)})", _CURE)
    return folder.resolve()


def _cached(name: str, setting: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):  # not there, or no name at all
        raise UserError(
            f"{setting}={name}: no such folder, and the local cache of Hugging Face has no such "
            f"model; {_CURE} (nothing is downloaded)"
        ) from None


def name_of(folder: Path) -> str:
    """What a model is called: its folder, or of the cache its name and revision."""
    if folder.parent.name == "snapshots":
        name = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
        return f"{name}@{folder.name}"
    return folder.name


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the files that make a model, by name: weights, configuration, tokenizer."""
    beside = {path for pattern in _BESIDE for path in folder.glob(pattern)}
    return {path.name: sha256_of(path) for path in sorted({*_weights(folder), *beside})}


def weights_digest(folder: Path) -> str:
    """SHA-256 of the weights file; where there are several, of their names and digests."""
    files = _weights(folder)
    if len(files) == 1:
        return sha256_of(files[0])
    return sha256("\n".join(f"{path.name} {sha256_of(path)}" for path in files).encode())


def _weights(folder: Path) -> list[Path]:
    for pattern in _WEIGHTS:
        found = sorted(folder.glob(pattern))
        if found:
            return found
    return []


def load_encoder(folder: Path, labels: Sequence[str]) -> Encoder:
    """An encoder in single precision with a new linear head for ``labels``, and its tokenizer.

    The head is new even if the model has one: its labels meant something else. It is drawn from
    torch's global generator.

    Raises:
        UserError: transformers cannot read the folder, or labels no tokens with such a model.
    """

    def load(transformers: Any, config: Any) -> Any:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
        return transformers.AutoModelForTokenClassification.from_pretrained(
            folder, config=config, ignore_mismatched_sizes=True, **_GIVEN
        )

    model, tokenizer = _loaded(folder, load)
    _renew_head(model, len(labels))
    parameters = sum(p.numel() for p in model.parameters())
    return Encoder(model, tokenizer, _longest(model, tokenizer), parameters)


def load_bare(folder: Path) -> Encoder:
    """An encoder in single precision without a head, in evaluation mode, and its tokenizer.

    Raises:
        UserError: transformers cannot read the folder.
    """

    def load(transformers: Any, config: Any) -> Any:
        return transformers.AutoModel.from_pretrained(folder, config=config, **_GIVEN)

    model, tokenizer = _loaded(folder, load)
    model.eval().requires_grad_(False)
    parameters = sum(p.numel() for p in model.parameters())
    return Encoder(model, tokenizer, _longest(model, tokenizer), parameters)


def _loaded(folder: Path, load: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """What ``load`` makes of the package and the model's configuration, and the tokenizer."""
    transformers = transformers_package()
    try:
        with _silent(transformers):
            config = transformers.AutoConfig.from_pretrained(folder, **_GIVEN)
            # Without it a tokenizer of byte pairs refuses text that is split into words.
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                folder, add_prefix_space=True, **_GIVEN
            )
            return load(transformers, config).float(), tokenizer
    except Exception as problem:  # a dozen kinds, by what is wrong with which file
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise at(folder, None, f"cannot be loaded as an encoder ({reason})", _CURE) from None


def _renew_head(model: Any, labels: int) -> None:
    """Draw the last layer anew, as BERT's was: normal with deviation 0.02, bias 0."""
    inside = {id(layer) for layer in model.base_model.modules()}
    head = [
        layer for layer in model.modules()
        if isinstance(layer, nn.Linear) and layer.out_features == labels and id(layer) not in inside
    ][-1]  # fmt: skip
    nn.init.normal_(head.weight, std=0.02)
    if head.bias is not None:
        nn.init.zeros_(head.bias)


def _longest(model: Any, tokenizer: Any) -> int:
    """The subwords that the tables of positions have room for, or the tokenizer allows."""
    limits = [float(tokenizer.model_max_length)]  # 1e30 where it is not known
    for name, layer in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(layer, nn.Embedding):
            # Models in the way of RoBERTa count positions from behind the padding's.
            unused = 0 if layer.padding_idx is None else layer.padding_idx + 1
            limits.append(layer.num_embeddings - unused)
    limit = min(limits)
    return LONGEST if math.isinf(limit) or limit > 1e9 else int(limit)


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """No bars and no remarks about the new head while a model is loaded."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def transformers_package(setting: str = _BASELINE) -> Any:
    """The package transformers; :class:`UserError` where it is not installed."""
    try:
        import transformers
    except ImportError:
        baseline = setting == _BASELINE
        who, extra = ("the baseline transformer", "transformers") if baseline else (
            f"the encoder that {setting} names", "contextual")  # fmt: skip
        raise UserError(
            f"{who} needs transformers, which is not installed; "
            f"pip install 'fewshot-metalstm[{extra}]'"
        ) from None
    return transformers
