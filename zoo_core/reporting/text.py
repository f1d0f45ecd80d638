"""The ranked tables as text: for a terminal, and for a page on GitHub."""

import re

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from zoo_core.comparing.diff import Difference
from zoo_core.comparing.results import Comparison
from zoo_core.comparing.statistics import SIGNIFICANCE
from zoo_core.reporting.words import NOT_MEASURED, Grid, facts, grid, heading, note, number, texts

GAP = 2
"""Blanks between columns."""

UNLIMITED = 100_000
"""The width of a pipe."""


def markdown_table(comparison: Comparison) -> str:
    """The tables in GitHub's Markdown, each under a heading with what makes its rows comparable; failures last."""
    parts = []
    for table in comparison.tables():
        cells = grid(table)
        header = [f"{column.label}\n{column.note}".rstrip() for column in cells.columns]
        lines = [_markdown_row(row) for row in [header, *texts(cells)]]
        lines.insert(1, "|" + "|".join(" ---: " if column.numeric else " :--- " for column in cells.columns) + "|")
        about = "; ".join(f"{term.lower()}: {_escape(fact)}" for term, fact in facts(table))
        parts += [f"### {_escape(heading(table))}", about, "\n".join(lines), note(table)]
    if comparison.failures:
        lines = [f"- {_escape(line)}" for line in comparison.failed_runs()]
        parts += ["### Failed runs", "\n".join(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def print_table(comparison: Comparison, console: Console) -> None:
    """Print the tables: in blocks of columns where the terminal is narrow, plain and in one piece on a pipe. Failures
    last."""
    for table in comparison.tables():
        cells = grid(table)
        console.print(Text(heading(table), style="bold"), soft_wrap=True)
        console.print(Text("; ".join(f"{term.lower()}: {fact}" for term, fact in facts(table))), soft_wrap=True)
        console.print()
        for columns in _blocks(cells, console.width if console.is_terminal else UNLIMITED):
            _print_whole(_rich(cells, columns), console)
        console.print(Text(note(table)), soft_wrap=not console.is_terminal)
        console.print()
    for line in comparison.failed_runs():
        console.print(Text(f"failed: {line}", style="red"), soft_wrap=True)


def print_difference(difference: Difference, console: Console) -> None:
    """Print what changed, model by model: what was set differently, then the scores."""
    printed = RichTable(box=None, padding=(0, GAP, 0, 0), header_style="bold")
    for label in ("model", "data", "metric", "before", "after", "p, corrected", ""):
        printed.add_column(label, justify="right" if label in ("before", "after", "p, corrected") else "left")
    for change in difference.changes:
        p = NOT_MEASURED if change.p is None else number(change.p)
        values = [_with_error(change.before, change.before_error), _with_error(change.after, change.after_error)]
        style = {"better": "green", "worse": "red"}.get(change.verdict, "")
        cells = [change.model, change.data, change.label, *values, p, change.verdict]
        printed.add_row(*(Text(cell) for cell in cells), style=style)
    if difference.changes:
        _print_whole(printed, console)
        console.print(
            f"better, worse: p < {SIGNIFICANCE} by Welch's two-sided t-test over training seeds, after Holm's "
            "correction for all metrics of all models here.",
            soft_wrap=True,
        )
    lists = {
        **{f"{name} was made differently": found for name, found in difference.settings.items()},
        **{f"{name} can't be compared": found for name, found in difference.unlike.items()},
        "only before": difference.gone,
        "only after": difference.new,
        "failed before": difference.failures_before,
        "failed": difference.failures,
    }
    for title, found in lists.items():
        for line in found:
            console.print(Text(f"{title}: {line}"), soft_wrap=True)


def _print_whole(table: RichTable, console: Console) -> None:
    """In its own width, because rich would fit it to the 80 columns that it takes a pipe to have."""
    table.width = console.measure(table, options=console.options.update(max_width=UNLIMITED)).maximum
    console.print(table, crop=False)
    console.print()


def _with_error(mean: float, error: float | None) -> str:
    return number(mean) if error is None else f"{number(mean)} ± {error:.2g}"


def _blocks(cells: Grid, width: int) -> list[list[int]]:
    """The numbers of the columns that fit beside each other; each block has the column with the models' names."""
    names = next(place for place, column in enumerate(cells.columns) if not column.numeric)
    rows = texts(cells)
    cells_of = ([column.label, column.note, *(row[n] for row in rows)] for n, column in enumerate(cells.columns))
    sizes = [GAP + max(map(cell_len, column)) for column in cells_of]
    blocks: list[list[int]] = [[]]
    room = width
    for place, size in enumerate(sizes):
        if size > room and names in blocks[-1][:-1]:
            blocks.append([names])
            room = width - sizes[names]
        blocks[-1].append(place)
        room -= size
    return blocks


def _rich(cells: Grid, columns: list[int]) -> RichTable:
    printed = RichTable(box=None, padding=(0, GAP, 0, 0), header_style="bold")
    for place in columns:
        label, below, numeric = cells.columns[place]
        printed.add_column(Text(f"{label}\n{below}".rstrip()), justify="right" if numeric else "left", no_wrap=True)
    for row in cells.rows:
        printed.add_row(*(Text(row[place].text) for place in columns))
    if cells.floor:
        printed.add_row(*(Text(cells.floor[place]) for place in columns), style="dim")
    return printed


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(_escape(cell).replace("\n", "<br>") for cell in cells) + " |"


def _escape(text: str) -> str:
    """Plain text as Markdown: what GitHub would read as markup or as the end of a cell is escaped."""
    return re.sub(r"([\\`*\[\]<>|~])", r"\\\1", text)
