"""Learning from another tagger: it tags unlabelled text, and the tagger learns from its tags.

A teacher that knows more than its pupil can hold, one that reads with an encoder for example, tags
the sentences that :mod:`~fewshot_metalstm.kinds.tagging.adapt.self_training` has the tagger tag
itself. What comes of it is as small and as fast as any other. A teacher that is a checkpoint is
adapted to the support first, so that it knows no more annotation than its pupil; one that is a
tagger tags as it is.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, with the
teacher's best tags in the place of its probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm import runs
from fewshot_metalstm.adapt.plan import check_held_out
from fewshot_metalstm.adapt.report import checkpoint_name
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.tagging.adapt.tagger import known_to
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, TokenLabels
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    TaggerModel,
    load_model,
    read_config,
)

TEXT_NEEDED = "a teacher tags text without annotation; name it by --unlabelled FILE (or train)"


@dataclass(frozen=True)
class Teacher:
    """Where a teacher is, whole, and the digest of its files."""

    folder: Path
    digest: str

    @property
    def name(self) -> str:
        """What it goes by: that of a checkpoint which ships, or of the run that wrote it."""
        folder = self.folder
        return folder.parent.name if folder.name == TAGGER else checkpoint_name(folder)


def teacher_of(name: str, target: Task) -> tuple[Teacher, tuple[str, ...]]:
    """The checkpoint or the tagger at a path, or that ships under a name, and notes on it.

    Raises:
        UserError: there is none, it has learned from the target's family, or it is a tagger that
            does not know the target's types.
    """
    folder = runs.model_folder(Path(name), CHECKPOINT)
    if not (folder / "config.json").is_file():
        folder = runs.adapted_folder(Path(name))
    config = read_config(folder)
    model = load_model(folder)
    if model.kind == TAGGER:
        known = known_to(model, target).types
        if isinstance(known, TokenLabels) and set(known) != set(target.types):
            other = min(set(known) - set(target.types))
            raise UserError(
                f"the teacher {name} has the label {other}, which {target.name} has not; take a "
                "tagger of the same labels"
            )
        source = config["about"].get("from", {})
        if registry.kind(target.kind).seen(source, target):
            raise UserError(
                f"the teacher {name} comes from a checkpoint that has learned from {target.name}'s "
                f"family {target.family}, so that the score would mean nothing; take another"
            )
        notes: tuple[str, ...] = ()
    else:
        notes = tuple(check_held_out(registry.kind(target.kind), model, target))
    files = "".join(f"{file} {digest}\n" for file, digest in sorted(config["sha256"].items()))
    return Teacher(folder.resolve(), sha256(files.encode())), notes


def tags_as_it_is(
    model: TaggerModel, target: Task, sentences: Sequence[tuple[str, ...]]
) -> list[Sentence]:
    """The sentences with those mentions that a tagger finds and that are of the target's types."""
    params = {name: value.detach() for name, value in model.learner.named_parameters()}
    found = tag(model.learner, params, model.table(), sentences, model.types, model.lexicon)
    wanted = {f"{part}-{name}" for name in target.types for part in "BIES"}
    return [
        Sentence(tokens, tuple(found if found in wanted else "O" for found in tags))
        for tokens, tags in zip(sentences, found, strict=True)
    ]
