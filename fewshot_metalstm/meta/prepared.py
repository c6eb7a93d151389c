"""A learner made ready by the meta-learner that made its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fewshot_metalstm.meta.learner import Learner

Prepare = Callable[[Learner, Mapping[str, Any]], None]


def prepare_as_recorded(learner: Learner, about: Mapping[str, Any]) -> None:
    """Give ``learner`` the parameters of the meta-learner that ``about`` of its checkpoint names.

    Raises:
        ValueError: it names none.
        UserError: it is of a package that is not installed.
    """
    # Only such checkpoints need the meta-learners, and adapted models have to load quickly.
    from fewshot_metalstm.meta.make import recorded_algorithm

    recorded_algorithm(about).prepare(learner)
