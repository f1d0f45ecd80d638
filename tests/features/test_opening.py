"""The core's own feature networks, through the hook by which any other comes."""

import numpy as np
import pytest

from zoo_core.errors import UsageError
from zoo_core.features import Pixels, load_features, storage
from zoo_core.registry import registry
from zoo_core.specs import DataSpec, Field


def spec(name):
    fields = {"images": Field((8, 8, 1), "float32")}
    return DataSpec(name=name, fields=fields, classes=(), splits={}, content_hash="")


@pytest.mark.parametrize("name", ["classifier", "inception", "pixels"])
def test_they_are_what_the_core_brings_and_can_be_imported(name):
    registered = registry().feature_network(name)
    assert registered.plugin.distribution == "zoo-core"
    assert callable(registered.load())


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
    with pytest.raises(UsageError, match=r"No classifier is shipped for 'cifar10@16'; .* digits, fashion_mnist, mnist"):
        load_features("classifier", spec("cifar10@16"))
    with pytest.raises(UsageError, match=r"zoo classifier train --data cifar10@16 --out FILE.*--weights FILE"):
        load_features("classifier", spec("cifar10@16"))


def test_pixels_have_no_weights(hasty):
    with pytest.raises(UsageError, match="no weights"):
        load_features("pixels", spec("digits"), weights=hasty)
