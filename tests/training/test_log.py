"""What a line of metrics says."""

import json
from pathlib import Path

import pytest

from zoo_core.runs import RunFolder
from zoo_core.training.log import MetricsLog, NotFinite


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_loss_that_is_not_finite_is_found_wherever_it_lies_between_two_lines(run: RunFolder):
    log = MetricsLog(run, images=8)
    for step in range(4):
        log.add({"critic/loss": float("inf") if step == 2 else 1.0, "generator/loss": 1.0}, began=0)
    with pytest.raises(NotFinite, match=r"The loss of phase 'critic' is inf at step 13\."):
        log.write(14)  # the steps 11 to 14
    assert run.metrics() == []


def test_other_values_may_miss_now_and_then_and_the_line_stays_json(run: RunFolder):
    log = MetricsLog(run, images=8)
    for kl in (1.0, float("nan"), 3.0):
        log.add({"vae/loss": 1.0, "vae/kl": kl, "vae/never": float("inf")}, began=0)
    log.write(3)
    line = json.loads(run.metrics_file.read_text(), parse_constant=pytest.fail)
    assert line["vae/kl"] == 2.0
    assert "vae/never" not in line


def test_seconds_go_on_where_an_interrupted_run_left_off(run: RunFolder):
    run.append_metrics({"step": 4, "seconds": 100.0, "wall_seconds": 120.0})
    log = MetricsLog(run, images=8)
    log.add({"vae/loss": 1.0}, began=0)
    log.write(5)
    assert run.metrics()[-1]["seconds"] >= 100
    assert run.metrics()[-1]["wall_seconds"] >= 120


def test_the_first_step_of_a_process_compiles_and_does_not_count_as_training(run: RunFolder):
    import time

    log = MetricsLog(run, images=8)
    log.add({"vae/loss": 1.0}, began=time.perf_counter() - 50)
    log.write(1)
    assert run.metrics()[-1]["seconds"] < 1
    assert run.metrics()[-1]["images_per_second"] == 0
