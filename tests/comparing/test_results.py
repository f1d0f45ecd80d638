import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from zoo_core.comparing.results import Comparison, Failure, gather, read_record, read_results, write_results
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Record
from zoo_core.runs import RunFolder

MakeRecord = Callable[..., Record]


def comparison_of(*records: Record) -> Comparison:
    failure = Failure(model="vae", data="digits@16", seed=1, error="the loss is nan", run="runs/vae-1")
    return Comparison(title="t", command="zoo compare", created="now", records=list(records), failures=[failure])


def test_results_come_back_as_they_were_written(make_record: MakeRecord, tmp_path: Path) -> None:
    comparison = comparison_of(make_record(), make_record("vae"))
    write_results(comparison, tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == comparison


def test_scores_that_are_not_finite_are_valid_json_and_come_back(make_record: MakeRecord, tmp_path: Path) -> None:
    write_results(comparison_of(make_record(fd=math.inf), make_record(fd=math.nan)), tmp_path / "results.json")
    json.loads((tmp_path / "results.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    values = [record.metrics["fd_classifier"].value for record in read_results(tmp_path / "results.json").records]
    assert values[0] == math.inf
    assert math.isnan(values[1])


def test_files_of_two_people_with_a_run_of_the_same_name_are_both_there(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    for name, width in (("mine", 16), ("yours", 32)):
        record = make_record(run="out/runs/0", options={"width": width})
        write_results(comparison_of(record), tmp_path / f"{name}.json")
    gathered, _ = gather([tmp_path / "mine.json", tmp_path / "yours.json"], "t", "")
    assert [record.source.options["width"] for record in gathered.records if record.source] == [16, 32]
    (tmp_path / "yours.json").write_text((tmp_path / "mine.json").read_text())
    with pytest.raises(UsageError, match="more than once"):
        gather([tmp_path / "mine.json", tmp_path / "yours.json"], "t", "")


def test_a_run_that_was_scored_in_two_ways_is_not_dropped_in_silence(make_record: MakeRecord, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "0"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    for name, fd in (("one", 1.0), ("again", 1.0), ("other", 2.0)):
        record = make_record(run=str(run), fd=fd, created=name)
        write_results(comparison_of(record), tmp_path / f"{name}.json")
    gathered, _ = gather([tmp_path / "one.json", tmp_path / "again.json"], "t", "")
    assert len(gathered.records) == 1
    with pytest.raises(UsageError, match="scored more than once, with different results"):
        gather([tmp_path / "one.json", tmp_path / "other.json"], "t", "")


def test_a_comparison_alone_keeps_its_command(make_record: MakeRecord, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_results(comparison_of(make_record()), first)
    write_results(comparison_of(make_record("vae")).model_copy(update={"command": "zoo compare vae"}), second)
    assert gather([first], "t", "zoo report first.json")[0].command == "zoo compare"
    assert gather([first, second], "t", "zoo report both")[0].command == "zoo report both"


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"schema_version": 2}')
    with pytest.raises(ZooError, match=r"results\.json.*schema 1"):
        read_results(tmp_path / "results.json")
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(ZooError, match=r"result\.json.*Record of schema 1"):
        read_record(RunFolder(tmp_path))


def test_a_record_that_does_not_say_what_it_was_trained_on_is_refused_by_name(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    content = json.loads(comparison_of(make_record()).model_dump_json())
    del content["records"][0]["source"]["trained_on"]["name"]
    (tmp_path / "results.json").write_text(json.dumps(content))
    with pytest.raises(ZooError, match=r"records\.0\.source\.trained_on\.name *Field required"):
        read_results(tmp_path / "results.json")


def test_a_comparison_is_of_runs(make_record: MakeRecord) -> None:
    with pytest.raises(ValidationError, match="must have a source"):
        comparison_of(make_record().model_copy(update={"source": None}))


def test_summaries_are_one_for_each_data_set_and_model(make_record: MakeRecord) -> None:
    elsewhere = {"name": "mnist", "content_hash": "00" * 32}
    records = [make_record(m, s, **c) for c in ({}, elsewhere) for m in ("dcgan", "vae") for s in (0, 1)]
    summaries = comparison_of(*records).summaries()
    assert {(summary.data, summary.model) for summary in summaries} == {
        (data, model) for data in ("digits@16", "mnist") for model in ("dcgan", "vae")
    }
    assert all(summary.seeds == [0, 1] for summary in summaries)


def test_failed_seeds_stand_beside_those_that_came_through(make_record: MakeRecord) -> None:
    failures = [
        Failure(model="dcgan", data="digits@16", seed=2, error="NaN", run="x"),
        Failure(model="dcgan", data="mnist", seed=3, error="NaN", run="y"),
        Failure(model="vae", data="digits@16", seed=4, error="NaN", run="z"),
    ]
    records = [make_record("dcgan", 0), make_record("vae", 0), make_record("vae", 1, options={"width": 64})]
    comparison = Comparison(title="", command="", created="", records=records, failures=failures)
    assert [(s.model, s.failed) for s in comparison.summaries()] == [("dcgan", (2,)), ("vae", ()), ("vae", ())]


def test_failed_seeds_of_one_setting_do_not_count_against_another(make_record: MakeRecord) -> None:
    failures = [
        Failure(model="vae", options={"width": width}, data="digits@16", seed=seed, error="NaN", run=f"{width}-{seed}")
        for width, seed in ((64, 1), (128, 0), (128, 1))
    ]
    records = [make_record("vae", 0, options={"width": width}) for width in (32, 64)]
    comparison = Comparison(title="", command="", created="", records=records, failures=failures)
    assert {s.options["width"]: s.failed for s in comparison.summaries()} == {32: (), 64: (1,)}
    (alone,) = comparison.model_copy(update={"records": records[:1]}).summaries()
    assert alone.failed == ()


def test_failed_seeds_count_in_the_table_of_their_protocol_alone(make_record: MakeRecord) -> None:
    digits = load_protocol("digits")
    protocols = {"digits v1": digits, "digits v2": digits.model_copy(update={"version": 2}), "": None}
    failures = [
        Failure(model="vae", data="digits@16", protocol=name, seed=seed, error="NaN", run=str(seed))
        for seed, name in enumerate([*protocols, None], start=1)  # of an older file it is not known
    ]
    records = [make_record("vae", 0, protocol=protocol) for protocol in protocols.values()]
    comparison = Comparison(title="", command="", created="", records=records, failures=failures)
    found = {str(table.protocol or ""): table.summaries[0].failed for table in comparison.tables()}
    assert found == {"digits v1": (1, 4), "digits v2": (2, 4), "": (3, 4)}
