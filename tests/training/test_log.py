"""What a line of metrics says."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from zoo_core.runs import RunFolder
from zoo_core.training.log import MetricsLog, NotFinite


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


class Listener:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []

    def begin(self, label: str, step: int, steps: int) -> None:
        self.lines.clear()

    def log(self, line: dict[str, float]) -> None:
        self.lines.append(line)


def test_a_loss_that_is_not_finite_is_found_wherever_it_lies_between_two_lines(run: RunFolder):
    log = MetricsLog(run, images=8)
    for step in range(4):
        log.add([{"critic/loss": float("inf") if step == 2 else 1.0, "generator/loss": 1.0}], 1, began=0)
    with pytest.raises(NotFinite, match=r"The loss of phase 'critic' is inf at step 13\."):
        log.fetch(14)  # the steps 11 to 14
    assert run.metrics() == []


def test_a_loss_that_is_not_finite_is_found_within_a_dispatch(run: RunFolder):
    log = MetricsLog(run, images=8)
    log.add([{"vae/loss": 1.0}], 1, began=0)
    log.add([{"vae/loss": ops.convert_to_tensor(np.array([1.0, 2.0, np.nan, 4.0]))}], 4, began=0)
    with pytest.raises(NotFinite, match=r"The loss of phase 'vae' is nan at step 4\."):
        log.fetch(5)


@pytest.mark.parametrize("number", [13, 15, 16, 17])
def test_steps_in_which_no_phase_runs_count_too(run: RunFolder, number: int):
    """Phases in every second and every third step: none in the steps 12, 14 and 18, counted from 1."""
    losses = {n: np.array([np.nan if n == number else 1.0]) for n in (11, 13, 15, 16, 17)}
    log = MetricsLog(run, images=8, every=(2, 3))
    log.add([{"critic/loss": losses[11]}, {}, {"both/loss": losses[13]}, {}], 4, began=0)
    log.add([{"critic/loss": losses[15]}, {"generator/loss": losses[16]}, {"critic/loss": losses[17]}, {}], 4, began=0)
    with pytest.raises(NotFinite, match=rf"is nan at step {number}\."):
        log.fetch(18)


def test_a_line_between_two_steps_of_a_phase_has_no_loss(run: RunFolder):
    log = MetricsLog(run, images=8, every=(4,))
    for step, logs in ((1, {"vae/loss": 5.0}), (4, {}), (5, {"vae/loss": 3.0})):
        log.add([logs], step - (run.metrics() or [{"step": 0}])[-1]["step"], began=0)
        log.fetch(step)
        log.write(step)
    assert [(line["step"], line.get("vae/loss")) for line in run.metrics()] == [(1, 5.0), (4, None), (5, 3.0)]


def test_steps_of_one_dispatch_count_as_single_ones(run: RunFolder):
    """Two dispatches, the second of two groups, since the generator's phase rests in odd steps."""
    log = MetricsLog(run, images=8)
    log.add([{"critic/loss": 1.0, "generator/loss": 5.0}], 1, began=0)
    rests, runs = {"critic/loss": np.array([2.0])}, {"critic/loss": np.array([3.0]), "generator/loss": np.array([7.0])}
    log.add([rests, runs], 2, began=0)
    log.fetch(3)
    log.write(3)
    (line,) = run.metrics()
    assert (line["step"], line["images"]) == (3, 24)
    assert line["critic/loss"] == 2.0
    assert line["generator/loss"] == 6.0


def test_each_line_is_the_mean_since_the_line_before_and_told_to_every_sink(run: RunFolder):
    listener = Listener()
    log = MetricsLog(run, images=8, sinks=[listener])
    for step, loss in enumerate((1.0, 3.0, 10.0, 20.0), start=1):
        log.add([{"vae/loss": loss}], 1, began=time.perf_counter())
        if step % 2 == 0:
            log.note("select/fd", step)
            log.fetch(step)
            log.write(step)
    assert [line["vae/loss"] for line in run.metrics()] == [2.0, 15.0]
    assert [line["select/fd"] for line in run.metrics()] == [2, 4]
    assert listener.lines == run.metrics()


def test_a_note_belongs_to_one_line(run: RunFolder):
    log = MetricsLog(run, images=8)
    log.note("select/fd", 5.0)
    for step in (1, 2):
        log.add([{"vae/loss": 1.0}], 1, began=0)
        log.fetch(step)
        log.write(step)
    assert ["select/fd" in line for line in run.metrics()] == [True, False]


def test_other_values_may_miss_now_and_then_and_the_line_stays_json(run: RunFolder):
    log = MetricsLog(run, images=8)
    for kl in (1.0, float("nan"), 3.0):
        log.add([{"vae/loss": 1.0, "vae/kl": kl, "vae/never": float("inf")}], 1, began=0)
    log.fetch(3)
    log.write(3)
    line = json.loads(run.metrics_file.read_text(), parse_constant=pytest.fail)
    assert line["vae/kl"] == 2.0
    assert "vae/never" not in line


def test_seconds_go_on_where_an_interrupted_run_left_off(run: RunFolder):
    run.append_metrics({"step": 4, "seconds": 100.0, "wall_seconds": 120.0})
    log = MetricsLog(run, images=8)
    log.add([{"vae/loss": 1.0}], 1, began=0)
    log.fetch(5)
    log.write(5)
    assert run.metrics()[-1]["seconds"] >= 100
    assert run.metrics()[-1]["wall_seconds"] >= 120


def test_the_seconds_that_end_a_run_are_those_of_its_line(run: RunFolder):
    """Else a run whose seconds are spent would, once it is gone on with, train another step, or end without a last."""
    log = MetricsLog(run, images=8)
    for step in range(1, 20):
        log.add([{"vae/loss": 1.0}], 1, began=time.perf_counter() - 0.01)
        log.fetch(step)
        seconds = log.seconds
        log.fetch(step)
        log.write(step)
        assert run.metrics()[-1]["seconds"] == seconds


def test_a_dispatch_that_compiles_does_not_count_as_training(run: RunFolder):
    log = MetricsLog(run, images=8)
    log.add([{"vae/loss": np.ones(4)}], 4, began=time.perf_counter() - 50, compiles=True)
    log.fetch(4)
    log.write(4)
    log.add([{"vae/loss": np.ones(4)}], 4, began=time.perf_counter() - 2)
    log.fetch(8)
    log.write(8)
    first, second = run.metrics()
    assert first["seconds"] < 1
    assert first["images_per_second"] == 0
    assert second["seconds"] == pytest.approx(2, abs=0.5)
    assert second["images_per_second"] == pytest.approx(4 * 8 / 2, rel=0.25)
