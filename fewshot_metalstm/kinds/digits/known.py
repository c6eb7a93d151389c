"""What is known of tasks of digits without reading an image: their names say most of it."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.kinds.digits.reader import CORPUS, KIND
from fewshot_metalstm.kinds.digits.tasks import family_of, parse_name


class KnownDigits:
    """Tasks by name; all of them are made of MNIST, looked for in ``data_dir`` first."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self._entry = Catalogue.load(kind=KIND)[CORPUS]
        self._data_dir = data_dir

    def at_hand(self, name: str) -> bool:
        """Whether MNIST is on this machine."""
        del name
        return locate.find(self._entry, self._data_dir) is not None

    def family(self, name: str) -> str:
        """That of images turned alike."""
        return family_of(parse_name(name)[1])

    def types(self, name: str) -> tuple[str, ...]:
        """The digits to tell apart."""
        return parse_name(name)[0]

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Not known: the catalogue counts the images of all ten digits together."""
        del name, split
        return None, None
