"""JAX, torch and TensorFlow compute the same: every plugin, from the same weights, each backend in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from zoo_core.keras_backend import BACKENDS
from zoo_core.sampling.sampler import Sampler

SCRIPT = Path(__file__).with_name("agreement.py")
REFERENCE = "jax"
TOLERANCE = {"float64": 1e-6, "float32": 1e-4}

CANNOT = {"torch": ["pix2pix-float64"]}
"""Torch 2.13 has no gradient of a float64 convolution of a 1x1 image: "grad_weight must be contiguous"."""

Losses = dict[str, list[dict[str, float]]]


pytestmark = pytest.mark.skipif(
    not any(find_spec(name) for name in BACKENDS if name != REFERENCE), reason="only one backend is installed"
)


@pytest.fixture(scope="module")
def losses_on(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Losses, Path]]:
    """`losses_on(backend)`: what each step of each case logs there, and the folder where its run and images are."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "agreement"  # of all workers
    folder.mkdir(exist_ok=True)

    def run(backend: str) -> tuple[Losses, Path]:
        if find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed")
        result = folder / f"{backend}.json"
        with FileLock(folder / f"{backend}.lock"):
            if not result.exists():
                environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
                left_out = CANNOT.get(backend, [])
                subprocess.run([sys.executable, SCRIPT, folder, *left_out], env=environment, check=True)
        return json.loads(result.read_text()), folder

    return run


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != REFERENCE])
def test_losses_agree(backend: str, losses_on: Callable[[str], tuple[Losses, Path]]):
    """To 1e-6 over 20 steps in float64, to 1e-4 in float32's first."""
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    expected, _ = losses_on(REFERENCE)  # first, since it writes the weights
    found, _ = losses_on(backend)
    assert found.keys() == expected.keys() - set(CANNOT.get(backend, []))
    for case in found:
        rows = expected[case]
        (precision,) = TOLERANCE.keys() & case.split("-")
        assert [row.keys() for row in found[case]] == [row.keys() for row in rows]
        # What is logged beside the losses may be the small difference of large numbers.
        for name in [name for name in rows[0] if name.endswith(("/loss", "/learning_rate"))]:
            series = [[row[name] for row in losses[case]] for losses in (found, expected)]
            np.testing.assert_allclose(*series, rtol=TOLERANCE[precision], err_msg=f"{case} {name}")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_gives_its_images_on_another_backend_to_one_level(
    backend: str, losses_on: Callable[[str], tuple[Losses, Path]]
):
    _, folder = losses_on(backend)
    images = Sampler.load(folder / backend).generate(16, seed=5)
    trained_on = np.load(folder / f"{backend}.npy")
    assert np.ptp(trained_on) > 10
    assert np.abs(images.astype(int) - trained_on).max() <= 1
