"""A collapse is told, once; a model that learns is left in peace."""

import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.runs import RunFolder
from zoo_core.sampling.callbacks import SampleGrids
from zoo_core.sampling.collapse import STEPS, AccuracyWatch, VarietyWatch, spread

LABELS = np.repeat(np.arange(10), 8)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits@8")


@pytest.fixture
def looked(digits):
    """`looked((images, labels), …)`: the warnings after these looks, from step 500 on."""

    def look(*looks, first=STEPS):
        told = []
        watch = VarietyWatch(digits, told.append)
        for step, (images, labels) in enumerate(looks, start=first):
            watch.look(step, images, labels)
        return told

    return look


def of_each_class(digits, varied: bool):
    """8 images of each of the 10 classes, or 8 times the same one."""
    images, labels = digits.images("train"), digits.labels("train")
    return np.concatenate([images[labels == n][:8] if varied else images[labels == n][[0] * 8] for n in range(10)])


def test_a_generator_of_one_image_is_told_once_with_what_to_try(looked, digits):
    same = np.repeat(digits.images("train")[:1], 80, axis=0)
    (message,) = looked((same, None), (same, None), (same, None))
    assert message.startswith("at step 500 generated images hardly differ from each other: by 0.0 grey levels")
    assert "--augment color,translation,cutout" in message
    assert "a lower learning rate" in message


def test_images_as_different_as_the_data_s_are_fine(looked, digits):
    assert not looked((digits.images("test")[:80], None))
    paler = (digits.images("test")[:80] // 3).astype(np.uint8)
    assert not looked((paler, None))


def test_an_image_for_each_class_is_no_variety(looked, digits):
    collapsed = of_each_class(digits, varied=False)
    assert looked((collapsed, LABELS))
    assert not looked((collapsed, None))  # from a model without labels it would be
    assert not looked((of_each_class(digits, varied=True), LABELS))


def test_before_a_model_can_have_learned_anything_nothing_is_a_sign(looked, digits):
    same = np.repeat(digits.images("train")[:1], 80, axis=0)
    assert not looked((same, None), first=STEPS - 1)


def test_spread_is_the_standard_deviation_within_classes():
    rng = np.random.default_rng(0)
    images = rng.normal(100, 10, (4000, 2, 2, 1))
    assert spread(images, None) == pytest.approx(10, rel=0.02)
    labels = np.arange(4000) % 4
    assert spread(images + 50 * labels[:, None, None, None], labels) == pytest.approx(10, rel=0.02)
    assert spread(images[:1], None) == 0


@pytest.mark.parametrize("model", ["vae", "cgan"])
def test_sample_grids_show_what_they_draw(model, runs: dict[str, RunFolder], tmp_path):
    from zoo_core.sampling.sampler import Sampler

    seen = []

    class Watch:
        def look(self, step, images, labels):
            seen.append((step, images.shape, None if labels is None else labels.tolist()))

    sampler = Sampler.load(runs[model].path)
    SampleGrids(RunFolder(tmp_path), sampler, 5, Watch())(5, sampler.weights, last=False)
    ((step, shape, labels),) = seen
    assert step == 5
    assert shape == ((80 if model == "vae" else 100), 8, 8, 1)
    assert labels == (None if model == "vae" else np.repeat(np.arange(10), 10).tolist())


def accuracies(*values, every=50, start=0):
    """The warnings after lines with these accuracies."""
    told = []
    watch = AccuracyWatch(told.append)
    watch.begin("dcgan on digits", start, 10_000)
    for i, value in enumerate(values, start=1):
        watch.log({"step": start + i * every, "discriminator/accuracy": value, "generator/loss": 1.0})
    return told


def test_a_discriminator_that_has_won_is_told_once():
    (message,) = accuracies(0.7, *[1.0] * 30)
    assert message.startswith("discriminator/accuracy has been 0.99 or more for 500 steps")
    assert "--augment" in message
    assert len(accuracies(1.0, 1.0, every=500)) == 1


def test_one_that_lapses_now_and_then_has_not():
    assert not accuracies(*([1.0] * 9 + [0.95]) * 5)
    assert not accuracies(*[1.0] * 9)
    assert not accuracies(*[1.0] * 9, start=4000)  # a resumed run has not seen what was before
    assert accuracies(*[1.0] * 10, start=4000)
