import math
from collections.abc import Callable

import pytest

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.tables import Table, tables_of
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import OtherCheckpoint, Record, Sampling, Score
from zoo_core.reporting.words import EFFICIENT, against_first, answer, facts, grid, in_full, note, number

MakeRecord = Callable[..., Record]


def table_of(make_record: MakeRecord, **scores: list[float | None]) -> Table:
    (table,) = tables_of([make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)])
    return table


def test_the_answer_names_the_best_its_ties_and_the_floor(records: list[Record]) -> None:
    (table,) = tables_of(records)
    assert answer(table) == (
        "On digits@16, cgan has the lowest FD (classifier), 12.7 ± 0.8, not significantly below dcgan; "
        "real images score 0.800."
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"dcgan": [9.0, 9.2], "vae": [31.0, 31.4]}, "9.10 ± 0.10, significantly below every other model;"),
        ({"dcgan": [9.0], "vae": [31.0]}, "9.00, with too few seeds to say that this is more than chance;"),
        ({"dcgan": [9.0, 9.2]}, "On digits@16, dcgan reaches FD (classifier) 9.10 ± 0.10; real images score"),
        ({"dcgan": [math.nan]}, "no model reached a finite FD (classifier)"),
        ({"vae": [None]}, "nothing was measured by which models are ranked"),
        (
            {"a": [9.0, 9.9], "b": [9.1, 9.9], "c": [9.2, 9.9], "d": [50.0, 50.1]},
            "not significantly below b or c;",
        ),
        ({"a": [9.0], "b": [31.0, 31.4], "c": [41.0, 41.4]}, "9.00, with too few seeds to say that this is more"),
        (
            {"a": [9.0, 9.2], "b": [31.0], "c": [41.0, 41.4]},
            "significantly below every other model that can be tested;",
        ),
    ],
)
def test_the_answer_claims_no_more_than_the_seeds_allow(
    make_record: MakeRecord, scores: dict[str, list[float | None]], expected: str
) -> None:
    assert expected in answer(table_of(make_record, **scores))


def test_a_share_of_none_shows_how_wide_its_interval_is(make_record: MakeRecord) -> None:
    share = Score(
        value=0.0,
        label="Recall (pixels)",
        better="higher",
        n_generated=64,
        n_reference=359,
        standard_error=0.0,
        interval=(0.0, 0.0106),
    )
    record = make_record("vae", 0, None).model_copy(update={"metrics": {"recall_pixels": share}})
    (table,) = tables_of([record])
    assert "0.00 [0.00, 0.01]" in [cell.text for cell in grid(table).rows[0]]


def test_no_number_is_minus_nothing() -> None:
    assert number(-1e-9) == "0.000000"


def test_where_more_is_better_the_best_is_the_highest(restored: Comparison) -> None:
    (table,) = restored.tables()
    assert answer(table) == (
        "On digits~noise25, srgan has the highest PSNR (dB), 25.00 ± 0.10, significantly above every other model."
    )
    assert [row[3].text for row in grid(table).rows] == ["25.00 ± 0.10", "20.20 ± 0.10"]


def test_a_column_has_the_same_decimals_throughout_and_enough_for_its_errors(make_record: MakeRecord) -> None:
    cells = grid(table_of(make_record, dcgan=[104.26, 104.30], vae=[210.0, 230.0]))
    assert [row[3].text for row in cells.rows] == ["104.3 ± 0.0", "220.0 ± 10.0"]
    assert [row[3].detail for row in cells.rows] == ["[104.0, 104.5]", "[92.9, 347.1]"]


def test_sizes_of_the_floor_and_of_the_scores_are_told(make_record: MakeRecord) -> None:
    cells = grid(table_of(make_record, dcgan=[9.0]))
    assert [(column.label, column.note) for column in cells.columns][2:4] == [
        ("FD (classifier) ↓", "N = 1,000 / 360"),
        ("Precision ↑", "N = 1,000 / 360"),
    ]
    assert cells.floor is not None
    assert cells.floor[:4] == ["real images (floor)", "", "0.800 (N = 360)", ""]


def test_one_seed_is_neither_ranked_nor_given_an_error(make_record: MakeRecord) -> None:
    table = table_of(make_record, dcgan=[9.0], vae=[31.0])
    cells = grid(table)
    assert "Rank" not in [column.label for column in cells.columns]
    assert not any("±" in cell.text for row in cells.rows for cell in row)
    assert "too few seeds" in note(table)
    assert "±" not in note(table)


def test_the_features_stand_in_the_heading_of_the_distance_alone(make_record: MakeRecord) -> None:
    scores = {
        key: Score(value=0.5, label=label, better="lower", n_generated=9, n_reference=9)
        for key, label in {"fd_classifier": "FD (classifier)", "recall_classifier": "Recall (classifier)"}.items()
    }
    (table,) = tables_of([make_record(metrics=scores)])
    labels = [column.label for column in grid(table).columns]
    assert "FD (classifier) ↓" in labels
    assert "Recall ↓" in labels


