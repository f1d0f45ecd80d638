"""The promise to the plugins of others: what was written for version 1 of the plugin API works for good."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.features import load_features

PLUGIN = Path(__file__).parent / "zoo_api_v1"

TINY = {"steps": 1, "batch_size": 4}


@pytest.fixture(autouse=True)
def frozen_plugin(make_plugin: Callable[..., Path]) -> None:
    """Installed as it stands, files and all."""
    site = make_plugin("api_v1")
    shutil.rmtree(site / "zoo_api_v1")
    shutil.copytree(PLUGIN, site / "zoo_api_v1", ignore=shutil.ignore_patterns("__pycache__"))


def test_a_conditional_gan_trains_and_samples(tmp_path: Path):
    training = TINY | {"augment": ["translation"]}
    run = zoo_core.train("v1-gan", "digits@8", tmp_path / "run", options={"width": 2}, training=training)
    (line,) = run.metrics()
    assert np.isfinite([line["critic/penalty"], line["regularization/loss"], line["generator/loss"]]).all()
    sampler = zoo_core.Sampler.load(run.path)
    assert sampler.generate(3, seed=1, labels=np.array([0, 1, 2])).shape == (3, 8, 8, 1)


def test_an_autoencoder_trains_samples_reconstructs_and_has_a_likelihood(tmp_path: Path):
    data = load_dataset("digits@8")
    run = zoo_core.train("v1-vae", data, tmp_path / "run", options={"sigma": 0.5}, training=TINY)
    sampler, images = zoo_core.Sampler.load(run.path), data.images("test")[:4]
    assert sampler.generate(3, seed=1).shape == (3, 8, 8, 1)
    assert sampler.reconstruct(images).shape == images.shape
    assert sampler.log_likelihood(images, seed=1).shape == (4,)
    zoo_core.resume(run.path, steps=2)
    assert run.metrics()[-1]["step"] == 2


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path):
    with pytest.raises(zoo_core.UnsupportedShape, match="at most 64 pixels, received 80"):
        zoo_core.train("v1-gan", "digits@80", tmp_path / "run")
    with pytest.raises(zoo_core.UsageError, match="penalty=-1"):
        zoo_core.train("v1-gan", "digits@8", tmp_path / "run", options={"penalty": -1})


def test_a_feature_network_sees_images():
    network = load_features("v1-means", load_dataset("digits@8").spec)
    np.testing.assert_array_equal(network.features(np.full((2, 3, 3, 1), 7, np.uint8)), [[7], [7]])
