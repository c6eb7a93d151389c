"""What is known of topics and corpora without reading a sentence."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data.overview import CataloguedCorpora
from fewshot_metalstm.data.suites import load_targets
from fewshot_metalstm.kinds.translation.pairs import CORPUS, KIND, SOURCE
from fewshot_metalstm.kinds.translation.tasks import TEST, TRAIN
from fewshot_metalstm.kinds.translation.topics import load_topics, topic_names


class KnownPairs(CataloguedCorpora):
    """The corpora of the catalogue, and topics: whatever has no entry of its own there."""

    def __init__(self, data_dir: Path | None = None) -> None:
        super().__init__(KIND, data_dir)

    def _corpus(self, name: str) -> str:
        return name if name in self._catalogue else CORPUS

    def at_hand(self, name: str) -> bool:
        """Whether the corpus that it is made of is on this machine."""
        return super().at_hand(self._corpus(name))

    def family(self, name: str) -> str:
        """A topic is one by itself."""
        return super().family(name) if name in self._catalogue else name

    def types(self, name: str) -> tuple[str, ...]:
        """From which language into which."""
        return super().types(self._corpus(name))

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Pairs of a split; of a topic that is no target a suite takes all."""
        if name in self._catalogue:
            return super().size(name, f"{split}.{SOURCE}")
        if name not in topic_names():
            return None, None
        topics = load_topics()
        if name not in load_targets(kind=KIND).all:
            return (None if split == TEST else topics.sizes[name]), None
        train, test = topics.split_sizes(name)
        return {TRAIN: train, TEST: test}.get(split), None
