"""A forecaster as MLflow serves it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_metalstm.kinds.forecasting.kind import FORECASTING
from fewshot_metalstm.kinds.forecasting.model import (
    FORECASTER,
    ForecastModel,
    new_forecaster,
    save_model,
)
from tests.kinds.forecasting.builders import SMALL


def test_the_next_day_of_each_series_is_forecast(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    from mlflow.exceptions import MlflowException

    from fewshot_metalstm.kinds.forecasting.serving.pyfunc import PyfuncForecaster

    serving = FORECASTING.serving()
    assert serving.script.is_file()
    save_model(ForecastModel(new_forecaster(SMALL, 0), None, FORECASTER), tmp_path)
    served: Any = PyfuncForecaster()
    served.load_context(SimpleNamespace(artifacts={FORECASTER: str(tmp_path)}, model_config=None))
    one = pandas.DataFrame(serving.example)
    two = one.assign(unique_id="two", y=one["y"] * 3)
    found = served.predict(None, pandas.concat([one, two]))
    assert list(found.columns) == serving.signature.outputs.input_names()
    assert found["unique_id"].tolist() == ["one"] * 24 + ["two"] * 24
    assert found["ds"][0] == "2018-01-08 00:00:00"
    assert (found["q10"] <= found["q90"]).all()
    with pytest.raises(MlflowException, match=r"table\.csv: one has 20 hours; give at least"):
        served.predict(None, one[:20])
    with pytest.raises(MlflowException, match=r"table\.csv:3: has the time .soon."):
        served.predict(None, one.assign(ds=[one["ds"][0], "soon", *one["ds"][2:]]))
