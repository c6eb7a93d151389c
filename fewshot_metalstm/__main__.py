"""``python -m fewshot_metalstm`` and ``fewshot-metalstm``: the same, and where both begin.

Ctrl-C ends them with one line from here on, also while the first modules are imported and when
everything is done but the interpreter's own end; within a command :mod:`fewshot_metalstm.cli.main`
sees to it.
"""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 130  # 128 and the signal's number, as shells count


def start() -> int:
    """Run the command that was typed and return its exit code."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored
    if ours:
        signal.signal(signal.SIGINT, _leave)
    from fewshot_metalstm.cli.main import main
    from fewshot_metalstm.compat.torch_compiler import defer_compiler

    defer_compiler()
    try:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return main()
    except KeyboardInterrupt:  # twice, the second while the first was answered
        return _INTERRUPTED
    finally:
        if ours:
            signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(start())
