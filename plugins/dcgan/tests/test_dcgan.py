"""What makes it a DCGAN, as the paper lists it, and that it learns."""

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
    return build_model("dcgan", digits.spec, width=8)


def kinds(network: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def test_there_is_no_pooling_and_no_hidden_dense_layer_but_the_projection(built: Built):
    assert not any("Pool" in kind or "UpSampling" in kind for net in built.networks.values() for kind in kinds(net))
    assert kinds(built.networks["generator"]).count("Dense") == 1
    assert kinds(built.networks["discriminator"]).count("Dense") == 1


def test_batch_normalization_is_everywhere_but_at_the_generator_s_output_and_the_discriminator_s_input(built: Built):
    generator, discriminator = (kinds(built.networks[name]) for name in ("generator", "discriminator"))
    assert generator.count("BatchNormalization") == 2  # after the projection and the first of two convolutions
    assert generator.count("Conv2DTranspose") == 2
    assert generator.index("Conv2DTranspose") > generator.index("BatchNormalization")
    assert discriminator.count("BatchNormalization") == discriminator.count("Conv2D") - 1
    assert discriminator.index("LeakyReLU") < discriminator.index("BatchNormalization")


def test_weights_start_from_a_normal_of_standard_deviation_0_02(digits: Dataset):
    networks = build_model("dcgan", digits.spec, width=32).networks
    for network in networks.values():
        kernels = [ops.convert_to_numpy(w) for w in network.trainable_weights if w.name == "kernel"]
        for kernel in (kernel for kernel in kernels if kernel.size > 2000):
            assert kernel.std() == pytest.approx(0.02, rel=0.05)
            assert kernel.mean() == pytest.approx(0, abs=0.002)


def test_both_optimizers_are_adam_with_the_paper_s_settings(built: Built):
    for phase in built.model.phases():
        assert isinstance(phase.optimizer, keras.optimizers.Adam)
        assert float(phase.optimizer.learning_rate) == pytest.approx(2e-4)
        assert phase.optimizer.beta_1 == 0.5


def test_losses_are_cross_entropies_the_generator_s_unsaturated(built: Built):
    generator, discriminator = (built.networks[name] for name in ("generator", "discriminator"))
    rng = np.random.default_rng(0)
    images, z = rng.uniform(-1, 1, (4, 16, 16, 1)).astype("float32"), rng.normal(size=(4, 100)).astype("float32")
    real, fake = (ops.convert_to_numpy(discriminator(x, training=True)) for x in (images, generator(z, training=True)))
    batch = {"images": images, "z": z}
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean(), rel=1e-5)
    assert logs == {"accuracy": pytest.approx(((real > 0).mean() + (fake <= 0).mean()) / 2)}
    loss, _ = loss_of(built.model.generator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -fake).mean(), rel=1e-5)


def test_training_brings_generated_images_closer_to_real_ones(digits: Dataset):
    """The mean image, after 200 steps of a narrow network."""
    built = build_model("dcgan", digits.spec, width=16, learning_rate=1e-3)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 32, 0)
    real = digits.images("train")

    def distance() -> float:
        sampler = zoo_core.Sampler(built, zoo_core.registry().model("dcgan").spec, digits.spec, weights())
        generated = sampler.generate(256, seed=0)
        return float(np.abs(generated.mean(0) - real.mean(0)).mean())

    def weights() -> dict:
        return engine.average([feeder.batch(i) for i in range(8)])

    before = distance()
    for step in range(200):
        engine.step(step, feeder.batch(step))
    assert distance() < 0.5 * before
