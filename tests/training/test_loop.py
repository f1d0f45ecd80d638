"""A run goes on as if nothing had happened, and stops before it saves what is broken."""

import itertools
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo_core.errors import Interrupted, ZooError
from zoo_core.training import checkpoint
from zoo_core.training.loop import Loop

MakeLoop = Callable[..., Loop]


class Spy:
    """A callback that notes when it was called."""

    def __init__(self, every: int, action: Callable[[int], None] = lambda step: None) -> None:
        self.every = every
        self.steps: list[int] = []
        self.action = action

    def __call__(self, step: int, weights: dict, last: bool) -> None:
        self.steps.append(step)
        self.action(step)


def arrays(path: Path) -> dict[str, bytes]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {name: np.asarray(value).tobytes() for name, value in found.items()}


def test_resumed_equals_uninterrupted(make_loop: MakeLoop, tmp_path: Path):
    make_loop("whole", steps=12).run()
    make_loop("parts", steps=5).run()  # a checkpoint at 4 and one at the end
    loop = make_loop("parts", steps=12)
    assert loop.restore() == 5
    loop.run()
    name = "checkpoints/step-00000012.h5"
    assert arrays(tmp_path / "parts" / name) == arrays(tmp_path / "whole" / name)


def test_dispatches_are_mostly_of_one_length_and_what_is_due_comes_in_time(make_loop: MakeLoop):
    loop = make_loop("run", (Spy(every=100),), steps=340, log_every=50, checkpoint_every=100, dispatch=16)
    for first, expected in ((0, {10}), (13, {7, 10})):  # wherever a run was interrupted
        step, lengths, looks = first, set(), set()
        while step < 340:
            lengths.add(count := loop._steps_until_a_look(step))
            looks.add(step := step + count)
        assert lengths == expected
        assert looks >= set(range(50, 341, 50)) | {340}
    odd = make_loop("odd", steps=340, log_every=37, checkpoint_every=100, dispatch=16)
    assert odd._steps_until_a_look(0) == 16


def test_what_was_logged_after_the_last_checkpoint_is_logged_anew(make_loop: MakeLoop):
    loop = make_loop("run", steps=8)
    loop.run()
    run = loop._run
    checkpoint.path_of(run, 8).unlink()
    loop = make_loop("run", steps=8)
    assert loop.restore() == 4
    assert [line["step"] for line in run.metrics()] == [2, 4]
    loop.run()
    lines = run.metrics()
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    assert all(a["seconds"] <= b["seconds"] for a, b in itertools.pairwise(lines))


def test_a_line_is_the_mean_since_the_line_before(make_loop: MakeLoop):
    loop = make_loop("mean", steps=6, log_every=3)
    loop.run()
    single = make_loop("single", steps=6, log_every=1)
    single.run()
    means = [line["critic/loss"] for line in loop._run.metrics() if line["step"] in (3, 6)]
    each = [line["critic/loss"] for line in single._run.metrics()]
    # the checkpoint at step 4 writes a line too, and so begins a new mean
    assert means == pytest.approx([np.mean(each[:3]), np.mean(each[4:6])])
    assert loop._run.metrics()[-1]["images"] == 48


@pytest.mark.parametrize("dispatch", [1, 4])
def test_there_may_be_steps_in_which_no_phase_runs(make_loop: MakeLoop, dispatch: int):
    rests = {"critic_every": 2, "generator_every": 3}
    settings = {"steps": 16, "log_every": 1 if dispatch == 1 else 8, "checkpoint_every": 16}
    loop = make_loop("run", attributes=rests, dispatch=dispatch, **settings)
    loop.run()
    found = [{name for name in line if name.endswith("/loss")} for line in loop._run.metrics()]
    if dispatch == 1:
        both, critic, generator = {"critic/loss", "generator/loss"}, {"critic/loss"}, {"generator/loss"}
        assert found == ([both, set(), critic, generator, critic, set()] * 3)[:16]
    broken = make_loop("broken", attributes=rests | {"break_at": 9}, dispatch=dispatch, **settings)
    with pytest.raises(ZooError, match=r"phase 'generator' is nan at step 10\."):
        broken.run()


@pytest.mark.parametrize("keep", [1, 2])
def test_the_latest_checkpoints_are_kept(make_loop: MakeLoop, keep: int):
    loop = make_loop("run", steps=10, checkpoint_every=3, keep=keep)
    loop.run()
    assert checkpoint.steps_of(loop._run) == [3, 6, 9, 10][-keep:]


def test_a_loss_that_is_not_finite_names_phase_and_step_and_keeps_the_last_good_checkpoint(make_loop: MakeLoop):
    loop = make_loop("run", steps=20, attributes={"break_at": 6})
    with pytest.raises(ZooError, match=r"phase 'generator' is nan at step 7\.") as caught:
        loop.run()
    assert caught.value.exit_code == 1
    assert "The last good checkpoint, of step 4, is kept" in caught.value.hint
    assert checkpoint.steps_of(loop._run) == [4]


def test_callbacks_come_when_due_and_at_the_end(make_loop: MakeLoop):
    often, last = Spy(3), Spy(0)
    make_loop("run", callbacks=(often, last), steps=7).run()
    assert often.steps == [3, 6, 7]
    assert last.steps == [7]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(make_loop: MakeLoop, number: signal.Signals):
    spy = Spy(3, lambda step: os.kill(os.getpid(), number))
    loop = make_loop("run", callbacks=(spy,), steps=100)
    with pytest.raises(Interrupted, match="Stopped after step 4 of 100") as caught:
        loop.run()
    assert caught.value.exit_code == 130
    assert f"zoo train --resume {loop._run.path}" in caught.value.hint
    assert checkpoint.steps_of(loop._run) == [4]
    assert signal.getsignal(number) is not None


@pytest.mark.parametrize("steps", [5, 6])
def test_a_trace_is_written_or_it_is_said_that_there_is_none(make_loop: MakeLoop, steps: int):
    """The first five looks compile."""
    loop = make_loop("run", steps=steps)
    loop._profile = True
    told = pytest.warns(UserWarning, match=r"Nothing was traced: .* this run had 5\. Train for more steps")
    with told if steps == 5 else nullcontext():
        loop.run()
    assert any(path.is_file() for path in loop._run.profile.rglob("*")) == (steps == 6)


def test_resume_without_any_checkpoint_starts_at_zero(make_loop: MakeLoop):
    loop = make_loop("run", steps=4)
    loop._run.append_metrics({"step": 2, "seconds": 1.0})
    assert loop.restore() == 0
    assert loop._run.metrics() == []
