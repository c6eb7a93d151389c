"""Digits as a kind of task: telling a few classes of handwritten digits apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.digits.score import FIGURE, Score
from fewshot_metalstm.kinds.folder_kind import FolderKind
from fewshot_metalstm.kinds.kind import Support

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.work import Loaded
    from fewshot_metalstm.kinds.digits.known import KnownDigits
    from fewshot_metalstm.kinds.digits.settings import (
        DigitsRunConfig,
        DigitsSweepConfig,
        DigitsTrainConfig,
    )
    from fewshot_metalstm.kinds.digits.source import DigitsSource
    from fewshot_metalstm.kinds.digits.supervised import DigitsSupervisedConfig, DigitsTraining
    from fewshot_metalstm.kinds.digits.tasks import DigitsTask, LoadedDigits


class Digits(FolderKind):
    """Handwritten digits of MNIST, read row by row."""

    package = "fewshot_metalstm.kinds.digits"
    name = "digits"
    description = "handwritten digits, row by row"
    items = "images"
    product = "reader"
    shots = "images of each class"
    figure = FIGURE
    cell = "reader.lstm.kind"

    def training_settings(self) -> type[DigitsTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.settings import DigitsTrainConfig

        return DigitsTrainConfig

    def adaptation_settings(self) -> type[DigitsRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.settings import DigitsRunConfig

        return DigitsRunConfig

    def sweep_settings(self) -> type[DigitsSweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.settings import DigitsSweepConfig

        return DigitsSweepConfig

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedDigits:
        """See :class:`Kind`."""
        from fewshot_metalstm.data import suites
        from fewshot_metalstm.kinds.digits.reader import load_mnist
        from fewshot_metalstm.kinds.digits.tasks import load_tasks

        return load_tasks(suites.load_suite(name, kind=self.name), load_mnist(data_dir), exclude)

    def load_target(self, source: str, *, data_dir: Path | None, **options: Any) -> DigitsTask:
        """See :class:`Kind`: the name says which digits, and how they are turned."""
        from fewshot_metalstm.kinds.digits.reader import load_mnist
        from fewshot_metalstm.kinds.digits.tasks import load_target, parse_name

        del options
        parse_name(source)  # refuses a name that is none before any image is read
        return load_target(source, load_mnist(data_dir))

    def seen(self, about: Mapping[str, Any], target: DigitsTask) -> bool:
        """See :class:`Kind`: one of the target's digits was learned from, turned or not."""
        return bool(set(target.classes) & set(about.get("learned_classes", target.classes)))

    def learned_of(self, target: DigitsTask) -> str:
        """See :class:`Kind`."""
        return f"digits of {target.name}"

    def knows(self, name: str) -> bool:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.tasks import looks_like_name

        return looks_like_name(name)

    def known(self, data_dir: Path | None = None) -> KnownDigits:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.known import KnownDigits

        return KnownDigits(data_dir)

    def source(self, config: DigitsTrainConfig, suite: LoadedDigits) -> DigitsSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.source import DigitsSource

        return DigitsSource(config, suite)

    def supervised_settings(self) -> type[DigitsSupervisedConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.supervised import DigitsSupervisedConfig

        return DigitsSupervisedConfig

    def supervised_source(self, config: Any, tasks: Sequence[DigitsTask]) -> DigitsTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.supervised import DigitsTraining

        return DigitsTraining(config, tasks)

    def support(self, target: DigitsTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K images of each class."""
        from fewshot_metalstm.kinds.digits.draws import load_draw

        if shots == 0:
            return Support(tuple(target.splits["train"].places.tolist()))
        return Support(load_draw(target, shots, draw, seed=seed))

    def score(self, loaded: Loaded, target: DigitsTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.digits.scoring import score_model

        return score_model(loaded.model, target, split)

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        groups = {name: self.read_score(s) for name, s in stored.get("per_class", {}).items()}
        return Score(float(stored["accuracy"]), int(stored["images"]), groups)


DIGITS = Digits()
