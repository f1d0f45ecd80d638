"""What restores images: every pixel stays where it is, and enlarging lays each one out as a block."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.models.residual import prelu, residual_block, sub_pixel


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, "float32")


def test_a_residual_block_keeps_the_shape():
    for shape in ((5, 9, 3), (8, 8, 4)):
        assert residual_block(keras.KerasTensor((None, *shape))).shape == (None, *shape)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_residual_block_whose_last_layer_gives_zero_is_the_identity(normalize: bool):
    images = keras.Input((6, 7, 3))
    network = keras.Model(images, residual_block(images, normalize=normalize))
    weights = [layer for layer in network.layers if layer.weights][-1].trainable_weights
    for weight in weights:
        weight.assign(ops.zeros(weight.shape))
    x = noise(2, 6, 7, 3)
    np.testing.assert_array_equal(ops.convert_to_numpy(network(x, training=True)), x)


def test_what_is_between_and_after_the_convolutions():
    images = keras.Input((8, 8, 4))
    named = [type(layer).__name__ for layer in keras.Model(images, residual_block(images, activation=prelu)).layers[1:]]
    assert named == ["Conv2D", "BatchNormalization", "PReLU", "Conv2D", "BatchNormalization", "Add"]
    plain = [type(layer).__name__ for layer in keras.Model(images, residual_block(images, normalize=False)).layers[1:]]
    assert plain == ["Conv2D", "ReLU", "Conv2D", "Add"]


def test_a_prelu_has_one_slope_for_each_channel():
    layer = prelu()
    x = noise(2, 5, 6, 3)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), np.where(x > 0, x, 0.25 * x), rtol=1e-6)
    assert [tuple(weight.shape) for weight in layer.weights] == [(1, 1, 3)]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_pixel_becomes_a_block_of_pixels(factor: int):
    """Of a convolution that gives 0, 1, 2 … everywhere."""
    images = keras.Input((3, 4, 1))
    network = keras.Model(images, sub_pixel(images, 2, factor))
    kernel, bias = network.trainable_weights
    kernel.assign(ops.zeros(kernel.shape))
    bias.assign(ops.arange(2 * factor**2, dtype="float32"))
    made = ops.convert_to_numpy(network(noise(1, 3, 4, 1), training=False))
    assert made.shape == (1, 3 * factor, 4 * factor, 2)
    block = np.arange(2 * factor**2).reshape(factor, factor, 2)  # equation 4: rows, then columns, then channels
    np.testing.assert_array_equal(made[0], np.tile(block, (3, 4, 1)))
