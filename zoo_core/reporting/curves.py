"""Training curves: one interactive chart for each model."""

import html
import math

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

COLOURS = ("#2f7ebc", "#c8642a", "#1f9a83", "#b8559b", "#8a7a1f", "#7a7f87")
"""Told apart by the colour-blind, and at least 3:1 against both white and the dark page."""

POINTS = 500
"""At most so many points a line: more can't be seen."""

script = get_plotlyjs
"""The source of plotly.js, for a page to contain once."""


def chart(runs: list[list[dict[str, float]]], identifier: str) -> str:
    """The curves of one model as an HTML fragment.

    Args:
        runs: for each seed the lines of its `metrics.jsonl`. With several seeds each is a faint line and their mean,
            where all of them have logged, a strong one.
        identifier: of the HTML element, unique in the page.

    Returns:
        A `div` and its script, which needs plotly.js in the page; "" where nothing was logged.
    """
    figure = go.Figure()
    keys = {key: None for lines in runs for line in lines for key in line if "/" in key}
    for number, key in enumerate(sorted(keys, key=lambda key: not key.endswith("/loss"))):
        colour = COLOURS[number % len(COLOURS)]
        # what isn't a loss has a scale of its own: it is there for who clicks on it
        visible = True if key.endswith("/loss") else "legendonly"
        curves = _curves(runs, key)
        for curve in curves if len(curves) > 1 else []:
            figure.add_scatter(
                **_points(curve),
                mode="lines",
                line={"color": colour, "width": 1},
                opacity=0.4,
                visible=visible,
                legendgroup=key,
                showlegend=False,
                hoverinfo="skip",
            )
        figure.add_scatter(
            **_points(_mean(curves)),
            mode="lines",
            line={"color": colour, "width": 2},
            visible=visible,
            legendgroup=key,
            name=html.escape(key.replace("/", " ")),
        )
    if not keys:
        return ""
    figure.update_layout(
        height=320,
        margin={"l": 56, "r": 12, "t": 8, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": 'Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif', "size": 13},
        hovermode="x unified",
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": "images seen", "zeroline": False, "showspikes": False, "hoverformat": ",d"},
        yaxis={"title": "loss", "zeroline": False, "hoverformat": ".4g"},
    )
    config = {"displaylogo": False, "responsive": True, "displayModeBar": False}
    return figure.to_html(full_html=False, include_plotlyjs=False, div_id=identifier, config=config)


def _curves(runs: list[list[dict[str, float]]], key: str) -> list[dict[float, float]]:
    """Images seen → value, for each run; all of them thinned alike."""
    having = [[line for line in lines if key in line] for lines in runs]
    stride = math.ceil(max(map(len, having)) / POINTS)
    return [{line["images"]: line[key] for line in lines[::stride]} for lines in having]


def _mean(curves: list[dict[float, float]]) -> dict[float, float]:
    """Their mean, where all of them have a value."""
    shared = [x for x in curves[0] if all(x in curve for curve in curves)]
    return {x: sum(curve[x] for curve in curves) / len(curves) for x in shared}


def _points(curve: dict[float, float]) -> dict[str, list[float]]:
    return {"x": list(curve), "y": list(curve.values())}
