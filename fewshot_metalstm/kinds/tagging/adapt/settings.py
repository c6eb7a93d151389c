"""Settings of adapting taggers: those of every kind, and what only text has a use for."""

from __future__ import annotations

from dataclasses import dataclass, field

from fewshot_metalstm.adapt.policy import AUTO
from fewshot_metalstm.adapt.prototypes import PrototypesConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig
from fewshot_metalstm.kinds.tagging.adapt.from_support import NeighboursConfig
from fewshot_metalstm.kinds.tagging.adapt.self_training import SelfTrainingConfig
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import TransformerConfig


@dataclass(frozen=True)
class TaggingSettings(AdaptSettings):
    """How a tagger is adapted, in a single run and in a sweep alike."""

    # text for self-training: a file, or train: the target's own train split, without its tags
    unlabelled: str = ""
    # who tags that text: another checkpoint, adapted to the same support, or a tagger; by default
    # the tagger itself
    teacher: str = ""
    # how to adapt: a recipe of the checkpoint's policy by name; auto: the one that its policy
    # chooses, unless a setting of adapt is not the default; none: as the settings say
    recipe: str = AUTO
    self_training: SelfTrainingConfig = field(default_factory=SelfTrainingConfig)
    prototypes: PrototypesConfig = field(default_factory=PrototypesConfig)
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    crf: CrfConfig = field(default_factory=CrfConfig)
    spacy: SpacyConfig = field(default_factory=SpacyConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)


@dataclass(frozen=True)
class AdaptRunConfig(TaggingSettings, AdaptRunSettings):
    """Settings of an adaptation run."""


@dataclass(frozen=True)
class SweepConfig(TaggingSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""
