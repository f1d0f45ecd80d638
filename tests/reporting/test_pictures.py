import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.reporting.pictures import WIDEST, picture


def save(path: Path, width: int, height: int) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), "uint8")
    Image.fromarray(pixels).save(path)
    return path


def decoded(uri: str) -> Image.Image:
    head, _, content = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_what_fits_is_kept_to_the_pixel(tmp_path: Path) -> None:
    shown = picture(save(tmp_path / "sheet.png", 182, 40), 10**6)
    assert shown is not None
    assert (shown.width, shown.height, shown.enlarged) == (364, 80, True)
    assert np.array_equal(np.asarray(decoded(shown.uri)), np.asarray(Image.open(tmp_path / "sheet.png")))


@pytest.mark.parametrize("most", [60_000, 20_000, 1])
def test_what_does_not_fit_is_made_smaller(tmp_path: Path, most: int) -> None:
    shown = picture(save(tmp_path / "sheet.png", 1200, 600), most)
    assert shown is not None
    assert (shown.width, shown.height, shown.enlarged) == (WIDEST, WIDEST // 2, False)
    assert decoded(shown.uri).width <= 2 * WIDEST
    assert len(shown.uri) <= max(most, 15_000)  # noise of the smallest size takes so much


def test_what_is_missing_or_broken_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert picture(tmp_path / "broken.png", 1000) is None
    assert picture(tmp_path / "none.png", 1000) is None
