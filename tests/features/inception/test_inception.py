"""The feature network around a runtime."""

from pathlib import Path

import numpy as np
import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.features.inception import Inception, download, inception
from zoo_core.features.inception.weights import Weights
from zoo_core.testing import check_features


class Recorder:
    """A runtime whose features are each image's first pixel."""

    name = "recorder 1.0"
    batch = 4

    def __init__(self):
        self.shapes = []

    def __call__(self, images):
        self.shapes.append(images.shape)
        return np.repeat(images[:, 0, 0, :1], 2048, axis=1).astype(np.float32)


def network(sha256="1a2b3c4d" * 8, runtime=None):
    logits = np.random.default_rng(0).standard_normal((1008, 2048)).astype(np.float32)
    return Inception(Weights({}, logits, sha256), runtime or Recorder())


def test_every_batch_is_of_one_size():
    recorder = Recorder()
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1).repeat(8, axis=1).repeat(8, axis=2)
    features = network(runtime=recorder).features(images)
    assert recorder.shapes == [(4, 8, 8, 1)] * 3
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, np.arange(10)[:, None].repeat(2048, axis=1))


def test_no_images_give_no_features():
    assert network().features(np.empty((0, 8, 8, 3), np.uint8)).shape == (0, 2048)


def test_the_name_says_whose_weights_they_are():
    assert network(download.SHA256).name == "inception"
    assert network().name == network().label == "inception@1a2b3c4d"
    assert network().runtime == "recorder 1.0"
    assert network().classes == ()


def test_logits_have_no_bias():
    found = network()
    assert not found.logits(np.zeros((2, 2048), np.float32)).any()
    features = np.random.default_rng(1).standard_normal((3, 2048)).astype(np.float32)
    logits = found.logits(features)
    assert logits.shape == (3, 1008)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(found.logits(2 * features), 2 * logits, rtol=1e-6)


def test_features_that_are_not_finite_are_refused():
    class Overflowing(Recorder):
        def __call__(self, images):
            return np.full((4, 2048), np.inf, np.float32)

    with pytest.raises(ZooError, match="not finite"):
        network(runtime=Overflowing()).features(np.zeros((1, 8, 8, 3), np.uint8))


def test_an_unknown_runtime_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Unknown runtime 'torch'"):
        Inception.open(tmp_path / "weights.pth", "torch")


def test_a_runtime_that_is_not_installed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(inception, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="OpenVINO is not installed") as caught:
        Inception.open(tmp_path / "weights.pth", "openvino")
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("installed", "device", "expected"), [(True, "cpu", "openvino"), (True, "gpu", "keras"), (False, "cpu", "keras")]
)
def test_auto_is_openvino_on_a_cpu_where_it_is_installed(weights_file, monkeypatch, installed, device, expected):
    if expected == "openvino":
        pytest.importorskip("zoo_core.features.inception.openvino_runtime", exc_type=ImportError)
    monkeypatch.setattr(inception, "find_spec", lambda name: object() if installed else None)
    monkeypatch.setattr(inception, "_device", lambda: device)
    assert inception._runtime("auto").__name__.lower().startswith(expected)


def test_a_file_of_weights_is_opened(weights_file):
    opened = Inception.open(weights_file, "keras")
    assert opened.runtime.startswith("keras 3.")
    assert opened.name == f"inception@{opened.weights_sha256[:8]}"


@pytest.mark.slow
def test_it_passes_the_checks_of_feature_networks(weights_file: Path):
    results = check_features("inception", weights=weights_file)
    assert [result for result in results if result.outcome != "passed"] == []
