import math
import random
from collections.abc import Callable

import pytest

from zoo_core.comparing import tables
from zoo_core.comparing.tables import tables_of, unlike
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Cost, Features, Record, Score

MakeRecord = Callable[..., Record]


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
        {"shape": (16, 16, 3)},
        {"checkpoint_rule": "best"},
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
    ids=["images", "reference", "colour", "checkpoint", "network", "weights", "generated", "real"],
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


def test_who_shares_a_table_is_as_if_each_two_had_been_compared(make_record: MakeRecord) -> None:
    """Without a score in common two records are alike, and yet each may be unlike a third."""

    def scored(*counts: int) -> dict[str, Score]:
        scores = {"label": "", "better": "lower", "n_reference": 9}
        return {f"m{n}": Score(value=1.0, n_generated=count, **scores) for n, count in enumerate(counts) if count}

    draw = random.Random(0)
    for _ in range(20):
        counts = [[draw.choice([0, 5, 6]) for _ in range(3)] for _ in range(12)]
        records = [make_record(seed=seed, metrics=scored(*found)) for seed, found in enumerate(counts)]
        expected: list[list[Record]] = []
        for record in records:
            fitting = [group for group in expected if not any(unlike(record, other) for other in group)]
            fitting[0].append(record) if fitting else expected.append([record])
        found = [sorted(seed for row in table.summaries for seed in row.seeds) for table in tables_of(records)]
        assert found == [[record.source.seed for record in group if record.source] for group in expected]


def test_a_thousand_records_are_put_into_tables_by_a_few_comparisons(
    make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Record] = []
    monkeypatch.setattr(tables, "unlike", lambda one, other: compared.append(one) or unlike(one, other))
    protocol = load_protocol("digits")
    records = [make_record(model, seed, protocol=protocol) for seed in range(500) for model in ("dcgan", "vae")]
    (table,) = tables_of(records)
    assert [len(summary.seeds) for summary in table.summaries] == [500, 500]
    assert len(compared) == 1


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


def test_what_sets_a_table_apart_is_named(make_record: MakeRecord) -> None:
    pixels = Features(name="pixels", weights_sha256=None)
    _, table = tables_of([make_record(), make_record(features=pixels)])
    assert table.apart == ["features: classifier:digits, pixels", f"features.weights_sha256: {'9a' * 32}, None"]
    _, elsewhere = tables_of([make_record(), make_record(name="mnist", content_hash="00" * 32)])
    assert elsewhere.apart == []  # another data set is nothing to explain


def test_the_runtime_of_the_features_sets_nothing_apart(make_record: MakeRecord) -> None:
    runtimes = [Features(name="inception", weights_sha256="9a" * 32, runtime=name) for name in ("keras", "openvino")]
    assert len(tables_of([make_record(seed=n, features=features) for n, features in enumerate(runtimes)])) == 1


def ranks_of(make_record: MakeRecord, scores: dict[str, list[float]]) -> dict[str, tuple[int, int] | None]:
    """In the order of the table."""
    (table,) = tables_of([make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)])
    return {summary.model: summary.rank for summary in table.summaries}


def test_models_whose_difference_may_be_chance_have_the_same_places(make_record: MakeRecord) -> None:
    scores = {"dcgan": [10.0, 12.0, 11.0], "cgan": [10.5, 12.5, 11.2], "vae": [30.0, 31.0, 32.0]}
    assert ranks_of(make_record, scores) == {"dcgan": (1, 2), "cgan": (1, 2), "vae": (3, 3)}


def test_a_model_whose_seeds_differ_much_is_not_placed_above_a_steady_one(make_record: MakeRecord) -> None:
    scores = {"noisy": [5.6, 7.6, 9.9], "best": [1.0, 1.1, 1.2], "steady": [7.4, 7.5, 7.6]}
    found = ranks_of(make_record, scores)
    assert list(found.items()) == [("best", (1, 2)), ("steady", (2, 3)), ("noisy", (1, 3))]


def test_one_seed_may_have_any_place(make_record: MakeRecord) -> None:
    scores = {"once": [1.0], "dcgan": [10.0, 11.0], "vae": [30.0, 31.0]}
    assert ranks_of(make_record, scores) == {"once": (1, 3), "dcgan": (1, 2), "vae": (2, 3)}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_not_finite_comes_last_and_unranked(make_record: MakeRecord, value: float) -> None:
    scores = {"broken": [value, 1.0], "dcgan": [10.0, 11.0], "vae": [30.0, 31.0]}
    found = ranks_of(make_record, scores)
    assert list(found.items()) == [("dcgan", (1, 1)), ("vae", (2, 2)), ("broken", None)]


