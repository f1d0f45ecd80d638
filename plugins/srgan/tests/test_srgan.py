"""What makes it SRGAN, and SRResNet, as the paper lists it, and that it restores."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from zoo_srgan.model import enlargements

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.errors import UnsupportedShape
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.operations.translation import translate_image
from zoo_core.testing import build_model, loss_of
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions


def sampler(built: Built, data: Dataset, engine: Engine) -> zoo_core.Sampler:
    weights = engine.average([Feeder(data, "train", 16, 0).batch(i) for i in range(4)])
    return zoo_core.Sampler(built, zoo_core.registry().model("srgan").spec, data.spec, weights)


def kinds(network: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits~downscale2")


@pytest.fixture(scope="module")
def built(digits: Dataset) -> Built:
    return build_model("srgan", digits.spec, width=4, blocks=2)


def test_the_generator_has_the_paper_s_layers(digits: Dataset):
    generator = build_model("srgan", digits.spec, width=2, adversarial_weight=0).networks["generator"]
    convolutions = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D)]
    kernels = [layer.kernel_size[0] for layer in convolutions]
    assert kernels == [9, *[3] * 2 * 16, 3, 3, 9]
    assert kinds(generator).count("Add") == 16 + 1  # the blocks, and what skips all of them
    assert kinds(generator).count("PReLU") == 1 + 16 + 1
    assert kinds(generator).count("BatchNormalization") == 2 * 16 + 1


@pytest.mark.parametrize(("factor", "stages"), [(1, []), (2, [2]), (3, [3]), (4, [2, 2]), (6, [2, 3]), (8, [2, 2, 2])])
def test_it_enlarges_in_stages_and_not_at_all_where_sizes_are_the_same(factor: int, stages: list[int]):
    assert enlargements((5, 7, 3), (5 * factor, 7 * factor, 3)) == stages


@pytest.mark.parametrize("images", [(15, 10, 3), (16, 16, 3), (5, 5, 3)], ids=str)
def test_inputs_that_are_no_whole_part_of_the_images_are_refused(images: tuple):
    with pytest.raises(UnsupportedShape, match="larger by a whole factor, received images of") as caught:
        enlargements((10, 10, 3), images)
    assert caught.value.exit_code == 2


def test_who_follows_the_hint_for_images_that_are_too_small_is_not_refused_again():
    with pytest.raises(UnsupportedShape, match=r"at least 8x8 pixels .* received 4x4") as caught:
        build_model("srgan", load_dataset("digits@4~downscale2").spec, width=2, blocks=1)
    example = caught.value.hint.removesuffix(".").split("SET")[1]
    build_model("srgan", load_dataset(f"digits{example}").spec, width=2, blocks=1)


def test_the_discriminator_halves_until_few_pixels_are_left():
    """At the paper's 96 pixels four times; in units of its 64 channels."""
    images = np.zeros((4, 96, 96, 1), "uint8")
    split = zoo_core.data.Split(images, None)
    data = Dataset("large", {"train": split, "validation": split, "test": split}, ())
    large = data.degraded(zoo_core.data.degradation.Degradation("downscale", 4))
    discriminator = build_model("srgan", large.spec, width=1, blocks=1).networks["discriminator"]
    convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [1, 1, 2, 2, 4, 4, 8, 8]
    assert [layer.strides[0] for layer in convolutions] == [1, 2] * 4
    assert convolutions[-1].output.shape[1:3] == (6, 6)
    assert [layer.units for layer in discriminator.layers if isinstance(layer, keras.layers.Dense)] == [16, 1]
    assert discriminator.output_shape == (None, 1)


def test_both_optimizers_are_adam_with_the_paper_s_settings(built: Built):
    assert [phase.name for phase in built.model.phases()] == ["discriminator", "generator"]
    for phase in built.model.phases():
        assert isinstance(phase.optimizer, keras.optimizers.Adam)
        assert float(phase.optimizer.learning_rate) == pytest.approx(1e-4)
        assert phase.optimizer.beta_1 == 0.9


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"images": (4, 16, 16, 1), "inputs": (4, 8, 8, 1)}
    return {name: rng.uniform(-1, 1, shape).astype("float32") for name, shape in shapes.items()}


