"""zoo compare: a table on stdout, and a folder with a report."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Invoke = Callable[..., Result]

GRID = shlex.split(
    "vae --data digits@8 --seeds 2 --steps 6 --batch-size 4 -t checkpoint_every=2 -o vae.width=2 -o vae.latent=2 "
    "-n 80 --features pixels"
)
"""What `compared` is the result of; the cell of seed 1 failed."""


@pytest.fixture
def out(compared: tuple[Path, dict[str, Any]]) -> Path:
    return compared[0]


def test_table_and_report(invoke: Invoke, out: Path):
    result = invoke("compare", *GRID, "--out", str(out))
    assert result.exit_code == 1
    assert (
        "1 of 2 cells have no score: vae on digits@8, seed 1: ZeroDivisionError: a bug of the plugin" in result.stderr
    )
    assert "--retry-failed" in result.stderr
    assert "FD (pixels)" in result.stdout
    assert "| vae |" in (out / "report.md").read_text()
    assert "<title>" in (out / "report.html").read_text()
    results = json.loads((out / "results.json").read_text())
    assert [record["source"]["seed"] for record in results["records"]] == [0]
    assert results["command"] == shlex.join(["zoo", "compare", *GRID, "--out", str(out)])
    again = invoke("compare", *GRID, "--out", str(out), "--json")
    assert json.loads(again.stdout)["records"] == results["records"]


def test_a_dry_run_lists_the_cells_and_what_they_take(invoke: Invoke, out: Path):
    found = invoke("compare", *GRID, "--seeds", "3", "--out", str(out), "--dry-run", "--json")
    cells = json.loads(found.stdout)
    assert [cell["state"] for cell in cells] == ["finished", "failed", "new"]
    assert [cell["train_seconds"] is None for cell in cells] == [True, True, False]
    told = " ".join(found.stderr.split())
    assert "3 cells, 1 of them to do" in told
    assert "of training one at a time, scoring not counted" in told
    assert "1 failed, to be tried again with --retry-failed." in told
    again = invoke("compare", *GRID, "--seeds", "3", "--out", str(out), "--dry-run", "--json", "--retry-failed")
    cells = json.loads(again.stdout)
    assert cells[1]["disk_mib"] == cells[2]["disk_mib"] > 0
    assert "3 cells, 2 of them to do" in again.stderr
    assert "--retry-failed" not in again.stderr


def test_a_plan_is_a_command_for_each_cell(invoke: Invoke, out: Path):
    arguments = ["compare", *GRID, "--out", str(out)]
    lines = invoke(*arguments, "--plan").stdout.splitlines()
    assert [shlex.split(line) for line in lines] == [["zoo", *arguments, "--cell", str(n)] for n in range(2)]
    records = json.loads(invoke(*arguments, "--plan", "--json").stdout)
    assert [record["command"] for record in records] == lines
    assert records[1]["options"]["width"] == 2
    assert invoke(*shlex.split(lines[0])[1:]).exit_code == 0  # it is finished already
    assert not (out / "report.html").exists()
    assert "1 of 1 cells have no score" in invoke(*shlex.split(lines[1])[1:]).stderr
    assert "The plan has the cells 0 to 1, received 2" in invoke(*arguments, "--cell", "2").stderr


def test_options_are_swept_where_commas_separate_values(invoke: Invoke, tmp_path: Path):
    arguments = ("--data", "digits@8", "--seeds", "1", "--out", str(tmp_path / "out"), "--plan", "--json")
    widths = invoke("compare", "vae", "-o", "vae.width=2,4", "-o", "vae.latent=[3, 4]", *arguments)
    assert [(r["options"]["width"], r["options"]["latent"]) for r in json.loads(widths.stdout)] == [
        (width, latent) for width in (2, 4) for latent in (3, 4)
    ]
    quoted = invoke("compare", "vae", "-o", 'vae.likelihood="bernoulli,gaussian"', *arguments)
    assert "likelihood='bernoulli,gaussian'" in quoted.stderr


def test_a_plan_in_a_file_and_what_is_changed_in_it(invoke: Invoke, tmp_path: Path):
    file = tmp_path / "plan.toml"
    file.write_text('models = ["vae"]\ndata = ["digits@8"]\nseeds = 1\ntraining = {steps = 9}\noptions.vae.width = 2\n')
    plan = invoke("compare", str(file), "--batch-size", "8", "-o", "vae.latent=3", "--seeds", "2", "--plan", "--json")
    records = json.loads(plan.stdout)
    assert [record["seed"] for record in records] == [0, 1]
    assert (records[0]["training"]["steps"], records[0]["training"]["batch_size"]) == (9, 8)
    assert (records[0]["options"]["width"], records[0]["options"]["latent"]) == (2, 3)
    assert "received" in invoke("compare", str(file), "vae").stderr
    records = json.loads(invoke("compare", str(file), "--images", "64", "--plan", "--json").stdout)
    assert (records[0]["training"]["images"], records[0]["training"]["steps"]) == (64, 2000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "width=2"], "Expected MODEL.KEY=VALUE"),
        (["--steps", "3", "--seconds", "3"], "one budget, received steps and seconds"),
        (["--engine", "ray", "--workers", "2"], "Ray decides itself"),
    ],
)
def test_misuse_is_told(invoke: Invoke, tmp_path: Path, arguments: list[str], message: str):
    result = invoke("compare", "vae", "--data", "digits@8", *arguments, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert message in result.stderr


def test_models_that_need_labels_are_refused_where_there_are_none(invoke: Invoke, tmp_path: Path):
    from PIL import Image

    for i in range(6):
        Image.new("L", (8, 8), 40 * i).save(tmp_path / f"{i}.png")
    result = invoke("compare", "cgan", "--data", f"folder:{tmp_path}/", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "Model 'cgan' needs labels" in result.stderr
    assert not (tmp_path / "out").exists()
