"""Language models as a kind of task: what the next character of a text is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.kind import Kind, PredictionRequest, Support
from fewshot_metalstm.kinds.language_model.score import FIGURE, FURTHER, Score

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.cell import Cell, CellResult
    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.kinds.language_model.known import KnownTexts
    from fewshot_metalstm.kinds.language_model.model import StoredModel
    from fewshot_metalstm.kinds.language_model.settings import (
        LanguageRunConfig,
        LanguageSweepConfig,
        LanguageTrainConfig,
    )
    from fewshot_metalstm.kinds.language_model.source import LanguageSource
    from fewshot_metalstm.kinds.language_model.supervised import (
        LanguageSupervisedConfig,
        LanguageTraining,
    )
    from fewshot_metalstm.kinds.language_model.tasks import LoadedTexts, TextTask
    from fewshot_metalstm.kinds.language_model.words import LanguageModelWords
    from fewshot_metalstm.pages.look import Look
    from fewshot_metalstm.tracking.serving import Serving


class LanguageModelling(Kind):
    """Running text, character by character."""

    name = "language-model"
    description = "the next character of a text"
    items = "segments"
    product = "language-model"
    shots = "thousands of characters"
    figure = FIGURE
    cell = "model.lstm.kind"
    encodes_words = True
    compressed = 2

    def training_settings(self) -> type[LanguageTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.settings import LanguageTrainConfig

        return LanguageTrainConfig

    def adaptation_settings(self) -> type[LanguageRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.settings import LanguageRunConfig

        return LanguageRunConfig

    def sweep_settings(self) -> type[LanguageSweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.settings import LanguageSweepConfig

        return LanguageSweepConfig

    def check(self, config: LanguageTrainConfig) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.settings import check

        check(config)

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedTexts:
        """See :class:`Kind`."""
        from fewshot_metalstm.data import suites
        from fewshot_metalstm.kinds.language_model.corpora import load_suite

        return load_suite(suites.load_suite(name, kind=self.name), exclude, data_dir)

    def load_target(self, source: str, *, data_dir: Path | None, **options: Any) -> TextTask:
        """See :class:`Kind`: texts of the catalogue, or a user's own."""
        from fewshot_metalstm.data.locate import is_own
        from fewshot_metalstm.kinds.language_model.corpora import load_corpus
        from fewshot_metalstm.kinds.language_model.own_files import load_own

        del options
        return load_own(source) if is_own(source) else load_corpus(source, data_dir)

    def recognises(self, path: Path) -> bool:
        """See :class:`Kind`: a ``.txt`` of running text, without annotation."""
        from fewshot_metalstm.kinds.language_model.text import looks_so

        return looks_so(path)

    def known(self, data_dir: Path | None = None) -> KnownTexts:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.known import KnownTexts

        return KnownTexts(self.name, data_dir)

    def freeze_draws(self, targets: Sequence[TextTask]) -> Sequence[Path]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.draws import FROZEN

        return FROZEN.freeze(targets)

    def check_draws(self, targets: Sequence[TextTask]) -> Sequence[str]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.draws import FROZEN

        return FROZEN.check(targets)

    def source(self, config: LanguageTrainConfig, suite: LoadedTexts) -> LanguageSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.source import LanguageSource

        return LanguageSource(config, suite)

    def supervised_settings(self) -> type[LanguageSupervisedConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.supervised import LanguageSupervisedConfig

        return LanguageSupervisedConfig

    def supervised_source(
        self, config: LanguageSupervisedConfig, tasks: Sequence[TextTask]
    ) -> LanguageTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.supervised import LanguageTraining

        return LanguageTraining(config, tasks)

    def support(self, target: TextTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: the first K thousand characters of a document."""
        from fewshot_metalstm.kinds.language_model.draws import support

        return Support(support(target, shots, draw, seed=seed))

    def load_model(self, folder: Path, role: str | None = None) -> StoredModel:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.model import load_prepared

        return load_prepared(folder, role)

    def read_config(self, folder: Path, role: str | None = None) -> Mapping[str, Any]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.model import read_config

        return read_config(folder, role)

    def loaded(self, model: StoredModel) -> Loaded:
        """See :class:`Kind`: reading text builds nothing up."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model)

    def methods(self) -> Mapping[str, Method]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.methods import METHODS

        return METHODS.baselines

    def check_tune(self, tune: str) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.methods import METHODS

        METHODS.check_tune(tune)

    def make_cells(
        self, names: Sequence[str], target: TextTask, config: Any, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None = None,
    ) -> tuple[list[Cell], Sequence[str]]:  # fmt: skip
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.methods import METHODS

        return METHODS.cells(names, config, supports, draws, save), ()

    def do_cell(self, cell: Cell, target: TextTask, loaded: Callable[[], Loaded]) -> CellResult:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.methods import METHODS

        return METHODS.do(cell, target, loaded)

    def score(self, loaded: Loaded, target: TextTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.scoring import score_model

        return score_model(loaded.model, target, split)

    def practice(
        self, loaded: Loaded, target: TextTask, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.work import practice

        return practice(loaded.model, target, support)

    def word_encoder(self, folder: Path, sha256: str) -> LanguageModelWords:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.words import word_encoder

        return word_encoder(folder, sha256)

    def serving(self) -> Serving:
        """See :class:`Kind`: texts in, what they cost out."""
        from fewshot_metalstm.kinds.language_model.serving.pyfunc import serving

        return serving()

    def predict(self, request: PredictionRequest, **options: Any) -> Iterator[str]:
        """See :class:`Kind`.

        Args:
            options: those of :mod:`fewshot_metalstm.kinds.language_model.cli.options`.
        """
        from fewshot_metalstm.kinds.language_model.predict import predict

        return predict(request, **options)

    def look(self, folder: Path, target: TextTask, split: str, device: torch.device) -> Look:
        """See :class:`Kind`: what characters cost."""
        from fewshot_metalstm.kinds.language_model.look import report_look

        return report_look(folder, target, split, device)

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        groups = {
            name: self.read_score(each) for name, each in stored.get("per_document", {}).items()
        }
        further = {name: float(stored[name]) for name in FURTHER if name in stored}
        return Score(float(stored["bpc"]), int(stored["characters"]), further, groups)


LANGUAGE_MODEL = LanguageModelling()