def test_the_distance_says_its_features_where_another_score_comes_first(restored: Comparison) -> None:
    (table,) = restored.tables()
    assert [column.label for column in grid(table).columns][3:5] == ["PSNR (dB) ↑", "FD (classifier) ↓"]


def test_one_seed_shows_the_interval_of_its_images(make_record: MakeRecord) -> None:
    scored = Score(value=0.5, label="FD", better="lower", n_generated=9, n_reference=9, interval=(0.4, 0.6))
    (table,) = tables_of([make_record(metrics={"fd_pixels": scored})])
    assert "0.500 [0.400, 0.600]" in [cell.text for cell in grid(table).rows[0]]
    assert "For one seed, a 95 % interval" in note(table)
    assert in_full(scored.model_copy(update={"floor": 0.25})) == "FD 0.5000 [0.4000, 0.6000], floor 0.2500, N = 9 / 9"


def test_what_sets_a_table_apart_is_said_below_it(make_record: MakeRecord) -> None:
    _, table = tables_of([make_record(), make_record(protocol=load_protocol("digits"))])
    assert "Not in the table before because of protocol: none, digits v1." in note(table)
    assert ("Protocol", "digits v1") in facts(table)


def test_a_likelihood_has_reference_images_alone(make_record: MakeRecord) -> None:
    scored = Score(value=3.5, label="Bits/dim", better="lower", n_generated=0, n_reference=359)
    (table,) = tables_of([make_record(metrics={"bits_per_dim": scored})])
    assert "N = 359" in [column.note for column in grid(table).columns]


def test_speed_collapses_and_the_other_checkpoint_have_columns_where_they_are_known(make_record: MakeRecord) -> None:
    score = Score(value=7.0, label="FD", better="lower", n_generated=9, n_reference=9)
    other = OtherCheckpoint(rule="best", checkpoint=500, metrics={"fd_classifier": score})
    varieties = {seed: 0.9 if seed else 0.1 for seed in range(2)}
    records = [
        make_record(
            seed=seed,
            other_checkpoint=other,
            sampling=Sampling(images_per_second=1234.0, batch=256, runtime="", variety=variety),
        )
        for seed, variety in varieties.items()
    ]
    (table,) = tables_of(records)
    cells = grid(table)
    found = {column[:2]: cell for column, cell in zip(cells.columns, cells.rows[0], strict=True)}
    assert found["Sampling", "images/s"].text == "1,234"
    assert found["Collapsed", "seeds"].text == "1 of 2"
    assert found["FD (classifier) ↓", "best checkpoint"].text.startswith("7.0")
    assert "vary less than 25% as much" in note(table)


def test_the_correction_is_told_with_its_number_of_tests(make_record: MakeRecord) -> None:
    table = table_of(make_record, a=[1.0, 1.1], b=[5.0, 5.1], c=[9.0, 9.1])
    assert "after Holm's correction for 3 tests" in note(table)
    assert [(pair.worse, pair.significant) for pair in against_first(table)] == [("b", True), ("c", True)]


def test_a_rank_is_the_places_that_the_tests_leave(make_record: MakeRecord) -> None:
    table = table_of(make_record, a=[1.0, 1.1], b=[5.0, 5.1], c=[5.05, 5.15], d=[math.nan, 9.0])
    assert [(row[0].text, row[0].value) for row in grid(table).rows] == [
        ("1", 1.0),
        ("2–3", 2.5),
        ("2–3", 2.5),
        ("–", None),
    ]
    assert "Rank: the places that the tests leave a model" in note(table)


def test_a_score_that_is_not_finite_is_sorted_as_if_it_were_not_there(make_record: MakeRecord) -> None:
    cells = grid(table_of(make_record, a=[1.0], b=[math.nan], c=[math.inf]))
    place = [column.label for column in cells.columns].index("FD (classifier) ↓")
    assert [(row[place].text, row[place].value) for row in cells.rows] == [("1.00", 1.0), ("nan", None), ("inf", None)]


def test_seconds_of_different_machines_are_said_not_to_compare(make_record: MakeRecord) -> None:
    machines = (
        {"device": "cpu", "cores": 2, "backend": "jax"},
        {"device": "gpu H200", "cores": 16, "backend": "torch"},
    )
    records = [make_record(m, environment=e) for m, e in zip(("a", "b"), machines, strict=True)]
    (table,) = tables_of(records)
    assert "different machines: cpu, 2 cores, jax; gpu H200, 16 cores, torch." in note(table)
    (alike,) = tables_of([make_record("a"), make_record("b")])
    assert "different machines" not in note(alike)
    heads = [column.label for column in grid(table).columns]
    assert not any(EFFICIENT in row[heads.index("Training")].text for row in grid(table).rows)
    assert any(EFFICIENT in row[heads.index("Parameters")].text for row in grid(table).rows)