def test_few_seeds_of_many_models_prove_less(make_record: MakeRecord) -> None:
    """The same two models: alone they differ, among six others that must be tested too they don't."""
    pair = {"a": [10.0, 11.0, 12.0], "b": [12.8, 13.6, 14.4]}
    others = {f"other{n}": [100.0, 150.0, 200.0] for n in range(6)}
    assert ranks_of(make_record, pair) == {"a": (1, 1), "b": (2, 2)}
    assert ranks_of(make_record, pair | others)["b"] == (1, 8)


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
    assert efficient == {"cheap": ("seconds",), "good": ("seconds", "parameters"), "beaten": ()}


def test_no_front_of_seconds_on_unlike_machines(make_record: MakeRecord) -> None:
    small, large = {"device": "cpu", "cores": 2, "backend": "jax"}, {"device": "cpu", "cores": 64, "backend": "jax"}
    (table,) = tables_of([make_record("dcgan", environment=small), make_record("vae", fd=99.0, environment=large)])
    assert table.machines == ["cpu, 2 cores, jax", "cpu, 64 cores, jax"]
    assert [summary.efficient for summary in table.summaries] == [("parameters",), ()]
    (table,) = tables_of([make_record("dcgan", environment=small), make_record("vae", environment=small)])
    assert table.machines == ["cpu, 2 cores, jax"]


def test_a_protocol_ranks_by_its_first_metric_and_the_direction_that_is_better(make_record: MakeRecord) -> None:
    def scored(psnr: float) -> dict[str, Score]:
        counts = {"n_generated": 9, "n_reference": 9}
        return {
            "fd_classifier": Score(value=100 / psnr, label="FD", better="lower", **counts),
            "psnr": Score(value=psnr, label="PSNR", better="higher", **counts),
        }

    psnr = {"blurred": [30.0, 30.4], "sharp": [20.0, 20.4], "broken": [math.inf, 50.0]}
    values = [(model, seed, value) for model, found in psnr.items() for seed, value in enumerate(found)]
    for protocol, ranked_by in ((load_protocol("digits-noise25"), "psnr"), (None, "fd_classifier")):
        records = [make_record(m, seed, metrics=scored(v), protocol=protocol) for m, seed, v in values]
        (table,) = tables_of(records)
        assert table.ranked_by == ranked_by
        assert next(iter(table.columns())) == ranked_by
    (table,) = tables_of(
        [make_record(m, s, metrics=scored(v), protocol=load_protocol("digits-noise25")) for m, s, v in values]
    )
    assert [(summary.model, summary.rank) for summary in table.summaries] == [
        ("blurred", (1, 1)),
        ("sharp", (2, 2)),
        ("broken", None),
    ]
    assert [summary.efficient for summary in table.summaries] == [("seconds", "parameters"), (), ()]
    (pair,) = table.pairs
    assert (pair.better, pair.worse, pair.difference) == ("blurred", "sharp", pytest.approx(10.0))


def test_without_a_score_of_its_first_metric_a_protocol_ranks_by_the_distance(make_record: MakeRecord) -> None:
    (table,) = tables_of([make_record(protocol=load_protocol("digits-noise25"))])  # which has no PSNR
    assert table.ranked_by == "fd_classifier"


def test_what_a_plugin_calls_almost_as_the_distance_is_another_metric(make_record: MakeRecord) -> None:
    score = Score(value=1.0, label="", better="lower", n_generated=9, n_reference=9)
    own = score.model_copy(update={"plugin": "zoo-anything 0.1.0"})
    (table,) = tables_of([make_record(metrics={"fd_anything": own, "fid_x": own, "precision": score})])
    assert table.ranked_by is None
    (table,) = tables_of([make_record(metrics={"fd_anything": own, "precision": score, "fd_pixels": score})])
    assert table.ranked_by == "fd_pixels"
    assert list(table.columns()) == ["fd_pixels", "fd_anything", "precision"]


def test_an_extrapolated_distance_ranks_nothing(make_record: MakeRecord) -> None:
    keys = ("fd_infinity_classifier", "precision", "fd_classifier")
    score = Score(value=1.0, label="", better="lower", n_generated=9, n_reference=9)
    (table,) = tables_of([make_record(metrics=dict.fromkeys(keys, score))])
    assert table.ranked_by == "fd_classifier"
    assert list(table.columns()) == ["fd_classifier", "fd_infinity_classifier", "precision"]
