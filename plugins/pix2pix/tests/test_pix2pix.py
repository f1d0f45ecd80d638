"""What makes it pix2pix, as the paper lists it, and that it learns."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.models import Tensor
from zoo_core.models.augment import POLICIES
from zoo_core.testing import build_model, loss_of
from zoo_core.training.backends import backend
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.tools import TrainingTools


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits~mask30")


@pytest.fixture(scope="module")
def built(digits: Dataset) -> Built:
    return build_model("pix2pix", digits.spec, width=8)


def test_skip_connections_join_each_size_on_the_way_up(built: Built):
    joined = [layer for layer in built.networks["generator"].layers if isinstance(layer, keras.layers.Concatenate)]
    assert [layer.output.shape[1] for layer in joined] == [2, 4, 8]


def test_the_discriminator_judges_patches_of_pairs(built: Built):
    discriminator = built.networks["discriminator"]
    assert discriminator.input_shape == (None, 16, 16, 2)  # the input and the image
    assert discriminator.output_shape == (None, 8, 8, 1)


def test_weights_start_from_a_normal_of_standard_deviation_0_02(built: Built):
    for network in built.networks.values():
        kernels = [ops.convert_to_numpy(w) for w in network.trainable_weights if w.name == "kernel"]
        for kernel in (kernel for kernel in kernels if kernel.size > 2000):
            assert kernel.std() == pytest.approx(0.02, rel=0.06)


def test_both_optimizers_are_adam_with_the_paper_s_settings(built: Built):
    for phase in built.model.phases():
        assert isinstance(phase.optimizer, keras.optimizers.Adam)
        assert float(phase.optimizer.learning_rate) == pytest.approx(2e-4)
        assert phase.optimizer.beta_1 == 0.5


def test_losses_are_the_paper_s_of_pairs_of_input_and_image(digits: Dataset):
    built = build_model("pix2pix", digits.spec, width=8, dropout=0.0)
    inputs, images = np.random.default_rng(0).uniform(-1, 1, (2, 4, 16, 16, 1)).astype("float32")
    fakes = ops.convert_to_numpy(built.networks["generator"](inputs, training=True))
    pairs = (np.concatenate([inputs, x], axis=-1) for x in (images, fakes))
    real, fake = (ops.convert_to_numpy(built.networks["discriminator"](pair, training=True)) for pair in pairs)
    batch = {"inputs": inputs, "images": images}
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx((np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()) / 2, rel=1e-5)
    assert logs == {"accuracy": pytest.approx(((real > 0).mean() + (fake <= 0).mean()) / 2)}
    adversarial, l1 = np.logaddexp(0, -fake).mean(), np.abs(images - fakes).mean()
    loss, logs = loss_of(built.model.generator_loss, built.networks, batch)
    assert logs == pytest.approx({"adversarial": adversarial, "l1": l1}, rel=1e-5)
    assert loss == pytest.approx(adversarial + 100 * l1, rel=1e-5)


def test_input_and_image_are_augmented_alike_and_their_colors_not_mixed(built: Built):
    judged = []

    def discriminator(pair: Tensor, training: bool) -> Tensor:
        judged.append(ops.convert_to_numpy(pair))
        return pair

    def tools() -> TrainingTools:
        return TrainingTools(backend(), backend().key(0), ops.zeros((), "int32"), POLICIES)

    arrays = np.random.default_rng(0).uniform(-1, 1, (2, 4, 16, 16, 3)).astype("float32")
    inputs, images = map(ops.convert_to_tensor, arrays)
    nets = {"generator": lambda x, training: x, "discriminator": discriminator}
    built.model.discriminator_loss(nets, {"inputs": inputs, "images": images}, tools())
    alone = [ops.convert_to_numpy(tools().augment(x)) for x in (inputs, images)]
    np.testing.assert_allclose(judged[0], np.concatenate(alone, axis=-1), atol=1e-6)


def test_dropout_is_its_noise_while_translating_too(built: Built, digits: Dataset):
    spec = zoo_core.registry().model("pix2pix").spec
    engine = Engine(built.model, built.networks, seed=0)
    weights = engine.average([Feeder(digits, "train", 8, 0).batch(0)])
    sampler = zoo_core.Sampler(built, spec, digits.spec, weights)
    inputs = digits.inputs("test")[:4]
    one, again, other = (sampler.transform(inputs, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.slow
def test_training_restores_what_a_mask_hides(digits: Dataset):
    """By the PSNR of held-out images, after 300 steps of a narrow network."""
    built = build_model("pix2pix", digits.spec, width=16, learning_rate=1e-3, dropout=0.0)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 32, 0)
    for step in range(300):
        engine.step(step, feeder.batch(step))
    weights = engine.average([feeder.batch(i) for i in range(8)])
    sampler = zoo_core.Sampler(built, zoo_core.registry().model("pix2pix").spec, digits.spec, weights)
    inputs, targets = digits.inputs("test")[:], digits.images("test")
    assert psnr_of(targets, sampler.transform(inputs, 0)).mean() > psnr_of(targets, inputs).mean() + 1
