"""A Ray cluster does what processes of this machine do, and survives its workers. Slow ones need Ray."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import zoo_core
from zoo_core.comparing import ray_engine
from zoo_core.comparing.cell import Cell
from zoo_core.comparing.plan import Plan, cells_of
from zoo_core.comparing.ray_engine import RayEngine
from zoo_core.errors import UsageError

# Ray forks before it starts a program, whether or not JAX has threads in this process; the fork itself does nothing
pytestmark = pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning")

ASKED: dict[str, Any] = {
    "models": ("vae",),
    "data": ("digits@8",),
    "seeds": 2,
    "options": {"vae": {"width": 2, "latent": 2}},
    "training": {"steps": 1500, "batch_size": 4, "checkpoint_every": 100, "log_every": 10, "sample_every": 0},
    "count": 80,
    "features": "pixels",
}


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Ray, where no cluster runs."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    yield ray
    assert not ray.is_initialized()


def scores(comparison: zoo_core.Comparison) -> list[float]:
    assert not comparison.failures, comparison.failures
    return [record.metrics["fd_pixels"].value for record in comparison.records]


def test_says_what_to_install_where_ray_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "zoo-core\[ray\]"'):
        list(RayEngine().run(cells_of(Plan(**ASKED), tmp_path)))


def test_a_cell_asks_for_a_gpu_where_there_is_one_and_for_a_whole_machine_elsewhere():
    class Ray:
        def __init__(self, *machines: dict) -> None:
            self.machines = machines

        def nodes(self) -> list[dict]:
            return [{"Alive": True, "Resources": one} for one in self.machines]

    mixed = Ray({"CPU": 8}, {"CPU": 32, "GPU": 4})
    assert ray_engine._resources(mixed, "auto") == {"num_gpus": 1}
    assert ray_engine._resources(mixed, "cpu") == {"num_cpus": 8}
    assert ray_engine._resources(Ray({"CPU": 2}), "auto") == {"num_cpus": 2}
    without_at_the_head = Ray({}, {"CPU": 0}, {"CPU": 16})
    assert ray_engine._resources(without_at_the_head, "auto") == {"num_cpus": 16}
    assert ray_engine._resources(Ray({}), "auto") == {"num_cpus": 1}


class Cluster:
    """As much of Ray as the engine calls: two machines with a core each, which do not see the comparison's folder."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self) -> None:
        self.most = 0
        self._given: dict[int, tuple] = {}

    def nodes(self) -> list[dict]:
        return [{"Alive": True, "Resources": {"CPU": 1}}] * 2

    def remote(self, **named: Any) -> Callable:
        return lambda task: SimpleNamespace(remote=lambda *arguments: self._submit(task, arguments))

    def _submit(self, task: Callable, arguments: tuple) -> int:
        self._given[number := len(self._given)] = (task, arguments)
        return number

    def wait(self, references: list[int], timeout: float) -> tuple[list[int], list[int]]:
        self.most = max(self.most, len(references))
        return references[:1], references[1:]

    def get(self, reference: int) -> bytes:
        task, (cell, _, archive, environment) = self._given[reference]
        return task(cell, "nowhere", archive, environment)


def test_files_go_along_a_few_at_a_time_and_what_failed_before_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_record: Callable
):
    def work_off(cell: Cell, environment: dict) -> None:
        assert cell.failure() is None
        if cell.seed:
            (cell.run / "run.json").touch()
            cell.finish(make_record())
        else:
            cell.fail("again")

    cluster = Cluster()
    monkeypatch.setattr(ray_engine, "connected", lambda: nullcontext(cluster))
    monkeypatch.setattr(ray_engine, "_in_processes", work_off)
    cells = cells_of(Plan(**ASKED | {"seeds": 6}), tmp_path)
    for cell in cells:
        cell.run.mkdir(parents=True)
        cell.fail("before")
    assert [cell for cell in RayEngine().run(cells) if cell] == cells
    assert cluster.most == 3
    assert [cell.state() for cell in cells] == ["failed"] + ["finished"] * 5
    assert cells[0].failure().error == "again"
    assert [cell.failure() for cell in cells[1:]] == [None] * 5


def test_a_cell_goes_to_another_machine_and_back_whole(tmp_path: Path):
    (here,) = cells_of(Plan(**ASKED | {"seeds": 1}), tmp_path / "here")
    there = here.model_copy(update={"out": tmp_path / "there"})
    (here.run / "checkpoints").mkdir(parents=True)
    (here.run / "checkpoints" / "step-00000001.h5").write_bytes(b"weights")
    here.fail("something")
    ray_engine._unpack(ray_engine._packed(here), there)
    assert (there.run / "checkpoints" / "step-00000001.h5").read_bytes() == b"weights"
    assert there.failure() == here.failure()
    with ray_engine._mark(tmp_path / "new") as mark:
        assert Path(mark).is_file()
    assert not Path(mark).exists()


def kill_a_worker(out: Path, killed: list[int]) -> None:
    """Once the first cell has a checkpoint, end the Ray worker that waits for its process."""
    while not list(out.glob("runs/*/checkpoints/*.h5")):
        time.sleep(0.05)
    (log, *_) = sorted(out.glob("cells/*/cell.log"), key=lambda path: path.stat().st_mtime)
    cell = int(log.read_text().split("process ")[1].split()[0])
    parent = int(Path(f"/proc/{cell}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    killed.append(parent)


@pytest.mark.slow
def test_a_worker_that_dies_half_way_changes_no_result(ray, tmp_path: Path):
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker, args=(tmp_path / "ray", killed))
    killer.start()
    found = zoo_core.compare(**ASKED, out=tmp_path / "ray", engine="ray")
    killer.join()
    assert killed
    assert sum(log.read_text().count(", process ") for log in (tmp_path / "ray").glob("cells/*/cell.log")) == 3
    assert scores(found) == scores(zoo_core.compare(**ASKED, out=tmp_path / "local"))


@pytest.mark.slow
def test_files_are_sent_back_from_machines_that_do_not_see_the_folder(
    ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ray_engine, "_mark", lambda out: nullcontext(str(out / "nowhere")))
    asked = ASKED | {"training": {"steps": 3, "batch_size": 4}, "seeds": 1}
    found = zoo_core.compare(**asked, out=tmp_path / "ray", engine="ray")
    (record,) = found.records
    assert Path(record.source.run).parent == tmp_path / "ray" / "runs"
    assert np.isfinite(scores(found)[0])
    assert list((tmp_path / "ray").glob("runs/*/checkpoints/*.h5"))
