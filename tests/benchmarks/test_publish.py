"""The README's results and the leaderboard are what benchmarks/publish.py makes of benchmarks/results."""

import importlib.util
import json
import shutil
from collections.abc import Callable
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
    shutil.copytree(module.IMAGES, tmp_path / "images")
    monkeypatch.setattr(module, "IMAGES", tmp_path / "images")
    return module


@pytest.fixture
def compared(publish: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """The folder of a comparison with these of the published models, moved from where it was made, and their sheets."""

    def make(*models: str) -> Path:
        content = json.loads((publish.RESULTS / "digits.json").read_text(encoding="utf-8"))
        content["records"] = [r for r in content["records"] if not models or r["source"]["model"] in models]
        for record in content["records"]:
            run = tmp_path / "mine" / "runs" / Path(record["source"]["run"]).name
            (run / "samples").mkdir(parents=True)
            (run / "run.json").write_text("{}")
            Image.fromarray(np.full((8, 8), 7, "uint8")).save(run / "samples" / "final.png")
        (tmp_path / "mine" / "results.json").write_text(json.dumps(content))
        return tmp_path / "mine"

    return make


def test_a_comparison_is_kept_with_its_samples_wherever_its_folder_is_now(
    publish: ModuleType, compared: Callable[..., Path]
) -> None:
    folder = compared()
    assert publish.main([str(folder), "digits"]) == 0
    assert (publish.RESULTS / "digits.json").read_bytes() == (folder / "results.json").read_bytes()
    with Image.open(publish.IMAGES / "digits.png") as image:
        assert image.size == (3 * 480 + 2 * publish.GAP, 2 * 480 + publish.GAP)


def test_what_is_published_is_not_replaced_by_less(
    publish: ModuleType, compared: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (publish.RESULTS / "digits.json").read_bytes()
    assert publish.main([str(compared("dcgan", "vae", "cgan")), "digits"]) == 2
    assert "has gan, pixelrnn, wgan-gp too" in capsys.readouterr().err
    assert (publish.RESULTS / "digits.json").read_bytes() == before


def test_without_its_samples_nothing_of_a_comparison_is_kept(
    publish: ModuleType, compared: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = compared()
    next(folder.glob("runs/digits-gan-s0-*")).joinpath("samples", "final.png").unlink()
    files = (publish.RESULTS / "digits.json", publish.IMAGES / "digits.png")
    before = [file.read_bytes() for file in files]
    assert publish.main([str(folder), "digits"]) == 1
    assert "samples/final.png' can't be read" in capsys.readouterr().err
    assert [file.read_bytes() for file in files] == before


def test_wrong_arguments_are_told(publish: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish.main(["demo"]) == 2
    assert "received 1." in capsys.readouterr().err
    assert publish.main([str(tmp_path / "nowhere"), "name"]) == 1
    assert "results.json' can't be read" in capsys.readouterr().err


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


def test_the_same_model_with_the_same_settings_is_published_once(
    publish: ModuleType, compared: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = publish.LEADERBOARD.read_text(encoding="utf-8")
    again = compared("vae")
    shutil.copy(again / "results.json", publish.RESULTS / "mine.json")
    assert publish.main([]) == 1
    assert "refused: mine.json: beside the files before it: vae: a seed counts twice" in capsys.readouterr().err
    assert publish.LEADERBOARD.read_text(encoding="utf-8") == before
    (publish.RESULTS / "mine.json").unlink()
    assert publish.main([str(again), "mine"]) == 1  # refused before it is kept
    assert not (publish.RESULTS / "mine.json").exists()


def test_runs_of_two_files_may_have_the_same_names(publish: ModuleType) -> None:
    digits = (publish.RESULTS / "digits.json").read_text(encoding="utf-8")
    (publish.RESULTS / "mine.json").write_text(digits.replace('"version": "0.1.0"', '"version": "0.2.0"'))
    assert publish.main([]) == 0
    page = publish.LEADERBOARD.read_text(encoding="utf-8")
    assert all(f"cgan (version={version}) | 3 |" in page for version in ("0.1.0", "0.2.0"))


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
