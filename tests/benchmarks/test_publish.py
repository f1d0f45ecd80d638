"""The README says what the published results say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from zoo_core.reporting import read_results

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    spec = importlib.util.spec_from_file_location("publish", ROOT / "benchmarks" / "publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_is_up_to_date(publish: ModuleType):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert publish.with_results(readme) == readme, "run: python benchmarks/publish.py"


def test_every_published_result_can_be_read_and_has_no_failure():
    found = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    assert [path.stem for path in found] == ["digits", "mnist"]
    assert not any(read_results(path).failures for path in found)


def test_pictures_stand_side_by_side_enlarged_without_smoothing(publish: ModuleType):
    images = [Image.fromarray(np.full(shape, 7, "uint8")) for shape in ((100, 50), (60, 40))]
    sheet = np.asarray(publish.side_by_side(images))
    assert sheet.shape == (400, 4 * 50 + publish.GAP + 4 * 40, 3)
    assert set(np.unique(sheet)) == {7, 255}
