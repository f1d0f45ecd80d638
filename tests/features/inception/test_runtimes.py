"""Keras and OpenVINO against torch-fidelity's features, and their pools against closed forms.

`torch_fidelity.npz` was made of the weights and images of `conftest.py`, written to files, by
`torch_fidelity_peer.py features random.pth images.npy torch_fidelity.npz` (torch-fidelity 0.4.0, torch 2.13.0, CPU).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo_core.features.inception.keras_runtime import KerasBuilder, KerasRuntime
from zoo_core.features.inception.weights import fold

BATCH = 3


@pytest.fixture(scope="session")
def reference():
    return np.load(Path(__file__).with_name("torch_fidelity.npz"))


@pytest.fixture(scope="session", params=["keras", "openvino"])
def runtime(request, state):
    if request.param == "keras":
        return KerasRuntime(fold(state))
    return openvino_runtime().OpenVINORuntime(fold(state))


def openvino_runtime():
    return pytest.importorskip("zoo_core.features.inception.openvino_runtime", exc_type=ImportError)


@pytest.fixture(params=["keras", "openvino"])
def operate(request):
    """`operate(lambda build, x: …, array)`: what a builder makes of an array (N, H, W, C)."""
    return _with_keras if request.param == "keras" else _with_openvino


def _with_keras(operation, array):
    return np.asarray(operation(KerasBuilder({}), array))


def _with_openvino(operation, array):
    runtime = openvino_runtime()
    ov, array = runtime.ov, array.transpose(0, 3, 1, 2)
    x = runtime.ops.parameter(array.shape, ov.Type.f32)
    result = ov.compile_model(ov.Model([operation(runtime.OpenVINOBuilder({}), x)], [x]), "CPU")(array)[0]
    return result.transpose(0, 2, 3, 1)


def test_features_are_those_of_torch_fidelity_whatever_the_batch(runtime, images, reference):
    expected = reference["features"]
    features = runtime(images)
    assert features.dtype == np.float32
    assert expected.std(axis=0).mean() > 0.1  # so that the images do differ
    np.testing.assert_allclose(features, expected, atol=1e-4 * expected.max())
    np.testing.assert_allclose(runtime(images[[2, 2, 0]]), features[[2, 2, 0]], atol=1e-5 * expected.max())


def test_openvino_reports_nothing_to_anybody(tmp_path):
    program = f"import sys, {openvino_runtime().__name__}\nprint('openvino_telemetry.main' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout == "False\n"
    assert not (tmp_path / "intel").exists()  # where it keeps the number that it knows a user by


def test_average_pools_leave_the_padding_out(operate):
    array = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    pooled = operate(lambda build, x: build.average_pool(x), array)[0, :, :, 0]
    assert pooled[0, 0] == (0 + 1 + 4 + 5) / 4
    assert pooled[0, 1] == (0 + 1 + 2 + 4 + 5 + 6) / 6
    assert pooled[1, 1] == 5


def test_max_pools_never_see_the_padding(operate):
    array = -1 - np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    padded = operate(lambda build, x: build.max_pool(x, 1, "same"), array)
    assert padded.shape == (1, 5, 5, 1)
    assert padded[0, 4, 4, 0] == -19  # zeros would be larger
    np.testing.assert_array_equal(
        operate(lambda build, x: build.max_pool(x, 2, "valid"), array)[0, :, :, 0], [[-1, -3], [-11, -13]]
    )
