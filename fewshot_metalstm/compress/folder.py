"""The folder of a compressed model: as that of the model, with other weights and a newer version.

It is the model's folder file by file, but for ``model.safetensors``
(:mod:`fewshot_metalstm.compress.stored`) and ``config.json``, which says in ``compressed`` how it
was made and has a format version that programs refuse which cannot read such weights.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.compress.retrain import Compressed
from fewshot_metalstm.compress.settings import CompressConfig
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.data.digests import SEAL, sha256
from fewshot_metalstm.data.model_folder import CONFIG, write_config
from fewshot_metalstm.errors import at
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside

WEIGHTS = "model.safetensors"
KEY = "compressed"
_VECTORS = "vectors."


def compressible(kind: Kind, folder: Path) -> Mapping[str, Any]:
    """The config of an adapted model that can be compressed.

    Raises:
        UserError: no such model, one of a kind that reads no compressed ones, or one that is
            compressed already.
    """
    config = kind.read_config(folder, kind.product)
    if not kind.compressed or WEIGHTS not in config["sha256"]:
        raise at(folder, None, f"is of the kind {kind.name}, whose models are not compressed",
                 "give a model of another kind")  # fmt: skip
    if KEY in config:
        raise at(folder, None, "is compressed already", "compress the model that it was made of")
    return config


def write_compressed(
    kind: Kind, source: Path, made: Compressed, settings: CompressConfig, output: Path,
    facts: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write the model in ``source`` with the weights of ``made`` to ``output``, or nothing.

    Args:
        facts: what else the config says of how it was made, such as what it was retrained on.

    Raises:
        UserError: see :func:`compressible`; other files in ``output``, or no place to write to.
    """
    from safetensors.torch import load_file

    config = dict(compressible(kind, source))
    tensors = {}
    for name, value in load_file(source / WEIGHTS).items():
        if name in made.stored:
            tensors |= made.stored[name].tensors(name)
        else:
            value = made.params.get(name, value)
            tensors[name] = value.detach().cpu().contiguous()
    with beside(output, put_in_place) as new:
        new.mkdir(0o755)
        others = [name for name in config["sha256"] if name != WEIGHTS]
        for name in others:
            shutil.copyfile(source / name, new / name)
        write_tensors(tensors, new / WEIGHTS)
        digests = {**config["sha256"], WEIGHTS: sha256((new / WEIGHTS).read_bytes())}
        account = {
            "settings": as_mapping(settings), **facts,
            "sha256": dict(config["sha256"]),  # of the files that it was made of
        }  # fmt: skip
        config |= {
            "format_version": kind.compressed, "written_by": __version__, "sha256": digests,
            KEY: account,
        }  # fmt: skip
        config.pop(SEAL, None)
        write_config(config, new)


def bytes_of(folder: Path) -> dict[str, int]:
    """Bytes of a model's files: of all, and of the tensors that are weights and word vectors."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    files = (CONFIG, *config["sha256"])
    found = {"all": sum((folder / name).stat().st_size for name in files)}
    found["weights"], found["vectors"] = _tensor_bytes(folder / WEIGHTS)
    return found


def _tensor_bytes(path: Path) -> tuple[int, int]:
    from safetensors import safe_open

    weights = vectors = 0
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 (it is no mapping)
            tensor = file.get_tensor(name)
            size = tensor.numel() * tensor.element_size()
            if name.startswith(_VECTORS):
                vectors += size
            else:
                weights += size
    return weights, vectors
