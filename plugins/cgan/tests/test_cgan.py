"""The label reaches both networks, and training makes the generator heed it."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.testing import build_model, loss_of
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


def test_losses_are_cross_entropies_of_images_with_their_labels(built: Built):
    rng, labels = np.random.default_rng(0), np.array([3, 1, 4, 1], "int32")
    images, z = rng.uniform(-1, 1, (4, 16, 16, 1)).astype("float32"), rng.normal(size=(4, 100)).astype("float32")
    generator, discriminator = (built.networks[name] for name in ("generator", "discriminator"))
    fakes = ops.convert_to_numpy(generator([z, labels], training=True))
    real, fake = (ops.convert_to_numpy(discriminator([x, labels], training=True)) for x in (images, fakes))
    batch = {"images": images, "z": z, "labels": labels}
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean(), rel=1e-5)
    assert logs == {"accuracy": pytest.approx(((real > 0).mean() + (fake <= 0).mean()) / 2)}
    loss, _ = loss_of(built.model.generator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -fake).mean(), rel=1e-5)


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
