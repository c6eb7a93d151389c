"""``python -m fewshot_metalstm`` is ``fewshot-metalstm``."""

from __future__ import annotations

import sys

from fewshot_metalstm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
