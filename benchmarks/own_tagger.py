"""Our tagger in a process of its own, as the peers are: ``python -m benchmarks.own_tagger``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers.serving import serve
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
from fewshot_metalstm.kinds.tagging.cli.predict import lines


class Own:
    """One tagger, once loaded."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._tagger: Predictor | None = None

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Load a tagger, or tag a file with it and write a mention a line, as `predict` does."""
        if request["do"] == "load":
            self._tagger = Predictor(Path(request["path"]), torch.device("cpu"))
            return {}
        assert self._tagger is not None
        count = 0
        with Path(request["output"]).open("w", encoding="utf-8") as output:
            for found in lines(self._tagger, Path(request["text"]), "text"):
                output.write(found)
                count += found.count("\n")
        return {"mentions": count}


if __name__ == "__main__":
    serve(Own().answer)
