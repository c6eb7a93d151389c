"""Jobs on Ray, where it is installed."""

from __future__ import annotations

import pytest

from fewshot_metalstm.jobs.choose import has_ray
from fewshot_metalstm.jobs.outcome import Runner
from fewshot_metalstm.jobs.ray_actors import RayRunner
from fewshot_metalstm.kinds.tagging.bulk.ray_data import RayDataRunner
from tests.jobs.toys import CRASH, MENDABLE, RAISE, Poison

pytestmark = [
    pytest.mark.skipif(
        not has_ray(), reason="Ray is not installed: pip install 'fewshot-metalstm[ray]'"
    ),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.xdist_group("ray"),
]


@pytest.mark.parametrize("runner", [RayRunner(2), RayDataRunner(2)])
def test_a_death_fails_one_job_and_no_other(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = {o.number: o for o in runner.run(Poison(), list(range(7)))}
    good = {n: o.result for n, o in outcomes.items() if o.failure is None}
    assert good == {n: n * n for n in (0, 1, 5, 6)}
    reasons = {n: o.failure.reason for n, o in outcomes.items() if o.failure is not None}
    assert reasons.pop(CRASH).startswith("its actor died")
    assert reasons == {RAISE: "RuntimeError: a bad day", MENDABLE: "mend it"}
    assert capsys.readouterr().out == ""


def test_no_jobs_begin_no_ray() -> None:
    assert list(RayDataRunner(2).run(Poison(), [])) == []
