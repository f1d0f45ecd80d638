"""Dropout takes its masks from the tools in use, and from nowhere else."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.models import layers


def dropped(layer: keras.layers.Layer, x: np.ndarray, training: bool = True) -> np.ndarray:
    return ops.convert_to_numpy(layer(x, training=training))


def test_values_are_dropped_where_the_noise_is_below_the_rate(known_tools: type):
    x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    with known_tools([[0.2, 0.6], [0.25, 0.1]]).active():
        y = dropped(layers.Dropout(0.25), x)
    np.testing.assert_allclose(y, [[0, 2 / 0.75], [3 / 0.75, 0]], rtol=1e-6)


def test_the_mean_is_kept_and_the_share_of_zeros_is_the_rate(known_tools: type):
    with known_tools().active():
        y = dropped(layers.Dropout(0.3), np.ones((100, 1000), "float32"))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.01)


def test_each_call_has_a_mask_of_its_own(known_tools: type):
    layer, x = layers.Dropout(0.5), np.ones((4, 8), "float32")
    with known_tools().active():
        assert not np.array_equal(dropped(layer, x), dropped(layer, x))


def test_without_training_it_is_the_identity_unless_it_always_drops(known_tools: type):
    x = np.ones((4, 8), "float32")
    np.testing.assert_array_equal(dropped(layers.Dropout(0.5), x, training=False), x)
    np.testing.assert_array_equal(dropped(layers.Dropout(0.0, always=True), x), x)
    with known_tools().active():
        assert (dropped(layers.Dropout(0.5, always=True), x, training=False) == 0).any()


def test_without_tools_it_says_what_to_do():
    layer, x = layers.Dropout(0.5), np.ones((4, 8), "float32")
    with pytest.raises(RuntimeError, match=r"`Tools\.active\(\)`\), and there are none\. Call the network in a loss"):
        layer(x, training=True)


def test_building_a_network_draws_nothing():
    x = keras.Input((8, 8, 3))
    network = keras.Model(x, layers.Dropout(0.5, always=True)(x))
    assert network.output_shape == (None, 8, 8, 3)
    assert network.count_params() == 0
    assert not network.non_trainable_variables


def test_half_precision_stays_half(known_tools: type):
    layer = layers.Dropout(0.5, dtype="mixed_bfloat16")
    with known_tools().active():
        y = layer(np.ones((2, 3), "float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert layer(keras.Input((3,))).dtype == "bfloat16"


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_is_none_is_refused(rate: float):
    with pytest.raises(ValueError, match=f"Received: rate={rate}"):
        layers.Dropout(rate)


def test_a_copy_from_its_configuration_is_the_same():
    copy = layers.Dropout.from_config(layers.Dropout(0.25, always=True, name="noise").get_config())
    assert (copy.rate, copy.always, copy.name) == (0.25, True, "noise")
