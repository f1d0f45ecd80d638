import numpy as np
import pytest

from zoo_core.features import Pixels


def test_features_are_the_pixels_between_0_and_1():
    images = np.array([0, 51, 255, 102], np.uint8).reshape(1, 2, 2, 1)
    found = Pixels().features(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0, 0.2, 1, 0.4]])
    assert (Pixels().name, Pixels().label, Pixels().weights_sha256) == ("pixels", "pixels", None)
    assert Pixels().runtime == f"numpy {np.__version__}"


@pytest.mark.parametrize(
    ("shape", "dimension"),
    [((32, 32, 3), 3072), ((28, 28, 1), 784), ((64, 64, 3), 3072), ((128, 32, 1), 32 * 8), ((200, 2, 1), 32)],
)
def test_large_images_are_shrunk_to_what_a_covariance_can_have(shape, dimension):
    found = Pixels().features(np.full((2, *shape), 51, np.uint8))
    assert found.shape == (2, dimension)
    np.testing.assert_allclose(found, 0.2)
