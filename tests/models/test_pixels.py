import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from zoo_core.errors import ZooError
from zoo_core.models.pixels import from_uint8, to_uint8


@given(arrays(np.uint8, array_shapes(max_dims=4)))
def test_what_came_from_uint8_goes_back_unchanged(images):
    floats = from_uint8(images)
    assert floats.dtype == np.float32
    assert floats.min() >= -1
    assert floats.max() <= 1
    assert (to_uint8(floats) == images).all()


@given(st.floats(-1, 1, width=32))
def test_rounding_moves_a_pixel_by_at_most_half_a_level(value):
    level = to_uint8(np.float32([value]))
    assert abs(from_uint8(level)[0] - value) <= 1.0001 / 255


def test_the_levels_are_those_of_the_formula():
    values = np.array([-2, -1, -1 + 0.9 / 255, -1 + 1.1 / 255, 0, 1, 2])  # half a level is 1 / 255
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 128, 255, 255]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ZooError, match="finite"):
        to_uint8(np.array([[0.0, value]]))
