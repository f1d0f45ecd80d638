"""Ray does what processes of this machine do, and survives its workers. Skipped where Ray is not installed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data.collecting import ImageSource, Item
from zoo_core.data.preparing import prepare
from zoo_core.data.preparing.engines import LocalEngine
from zoo_core.data.preparing.ray_engine import RayEngine
from zoo_core.data.preparing.rules import Rules
from zoo_core.data.preparing.shards import Done, Shard
from zoo_core.errors import UsageError, ZooError

# Ray forks before it starts a program, whether or not JAX has threads in this process; the fork itself does nothing
pytestmark = pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning")

CLUSTER = """
import ray
context = ray.init(address="local", num_cpus=3, include_dashboard=False, logging_level="error")
print(context.address_info["gcs_address"], flush=True)
input()
print({name: count for name, count in ray.cluster_resources().items() if name == "CPU"})
"""
"""A process that starts a cluster, says where, and after a line says whether it still runs."""


class Deadly(ImageSource):
    """Reading the images of these names ends the process; once, or always. Broken ones can't be read at all."""

    label_origin = "array"

    def __init__(self, folder: Path, deadly: set[str] = frozenset(), always: bool = False) -> None:
        super().__init__("deadly")
        self._folder, self._deadly, self._always = folder, deadly, always

    def items(self) -> Iterator[Item]:
        return (Item(str(number)) for number in range(40))

    def read(self, item: Item) -> np.ndarray:
        marker = self._folder / item.path
        if item.path in self._deadly and (self._always or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if int(item.path) % 9 == 8:
            raise OSError("it went away")
        return np.random.default_rng(int(item.path)).integers(0, 256, (9, 9), "uint8")

    def fingerprint(self) -> str:
        return ""


def shards(source: ImageSource) -> Iterator[Shard]:
    items = list(source.items())
    return (Shard(number, source, items[start : start + 4], Rules()) for number, start in enumerate(range(0, 40, 4)))


def by_number(results: Iterator[Done]) -> list[Done]:
    return sorted(results, key=lambda done: done.number)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Ray, where no cluster runs; its workers receive the source of this module by value."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield ray
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    assert not ray.is_initialized()


def test_says_what_to_install_where_ray_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "zoo-core\[ray\]"'):
        RayEngine()


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing(ray, tmp_path: Path):
    source = Deadly(tmp_path, {"6", "33"})
    found = by_number(RayEngine().run(shards(source)))
    assert {"6", "33"} == set(os.listdir(tmp_path))
    assert found == by_number(LocalEngine(1).run(shards(source)))
    assert [done.number for done in found] == list(range(10))


@pytest.mark.slow
def test_prepares_the_same_file_to_the_byte(ray, photos: Path, tmp_path: Path):
    for name, engine in (("local", LocalEngine(1)), ("ray", RayEngine())):
        prepare([str(photos)], tmp_path / f"{name}.h5", Rules(size=(16, 16)), engine=engine)
    assert (tmp_path / "ray.h5").read_bytes() == (tmp_path / "local.h5").read_bytes()


@pytest.mark.slow
def test_images_that_kill_every_worker_are_named(ray, tmp_path: Path):
    with pytest.raises(ZooError, match="the images '4' to '7' of 'deadly'"):
        list(RayEngine().run(shards(Deadly(tmp_path, {"5"}, always=True))))


@pytest.mark.slow
def test_a_connection_that_is_there_is_used_and_kept(ray, tmp_path: Path):
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        found = by_number(RayEngine().run(shards(Deadly(tmp_path))))
        assert found == by_number(LocalEngine(1).run(shards(Deadly(tmp_path))))
        assert ray.is_initialized()
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_a_cluster_that_runs_is_used_and_left_running(ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        monkeypatch.setenv("RAY_ADDRESS", cluster.stdout.readline().strip())
        found = by_number(RayEngine().run(shards(Deadly(tmp_path))))
        assert cluster.communicate("\n")[0] == "{'CPU': 3.0}\n"
    assert found == by_number(LocalEngine(1).run(shards(Deadly(tmp_path))))


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_an_error(ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(**settings: object) -> None:
        raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ZooError, match=r"No Ray cluster can be reached or started: .* at 10.0.0.1:6379") as caught:
        list(RayEngine().run(shards(Deadly(tmp_path))))
    assert "RAY_ADDRESS" in caught.value.hint
