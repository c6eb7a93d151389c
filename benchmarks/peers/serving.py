"""A loop for scripts that do work on request: a JSON object a line in, one a line out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def serve(handler: Handler) -> None:
    """Answer every line of standard input with what ``handler`` returns, until it ends.

    What libraries print goes to standard error: it must not stand between the answers.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(handler(json.loads(line))) + "\n")
        answers.flush()
