import pytest

from zoo_core.data import load_dataset
from zoo_core.features import storage
from zoo_core.features.training import train_classifier


@pytest.fixture(scope="session")
def small_set():
    """The smallest labelled set there is, 8x8."""
    return load_dataset("digits@8")


@pytest.fixture(scope="session")
def hasty(small_set, tmp_path_factory):
    """A weights file after three steps of training."""
    path = tmp_path_factory.mktemp("weights") / "hasty.h5"
    network, info = train_classifier(small_set, storage.Recipe(steps=3, batch_size=32, seed=7), lambda line: None)
    storage.save(path, network, info)
    return path
