"""A comparison trains what is missing, each cell in a process of its own, reuses what is there, and survives what
fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import zoo_core
from zoo_core.comparing import engines
from zoo_core.comparing.cell import CellInUse
from zoo_core.comparing.compare import gather, run_cells
from zoo_core.comparing.engines import Engine
from zoo_core.comparing.plan import Plan, cells_of
from zoo_core.comparing.work import attempt
from zoo_core.errors import Interrupted
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint

Compared = tuple[Path, dict[str, Any]]


def arrays(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts the process of a cell fails the test."""
    monkeypatch.setattr(engines, "CellProcess", lambda environment: pytest.fail("a process was started"))


def test_a_process_that_was_killed_half_way_changes_nothing(compared: Compared, tmp_path: Path):
    out, asked = compared
    record = zoo_core.compare(**asked, out=out).records[0]
    run = RunFolder(Path(record.source.run))
    (log,) = out.glob("cells/*-s0-*/cell.log")
    assert log.read_text().count(", process ") == 2
    whole = zoo_core.train(
        "vae", "digits@8", tmp_path / "whole", seed=0, options=asked["options"]["vae"], training=asked["training"]
    )
    found, expected = (arrays(checkpoint.path_of(one, 6)) for one in (run, whole))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    scores = zoo_core.evaluate(whole.path, features="pixels", count=80).metrics
    assert record.metrics == scores


def test_a_cell_that_failed_is_noted_and_left_alone(compared: Compared, no_process: None):
    (failure,) = zoo_core.compare(**compared[1], out=compared[0]).failures
    assert (failure.model, failure.data, failure.protocol, failure.seed) == ("vae", "digits@8", "", 1)
    assert failure.error == "ZeroDivisionError: a bug of the plugin"
    (file,) = compared[0].glob("cells/*-s1-*/failure.json")
    assert json.loads(file.read_text())["log"][-1] == failure.error


def test_what_failed_is_tried_again_where_asked_and_a_row_is_the_mean_of_its_seeds(compared: Compared):
    out, asked = compared
    states = []
    comparison = zoo_core.compare(
        **asked, out=out, retry_failed=True, watch=lambda seen: states.append([one.state for one in seen])
    )
    assert [record.source.seed for record in comparison.records] == [0, 1]
    assert not comparison.failures
    assert not list(out.glob("cells/*/failure.json"))
    assert states[0] == ["finished", "waiting"]
    assert states[-1] == ["finished", "finished"]
    assert comparison.title == "vae on digits@8"
    (summary,) = comparison.summaries()
    fd = summary.metrics["fd_pixels"]
    assert fd.values == [record.metrics["fd_pixels"].value for record in comparison.records]
    assert fd.mean == pytest.approx(sum(fd.values) / 2)


def test_a_record_stands_only_for_what_was_asked(compared: Compared):
    out, asked = compared
    same = cells_of(Plan(**asked), out)
    assert [cell.state() for cell in same] == ["finished", "failed"]
    for other in ({"count": 70}, {"metrics": ("kid",)}, {"features": "classifier"}):
        cells = cells_of(Plan(**asked | other), out)
        assert [cell.run for cell in cells] == [cell.run for cell in same]
        assert [cell.state() for cell in cells] == ["begun", "new"]  # what failed may come through when asked otherwise
    (same[0].run / "run.json").unlink()
    assert same[0].record() is None


def test_a_cell_is_scored_by_those_metrics_that_apply(compared: Compared):
    out, asked = compared
    cell = cells_of(Plan(**asked | {"metrics": ("ms_ssim", "fd")}), out)[0]  # of which the first wants larger images
    assert attempt(cell) == 0
    assert cell.record().requested == ["ms_ssim", "fd"]
    assert list(cell.record().metrics) == ["fd_pixels"]


def test_a_cell_that_another_process_works_on_is_left_alone(compared: Compared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo_core.comparing.cell._SECONDS_FOR_ANOTHER", 0)
    out, asked = compared
    cell = cells_of(Plan(**asked | {"count": 70}), out)[0]
    assert cell.state() == "begun"
    with cell.lock():
        assert attempt(cell) == CellInUse.exit_code
        assert cell.state() == "begun"
        assert gather([cell]).failures[0].error == "it is in use: another process works on it"
    assert gather([cell]).failures[0].error == "it was not run to its end"


def test_a_folder_that_was_moved_is_still_good(compared: Compared, tmp_path: Path, no_process: None):
    compared[0].rename(tmp_path / "new")
    for record in zoo_core.compare(**compared[1], out=tmp_path / "new").records:
        assert Path(record.source.run).is_dir()


def test_a_plan_in_a_file_says_the_same(compared: Compared, tmp_path: Path, no_process: None):
    out, asked = compared
    (tmp_path / "plan.toml").write_text("""
models = ["vae"]
data = ["digits@8"]
seeds = 2
count = 80
features = "pixels"
options.vae = {width = 2, latent = 2}
training = {steps = 6, batch_size = 4, checkpoint_every = 2}
""")
    assert zoo_core.compare(tmp_path / "plan.toml", out=out).records == zoo_core.compare(**asked, out=out).records
    with pytest.raises(zoo_core.UsageError, match="says what is compared, received seeds beside it"):
        zoo_core.compare(tmp_path / "plan.toml", out=out, seeds=1)


def test_one_model_is_a_list_of_one():
    with pytest.raises(zoo_core.UsageError, match=r"Expected a list of models.*received 'vae'.*compare\(\['vae'\]"):
        zoo_core.compare("vae", ["digits@8"])


def test_one_data_set_or_metric_needs_no_list():
    with pytest.raises(zoo_core.UsageError, match="Unknown data set 'digist'"):
        zoo_core.compare(["vae"], "digist")
    with pytest.raises(zoo_core.UsageError, match="Unknown metric 'fdd'"):
        zoo_core.compare(["vae"], "digits@8", metrics="fdd")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path):
    class Stopped(Engine):
        def run(self, cells):
            yield None
            raise KeyboardInterrupt

    cells = cells_of(Plan(models=("vae",), data=("digits@8",), seeds=2), tmp_path)
    with pytest.raises(Interrupted, match=r"0 of 2 cells are finished\. Give the same command again"):
        run_cells(cells, Stopped())


COMMAND = [sys.executable, "-c", "from zoo_core.cli.main import run; run()", "compare", "vae", "--data", "digits@8"]
LONG = ["--steps", "100000", "-o", "vae.width=2", "--seeds", "2", "-t", "log_every=5", "-t", "checkpoint_every=100000"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_command_ends_its_cells_with_a_checkpoint(tmp_path: Path, number: signal.Signals):
    arguments = [*COMMAND, *LONG, "--workers", "2", "--out", str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while len(list(tmp_path.glob("runs/*/metrics.jsonl"))) < 2:
            assert running.poll() is None, running.communicate()
            time.sleep(0.1)
        running.send_signal(number)
        _, told = running.communicate()
    if number != signal.SIGKILL:
        assert running.returncode == Interrupted.exit_code
        assert "Give the same command again to go on" in told
    pids = [int(log.read_text().split("process ")[1].split()[0]) for log in tmp_path.glob("cells/*/cell.log")]
    for pid in pids:
        for _ in range(600):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.1)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert [len(checkpoint.steps_of(RunFolder(run))) for run in tmp_path.glob("runs/*")] == [1, 1]
