"""The label reaches both networks, and training makes the generator heed it."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.testing import build_model
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="module")
def built(digits: Dataset) -> Built:
    return build_model("cgan", digits.spec, width=16, learning_rate=5e-4)


def test_the_label_reaches_both_networks(built: Built):
    rng = np.random.default_rng(0)
    z, images = rng.normal(size=(1, 100)).astype("float32"), rng.uniform(-1, 1, (1, 16, 16, 1)).astype("float32")
    for network, inputs in ((built.networks["generator"], z), (built.networks["discriminator"], images)):
        one, other = (ops.convert_to_numpy(network([inputs, np.array([label])], training=False)) for label in (3, 4))
        assert not np.allclose(one, other, atol=1e-9)


def test_there_is_an_embedding_for_each_class(built: Built):
    for network in built.networks.values():
        (embedding,) = [layer for layer in network.layers if isinstance(layer, keras.layers.Embedding)]
        assert embedding.input_dim == 10


def test_training_makes_samples_resemble_the_class_that_was_asked_for(digits: Dataset, built: Built):
    """After 400 steps the nearest class mean of most samples is that of the class asked for; chance is one in ten."""
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 32, 0)
    for step in range(400):
        engine.step(step, feeder.batch(step))
    weights = engine.average([feeder.batch(i) for i in range(8)])
    sampler = zoo_core.Sampler(built, zoo_core.registry().model("cgan").spec, digits.spec, weights)
    asked = np.arange(200) % 10
    generated = sampler.generate(200, 0, asked).reshape(200, -1).astype(float)
    real, labels = digits.images("train").reshape(-1, 256).astype(float), digits.labels("train")
    means = np.stack([real[labels == label].mean(0) for label in range(10)])
    nearest = ((generated[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == asked).mean() > 0.5
