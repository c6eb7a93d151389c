"""Completion in the shell: the scripts, and what is completed, without anything heavy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from fewshot_metalstm.cli.completion import SHELLS
from fewshot_metalstm.cli.main import main

CODE = """
import sys
from fewshot_metalstm.cli.main import main
try:
    main()
finally:
    heavy = {"torch", "numpy", "mlflow", "gensim"} & set(sys.modules)
    print(sorted(heavy), file=sys.stderr)
"""


def complete(line: str) -> list[str]:
    """What bash would be given for the last word of a line; nothing heavy may be imported."""
    words = line.split()
    place = len(words) if line.endswith(" ") else len(words) - 1
    result = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300,
        env={**os.environ, "_FEWSHOT_METALSTM_COMPLETE": "bash_complete", "COMP_WORDS": line,
             "COMP_CWORD": str(place)},
    )  # fmt: skip
    assert result.stderr == "[]\n", result.stderr
    return result.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_FEWSHOT_METALSTM_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=300)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fewshot-metalstm che", ["plain,check"]),
        ("fewshot-metalstm completion ", ["plain,bash", "plain,zsh", "plain,fish"]),
        ("fewshot-metalstm adapt --target linn", ["plain,linnaeus"]),
        ("fewshot-metalstm sweep --targets linnaeus,NCBI-d", ["plain,linnaeus,NCBI-disease"]),
        ("fewshot-metalstm meta-train --tasks bio", ["plain,bionlp"]),
        ("fewshot-metalstm data fetch targ", ["plain,targets"]),
        ("fewshot-metalstm adapt --target ./x", ["file,./x"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert complete(line) == words
