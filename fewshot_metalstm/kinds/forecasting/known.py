"""What is known of regions without reading them: all of a region is its train split."""

from __future__ import annotations

from fewshot_metalstm.data.overview import CataloguedCorpora
from fewshot_metalstm.kinds.forecasting.regions import FILE
from fewshot_metalstm.kinds.forecasting.tasks import QUERY, TEST, TRAIN


class KnownRegions(CataloguedCorpora):
    """The regions of the catalogue."""

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Hours of a target's split; how many of a region are held out is not known unread."""
        if split == TEST:
            return QUERY, None
        return super().size(name, FILE) if split == TRAIN else (None, None)
