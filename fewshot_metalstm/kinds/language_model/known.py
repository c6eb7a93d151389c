"""What is known of texts without reading them: all of a target is its train split."""

from __future__ import annotations

from fewshot_metalstm.data.overview import CataloguedCorpora
from fewshot_metalstm.kinds.language_model.tasks import QUERY, TEST, TRAIN


class KnownTexts(CataloguedCorpora):
    """The texts of the catalogue."""

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Segments of a split; the file of a target is called test, and is what is drawn from."""
        own, _ = super().size(name, TEST)
        if own is None or super().size(name, TRAIN)[0] is not None:
            return super().size(name, split)
        return {TRAIN: own, TEST: QUERY}.get(split), None
