"""Features of a frozen encoder, kept on disk: training reads a sentence many times.

They lie in the user's cache folder, ``features/DIGEST`` for the encoder with that digest, in parts
of some thousand sentences. A part is a folder of three arrays (NumPy's own format, nothing
pickled): digests of its sentences, where each begins, and the features, which are mapped into
memory and not read as a whole. A part is there when it is whole, and is never changed; so any
number of processes may add to them. What cannot be believed is passed over and made anew.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.data.locate import cache_folder
from fewshot_metalstm.encoders.features import Features, FeatureSource, FrozenEncoder, Tokens
from fewshot_metalstm.encoders.reference import EncoderReference
from fewshot_metalstm.writing import beside

FOLDER = "features"
PART = 2048  # sentences
_WIDTH = 16  # bytes of a sentence's digest


@dataclass(frozen=True)
class _Part:
    """Features of some sentences, one behind the other."""

    keys: npt.NDArray[np.uint8]  # (sentences, _WIDTH)
    bounds: npt.NDArray[np.int64]  # (sentences + 1,)
    features: Features  # (words, size), mapped


class KeptFeatures:
    """The features of an encoder, those kept in a folder and those that are made when needed.

    Args:
        folder: of all encoders; the user's cache folder unless one is given.
    """

    def __init__(self, encoder: FrozenEncoder, folder: Path | None = None) -> None:
        self.encoder, self.size = encoder, encoder.size
        self.folder = (folder or cache_folder() / FOLDER) / encoder.sha256[:32]
        self._places: dict[bytes, Features] = {}
        for path in sorted(self.folder.glob("*")) if self.folder.is_dir() else ():
            self._add(path)

    def __reduce__(self) -> tuple[object, ...]:
        """Another process maps the parts itself; what is mapped is not sent."""
        return type(self), (self.encoder, self.folder.parent)

    def learn(
        self, sentences: Sequence[Tokens], progress: Callable[[int], None] | None = None
    ) -> None:
        """Make and keep what is missing; ``progress`` is called with the sentences done.

        Raises:
            UserError: the encoder cannot be loaded, or the folder not written to.
        """
        missing = {key(tokens): tokens for tokens in sentences}
        missing = {k: tokens for k, tokens in missing.items() if k not in self._places}
        done = 0
        while missing:
            part = dict(list(missing.items())[:PART])
            features = []
            for tokens in part.values():
                features += self.encoder.features([tokens])
                done += 1
                if progress is not None:
                    progress(done)
            self._write(list(part), features)
            missing = {k: tokens for k, tokens in missing.items() if k not in part}

    def missing(self, sentences: Sequence[Tokens]) -> int:
        """How many distinct sentences :meth:`learn` would have to read."""
        return len({key(tokens) for tokens in sentences} - self._places.keys())

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """See :class:`~fewshot_metalstm.encoders.features.FeatureSource`.

        What is not kept is made, and not kept either.
        """
        found = []
        for tokens in sentences:
            kept = self._places.get(key(tokens))
            found.append(self.encoder.features([tokens])[0] if kept is None else kept)
        return found

    def _write(self, keys: Sequence[bytes], features: Sequence[Features]) -> None:
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:32]
        with beside(self.folder / name, self._put) as new:
            new.mkdir()
            arrays: dict[str, npt.NDArray[Any]] = {
                "keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _WIDTH),
                "bounds": np.cumsum([0, *map(len, features)], dtype=np.int64),
                "features": np.concatenate(features),
            }
            for array, value in arrays.items():
                np.save(new / f"{array}.npy", value, allow_pickle=False)
        self._add(self.folder / name)

    def _put(self, new: Path, path: Path) -> None:
        """Put a part in its place, unless another process was quicker."""
        try:
            new.rename(path)
        except OSError:
            if _read(path, self.size) is None:  # not what made this fail: it is damaged
                shutil.rmtree(path, ignore_errors=True)
                new.rename(path)

    def _add(self, path: Path) -> None:
        """Take a part in, if it is one."""
        part = _read(path, self.size)
        if part is None:
            return
        for i, digest in enumerate(part.keys):
            rows = part.features[part.bounds[i] : part.bounds[i + 1]]
            self._places.setdefault(digest.tobytes(), rows)


def source_of(reference: EncoderReference | None, *, keep: bool) -> FeatureSource | None:
    """What gives the features that a model reads; None where it reads with no encoder.

    Args:
        keep: with those on disk, where the same text is read in more than one run.

    Raises:
        UserError: the encoder is not on this machine, or is another.
    """
    if reference is None:
        return None
    opened = reference.opened()
    return KeptFeatures(opened) if keep else opened


def key(tokens: Tokens) -> bytes:
    """The digest of a sentence."""
    words = "\0".join(tokens).encode("utf-8", "surrogatepass")
    return hashlib.sha256(words).digest()[:_WIDTH]


def _read(path: Path, size: int) -> _Part | None:
    try:
        keys, bounds = (np.load(path / f"{n}.npy", allow_pickle=False) for n in ("keys", "bounds"))
        features = np.load(path / "features.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = (
        keys.dtype == np.uint8 and keys.shape == (len(bounds) - 1, _WIDTH)
        and features.dtype == np.float16 and features.shape == (bounds[-1], size)
        and bounds[0] == 0 and bool((np.diff(bounds) >= 0).all())
    )  # fmt: skip
    return _Part(keys, bounds, features) if fits else None
