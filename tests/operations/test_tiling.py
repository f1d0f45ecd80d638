"""Images of any size through a function of one size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.errors import UsageError
from zoo_core.operations.tiling import AT_ONCE, Tiling

SIDES = st.integers(1, 40)


def pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), "uint8")


@given(height=SIDES, width=SIDES, tile=st.tuples(st.integers(1, 12), st.integers(1, 12)), factor=st.integers(1, 3))
def test_what_each_pixel_becomes_stays_in_its_place(height: int, width: int, tile: tuple[int, int], factor: int):
    image, calls = pixels(height, width), []

    def enlarge(tiles: np.ndarray, first: int) -> np.ndarray:
        calls.append(first)
        assert tiles.shape == (AT_ONCE, *tile, 3)  # one compiled shape, however many tiles there are
        return tiles.repeat(factor, axis=1).repeat(factor, axis=2)

    done: list[int] = []
    tiling = Tiling((height, width), tile, (factor * tile[0], factor * tile[1], 3))
    made = tiling.apply(image, enlarge, done.append)
    assert tiling.result == made.shape[:2]
    np.testing.assert_array_equal(made, image.repeat(factor, axis=0).repeat(factor, axis=1))
    assert made.dtype == np.uint8
    assert sum(done) == len(tiling)
    assert calls == list(range(0, len(tiling), AT_ONCE))


def test_tiles_that_disagree_leave_no_seam():
    """Each tile is made brighter or darker by up to 30 levels: side by side they would differ by up to 60."""
    shifts = np.random.default_rng(0).integers(-30, 31, 1000)

    def shift(tiles: np.ndarray, first: int) -> np.ndarray:
        return (tiles + shifts[first : first + AT_ONCE, None, None, None]).astype("uint8")

    gray = np.full((100, 130, 1), 128, "uint8")
    made = Tiling((100, 130), (32, 32), (32, 32, 1)).apply(gray, shift, lambda done: None).astype(int)
    assert made.std() > 3
    assert max(np.abs(np.diff(made, axis=axis)).max() for axis in (0, 1)) <= 5


def test_an_image_of_one_tile_may_become_any_size_and_others_not():
    tiling = Tiling((4, 6), (4, 6), (5, 9, 1))
    made = tiling.apply(pixels(4, 6), lambda tiles, first: np.zeros((AT_ONCE, 5, 9, 1), "uint8"), lambda done: None)
    assert made.shape == (5, 9, 1)
    with pytest.raises(UsageError, match=r"makes 5x9 pixels of 4x6.* to an image of 8x6.*Bring the images to 4x6"):
        Tiling((8, 6), (4, 6), (5, 9, 1))
