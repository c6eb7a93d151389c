"""Opening a tracker: MLflow's where tracking is on, one that forgets everything where it is off."""

from __future__ import annotations

from fewshot_metalstm.tracked_run import NullTracker, Tracker


def open_tracker(uri: str | None, experiment: str, enabled: bool = True) -> Tracker:
    """Open a tracker on a store, making the store when it is new.

    Args:
        uri: an option's value or a result of :func:`~fewshot_metalstm.tracking.store.tracking_uri`;
            None means ``MLFLOW_TRACKING_URI`` or the default folder.
        experiment: the experiment that the runs belong to; made when absent.
        enabled: False gives a :class:`NullTracker`.

    Raises:
        UserError: the store cannot be reached, read or written.
    """
    if not enabled:
        return NullTracker()
    from fewshot_metalstm.tracking.mlflow_tracker import MlflowTracker  # takes seconds to import
    from fewshot_metalstm.tracking.store import tracking_uri

    return MlflowTracker.open(tracking_uri(uri), experiment)
