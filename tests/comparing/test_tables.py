import math
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.comparing.tables import Aggregate, significantly_lower, tables_of
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Features, Record, Score

MakeRecord = Callable[..., Record]


def aggregate(values: list[float]) -> Aggregate:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return Aggregate(
        label="FD",
        better="lower",
        mean=statistics.fmean(values),
        standard_error=error,
        interval=None,
        values=values,
        n_generated=100,
        n_reference=100,
        floor=None,
        n_floor=None,
    )


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
    assert one.summaries[0].metrics["fd_classifier"].interval == (0.5, 1.5)
    (two,) = tables_of([make_record(seed=seed, metrics={"fd_classifier": score}) for seed in range(2)])
    assert two.summaries[0].metrics["fd_classifier"].interval is None


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


def test_significance_agrees_with_welchs_published_example() -> None:
    # the third example of en.wikipedia.org/wiki/Welch's_t-test: t = -2.22, 24.5 degrees of freedom, p = 0.036
    low = [19.8, 20.4, 19.6, 17.8, 18.5, 18.9, 18.3, 18.9, 19.5, 22.0]
    high = [28.2, 26.6, 20.1, 23.3, 25.2, 22.1, 17.7, 27.6, 20.6, 13.7]
    high += [23.2, 17.5, 20.6, 18.0, 23.9, 21.6, 24.3, 20.4, 24.0, 13.2]
    assert significantly_lower(aggregate(low), aggregate(high))
    assert not significantly_lower(aggregate(high), aggregate(low))
    # its second: p = 0.149
    low = [17.2, 20.9, 22.6, 18.1, 21.7, 21.4, 23.5, 24.2, 14.7, 21.8]
    high = [21.5, 22.8, 21.0, 23.0, 21.6, 23.6, 22.5, 20.7, 23.4, 21.8]
    high += [20.7, 21.7, 21.5, 22.5, 23.6, 21.5, 22.5, 23.5, 21.5, 21.8]
    assert not significantly_lower(aggregate(low), aggregate(high))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4))
def test_at_most_one_of_two_is_significantly_lower(values: list[float], others: list[float]) -> None:
    first, second = aggregate(values), aggregate(others)
    assert not (significantly_lower(first, second) and significantly_lower(second, first))
    assert not significantly_lower(first, first)
