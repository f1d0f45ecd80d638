import json
from collections.abc import Callable

import pytest

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.tables import tables_of
from zoo_core.evaluation.record import Record
from zoo_core.reporting.curves import POINTS, cost_chart, held_out_chart, training_chart

Line = dict[str, float]


def lines(count: int, key: str = "vae/loss", offset: float = 0.0) -> list[Line]:
    return [{"step": n, "images": 64 * n, "seconds": n / 7, key: 1 / n + offset} for n in range(1, count + 1)]


def test_one_seed_is_one_line() -> None:
    chart = training_chart([lines(10)])
    assert chart is not None
    (trace,) = chart["data"]
    assert trace["x"] == [64.0 * n for n in range(1, 11)]
    assert trace["y"][1] == 0.5


def test_several_seeds_are_faint_and_their_mean_is_strong() -> None:
    chart = training_chart([lines(10), lines(8, offset=1.0)])
    assert chart is not None
    *seeds, mean = chart["data"]
    assert [seed["opacity"] for seed in seeds] == [0.4, 0.4]
    assert len(mean["x"]) == 8  # where both have logged
    assert mean["y"][0] == 1.5


def test_long_runs_are_thinned_and_their_numbers_short() -> None:
    chart = training_chart([lines(10_000)])
    assert chart is not None
    (trace,) = chart["data"]
    assert len(trace["x"]) <= POINTS
    assert len(json.dumps(trace["y"])) < 12 * POINTS


def test_nothing_logged_is_no_chart() -> None:
    assert training_chart([[]]) is None
    assert training_chart([[{"step": 1, "images": 64, "select/fd_pixels": 3.0}]]) is None


def test_measures_that_are_no_losses_start_hidden() -> None:
    both = [line | {"vae/kl": 9.0} for line in lines(3)]
    chart = training_chart([both])
    assert chart is not None
    assert {trace["name"]: trace["visible"] for trace in chart["data"]} == {"vae loss": True, "vae kl": "legendonly"}


def test_held_out_scores_stand_against_images_and_seconds(make_record: Callable[..., Record]) -> None:
    (table,) = tables_of([make_record("dcgan"), make_record("vae", fd=20.0)])
    logs = [lines(5, "select/fd_classifier"), lines(5, "select/fd_classifier", 1.0)]
    for x, last in (("images", 320.0), ("seconds", pytest.approx(5 / 7, rel=1e-4))):
        chart = held_out_chart(table, [[log] for log in logs], x)
        assert chart is not None
        assert [(t["name"], t["x"][-1]) for t in chart["data"]] == [("dcgan", last), ("vae", last)]
        assert held_out_chart(table, [[lines(5)], [[]]], x) is None


def test_costs_show_intervals_and_the_front(make_record: Callable[..., Record]) -> None:
    scores = {"good": (10.0, 11.0), "bad": (30.0, 31.0)}
    (table,) = tables_of([make_record(m, seed, fd) for m, values in scores.items() for seed, fd in enumerate(values)])
    chart = cost_chart(table, "seconds")
    assert chart is not None
    marks = {trace["name"]: trace for trace in chart["data"] if trace["mode"] == "markers"}
    assert marks["good"]["y"] == [10.5]
    assert marks["good"]["error_y"]["array"][0] == pytest.approx(12.7062 * 0.5, rel=1e-4)
    assert marks["good"]["marker"]["symbol"] == "diamond"
    assert marks["bad"]["marker"]["symbol"] == "circle"
    unlike = [make_record(m, environment={"device": m}) for m in scores]
    (table,) = tables_of(unlike)
    chart = cost_chart(table, "seconds")
    assert chart is not None
    assert {trace["mode"] for trace in chart["data"]} == {"markers"}  # no front
    assert chart["layout"]["xaxis"]["title"]["text"] == "seconds of training, on different machines"
    (alone,) = tables_of([make_record("good")])
    assert cost_chart(alone, "parameters") is None


def test_where_more_is_better_the_front_rises(restored: Comparison) -> None:
    pix2pix, srgan = (restored.records[:2], restored.records[2:])
    (table,) = tables_of([*pix2pix, *(slower(record, 300.0) for record in srgan)])
    chart = cost_chart(table, "seconds")
    assert chart is not None
    front, *marks = chart["data"]
    assert (front["x"], front["y"]) == ([110.0, 300.0], [20.2, 25.0])
    assert [(mark["name"], mark["marker"]["symbol"]) for mark in marks] == [
        ("srgan", "diamond"),
        ("pix2pix", "diamond"),
    ]
    (table,) = tables_of([*srgan, *(slower(record, 300.0) for record in pix2pix)])
    chart = cost_chart(table, "seconds")
    assert chart is not None
    assert chart["data"][0]["y"] == [25.0]


def slower(record: Record, seconds: float) -> Record:
    assert record.source is not None
    cost = record.source.cost.model_copy(update={"seconds": seconds})
    return record.model_copy(update={"source": record.source.model_copy(update={"cost": cost})})
