"""A comparison trains what is missing, reuses what is there, and survives what fails."""

from pathlib import Path

import pytest

from zoo_core import api
from zoo_core.comparing.compare import compare, preview
from zoo_core.comparing.results import Comparison
from zoo_core.errors import Interrupted, UsageError
from zoo_core.runs import RunFolder
from zoo_core.training.checkpoint import steps_of

SMALL = {"vae": {"width": 2, "latent": 2}}
TRAINING = {"steps": 3, "batch_size": 4, "checkpoint_every": 2}


def small_comparison(out: Path, **changes) -> Comparison:
    arguments = {"seeds": 2, "options": SMALL, "training": TRAINING, "count": 80, "features": "pixels"}
    return compare(["vae"], ["digits@8"], out, **(arguments | changes))


def test_each_seed_is_a_run_and_the_row_their_mean(tmp_path: Path):
    comparison = small_comparison(tmp_path)
    assert [record.source.seed for record in comparison.records] == [0, 1]
    (summary,) = comparison.summaries()
    fd = summary.metrics["fd_pixels"]
    assert fd.values == [record.metrics["fd_pixels"].value for record in comparison.records]
    assert fd.mean == pytest.approx(sum(fd.values) / 2)
    assert fd.standard_error == pytest.approx(abs(fd.values[0] - fd.values[1]) / 2)
    assert fd.n_generated == 80


def test_finished_runs_are_reused_and_only_what_is_missing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = small_comparison(tmp_path)
    trained = []
    train = api.train
    monkeypatch.setattr(api, "train", lambda *args, **named: trained.append(named["seed"]) or train(*args, **named))
    second = small_comparison(tmp_path, seeds=3)
    assert trained == [2]
    assert second.records[:2] == first.records
    fewer = small_comparison(tmp_path, count=70)
    assert trained == [2]
    assert fewer.records[0].metrics["fd_pixels"].n_generated == 70


def test_a_run_that_stopped_early_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Without learning no score is better than the first, so training stops after the third.
    options = {"vae": {"width": 2, "latent": 2, "learning_rate": 1e-12}}
    training = TRAINING | {"steps": 50, "select_every": 1, "patience": 2}
    first = small_comparison(tmp_path, seeds=1, options=options, training=training)
    assert first.records[0].source.checkpoint < 50
    monkeypatch.setattr(api, "train", pytest.fail)
    monkeypatch.setattr(api, "resume", pytest.fail)
    assert small_comparison(tmp_path, seeds=1, options=options, training=training).records == first.records
    best = small_comparison(tmp_path, seeds=1, options=options, training=training, checkpoint="best")
    assert best.records[0].source.checkpoint_rule == "best"
    assert best.records[0].source.checkpoint < first.records[0].source.checkpoint
    (state,) = [
        run["state"] for run in preview(["vae"], ["digits@8"], tmp_path, seeds=1, options=options, training=training)
    ]
    assert state == "finished"


def test_a_folder_that_was_moved_is_still_good(tmp_path: Path):
    small_comparison(tmp_path / "old", seeds=1)
    (tmp_path / "old").rename(tmp_path / "new")
    (record,) = small_comparison(tmp_path / "new", seeds=1).records
    assert Path(record.source.run).is_dir()


def test_an_interrupted_comparison_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Stop:
        """A report that interrupts the first run at its second step."""

        def begin(self, label: str, step: int, steps: int) -> None: ...

        def log(self, line: dict) -> None:
            if line["step"] == 2:
                raise Interrupted("Stopped.")

    with pytest.raises(Interrupted, match="Give the same command again"):
        small_comparison(tmp_path, report=Stop())
    comparison = small_comparison(tmp_path)
    assert len(comparison.records) == 2
    assert all(steps_of(RunFolder(Path(record.source.run)))[-1] == 3 for record in comparison.records)


def test_a_run_that_fails_is_noted_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    train = api.train

    def sometimes(*args, **named):
        if named["seed"] == 0:
            raise ZeroDivisionError("a bug of the plugin")
        return train(*args, **named)

    monkeypatch.setattr(api, "train", sometimes)
    comparison = small_comparison(tmp_path)
    assert [record.source.seed for record in comparison.records] == [1]
    (failure,) = comparison.failures
    assert (failure.model, failure.seed, failure.error) == ("vae", 0, "ZeroDivisionError: a bug of the plugin")


@pytest.mark.parametrize(
    ("models", "changes", "message"),
    [
        (["vae", "vae"], {}, "can be compared once"),
        (["vay"], {"options": {}}, "Unknown model 'vay'"),
        (["vae"], {"options": {"vay": {}}}, "Unknown compared model 'vay'"),
        (["vae"], {"options": {"vae": {"width": -1}}}, "Bad option of model 'vae'"),
        (["vae"], {"training": {"stepz": 1}}, "Unknown option of training 'stepz'"),
        (["vae"], {"seeds": 0}, "needs models, data sets and seeds"),
        ([], {}, "needs models, data sets and seeds"),
    ],
)
def test_misuse_is_told_before_anything_is_trained(tmp_path: Path, models: list[str], changes: dict, message: str):
    arguments = {"seeds": 1, "options": {}, "features": "pixels"} | changes
    with pytest.raises(UsageError, match=message):
        compare(models, ["digits@8"], tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
