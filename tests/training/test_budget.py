"""A budget of images or of seconds ends a training as steps do."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

import zoo_core
from zoo_core.data import Dataset
from zoo_core.errors import Interrupted, UsageError
from zoo_core.training import checkpoint, session
from zoo_core.training.budget import in_steps
from zoo_core.training.loop import Loop
from zoo_core.training.options import MOST_STEPS, TrainingOptions, changed, training_options
from zoo_core.training.selection import is_finished

MakeLoop = Callable[..., Loop]


@pytest.mark.parametrize(("repeat", "images", "steps"), [(1, 160, 20), (1, 161, 21), (5, 160, 4), (5, 1, 1)])
def test_images_are_told_in_steps(repeat: int, images: int, steps: int):
    model = SimpleNamespace(phases=lambda: (SimpleNamespace(repeat=repeat), SimpleNamespace(repeat=1)))
    assert in_steps(TrainingOptions(batch_size=8, images=images), model).steps == steps
    assert in_steps(TrainingOptions(steps=7), model).steps == 7


def test_more_images_than_a_run_has_steps_for_are_refused(tmp_path: Path):
    for images, batch_size in ((MOST_STEPS, 1), (2 * MOST_STEPS, 2)):
        options = TrainingOptions(batch_size=batch_size, images=images)
        assert in_steps(options, SimpleNamespace(phases=lambda: (SimpleNamespace(repeat=1),))).steps == MOST_STEPS
    training = {"images": MOST_STEPS + 1, "batch_size": 1}
    with pytest.raises(UsageError, match="100,000,000 images, 1 in a step, take 100,000,000 steps, expected at most"):
        zoo_core.train("vae", "digits@8", tmp_path / "run", options={"width": 2}, training=training)
    assert list(tmp_path.iterdir()) == []


def test_seconds_alone_set_no_limit_of_steps():
    assert TrainingOptions(seconds=1).steps == MOST_STEPS
    assert TrainingOptions(seconds=1, steps=9).steps == 9
    with pytest.raises(ValidationError, match="schedule 'cosine' ends at the last step"):
        TrainingOptions(seconds=1, schedule="cosine")


@pytest.mark.parametrize("asked", [{"steps": 5, "images": 64}, {"seconds": 1, "steps": 5}, {"seconds": 1, "images": 8}])
def test_two_budgets_are_refused(asked: dict, tmp_path: Path):
    with pytest.raises(UsageError, match=r"A training has one budget, received \w+ and \w+\."):
        zoo_core.train("vae", "digits@8", tmp_path / "run", training=asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", [{"steps": 7}, {"images": 64}, {"seconds": 1}])
@pytest.mark.parametrize("then", [{}, {"steps": 5}, {"images": 32}, {"seconds": 2}])
def test_a_budget_that_is_asked_for_takes_the_place_of_that_of_a_run_before(first: dict, then: dict):
    before = TrainingOptions(batch_size=8, **first).model_dump()  # as its options.toml has it
    found = training_options(changed(before, {"ema": 0.5, **then}))
    assert found == TrainingOptions(batch_size=8, ema=0.5, **(then or first))


def test_training_ends_at_the_first_step_after_so_many_seconds(make_loop: MakeLoop):
    loop = make_loop("run", seconds=0.05)
    loop.run()
    lines = loop._run.metrics()
    last = checkpoint.steps_of(loop._run)[-1]
    assert lines[-1]["step"] == last < MOST_STEPS
    assert lines[-1]["seconds"] >= 0.05 >= max([line["seconds"] for line in lines[:-1]], default=0)
    assert is_finished(loop._run, loop._options)
    again = make_loop("run", seconds=0.05)
    assert again.restore() == last
    again.run()
    assert checkpoint.steps_of(loop._run)[-1] == last


def test_a_run_of_seconds_that_is_stopped_tells_them(make_loop: MakeLoop):
    def stop(step: int, weights: dict, last: bool) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    stop.every = 2  # type: ignore[attr-defined]
    with pytest.raises(Interrupted, match=r"^Stopped after step 3, \d+\.\d of 1000 seconds; a checkpoint is saved\."):
        make_loop("run", callbacks=(stop,), seconds=1000).run()


def test_seconds_go_on_where_the_run_was_stopped(make_loop: MakeLoop):
    make_loop("run", seconds=0.05).run()
    first = make_loop("run")._run.metrics()[-1]
    budget = first["seconds"] + 0.05  # a first step may take longer than all it was given
    longer = make_loop("run", seconds=budget)
    assert not is_finished(longer._run, longer._options)
    longer.restore()
    longer.run()
    lines = longer._run.metrics()
    assert lines[-1]["step"] > first["step"]
    assert lines[-1]["seconds"] >= budget >= max(line["seconds"] for line in lines[:-1])


def test_more_steps_are_refused_where_seconds_were_the_budget(
    make_loop: MakeLoop, data: Dataset, monkeypatch: pytest.MonkeyPatch
):
    run = make_loop("run", seconds=0.05)._run
    monkeypatch.setattr(session, "run_options", lambda *_: (None, None, TrainingOptions(seconds=1)))
    with pytest.raises(UsageError, match="has a budget of 1 seconds, not of steps"):
        session.resume(run.path, data=data, steps=100)
