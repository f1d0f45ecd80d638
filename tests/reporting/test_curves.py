import json
import math
import re

from zoo_core.reporting.curves import POINTS, chart


def traces(fragment: str) -> list[dict]:
    """What the page hands to plotly."""
    match = re.search(r'Plotly\.newPlot\(\s*"curves",\s*(\[.*?\]),\s*\{"', fragment, re.DOTALL)
    assert match
    return json.loads(match[1])


def run(values: list[float], key: str = "vae/loss") -> list[dict[str, float]]:
    return [{"step": n, "images": 64 * n, "seconds": 1.0, key: value} for n, value in enumerate(values, 1)]


def test_one_seed_is_one_line_over_the_images_seen() -> None:
    (line,) = traces(chart([run([3.0, 2.0, 1.0])], "curves"))
    assert (line["x"], line["y"], line["name"]) == ([64, 128, 192], [3.0, 2.0, 1.0], "vae loss")


def test_seeds_are_faint_and_their_mean_covers_what_they_share() -> None:
    first, second, mean = traces(chart([run([3.0, 2.0, 1.0]), run([5.0, 4.0])], "curves"))
    assert first["opacity"] < 1
    assert first["y"] == [3.0, 2.0, 1.0]
    assert second["y"] == [5.0, 4.0]
    assert (mean["x"], mean["y"]) == ([64, 128], [4.0, 3.0])


def test_what_is_not_a_loss_waits_in_the_legend() -> None:
    lines = [{"images": 64, "gan/accuracy": 0.5, "gan/loss": 1.0}]
    assert [(line["name"], line["visible"]) for line in traces(chart([lines], "curves"))] == [
        ("gan loss", True),
        ("gan accuracy", "legendonly"),
    ]


def test_values_that_are_not_finite_are_gaps() -> None:
    (line,) = traces(chart([run([3.0, math.nan, math.inf, 1.0])], "curves"))
    assert line["y"] == [3.0, None, None, 1.0]


def test_long_runs_are_thinned() -> None:
    (line,) = traces(chart([run([1.0] * (10 * POINTS + 1))], "curves"))
    assert len(line["x"]) <= POINTS


def test_nothing_logged_is_no_chart() -> None:
    assert chart([[], []], "curves") == ""
