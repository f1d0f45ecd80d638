"""What is saved comes back, and what is damaged or foreign is refused."""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core import hdf5
from zoo_core.errors import UsageError, ZooError
from zoo_core.training import checkpoint

ARRAYS = {
    "step": np.array(7, "int32"),
    "networks/generator/trainable/000.kernel": np.arange(6, dtype="float32").reshape(2, 3),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "step-00000007.h5"
    checkpoint.save(path, "toy", state=ARRAYS, inference={"w": np.ones(2)})
    return path


def test_round_trip(path: Path):
    loaded = checkpoint.load(path, "toy", "state", ARRAYS)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def test_of_another_model(path: Path):
    with pytest.raises(UsageError, match="checkpoint of model 'toy', expected one of 'dcgan'"):
        checkpoint.load(path, "dcgan", "state", ARRAYS)


def test_of_the_same_model_with_other_options(path: Path):
    name = "networks/generator/trainable/000.kernel"
    with pytest.raises(UsageError, match=r"should be float32 \(2, 4\), received float32 \(2, 3\)"):
        checkpoint.load(path, "toy", "state", ARRAYS | {name: np.zeros((2, 4), "float32")})
    with pytest.raises(UsageError, match="'state/networks/another' should be a data set"):
        checkpoint.load(path, "toy", "state", ARRAYS | {"networks/another": np.zeros(1)})
    with pytest.raises(UsageError, match="should be float64") as caught:
        checkpoint.load(path, "toy", "state", ARRAYS | {name: np.zeros((2, 3), "float64")})
    assert "does not fit the model" in caught.value.message
    assert "other options" in caught.value.hint


@pytest.mark.parametrize("kept", [0, 10, 800, -1])
def test_truncated(path: Path, kept: int):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ZooError, match="can't be read") as caught:
        checkpoint.load(path, "toy", "state", ARRAYS)
    assert "goes on from the one before" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "advice"),
    [("step-00000004.h5", "the run goes on from the one before"), ("best-00000004.h5", "--checkpoint final")],
)
def test_what_to_do_without_a_damaged_one(tmp_path: Path, name: str, advice: str):
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(ZooError, match="can't be read") as caught:
        checkpoint.load(tmp_path / name, "dcgan", "state", {})
    assert advice in caught.value.hint


def test_altered(path: Path):
    with h5py.File(path, "r+") as file:
        file["state/networks/generator/trainable/000.kernel"][0, 0] = 9
    with pytest.raises(ZooError, match="its checksum does not fit its content"):
        checkpoint.load(path, "toy", "state", ARRAYS)


def test_another_hdf5_file_is_not_a_checkpoint(tmp_path: Path):
    path = tmp_path / "other.h5"
    with hdf5.create(path, "zoo-dataset", 1) as file:
        file["step"] = 1
    with pytest.raises(ZooError, match="'format' should be 'zoo-checkpoint', received 'zoo-dataset'") as caught:
        checkpoint.load(path, "toy", "state", ARRAYS)
    assert "not a checkpoint of the zoo" in caught.value.hint


def test_links_out_of_the_file_are_refused(path: Path, tmp_path: Path):
    secret = shutil.copy(path, tmp_path / "secret.h5")
    with h5py.File(path, "r+") as file:
        del file["state"]
        file["state"] = h5py.ExternalLink(str(secret), "state")
    with pytest.raises(UsageError, match="'state' should be a group within the file"):
        checkpoint.load(path, "toy", "state", ARRAYS)


@given(data=st.data())
@settings(deadline=timedelta(seconds=10), max_examples=150)
def test_a_damaged_file_is_refused_or_read_never_worse(data, damaged, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "step-00000007.h5"
    checkpoint.save(path, "toy", state=ARRAYS, inference={"w": np.ones(2)})
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        loaded = checkpoint.load(path, "toy", "state", ARRAYS)
    except ZooError:
        return
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array, strict=True)


def test_what_is_not_finite_is_not_saved(path: Path):
    before = path.read_bytes()
    with pytest.raises(ZooError, match="'kernel' are no longer finite"):
        checkpoint.save(path, "toy", state={"kernel": np.array([1.0, np.nan])})
    assert path.read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(path: Path):
    """A real limit on file size, in a process of its own: the kernel refuses the write half-way."""
    before = path.read_bytes()
    script = f"""
import pathlib, resource, signal, numpy as np
from zoo_core.errors import ZooError
from zoo_core.training import checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoint.save(pathlib.Path({str(path)!r}), "toy", state={{"w": np.zeros(1_000_000)}})
except ZooError as error:
    print(error.exit_code, error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 Can't write")
    assert "Free some space" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
