import keras
import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.errors import ZooError
from zoo_core.features import Classifier, classifier, storage
from zoo_core.features.network import predict


def accuracy(network, data):
    """The share of the test split that the classifier labels rightly."""
    logits = network.logits(network.features(data.images("test")))
    return np.mean(logits.argmax(axis=1) == data.labels("test"))


@pytest.mark.parametrize("data", sorted(classifier.SHIPPED))
def test_shipped_weights_are_those_that_are_pinned(data):
    path = classifier.shipped_file(data)
    assert storage.sha256(path.read_bytes()) == classifier.SHIPPED[data]
    assert path.stat().st_size < 1_500_000
    network = Classifier.shipped(data)
    assert network.info.data == data
    assert network.name == f"classifier:{data}"
    assert network.label == "classifier"
    assert network.weights_sha256 == classifier.SHIPPED[data]
    assert network.runtime == f"keras {keras.__version__}, jax, cpu"


def test_on_digits_it_is_right_more_than_98_times_in_100():
    digits = load_dataset("digits")
    network = Classifier.shipped("digits")
    assert network.info.content_hash == digits.spec.content_hash
    assert network.classes == digits.classes
    assert accuracy(network, digits) > 0.98
    assert accuracy(network, digits) == pytest.approx(network.info.test_accuracy, abs=0.003)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "least"), [("mnist", 0.99), ("fashion_mnist", 0.91)])
def test_on_the_large_sets_it_is_as_right_as_its_file_says(shared_data, name, least):
    if not (shared_data / f"{name}.npz").is_file():
        pytest.skip(f"no {name}.npz in ZOO_SHARED_DATA")
    data = load_dataset(name, shared_data)
    network = Classifier.shipped(name)
    assert network.info.content_hash == data.spec.content_hash
    assert network.classes == data.classes
    assert accuracy(network, data) > least
    assert accuracy(network, data) == pytest.approx(network.info.test_accuracy, abs=0.0005)


def test_images_of_another_size_or_in_colour_are_classified_as_well():
    digits = load_dataset("digits@32")
    colour = np.repeat(digits.images("test"), 3, axis=3)
    network = Classifier.shipped("digits")
    assert np.mean(network.logits(network.features(colour)).argmax(axis=1) == digits.labels("test")) > 0.95


def test_logits_from_features_are_the_networks_own():
    network = Classifier.shipped("digits")
    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 1), np.uint8)
    features, logits = predict(network.network, images)
    found = network.logits(features)
    assert (found.shape, found.dtype) == ((30, 10), np.float32)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)


def test_a_shipped_file_that_was_altered_is_refused(tmp_path, monkeypatch):
    altered = tmp_path / "classifier-digits.h5"
    content = bytearray(classifier.shipped_file("digits").read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)
    monkeypatch.setattr(classifier, "shipped_file", lambda data: altered)
    with pytest.raises(ZooError, match="not the file that was shipped: expected SHA-256"):
        Classifier.shipped("digits")
