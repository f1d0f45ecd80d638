import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from zoo_core.evaluation.record import Record
from zoo_core.files import write_text
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.specs import DataSpec, Field

Invoke = Callable[..., Result]


@pytest.fixture
def make_run(make_record: Callable[..., Record], tmp_path: Path) -> Callable[..., Path]:
    """A run folder, evaluated unless `evaluated=False`."""

    def make(folder: str, seed: int = 0, evaluated: bool = True) -> Path:
        spec = DataSpec(
            name="digits@16",
            fields={"images": Field((16, 16, 1), "float32")},
            classes=(),
            splits={"train": 1000, "validation": 360, "test": 360},
            content_hash="3f" * 32,
        )
        description = RunDescription(
            model="dcgan",
            distribution="zoo-dcgan",
            version="0.1.0",
            data=spec,
            data_dir=None,
            seed=seed,
            parameters=1,
            environment={},
            command="",
            created="",
        )
        run = RunFolder.create(tmp_path / folder, description, "")
        if evaluated:
            write_text(run.result_file, make_record(seed=seed, fd=10.0 + seed).model_dump_json())
        return run.path

    return make


def test_runs_become_a_table_and_a_page(invoke: Invoke, make_run: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out" / "report.html"
    runs = [make_run("a", 0), make_run("b", 1)]
    result = invoke("report", *map(str, runs), str(runs[0]), "--out", str(out), "--title", "Two seeds")
    assert result.exit_code == 0, result.output
    assert "10.5 ± 0.5" in result.stdout  # the run that was named twice counts once
    assert "Wrote" in result.stderr
    assert "<h1>Two seeds</h1>" in out.read_text(encoding="utf-8")


def test_json_is_the_results(invoke: Invoke, make_run: Callable[..., Path], tmp_path: Path) -> None:
    run = make_run("a")
    result = invoke("report", str(run), "--json", "--out", str(tmp_path / "report.html"))
    (record,) = json.loads(result.stdout)["records"]
    assert record["source"]["run"] == str(run)  # where it is now, wherever it was trained


def test_a_run_without_a_result_says_how_to_get_one(invoke: Invoke, make_run: Callable[..., Path]) -> None:
    run = make_run("a", evaluated=False)
    result = invoke("report", str(run))
    assert result.exit_code == 2
    assert "has no result.json" in result.stderr
    assert f"zoo evaluate {run} --against digits@16" in result.stderr


def test_what_is_no_run_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("report", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "is not a run" in result.stderr


def test_a_damaged_result_is_an_error_of_the_file(invoke: Invoke, make_run: Callable[..., Path]) -> None:
    run = make_run("a")
    (run / "result.json").write_text("{")
    result = invoke("report", str(run))
    assert result.exit_code == 1
    assert "result.json" in result.stderr


def test_the_same_seed_twice_does_not_count_as_two(invoke: Invoke, make_run: Callable[..., Path]) -> None:
    result = invoke("report", str(make_run("a", 0)), str(make_run("b", 0)))
    assert result.exit_code == 2
    assert "more than once" in result.stderr
