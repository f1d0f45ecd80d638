"""DiffAugment does what its noise says, image by image, and lets gradients through."""

from collections.abc import Sequence

import numpy as np
import pytest
from keras import ops

from zoo_core.models import Tensor, Tools
from zoo_core.models.augment import POLICIES, diff_augment

NEUTRAL = (0.5, 0.5, 0.5)  # draws at which "color" changes nothing
CENTRE = (0.5, 0.5)  # draws at which "translation" does


def images(count: int = 2, height: int = 16, width: int = 24, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width, channels)).astype("float32")


def augmented(x: np.ndarray, policies: Sequence[str], tools: Tools) -> np.ndarray:
    return ops.convert_to_numpy(diff_augment(ops.convert_to_tensor(x), policies, tools))


def draw(number: int, levels: int) -> float:
    """What U[0, 1) noise has to be for an integer below `levels`."""
    return (number + 0.5) / levels


def test_the_policies_are_those_of_the_paper():
    assert POLICIES == ("color", "translation", "cutout")


def test_no_policies_are_the_identity(known_tools: type):
    x = images()
    assert diff_augment(x, (), known_tools()) is x


@pytest.mark.parametrize("channels", [1, 3])
def test_neutral_draws_are_the_identity(known_tools: type, channels: int):
    x = images(channels=channels)
    y = augmented(x, ("color", "translation"), known_tools(*NEUTRAL, *CENTRE))
    np.testing.assert_allclose(y, x, atol=1e-6)


def test_color_changes_brightness_saturation_and_contrast(known_tools: type):
    x = images(3)
    y = augmented(x, ["color"], known_tools([0.0, 0.5, 0.5], [0.5, 0.25, 0.5], [0.5, 0.5, 0.75]))
    np.testing.assert_allclose(y[0], x[0] - 0.5, atol=1e-6)
    gray = x[1].mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(y[1], gray + 0.5 * (x[1] - gray), atol=1e-6)
    np.testing.assert_allclose(y[2], x[2].mean() + 1.25 * (x[2] - x[2].mean()), atol=1e-6)


def test_saturation_leaves_gray_images_alone(known_tools: type):
    x = images(channels=1)
    np.testing.assert_allclose(augmented(x, ["color"], known_tools(0.5, 0.0, 0.5)), x, atol=1e-6)


def test_translation_moves_by_just_the_drawn_shift(known_tools: type):
    x = images(5)
    down, right = [-2, 2, 0, 1, 0], [3, -3, 0, 0, -1]
    tools = known_tools([draw(shift + 2, 5) for shift in down], [draw(shift + 3, 7) for shift in right])
    y = augmented(x, ["translation"], tools)
    padded = np.pad(x, ((0, 0), (2, 2), (3, 3), (0, 0)))
    for i in range(5):
        expected = padded[i, 2 - down[i] : 18 - down[i], 3 - right[i] : 27 - right[i]]
        np.testing.assert_array_equal(y[i], expected)


def test_cutout_zeroes_a_rectangle_of_half_the_sides(known_tools: type):
    x = images(2, 8, 12) + 2
    y = augmented(x, ["cutout"], known_tools([draw(4, 9), draw(0, 9)], [draw(6, 13), draw(12, 13)]))
    expected = x.copy()
    expected[0, 2:6, 3:9] = 0
    expected[1, :2, 9:] = 0  # half out of the image on both sides
    np.testing.assert_array_equal(y, expected)


def test_odd_cutouts_are_of_odd_size(known_tools: type):
    tools = known_tools([draw(5, 10)] * 4, [draw(5, 10)] * 4)
    assert np.count_nonzero(augmented(np.ones((4, 10, 10, 1), "float32"), ["cutout"], tools) == 0) == 4 * 25


def test_each_image_is_changed_differently(known_tools: type):
    x = np.tile(images(1) + 2, (8, 1, 1, 1))
    for policy in POLICIES:
        y = augmented(x, [policy], known_tools())
        assert len({image.tobytes() for image in y}) == 8


@pytest.mark.parametrize("policy", POLICIES)
def test_images_that_belong_together_are_changed_as_each_alone_by_the_same_noise(known_tools: type, policy: str):
    gray, color = images(channels=1), images() + 2
    together = diff_augment([ops.convert_to_tensor(x) for x in (gray, color)], [policy], known_tools())
    for y, x in zip(together, (gray, color), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(y), augmented(x, [policy], known_tools()))


def test_gradients_flow_through_all_of_it(known_tools: type):
    """All policies are affine in the image, so that a step along the gradient does what it says."""
    x, weight = (ops.convert_to_tensor(images()) for _ in range(2))

    def loss(x: Tensor) -> Tensor:
        return ops.sum(weight * diff_augment(x, POLICIES, known_tools()))

    gradient = known_tools().grad(loss)(x)
    squared = float(ops.convert_to_numpy(ops.sum(gradient**2)))
    change = float(ops.convert_to_numpy(loss(x + 0.1 * gradient) - loss(x)))
    assert np.isfinite(squared)
    assert change == pytest.approx(0.1 * squared, rel=1e-3)
