"""Running the benchmarks in turn, and the processes that peers run in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import peer

ECHO = """
import sys
sys.path.insert(0, {root!r})
from benchmarks.peers.serving import serve

def answer(request):
    print("noise of a library")
    return {{"twice": 2 * request["value"]}}

serve(answer)
"""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run; bench_crf fails."""
    run: list[list[str]] = []

    def fake(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        run.append(command)
        return subprocess.CompletedProcess(command, 3 if "bench_crf" in command[2] else 0)

    monkeypatch.setattr(subprocess, "run", fake)
    return run


def test_one_that_fails_leaves_the_others_alone_and_is_named(
    commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmarks.main([]) == 1
    names = [command[2].removeprefix("benchmarks.") for command in commands]
    assert names == sorted(path.stem for path in (peer.ROOT / "benchmarks").glob("bench_*.py"))
    assert names.index("bench_crf") < len(names) - 1
    assert "failed: bench_crf (exit code 3)" in capsys.readouterr().err


def test_only_those_that_are_named_run(
    commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmarks.main(["bench_startup"]) == 0
    assert [command[2] for command in commands] == ["benchmarks.bench_startup"]
    assert benchmarks.main(["bench_nothing"]) == 2
    assert "no benchmark bench_nothing" in capsys.readouterr().err
    assert len(commands) == 1


def test_without_peers_it_is_said_and_ours_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(peer.VARIABLE, str(tmp_path / "nowhere"))
    assert peer.interpreter() is None
    assert benchmarks.python_for("bench_crf") == sys.executable
    assert "make peers" in capsys.readouterr().out
    monkeypatch.setenv(peer.VARIABLE, sys.executable)
    assert benchmarks.python_for("bench_crf") == Path(sys.executable)
    assert benchmarks.python_for("bench_startup") == sys.executable


def test_a_server_answers_and_what_libraries_print_is_no_answer(tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    script.write_text(ECHO.format(root=str(peer.ROOT)), encoding="utf-8")
    log = tmp_path / "log"
    with peer.Server(sys.executable, [str(script)], log) as server:
        assert server.ask("double", value=3) == {"twice": 6}
        assert server.ask("double", value="é") == {"twice": "éé"}
        with pytest.raises(RuntimeError, match="KeyError"):
            server.ask("double", other=1)
    assert "noise of a library" in log.read_text(encoding="utf-8")


def test_the_main_jobs_checkpoint_is_used_where_it_is(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "CHECKPOINT", tmp_path)
    benchmarks.main(["bench_adapt"])
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    benchmarks.main(["bench_adapt", "bench_startup"])
    ends = [command[3:] for command in commands]
    assert ends == [[], ["--checkpoint", str(tmp_path)], []]
