"""Adapted taggers as MLflow models: logged to a run, and registered under a name.

A logged tagger is whole: its folder holds the tagger, this package's own code and the pinned
versions of the few packages that a prediction needs. So it can be loaded and served where
fewshot-metalstm is not installed, and goes on to work as it did when the package changes.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, read_config
from fewshot_metalstm.tracking.database import connect, one_line, quieten
from fewshot_metalstm.tracking.meta_training import EXPERIMENT

NAME = "tagger"  # of the model in its run
EXAMPLE = "Mice were infected with E. coli."
# What is imported when a logged tagger is loaded and used; numba is optional, and faster.
_NEEDED = ("mlflow", "numpy", "PyYAML", "safetensors", "torch")
_OPTIONAL = ("numba",)
_SCRIPT = "served_tagger.py"
_VARIABLE = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class LoggedModel:
    """Where a tagger was logged: ``uri`` is what MLflow loads and serves it by.

    ``name`` and ``version`` are those of the registry, None where it was not registered.
    """

    run_id: str
    uri: str
    name: str | None = None
    version: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return dict(vars(self))


def requirements() -> list[str]:
    """The packages that a logged tagger needs, pinned to the versions that are here."""
    pinned = []
    for package in (*_NEEDED, *_OPTIONAL):
        try:
            # "2.13.0+cpu" is in the index of CPU wheels alone, "2.13.0" in all.
            pinned.append(f"{package}=={version(package).partition('+')[0]}")
        except PackageNotFoundError:
            if package in _NEEDED:
                raise
    return pinned


def save_pyfunc(tagger: Path, folder: Path) -> None:
    """Write the tagger in the folder ``tagger`` as an MLflow model to ``folder``, a new one.

    Raises:
        UserError: there is no adapted tagger.
    """
    read_config(tagger, TAGGER)
    quieten()
    import mlflow.pyfunc

    with _silently(), _material(tagger, {}) as given:
        mlflow.pyfunc.save_model(str(folder), **given)


def log_tagger(
    tagger: Path,
    uri: str,
    run_id: str | None = None,
    register: str | None = None,
    limits: Mapping[str, int] | None = None,
) -> LoggedModel:
    """Log an adapted tagger to a run of the store at ``uri``, and register it if a name is given.

    Args:
        tagger: the tagger's folder.
        uri: a result of :func:`~fewshot_metalstm.tracking.store.tracking_uri`.
        run_id: the run to log it to; None makes one.
        register: the name of a registered model, which gets a new version; made when absent.
        limits: what a request may hold, in place of those of
            :data:`fewshot_metalstm.kinds.tagging.serving.pyfunc.LIMITS` of the same names.

    Raises:
        UserError: there is no adapted tagger, or the store refuses it.
    """
    config = read_config(tagger, TAGGER)
    if register is not None and (not register.strip() or set(register) & set("/:")):
        raise UserError(f"name {register!r}: cannot be empty or hold '/' or ':'; choose another")
    client = connect(uri)
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    import mlflow
    from fewshot_metalstm.tracking.tracker import open_tracker

    if run_id is None:
        about = config["about"]
        tags = {"kind": "model", "synthetic": str(bool(about.get("synthetic"))).lower()}
        params = {name: about[name] for name in ("target", "method", "seed") if name in about}
        run_name = f"tagger {about.get('target', tagger.name)}"
        with open_tracker(uri, EXPERIMENT).run(run_name, params=params, tags=tags) as run:
            assert run.id is not None
            return log_tagger(tagger, uri, run.id, register, limits)
    try:
        with _store(uri), _silently(), _material(tagger, limits or {}) as given:
            info = mlflow.models.Model.log(
                artifact_path=None, name=NAME, flavor=mlflow.pyfunc, run_id=run_id,
                registered_model_name=register, await_registration_for=0, **given,
            )  # fmt: skip
        if register is None:
            return LoggedModel(run_id, info.model_uri)
        number = int(info.registered_model_version)
        client.set_model_version_tag(register, str(number), "types", ", ".join(config["types"]))
        return LoggedModel(run_id, f"models:/{register}/{number}", register, number)
    except MlflowException as problem:
        raise UserError(
            f"tracking store {uri}: does not take the model ({one_line(problem)}); "
            "choose another name, or another store with --tracking-uri"
        ) from problem


@contextmanager
def _store(uri: str) -> Iterator[None]:
    """Make ``uri`` MLflow's own choice: it logs models through its global state alone."""
    import mlflow

    variable = os.environ.get(_VARIABLE)
    chosen: str | None = mlflow.get_tracking_uri()
    chose: bool = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    if not chose or chosen == variable:
        chosen = None  # none was chosen: the variable, or MLflow's default, goes on to decide
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(chosen)  # type: ignore[arg-type]  # sets the variable too
        if variable is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = variable


@contextmanager
def _silently() -> Iterator[None]:
    """Keep MLflow's notes and progress bars off the terminal; its errors are exceptions."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _material(tagger: Path, limits: Mapping[str, int]) -> Iterator[Mapping[str, Any]]:
    """What MLflow is given to make a model of."""
    import pandas

    from fewshot_metalstm.kinds.tagging.serving import pyfunc

    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="fewshot-metalstm-") as folder:
        code = Path(folder) / "fewshot_metalstm"
        copy_code(here.parent, code)
        yield {
            "python_model": str(Path(pyfunc.__file__).with_name(_SCRIPT)),
            "artifacts": {pyfunc.ARTIFACT: str(tagger.resolve())},
            "code_paths": [str(code)],
            "signature": pyfunc.signature(),
            "input_example": pandas.DataFrame({"text": [EXAMPLE]}),
            "pip_requirements": requirements(),
            "model_config": {**pyfunc.LIMITS, **limits},
        }


def copy_code(package: Path, folder: Path) -> None:
    """The package's modules alone: no checkpoints that ship with it, no compiled files."""
    for module in package.rglob("*.py"):
        place = folder / module.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, place)
