"""Where corpora are on this machine: data folders, the user's cache folder.

A data folder is one that holds a collection (``<folder>/MTL-Bioinformatics-2016/data/X/...``),
is one (``<folder>/data/X/...``, a git clone), or holds the corpora themselves (``<folder>/X/...``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fewshot_metalstm.data.catalogue import CorpusEntry, FileEntry
from fewshot_metalstm.data.splits import is_list
from fewshot_metalstm.errors import UserError, at

DATA_VARIABLE = "FEWSHOT_METALSTM_DATA"
CACHE_VARIABLE = "FEWSHOT_METALSTM_CACHE"
"""Environment variable: a folder in the place of the user's cache folder."""

_APPLICATION = "fewshot-metalstm"
_PACKABLE = (".gz", ".csv", ".conllu")  # whose readers take a file packed with gzip or not


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder to look in, and how the user chose it."""

    path: Path
    origin: str

    def __str__(self) -> str:
        return f"{self.path} ({self.origin})"


def cache_folder() -> Path:
    """The user's cache folder for this project (it may not exist)."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir(_APPLICATION, appauthor=False))


def data_folders(data_dir: Path | None = None) -> tuple[DataFolder, ...]:
    """The folders to look in, first to last: ``data_dir``, the environment's, the cache's."""
    folders = []
    if data_dir is not None:
        folders.append(DataFolder(data_dir.expanduser(), "--data-dir"))
    variable = os.environ.get(DATA_VARIABLE)
    if variable:
        folders.append(DataFolder(Path(variable).expanduser(), DATA_VARIABLE))
    folders.append(DataFolder(cache_folder(), "cache folder"))
    return tuple(folders)


def candidates(entry: CorpusEntry, folder: Path) -> tuple[Path, ...]:
    """The folders in which a data folder may hold ``entry``."""
    inside = PurePosixPath(entry.folder)
    if not inside.parts:  # files that stand in the collection's own folder
        return (folder / entry.collection.name,)
    places = [
        folder / entry.collection.name / inside,
        folder / inside,
        folder / inside.name,
    ]
    if inside.name != entry.name and entry.bring:  # who brings a corpus names it as he likes
        places += [place.with_name(entry.name) for place in places]
    return tuple(places)


def stored(place: Path, file: FileEntry) -> Path:
    """The path of a file in the folder ``place``, whether or not it is there.

    A file that the catalogue knows as ``NAME.gz`` may be there unpacked, as ``NAME``, and one that
    it knows as ``NAME.csv`` or ``NAME.conllu`` packed, with ``.gz`` behind.
    """
    path = place / file.name
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    if path.suffix in _PACKABLE and not path.is_file() and other.is_file():
        return other
    return path


def find(entry: CorpusEntry, data_dir: Path | None = None) -> Path | None:
    """The first folder that holds every file of ``entry``; else the first that holds some."""
    partial: Path | None = None
    for folder in data_folders(data_dir):
        for place in candidates(entry, folder.path):
            present = [stored(place, file).is_file() for file in entry.files.values()]
            if all(present):
                return place
            if any(present) and partial is None:
                partial = place
    return partial


def locate(entry: CorpusEntry, data_dir: Path | None = None) -> dict[str, Path]:
    """The files of ``entry`` by split.

    Raises :class:`UserError` for an absent or incomplete corpus: which one, where it was looked
    for, what to type.
    """
    if data_dir is not None and not data_dir.expanduser().is_dir():
        raise at(data_dir, None, "is no folder", "check --data-dir")
    place = find(entry, data_dir)
    if place is None:
        looked = ", ".join(str(folder) for folder in data_folders(data_dir))
        raise UserError(f"corpus {entry.name} is not in {looked}; {cure(entry, data_dir)}")
    files = {split: stored(place, file) for split, file in entry.files.items()}
    for path in files.values():
        if not path.is_file():
            raise at(path, None, "is missing", cure(entry, data_dir))
    return files


def cure(entry: CorpusEntry, data_dir: Path | None = None) -> str:
    """What to do to have ``entry``: the command that fetches it, or where to put it."""
    folder = data_folders(data_dir)[0]
    if entry.bring:
        place = candidates(entry, folder.path)[0]
        return f"it is not fetched ({entry.licence}): put {_names(entry)} of yours into {place}"
    option = "" if data_dir is None else f" --data-dir {data_dir}"
    return f"type `fewshot-metalstm data fetch {entry.name}{option}`"


def is_own(name: str) -> bool:
    """Whether ``name`` means files of the user's own rather than a name in the catalogue."""
    separators = {"/", os.sep, os.altsep or os.sep}
    return any(mark in name for mark in separators) or is_list(name) or Path(name).exists()


def _names(entry: CorpusEntry) -> str:
    *most, last = [file.name for file in entry.files.values()]
    return f"{', '.join(most)} and {last}" if most else last
