import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toys import created

from zoo_core.errors import UsageError, ZooError
from zoo_core.runs import RunDescription, RunFolder, slug
from zoo_core.specs import DataSpec, Field

DISK_FULL = """
import resource, sys
from pathlib import Path
from zoo_core.errors import ZooError
from zoo_core.runs import RunFolder

resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
run = RunFolder(Path(sys.argv[1]))
try:
    for step in range(100):
        run.append_metrics({"step": step})
except ZooError as error:
    print(error)
"""


@pytest.fixture
def description() -> RunDescription:
    fields = {"images": Field((8, 8, 1), "float32"), "labels": Field((), "int32")}
    return RunDescription(
        model="vae",
        distribution="zoo-vae",
        version="0.1.0",
        data=DataSpec(name="digits@8", fields=fields, classes=("0", "1"), splits={"train": 5}, content_hash="abc"),
        data_dir=None,
        seed=3,
        parameters=1234,
        environment={"backend": "jax"},
        command="zoo train vae --data digits@8",
        created="2026-01-01T00:00:00Z",
    )


@pytest.fixture
def run(tmp_path: Path, description: RunDescription) -> RunFolder:
    return created(tmp_path / "runs" / "first", description, "[model]\nwidth = 8\n")


def steps(run: RunFolder) -> list[float]:
    return [line["step"] for line in run.metrics()]


def test_what_is_created_can_be_opened_and_read(run: RunFolder, description: RunDescription):
    again = RunFolder.open(run.path)
    assert again.description() == description
    assert again.description().data.image_shape == (8, 8, 1)
    assert again.description().label == "vae on digits@8, seed 3"
    assert again.options_file.read_text() == "[model]\nwidth = 8\n"
    assert again.checkpoints.is_dir()
    assert again.samples.is_dir()
    assert again.metrics() == []


def test_an_empty_folder_will_do(tmp_path: Path, description: RunDescription):
    assert RunFolder.is_run(created(tmp_path, description, "").path)


def test_create_refuses_a_run_and_says_how_to_go_on(run: RunFolder, description: RunDescription):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    with pytest.raises(UsageError, match="already exists") as raised:
        created(run.path, description, "")
    assert f"zoo train --resume {run.path}" in raised.value.hint
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


@pytest.mark.parametrize("name", ["folder", "folder/file"])
def test_create_destroys_nothing_of_anybody_else(tmp_path: Path, description: RunDescription, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("precious")
    with pytest.raises(UsageError, match="already exists") as raised:
        created(tmp_path / name, description, "")
    assert "--resume" not in raised.value.hint
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "file"]
    assert (tmp_path / "folder" / "file").read_text() == "precious"


@pytest.mark.parametrize("left", [[], ["checkpoints/"], ["checkpoints/", "samples/", "options.toml"]])
def test_what_a_process_left_that_died_early_is_no_obstacle(
    tmp_path: Path, description: RunDescription, left: list[str]
):
    for name in [".lock", *left]:
        path = tmp_path / name
        path.mkdir() if name.endswith("/") else path.write_text("")
    run = created(tmp_path, description, "[model]\n")
    assert run.options_file.read_text() == "[model]\n"


def test_a_run_that_began_meanwhile_is_left_as_it_is(
    run: RunFolder, description: RunDescription, monkeypatch: pytest.MonkeyPatch
):
    """The folder was free when this process looked, and not once it had the lock."""
    check, looks = RunFolder.check_free, itertools.count()
    monkeypatch.setattr(RunFolder, "check_free", lambda path: next(looks) and check(path))
    with pytest.raises(UsageError, match="already exists"):
        created(run.path, description, "")
    assert run.options_file.read_text() == "[model]\nwidth = 8\n"


def test_create_below_a_file_is_told(tmp_path: Path, description: RunDescription):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="Can't create"):
        created(tmp_path / "file" / "run", description, "")


def test_open_wants_a_run(tmp_path: Path):
    with pytest.raises(UsageError, match=r"not a run: it has no run\.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("damage", ["", "{", "[]", "\xff\xfe", '{"schema_version": 2}'])
def test_a_damaged_description_is_told_with_its_path(run: RunFolder, damage: str):
    (run.path / "run.json").write_text(damage, encoding="latin-1")
    with pytest.raises(ZooError, match=r"run\.json' can't be read as a run of schema 1: .+") as raised:
        run.description()
    assert "\n" not in raised.value.message


def test_metrics_come_back(run: RunFolder):
    lines: list[dict[str, Any]] = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]
    for line in lines:
        run.append_metrics(line)
    assert run.metrics() == lines


def test_a_last_line_cut_short_is_left_out_and_the_run_goes_on(run: RunFolder):
    for step in (1, 2, 3):
        run.append_metrics({"step": step})
    whole = run.metrics_file.read_bytes()
    for cut in range(len(whole)):
        run.metrics_file.write_bytes(whole[:cut])
        assert steps(run) == [1, 2, 3][: whole[:cut].count(b"}")]
    run.keep_metrics_until(2)
    run.append_metrics({"step": 3})
    assert steps(run) == [1, 2, 3]


def test_damage_in_the_middle_is_told(run: RunFolder):
    run.metrics_file.write_bytes(b'{"step": 1}\n\xff{"st\n{"step": 3}\n')
    with pytest.raises(ZooError, match=r"Line 2 of '.*metrics\.jsonl'"):
        run.metrics()


@pytest.mark.parametrize(
    "line", ["null", "[1]", "3", "{}", '{"loss": 0.5}', '{"step": "1"}', '{"step": 1, "loss": null}']
)
def test_a_line_that_is_no_log_is_told(run: RunFolder, line: str):
    run.metrics_file.write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(ZooError, match=r"Line 2 of '.*metrics\.jsonl' has no numbers by name, with 'step' among them"):
        run.metrics()


def test_a_resumed_run_logs_anew_what_came_after_its_checkpoint(run: RunFolder):
    run.keep_metrics_until(0)
    assert run.metrics() == []
    for step in (50, 100, 150):
        run.append_metrics({"step": step})
    run.keep_metrics_until(100)
    assert steps(run) == [50, 100]


def test_a_full_disk_ends_the_log_with_a_message_and_whole_lines_remain(run: RunFolder):
    done = subprocess.run([sys.executable, "-c", DISK_FULL, run.path], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert f"zoo train --resume {run.path}" in done.stdout
    assert steps(run) == list(range(len(steps(run))))
    assert json.loads(run.metrics_file.read_text().splitlines()[0]) == {"step": 0}


@pytest.mark.parametrize(
    ("text", "name"), [("digits@16", "digits-16"), ("folder:a/b c@64", "folder-a-b-c-64"), ("../..", "unnamed")]
)
def test_a_slug_is_a_safe_name(text: str, name: str):
    assert slug(text) == name
