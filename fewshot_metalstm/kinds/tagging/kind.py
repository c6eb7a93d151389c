"""Tagging as a kind of task: entities in text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.kind import Kind, PredictionRequest, Support
from fewshot_metalstm.kinds.tagging.tagger.scoring import (
    ACCURACY,
    FIGURE,
    MIXED,
    Score,
    figure_of,
    read_accuracy,
)

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.data.overview import SplitRow
    from fewshot_metalstm.figure import Figure
    from fewshot_metalstm.figure import Score as AnyScore
    from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell
    from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
    from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
    from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora
    from fewshot_metalstm.kinds.tagging.episodes.task import Task
    from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
    from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
    from fewshot_metalstm.kinds.tagging.training.source import TaggingSource
    from fewshot_metalstm.kinds.tagging.training.supervised import (
        TaggerTrainConfig,
        TaggingTraining,
    )
    from fewshot_metalstm.pages.look import Look
    from fewshot_metalstm.tracking.serving import Serving


class Tagging(Kind):
    """Entities in text, tagged in the IOBES scheme."""

    name = "tagging"
    description = "entities in text"
    items = "sentences"
    product = "tagger"
    shots = "mentions of each entity type"
    figure = FIGURE
    cell = "tagger.lstm.kind"
    sharing = "tagger.sharing"
    compressed = 4

    def figures(self) -> tuple[Figure, ...]:
        """See :class:`Kind`: strict F1, and accuracy of one label a token."""
        return (FIGURE, ACCURACY)

    def figure_of(self, task: Task) -> Figure:
        """See :class:`Kind`."""
        return figure_of([task.types])

    def figure_for(self, figures: Iterable[Figure]) -> Figure:
        """See :class:`Kind`."""
        found = set(figures)
        return found.pop() if len(found) == 1 else MIXED if found else FIGURE

    def training_settings(self) -> type[MetaTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig

        return MetaTrainConfig

    def adaptation_settings(self) -> type[AdaptRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig

        return AdaptRunConfig

    def sweep_settings(self) -> type[SweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.settings import SweepConfig

        return SweepConfig

    def presets(self, suite: str) -> tuple[str, ...]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.recipe import preset

        return preset(suite)

    def check(self, config: MetaTrainConfig) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.recipe import check

        check(config)

    def settled(self, config: MetaTrainConfig) -> MetaTrainConfig:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.recipe import settled

        return settled(config)

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedSuite:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks

        return load_suite_tasks(name, data_dir=data_dir, exclude_targets=exclude)

    def load_target(
        self, source: str, *, data_dir: Path | None, form: str | None = None, **options: Any
    ) -> Task:
        """See :class:`Kind`.

        Args:
            form: the format of a user's own files; None to tell it by their look.
            options: those of :func:`~fewshot_metalstm.kinds.tagging.episodes.load.load_target`.
        """
        from fewshot_metalstm.kinds.tagging.episodes.load import load_target

        return load_target(source, data_dir=data_dir, format=form, **options)

    def equal_to_learned(self, model: TaggerModel, target: Task) -> int:
        """See :class:`Kind`: sentences with the same lower-cased tokens."""
        from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import how_many

        return how_many(target.split("test"), model.sentences) if model.sentences else 0

    def changes(self, notes: Mapping[str, int]) -> dict[str, int]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.formats.notes import losses

        return losses(notes)

    def change_lines(self, changes: Mapping[str, int]) -> Sequence[str]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.formats.notes import lines

        return lines(changes)

    def synthetic(self, target: str) -> bool:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.episodes.source import demo_families

        return target in demo_families()

    def known(self, data_dir: Path | None = None) -> InstalledCorpora:
        """See :class:`Kind`: those of the catalogue, and the synthetic ones."""
        from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora

        return InstalledCorpora(data_dir)

    def split_rows(self, target: Task) -> Sequence[SplitRow]:
        """See :class:`Kind`: with mentions of each type."""
        from fewshot_metalstm.kinds.tagging.episodes.overview import split_rows

        return split_rows(target)

    def freeze_draws(self, targets: Sequence[Task]) -> Sequence[Path]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.episodes.draws import freeze

        return freeze(targets)

    def check_draws(self, targets: Sequence[Task]) -> Sequence[str]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.episodes.draws import check

        return check(targets)

    def source(self, config: MetaTrainConfig, suite: LoadedSuite) -> TaggingSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.source import TaggingSource

        return TaggingSource(config, suite)

    def supervised_settings(self) -> type[TaggerTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.supervised import TaggerTrainConfig

        return TaggerTrainConfig

    def supervised_source(self, config: Any, tasks: Sequence[Task]) -> TaggingTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.training.supervised import TaggingTraining

        return TaggingTraining(config, tasks)

    def support(self, target: Task, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K to 2K mentions of each type, and as many sentences without any."""
        from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw, whole

        if shots == 0:
            every = whole(target)
            bare = ", ".join(name for name, count in every.counts.items() if not count)
            note = f"the train split holds no mention of {bare}" if bare else ""
            return Support(every.indices, note)
        drawn = load_draw(target, shots, draw, seed=seed)
        return Support(drawn.indices, drawn.shortfall or "")

    def load_model(self, folder: Path, role: str | None = None) -> TaggerModel:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.tagger.model import load_model

        return load_model(folder, role)

    def read_config(self, folder: Path, role: str | None = None) -> Mapping[str, Any]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.tagger.model import read_config

        return read_config(folder, role)

    def loaded(self, model: TaggerModel) -> Loaded:
        """See :class:`Kind`: with a fresh word table."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model, model.table())

    def methods(self) -> Mapping[str, Method]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.methods import baselines

        return baselines()

    def check_tune(self, tune: str) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.tuning import tune_for

        tune_for(tune, "")

    def make_cells(
        self, names: Sequence[str], target: Task, config: Any, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None = None,
    ) -> tuple[list[TaggingCell], Sequence[str]]:  # fmt: skip
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.methods import make_cells

        return make_cells(names, target, config, supports, draws, save)

    def do_cell(self, cell: Any, target: Task, loaded: Callable[[], Loaded]) -> Any:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.methods import do_cell

        return do_cell(cell, target, loaded)

    def score(self, loaded: Loaded, target: Task, split: str) -> AnyScore:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.tagger import known_to, score_split

        tagger: TaggerModel = loaded.model
        known = known_to(tagger, target)
        params = {name: value.detach() for name, value in tagger.learner.named_parameters()}
        return score_split(tagger.learner, params, loaded.table, known, split, tagger.lexicon)

    def practice(
        self, loaded: Loaded, target: Task, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.tagging.adapt.tagger import practice

        return practice(loaded.model, loaded.table, target, support)

    def predict(self, request: PredictionRequest, **options: Any) -> Iterator[str]:
        """See :class:`Kind`.

        Args:
            options: those of :func:`fewshot_metalstm.kinds.tagging.cli.predict.predict_options`.
        """
        from fewshot_metalstm.kinds.tagging.cli.predict import predict

        return predict(request, **options)

    def look(self, folder: Path, target: Task, split: str, device: torch.device) -> Look:
        """See :class:`Kind`: mistakes, and what the Meta-LSTM does."""
        from fewshot_metalstm.kinds.tagging.pages.taggers import report_look

        text = f"the {split} split of {target.name}"
        return report_look(folder, target.split(split), text, device)

    def example_files(self) -> Mapping[str, str]:
        """See :class:`Kind`: annotated text."""
        from fewshot_metalstm.kinds.tagging.example import EXAMPLE

        return {"train.tsv": EXAMPLE}

    def serving(self) -> Serving:
        """See :class:`Kind`: texts in, mentions out."""
        from fewshot_metalstm.kinds.tagging.serving.pyfunc import serving

        return serving()

    def read_score(self, stored: Mapping[str, Any]) -> AnyScore:
        """See :class:`Kind`."""
        if ACCURACY.key in stored:
            return read_accuracy(stored)
        return self._read_f1(stored)

    def _read_f1(self, stored: Mapping[str, Any]) -> Score:
        each = {name: self._read_f1(s) for name, s in stored.get("per_type", {}).items()}
        return Score(
            float(stored["f1"]), float(stored["precision"]), float(stored["recall"]),
            int(stored["mentions"]), each,
        )  # fmt: skip


TAGGING = Tagging()
