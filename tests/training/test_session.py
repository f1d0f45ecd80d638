"""What a run is asked to go on to."""

import json
import os
import shutil
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint, estimate, session
from zoo_core.training.build import Built

SMALL = {"width": 2, "latent": 2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of four steps."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return zoo_core.train("vae", "digits@8", out, options=SMALL, training={"steps": 4, "batch_size": 4}).path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    """A copy of it."""
    return RunFolder(shutil.copytree(trained, tmp_path / "run"))


def files(run: RunFolder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_more_steps_are_noted_and_trained(run: RunFolder):
    zoo_core.resume(run.path, steps=6)
    assert "steps = 6" in run.options_file.read_text()
    assert [line["step"] for line in run.metrics()] == [4, 6]
    zoo_core.resume(run.path, steps=6)  # which is done already
    assert [line["step"] for line in run.metrics()] == [4, 6]


@pytest.mark.parametrize("why", ["devices", "build", "tensorboard", "checkpoint"])
def test_a_run_that_can_not_go_on_is_left_as_it_is(run: RunFolder, monkeypatch: pytest.MonkeyPatch, why: str):
    def refuse(*arguments: object) -> None:
        raise UsageError("The model has no such option any more.")

    around: dict = {"devices": {"devices": 3}, "tensorboard": {"tensorboard": True}}
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    if why == "build":
        monkeypatch.setattr(session, "build", refuse)
    if why == "checkpoint":
        checkpoint.latest(run).write_bytes(b"damaged")
    before = files(run)
    with pytest.raises(ZooError):
        zoo_core.resume(run.path, steps=6, **around.get(why, {}))
    assert files(run) == before


@pytest.mark.parametrize("kept", [None, "", '{"step": 3, "seconds": 1, "wall_seconds": 2}\n', '{"step": 4}\n'])
@pytest.mark.parametrize("steps", [None, 6])
def test_a_log_that_does_not_reach_the_checkpoint_is_told(run: RunFolder, kept: str | None, steps: int | None):
    run.metrics_file.unlink()
    if kept is not None:
        run.metrics_file.write_text(kept)
    before = files(run)
    with pytest.raises(ZooError, match=r"metrics\.jsonl' lacks the line of step 4, at which the last checkpoint"):
        zoo_core.resume(run.path, steps=steps)
    assert files(run) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("new", [True, False])
def test_a_signal_that_is_lost_while_a_run_starts_stops_it_after_a_step(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, new: bool
):
    """As if Python had been in a callback of the garbage collector."""

    def build(*arguments: Any) -> Built:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        return original(*arguments)

    original = session.build
    monkeypatch.setattr(session, "build", build)
    before = signal.getsignal(number)
    training = {"steps": 100, "batch_size": 4}
    start = partial(zoo_core.train, "vae", "digits@8", tmp_path / "new", options=SMALL, training=training)
    with pytest.raises(Interrupted, match=r"Stopped after step \d of 100; a checkpoint is saved"):
        start() if new else zoo_core.resume(run.path, steps=100)
    assert checkpoint.steps_of(RunFolder(tmp_path / "new") if new else run) == ([1] if new else [4, 5])
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("how", ["train", "resume", "estimate"])
@pytest.mark.parametrize("where", ["build", "Engine"])
def test_a_device_whose_memory_is_too_small_to_begin_says_what_to_lower(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out_of_memory: Exception, how: str, where: str
):
    def exhausted(*arguments: object, **named: object) -> None:
        raise out_of_memory

    for module in (session, estimate):
        monkeypatch.setattr(module, where, exhausted)
    asked: dict = {"options": SMALL, "training": {"steps": 100, "batch_size": 4}}
    begin = {
        "train": lambda: zoo_core.train("vae", "digits@8", tmp_path / "new", **asked),
        "resume": lambda: zoo_core.resume(run.path),
        "estimate": lambda: estimate.estimate("vae", load_dataset("digits@8"), **asked),
    }
    with pytest.raises(ZooError, match="memory is too small for batches of 4 images") as caught:
        begin[how]()
    assert ("The last good checkpoint, of step 4, is kept." in caught.value.message) == (how == "resume")
    assert caught.value.hint.startswith("Start a new run with" if how == "resume" else "Try a smaller batch")
    assert not (tmp_path / "new").exists()


def test_another_version_of_the_model_s_plugin_is_told(run: RunFolder):
    file = run.path / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": "0.0.1"}))
    told = r"was started with zoo-vae 0\.0\.1 and goes on with zoo-vae \d.*: its weights will not be, bit for bit"
    with pytest.warns(UserWarning, match=told):
        zoo_core.resume(run.path, steps=6)
    assert [line["step"] for line in run.metrics()] == [4, 6]


def test_fewer_steps_than_there_are_is_told(run: RunFolder):
    before = files(run)
    with pytest.raises(UsageError, match="has 4 steps already, more than the 3 asked for; nothing was changed"):
        zoo_core.resume(run.path, steps=3)
    assert files(run) == before


def test_patience_that_ended_with_the_last_step_is_told(run: RunFolder):
    text = (
        run.options_file.read_text()
        .replace("patience = 0", "patience = 2")
        .replace("select_every = 0", "select_every = 1")
    )
    run.options_file.write_text(text)
    line = run.metrics()[-1]
    run.metrics_file.unlink()
    for step, score in ((2, 5.0), (3, 6.0), (4, 7.0)):
        run.append_metrics(line | {"step": step, "select/fd_classifier": score})
    before = files(run)
    with pytest.raises(UsageError, match="stopped early: its score had not become better 2 times"):
        zoo_core.resume(run.path, steps=6)
    assert files(run) == before
