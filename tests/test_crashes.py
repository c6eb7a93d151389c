"""kill -9 at any moment: what was complete stays whole, and a second start goes on or says how.

A few moments of each command are tried; ``make kill-test N=200`` tries as many as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.seeds import numpy_generator
from tests.crashes import crashing
from tests.kills import CASES, Kills
from tests.kinds.tagging.corpora.builders import FILES, serving

# Those that train or track take a second or two a kill, the others a few tenths.
FEW = {"meta-train": 3, "train": 3, "adapt": 3, "sweep": 2, "register": 2}


@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("name", CASES)
def test_killed(kills: Kills, name: str) -> None:
    chance = numpy_generator(0, name)
    for moment in chance.random(FEW.get(name, 3)):
        kills.kill(name, float(moment))
    if name not in FEW:
        kills.kill(name, float(chance.random()), clock=True)


def test_data_fetch(tmp_path: Path) -> None:
    files = {f"/data/tiny-IOBES/{split}.tsv": text for split, text in FILES.items()}
    with (
        serving(files) as server,
        crashing({"FEWSHOT_METALSTM_MIRROR": server.address, "no_proxy": "127.0.0.1"}) as forks,
    ):

        def command(folder: Path) -> list[str]:
            return ["data", "fetch", "tiny", "--quiet", "--data-dir", str(folder)]

        changes = forks.run(command(tmp_path / "count"), tmp_path / "count").changes
        assert changes > 5
        for moment in range(1, changes + 1, 3):
            folder = tmp_path / str(moment) / "data"
            assert forks.run(command(folder), folder, moment).code == -9
            place = folder / "col" / "data" / "tiny-IOBES"
            for split, text in FILES.items():
                if (place / f"{split}.tsv").exists():
                    assert (place / f"{split}.tsv").read_bytes() == text
            ended = forks.run(command(folder), folder)
            assert ended.code == 0, (moment, ended)
            left = {path.name for path in place.iterdir()}
            assert left - {".fewshot-metalstm-lock"} == {f"{split}.tsv" for split in FILES}
