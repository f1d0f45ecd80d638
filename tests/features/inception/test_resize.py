"""TensorFlow 1's bilinear resize, by its closed form."""

import keras
import numpy as np
import pytest

from zoo_core.features.inception.resize import interpolation, prepare


def test_twice_as_long_a_line_starts_at_the_first_pixel_and_repeats_the_last():
    low, high, share = interpolation(2, 4)  # places 0, 1/2, 1, 3/2: half-pixel centres would start at -1/4
    np.testing.assert_array_equal(low, [0, 0, 1, 1])
    np.testing.assert_array_equal(high, [1, 1, 1, 1])
    np.testing.assert_array_equal(share, [0, 0.5, 0, 0.5])


def test_half_as_long_a_line_drops_every_other_pixel_unsmoothed():
    low, _, share = interpolation(4, 2)
    np.testing.assert_array_equal(low, [0, 2])
    np.testing.assert_array_equal(share, [0, 0])


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 64, 3), (299, 299, 3), (400, 301, 3)])
def test_a_pixel_mixes_the_four_around_its_place(shape):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.float32)
    prepared = prepare(np.take, images)
    assert prepared.shape == (2, 299, 299, 3)
    assert prepared.dtype == np.float32
    height, width, _ = shape
    for i, j in [(0, 0), (10, 11), (150, 7), (298, 0), (298, 298)]:
        y, x = i * height / 299, j * width / 299
        top, left, dy, dx = int(y), int(x), y % 1, x % 1
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        above = (1 - dx) * images[:, top, left] + dx * images[:, top, right]
        below = (1 - dx) * images[:, bottom, left] + dx * images[:, bottom, right]
        expected = ((1 - dy) * above + dy * below - 128) / 128
        np.testing.assert_allclose(prepared[:, i, j], np.broadcast_to(expected, (2, 3)), atol=1e-4)


def test_an_image_of_the_networks_own_size_is_left_as_it_is():
    images = np.random.default_rng(0).integers(0, 256, (1, 299, 299, 3)).astype(np.float32)
    np.testing.assert_array_equal(prepare(np.take, images), (images - 128) / 128)


def test_tensors_are_prepared_as_arrays_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(prepare(keras.ops.take, images), prepare(np.take, images), atol=1e-6)
