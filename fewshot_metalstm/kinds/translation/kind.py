"""Translation as a kind of task: sentences of one language into those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.folder_kind import FolderKind
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.kinds.translation.score import FIGURE, FURTHER, Score

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.work import Loaded
    from fewshot_metalstm.kinds.translation.known import KnownPairs
    from fewshot_metalstm.kinds.translation.model import TranslationModel
    from fewshot_metalstm.kinds.translation.settings import (
        TranslationRunConfig,
        TranslationSweepConfig,
        TranslationTrainConfig,
    )
    from fewshot_metalstm.kinds.translation.source import TranslationSource
    from fewshot_metalstm.kinds.translation.supervised import (
        TranslationSupervisedConfig,
        TranslationTraining,
    )
    from fewshot_metalstm.kinds.translation.tasks import LoadedPairs, TranslationTask
    from fewshot_metalstm.kinds.translation.words import TranslatorWords
    from fewshot_metalstm.tracking.serving import Serving


class Translating(FolderKind):
    """Sentence pairs, such as English and German."""

    package = "fewshot_metalstm.kinds.translation"
    name = "translation"
    description = "sentences into another language"
    items = "pairs"
    product = "translator"
    shots = "sentence pairs"
    figure = FIGURE
    cell = "translator.lstm.kind"
    packages = ("tokenizers",)
    encodes_words = True

    def training_settings(self) -> type[TranslationTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.settings import TranslationTrainConfig

        return TranslationTrainConfig

    def adaptation_settings(self) -> type[TranslationRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.settings import TranslationRunConfig

        return TranslationRunConfig

    def sweep_settings(self) -> type[TranslationSweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.settings import TranslationSweepConfig

        return TranslationSweepConfig

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedPairs:
        """See :class:`Kind`."""
        from fewshot_metalstm.data import suites
        from fewshot_metalstm.kinds.translation.corpora import load_suite

        return load_suite(suites.load_suite(name, kind=self.name), exclude, data_dir)

    def load_target(self, source: str, *, data_dir: Path | None, **options: Any) -> TranslationTask:
        """See :class:`Kind`: a topic, a corpus of the catalogue, or a user's own pairs."""
        from fewshot_metalstm.data.locate import is_own
        from fewshot_metalstm.kinds.translation.corpora import load_target
        from fewshot_metalstm.kinds.translation.own_files import WITH, load_own

        del options
        own = is_own(source) or WITH in source  # two files, which stand in no catalogue
        return load_own(source) if own else load_target(source, data_dir)

    def knows(self, name: str) -> bool:
        """See :class:`Kind`: topics have no entry in the catalogue."""
        from fewshot_metalstm.kinds.translation.topics import topic_names

        return super().knows(name) or name in topic_names()

    def recognises(self, path: Path) -> bool:
        """See :class:`Kind`: ``SOURCE:TARGET``, or a table of sentences in both columns."""
        from fewshot_metalstm.kinds.translation.own_files import looks_so

        return looks_so(path)

    def known(self, data_dir: Path | None = None) -> KnownPairs:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.known import KnownPairs

        return KnownPairs(data_dir)

    def source(self, config: TranslationTrainConfig, suite: LoadedPairs) -> TranslationSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.source import TranslationSource

        return TranslationSource(config, suite)

    def supervised_settings(self) -> type[TranslationSupervisedConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.supervised import TranslationSupervisedConfig

        return TranslationSupervisedConfig

    def supervised_source(
        self, config: TranslationSupervisedConfig, tasks: Sequence[TranslationTask]
    ) -> TranslationTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.supervised import TranslationTraining

        return TranslationTraining(config, tasks)

    def support(self, target: TranslationTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K pairs."""
        from fewshot_metalstm.kinds.translation.draws import support

        return support(target, shots, draw, seed=seed)

    def loaded(self, model: TranslationModel) -> Loaded:
        """See :class:`Kind`: what is built up are the scores of the model as it is."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model, {})

    def score(self, loaded: Loaded, target: TranslationTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.scoring import score_model

        return score_model(loaded.model, target.splits[split])

    def word_encoder(self, folder: Path, sha256: str) -> TranslatorWords:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.translation.words import word_encoder

        return word_encoder(folder, sha256)

    def serving(self) -> Serving:
        """See :class:`Kind`: texts in, translations out."""
        from fewshot_metalstm.kinds.translation.serving.pyfunc import serving

        return serving()

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        further = {name: float(stored[name]) for name in FURTHER if name in stored}
        return Score(float(stored["chrf"]), int(stored["pairs"]), further)


TRANSLATION = Translating()
