"""Supervised training of classifiers: fresh or from a checkpoint, one task or several jointly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm import ranges
from fewshot_metalstm.accuracy import compare
from fewshot_metalstm.encoders.training import (
    EncodedVectorsConfig,
    encoder_of,
    keep_features,
    same_encoder,
)
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import Batch, Encoded
from fewshot_metalstm.kinds.classification.model import (
    CLASSIFIER,
    ClassifierModel,
    adapted_model,
    load_model,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.classification.score import FIGURE
from fewshot_metalstm.kinds.classification.scoring import scores_of
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig, check_sizes
from fewshot_metalstm.kinds.classification.source import shared_classes, vocabulary
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask, check_learnable
from fewshot_metalstm.kinds.classification.text import read_of
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.train.about import joint_about, trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation, SupervisedSource

_NOISE = ("word_dropout", "input_dropout", "output_dropout", "context_dropout")


def _training() -> SupervisedConfig:
    # A file of a user's own is seldom split, and there are texts enough to spare some.
    return SupervisedConfig(epochs=10, batch=20, hold_out=0.1)


def _vectors() -> EncodedVectorsConfig:
    return EncodedVectorsConfig(size=64, epochs=10, buckets=20_000, min_count=2)


@dataclass(frozen=True)
class ClassificationSupervisedConfig(TrainSettings):
    """Everything that supervised training of classifiers depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    vectors: EncodedVectorsConfig = field(default_factory=_vectors)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)


class ClassificationTraining(SupervisedSource):
    """Tasks of classification, for one run of supervised training."""

    figure = FIGURE
    product = CLASSIFIER
    config: ClassificationSupervisedConfig
    tasks: Sequence[ClassificationTask]

    def __init__(
        self, config: ClassificationSupervisedConfig, tasks: Sequence[ClassificationTask]
    ) -> None:
        ranges.check(config)
        check_sizes(config.classifier, config.vectors, config.start)
        for task in tasks:
            check_learnable(task)
        self.tasks = tasks
        self._by_name = {task.name: task for task in tasks}
        self._start: ClassifierModel | None = None
        self._encoder = encoder_of(config.vectors)
        if config.start:
            self._start = load_model(Path(config.start), CHECKPOINT)
            same_encoder(self._encoder, self._start, config.start)
            self._encoder = self._start.encoder
            own = self._start.learner.config
            config = replace(config, classifier=_noise_of(own, config.classifier, config.start))
        self.config = config

    def fresh(self, progress: Progress) -> ClassifierModel:
        """See :class:`SupervisedSource`; word vectors are trained on the text of train alone."""
        config = self.config
        for task in self.tasks:
            changes = [f"{number} {name}" for name, number in task.notes.items() if number]
            for line in (*changes, task.cut(config.classifier.longest)):
                if line:
                    progress.note(f"note: {task.name}: {line}")
        if self._encoder is not None:
            splits = (split for task in self.tasks for split in task.splits.values())
            every = (text for split in splits for text in split.texts)
            keep_features(self._encoder, read_of(every, config.classifier.longest), progress)
        if self._start is None:
            vectors, alphabet = vocabulary(self.tasks, config.vectors, config.seed, progress)
            return new_checkpoint(
                config.classifier, vectors, alphabet, shared_classes(self.tasks), config.seed,
                self._encoder,
            )  # fmt: skip
        start = self._start
        made = new_checkpoint(
            config.classifier, start.vectors, start.alphabet, start.classes, config.seed,
            start.encoder,
        )  # fmt: skip
        given = dict(start.learner.named_parameters())
        with torch.no_grad():
            for name, value in made.learner.named_parameters():
                value.copy_(given[name])
        return replace(made, about=start.about)

    def load(self, folder: Path) -> ClassifierModel:
        """See :class:`SupervisedSource`."""
        return load_model(folder)

    def save(self, model: ClassifierModel, folder: Path) -> None:
        """See :class:`SupervisedSource`."""
        save_model(model, folder)

    def use(
        self, model: ClassifierModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        """See :class:`SupervisedSource`."""
        self._model, self._device, self._learned = model, device, learned
        self._table = model.table(keep=True)
        self._encoded: dict[tuple[str, str], Encoded] = {
            (task.name, name): self._table.encode(split.texts, split.labels, len(task.classes))
            for task in self.tasks for name, split in task.splits.items()
        }  # fmt: skip

    def heads(self, model: ClassifierModel) -> Mapping[str, Params]:
        """See :class:`SupervisedSource`: rows are recalled by some texts of every class."""
        found: dict[str, Params] = {}
        for task in self.tasks:
            labels = task.splits["train"].labels
            learned = self._learned[task.name]
            some = [
                i for number in range(len(task.classes))
                for i in [at for at in learned if labels[at] == number][:RECALLED_BY]
            ]  # fmt: skip
            started = model.learner.initial(self.batch(task.name, "train", some))
            found[task.name] = {name: started[name] for name in model.learner.private()}
        return found

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: tokens that are read."""
        return [len(each) for each in self._encoded[task, "train"].words]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        return self._table.batch(self._encoded[task, split].take(items)).to(self._device)

    @torch.no_grad()
    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: nats a text, and accuracy."""
        del tuned
        encoded = self._encoded[task, split].take(items)
        scores = scores_of(self._model.learner, params, self._table, encoded, self._device)
        loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(encoded.labels))
        found = scores.argmax(dim=1).numpy()
        return Evaluation(float(loss), compare(encoded.labels, found, self._by_name[task].classes))

    def save_model(
        self, model: ClassifierModel, task: str, params: Params, folder: Path,
        about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        made = {
            "target": own.name, "method": "train", "tune": "all", "draw": 0,
            "seed": self.config.seed, "support_texts": about.get("items", own.sizes["train"]),
            **trained_about(own, self.tasks, self._start, about, FIGURE.key),
        }  # fmt: skip
        save_model(adapted_model(model, params, own.classes, made), folder)

    def save_joint(
        self, model: ClassifierModel, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """See :class:`SupervisedSource`: as ``meta-train --algorithm joint`` writes it."""
        classes = shared_classes(self.tasks)
        made = new_checkpoint(
            model.learner.config, model.vectors, model.alphabet, classes, 0, model.encoder
        )
        merged = made.learner.merge_private(list(heads.values()))
        with torch.no_grad():
            for name, value in made.learner.named_parameters():
                value.copy_({**shared, **merged}[name])
        whole = joint_about(self.tasks, self._start, self.config.seed)
        if self._start is not None:
            whole["corpora"] = {**self._start.about.get("corpora", {}), **whole["corpora"]}
        whole |= about
        save_model(replace(made, about=whole), folder)
        return True


RECALLED_BY = 50  # train texts of a class that its row of a checkpoint's head is chosen by


def _noise_of(own: ClassifierConfig, wanted: ClassifierConfig, name: str) -> ClassifierConfig:
    """The checkpoint's sizes with the noise that is wanted; no other sizes may be asked for."""
    kept = {key: getattr(own, key) for key in _NOISE}
    kept["context"] = own.context  # the encoder is the checkpoint's
    if replace(wanted, **kept) not in (own, replace(ClassifierConfig(), **kept)):
        raise UserError(
            f"{name} has other sizes than the section classifier asks for; leave --cell and the "
            "sizes out, or leave --start out"
        )
    return replace(own, **{key: getattr(wanted, key) for key in _NOISE})
