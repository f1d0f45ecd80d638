"""A picture of the course of a run."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import zoo_core
from zoo_core.runs import RunFolder
from zoo_core.training.plots import POINTS, _merged, _panels, _thinned, write_curves

TRAINING = {"steps": 8, "batch_size": 4, "log_every": 2, "select_every": 4, "schedule": "linear", "warmup": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "run"
    return zoo_core.train("dcgan", "digits@8", out, options={"width": 2, "latent": 2}, training=TRAINING)


def test_a_run_leaves_its_curves(run: RunFolder):
    root = ElementTree.parse(run.curves_file).getroot()
    assert root.tag.endswith("svg")
    axes = [e.get("id") for e in root.iter() if re.fullmatch(r"axes_\d", e.get("id") or "")]
    assert axes == ["axes_1", "axes_2", "axes_3"]


def test_each_kind_has_its_panel_and_the_last_line_is_in_it(run: RunFolder):
    panels = _panels(run.metrics())
    assert list(panels) == ["loss", "held-out score", "learning rate"]
    assert list(panels["loss"]) == ["discriminator", "generator"]
    assert list(panels["held-out score"]) == ["fd_classifier"]
    assert [images for images, _ in panels["loss"]["generator"]] == [8, 16, 24, 32]
    assert [images for images, _ in panels["held-out score"]["fd_classifier"]] == [16, 32]


def test_learning_rates_are_those_of_the_schedule(run: RunFolder):
    logged = [line["generator/learning_rate"] for line in run.metrics()]
    peak = 0.0002
    each = [peak * min(1, (t + 1) / 3) * (1 - max(0, t - 2) / 6) for t in range(8)]
    assert logged == pytest.approx([(a + b) / 2 for a, b in zip(each[::2], each[1::2], strict=True)], rel=1e-5)
    assert list(_merged(_panels(run.metrics())["learning rate"])) == ["discriminator, generator"]


def test_the_same_log_gives_the_same_bytes(run: RunFolder):
    before = run.curves_file.read_bytes()
    write_curves(run)
    assert run.curves_file.read_bytes() == before


def test_names_that_look_like_mathematics_are_shown_as_they_are(run: RunFolder, tmp_path: Path):
    copy = RunFolder(tmp_path)
    description = json.loads((run.path / "run.json").read_text())
    description["data"]["name"] = r"folder:x$\foo$"
    (tmp_path / "run.json").write_text(json.dumps(description))
    lines = [{"step": step, "images": 4 * step, "seconds": 0.1, r"$\vae$/loss": 3.0} for step in (1, 2)]
    copy.metrics_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_curves(copy)
    assert r"dcgan on folder:x$\foo$, seed 0" in copy.curves_file.read_text()


def test_what_was_not_logged_has_no_panel(run: RunFolder, tmp_path: Path):
    copy = RunFolder(tmp_path)
    (tmp_path / "run.json").write_bytes((run.path / "run.json").read_bytes())
    write_curves(copy)
    assert not copy.curves_file.exists()
    copy.metrics_file.write_text(json.dumps({"step": 1, "images": 4, "seconds": 0.1, "vae/loss": 3.0}) + "\n")
    write_curves(copy)
    assert "axes_2" not in copy.curves_file.read_text()


def test_a_long_log_stays_a_small_picture():
    points = [(float(i), 0.5) for i in range(12_345)]
    thinned = _thinned(points)
    assert len(thinned) <= POINTS
    assert thinned[-1] == points[-1]
    assert _thinned(points[:POINTS]) == points[:POINTS]
