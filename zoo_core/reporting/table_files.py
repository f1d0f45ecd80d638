"""The tables as files: LaTeX for a paper, and tidy CSV for whatever reads it."""

import csv
import io
import re

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.summaries import Aggregate, Summary
from zoo_core.comparing.tables import Table
from zoo_core.reporting.words import facts, grid, heading, note, texts

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "|": r"\textbar{}",
    "◆": r"$\diamond$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "<": r"$<$",
    ">": r"$>$",
}
"""What is markup in LaTeX, or not in its fonts."""


def latex_table(comparison: Comparison) -> str:
    """A `table*` with booktabs for each table, and a comment for each failed run. It needs \\usepackage{booktabs,
    graphicx}."""
    failed = [f"% failed: {line}\n" for line in comparison.failed_runs()]
    tables = "\n".join(_latex(table) for table in comparison.tables())
    return "".join(["% \\usepackage{booktabs, graphicx}\n", *failed, tables])


def _latex(table: Table) -> str:
    cells = grid(table)
    rows = [_latex_row(row) for row in texts(cells)]
    if cells.floor:
        rows.insert(-1, r"\midrule")
    heads = [[column.label for column in cells.columns], [column.note for column in cells.columns]]
    about = "; ".join(f"{term.lower()}: {fact}" for term, fact in facts(table))
    lines = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{_escaped(f'{heading(table)}; {about}. {note(table)}')}}}",
        r"\medskip",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in cells.columns)}}}",
        r"\toprule",
        *map(_latex_row, heads),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: list[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(text: str) -> str:
    found = "|".join(map(re.escape, LATEX))
    return re.sub(found, lambda match: LATEX[match.group()], " ".join(text.split()))


COLUMNS = (
    "table",
    "data",
    "protocol",
    "model",
    "checkpoint",
    "rank_first",
    "rank_last",
    "seeds",
    "failed_seeds",
    "metric",
    "label",
    "better",
    "mean",
    "standard_error",
    "low",
    "high",
    "sampling_error",
    "floor",
    "n_generated",
    "n_reference",
    "values",
    "images_seen",
    "seconds",
    "parameters",
    "images_per_second",
    "collapsed",
    "collapse_known",
    "failure",
)


def csv_table(comparison: Comparison) -> str:
    """A row for each model and metric, unrounded; empty where something is not known. `low` and `high` are Student's
    95 % interval over seeds, or the interval from the draw of the images where there is but one; `values` one for each
    seed that has the metric, divided by blanks; `rank_first` to `rank_last` the places that the tests leave a model.
    Then a row for each failed run, which alone has a `failure`: which run it was, and why it failed.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, table in enumerate(comparison.tables(), start=1):
        for summary in table.summaries:
            about = {"table": number, "data": table.data.name, "protocol": table.protocol or ""} | _about(summary)
            for key, metric in summary.metrics.items():
                writer.writerow(about | {"metric": key} | _numbers(metric))
    for failure, line in zip(comparison.failures, comparison.failed_runs(), strict=True):
        writer.writerow({"data": failure.data, "model": failure.model, "failure": line})
    return text.getvalue()


def _about(summary: Summary) -> dict[str, object]:
    collapses = summary.collapses
    first, last = summary.rank or ("", "")
    return {
        "model": summary.label,
        "checkpoint": summary.checkpoint,
        "rank_first": first,
        "rank_last": last,
        "seeds": len(summary.seeds),
        "failed_seeds": len(summary.failed),
        "images_seen": summary.images_seen,
        "seconds": summary.seconds,
        "parameters": summary.parameters,
        "images_per_second": summary.sampling_speed,
        "collapsed": collapses and collapses.count,
        "collapse_known": collapses and collapses.of,
    }


def _numbers(metric: Aggregate) -> dict[str, object]:
    low, high = metric.interval or metric.sampling_interval or ("", "")
    return {
        **metric.model_dump(include={"label", "better", "mean", "standard_error", "sampling_error", "floor"}),
        **metric.model_dump(include={"n_generated", "n_reference"}),
        "low": low,
        "high": high,
        "values": " ".join(map(repr, metric.values)),
    }
