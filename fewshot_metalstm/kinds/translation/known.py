"""What is known of topics and corpora without reading a sentence."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data.overview import CataloguedCorpora
from fewshot_metalstm.kinds.translation.pairs import CORPUS, KIND, SOURCE
from fewshot_metalstm.kinds.translation.tasks import DEVEL, TEST, TRAIN
from fewshot_metalstm.kinds.translation.topics import load_topics


class KnownPairs(CataloguedCorpora):
    """Topics, all of which are made of multi30k, and the corpora of the catalogue."""

    def __init__(self, data_dir: Path | None = None) -> None:
        super().__init__(KIND, data_dir)
        self._topics = load_topics()

    def _corpus(self, name: str) -> str:
        return CORPUS if name in self._topics.names else name

    def at_hand(self, name: str) -> bool:
        """Whether the corpus that it is made of is on this machine."""
        return super().at_hand(self._corpus(name))

    def family(self, name: str) -> str:
        """A topic is one by itself."""
        return name if name in self._topics.names else super().family(name)

    def types(self, name: str) -> tuple[str, ...]:
        """From which language into which."""
        return super().types(self._corpus(name))

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Pairs of a split; of a topic that is a task of a suite, all of them are for devel."""
        if name not in self._topics.names:
            return super().size(name, f"{split}.{SOURCE}")
        train, test = self._topics.split_sizes(name)
        return {TRAIN: train, TEST: test, DEVEL: None}.get(split), None
