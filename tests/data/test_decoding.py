from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.data.decoding import attempt_all, decode, on_white, reason_of, several_sizes


def test_errors_stand_where_their_files_do(tmp_path):
    Image.new("L", (2, 3), 7).save(tmp_path / "a.png")
    (tmp_path / "b.png").touch()
    files = [tmp_path / "b.png", tmp_path / "a.png", tmp_path / "absent.png"]
    empty, image, absent = attempt_all(lambda file: decode(file, None), files)
    assert image.tolist() == [[[7]] * 2] * 3
    assert [reason_of(error) for error in (empty, absent)] == ["it is empty", "No such file or directory"]


def test_a_reason_always_says_something():
    assert reason_of(MemoryError()) == "MemoryError"


def test_no_files_give_nothing():
    assert attempt_all(Path.stat, []) == []


def test_the_commonest_size_is_suggested_that_may_be_asked_for():
    for sizes, suggested in [
        ({(8, 9): 1, (32, 32): 40}, "photos@32"),
        ({(48, 64): 3, (32, 32): 2}, "photos@48x64"),
        ({(4000, 6000): 3, (32, 32): 2}, "photos@32"),
        ({(4000, 6000): 3, (6000, 4000): 2}, "photos@64"),
    ]:
        assert several_sizes(Path("photos"), Counter(sizes), "photos").hint.endswith(f"resize them to: {suggested}")


def test_transparency_goes_onto_white_as_in_a_file(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 4)).astype(np.uint8)
    for image, expected in zip(on_white(pixels), pixels, strict=True):
        Image.fromarray(expected).save(tmp_path / "a.png")
        assert np.array_equal(image, decode(tmp_path / "a.png", None))
