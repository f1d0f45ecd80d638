"""What makes it the original GAN, as the paper and its code have it, and that it learns."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.models.layers import Dropout
from zoo_core.testing import build_model, loss_of
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="module")
def built(digits: Dataset) -> Built:
    return build_model("gan", digits.spec, width=20)


def kernels(network: keras.Model) -> list[np.ndarray]:
    return [ops.convert_to_numpy(w) for w in network.trainable_weights if w.name == "kernel"]


def test_both_networks_are_fully_connected_as_large_as_on_the_paper_s_mnist():
    built = build_model("gan", load_dataset("digits@28").spec)
    sizes = {name: [kernel.shape for kernel in kernels(network)] for name, network in built.networks.items()}
    assert sizes == {
        "generator": [(100, 1200), (1200, 1200), (1200, 784)],
        "discriminator": [(784, 1200), (240, 1200), (240, 1)],  # 240 maxout units of 5 pieces
    }


def test_a_maxout_unit_is_the_largest_of_its_pieces(built: Built):
    discriminator = built.networks["discriminator"]
    images = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 1)).astype("float32")
    weights = [ops.convert_to_numpy(w) for w in discriminator.trainable_weights]
    x = (images.reshape(3, 256) + 1) / 2
    for kernel, bias in (weights[0:2], weights[2:4]):
        x = (x @ kernel + bias).reshape(3, 4, 5).max(2)
    found = ops.convert_to_numpy(discriminator(images, training=False))
    np.testing.assert_allclose(found, x @ weights[4] + weights[5], rtol=1e-4, atol=1e-8)


def test_the_discriminator_drops_pixels_and_hidden_units_and_the_generator_nothing(built: Built):
    rates = {
        name: [layer.rate for layer in network.layers if isinstance(layer, Dropout)]
        for name, network in built.networks.items()
    }
    assert rates == {"generator": [], "discriminator": [0.2, 0.5, 0.5]}


def test_weights_start_from_uniform_distributions(digits: Dataset):
    networks = build_model("gan", digits.spec, width=200).networks
    for name, limit in (("generator", 0.05), ("discriminator", 0.005)):
        for kernel in (kernel for kernel in kernels(networks[name]) if kernel.size > 2000):
            assert np.abs(kernel).max() == pytest.approx(limit, rel=0.01)
            assert kernel.std() == pytest.approx(limit / 3**0.5, rel=0.03)


def test_both_optimizers_are_gradient_descent_with_momentum(built: Built):
    for phase in built.model.phases():
        assert isinstance(phase.optimizer, keras.optimizers.SGD)
        assert float(phase.optimizer.learning_rate) == pytest.approx(0.1)
        assert phase.optimizer.momentum == 0.5


def test_losses_are_cross_entropies_the_discriminator_s_halved_and_the_generator_s_unsaturated(digits: Dataset):
    built = build_model("gan", digits.spec, width=20, dropout=0.0, input_dropout=0.0)
    generator, discriminator = (built.networks[name] for name in ("generator", "discriminator"))
    discriminator.set_weights([100 * weight for weight in discriminator.get_weights()])  # no longer all but 0
    rng = np.random.default_rng(0)
    images, z = rng.uniform(-1, 1, (4, 16, 16, 1)).astype("float32"), rng.normal(size=(4, 100)).astype("float32")
    real, fake = (ops.convert_to_numpy(discriminator(x, training=True)) for x in (images, generator(z, training=True)))
    batch = {"images": images, "z": z}
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx((np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()) / 2, rel=1e-5)
    assert logs == {"accuracy": pytest.approx(((real > 0).mean() + (fake <= 0).mean()) / 2)}
    loss, _ = loss_of(built.model.generator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -fake).mean(), rel=1e-5)


def test_training_brings_generated_images_closer_to_real_ones(digits: Dataset):
    """The mean image, at the best of four looks: it learns nothing for 250 steps, then goes around in circles."""
    built = build_model("gan", digits.spec, width=200)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 16, 0)
    real = digits.images("train")

    def distance() -> float:
        sampler = zoo_core.Sampler(built, zoo_core.registry().model("gan").spec, digits.spec, weights())
        generated = sampler.generate(256, seed=0)
        return float(np.abs(generated.mean(0) - real.mean(0)).mean())

    def weights() -> dict:
        return engine.average([feeder.batch(0)])

    scores = [distance()]
    for step in range(400):
        engine.step(step, feeder.batch(step))
        if step in (249, 299, 349, 399):
            scores.append(distance())
    assert min(scores) < 0.5 * scores[0]
