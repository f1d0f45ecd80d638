import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from zoo_core.reporting.pictures import picture


@pytest.mark.parametrize(("width", "shown", "enlarged"), [(80, 320, True), (182, 364, True), (512, 372, False)])
def test_small_grids_grow_by_whole_factors_and_large_ones_shrink(
    tmp_path: Path, width: int, shown: int, enlarged: bool
) -> None:
    Image.new("L", (width, width // 2)).save(tmp_path / "grid.png")
    found = picture(tmp_path / "grid.png")
    assert found is not None
    assert (found.width, found.height, found.enlarged) == (shown, shown // 2, enlarged)
    embedded = base64.b64decode(found.uri.removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(embedded)).size == (width, width // 2)  # its own pixels, whatever the size shown


def test_a_missing_or_damaged_image_is_none(tmp_path: Path) -> None:
    assert picture(tmp_path / "none.png") is None
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    assert picture(tmp_path / "cut.png") is None
