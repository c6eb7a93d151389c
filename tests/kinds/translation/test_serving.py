"""A translator as MLflow serves it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_metalstm.kinds.translation.kind import TRANSLATION
from fewshot_metalstm.kinds.translation.model import (
    PRODUCT,
    TranslationModel,
    new_translator,
    save_model,
)
from fewshot_metalstm.kinds.translation.scoring import translate
from tests.kinds.translation.builders import SMALL, subwords


def test_texts_are_translated_row_by_row(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    from mlflow.exceptions import MlflowException

    from fewshot_metalstm.kinds.translation.serving.pyfunc import PyfuncTranslator

    serving = TRANSLATION.serving()
    assert serving.script.is_file()
    assert "tokenizers" in serving.needs
    own = subwords()
    model = TranslationModel(new_translator(SMALL, len(own), 0), own, PRODUCT)
    save_model(model, tmp_path)
    served: Any = PyfuncTranslator()
    served.load_context(SimpleNamespace(artifacts={PRODUCT: str(tmp_path)}, model_config=None))
    table = pandas.DataFrame({"text": ["a dog runs.", " ", "a red tree."]}, index=[3, 5, 9])
    found = served.predict(None, table)
    assert list(found.columns) == serving.signature.outputs.input_names()
    assert list(found.index) == [3, 5, 9]
    wanted, _ = translate(
        model.learner, dict(model.learner.named_parameters()), model.subwords,
        ["a dog runs.", "a red tree."], model.learner.config.beam,
    )  # fmt: skip
    assert found["translation"].tolist() == [wanted[0], "", wanted[1]]
    with pytest.raises(MlflowException, match=r"row 1 .* has no text"):
        served.predict(None, pandas.DataFrame({"text": ["a", None]}))
    with pytest.raises(MlflowException, match=r"row 1 .* too long to translate.*a sentence a row"):
        served.predict(None, pandas.DataFrame({"text": ["a dog", "a dog " * 30_000]}))
