"""The comparison as one figure, PNG or SVG, for a paper or a slide."""

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.summaries import Summary
from zoo_core.comparing.tables import Table
from zoo_core.reporting.curves import COLOURS
from zoo_core.reporting.words import heading, seconds_of
from zoo_core.runs import RunFolder
from zoo_core.training.plots import STYLE
from zoo_core.training.selection import PREFIX

WIDTH, HEIGHT = 4.2, 2.9  # inches, of one panel
DOTS = 200  # an inch
CHARACTERS, LINE = 65, 0.13  # of the text below: how many fit below one panel, and the height of a line in inches


def figure(comparison: Comparison, runs: Mapping[str, Path], form: str) -> bytes:
    """A row of panels for each table: the ranked scores with their 95 % intervals and the floor, the scores against
    seconds of training with the Pareto front, and, where runs were scored while they trained, held-out scores against
    images seen. What is not in the panels is named below them: failed runs, and models without a finite score. The same
    results give the same bytes.

    Args:
        runs: as in `write_report`.
        form: "png" or "svg".
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    tables = [table for table in comparison.tables() if table.ranked_by is not None]
    picture = io.BytesIO()
    with mpl.rc_context(STYLE):
        logs = [_logs(table, runs) for table in tables]
        panels = 3 if any(map(any, logs)) else 2
        tall = [max(HEIGHT, 0.24 * len(table.summaries) + 1) for table in tables] or [HEIGHT]
        missing = _missing(comparison, tables, CHARACTERS * panels)
        drawn = Figure((WIDTH * panels, sum(tall) + LINE * len(missing)), layout="constrained")
        rows = drawn.subplots(max(1, len(tables)), panels, squeeze=False, height_ratios=tall)
        for axes, table, log in zip(rows, tables, logs, strict=False):
            _scores(axes[0], table)
            _costs(axes[1], table)
            for unused in axes[2:]:
                _progress(unused, table, log) if any(log) else unused.set_axis_off()
        for axes in rows[len(tables) :]:
            for empty in axes:
                empty.set_axis_off()
        if missing:
            drawn.supxlabel("\n".join(missing), x=0.01, ha="left", fontsize="small")
        drawn.savefig(picture, format=form, dpi=DOTS, metadata={"Date": None} if form == "svg" else None)
    return picture.getvalue()


Log = list[tuple[float, float]]
"""Images seen and the held-out score, for one seed."""


def _logs(table: Table, runs: Mapping[str, Path]) -> list[list[Log]]:
    """For each summary those of its seeds that were scored."""
    found = []
    for summary in table.summaries:
        seeds = [RunFolder(runs[run]).metrics() for run in summary.runs if run in runs]
        logs = [[(line["images"], line[k]) for line in seed for k in line if k.startswith(PREFIX)] for seed in seeds]
        found.append([log for log in logs if log])
    return found


def _measured(table: Table) -> list[Summary]:
    key = table.ranked_by
    return [s for s in table.summaries if key in s.metrics and math.isfinite(s.metrics[key].mean)]


def _missing(comparison: Comparison, tables: Sequence[Table], width: int) -> list[str]:
    """Who is not in the panels, in lines of so many characters."""
    lines = [f"failed: {comparison.name_of(failure)}" for failure in comparison.failures]
    for table in tables:
        drawn = _measured(table)
        left_out = [summary.label for summary in table.summaries if summary not in drawn]
        label = table.columns()[table.ranked_by or ""].label
        lines += [f"{heading(table)}, without a finite {label}: {', '.join(left_out)}"] if left_out else []
    return [part for line in lines for part in textwrap.wrap(line, width)]


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _scores(axes: Any, table: Table) -> None:
    key = table.ranked_by or ""
    summaries = _measured(table)
    for place, summary in enumerate(summaries):
        metric = summary.metrics[key]
        interval = metric.interval or metric.sampling_interval
        if interval:
            axes.plot(interval, [place, place], color=_colour(place), linewidth=1.5)
        axes.plot(metric.values, [place] * len(metric.values), "|", color=_colour(place), markersize=6)
        axes.plot([metric.mean], [place], "o", color=_colour(place), markersize=5)
    floors = [s.metrics[key].floor for s in summaries if s.metrics[key].floor is not None]
    if floors:
        axes.axvline(floors[0], color="#7a7f87", linestyle=":", linewidth=1, label="real images")
        axes.legend(frameon=False, fontsize="small")
    axes.set_yticks(range(len(summaries)), [summary.label for summary in summaries])
    axes.invert_yaxis()
    axes.set_xlabel(f"{summaries[0].metrics[key].label}, 95 % interval" if summaries else "")
    axes.set_title(heading(table), fontsize="medium", loc="left")


def _costs(axes: Any, table: Table) -> None:
    key = table.ranked_by or ""
    summaries = _measured(table)
    for place, summary in enumerate(summaries):
        axes.plot([summary.seconds], [summary.metrics[key].mean], "o", color=_colour(place), markersize=5)
        axes.annotate(summary.label, (summary.seconds, summary.metrics[key].mean), (4, 4), textcoords="offset points")
    front = sorted((s.seconds, s.metrics[key].mean) for s in summaries if "seconds" in s.efficient)
    axes.step(*zip(*front, strict=True) if front else ([], []), where="post", color="#7a7f87", linestyle=":")
    times = [summary.seconds for summary in summaries]
    if times and min(times) > 0:
        axes.set_xscale("log", subs=(2, 5) if max(times) > 5 * min(times) else range(2, 10))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="x", which="both", labelsize="small", length=3)
    axes.margins(x=0.2)
    axes.set_xlabel(seconds_of(table))
    axes.set_ylabel(summaries[0].metrics[key].label if summaries else "")


def _progress(axes: Any, table: Table, logs: Sequence[Sequence[Log]]) -> None:
    for place, (summary, seeds) in enumerate(zip(table.summaries, logs, strict=True)):
        for number, log in enumerate(seeds):
            axes.plot(
                *zip(*log, strict=True), color=_colour(place), linewidth=1, label=None if number else summary.label
            )
    axes.set_yscale("log", subs=(2, 5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("images seen")
    axes.set_ylabel("held-out score")
    axes.legend(frameon=False, fontsize="small")
