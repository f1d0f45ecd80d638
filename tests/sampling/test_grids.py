"""Sheets of images."""

from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.sampling.grids import grid, pairs, triples, write_gif, write_png


def numbered(count: int, channels: int = 1) -> np.ndarray:
    return np.arange(1, count + 1, dtype="uint8")[:, None, None, None] * np.ones((1, 3, 4, channels), "uint8")


def test_images_run_row_by_row_with_white_between():
    sheet = grid(numbered(5), columns=3)
    assert sheet.shape == (2 + 2 * (3 + 2), 2 + 3 * (4 + 2), 1)
    assert (sheet[2:5, 2:6] == 1).all()
    assert (sheet[2:5, 14:18] == 3).all()
    assert (sheet[7:10, 8:12] == 5).all()
    assert (sheet[7:10, 14:18] == 255).all()  # nothing there
    assert (sheet[:2] == 255).all()


def test_pairs_stand_above_each_other_also_in_a_last_row_that_is_not_full():
    sheet = pairs(numbered(3), numbered(3) + 100, columns=2)
    tops = [2, 7, 12, 17]
    assert [int(sheet[top, 2, 0]) for top in tops] == [1, 101, 3, 103]


def test_triples_stand_beside_each_other_in_the_size_of_the_outputs():
    inputs = np.arange(1, 5, dtype="uint8")[:, None, None, None] * np.ones((1, 2, 2, 1), "uint8")
    inputs[:, 1] += 100
    outputs, targets = np.full((4, 4, 4, 3), 50, "uint8"), np.full((4, 4, 4, 3), 60, "uint8")
    sheet = triples(inputs, outputs, targets, columns=2)
    assert sheet.shape == (2 + 2 * (4 + 2), 2 + 6 * (4 + 2), 3)
    assert sheet[2:6, 2].tolist() == [[1] * 3, [1] * 3, [101] * 3, [101] * 3]
    assert sheet[2, 2::6, 0].tolist() == [1, 50, 60, 2, 50, 60]


def test_png_of_gray_and_colour(tmp_path: Path):
    for channels, mode in ((1, "L"), (3, "RGB")):
        image = np.random.default_rng(0).integers(0, 256, (5, 6, channels), "uint8")
        write_png(tmp_path / "new" / "image.png", image)
        with Image.open(tmp_path / "new" / "image.png") as read:
            assert read.mode == mode
            np.testing.assert_array_equal(np.asarray(read).reshape(image.shape), image)


def test_an_animation_has_its_frames_in_gray_and_in_colour(tmp_path: Path):
    for channels in (1, 3):
        frames = np.random.default_rng(0).integers(0, 256, (5, 9, 7, channels), np.uint8)
        write_gif(tmp_path / "a.gif", frames, seconds=0.2)
        with Image.open(tmp_path / "a.gif") as animation:
            assert (animation.n_frames, animation.size) == (5, (7, 9))
            assert animation.info["duration"] == 200
            np.testing.assert_array_equal(np.asarray(animation.convert("RGB")), np.broadcast_to(frames[0], (9, 7, 3)))
