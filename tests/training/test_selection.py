"""The best checkpoint is there at every moment, and training stops where patience ends."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.loop import Loop
from zoo_core.training.options import TrainingOptions
from zoo_core.training.selection import Selection, choose, is_finished

MakeLoop = Callable[..., Loop]


class Scripted:
    """A judge whose scores are known before, by look; the last one goes on."""

    name = "select/known"

    def __init__(self, every: int, *scores: float) -> None:
        self.every = every
        self.scores = list(scores)
        self.seen: list[dict] = []

    def __call__(self, weights: dict) -> float:
        self.seen.append({name: np.array(array) for name, array in weights.items()})
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


def training(steps: int, patience: int) -> TrainingOptions:
    return TrainingOptions(steps=steps, patience=patience, select_every=1)


def best_weights(run: RunFolder, expected: dict) -> dict[str, np.ndarray]:
    _, path = choose(run, "best")
    return checkpoint.load(path, "toy", "inference", expected)


def test_the_lowest_score_is_the_best_and_of_equal_ones_the_first():
    selection = Selection([{"step": 2, "select/fd": 5.0, "vae/loss": 0.1}, {"step": 3, "vae/loss": 0.2}], patience=3)
    assert selection.best == (2, 5.0)
    assert not selection.add(4, 5.0)
    assert selection.add(6, 4.0)
    assert not selection.add(8, float("nan"))
    assert selection.best == (6, 4.0)
    assert not selection.exhausted


@pytest.mark.parametrize(("patience", "exhausted"), [(0, False), (2, True), (3, False)])
def test_patience_counts_scores_in_a_row(patience: int, exhausted: bool):
    lines = [{"step": i, "select/fd": score} for i, score in enumerate([3.0, 4.0, 2.0, 4.0, 4.0])]
    assert Selection(lines, patience).exhausted == exhausted


def test_the_weights_that_were_judged_best_are_kept_and_no_others(make_loop: MakeLoop):
    judge = Scripted(2, 5.0, 3.0, 4.0, 6.0, 7.0)
    loop = make_loop("run", judge=judge, steps=10)
    loop.run()
    assert checkpoint.best_steps_of(loop._run) == [4]
    with pytest.raises(UsageError, match="Unknown checkpoint 'fnal'"):
        choose(loop._run, "fnal")
    assert choose(loop._run, "best") == (4, checkpoint.best_path_of(loop._run, 4))
    assert choose(loop._run, "final") == (10, checkpoint.path_of(loop._run, 10))
    for name, array in best_weights(loop._run, judge.seen[1]).items():
        np.testing.assert_array_equal(array, judge.seen[1][name])
    assert [line.get("select/known") for line in loop._run.metrics()] == [5.0, 3.0, 4.0, 6.0, 7.0]


def test_training_stops_where_patience_ends_as_if_that_were_the_last_step(make_loop: MakeLoop):
    called = []

    class Last:
        every = 0

        def __call__(self, step: int, weights: dict, last: bool) -> None:
            called.append((step, last))

    loop = make_loop("run", callbacks=(Last(),), judge=Scripted(2, 5.0, 6.0), steps=100, patience=3, select_every=2)
    loop.run()
    assert called == [(8, True)]
    assert checkpoint.steps_of(loop._run)[-1] == 8
    assert is_finished(loop._run, training(steps=100, patience=3))
    assert not is_finished(loop._run, training(steps=100, patience=4))
    again = make_loop("run", judge=Scripted(2, 1.0), steps=100, patience=3, select_every=2)
    again.restore()
    again.run()
    assert checkpoint.steps_of(loop._run)[-1] == 8


def test_a_run_that_stopped_in_between_is_not_finished(make_loop: MakeLoop):
    loop = make_loop("run", judge=Scripted(2, 5.0, 6.0), steps=100, patience=3, select_every=2)
    loop.run()
    checkpoint.path_of(loop._run, 8).unlink()  # as if the process had died before it was written
    assert not is_finished(loop._run, training(steps=100, patience=3))
    assert not is_finished(make_loop("new", steps=4)._run, training(steps=4, patience=0))


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_whenever_the_process_dies_there_is_a_best_one_and_the_result_stays_the_same(make_loop: MakeLoop, dies_at: int):
    """Scores at each step, a checkpoint at every third."""
    scores = {1: 9.0, 2: 8.0, 3: 8.5, 4: 7.0, 5: 7.5, 6: 7.2, 7: 6.0, 8: 5.0, 9: 5.5}

    class Dying:
        name, every = "select/known", 1

        def __init__(self, first: int) -> None:
            self.step = first

        def __call__(self, weights: dict) -> float:
            self.step += 1
            return scores[self.step]

    def die(step: int, weights: dict, last: bool) -> None:
        if step == dies_at:  # the best was saved, the line not yet written
            raise ConnectionAbortedError

    settings = {"steps": 9, "checkpoint_every": 3, "select_every": 1}
    die.every = 1  # type: ignore[attr-defined]
    loop = make_loop("run", callbacks=(die,), judge=Dying(0), **settings)
    with pytest.raises(ConnectionAbortedError):
        loop.run()
    run = loop._run
    if dies_at > 1:
        step, path = choose(run, "best")
        assert path.is_file()
        assert scores[step] == min(scores[i] for i in range(1, dies_at))
    first = make_loop("run", steps=9).restore()
    assert first == (dies_at - 1) // 3 * 3
    assert all(step <= first for step in checkpoint.best_steps_of(run))
    again = make_loop("run", judge=Dying(first), **settings)
    again.restore()
    again.run()
    assert choose(run, "best")[0] == 8
    assert checkpoint.best_steps_of(run) == [4, 8]  # at the checkpoints of the steps 6 and 9


def test_without_the_last_checkpoint_the_best_one_at_the_one_before_is_there(make_loop: MakeLoop):
    """Checkpoints at the steps 4, 8 and 12, of which two stay."""
    settings = {"steps": 12, "select_every": 2}
    judge = Scripted(2, 9.0, 7.0, 8.0, 7.5, 6.0, 5.0)
    loop = make_loop("run", judge=judge, **settings)
    loop.run()
    run = loop._run
    assert checkpoint.steps_of(run) == [8, 12]
    assert checkpoint.best_steps_of(run) == [4, 12]
    checkpoint.path_of(run, 12).write_bytes(b"damaged")
    again = make_loop("run", judge=Scripted(2, 6.0, 8.0), **settings)
    with pytest.raises(ZooError, match="Remove it, and the run goes on from the one before"):
        again.restore()
    checkpoint.path_of(run, 12).unlink()
    assert again.restore() == 8
    assert choose(run, "best") == (4, checkpoint.best_path_of(run, 4))
    for name, array in best_weights(run, judge.seen[1]).items():
        np.testing.assert_array_equal(array, judge.seen[1][name])
    again.run()
    assert checkpoint.best_steps_of(run) == [4, 10]


def test_what_is_not_there_is_told(make_loop: MakeLoop, tmp_path: Path):
    loop = make_loop("run", steps=2)
    with pytest.raises(ZooError, match="has no checkpoint"):
        choose(loop._run, "final")
    loop.run()
    with pytest.raises(UsageError, match=r"has no best checkpoint.*-t select_every=N"):
        choose(loop._run, "best")
    judged = make_loop("judged", judge=Scripted(2, 5.0), steps=2)
    judged.run()
    (path := checkpoint.best_path_of(judged._run, 2)).unlink()
    with pytest.raises(ZooError, match=rf"'{path}' is missing: its weights, of step 2.* --checkpoint final") as caught:
        choose(judged._run, "best")
    assert caught.value.exit_code == 1
