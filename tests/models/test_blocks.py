"""Images of any size go in and come out."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.errors import UnsupportedShape
from zoo_core.models.blocks import check_shape, doubled, grow, halvings, shrink

SHAPES = [(8, 8, 1), (16, 16, 1), (28, 28, 1), (32, 32, 3), (48, 32, 3), (30, 41, 1), (128, 128, 3), (9, 65, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_grow_makes_images_of_just_that_shape_and_shrink_takes_them(shape: tuple):
    stages = halvings(shape, "test")
    z, images = keras.KerasTensor((None, 7)), keras.KerasTensor((None, *shape))
    assert grow(z, shape, 1, stages, normalize=False).shape == (None, *shape)
    channels = min(8, 2 ** (stages - 1))
    base = [-(-side // 2**stages) for side in shape[:2]]
    assert shrink(images, 1, stages, normalize=False).shape == (None, base[0] * base[1] * channels)


def test_outputs_are_finite_and_small_at_the_start():
    z, images = keras.Input((7,)), keras.Input((10, 8, 1))
    generator = keras.Model(z, grow(z, (10, 8, 1), 2, 1))
    features = keras.Model(images, shrink(images, 2, 1))
    made = ops.convert_to_numpy(generator(np.ones((2, 7), "float32"), training=True))
    assert np.abs(made).max() < 1  # tanh must not saturate from the beginning
    assert np.isfinite(ops.convert_to_numpy(features(made, training=True))).all()


def test_halvings_stop_at_four_pixels_or_less():
    assert [halvings((side, side, 1), "test") for side in (8, 9, 16, 17, 28, 32, 64, 128)] == [1, 2, 2, 3, 3, 3, 4, 5]
    assert halvings((48, 32, 3), "test") == 3


@pytest.mark.parametrize("shape", [(7, 28, 1), (28, 4, 3), (32, 32, 2)], ids=str)
def test_a_shape_that_can_not_be_taken_is_named_with_what_can(shape: tuple):
    with pytest.raises(UnsupportedShape, match=r"at least 8x8 pixels with 1 or 3 channels, received") as caught:
        halvings(shape, "dcgan")
    assert caught.value.exit_code == 2


def test_the_hint_names_data_that_a_model_could_take():
    with pytest.raises(UnsupportedShape, match=r"srgan takes images of at least 8x8 .* received 4x6 with 3") as caught:
        check_shape((4, 6, 3), "srgan", 8, "SET@16~downscale2")
    assert caught.value.hint == "Ask for a larger size, for example --data SET@16~downscale2."
    check_shape((8, 8, 3), "srgan", 8, "SET@16~downscale2")


def test_widths_double_up_to_eight_times():
    assert [doubled(3, times) for times in range(5)] == [3, 6, 12, 24, 24]
    images = keras.Input((128, 128, 3))
    model = keras.Model(images, shrink(images, 1, 5, normalize=False))
    convolutions = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == [1, 2, 4, 8, 8]