def test_losses_are_the_paper_s(built: Built, batch: dict[str, np.ndarray]):
    generator, discriminator = (built.networks[name] for name in ("generator", "discriminator"))
    fakes = ops.convert_to_numpy(generator(batch["inputs"], training=True))
    real, fake = (ops.convert_to_numpy(discriminator(x, training=True)) for x in (batch["images"], fakes))
    loss, logs = loss_of(built.model.discriminator_loss, built.networks, batch)
    assert loss == pytest.approx(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean(), rel=1e-5)
    assert logs == {"accuracy": pytest.approx(((real > 0).mean() + (fake <= 0).mean()) / 2)}
    mse, adversarial = np.square(batch["images"] - fakes).mean(), np.logaddexp(0, -fake).mean()
    loss, logs = loss_of(built.model.generator_loss, built.networks, batch)
    assert logs == pytest.approx({"mse": mse, "adversarial": adversarial}, rel=1e-5)
    assert loss == pytest.approx(mse + 1e-3 * adversarial, rel=1e-5)


def test_without_the_adversarial_loss_it_is_srresnet_and_has_no_discriminator(
    digits: Dataset, batch: dict[str, np.ndarray]
):
    resnet = build_model("srgan", digits.spec, width=4, blocks=2, adversarial_weight=0)
    assert list(resnet.networks) == ["generator"]
    assert [phase.name for phase in resnet.model.phases()] == ["generator"]
    made = ops.convert_to_numpy(resnet.networks["generator"](batch["inputs"], training=True))
    loss, logs = loss_of(resnet.model.generator_loss, resnet.networks, batch)
    assert loss == pytest.approx(np.square(batch["images"] - made).mean(), rel=1e-5)
    assert logs == {}


def repeat_pixels(generator: keras.Model) -> None:
    """Weights with which the generator enlarges by repeating each pixel."""
    for weight in generator.trainable_weights:
        value = np.ones(weight.shape) if weight.name == "alpha" else np.zeros(weight.shape)
        if weight.name == "kernel":
            middle = weight.shape[0] // 2
            value[middle, middle, 0] = 1
        weight.assign(value)


@pytest.mark.parametrize(("degradation", "factor"), [("downscale2", 2), ("downscale4", 4), ("blur2", 1)])
def test_images_of_any_size_come_out_enlarged_and_without_seams(degradation: str, factor: int):
    data = load_dataset(f"digits~{degradation}")
    built = build_model("srgan", data.spec, width=2, blocks=1, adversarial_weight=0)
    repeat_pixels(built.networks["generator"])
    image = np.random.default_rng(0).integers(0, 256, (37, 13, 1), "uint8")
    made = translate_image(sampler(built, data, Engine(built.model, built.networks, seed=0)), image)
    np.testing.assert_array_equal(made, image.repeat(factor, axis=0).repeat(factor, axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0, 1e-3], ids=["srresnet", "srgan"])
def test_training_beats_bicubic_enlargement(digits: Dataset, weight: float):
    """By the PSNR of held-out images, after 300 steps of a small network."""
    built = build_model("srgan", digits.spec, width=16, blocks=3, learning_rate=2e-3, adversarial_weight=weight)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 16, 0)
    for step in range(300):
        engine.step(step, feeder.batch(step))
    inputs, targets = digits.inputs("test")[:], digits.images("test")
    bicubic = np.stack([Image.fromarray(image[..., 0]).resize((16, 16), Image.Resampling.BICUBIC) for image in inputs])
    made = sampler(built, digits, engine).transform(inputs, 0)
    assert psnr_of(targets, made).mean() > psnr_of(targets, bicubic[..., None]).mean() + 1
