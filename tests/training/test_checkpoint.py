"""What is saved comes back, and what is damaged or foreign is refused."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

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
    with pytest.raises(UsageError, match=r"has shape \(2, 3\).*expected \(2, 4\)"):
        checkpoint.load(path, "toy", "state", ARRAYS | {name: np.zeros((2, 4), "float32")})
    with pytest.raises(UsageError, match="has no array 'state/networks/another'"):
        checkpoint.load(path, "toy", "state", ARRAYS | {"networks/another": np.zeros(1)})
    with pytest.raises(UsageError, match="dtype float32"):
        checkpoint.load(path, "toy", "state", ARRAYS | {name: np.zeros((2, 3), "float64")})


@pytest.mark.parametrize("kept", [0, 10, 800, -1])
def test_truncated(path: Path, kept: int):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ZooError, match="can't be read") as caught:
        checkpoint.load(path, "toy", "state", ARRAYS)
    assert "goes on from the one before" in caught.value.hint


def test_altered(path: Path):
    with h5py.File(path, "r+") as file:
        file["state/networks/generator/trainable/000.kernel"][0, 0] = 9
    with pytest.raises(ZooError, match="its checksum does not fit its content"):
        checkpoint.load(path, "toy", "state", ARRAYS)


def test_another_hdf5_file_is_not_a_checkpoint(tmp_path: Path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["step"] = 1
    with pytest.raises(ZooError, match="is not a checkpoint of the zoo"):
        checkpoint.load(path, "toy", "state", ARRAYS)


@pytest.mark.parametrize("kind", ["soft", "external", "soft group", "external storage", "virtual"])
def test_links_and_foreign_storage_are_refused(path: Path, kind: str, tmp_path: Path):
    name = "state/networks/generator/trainable/000.kernel"
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = ARRAYS["networks/generator/trainable/000.kernel"]
    with h5py.File(path, "r+") as file:
        if kind == "soft group":
            file.move("state/networks", "elsewhere")
            file["state/networks"] = h5py.SoftLink("/elsewhere")
        else:
            del file[name]
        if kind == "soft":
            file["kernel"] = np.zeros((2, 3), "float32")
            file[name] = h5py.SoftLink("/kernel")
        elif kind == "external":
            file[name] = h5py.ExternalLink(str(secret), "kernel")
        elif kind == "external storage":
            file.create_dataset(name, (2, 3), "float32", external=[(str(secret), 0, 24)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((2, 3), "float32")
            layout[:] = h5py.VirtualSource(str(secret), "kernel", (2, 3))
            file.create_virtual_dataset(name, layout)
    with pytest.raises(UsageError, match="has no array"):
        checkpoint.load(path, "toy", "state", ARRAYS)


def test_what_is_not_finite_is_not_saved(path: Path):
    before = path.read_bytes()
    with pytest.raises(ZooError, match="'kernel' are no longer finite"):
        checkpoint.save(path, "toy", state={"kernel": np.array([1.0, np.nan])})
    assert path.read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(path: Path):
    """A real limit on file size, in a process of its own: the kernel refuses the write half-way."""
    before = path.read_bytes()
    script = f"""
import pathlib, numpy as np
from zoo_core.errors import ZooError
from zoo_core.training import checkpoint
try:
    checkpoint.save(pathlib.Path({str(path)!r}), "toy", state={{"w": np.zeros(1_000_000)}})
except ZooError as error:
    print(error.exit_code, error)
"""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run([sys.executable, "-c", script], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 Can't write")
    assert "Free some space" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
