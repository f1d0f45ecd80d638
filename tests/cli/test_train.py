"""zoo train: what people type, and what they are told when it can't be done."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint

Invoke = Callable[..., Result]

TINY = ("--data", "digits@8", "--batch-size", "4", "-o", "width=2", "-o", "latent=2")


def test_a_run_and_its_resumption(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    result = invoke("train", "vae", *TINY, "--steps", "3", "--out", str(run), "--seed", "5", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["run"] == str(run)
    assert json.loads(result.stdout)["step"] == 3
    assert "vae on digits@8, seed 5: 3 of 3" in result.stderr
    again = invoke("train", "--resume", str(run), "--steps", "5")
    assert again.exit_code == 0, again.stderr
    assert [line["step"] for line in RunFolder(run).metrics()] == [3, 5]


def test_a_run_is_gone_on_with_to_steps_however_they_are_given(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    assert invoke("train", "vae", *TINY, "--steps", "1", "--out", str(run)).exit_code == 0
    result = invoke("train", "--resume", str(run), "-t", "steps=2")
    assert result.exit_code == 0, result.stderr
    assert invoke("train", "--resume", str(run), "-t", "steps=3", "--steps", "3").exit_code == 0
    assert [line["step"] for line in RunFolder(run).metrics()] == [1, 2, 3]
    for asked, message in (("many", "steps='many'"), ("0", "greater than or equal to 1"), ("2", "has 3 steps already")):
        refused = invoke("train", "--resume", str(run), "-t", f"steps={asked}")
        assert refused.exit_code == 2
        assert message in " ".join(refused.stderr.split())
    assert len(RunFolder(run).metrics()) == 3


def test_another_backend_than_that_of_the_run_is_refused_where_it_is_asked_for(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    assert invoke("train", "vae", *TINY, "--steps", "1", "--out", str(run)).exit_code == 0
    for same in ("jax", "auto"):
        assert invoke("train", "--resume", str(run), "--steps", "1", "--backend", same).exit_code == 0
    description = run / "run.json"
    known = json.loads(description.read_text())
    description.write_text(json.dumps(known | {"environment": known["environment"] | {"backend": "torch"}}))
    result = invoke("train", "--resume", str(run), "--steps", "2", "--backend", "jax")
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert f"'{run}' was trained on the backend torch, and Keras runs on jax." in told
    assert f"Go on where it began: zoo train --resume {run} --backend torch" in told


def test_digits_are_the_data_set_unless_another_is_named(invoke: Invoke):
    result = invoke("train", "vae", "-o", "width=2", "--batch-size", "2", "--dry-run", "--json")
    assert json.loads(result.stdout)["data"] == "digits"


def test_options_of_a_run_serve_as_configuration_of_the_next(invoke: Invoke, tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert invoke("train", "vae", *TINY, "--steps", "1", "--out", str(first)).exit_code == 0
    config = str(first / "options.toml")
    more = ("-o", "beta=0.5", "--steps", "2")  # the command line wins over the file
    result = invoke("train", "vae", "--data", "digits@8", "--config", config, "--out", str(second), *more)
    assert result.exit_code == 0, result.stderr
    text = (second / "options.toml").read_text()
    assert "beta = 0.5" in text
    assert "width = 2" in text
    assert "batch_size = 4" in text
    assert "steps = 2" in text


def test_steps_take_the_place_of_the_images_of_a_configuration(invoke: Invoke, tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert invoke("train", "vae", *TINY, "-t", "images=12", "--out", str(first)).exit_code == 0
    assert "steps = 3" in (first / "options.toml").read_text()
    arguments = ("--data", "digits@8", "--config", str(first / "options.toml"), "--out", str(second), "--json")
    result = invoke("train", "vae", *arguments, "--steps", "2")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["step"] == 2
    assert "images = 0" in (second / "options.toml").read_text()


def test_a_dry_run_tells_what_the_run_would_take_and_writes_nothing(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result = invoke("train", "vae", *TINY, "--steps", "1000", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found["parameters"]) == {"encoder", "decoder"}
    assert found["train_seconds"] >= 900 * found["step_milliseconds"] / 1000 > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dcgn", "--data", "digits"), "Unknown model 'dcgn'. Did you mean 'dcgan'?"),
        (("dcgan", "--data", "digit"), "Unknown data set 'digit'. Did you mean 'digits'?"),
        (("dcgan", "--data", "digits", "-o", "widht=3"), "Unknown option of model 'dcgan' 'widht'. Did you mean"),
        (("dcgan", "--data", "digits", "-o", "width=0"), "greater than or equal to 1"),
        (("dcgan", "--data", "digits", "--steps", "0"), "greater than or equal to 1"),
        (("dcgan", "--steps", "5", "-t", "images=64"), "A training has one budget, received steps and images."),
        (("dcgan", "--steps", "5", "-t", "images=64", "--dry-run"), "A training has one budget"),
        (("dcgan", "--steps", "5", "-t", "steps=6"), "--steps 5 and -t steps=6 contradict each other."),
        (("dcgan", "--batch-size", "5", "-t", "batch_size=6"), "--batch-size 5 and -t batch_size=6 contradict"),
        (("--resume", "runs/x", "--steps", "5", "-t", "steps=6"), "--steps 5 and -t steps=6 contradict each other."),
        (("dcgan", "-t", f"warmup={10**20}"), "less than or equal to 99999999"),
        (("dcgan", "--augment", "color,color"), "augment names each kind once, received color,color"),
        (("dcgan", "--data", "digits@4"), "at least 8x8 pixels"),
        (("dcgan", "--data", "folder:nowhere"), "nowhere"),
        (("--data", "digits"), "zoo train needs a model, or --resume and a run"),
        (("dcgan", "--resume", "runs/x"), "--resume takes a run as it was started"),
        (("--resume", "runs/x", "--seed", "0"), "--resume takes a run as it was started"),
        (("--resume", "nowhere"), "'nowhere' is not a run"),
        (("dcgan", "--data", "digits", "--config", "nowhere.toml"), "Can't read the configuration 'nowhere.toml'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_misuse_is_told_with_exit_code_2_and_writes_nothing(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, message: str
):
    monkeypatch.chdir(tmp_path)
    result = invoke("train", *arguments)
    assert result.exit_code == 2, result.stderr
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_another_backend_is_refused(
    invoke: Invoke, torch_only: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (empty := tmp_path / "empty").mkdir()
    monkeypatch.chdir(empty)
    for more in ((), ("--dry-run",)):
        result = invoke("train", torch_only, "--data", "digits@8", *more)
        assert result.exit_code == 2
        assert "Model 'bound' runs on torch alone, and Keras runs on jax." in result.stderr
        assert "Add --backend torch, or set KERAS_BACKEND=torch." in result.stderr
    assert list(empty.iterdir()) == []


def test_a_run_folder_that_exists_is_left_as_it_is(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "mine.txt").write_text("mine")
    result = invoke("train", "vae", *TINY, "--steps", "1", "--out", str(run))
    assert result.exit_code == 2
    assert "already exists" in result.stderr
    assert [path.name for path in run.iterdir()] == ["mine.txt"]


def test_a_checkpoint_that_was_cut_short_is_told_and_the_run_is_not_lost(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    assert invoke("train", "vae", *TINY, "--steps", "2", "--out", str(run)).exit_code == 0
    path = checkpoint.latest(RunFolder(run))
    path.write_bytes(path.read_bytes()[:1000])
    result = invoke("train", "--resume", str(run), "--steps", "3")
    assert result.exit_code == 1
    assert "truncated or damaged" in result.stderr
    assert len(RunFolder(run).metrics()) == 1


def test_data_that_changed_since_is_not_gone_on_with(invoke: Invoke, tmp_path: Path):
    run = tmp_path / "run"
    assert invoke("train", "vae", *TINY, "--steps", "1", "--out", str(run)).exit_code == 0
    description = run / "run.json"
    known = json.loads(description.read_text())
    known["data"]["content_hash"] = "0" * 64
    description.write_text(json.dumps(known))
    result = invoke("train", "--resume", str(run), "--steps", "2")
    assert result.exit_code == 2
    assert "is not the one that" in result.stderr


def test_the_best_checkpoint_from_training_to_its_score(invoke: Invoke, tmp_path: Path):
    run, sheet = tmp_path / "run", tmp_path / "sheet.png"
    judged = ("-t", "select_every=2", "-t", "patience=2", "-t", "log_every=2")
    trained = invoke("train", "vae", *TINY, "--steps", "40", *judged, "--out", str(run), "--json")
    assert trained.exit_code == 0, trained.stderr
    (best,) = checkpoint.best_steps_of(RunFolder(run))
    assert json.loads(trained.stdout)["best_step"] == best
    assert (run / "curves.svg").is_file()
    arguments = ("--checkpoint", "best")
    assert invoke("sample", str(run), *arguments, "-n", "4", "--grid", "--out", str(sheet)).exit_code == 0
    result = invoke("evaluate", str(run), *arguments, "-n", "80", "--metrics", "fd", "--json")
    assert result.exit_code == 0, result.stderr
    source = json.loads(result.stdout)["source"]
    assert (source["checkpoint"], source["checkpoint_rule"]) == (best, "best")


BUILDING = """
import time
from zoo_core.cli.main import run
from zoo_core.training import session

def build(*arguments):
    print("building", flush=True)
    time.sleep(60)

session.build = build
run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_before_the_first_step_leaves_nothing(tmp_path: Path, number: signal.Signals):
    command = [sys.executable, "-c", BUILDING, "train", "vae", *TINY, "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "building\n"
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "Interrupted.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_saves_and_the_run_can_be_gone_on_with(tmp_path: Path):
    """A real process, a real signal."""
    run = RunFolder(tmp_path / "run")
    code = "from zoo_core.cli.main import run; run()"
    command = [sys.executable, "-c", code, "train", "vae", *TINY, "--steps", "1000000", "--out", str(run.path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not run.metrics() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "a checkpoint is saved" in errors
    assert f"zoo train --resume {run.path}" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert checkpoint.steps_of(run)
