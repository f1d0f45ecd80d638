"""Interactive charts, as plotly.js draws them: what was logged while models trained, and quality against cost."""

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from zoo_core.comparing.summaries import Summary
from zoo_core.comparing.tables import Table
from zoo_core.reporting.words import seconds_of
from zoo_core.training.selection import PREFIX

COLOURS = ("#2f7ebc", "#c8642a", "#1f9a83", "#b8559b", "#8a7a1f", "#7a7f87")
"""Told apart by the colour-blind, and at least 3:1 against both white and the dark page."""

STYLES = [(colour, dash) for dash in ("solid", "dash", "dot") for colour in COLOURS]

POINTS = 200
"""At most so many points a line: more can't be seen."""

DIGITS = 5
"""Significant ones that a chart keeps of a number."""

Chart = dict[str, Any]
"""What plotly.js calls a figure, `data` and `layout`, or a part of one."""

Line = dict[str, float]
"""Of `metrics.jsonl`."""

script = get_plotlyjs
"""The source of plotly.js, for a page to contain once."""


def training_chart(runs: Sequence[list[Line]]) -> Chart | None:
    """Everything that a model's phases logged, against images seen; None where nothing was.

    Args:
        runs: for each seed the lines of its `metrics.jsonl`. With several seeds each is a faint line and their mean,
            where all of them have logged, a strong one.
    """
    keys = {key: None for lines in runs for line in lines for key in line if "/" in key and not key.startswith(PREFIX)}
    figure = go.Figure()
    for number, key in enumerate(sorted(keys, key=lambda key: not key.endswith("/loss"))):
        # what isn't a loss has a scale of its own: it is there for who clicks on it
        visible = True if key.endswith("/loss") else "legendonly"
        name, colour = html.escape(key.replace("/", " ")), COLOURS[number % len(COLOURS)]
        _add_curves(figure, runs, "images", key, name, colour, visible=visible)
    return _chart(figure, xaxis=_axis("images seen"), yaxis=_axis("loss")) if keys else None


def held_out_chart(table: Table, runs: Sequence[Sequence[list[Line]]], x: Literal["images", "seconds"]) -> Chart | None:
    """The held-out scores of all models while they trained; None where no run was scored.

    Args:
        runs: for each of the table's summaries the lines of each seed.
        x: against images seen, or seconds of training.
    """
    keys = {key: None for lines in itertools.chain(*runs) for line in lines for key in line if key.startswith(PREFIX)}
    if not keys:
        return None
    figure = go.Figure()
    for summary, lines, (colour, dash) in zip(table.summaries, runs, itertools.cycle(STYLES)):
        # all runs of a table are scored by the same distance
        _add_curves(figure, lines, x, next(iter(keys)), html.escape(summary.label), colour, dash)
    doubling = {"type": "log", "dtick": math.log10(2), "tickformat": ".3~g"}
    title = {"images": "images seen", "seconds": seconds_of(table)}[x]
    return _chart(figure, xaxis=_axis(title), yaxis=_axis("held-out score", **doubling))


def cost_chart(table: Table, cost: Literal["seconds", "parameters"]) -> Chart | None:
    """The ranking score of each model with its interval against seconds of training or parameters, the Pareto front
    drawn where there is one; None for fewer than two models that have a score."""
    key = table.ranked_by
    scored = [s for s in table.summaries if key in s.metrics and math.isfinite(s.metrics[key].mean)]
    if key is None or len(scored) < 2:
        return None
    figure = go.Figure()
    front = sorted((s for s in scored if cost in s.efficient), key=lambda s: getattr(s, cost))
    if front:
        figure.add_scatter(
            x=_short(getattr(s, cost) for s in front),
            y=_short(s.metrics[key].mean for s in front),
            mode="lines",
            line={"color": COLOURS[-1], "width": 1.5, "dash": "dot", "shape": "hv"},
            name="Pareto front",
            hoverinfo="skip",
        )
    for summary, (colour, _) in zip(scored, itertools.cycle(STYLES)):
        figure.add_scatter(
            x=_short([getattr(summary, cost)]),
            y=_short([summary.metrics[key].mean]),
            error_y=_reach(summary, key),
            mode="markers",
            marker={"color": colour, "size": 10, "symbol": "diamond" if cost in summary.efficient else "circle"},
            name=html.escape(summary.label),
        )
    title = {"seconds": seconds_of(table), "parameters": "parameters"}[cost]
    label = scored[0].metrics[key].label
    across = _axis(title, type="log", dtick="D2", tickformat="~s")  # 100k, 200k, 500k, 1M
    return _chart(figure, xaxis=across, yaxis=_axis(f"{label}, 95 % interval"), hovermode="closest")


def _reach(summary: Summary, key: str) -> Chart:
    metric = summary.metrics[key]
    interval = metric.interval or metric.sampling_interval
    if interval is None:
        return {"visible": False}
    reach = {"array": _short([interval[1] - metric.mean]), "arrayminus": _short([metric.mean - interval[0]])}
    return {"type": "data", "symmetric": False, "thickness": 1.2, **reach}


def _add_curves(
    figure: go.Figure,
    runs: Sequence[list[Line]],
    x: str,
    key: str,
    name: str,
    colour: str,
    dash: str = "solid",
    visible: bool | str = True,
) -> None:
    curves = _curves(runs, x, key)
    common = {"mode": "lines", "visible": visible, "legendgroup": name}
    for curve in curves if len(curves) > 1 else []:
        line = {"color": colour, "width": 1, "dash": dash}
        figure.add_scatter(
            **_points(curve.values()), line=line, opacity=0.4, showlegend=False, hoverinfo="skip", **common
        )
    line = {"color": colour, "width": 2, "dash": dash}
    figure.add_scatter(**_points(_mean(curves)), line=line, name=name, **common)


Curve = dict[float, tuple[float, float]]
"""By step: x and y."""


def _curves(runs: Sequence[list[Line]], x: str, key: str) -> list[Curve]:
    """Those of each run; all of them thinned alike."""
    having = [[line for line in lines if key in line] for lines in runs]
    stride = math.ceil(max(map(len, having)) / POINTS)
    return [{line["step"]: (line[x], line[key]) for line in lines[:: max(1, stride)]} for lines in having]


def _mean(curves: list[Curve]) -> list[tuple[float, float]]:
    """Their mean, where all of them have a value."""
    shared = [step for step in curves[0] if all(step in curve for curve in curves)]
    at = ([curve[step] for curve in curves] for step in shared)
    return [(sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)) for points in at]


def _points(points: Iterable[tuple[float, float]]) -> dict[str, list[float]]:
    points = list(points)
    return {"x": _short(x for x, _ in points), "y": _short(y for _, y in points)}


def _short(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


_QUIET: Chart = {"zeroline": False, "showspikes": False, "hoverformat": ".4g"}


def _axis(title: str, **settings: Any) -> Chart:
    return {"title": {"text": title, "font": {"size": 13}}, "nticks": 6, **_QUIET, **settings}


def _chart(figure: go.Figure, **layout: Any) -> Chart:
    figure.update_layout(
        template="none",
        height=340,
        margin={"l": 60, "r": 12, "t": 8, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": 'Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif', "size": 13},
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **{"hovermode": "x unified", **layout},
    )
    return figure.to_plotly_json()
