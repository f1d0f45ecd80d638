"""The course of a run as a picture: losses, held-out scores and learning rates against images seen."""

import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from zoo_core.files import write_bytes
from zoo_core.runs import RunFolder
from zoo_core.training.selection import PREFIX

COLOURS = ("#2f7ebc", "#c8642a", "#1f9a83", "#b8559b", "#8a7a1f", "#7a7f87")
"""Told apart by the colour-blind, and at least 3:1 against white."""

POINTS = 500
"""At most so many points a line, each the mean of its lines of `metrics.jsonl`: more can't be seen."""

WIDTH, HEIGHT = 7.0, 2.2  # inches, of one panel

STYLE = {
    "svg.hashsalt": "zoo",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a `$` in the name of a folder is one
}
"""Of matplotlib, for every picture of the zoo."""


def write_curves(run: RunFolder) -> None:
    """Write `curves.svg`: a panel for each kind of curve that was logged. The same log gives the same bytes.

    Raises:
        NotWritten: where the disk is full.
    """
    # here, since a run starts sooner without it
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    panels = {title: curves for title, curves in _panels(run.metrics()).items() if curves}
    if not panels:
        return
    picture = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, 0.4 + HEIGHT * len(panels)), layout="constrained")
        all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
            _draw(axes, title, curves)
        all_axes[-1].set_xlabel("images seen")
        all_axes[-1].xaxis.set_major_formatter(EngFormatter(sep=""))  # 20k, 3M
        figure.suptitle(run.description().label, fontsize="medium")
        figure.savefig(picture, format="svg", metadata={"Date": None})
    write_bytes(run.curves_file, picture.getvalue())


Curves = dict[str, list[tuple[float, float]]]
"""By name: images seen and value."""


def _panels(lines: Iterable[Mapping[str, float]]) -> dict[str, Curves]:
    """The curves of each panel, by its title."""
    panels: dict[str, Curves] = {"loss": {}, "held-out score": {}, "learning rate": {}}
    for line in lines:
        for key, value in line.items():
            phase, _, name = key.rpartition("/")
            if name in ("loss", "learning_rate"):
                panels[name.replace("_", " ")].setdefault(phase, []).append((line["images"], value))
            elif key.startswith(PREFIX):
                panels["held-out score"].setdefault(name, []).append((line["images"], value))
    return panels


def _draw(axes: Any, title: str, curves: Curves) -> None:
    for (name, points), colour in zip(_merged(curves).items(), COLOURS * len(curves), strict=False):
        images, values = zip(*_thinned(points), strict=True)
        marker = "." if len(points) < 50 else None
        axes.plot(images, values, color=colour, linewidth=1.2, marker=marker, markersize=4, label=name)
    if title == "held-out score":
        ((_, points),) = curves.items()
        where, best = min(points, key=lambda point: point[1])
        axes.plot([where], [best], "o", color=COLOURS[1], markersize=6, label=f"best: {best:.4g}")
        if max(score for _, score in points) > 3 * best > 0:
            axes.set_yscale("log", subs=(2, 3, 5))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_ylabel(title)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=4)


def _merged(curves: Curves) -> Curves:
    """One curve in place of those that cover each other, such as equal learning rates."""
    return {", ".join(name for name in curves if curves[name] == points): points for points in curves.values()}


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
