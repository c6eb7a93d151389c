"""The package in a few lines of Python: load a checkpoint, adapt it to examples, tag text.

::

    from fewshot_metalstm import Tagger

    checkpoint = Tagger.from_pretrained("runs/bionlp")
    tagger = checkpoint.adapt([("Mice ran.", [(0, 4, "Species")]), ...])
    for mention in tagger.tag("E. coli and mice"):
        print(mention.start, mention.end, mention.type, mention.text, mention.confidence)
    tagger.save_pretrained("my-tagger")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from fewshot_metalstm import pretrained, runs
from fewshot_metalstm.adapt import policy
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.adapt.card import tagger_card
from fewshot_metalstm.kinds.tagging.adapt.examples import Examples, adapt_model, task_of
from fewshot_metalstm.kinds.tagging.adapt.predict import Mention, Predictor
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tuning import AUTO
from fewshot_metalstm.kinds.tagging.corpora import bad
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.unannotated import SKIP
from fewshot_metalstm.kinds.tagging.shipping.card import card
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    TaggerModel,
    load_model,
    save_model,
)
from fewshot_metalstm.machine import pick_device
from fewshot_metalstm.writing import write_text

__all__ = ["Mention", "Tagger"]


class Tagger:
    """A tagger, or a meta-learned checkpoint that is to become one.

    A checkpoint (``kind`` is ``checkpoint``) can be adapted, a tagger (``kind`` is ``tagger``)
    can tag. Neither changes: :meth:`adapt` gives a new one.
    """

    def __init__(self, model: TaggerModel, device: str = "cpu") -> None:
        """Wrap a model that is loaded; ``device`` is ``cpu``, ``cuda`` or ``auto``."""
        self._device = pick_device(device)
        self._model = model
        self._predictor: Predictor | None = None

    @classmethod
    def from_pretrained(cls, source: str | Path, *, device: str = "cpu") -> Tagger:
        """Load a checkpoint or a tagger.

        Args:
            source: the folder that meta-train, adapt or :meth:`save_pretrained` wrote (a model's,
                or the run's that holds it), or the name of a checkpoint that ships with the
                package.
            device: ``cpu``, ``cuda`` or ``auto``.

        Raises:
            UserError: there is no model, or one that is damaged or newer than this package.
        """
        path = Path(source)
        if not path.exists():
            shipped = pretrained.folders()
            if str(source) not in shipped:
                names = ", ".join(shipped) or "none is installed"
                cure = f"give a model's folder or the name of one that ships ({names})"
                raise at(path, None, "there is no such model", cure)
            return cls(load_model(shipped[str(source)]), device)
        for inner in (TAGGER, CHECKPOINT):
            path = runs.model_folder(path, inner)
        return cls(load_model(path), device)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write weights (safetensors), config, vocabulary and a model card to ``folder``.

        The folder is written whole or not at all; an older model there is replaced. No pickle.

        Returns:
            The folder.

        Raises:
            UserError: the folder holds other files.
        """
        folder = Path(folder)
        save_model(self._model, folder)
        name = folder.absolute().name
        adapted = self.kind == TAGGER
        page = tagger_card(self._model, name) if adapted else card(folder, name)
        write_text(page, folder / pretrained.CARD)
        return folder

    @property
    def kind(self) -> str:
        """``checkpoint`` or ``tagger``."""
        return self._model.kind

    @property
    def types(self) -> tuple[str, ...]:
        """The entity types that it tags; none for a checkpoint."""
        return self._model.types

    @property
    def about(self) -> Mapping[str, Any]:
        """Where it came from: target, method, seed, what it was adapted from."""
        return self._model.about

    @property
    def model(self) -> TaggerModel:
        """The model itself, with its learner (a ``torch.nn.Module``), vectors and lexicon."""
        return self._model

    def __repr__(self) -> str:
        what = f"types={list(self.types)}" if self.kind == TAGGER else f"kind={self.kind!r}"
        return f"Tagger({what})"

    def adapt(
        self,
        examples: Examples,
        types: Sequence[str] | None = None,
        *,
        seed: int = 0,
        tune: str = AUTO,
        overlaps: str = ERROR,
        bad_annotations: str = bad.ERROR,
        unannotated: str = SKIP,
        recipe: str = policy.AUTO,
        **settings: Any,
    ) -> Tagger:
        """A new tagger, adapted to annotated examples.

        Runs in this process, in one thread: some seconds for 50 sentences. The result is a
        function of checkpoint, examples and settings alone, that of ``adapt --shots 0``.

        Args:
            examples: pairs of tokens and tags or of text and mentions, or a path; see
                :func:`~fewshot_metalstm.kinds.tagging.adapt.examples.task_of`.
            types: the entity types to learn; all that occur if None.
            seed: of order and noise.
            tune: what is adapted: ``basic`` (basic LSTM and head), ``head``, ``all``, or what
                suits the checkpoint's meta-learner (``auto``, all for most).
            overlaps: what becomes of mentions of a text that overlap: ``error``, or ``longest``.
            bad_annotations: what becomes of wrong annotations in files: ``error``, ``repair`` or
                ``skip``.
            unannotated: what becomes of text in files that nobody annotated: ``skip``,
                ``skip-empty`` or ``negatives``.
            recipe: one of the checkpoint's policy; ``auto``: what the policy chooses, unless
                there are ``settings``; ``none``: as the settings say.
            **settings: fields of :class:`~fewshot_metalstm.adapt.finetune.AdaptConfig`, such as
                ``epochs=60``.

        Raises:
            UserError: this is no checkpoint, an example is ill-formed, or a setting is unknown.
        """
        if self.kind != CHECKPOINT:
            raise UserError(
                "an adapted tagger cannot be adapted again; adapt the checkpoint that it came "
                "from, to all of the examples"
            )
        target = task_of(examples, types or (), overlaps, bad_annotations, unannotated)
        given = {f"adapt.{name}": value for name, value in settings.items()}
        given |= {"seed": seed, "tune": tune, "recipe": recipe}
        config = resolve(AdaptRunConfig, None, (), given)
        adapted = adapt_model(self._model, target, config, self._device)
        return Tagger(adapted, self._device.type)

    @overload
    def tag(self, text: str) -> list[Mention]: ...  # type: ignore[overload-overlap]
    @overload
    def tag(self, text: Iterable[str]) -> list[list[Mention]]: ...
    def tag(self, text: str | Iterable[str]) -> list[Mention] | list[list[Mention]]:
        """The mentions of a text, or of each of several, which is quicker than one by one.

        Sentences and tokens are found by rule; offsets count characters of the text.

        Raises:
            UserError: this is a checkpoint, which has no entity types yet.
        """
        if isinstance(text, str):
            return self.tag([text])[0]
        texts = list(text)
        for given in texts:
            if not isinstance(given, str):
                raise TypeError(f"a text is a str, not a {type(given).__name__}")
        return self._reader().texts(texts)

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[Reading]:
        """Tags (IOBES), mentions, confidences and uncertainty of sentences given as tokens.

        Raises:
            UserError: this is a checkpoint, which has no entity types yet.
        """
        given = list(sentences)
        if any(isinstance(tokens, str) for tokens in given):
            raise TypeError("a sentence is a sequence of tokens, not a str; use tag() for text")
        return self._reader().read(given)

    def _reader(self) -> Predictor:
        if self.kind != TAGGER:
            raise UserError("a checkpoint tags nothing before it is adapted; call adapt() first")
        if self._predictor is None:
            self._predictor = Predictor(self._model, self._device)
        return self._predictor
