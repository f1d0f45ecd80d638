"""What makes it a WGAN-GP, as the paper lists it, and that it learns."""

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
    return build_model("wgan-gp", digits.spec, width=8)


def test_the_critic_has_no_batch_normalization_and_the_generator_has(built: Built):
    kinds = {name: {type(layer).__name__ for layer in network.layers} for name, network in built.networks.items()}
    assert "BatchNormalization" in kinds["generator"]
    assert "BatchNormalization" not in kinds["critic"]


def test_the_critic_scores_each_image_by_itself(built: Built):
    images = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 1)).astype("float32")
    scores = ops.convert_to_numpy(built.networks["critic"](images, training=True))
    alone = ops.convert_to_numpy(built.networks["critic"](images[:1], training=True))
    np.testing.assert_allclose(scores[:1], alone, rtol=1e-4, atol=1e-6)


def test_the_critic_is_updated_five_times_for_each_update_of_the_generator(built: Built):
    assert [(phase.name, phase.repeat) for phase in built.model.phases()] == [("critic", 5), ("generator", 1)]


def test_both_optimizers_are_adam_with_the_paper_s_settings(built: Built):
    for phase in built.model.phases():
        assert isinstance(phase.optimizer, keras.optimizers.Adam)
        assert float(phase.optimizer.learning_rate) == pytest.approx(1e-4)
        assert (phase.optimizer.beta_1, phase.optimizer.beta_2) == (0.0, 0.9)


def test_the_critic_s_loss_is_ten_times_the_penalty_less_the_distance_and_the_generator_s_the_scores(built: Built):
    generator, critic = (built.networks[name] for name in ("generator", "critic"))
    rng = np.random.default_rng(0)
    images, z = rng.uniform(-1, 1, (4, 16, 16, 1)).astype("float32"), rng.normal(size=(4, 128)).astype("float32")
    real, fake = (ops.convert_to_numpy(critic(x, training=True)) for x in (images, generator(z, training=True)))
    batch = {"images": images, "z": z}
    loss, logs = loss_of(built.model.critic_loss, built.networks, batch)
    assert logs["distance"] == pytest.approx(real.mean() - fake.mean(), rel=1e-4)
    assert loss == pytest.approx(10 * logs["penalty"] - logs["distance"], rel=1e-5)
    assert loss_of(built.model.generator_loss, built.networks, batch)[0] == pytest.approx(-fake.mean(), rel=1e-4)


def test_training_brings_generated_images_closer_to_real_ones(digits: Dataset):
    """The mean image, after 120 steps of a narrow network."""
    built = build_model("wgan-gp", digits.spec, width=8, learning_rate=2e-3)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 16 * engine.batches_per_step, 0)
    real = digits.images("train")

    def distance() -> float:
        sampler = zoo_core.Sampler(built, zoo_core.registry().model("wgan-gp").spec, digits.spec, weights())
        generated = sampler.generate(256, seed=0)
        return float(np.abs(generated.mean(0) - real.mean(0)).mean())

    def weights() -> dict:
        return engine.average([feeder.batch(i) for i in range(8)])

    before = distance()
    for step in range(120):
        engine.step(step, feeder.batch(step))
    assert distance() < 0.5 * before
