"""Image files as a model takes them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo_core.errors import UsageError, ZooError
from zoo_core.operations import reading
from zoo_core.operations.reading import in_channels, read_images


def write(path: Path, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, shape, "uint8")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def test_files_and_folders_in_their_order(tmp_path: Path):
    second, first = write(tmp_path / "in" / "b.png", (8, 8), 1), write(tmp_path / "in" / "a.png", (8, 8), 2)
    alone = write(tmp_path / "alone.png", (8, 8), 3)
    given = read_images([tmp_path / "alone.png", tmp_path / "in"], (8, 8, 1))
    np.testing.assert_array_equal(given.images[..., 0], [alone, first, second])
    assert [Path(name).name for name in given.names] == ["alone.png", "a.png", "b.png"]
    assert given.resized == 0


def test_another_size_is_cropped_and_resized_as_in_a_data_set(tmp_path: Path):
    pixels = write(tmp_path / "wide.png", (20, 60, 3))
    write(tmp_path / "fits.png", (8, 10, 3))
    given = read_images([tmp_path / "wide.png", tmp_path / "fits.png"], (8, 10, 3))
    expected = ImageOps.fit(Image.fromarray(pixels), (10, 8), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(given.images[0], np.asarray(expected))
    assert given.resized == 1


def test_each_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number, shape in enumerate([(20, 60), (8, 8), (8, 9, 3)]):
        write(tmp_path / f"{number}.png", shape)
    decoded: list[Path] = []
    decode = reading.decode
    monkeypatch.setattr(reading, "decode", lambda path, size: decoded.append(path) or decode(path, size))
    assert read_images([tmp_path], (8, 8, 1)).resized == 2
    assert sorted(path.name for path in decoded) == ["0.png", "1.png", "2.png"]


def test_gray_and_colour_become_what_the_model_takes(tmp_path: Path):
    gray, colour = write(tmp_path / "gray.png", (8, 8)), write(tmp_path / "colour.png", (8, 8, 3))
    paths = [tmp_path / "gray.png", tmp_path / "colour.png"]
    np.testing.assert_array_equal(read_images(paths, (8, 8, 3)).images[0], np.stack([gray] * 3, axis=-1))
    expected = np.asarray(Image.fromarray(colour).convert("L"))
    np.testing.assert_array_equal(read_images(paths, (8, 8, 1)).images[1, ..., 0], expected)
    np.testing.assert_array_equal(in_channels(gray[..., None], 1), gray[..., None])


def test_what_is_no_image_is_told(tmp_path: Path):
    write(tmp_path / "a.png", (8, 8))
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(ZooError, match=r"1 of 2 images can't be read: '.*b\.png'"):
        read_images([tmp_path], (8, 8, 1))
    with pytest.raises(UsageError, match="There is no file or folder"):
        read_images([tmp_path / "nothing"], (8, 8, 1))
    with pytest.raises(UsageError, match="No images were named"):
        read_images([], (8, 8, 1))
