"""zoo compare: a table on stdout, and a folder with a report."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Invoke = Callable[..., Result]

TINY = ("--data", "digits@8", "--steps", "2", "--batch-size", "4", "-n", "80", "--features", "pixels")
WIDTHS = ("-o", "dcgan.width=2", "-o", "vae.width=2")


def test_table_and_report(invoke: Invoke, tmp_path: Path):
    out = tmp_path / "comparison"
    arguments = ("compare", "dcgan", "vae", *TINY, *WIDTHS, "--seeds", "2", "--out", str(out))
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "FD (pixels)" in result.stdout
    assert "±" in result.stdout
    assert "| dcgan |" in (out / "report.md").read_text()
    assert "<title>" in (out / "report.html").read_text()
    records = json.loads((out / "results.json").read_text())["records"]
    assert {(r["source"]["model"], r["source"]["seed"]) for r in records} == {
        (model, seed) for model in ("dcgan", "vae") for seed in (0, 1)
    }
    planned = invoke(*arguments, "--seeds", "3", "--dry-run", "--json")
    assert [run["state"] for run in json.loads(planned.stdout)] == ["finished"] * 4 + ["new"] * 2
    again = invoke(*arguments, "--json")
    assert json.loads(again.stdout)["records"] == records
    assert "step" not in again.stderr  # nothing was trained


def test_models_that_need_labels_are_refused_where_there_are_none(invoke: Invoke, tmp_path: Path):
    from PIL import Image

    for i in range(6):
        Image.new("L", (8, 8), 40 * i).save(tmp_path / f"{i}.png")
    result = invoke("compare", "cgan", "--data", f"folder:{tmp_path}/", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "Model 'cgan' needs labels" in result.stderr
    assert not (tmp_path / "out").exists()


def test_options_name_their_model(invoke: Invoke, tmp_path: Path):
    result = invoke("compare", "vae", "--data", "digits@8", "-o", "width=2", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "Expected MODEL.KEY=VALUE" in result.stderr
