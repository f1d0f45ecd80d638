import math
from collections.abc import Callable

import pytest

from zoo_core.comparing.tables import tables_of
from zoo_core.evaluation.record import OtherCheckpoint, Record, Sampling, Score

MakeRecord = Callable[..., Record]


def test_mean_and_standard_error_are_those_of_the_textbook(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record(seed=seed, fd=fd) for seed, fd in enumerate([10.0, 12.0, 17.0])])
    (summary,) = table.summaries
    metric = summary.metrics["fd_classifier"]
    assert metric.mean == pytest.approx(13.0)
    assert metric.standard_error == pytest.approx(math.sqrt((9 + 1 + 16) / 2) / math.sqrt(3))
    assert metric.values == [10.0, 12.0, 17.0]
    assert (metric.floor, metric.n_floor) == (pytest.approx(0.8), 360)
    assert summary.seeds == [0, 1, 2]
    assert summary.seconds == pytest.approx(120.0)


def test_seeds_whose_best_checkpoints_are_of_different_steps_are_one_row(make_record: MakeRecord) -> None:
    best = [make_record(seed=seed, checkpoint=500 * (seed + 1), checkpoint_rule="best") for seed in range(3)]
    final = [make_record(seed=seed) for seed in range(3)]
    tables = tables_of(best + final)
    assert [[summary.seeds for summary in table.summaries] for table in tables] == [[[0, 1, 2]], [[0, 1, 2]]]
    assert "checkpoint: best, final" in tables[1].apart


def test_what_is_only_written_down_along_the_way_does_not_set_seeds_apart(make_record: MakeRecord) -> None:
    training = {"steps": 2000, "batch_size": 64, "ema": 0.999}
    records = [make_record(seed=n, training={**training, "log_every": 10 * (n + 1), "keep": n}) for n in range(3)]
    (table,) = tables_of(records)
    assert [summary.seeds for summary in table.summaries] == [[0, 1, 2]]


def test_an_option_that_is_called_like_a_field_of_the_record_is_a_setting(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record(seed=n, options={"version": n, "data": "x"}) for n in range(2)])
    assert {summary.label for summary in table.summaries} == {"dcgan (version=0)", "dcgan (version=1)"}


def test_seeds_that_stopped_early_are_one_row_and_unfinished_runs_are_not(make_record: MakeRecord) -> None:
    patient = {"steps": 2000, "batch_size": 64, "patience": 5}
    (table,) = tables_of([make_record(seed=seed, checkpoint=900 + seed, training=patient) for seed in range(3)])
    assert len(table.summaries) == 1
    (table,) = tables_of([make_record(seed=seed, checkpoint=900 + seed) for seed in range(2)])
    assert len(table.summaries) == 2


def test_one_seed_has_the_interval_of_its_images_and_several_the_spread(make_record: MakeRecord) -> None:
    score = Score(value=1.0, label="FD", better="lower", n_generated=9, n_reference=9, interval=(0.5, 1.5))
    (one,) = tables_of([make_record(metrics={"fd_classifier": score})])
    assert one.summaries[0].metrics["fd_classifier"].sampling_interval == (0.5, 1.5)
    (two,) = tables_of([make_record(seed=seed, metrics={"fd_classifier": score}) for seed in range(2)])
    assert two.summaries[0].metrics["fd_classifier"].sampling_interval is None


def test_other_settings_are_another_row_named_by_what_differs(make_record: MakeRecord) -> None:
    records = [make_record(seed=seed, fd=20.0 + seed) for seed in (0, 1)]
    records += [make_record(seed=seed, fd=10.0 + seed, options={"width": 64}) for seed in (0, 1)]
    records += [make_record("vae", fd=15.0)]
    (table,) = tables_of([r.model_copy() for r in records])
    assert [summary.seeds for summary in table.summaries] == [[0, 1], [0], [0, 1]]
    assert table.summaries[0].label == "dcgan (width=64)"
    assert table.summaries[1].label == "vae"


def test_the_noise_of_sampling_is_kept_apart_from_the_spread_of_seeds(make_record: MakeRecord) -> None:
    scores = [
        Score(value=v, label="FD", better="lower", n_generated=9, n_reference=9, standard_error=e)
        for v, e in ((10.0, 3.0), (20.0, 4.0))
    ]
    (table,) = tables_of([make_record(seed=n, metrics={"fd_pixels": score}) for n, score in enumerate(scores)])
    metric = table.summaries[0].metrics["fd_pixels"]
    assert metric.standard_error == pytest.approx(5.0)
    assert metric.sampling_error == pytest.approx(math.sqrt((9 + 16) / 2))
    assert metric.interval == pytest.approx((15 - 12.7062 * 5, 15 + 12.7062 * 5), rel=1e-4)  # t of 1 degree of freedom


def test_seeds_whose_images_hardly_vary_have_collapsed(make_record: MakeRecord) -> None:
    def sampling(variety: float | None) -> Sampling:
        return Sampling(images_per_second=50.0, batch=8, runtime="", variety=variety)

    records = [make_record(seed=seed, sampling=sampling(v)) for seed, v in enumerate([0.9, 0.1, 0.8, None])]
    (table,) = tables_of(records)
    (summary,) = table.summaries
    assert summary.collapses is not None
    assert (summary.collapses.count, summary.collapses.of) == (1, 3)
    assert summary.sampling_speed == 50.0
    (old,) = tables_of([make_record()])
    assert (old.summaries[0].collapses, old.summaries[0].sampling_speed) == (None, None)


def test_both_checkpoints_stand_side_by_side(make_record: MakeRecord) -> None:
    def other(fd: float) -> OtherCheckpoint:
        score = Score(value=fd, label="FD", better="lower", n_generated=9, n_reference=9)
        return OtherCheckpoint(rule="best", checkpoint=500, metrics={"fd_classifier": score})

    (table,) = tables_of([make_record(seed=n, fd=20.0 + n, other_checkpoint=other(10.0 + n)) for n in range(2)])
    (summary,) = table.summaries
    assert summary.metrics["fd_classifier"].mean == 20.5
    assert summary.other_checkpoint is not None
    assert summary.other_checkpoint.mean == 10.5


def test_seeds_that_a_clock_has_ended_are_one_row(make_record: MakeRecord) -> None:
    timed = {"steps": 99_999_999, "batch_size": 64, "seconds": 60.0}
    (table,) = tables_of([make_record(seed=seed, checkpoint=900 + seed, training=timed) for seed in range(3)])
    assert len(table.summaries) == 1


def test_models_of_one_name_from_two_packages_are_two_rows(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record(seed=0), make_record(seed=1, distribution="zoo-other")])
    assert {s.label for s in table.summaries} == {"dcgan (distribution=zoo-dcgan)", "dcgan (distribution=zoo-other)"}


def test_a_seed_that_lacks_a_metric_is_skipped(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record(seed=0), make_record(seed=1, fd=None)])
    assert table.summaries[0].seeds == [0, 1]
    assert table.summaries[0].metrics["fd_classifier"].values == [12.4]
