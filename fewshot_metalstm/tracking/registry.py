"""Adapted models as MLflow models: logged to a run, and registered under a name.

A logged model is whole: its folder holds the adapted model, this package's own code and the pinned
versions of the few packages that a prediction needs. So it can be loaded and served where
fewshot-metalstm is not installed, and goes on to work as it did when the package changes. What
goes in and comes out, its kind says (:class:`~fewshot_metalstm.tracking.serving.Serving`).
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
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.tracking.database import connect, one_line, quieten
from fewshot_metalstm.tracking.meta_training import EXPERIMENT
from fewshot_metalstm.tracking.serving import Serving

_VARIABLE = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class LoggedModel:
    """Where a model was logged: ``uri`` is what MLflow loads and serves it by.

    ``name`` and ``version`` are those of the registry, None where it was not registered.
    """

    run_id: str
    uri: str
    name: str | None = None
    version: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return dict(vars(self))


def requirements(serving: Serving, model: Path | None = None) -> list[str]:
    """The packages that a logged model needs, pinned to the versions that are here.

    Args:
        model: its folder, for what it alone needs.
    """
    own = () if model is None else serving.model_needs(model)
    pinned = []
    for package in (*serving.needs, *own, *serving.uses):
        try:
            # "2.13.0+cpu" is in the index of CPU wheels alone, "2.13.0" in all.
            pinned.append(f"{package}=={version(package).partition('+')[0]}")
        except PackageNotFoundError:
            if package not in serving.uses:
                raise
    return pinned


def save_pyfunc(model: Path, folder: Path) -> None:
    """Write the adapted model in the folder ``model`` as an MLflow model to ``folder``, a new one.

    Raises:
        UserError: there is no adapted model, or one of a kind that cannot be served.
    """
    kind = registry.of_model(model)
    kind.read_config(model, kind.product)
    quieten()
    import mlflow.pyfunc

    with _silently(), _material(model, serving_of(kind), {}) as given:
        mlflow.pyfunc.save_model(str(folder), **given)


def log_adapted(
    model: Path,
    uri: str,
    run_id: str | None = None,
    register: str | None = None,
    limits: Mapping[str, int] | None = None,
) -> LoggedModel:
    """Log an adapted model to a run of the store at ``uri``, and register it if a name is given.

    Args:
        model: the model's folder.
        uri: a result of :func:`~fewshot_metalstm.tracking.store.tracking_uri`.
        run_id: the run to log it to; None makes one.
        register: the name of a registered model, which gets a new version; made when absent.
        limits: what a request may hold, in place of the kind's limits of the same names.

    Raises:
        UserError: there is no adapted model, its kind cannot be served or has no such limit, or
            the store refuses it.
    """
    kind = registry.of_model(model)
    config = kind.read_config(model, kind.product)
    if register is not None and (not register.strip() or set(register) & set("/:")):
        raise UserError(f"name {register!r}: cannot be empty or hold '/' or ':'; choose another")
    client = connect(uri)
    serving = serving_of(kind)
    for limit in set(limits or ()) - set(serving.limits):
        raise UserError(f"a {kind.product} has no limit {limit}; leave it out")
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    import mlflow
    from fewshot_metalstm.tracking.tracker import open_tracker

    if run_id is None:
        about = config["about"]
        tags = {"kind": "model", "synthetic": str(bool(about.get("synthetic"))).lower()}
        params = {name: about[name] for name in ("target", "method", "seed") if name in about}
        run_name = f"{kind.product} {about.get('target', model.name)}"
        with open_tracker(uri, EXPERIMENT).run(run_name, params=params, tags=tags) as run:
            assert run.id is not None
            return log_adapted(model, uri, run.id, register, limits)
    try:
        with _store(uri), _silently(), _material(model, serving, limits or {}) as given:
            info = mlflow.models.Model.log(
                artifact_path=None, name=kind.product, flavor=mlflow.pyfunc, run_id=run_id,
                registered_model_name=register, await_registration_for=0, **given,
            )  # fmt: skip
        if register is None:
            return LoggedModel(run_id, info.model_uri)
        number = int(info.registered_model_version)
        if "types" in config:
            types = ", ".join(config["types"])
            client.set_model_version_tag(register, str(number), "types", types)
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


def serving_of(kind: Kind) -> Serving:
    """How models of a kind are served; :class:`UserError` where they cannot be."""
    with _silently():  # MLflow has something to say about every class that it can serve
        serving = kind.serving()
    if serving is None:
        raise UserError(f"a {kind.product} cannot be served by MLflow; leave this out")
    return serving


@contextmanager
def _material(
    model: Path, serving: Serving, limits: Mapping[str, int]
) -> Iterator[Mapping[str, Any]]:
    """What MLflow is given to make a model of."""
    import pandas

    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="fewshot-metalstm-") as folder:
        code = Path(folder) / "fewshot_metalstm"
        copy_code(here.parent, code)
        yield {
            "python_model": str(serving.script),
            "artifacts": {serving.artifact: str(model.resolve())},
            "code_paths": [str(code)],
            "signature": serving.signature,
            "input_example": pandas.DataFrame(dict(serving.example)),
            "pip_requirements": requirements(serving, model),
            "model_config": {**serving.limits, **limits},
        }


def copy_code(package: Path, folder: Path) -> None:
    """The package's modules alone: no checkpoints that ship with it, no compiled files."""
    for module in package.rglob("*.py"):
        place = folder / module.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, place)
