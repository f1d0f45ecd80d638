import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError, ZooError
from zoo_core.features import Classifier, Pixels, classifier, load_features, storage
from zoo_core.specs import DataSpec, Field


def spec(name, shape=(28, 28, 1)):
    return DataSpec(name=name, fields={"images": Field(shape, "float32")}, classes=(), splits={}, content_hash="")


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


def test_on_digits_it_is_right_more_than_98_times_in_100():
    digits = load_dataset("digits")
    network = load_features("classifier", digits.spec)
    assert network.info.content_hash == digits.spec.content_hash
    predicted = network.probabilities(digits.images("test")).argmax(axis=1)
    accuracy = np.mean(predicted == digits.labels("test"))
    assert accuracy > 0.98
    assert accuracy == pytest.approx(network.info.test_accuracy, abs=0.003)


@pytest.mark.shared_data
def test_on_mnist_it_is_right_more_than_99_times_in_100(shared_data):
    mnist = load_dataset("mnist", shared_data)
    network = load_features("classifier", mnist.spec)
    assert network.info.content_hash == mnist.spec.content_hash
    predicted = network.probabilities(mnist.images("test")).argmax(axis=1)
    accuracy = np.mean(predicted == mnist.labels("test"))
    assert accuracy > 0.99
    assert accuracy == pytest.approx(network.info.test_accuracy, abs=0.0005)


def test_a_shipped_file_that_was_altered_is_refused(tmp_path, monkeypatch):
    altered = tmp_path / "classifier-digits.h5"
    content = bytearray(classifier.shipped_file("digits").read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)
    monkeypatch.setattr(classifier, "shipped_file", lambda data: altered)
    with pytest.raises(ZooError, match="not the file that was shipped: expected SHA-256"):
        load_features("auto", spec("digits"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("digits", "classifier:digits"),
        ("digits@8", "classifier:digits"),
        ("mnist@32x24", "classifier:mnist"),
        ("fashion_mnist", "pixels"),
        ("folder:digits", "pixels"),
    ],
)
def test_auto_takes_the_shipped_classifier_whatever_the_size(data, expected):
    assert load_features("auto", spec(data)).name == expected


def test_images_of_another_size_or_in_colour_are_classified_as_well():
    digits = load_dataset("digits@32")
    colour = np.repeat(digits.images("test"), 3, axis=3)
    network = load_features("auto", digits.spec)
    assert np.mean(network.probabilities(colour).argmax(axis=1) == digits.labels("test")) > 0.95


def test_pixels_can_be_asked_for():
    assert isinstance(load_features("pixels", spec("digits")), Pixels)


@pytest.mark.parametrize("name", ["auto", "classifier"])
def test_weights_of_ones_own_have_their_hash_in_the_name(hasty, name):
    network = load_features(name, spec("digits@8"), weights=hasty)
    digest = storage.sha256(hasty.read_bytes())
    assert network.name == network.label == f"classifier@{digest[:8]}"
    assert network.weights_sha256 == digest
    assert network.classes == tuple("0123456789")
    assert network.features(np.zeros((2, 8, 8, 1), np.uint8)).shape == (2, 64)


def test_where_none_is_shipped_the_error_says_how_to_train_one():
    with pytest.raises(UsageError, match="No classifier is shipped for 'cifar10@16'") as caught:
        load_features("classifier", spec("cifar10@16"))
    assert "zoo classifier train --data cifar10@16 --out FILE" in caught.value.hint
    assert "--weights FILE" in caught.value.hint


def test_pixels_have_no_weights(hasty):
    with pytest.raises(UsageError, match="no weights"):
        load_features("pixels", spec("digits"), weights=hasty)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match=r"Unknown feature network 'pixel'\. Did you mean 'pixels'"):
        load_features("pixel", spec("digits"))
