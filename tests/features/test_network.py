import keras
import numpy as np
import pytest
from PIL import Image

from zoo_core.features.network import BATCH, FEATURES, build_network, conform, predict


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    return build_network((8, 8, 1), classes=3, seed=1)


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1])
def test_any_number_of_images_can_be_predicted(network, count):
    features, logits = predict(network, random_images(count, 8, 8, 1))
    assert (features.shape, features.dtype) == ((count, FEATURES), np.float32)
    assert (logits.shape, logits.dtype) == ((count, 3), np.float32)


def test_an_image_has_the_same_features_whatever_it_comes_with(network):
    images = random_images(BATCH + 40, 8, 8, 1)
    together = predict(network, images)[0]
    np.testing.assert_array_equal(together[BATCH:], predict(network, images[BATCH:])[0])
    np.testing.assert_array_equal(together[[5]], predict(network, images[[5]])[0])


def test_the_seed_and_nothing_else_sets_the_initial_weights():
    images = random_images(5, 8, 8, 1)
    one, same, other = (predict(build_network((8, 8, 1), 3, seed), images)[1] for seed in (4, 4, 5))
    assert (one == same).all()
    assert (one != other).all()


def test_a_global_precision_policy_changes_nothing(network):
    images = random_images(5, 8, 8, 1)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        other = build_network((8, 8, 1), classes=3, seed=1)
        found = predict(other, images)
    finally:
        keras.config.set_dtype_policy(policy)
    for output, expected in zip(found, predict(network, images), strict=True):
        np.testing.assert_array_equal(output, expected)


def test_odd_sizes_can_be_halved_three_times():
    features, _ = predict(build_network((9, 15, 3), 2), random_images(2, 9, 15, 3))
    assert features.shape == (2, FEATURES)


def test_colour_becomes_the_luma_that_pillow_computes():
    images = random_images(20, 8, 8, 3)
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in images]
    found = conform(images, (8, 8, 1))
    assert found.shape == (20, 8, 8, 1)
    assert np.abs(found[..., 0].astype(int) - expected).max() <= 1  # Pillow's luma is in fixed point


def test_gray_levels_survive_the_way_to_colour_and_back():
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    colour = conform(images, (8, 8, 3))
    assert (colour == images).all()
    assert (conform(colour, (8, 8, 1)) == images).all()


def test_another_size_is_reached_by_lanczos():
    images = random_images(2, 16, 12, 1)
    found = conform(images, (8, 8, 1))
    expected = Image.fromarray(images[1, ..., 0]).resize((8, 8), Image.Resampling.LANCZOS)
    assert (found[1, ..., 0] == np.asarray(expected)).all()
