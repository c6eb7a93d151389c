"""A checkpoint of forecasting to give away, with its model card. It is small as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.kinds import shipping
from fewshot_metalstm.kinds.forecasting.model import load_prepared, read_config, save_model
from fewshot_metalstm.kinds.forecasting.score import FIGURE
from fewshot_metalstm.kinds.forecasting.tasks import KIND
from fewshot_metalstm.kinds.stored import CHECKPOINT

_FIGURES = (
    "MASE, less of which is better, on the four weeks behind a support, of regions that were not "
    "learned from: mean over draws of the support with its 95% interval. Shots are days."
)


def pack(checkpoint: Path, output: Path, *, results: Path | None, limit: float) -> int:
    """Write a copy of ``checkpoint`` with its model card to ``output``; its bytes.

    Args:
        results: a sweep's ``report.json``, for the card.
        limit: most MB (10^6 bytes) of all files together.

    Raises:
        UserError: no checkpoint there, too large, or ``results`` that are none.
    """
    model = load_prepared(checkpoint, CHECKPOINT)
    return shipping.write_packed(
        checkpoint, output, save=lambda folder: save_model(model, folder),
        card=lambda folder: card(folder, output.name, results), limit=limit,
        cure="train it with a smaller forecaster.lstm.hidden",
    )  # fmt: skip


def card(folder: Path, name: str, results: Path | None) -> str:
    """The model card of the checkpoint in ``folder``, to be called ``name``."""
    config = read_config(folder, CHECKPOINT)
    about = config["about"]
    fields = {
        "license": "other", "pipeline_tag": "time-series-forecasting",
        "tags": ["electric-load", "few-shot-learning", "meta-learning"],
    }  # fmt: skip
    cleared = ", ".join(about.get("targets_excluded", ())) or "none"
    return shipping.page(name, fields, [
        f"`{name}` is a start for forecasting the next day of an hourly series: a linear path with "
        f"a recurrent network beside it ({about.get('algorithm')}), trained on the suite "
        f"`{about.get('suite')}`, which some days of a series of yours adapt in seconds, on a CPU. "
        "It forecasts nothing by itself.",
        "## Use\n\n```sh\n"
        "fewshot-metalstm adapt --train my_load.csv --kind forecasting --shots 14 "
        f"--checkpoint {name} --output model\n"
        "fewshot-metalstm predict model history.csv --horizon 24 --output forecast.csv\n```\n\n"
        "`my_load.csv` has a row an hour, with the columns `ds, y` or `unique_id, ds, y`.",
        "## Data\n\nIt has learned from hourly load in MW of these regions, without the last fifth "
        "of each:\n\n" + shipping.learned_from(about, KIND, "region", "the hours learned from"),
        f"## Training\n\n{_training(about)}",
        f"## Figures\n\n{shipping.figures(results, FIGURE, _FIGURES)}",
        "## Limits\n\n"
        "- What it has read are loads of electric grids in the east of the United States, 1998 to "
        "2018. Of a series that is unlike a grid's load `adapt` takes less of what the network "
        "corrects (`adapt.trust`), and says how much; compare it with `--baseline ridge-pooled`.\n"
        "- It sees one week, the clock and the calendar: no weather, no holidays, no second "
        "series.\n"
        "- On series that are unlike its own the interval tends to be too narrow, also after "
        "`adapt.widen`.\n"
        f"- It has learned from the regions in the table: `adapt` refuses them. It was kept from "
        f"{cleared}, and from what is of one family with them.",
        "## Licence\n\nThe code is MIT. Terms of the data stand in the table.",
        shipping.digests(config),
    ])  # fmt: skip


def _training(about: Mapping[str, Any]) -> str:
    found = about.get("validation_mase")
    figure = "not measured" if found is None else f"{found:.3f}"
    return (
        f"Algorithm {about.get('algorithm')}, seed {about.get('seed')}, outer step "
        f"{about.get('outer_step', 0)}, with a MASE of {figure} on meta-validation, the last "
        "fifths of the regions above. `config.json` has the settings that count (`about.recipe`)."
    )
