"""Distributions of episodes, and the word table, from settings and a loaded suite."""

from __future__ import annotations

from pathlib import Path

import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.episodes.nearness import nearness_of
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.heads import source_names
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.training.episodes import (
    Barred,
    EncodedEpisodes,
    F1Validation,
    validation_episodes,
)
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.seeds import derive

VALIDATION = "devel"  # the split that validation episodes are drawn from


def word_table(model: TaggerModel, suite: LoadedSuite) -> WordTable:
    """The model's word table, with every word of the suite in it."""
    table = model.table(keep=True)
    for task in (*suite.train, *suite.validation):
        for sentences in task.corpus.splits.values():
            table.learn_words(word for sentence in sentences for word in sentence.tokens)
    table.learn(often_read(suite))
    return table


def often_read(suite: LoadedSuite) -> list[Sentence]:
    """The sentences that episodes are drawn from."""
    parts = [(task, "train") for task in suite.train]
    parts += [(task, VALIDATION) for task in suite.validation]
    return [s for task, split in parts for s in task.corpus.splits[split]]


def training_episodes(
    config: MetaTrainConfig, suite: LoadedSuite, table: WordTable, device: torch.device
) -> EncodedEpisodes:
    """The episodes of the outer loop."""
    settings = config.episodes
    distribution = TaskDistribution(
        suite.train,
        shots=(settings.shots_low, settings.shots_high),
        query=settings.query,
        negatives=settings.negatives,
        temperature=settings.temperature,
        seed=derive(config.seed, "outer"),
        single_type_from_multi=settings.single_type_from_multi,
        max_types=settings.max_types,
        nearness=nearness(config, suite),
    )
    return EncodedEpisodes(distribution, table, device, barred(config, suite))


def barred(config: MetaTrainConfig, suite: LoadedSuite) -> Barred:
    """The places of a memory that are of each family: no episode of it may start there."""
    found: dict[str, tuple[int, ...]] = {}
    if config.memory:
        family = {task.name: task.family for task in suite.train}
        for place, (task, _) in enumerate(source_names({t.name: t.types for t in suite.train})):
            found[family[task]] = (*found.get(family[task], ()), place)
    return found


def joint_distribution(config: MetaTrainConfig, suite: LoadedSuite) -> TaskDistribution:
    """The batches of joint training, as the queries of episodes."""
    return TaskDistribution(
        suite.train,
        shots=1,
        query=config.joint.batch,
        negatives=config.episodes.negatives,
        temperature=config.episodes.temperature,
        seed=derive(config.seed, "joint"),
        single_type_from_multi=0.0,
        max_types=None,
        nearness=nearness(config, suite),
    )


def nearness(config: MetaTrainConfig, suite: LoadedSuite) -> tuple[float, ...]:
    """How near each source task is to the rows of the map that the settings name; else nothing."""
    if not config.episodes.map:
        return ()
    path = Path(config.episodes.map)
    return nearness_of(path, suite.train, config.episodes.sharpness)


def validation(
    config: MetaTrainConfig, suite: LoadedSuite, table: WordTable, device: torch.device
) -> F1Validation | None:
    """Meta-validation, if the suite holds tasks for it and the settings want it."""
    settings = config.validation
    if not suite.validation or settings.episodes == 0:
        return None
    distribution = TaskDistribution(
        suite.validation, shots=settings.shots, query=settings.query,
        negatives=config.episodes.negatives, seed=derive(config.seed, "validation"),
        split=VALIDATION,
    )  # fmt: skip
    episodes = validation_episodes(distribution, settings.episodes)
    return F1Validation(episodes, table, device, barred(config, suite))
