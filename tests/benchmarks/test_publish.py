"""The README's results and the leaderboard are what benchmarks/publish.py makes of benchmarks/results."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, on copies of what it reads and writes."""
    spec = importlib.util.spec_from_file_location("publish", ROOT / "benchmarks" / "publish.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "results")
    for name in ("README", "LEADERBOARD"):
        monkeypatch.setattr(module, name, Path(shutil.copy(getattr(module, name), tmp_path)))
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    return module


def test_the_pages_are_fresh(publish: ModuleType) -> None:
    before = [page.read_text(encoding="utf-8") for page in (publish.README, publish.LEADERBOARD)]
    publish.main([])
    assert [page.read_text(encoding="utf-8") for page in (publish.README, publish.LEADERBOARD)] == before


def test_what_does_not_verify_is_refused_with_the_reason(
    publish: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (publish.RESULTS / "broken.json").write_text("{")
    digits = (publish.RESULTS / "digits.json").read_text(encoding="utf-8")
    (publish.RESULTS / "changed.json").write_text(digits.replace('"batch_size": 64', '"batch_size": 8'))
    before = publish.README.read_text(encoding="utf-8")
    assert publish.main([]) == 1
    told = capsys.readouterr().err
    assert "refused: broken.json" in told
    assert "refused: changed.json: digits/runs/" in told
    assert publish.README.read_text(encoding="utf-8") == before


def test_the_leaderboard_has_a_table_for_each_protocol_over_all_files(publish: ModuleType) -> None:
    digits = publish.RESULTS / "digits.json"
    text = publish.leaderboard([digits])
    assert text.count("protocol: digits v1") == 1
    assert "[digits.json](../benchmarks/results/digits.json): Measured by `zoo compare" in text
    assert publish.leaderboard([]) == "Nothing is published yet.\n"


def test_pictures_stand_side_by_side_enlarged_without_smoothing(publish: ModuleType) -> None:
    images = [Image.fromarray(np.full(shape, 7, "uint8")) for shape in ((100, 50), (60, 40))]
    sheet = np.asarray(publish.side_by_side(images))
    assert sheet.shape == (400, 4 * 50 + publish.GAP + 4 * 40, 3)
    assert set(np.unique(sheet)) == {7, 255}
    assert publish.side_by_side(2 * images).size == (2 * 4 * 50 + 4 * 40 + 2 * publish.GAP, 400 + publish.GAP + 4 * 60)
