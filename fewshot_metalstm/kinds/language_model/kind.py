"""Language models as a kind of task: what the next character of a text is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.folder_kind import FolderKind
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.kinds.language_model.score import FIGURE, FURTHER, Score

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.work import Loaded
    from fewshot_metalstm.kinds.language_model.known import KnownTexts
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
    from fewshot_metalstm.tracking.serving import Serving


class LanguageModelling(FolderKind):
    """Running text, character by character."""

    package = "fewshot_metalstm.kinds.language_model"
    name = "language-model"
    description = "the next character of a text"
    items = "segments"
    product = "language-model"
    shots = "thousands of characters"
    figure = FIGURE
    cell = "model.lstm.kind"
    encodes_words = True

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

    def score(self, loaded: Loaded, target: TextTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.scoring import score_model

        return score_model(loaded.model, target, split)

    def word_encoder(self, folder: Path, sha256: str) -> LanguageModelWords:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.language_model.words import word_encoder

        return word_encoder(folder, sha256)

    def serving(self) -> Serving:
        """See :class:`Kind`: texts in, what they cost out."""
        from fewshot_metalstm.kinds.language_model.serving.pyfunc import serving

        return serving()

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        groups = {
            name: self.read_score(each) for name, each in stored.get("per_document", {}).items()
        }
        further = {name: float(stored[name]) for name in FURTHER if name in stored}
        return Score(float(stored["bpc"]), int(stored["characters"]), further, groups)


LANGUAGE_MODEL = LanguageModelling()
