"""A forecaster as MLflow's generic model: hours of one or several series in, the next day out.

Imports MLflow: reach it through ``serving`` of the kind only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model
from fewshot_metalstm.kinds.forecasting.predict import COLUMNS, ahead
from fewshot_metalstm.kinds.forecasting.series import WEEK, hour_text
from fewshot_metalstm.kinds.forecasting.tables import Columns, read_series
from fewshot_metalstm.tracking.served_texts import Served, check_sizes, refused, table_signature
from fewshot_metalstm.tracking.serving import Serving

# What one request may hold; 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 1_000_000}
_TABLE = Path("table.csv")  # what messages call a request
_FIRST = 420_768  # an hour to begin the example with: the first of 2018


def serving() -> Serving:
    """How MLflow loads and serves a forecaster; what a request may hold is :data:`LIMITS`."""
    script = Path(__file__).with_name("served_forecaster.py")
    example: dict[str, Sequence[object]] = {
        "unique_id": ["one"] * WEEK, "ds": [hour_text(_FIRST + hour) for hour in range(WEEK)],
        "y": [100.0 + hour % 24 for hour in range(WEEK)],
    }  # fmt: skip
    quantiles = dict.fromkeys(COLUMNS[2:], "double")
    signature = table_signature(
        {"unique_id": "string", "ds": "string", "y": "double"},
        {"unique_id": "string", "ds": "string", **quantiles},
    )
    return Serving(script, FORECASTER, signature, example, LIMITS)


class PyfuncForecaster(Served):
    """The 24 hours behind each series of a table, with the quantiles 0.1, 0.5 and 0.9."""

    artifact = FORECASTER
    limits = LIMITS

    def load(self, folder: Path) -> None:
        """See :class:`.Served`."""
        import pandas

        self._model = load_model(folder, FORECASTER)
        self.answered(pandas.DataFrame(serving().example))

    def answered(self, table: Any) -> Any:
        """See :class:`.Served`: read as `predict` reads a file, and refused as there."""
        import pandas

        check_sizes({"max_rows": len(table)}, self._limits)
        text = table[["unique_id", "ds", "y"]].to_csv(index=False)
        try:
            series = read_series(_TABLE, Counter(), Columns(None, None), text.encode("utf-8"))
            rows = [row for each in ahead(self._model, series, _TABLE) for row in each.rows()]
        except UserError as problem:
            raise refused(str(problem)) from None
        return pandas.DataFrame(rows, columns=list(COLUMNS))
