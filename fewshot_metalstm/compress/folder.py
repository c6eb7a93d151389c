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
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.compress.coded_rows import LONGEST, CodedRows, coded
from fewshot_metalstm.compress.stored import Stored
from fewshot_metalstm.data.digests import SEAL, sha256
from fewshot_metalstm.data.model_folder import CONFIG, write_config
from fewshot_metalstm.errors import at
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.nn.vector_files import ROWS, SCALE
from fewshot_metalstm.tensors import write_tensors
from fewshot_metalstm.version import __version__
from fewshot_metalstm.writing import beside

if TYPE_CHECKING:
    from torch import Tensor

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
    kind: Kind, source: Path, params: Mapping[str, Tensor], stored: Mapping[str, Stored],
    vectors: Mapping[str, CodedRows], output: Path, account: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write the model in ``source`` with other weights to ``output``, whole or not at all.

    Args:
        params: parameters that have changed, by name.
        stored: those of them that are compressed.
        vectors: word vectors in codes, by the names of their tensors (:func:`coded_vectors`).
        account: what the config says of how it was made.

    Raises:
        UserError: see :func:`compressible`; other files in ``output``, or no place to write to.
    """
    from safetensors.torch import load_file

    config = dict(compressible(kind, source))
    tensors: dict[str, Tensor] = {}
    for name, value in load_file(source / WEIGHTS).items():
        if name in stored:
            tensors |= stored[name].tensors(name)
        elif name in vectors:
            tensors |= vectors[name].tensors(name)
        elif name.removesuffix(SCALE) not in vectors:
            tensors[name] = params.get(name, value).detach().cpu().contiguous()
    with beside(output, put_in_place) as new:
        new.mkdir(0o755)
        for name in config["sha256"]:
            if name != WEIGHTS:
                shutil.copyfile(source / name, new / name)
        write_tensors(tensors, new / WEIGHTS)
        digests = {**config["sha256"], WEIGHTS: sha256((new / WEIGHTS).read_bytes())}
        config |= {
            "format_version": max(kind.compressed, config["format_version"]),
            "written_by": __version__, "sha256": digests,
            # With the digests of the files that it was made of.
            KEY: {**account, "sha256": dict(config["sha256"])},
        }  # fmt: skip
        config.pop(SEAL, None)
        write_config(config, new)


def coded_vectors(source: Path, pieces: int, seed: int) -> dict[str, CodedRows]:
    """The word vectors of a model in codes of so many bytes, by the names of their tensors.

    Raises:
        UserError: the model has no word vectors, or they have fewer numbers than that.
    """
    from safetensors.torch import load_file

    tensors = load_file(source / WEIGHTS)
    names = [name for name in tensors if name in ROWS and len(tensors[name])]
    if not names:
        raise at(source, None, "has no word vectors", "leave --vectors out")
    found = {}
    for name in names:
        rows = tensors[name].float()
        if name + SCALE in tensors:
            rows = rows * tensors[name + SCALE].unsqueeze(1)
        least, size = -(-rows.shape[1] // LONGEST), rows.shape[1]
        if not least <= pieces <= size:
            raise at(source, None, f"has word vectors of {size} numbers, not to be kept in "
                     f"{pieces} bytes", f"give --vectors {least} to {size}")  # fmt: skip
        found[name] = coded(rows.numpy(), pieces, seed)
    return found


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
