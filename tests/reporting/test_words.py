import math
from collections.abc import Callable

import pytest

from zoo_core.comparing.tables import Table, tables_of
from zoo_core.evaluation.record import Record
from zoo_core.reporting.words import answer, grid, note

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
        ({"vae": [None]}, "the models are not ranked"),
        (
            {"a": [9.0, 9.9], "b": [9.1, 9.9], "c": [9.2, 9.9], "d": [50.0, 50.1]},
            "not significantly below b or c;",
        ),
    ],
)
def test_the_answer_claims_no_more_than_the_seeds_allow(
    make_record: MakeRecord, scores: dict[str, list[float | None]], expected: str
) -> None:
    assert expected in answer(table_of(make_record, **scores))


def test_a_column_has_the_same_decimals_throughout_and_enough_for_its_errors(make_record: MakeRecord) -> None:
    cells = grid(table_of(make_record, dcgan=[104.26, 104.30], vae=[210.0, 230.0]))
    assert [row[3] for row in cells.rows] == ["104.3 ± 0.0", "220.0 ± 10.0"]


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
    assert not any("±" in cell for row in cells.rows for cell in row)
    assert "too few seeds" in note(table)
    assert "±" not in note(table)
