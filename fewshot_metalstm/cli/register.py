"""``fewshot-metalstm register``: an adapted model as an MLflow model."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fewshot_metalstm.cli.options import json_option, tracking_uri_option
from fewshot_metalstm.cli.tables import say


@click.command("register")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME",
              help="Make it a version of the registered model NAME.")  # fmt: skip
@click.option("--run-id", metavar="ID", help="The run to log it to.  [default: a new one]")
@click.option("--max-rows", type=click.IntRange(0), metavar="N",
              help="Texts that a request may hold; 0: any number.  [default: 10000]")  # fmt: skip
@click.option("--max-characters", type=click.IntRange(0), metavar="N",
              help="Characters of all its texts; 0: any number.  [default: 5000000]")  # fmt: skip
@tracking_uri_option
@json_option
def register(
    model: Path,
    name: str | None,
    run_id: str | None,
    tracking_uri: str | None,
    as_json: bool,
    **limits: int | None,
) -> None:
    """Log the tagger in the folder MODEL to MLflow, and register it if a name is given.

    What is logged is whole: the tagger, this package's code and the pinned versions of what it
    needs. `mlflow models serve` answers requests with it, and `mlflow.pyfunc.load_model` gives it
    to a program.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.tracking.registry import log_adapted
    from fewshot_metalstm.tracking.store import tracking_uri as resolve

    uri = resolve(tracking_uri)
    chosen = {limit: number for limit, number in limits.items() if number is not None}
    logged = log_adapted(runs.adapted_to_use(model), uri, run_id, name, chosen)
    if as_json:
        click.echo(json.dumps(logged.as_dict() | {"tracking_uri": uri}))
        return
    say(f"logged: {logged.uri}")
    say(f"Next: MLFLOW_TRACKING_URI={uri} mlflow models serve -m {logged.uri} --env-manager local")
