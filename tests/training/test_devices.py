"""Several devices compute what one does: the four that XLA can make of a CPU, and those of two processes."""

import json
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo_core
from zoo_core.errors import UsageError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint

ZOO = [sys.executable, "-c", "from zoo_core.cli.main import run; run()"]
TRAINING = {"batch_size": 8, "steps": 20, "precision": "float64", "log_every": 1}
FOUR_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}

ONE_AND_FOUR = """
import json
import sys
from pathlib import Path
import zoo_core

model, folder = sys.argv[1], Path(sys.argv[2])
options, training, changes = map(json.loads, sys.argv[3:])
zoo_core.train(model, "digits@8", folder / "one", options=options, training=training)
zoo_core.train(model, "digits@8", folder / "four", options=options, training=training | changes, devices=4)
if changes:
    zoo_core.resume(folder / "four", steps=training["steps"], devices=1)
"""


def python(code: str, *arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    settings = {"KERAS_BACKEND": "jax", **(environment or {})}
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True)


def losses(run: Path) -> np.ndarray:
    """(lines, losses)."""
    lines = RunFolder(run).metrics()
    return np.array([[value for name, value in line.items() if name.endswith("/loss")] for line in lines])


@pytest.mark.slow
def test_four_devices_give_the_losses_of_one(tmp_path: Path):
    """Batch statistics too are those of the whole batch."""
    tables = ({"width": 16, "latent": 4}, TRAINING, {})
    done = python(ONE_AND_FOUR, "dcgan", tmp_path, *map(json.dumps, tables), environment=FOUR_DEVICES)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "four").shape == (20, 2)
    np.testing.assert_allclose(losses(tmp_path / "four"), losses(tmp_path / "one"), rtol=1e-6)
    assert RunFolder(tmp_path / "four").description().environment["devices"] == 4


@pytest.mark.slow
def test_a_run_on_four_devices_can_be_gone_on_with_on_one(tmp_path: Path):
    """And four devices can run several steps at once, each batch in parts."""
    training = TRAINING | {"log_every": 2, "accumulate": 2}
    tables = ({"width": 2, "latent": 4}, training, {"steps": 16, "steps_per_dispatch": 2})
    done = python(ONE_AND_FOUR, "vae", tmp_path, *map(json.dumps, tables), environment=FOUR_DEVICES)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "four").shape == (10, 1)
    np.testing.assert_allclose(losses(tmp_path / "four"), losses(tmp_path / "one"), rtol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX has several devices")
@pytest.mark.slow
def test_devices_that_can_not_share_the_work_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="JAX sees 1 of cpu, received --devices 3"):
        zoo_core.train("vae", "digits@8", tmp_path / "run", training=TRAINING, devices=3)
    uneven = "zoo_core.train('vae', 'digits@8', sys.argv[1], training={'batch_size': 8, 'accumulate': 4}, devices=4)"
    done = python(f"import sys, zoo_core; {uneven}", tmp_path / "run", environment=FOUR_DEVICES)
    assert "4 devices can't have equal parts of 2 images, the batch size over accumulate." in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_other_backends_train_on_one_device(backend: str, tmp_path: Path):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    code = "import sys, zoo_core; zoo_core.train('vae', 'digits@8', sys.argv[1], devices=2)"
    done = python(code, tmp_path / "run", environment={"KERAS_BACKEND": backend})
    assert f"The backend {backend} trains on one device, received --devices 2." in done.stderr


@pytest.mark.slow
def test_without_a_scheduler_no_processes_are_joined(tmp_path: Path):
    done = python(ZOO[-1], "train", "vae", "--distributed", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "No scheduler that JAX knows has started this process." in done.stderr


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_device_and_one_of_them_writes(tmp_path: Path):
    """They find each other by the variables that Slurm sets."""
    options = {"width": 2, "latent": 4}
    zoo_core.train("vae", "digits@8", tmp_path / "one", options=options, training=TRAINING)
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    job = {"SLURM_JOB_ID": "1", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    job |= {"JAX_COORDINATOR_PORT": str(port), "KERAS_BACKEND": "jax", "TMPDIR": str(tmp_path)}
    given = ["--data", "digits@8", "--batch-size", "8", "--steps", "20", "--precision", "float64", "-t", "log_every=1"]
    command = [*ZOO, "train", "vae", *given, "-o", "width=2", "-o", "latent=4", "--distributed", "--out"]
    command.append(str(tmp_path / "two"))
    processes = [
        subprocess.Popen(
            command,
            env=os.environ | job | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-6)
    assert checkpoint.steps_of(RunFolder(tmp_path / "two")) == [20]
    assert "20 of 20" in said[0][1]
    assert "steps" not in said[1][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
