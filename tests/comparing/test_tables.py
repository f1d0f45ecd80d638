import math
from collections.abc import Callable

import pytest

from zoo_core.comparing.tables import tables_of
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Cost, Features, OtherCheckpoint, Record, Sampling, Score

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


def test_one_seed_has_no_standard_error_and_no_rank(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record("dcgan", fd=10.0), make_record("vae", fd=99.0)])
    assert [summary.model for summary in table.summaries] == ["dcgan", "vae"]
    assert all(summary.metrics["fd_classifier"].standard_error is None for summary in table.summaries)
    assert all(summary.rank is None for summary in table.summaries)


@pytest.mark.parametrize(
    "changes",
    [
        {"content_hash": "00" * 32},
        {"reference": "validation"},
        {"features": Features(name="pixels", weights_sha256=None)},
        {"features": Features(name="classifier:digits", weights_sha256="00" * 32)},
        {
            "metrics": {
                "fd_classifier": Score(value=1.0, label="FD", better="lower", n_generated=999, n_reference=360),
            }
        },
        {
            "metrics": {
                "fd_classifier": Score(value=1.0, label="FD", better="lower", n_generated=1000, n_reference=361),
            }
        },
    ],
    ids=["images", "reference", "network", "weights", "generated", "real"],
)
def test_unlike_records_never_share_a_table(make_record: MakeRecord, changes: dict) -> None:
    tables = tables_of([make_record("dcgan"), make_record("vae", **changes), make_record("cgan")])
    assert [[summary.model for summary in table.summaries] for table in tables] == [["dcgan", "cgan"], ["vae"]]


def test_models_that_measure_other_things_share_a_table_with_every_metric(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record("vae", fd=None), make_record("dcgan")])
    assert list(table.columns()) == ["fd_classifier", "precision", "ssim"]
    assert [summary.model for summary in table.summaries] == ["dcgan", "vae"]  # without the distance: last


def test_without_a_distance_nothing_is_ranked(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record("vae", seed, fd=None) for seed in (0, 1)])
    assert table.ranked_by is None
    assert table.summaries[0].rank is None


def test_another_protocol_is_another_table_that_names_the_field(make_record: MakeRecord) -> None:
    digits = load_protocol("digits")
    longer = digits.model_copy(update={"training": digits.training.model_copy(update={"steps": 4000})})
    records = [make_record(protocol=protocol) for protocol in (digits, longer, None)]
    tables = tables_of(records)
    assert [table.protocol for table in tables] == [digits, longer, None]
    assert [table.apart for table in tables] == [
        [],
        ["protocol.training.steps: 2000, 4000"],
        ["protocol: digits v1, none"],
    ]


def test_seeds_whose_best_checkpoints_are_of_different_steps_are_one_row(make_record: MakeRecord) -> None:
    best = [make_record(seed=seed, checkpoint=500 * (seed + 1), checkpoint_rule="best") for seed in range(3)]
    final = [make_record(seed=seed) for seed in range(3)]
    (table,) = tables_of(best + final)
    assert [summary.seeds for summary in table.summaries] == [[0, 1, 2], [0, 1, 2]]
    assert {summary.label for summary in table.summaries} == {"dcgan (checkpoint=best)", "dcgan (checkpoint=2000)"}


def test_seeds_that_stopped_early_are_one_row_and_unfinished_runs_are_not(make_record: MakeRecord) -> None:
    patient = {"steps": 2000, "batch_size": 64, "patience": 5}
    (table,) = tables_of([make_record(seed=seed, checkpoint=900 + seed, training=patient) for seed in range(3)])
    assert len(table.summaries) == 1
    (table,) = tables_of([make_record(seed=seed, checkpoint=900 + seed) for seed in range(2)])
    assert len(table.summaries) == 2


def test_what_sets_a_table_apart_is_named(make_record: MakeRecord) -> None:
    pixels = Features(name="pixels", weights_sha256=None)
    _, table = tables_of([make_record(), make_record(features=pixels)])
    assert table.apart == ["features: classifier:digits, pixels", f"features.weights_sha256: {'9a' * 32}, None"]
    _, elsewhere = tables_of([make_record(), make_record(name="mnist", content_hash="00" * 32)])
    assert elsewhere.apart == []  # another data set is nothing to explain


def test_the_runtime_of_the_features_sets_nothing_apart(make_record: MakeRecord) -> None:
    runtimes = [Features(name="inception", weights_sha256="9a" * 32, runtime=name) for name in ("keras", "openvino")]
    assert len(tables_of([make_record(seed=n, features=features) for n, features in enumerate(runtimes)])) == 1


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


def test_models_whose_difference_may_be_chance_share_a_rank(make_record: MakeRecord) -> None:
    scores = {"dcgan": [10.0, 12.0, 11.0], "cgan": [10.5, 12.5, 11.2], "vae": [30.0, 31.0, 32.0]}
    (table,) = tables_of([make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)])
    assert {summary.model: summary.rank for summary in table.summaries} == {"dcgan": 1, "cgan": 1, "vae": 3}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_not_finite_comes_last_and_unranked(make_record: MakeRecord, value: float) -> None:
    scores = {"broken": [value, 1.0], "dcgan": [10.0, 11.0], "vae": [30.0, 31.0]}
    (table,) = tables_of([make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)])
    assert [(summary.model, summary.rank) for summary in table.summaries] == [
        ("dcgan", 1),
        ("vae", 2),
        ("broken", None),
    ]


def test_few_seeds_of_many_models_prove_less(make_record: MakeRecord) -> None:
    """The same two models: alone they differ, among six others that must be tested too they don't."""
    pair = {"a": [10.0, 11.0, 12.0], "b": [12.8, 13.6, 14.4]}
    others = {f"other{n}": [100.0, 150.0, 200.0] for n in range(6)}

    def ranks(scores: dict[str, list[float]]) -> dict[str, int | None]:
        records = [make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)]
        (table,) = tables_of(records)
        assert len(table.pairs) == len(scores) * (len(scores) - 1) // 2
        return {summary.model: summary.rank for summary in table.summaries}

    assert ranks(pair) == {"a": 1, "b": 2}
    assert ranks(pair | others)["b"] == 1


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


def test_cheap_or_good_models_are_on_the_front(make_record: MakeRecord) -> None:
    def cost(seconds: float, parameters: int) -> Cost:
        sizes = {"steps": 1, "batch_size": 1, "images_seen": 1, "wall_seconds": 1, "peak_memory_mib": 1}
        return Cost(**sizes, seconds=seconds, parameters=parameters)

    records = [
        make_record("cheap", fd=30.0, cost=cost(1, 900)),
        make_record("good", fd=10.0, cost=cost(100, 100)),
        make_record("beaten", fd=20.0, cost=cost(100, 200)),
    ]
    (table,) = tables_of(records)
    efficient = {summary.model: summary.efficient for summary in table.summaries}
    assert efficient == {"cheap": ["seconds"], "good": ["seconds", "parameters"], "beaten": []}


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
