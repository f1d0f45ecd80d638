"""Networks from image to image, for images of any size from 16 pixels on."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.errors import UnsupportedShape
from zoo_core.models import Tools
from zoo_core.models.translation import enlarge, patch_side, patch_stages, patches, u_net, u_net_stages

SHAPES = [(16, 16, 1), (28, 28, 1), (32, 32, 3), (48, 32, 3), (30, 41, 1), (256, 256, 3), (17, 65, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_of_any_size_come_out_as_large_as_they_went_in(shape: tuple):
    x = keras.KerasTensor((None, *shape))
    assert u_net(x, 3, 1, u_net_stages(shape), 0.5).shape == (None, *shape[:2], 3)
    stages = patch_stages(shape, "test")
    assert patches(x, 1, stages).shape == (None, *(-(-side // 2**stages) for side in shape[:2]), 1)


def test_halvings_are_those_of_the_paper_at_its_size():
    assert [u_net_stages((side, side, 3)) for side in (16, 28, 32, 64, 256, 512)] == [4, 5, 5, 6, 8, 8]
    assert [patch_stages((side, side, 3), "test") for side in (16, 33, 34, 69, 70, 256)] == [1, 1, 2, 2, 3, 3]
    assert [patch_side(stages) for stages in (1, 2, 3)] == [16, 34, 70]  # of its section 4.4


def test_layers_are_those_of_the_paper_at_its_size():
    """In units of its 64 channels."""
    images = keras.Input((256, 256, 3))
    network = keras.Model(images, u_net(images, 3, 1, 8, dropout=0.5))
    down = [layer.filters for layer in network.layers if type(layer).__name__ == "Conv2D"]
    up = [layer.filters for layer in network.layers if type(layer).__name__ == "Conv2DTranspose"]
    joined = [layer.output.shape[3] for layer in network.layers if isinstance(layer, keras.layers.Concatenate)]
    assert down == [1, 2, 4, 8, 8, 8, 8, 8]
    assert up == [8, 8, 8, 8, 4, 2, 1, 3]
    assert joined == [16, 16, 16, 16, 8, 4, 2]
    assert sum(type(layer).__name__ == "Dropout" for layer in network.layers) == 3
    judge = keras.Model(images, patches(images, 1, 3))
    assert [layer.filters for layer in judge.layers if type(layer).__name__ == "Conv2D"] == [1, 2, 4, 8, 1]


def test_a_logit_sees_its_patch_and_no_more():
    images = keras.Input((64, 64, 1))
    judge = keras.Model(images, patches(images, 1, 1))
    plain = np.zeros((1, 64, 64, 1), "float32")
    one = plain.copy()
    one[0, 32, 32] = 1
    one, plain = (ops.convert_to_numpy(judge(image, training=False)) for image in (one, plain))
    changed = np.argwhere(one[0, :, :, 0] != plain[0, :, :, 0])
    assert np.ptp(changed, axis=0).max() + 1 == patch_side(1) // 2  # logits lie 2 pixels apart


def test_the_same_noise_drops_the_same_values(known_tools: type[Tools]):
    images = keras.Input((16, 16, 1))
    network = keras.Model(images, u_net(images, 1, 2, 4, dropout=0.5))
    ones = np.ones((2, 16, 16, 1), "float32")

    def run() -> np.ndarray:
        with known_tools().active():
            return ops.convert_to_numpy(network(ones, training=False))

    np.testing.assert_array_equal(run(), run())
    assert not np.array_equal(run()[0], run()[1])  # two images, two masks


def test_inputs_are_brought_to_the_size_of_the_images():
    x = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    assert enlarge(x, (2, 2, 3)) is x
    large = ops.convert_to_numpy(enlarge(x, (4, 4, 3)))
    assert large.shape == (1, 4, 4, 1)
    np.testing.assert_allclose(large[0, :, 0, 0], [0, 0.5, 1.5, 2])


@pytest.mark.parametrize("shape", [(15, 28, 1), (28, 8, 3), (32, 32, 2)], ids=str)
def test_a_shape_that_can_not_be_taken_is_named_with_what_can(shape: tuple):
    with pytest.raises(UnsupportedShape, match=r"at least 16x16 pixels with 1 or 3 channels, received"):
        patch_stages(shape, "pix2pix")
