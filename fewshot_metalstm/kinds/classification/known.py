"""What is known of domains of reviews without reading them: their devel split is made of train."""

from __future__ import annotations

from fewshot_metalstm.data.overview import CataloguedCorpora
from fewshot_metalstm.kinds.classification.reviews import DEVEL


class KnownReviews(CataloguedCorpora):
    """The domains of the catalogue."""

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Texts of a split; of the train file a tenth is devel."""
        if split == "test":
            return super().size(name, split)
        whole, _ = super().size(name, "train")
        if whole is None:
            return None, None
        return (whole // DEVEL if split == "devel" else whole - whole // DEVEL), None
