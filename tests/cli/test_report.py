import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from toys import created

from zoo_core.comparing.results import Comparison, write_results
from zoo_core.evaluation.record import Record
from zoo_core.files import write_text
from zoo_core.runs import RunDescription
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
        run = created(tmp_path / folder, description, "")
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
    assert "is not a run, and no comparison" in result.stderr


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


@pytest.fixture
def compared(make_run: Callable[..., Path], make_record: Callable[..., Record], tmp_path: Path) -> Callable[..., Path]:
    """The folder of a comparison of three seeds, with the run of the first one in it, as moved from elsewhere."""

    def make(name: str, *scores: float) -> Path:
        records = [make_record(seed=n, fd=fd, run=f"elsewhere/runs/{n}") for n, fd in enumerate(scores)]
        results = Comparison(title="", command="zoo compare", created="", records=records, failures=[])
        write_results(results, tmp_path / name / "results.json")
        make_run(f"{name}/runs/0", 0)
        return tmp_path / name

    return make


def test_a_comparison_is_reported_from_its_folder_or_its_file_in_every_form(
    invoke: Invoke, compared: Callable[..., Path], tmp_path: Path
) -> None:
    folder = compared("first", 10.0, 11.0, 12.0)
    outs = [tmp_path / f"out.{suffix}" for suffix in ("html", "md", "csv", "tex", "json", "png", "svg")]
    for source in (folder, folder / "results.json"):
        result = invoke("report", str(source), *(word for out in outs for word in ("--out", str(out))))
        assert result.exit_code == 0, result.stderr
        assert all(out.is_file() for out in outs)
        assert "11.0 ± 0.6" in result.stdout
        outs[0].unlink()


def test_an_unknown_form_is_refused_before_anything_is_written(
    invoke: Invoke, compared: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.md"
    result = invoke("report", str(compared("first", 10.0)), "--out", str(out), "--out", "report.pdf")
    assert result.exit_code == 2
    assert "should end in one of .html, .md" in result.stderr
    assert not out.exists()


def test_what_changed_is_told_with_its_significance(invoke: Invoke, compared: Callable[..., Path]) -> None:
    before, after = compared("before", 10.0, 11.0, 12.0), compared("after", 30.0, 31.0, 32.0)
    result = invoke("report", "--diff", str(before), str(after))
    assert result.exit_code == 0, result.stderr
    row = next(line for line in result.stdout.splitlines() if "FD (classifier)" in line)
    assert " ".join(row.split()).startswith("dcgan digits@16 FD (classifier) 11.00 ± 0.58 31.00 ± 0.58")
    assert row.rstrip().endswith("worse")
    found = json.loads(invoke("report", "--diff", str(before), str(after), "--json").stdout)
    assert {change["metric"]: change["verdict"] for change in found["changes"]} == {
        "fd_classifier": "worse",
        "precision": "better",
    }


@pytest.mark.parametrize("arguments", [["--diff"], ["--diff", "--out", "a.html"], ["--diff", "--check"]])
def test_a_difference_takes_two_sources_and_nothing_else(
    invoke: Invoke, compared: Callable[..., Path], arguments: list[str]
) -> None:
    sources = [str(compared("a", 1.0))] * (1 if arguments == ["--diff"] else 2)
    result = invoke("report", *arguments, *sources)
    assert result.exit_code == 2
    assert "--diff takes two sources" in result.stderr


def test_a_check_tells_what_may_be_published(invoke: Invoke, compared: Callable[..., Path]) -> None:
    published = Path(__file__).parents[2] / "benchmarks" / "results" / "digits.json"
    result = invoke("report", "--check", str(published))
    assert (result.exit_code, result.stdout) == (0, f"{published}: may be published\n")
    assert json.loads(invoke("report", "--check", str(published), "--json").stdout) == {str(published): []}
    bare = compared("bare", 10.0)
    result = invoke("report", "--check", str(bare))
    assert result.exit_code == 1
    assert "was not scored by a protocol" in result.stdout
    assert "can't be published" in result.stderr
